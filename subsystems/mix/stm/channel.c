/* SPDX-License-Identifier: BSD-2-Clause */
/* The launcher's streams: start, opening, the program's beginning and end. See channel.h. */
#include "subsystems/mix/stm/channel.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/thread.h"
#include "idl/boot.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "service/service.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

/* The records about streams stand before the environment, which may be long. */
#define RECORD_BYTES 4096u

STATIC_ASSERT(RECORD_BYTES <= SCRATCH_BYTES, "the record has room");

/* ---- Start ----------------------------------------------------------------------------------- */

static KnResult launch_read(struct stm *stm, const struct idl_client *boot)
{
    const struct boot_find_in find = {.name = "launch"};
    struct boot_find_out found;
    KnResult status = boot_find(boot, &find, &found);

    if (status != K_OK)
        return status;
    const struct boot_read_in read = {found.offset, (uint32_t)MIN(found.bytes, RECORD_BYTES)};
    struct boot_read_out text = {.data = stm->scratch, .data_room = RECORD_BYTES};

    status = boot_read(boot, &read, &text);
    if (status == K_OK &&
        !launch_parse(&stm->channel.launch, (const char *)stm->scratch, text.data_bytes))
        status = K_EINVAL;
    return status;
}

static KnResult archive_find(struct channel *channel, const struct idl_client *boot)
{
    const struct boot_find_in find = {.name = "stdin"};
    struct boot_find_out found;
    KnResult status = boot_find(boot, &find, &found);

    if (status == K_OK) {
        channel->archive_offset = found.offset;
        channel->archive_left = found.bytes;
    }
    return status;
}

/* A pipe with one end open here. */
static struct pipe *pipe_make(struct stm *stm, uint32_t access)
{
    struct pipe *pipe = pipe_create(&stm->pipes, CHANNEL_PIPE_BYTES);

    ASSERT(pipe != NULL); /* they are the first */
    pipe->kept = true;
    if (access == STREAM_READ)
        pipe->readers = pipe->readers_seen = 1;
    else
        pipe->writers = pipe->writers_seen = 1;
    return pipe;
}

static KnResult input_make(struct stm *stm)
{
    struct channel *channel = &stm->channel;

    if (channel->launch.is_tty[CHANNEL_STDIN])
        return K_OK;
    channel->input = pipe_make(stm, STREAM_WRITE);
    return pipe_reserve(channel->input) == 0 ? K_OK : K_ENOMEM;
}

/* Of two streams that are terminals the first carries what goes to it; where only standard input is
 * one, nothing does. */
static void outlets_make(struct stm *stm)
{
    struct channel *channel = &stm->channel;
    const struct launch *launch = &channel->launch;
    bool terminal_has_outlet = false;

    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++) {
        struct outlet *outlet = &channel->outlet[i];

        outlet->credit = launch->icount ? UINT64_MAX : CHANNEL_OUT_CREDIT_INITIAL;
        if (launch->is_tty[CHANNEL_STDOUT + i]) {
            outlet->kind = terminal_has_outlet ? OUTLET_NONE : OUTLET_TERMINAL;
            terminal_has_outlet = true;
        } else if (i == 0 || !launch->same_out) {
            outlet->kind = OUTLET_PIPE;
            outlet->pipe = pipe_make(stm, STREAM_READ);
        }
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(launch->is_tty); i++)
        stm->terminal.present = stm->terminal.present || launch->is_tty[i];
    stm->terminal.tty.window = launch->window;
}

KnResult channel_start(struct stm *stm)
{
    struct channel *channel = &stm->channel;
    struct idl_client boot;
    KnResult status = service_client(&boot, SERVICE_BOOT, NULL, 0);

    wait_queue_init(&channel->drained);
    wait_queue_init(&channel->input_wanted);
    if (status == K_OK)
        status = service_client(&channel->console, SERVICE_CONSOLE, NULL, 0);
    if (status == K_OK)
        status = launch_read(stm, &boot);
    if (status == K_EUNKNOWN)
        return K_OK;
    if (status == K_OK && channel->launch.input_is_archive)
        status = archive_find(channel, &boot);
    if (status == K_OK)
        status = input_make(stm);
    if (status != K_OK)
        return status;
    outlets_make(stm);
    channel->present = true;
    return thread_launch(NULL, channel_take_all, (uintptr_t)stm, 0, &stm->threads.sched);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static struct stream *out_open(struct stm *stm, uint32_t which)
{
    struct channel *channel = &stm->channel;
    uint32_t index = channel->launch.same_out ? 0 : which - CHANNEL_STDOUT;

    ASSERT(index < CHANNEL_OUTLETS && channel->outlet[index].kind == OUTLET_PIPE);
    return pipe_open(stm, channel->outlet[index].pipe, STREAM_WRITE);
}

static struct stream *in_open(struct stm *stm)
{
    struct stream *stream = pipe_open(stm, stm->channel.input, STREAM_READ);

    if (stream != NULL)
        stream->operations = &input_operations;
    return stream;
}

int channel_open(struct call *call, uint32_t which, bool *is_tty)
{
    struct channel *channel = &call->stm->channel;

    if (which > STM_STDERR)
        return -EINVAL;
    if (!channel->present)
        return -ENXIO;
    *is_tty = channel->launch.is_tty[which];
    if (*is_tty)
        call->opened[0] = terminal_stream(call->stm);
    else if (which == STM_STDIN)
        call->opened[0] = in_open(call->stm);
    else
        call->opened[0] = out_open(call->stm, which);
    return call->opened[0] == NULL ? -ENFILE : 0;
}

/* ---- The program's beginning and end --------------------------------------------------------- */

/* In the deterministic mode an instruction takes a nanosecond. */
static uint64_t instructions(const struct channel *channel)
{
    KnBootInfo boot;
    uint64_t now_ns;

    if (!channel->launch.icount || svBootInfo(&boot) != K_OK || sysTime(&now_ns) != K_OK)
        return 0;
    return now_ns - boot.biStartNs;
}

static int message_send(struct call *call, uint32_t type, const void *payload, uint32_t bytes)
{
    const struct console_write_in in = {.type = type, .payload = payload, .payload_bytes = bytes};
    KnResult status;

    call_leave(call);
    status = console_write(&call->stm->channel.console, &in);
    call_enter(call);
    return status == K_OK ? 0 : -EIO;
}

int channel_started(struct call *call)
{
    uint8_t payload[sizeof(struct channel_started)];

    if (!call->stm->channel.present)
        return -ENXIO;
    le64_store(payload, instructions(&call->stm->channel));
    return message_send(call, CHANNEL_STARTED, payload, sizeof(payload));
}

static int exit_send(struct call *call, uint32_t status)
{
    uint8_t payload[sizeof(struct channel_exit)] = {0};

    le32_store(payload + offsetof(struct channel_exit, status), status);
    le64_store(payload + offsetof(struct channel_exit, instructions),
               instructions(&call->stm->channel));
    return message_send(call, CHANNEL_EXIT, payload, sizeof(payload));
}

static int fail_send(struct call *call, const struct stm_finish_in *in)
{
    uint8_t payload[sizeof(struct channel_fail) + STM_FINISH_IN_FAILURE_MAX];

    le32_store(payload, in->code);
    memcpy(payload + sizeof(struct channel_fail), in->failure, in->failure_bytes);
    return message_send(call, CHANNEL_FAIL, payload,
                        (uint32_t)sizeof(struct channel_fail) + in->failure_bytes);
}

/* The last frame goes behind all output, and is with the launcher when this returns: the caller
 * ends the machine next. */
int channel_finish(struct call *call, const struct stm_finish_in *in)
{
    struct channel *channel = &call->stm->channel;
    KnResult drained;
    int status = 0;

    if (in->status > UINT8_MAX || (in->failure_bytes > 0 && (in->code < 125 || in->code > 127)))
        return -EINVAL;
    if (!channel->present)
        return -ENXIO;
    channel->finishing = true;
    channel_kick(call->stm);
    while (status == 0 && !channel_is_drained(call->stm))
        status = call_wait(call, &channel->drained, 0);
    channel->finished = status == 0;
    if (status == 0)
        status = in->failure_bytes > 0 ? fail_send(call, in) : exit_send(call, in->status);
    if (status != 0)
        return status;
    call_leave(call);
    drained = console_drain(&channel->console);
    call_enter(call);
    return drained == K_OK ? 0 : -EIO;
}
