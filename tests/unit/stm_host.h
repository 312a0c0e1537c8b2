/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STM on the host, for its unit tests: all of it but the serving threads, and what stands for the
 * Nucleus and the other servers. Operations are called as the serving threads call them, one at a
 * time. Where one waits, host.on_wait plays what others do meanwhile, and says how the wait ends.
 *
 * Memory of pipes comes from malloc, so ASan sees a ring that is used after its end.
 */
#ifndef TESTS_UNIT_STM_HOST_H
#define TESTS_UNIT_STM_HOST_H

#include "tests/unit/support.h"

#include <stdlib.h>

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "chorus/thread.h"
#include "idl/boot.h"
#include "idl/console.h"
#include "idl/pm.h"
#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"
/* The files under test. */
#include "lib/chorus/mutex.c"                  // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/call.c"           // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/channel.c"        // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/channel_send.c"   // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/channel_take.c"   // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/counter.c"        // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/epoll.c"          // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/fifo.c"           // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/launch.c"         // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/pipe.c"           // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/poll.c"           // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/server.c"         // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/signals.c"        // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/stream.c"         // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/terminal.c"       // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/terminal_ioctl.c" // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty.c"            // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_echo.c"       // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_input.c"      // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_output.c"     // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/wait.c"           // NOLINT(bugprone-suspicious-include)

#define HOST_FRAMES 64
#define HOST_SIGNALS 16
#define HOST_CALLS 8

struct host_frame {
    uint32_t type, stream, bytes;
    uint8_t payload[CHANNEL_PAYLOAD_MAX];
};

struct host {
    struct stm *stm;
    struct stm_who who;           /* of all calls */
    bool lose_reply;              /* the client goes before its next reply */
    const void *body[HOST_CALLS]; /* of the calls that are being served, one in another's wait */
    uint32_t calls;

    KnResult (*on_wait)(void); /* NULL: nobody may wait */
    uint32_t waits, wakes;
    uint64_t now_ns;
    int64_t last_delay_ns; /* of the last wait */

    uint32_t regions; /* of pipes, that are there */
    bool no_regions, no_frames, no_threads;

    struct host_frame frame[HOST_FRAMES]; /* that were sent to the launcher */
    uint32_t frame_count;
    KnResult frame_status;
    const char *launch; /* the record; NULL: there is no boot */
    uint32_t launch_bytes;
    const char *archive; /* member "stdin" */
    uint32_t drains;

    struct pm_signal_group_in signal[HOST_SIGNALS]; /* that were sent */
    uint32_t signal_count, halts;
    KnResult signal_status;
};

static struct host host;

/* ---- The Nucleus ----------------------------------------------------------------------------- */

KnResult syncWait(VmAddr word, uint32_t expected, int64_t delay_ns, uint32_t flags)
{
    KnResult status;

    (void)flags;
    assert_int_equal(host.stm->lock.mtState, 0);
    if (*(const uint32_t *)word != expected)
        return K_EAGAIN;
    assert_non_null(host.on_wait);
    host.last_delay_ns = delay_ns;
    assert_true(++host.waits < 1000000);
    status = host.on_wait();
    if (status == K_ETIMEOUT) {
        assert_true(delay_ns > 0);
        host.now_ns += (uint64_t)delay_ns;
    }
    return status;
}

KnResult syncWake(VmAddr word, uint32_t count)
{
    (void)word;
    (void)count;
    host.wakes++;
    return K_OK;
}

KnResult sysTime(uint64_t *time_ns)
{
    *time_ns = host.now_ns;
    return K_OK;
}

KnResult ipcGetData(KnMsgDesc *message)
{
    if (host.no_frames)
        return K_ENOMEM;
    memcpy((void *)message->bodyAddr, host.body[host.calls - 1], message->bodySize);
    return (KnResult)message->bodySize;
}

KnResult rgnAllocate(KnCap *actor, KnRgnDesc *region)
{
    (void)actor;
    if (host.no_regions)
        return K_ENOMEM;
    region->startAddr = (VmAddr)malloc(region->size);
    assert_int_not_equal(region->startAddr, 0);
    host.regions++;
    return K_OK;
}

KnResult rgnFree(KnCap *actor, KnRgnDesc *region)
{
    (void)actor;
    assert_true(host.regions > 0);
    host.regions--;
    free((void *)region->startAddr);
    return K_OK;
}

KnResult svBootInfo(KnBootInfo *info)
{
    *info = (KnBootInfo){.biStartNs = 1000};
    return K_OK;
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

void mem_write(VmAddr to, const void *from, size_t bytes)
{
    memcpy((void *)to, from, bytes);
}

KnResult log_print(const char *format, ...)
{
    (void)format;
    return K_OK;
}

const char *strSysError(KnResult error)
{
    (void)error;
    return "";
}

KnResult thread_launch(KnThreadLid *lid, void (*entry)(uintptr_t argument), uintptr_t argument,
                       VmSize stack_bytes, KnSchedParms *sched)
{
    (void)lid;
    (void)argument;
    (void)stack_bytes;
    (void)sched;
    assert_ptr_equal(entry, channel_take_all);
    return K_OK;
}

int threads_park(struct stm *stm)
{
    if (host.no_threads)
        return -ENOMEM;
    stm->threads.parked++;
    return 0;
}

void threads_unpark(struct stm *stm)
{
    stm->threads.parked--;
}

/* ---- Other servers --------------------------------------------------------------------------- */

KnResult service_client(struct idl_client *client, uint64_t stamp, void *body, uint32_t body_bytes)
{
    (void)stamp;
    *client = (struct idl_client){.body = body, .body_bytes = body_bytes};
    return K_OK;
}

KnResult boot_find(const struct idl_client *client, const struct boot_find_in *in,
                   struct boot_find_out *out)
{
    bool is_launch = strcmp(in->name, "launch") == 0;

    (void)client;
    if (host.launch == NULL || (!is_launch && host.archive == NULL))
        return K_EUNKNOWN;
    *out = (struct boot_find_out){.offset = is_launch ? 0 : 100000,
                                  .bytes = is_launch ? host.launch_bytes : strlen(host.archive)};
    return K_OK;
}

KnResult boot_read(const struct idl_client *client, const struct boot_read_in *in,
                   struct boot_read_out *out)
{
    bool is_launch = in->offset < 100000;

    (void)client;
    assert_true(in->count <= out->data_room);
    memcpy(out->data, is_launch ? host.launch + in->offset : host.archive + in->offset - 100000,
           in->count);
    out->data_bytes = in->count;
    return K_OK;
}

KnResult console_read(const struct idl_client *client, struct console_read_out *out)
{
    (void)client;
    (void)out;
    return K_EEND;
}

KnResult console_write(const struct idl_client *client, const struct console_write_in *in)
{
    struct host_frame *frame = &host.frame[host.frame_count];

    (void)client;
    assert_int_equal(host.stm->lock.mtState, 0);
    if (host.frame_status != K_OK)
        return host.frame_status;
    assert_true(host.frame_count < HOST_FRAMES && in->payload_bytes <= CHANNEL_PAYLOAD_MAX);
    *frame = (struct host_frame){in->type, in->stream, in->payload_bytes, {0}};
    memcpy(frame->payload, in->payload, in->payload_bytes);
    host.frame_count++;
    return K_OK;
}

KnResult console_drain(const struct idl_client *client)
{
    (void)client;
    host.drains++;
    return K_OK;
}

KnResult pm_signal_group(const struct idl_client *client, const struct pm_signal_group_in *in)
{
    (void)client;
    assert_int_equal(host.stm->lock.mtState, 0);
    assert_true(host.signal_count < HOST_SIGNALS);
    host.signal[host.signal_count++] = *in;
    return host.signal_status;
}

KnResult pm_halt(const struct idl_client *client)
{
    (void)client;
    host.halts++;
    return K_OK;
}

/* ---- Start and end --------------------------------------------------------------------------- */

static int host_start(void **state)
{
    struct stm *stm = calloc(1, sizeof(*stm));

    (void)state;
    assert_non_null(stm);
    host = (struct host){.stm = stm, .who = {.pid = 10, .group = 10, .session = 10}};
    streams_init(&stm->streams, 1);
    pipes_init(&stm->pipes);
    terminal_init(&stm->terminal);
    assert_int_equal(signals_init(&stm->signals), K_OK);
    return 0;
}

static int host_end(void **state)
{
    struct stm *stm = host.stm;
    uint32_t spare = 0;

    (void)state;
    assert_int_equal(stm->lock.mtState, 0);
    assert_int_equal(stm->threads.parked, 0);
    for (const struct free_place *place = stm->watches.places.free; place != NULL;
         place = place->next)
        spare++;
    assert_int_equal(spare, stm->watches.places.used); /* all were given back */
    for (uint32_t i = 0; i < stm->pipes.places.used; i++)
        free((void *)stm->pipes.pipe[i].memory);
    free(stm);
    return 0;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static struct call *call_begin(const void *body, uint32_t bytes)
{
    struct call *call = malloc(sizeof(*call));

    assert_non_null(call);
    memset(call, 0xa5, sizeof(*call));
    call->stm = host.stm;
    call->body_bytes = bytes;
    call->settle = NULL;
    call->opened[0] = call->opened[1] = NULL;
    memcpy(call->body, body, MIN(bytes, CALL_BODY_BYTES));
    assert_true(host.calls < HOST_CALLS);
    host.body[host.calls++] = body;
    lock_take(&host.stm->lock);
    return call;
}

/* The result as UNIX has it; a reply that was lost is -EINTR, as for a client that went. */
static long call_end(struct call *call, KnResult status, long result)
{
    bool lost = host.lose_reply;

    host.lose_reply = false;
    call_settle(call, status == K_OK && !lost);
    lock_give(&host.stm->lock);
    host.calls--;
    free(call);
    if (status == K_OK)
        return lost ? -EINTR : result;
    assert_true(idl_is_errno(status));
    return idl_unix(status, 0);
}

static inline long do_pipe(uint64_t keys[2])
{
    struct call *call = call_begin("", 0);
    struct stm_pipe_out out = {0};
    KnResult status = stm_operations.pipe(call, NULL, &out);

    keys[0] = out.read_key;
    keys[1] = out.write_key;
    return call_end(call, status, 0);
}

static inline long do_hold(uint64_t key)
{
    struct call *call = call_begin("", 0);
    const struct stm_hold_in in = {key};

    return call_end(call, stm_operations.hold(call, NULL, &in), 0);
}

static inline long do_close(uint64_t key)
{
    struct call *call = call_begin("", 0);
    const struct stm_close_in in = {key};

    return call_end(call, stm_operations.close(call, NULL, &in), 0);
}

static inline long do_read(uint64_t key, void *to, uint32_t bytes, bool wait)
{
    struct call *call = call_begin("", 0);
    const struct stm_read_in in = {key, bytes, wait, host.who};
    struct stm_read_out out = {.data = NULL, .data_room = bytes};
    KnResult status = stm_operations.read(call, NULL, &in, &out);

    if (status == K_OK && out.data_bytes > 0)
        memcpy(to, out.data, out.data_bytes);
    return call_end(call, status, out.data_bytes);
}

static inline long do_write(uint64_t key, const void *from, uint32_t bytes, bool wait)
{
    struct call *call = call_begin(from, bytes);
    const struct stm_write_in in = {key, wait, host.who, call->body, bytes};
    struct stm_write_out out = {0};

    KnResult status = stm_operations.write(call, NULL, &in, &out);

    return call_end(call, status, out.count);
}

static inline long do_fifo(uint64_t inode, uint32_t mode, bool wait, uint64_t *key)
{
    struct call *call = call_begin("", 0);
    const struct stm_fifo_in in = {7, inode, mode, wait};
    struct stm_fifo_out out = {0};
    KnResult status = stm_operations.fifo(call, NULL, &in, &out);

    *key = out.key;
    return call_end(call, status, 0);
}

static inline long do_tty(uint32_t index, uint32_t flags, uint64_t *key)
{
    struct call *call = call_begin("", 0);
    const struct stm_tty_in in = {index, host.who, flags};
    struct stm_tty_out out = {0};
    KnResult status = stm_operations.tty(call, NULL, &in, &out);

    *key = out.key;
    return call_end(call, status, 0);
}

static inline long do_stream(uint32_t which, uint64_t *key, uint32_t *is_tty)
{
    struct call *call = call_begin("", 0);
    const struct stm_stream_in in = {which};
    struct stm_stream_out out = {0};
    KnResult status = stm_operations.stream(call, NULL, &in, &out);

    *key = out.key;
    *is_tty = out.is_tty;
    return call_end(call, status, 0);
}

/* An ioctl with a structure going in, or coming out. */
static inline long do_ioctl(uint64_t key, uint32_t request, uint64_t value, const void *from,
                            uint32_t from_bytes, void *to, uint32_t to_bytes)
{
    struct call *call = call_begin(from, from_bytes);
    const struct stm_ioctl_in in = {key, request, host.who, value, call->body, from_bytes};
    struct stm_ioctl_out out = {.output = call->answer, .output_room = to_bytes};
    KnResult status = stm_operations.ioctl(call, NULL, &in, &out);

    if (status == K_OK && to != NULL && out.output_bytes > 0)
        memcpy(to, out.output, out.output_bytes);
    return call_end(call, status, out.output_bytes);
}

/* revents go into the items; the result is how many are ready. */
static inline long do_poll(struct stm_watch *items, uint32_t count, int64_t timeout_ns)
{
    uint8_t *wire = malloc((size_t)count * STM_WATCH_BYTES + 1);

    assert_non_null(wire);
    for (uint32_t i = 0; i < count; i++)
        stm_watch_store(wire + (size_t)i * STM_WATCH_BYTES, &items[i]);
    struct call *call = call_begin(wire, count * STM_WATCH_BYTES);
    const struct stm_poll_in in = {timeout_ns, call->body, count * STM_WATCH_BYTES};
    struct stm_poll_out out = {.results_room = STM_POLL_OUT_RESULTS_MAX};
    KnResult status = stm_operations.poll(call, NULL, &in, &out);

    for (uint32_t i = 0; i < count && status == K_OK; i++)
        stm_watch_load((const uint8_t *)out.results + (size_t)i * STM_WATCH_BYTES, &items[i]);
    free(wire);
    return call_end(call, status, out.ready);
}

static inline uint32_t events_of(uint64_t key)
{
    struct stm_watch item = {key, POLLIN | POLLOUT, 0};

    assert_true(do_poll(&item, 1, 0) >= 0);
    return item.revents;
}

#endif
