/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's streams through the Streams Manager as it runs on a site, with its threads and its
 * waits. The case stands for everybody around it: boot with its archive, the driver of the channel
 * with the launcher behind it, and the Process Manager.
 */
#include "chorus/channel.h"
#include "idl/boot.h"
#include "idl/console.h"
#include "idl/pm.h"
#include "kit/endian.h"
#include "tests/guest/stm.h"

#define SERVER_STACK_BYTES 32768u
#define BODY_BYTES 4608u
#define OUT_BYTES 2048u /* that are kept of each stream; of more only the number */
#define FRAMES 16
#define SIGNALS 8
#define PLAIN "channel=1\0stdin=channel\0tty0=0\0tty1=0\0tty2=0\0same12=0\0arg=ls\0"
#define TERMINAL \
    "channel=1\0stdin=channel\0tty0=1\0tty1=1\0tty2=1\0same12=1\0rows=24\0cols=80\0arg=sh\0"
#define ICOUNT "channel=1\0icount=1\0stdin=archive\0tty0=0\0tty1=0\0tty2=0\0same12=1\0arg=cat\0"

struct frame {
    uint8_t type, stream;
    uint32_t bytes;
    uint8_t payload[32];
};

/* All that is around STM. What the servers' threads write, the case reads when it has settled. */
struct world {
    struct guest *guest;
    KnCap stm;
    struct idl_client client;
    uint64_t key[3];
    uint32_t is_tty[3];

    const char *record, *archive;
    uint32_t record_bytes, ready;

    KnSem frames; /* that are there to be taken */
    struct frame frame[FRAMES];
    uint32_t frames_put, frames_taken;

    uint8_t out[2][OUT_BYTES];
    uint32_t out_bytes[2];
    uint32_t credit; /* for input, in all */
    uint32_t starts, drains;
    struct frame last; /* EXIT or FAIL */

    struct pm_signal_group_in signal[SIGNALS];
    uint32_t signals, halts;
};

/* A server of the case: a port, a table, a thread. */
struct role {
    const struct idl_protocol *protocol;
    const void *ops;
    struct world *world;
    int32_t li;
};

/* ---- Boot ------------------------------------------------------------------------------------ */

static KnResult serve_ready(void *server, const struct idl_context *context,
                            const struct boot_ready_in *in)
{
    struct world *world = server;

    (void)context;
    (void)in;
    world->ready++;
    return K_OK;
}

static KnResult serve_find(void *server, const struct idl_context *context,
                           const struct boot_find_in *in, struct boot_find_out *out)
{
    struct world *world = server;
    bool is_launch = strcmp(in->name, "launch") == 0;

    (void)context;
    if (!is_launch && (strcmp(in->name, "stdin") != 0 || world->archive == NULL))
        return K_EUNKNOWN;
    out->offset = is_launch ? 0 : world->record_bytes;
    out->bytes = is_launch ? world->record_bytes : strlen(world->archive);
    return K_OK;
}

/* The archive is the record, and behind it the input. */
static KnResult serve_archive(void *server, const struct idl_context *context,
                              const struct boot_read_in *in, struct boot_read_out *out)
{
    struct world *world = server;
    bool is_launch = in->offset < world->record_bytes;

    (void)context;
    memcpy(out->data,
           is_launch ? world->record + in->offset
                     : world->archive + (in->offset - world->record_bytes),
           in->count);
    out->data_bytes = in->count;
    return K_OK;
}

static const struct boot_server_ops boot_ops = {.ready = serve_ready,
                                                .find = serve_find,
                                                .read = serve_archive};

/* ---- The channel ----------------------------------------------------------------------------- */

static KnResult serve_read(void *server, const struct idl_context *context,
                           struct console_read_out *out)
{
    struct world *world = server;
    KnResult status = semP(&world->frames, K_NOTIMEOUT);
    const struct frame *frame;

    (void)context;
    if (status != K_OK)
        return status;
    frame = &world->frame[world->frames_taken++ % FRAMES];
    out->type = frame->type;
    out->stream = frame->stream;
    out->payload_bytes = frame->bytes;
    memcpy(out->payload, frame->payload, frame->bytes);
    return K_OK;
}

static void out_keep(struct world *world, uint32_t index, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count && world->out_bytes[index] + i < OUT_BYTES; i++)
        world->out[index][world->out_bytes[index] + i] = bytes[i];
    __atomic_add_fetch(&world->out_bytes[index], count, __ATOMIC_RELEASE);
}

static KnResult serve_write(void *server, const struct idl_context *context,
                            const struct console_write_in *in)
{
    struct world *world = server;

    (void)context;
    if (in->type == CHANNEL_OUT && (in->stream == 1 || in->stream == 2))
        out_keep(world, in->stream - 1, in->payload, in->payload_bytes);
    else if (in->type == CHANNEL_CREDIT)
        __atomic_add_fetch(&world->credit, le32_load(in->payload), __ATOMIC_RELEASE);
    else if (in->type == CHANNEL_STARTED)
        world->starts++;
    else if (in->type == CHANNEL_EXIT || in->type == CHANNEL_FAIL) {
        world->last = (struct frame){(uint8_t)in->type, 0, in->payload_bytes, {0}};
        memcpy(world->last.payload, in->payload, MIN(in->payload_bytes, 32u));
    }
    return K_OK;
}

static KnResult serve_drain(void *server, const struct idl_context *context)
{
    struct world *world = server;

    (void)context;
    world->drains++;
    return K_OK;
}

static const struct console_server_ops console_ops = {.read = serve_read,
                                                      .write = serve_write,
                                                      .drain = serve_drain};

/* ---- The Process Manager --------------------------------------------------------------------- */

static KnResult serve_signal(void *server, const struct idl_context *context,
                             const struct pm_signal_group_in *in)
{
    struct world *world = server;

    (void)context;
    if (world->signals < SIGNALS)
        world->signal[world->signals] = *in;
    __atomic_add_fetch(&world->signals, 1, __ATOMIC_RELEASE);
    return K_OK;
}

static KnResult serve_halt(void *server, const struct idl_context *context)
{
    struct world *world = server;

    (void)context;
    __atomic_add_fetch(&world->halts, 1, __ATOMIC_RELEASE);
    return K_OK;
}

static const struct pm_server_ops pm_ops = {.signal_group = serve_signal, .halt = serve_halt};

/* ---- Serving --------------------------------------------------------------------------------- */

/* Until the case ends. Bodies are short here, whatever the protocols allow. */
static void role_play(uintptr_t argument)
{
    const struct role *role = (const struct role *)argument;
    uint8_t asked[BODY_BYTES], answered[BODY_BYTES];

    for (;;) {
        struct idl_message request = {.body = (VmAddr)asked, .body_room = BODY_BYTES};
        struct idl_message reply = {.body = (VmAddr)answered,
                                    .body_room = role->protocol->reply_body_max};
        struct idl_context context = {.li = role->li, .is_request = true};
        KnMsgDesc receive = {.bodySize = BODY_BYTES,
                             .bodyAddr = (VmAddr)asked,
                             .annexAddr = (VmAddr)request.annex};
        int32_t li = role->li;
        KnResult got = ipcReceive(&receive, &li, K_NOTIMEOUT);

        if (got < 0)
            return;
        request.body_bytes = (uint32_t)got;
        (void)role->protocol->dispatch(role->ops, role->world, &context, &request, &reply);
        KnMsgDesc answer = {.bodySize = reply.body_bytes,
                            .bodyAddr = reply.body,
                            .annexAddr = (VmAddr)reply.annex};
        (void)ipcReply(&answer);
    }
}

static void role_start(struct guest *guest, struct role *role, struct world *world, uint64_t stamp)
{
    KnResult li = service_declare(stamp);

    REQUIRE(li >= 0);
    role->world = world;
    role->li = (int32_t)li;
    EXPECT_EQ(thread_launch(NULL, role_play, (uintptr_t)role, SERVER_STACK_BYTES, NULL), K_OK);
}

/* ---- Start ----------------------------------------------------------------------------------- */

/* The driver has two threads: one may wait for a frame to come. */
static bool world_begin(struct guest *guest, struct world *world, struct role role[4],
                        KnActorPrivilege privilege)
{
    world->guest = guest;
    semInit(&world->frames, 0);
    role[0] = (struct role){.protocol = &boot_protocol, .ops = &boot_ops};
    role[1] = (struct role){.protocol = &console_protocol, .ops = &console_ops};
    role[2] = (struct role){.protocol = &pm_protocol, .ops = &pm_ops};
    role_start(guest, &role[0], world, SERVICE_BOOT);
    role_start(guest, &role[1], world, SERVICE_CONSOLE);
    role_start(guest, &role[2], world, SERVICE_PM);
    role[3] = role[1];
    EXPECT_EQ(thread_launch(NULL, role_play, (uintptr_t)&role[3], SERVER_STACK_BYTES, NULL), K_OK);
    if (!EXPECT_EQ(stm_begin(&world->stm, privilege, &world->client), K_OK))
        return false;
    for (uint32_t i = 0; i < 3; i++)
        EXPECT_EQ(do_stream(&world->client, i, &world->key[i], &world->is_tty[i]), 0);
    return true;
}

static void frame_send(struct world *world, uint8_t type, uint8_t stream, const void *payload,
                       uint32_t bytes)
{
    struct frame *frame = &world->frame[world->frames_put++ % FRAMES];

    *frame = (struct frame){type, stream, bytes, {0}};
    memcpy(frame->payload, payload, bytes);
    semV(&world->frames);
}

static void number_send(struct world *world, uint8_t type, uint8_t stream, uint32_t number)
{
    uint8_t payload[4];

    le32_store(payload, number);
    frame_send(world, type, stream, payload, sizeof(payload));
}

/* Waits until a counter has come to a value. */
static bool becomes(const uint32_t *counter, uint32_t value)
{
    uint64_t end_ns = guest_now_ns() + STM_BOUND_NS;

    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < value && guest_now_ns() < end_ns)
        threadDelay(GUEST_MS);
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE) == value;
}

/* ---- Streams that are no terminal ------------------------------------------------------------ */

struct job {
    struct world *world;
    KnSem done;
    long result;
    char text[32];
};

/* Writes more than there is credit for. */
static void flood(uintptr_t argument)
{
    struct job *job = (struct job *)argument;
    static const char line[] = "0123456789abcde";

    for (uint32_t i = 0; i < 6000; i++) {
        job->result = do_write(&job->world->client, job->world->key[1], line, 16, true);
        if (job->result != 16)
            break;
    }
    semV(&job->done);
}

static void read_input(uintptr_t argument)
{
    struct job *job = (struct job *)argument;

    job->result =
        do_read(&job->world->client, job->world->key[0], job->text, sizeof(job->text), true);
    semV(&job->done);
}

static void job_start(struct guest *guest, struct job *job, struct world *world,
                      void (*run)(uintptr_t))
{
    *job = (struct job){.world = world};
    semInit(&job->done, 0);
    EXPECT_EQ(thread_launch(NULL, run, (uintptr_t)job, CLIENT_STACK_BYTES, NULL), K_OK);
}

static void output_flows(struct guest *guest, struct world *world)
{
    struct job job;

    EXPECT_EQ(do_write(&world->client, world->key[2], "oops", 4, true), 4);
    EXPECT(becomes(&world->out_bytes[1], 4));
    EXPECT_EQ(memcmp(world->out[1], "oops", 4), 0);
    job_start(guest, &job, world, flood);
    EXPECT(becomes(&world->out_bytes[0], CHANNEL_OUT_CREDIT_INITIAL));
    number_send(world, CHANNEL_OUT_CREDIT, CHANNEL_STDOUT, 30464);
    EXPECT(becomes(&world->out_bytes[0], 96000));
    EXPECT_EQ(semP(&job.done, STM_BOUND_NS), K_OK);
    EXPECT_EQ(job.result, 16);
    EXPECT_EQ(memcmp(world->out[0] + 16, "0123456789abcde", 16), 0);
    job_start(guest, &job, world, flood); /* waits again, until the reader goes away */
    number_send(world, CHANNEL_OUT_END, CHANNEL_STDOUT, EPIPE);
    EXPECT_EQ(semP(&job.done, STM_BOUND_NS), K_OK);
    EXPECT_EQ(job.result, -EPIPE);
}

static void input_flows(struct guest *guest, struct world *world)
{
    struct job job;

    EXPECT_EQ(world->credit, 0);
    job_start(guest, &job, world, read_input);
    EXPECT(becomes(&world->credit, sizeof(job.text)));
    frame_send(world, CHANNEL_IN, CHANNEL_STDIN, "hello", 5);
    EXPECT_EQ(semP(&job.done, STM_BOUND_NS), K_OK);
    EXPECT_EQ(job.result, 5);
    EXPECT_EQ(memcmp(job.text, "hello", 5), 0);
    job_start(guest, &job, world, read_input);
    number_send(world, CHANNEL_IN_END, CHANNEL_STDIN, 0);
    EXPECT_EQ(semP(&job.done, STM_BOUND_NS), K_OK);
    EXPECT_EQ(job.result, 0);
}

static void plain_streams(struct guest *guest, KnActorPrivilege privilege)
{
    const struct stm_finish_in finish = {.status = 7, .failure = "", .code = 0};
    struct world world = {.record = PLAIN, .record_bytes = sizeof(PLAIN) - 1};
    struct role role[4];

    if (world_begin(guest, &world, role, privilege)) {
        EXPECT(becomes(&world.ready, 1));
        EXPECT_EQ(stm_started(&world.client), K_OK);
        input_flows(guest, &world);
        output_flows(guest, &world);
        number_send(&world, CHANNEL_SIGNAL, CHANNEL_STDIN, SIGTERM);
        EXPECT(becomes(&world.signals, 1));
        EXPECT_EQ(world.signal[0].group, 0);
        EXPECT_EQ(world.signal[0].signal, SIGTERM);
        frame_send(&world, CHANNEL_HALT, CHANNEL_STDIN, "", 0);
        EXPECT(becomes(&world.halts, 1));
        EXPECT_EQ(do_write(&world.client, world.key[2], "last", 4, true), 4);
        EXPECT_EQ(stm_finish(&world.client, &finish), K_OK);
        EXPECT_EQ(world.out_bytes[1], 8);
        EXPECT_EQ(world.last.type, CHANNEL_EXIT);
        EXPECT_EQ(le32_load(world.last.payload), 7);
        EXPECT_EQ(world.starts, 1);
        EXPECT_EQ(world.drains, 1);
    }
    stm_end(guest, &world.stm);
}

CASE(plain_streams_by_user_space)
{
    plain_streams(guest, K_SYSTEMACTOR);
}

CASE(plain_streams_by_supervisor_space)
{
    plain_streams(guest, K_SUPACTOR);
}

/* ---- A terminal ------------------------------------------------------------------------------ */

static void terminal(struct guest *guest, KnActorPrivilege privilege)
{
    static const uint8_t window[] = {50, 0, 100, 0, 0, 0, 0, 0};
    struct world world = {.record = TERMINAL, .record_bytes = sizeof(TERMINAL) - 1};
    struct stm_tty_in open = {.index = 0, .who = stm_nobody};
    struct stm_tty_out opened;
    struct role role[4];
    struct job job;

    if (world_begin(guest, &world, role, privilege)) {
        EXPECT_EQ(world.is_tty[0] & world.is_tty[1] & world.is_tty[2], 1);
        EXPECT_EQ(stm_tty(&world.client, &open, &opened), K_OK); /* it is stm_nobody's now */
        EXPECT_EQ(do_poll(&world.client, world.key[0], POLLIN, 0), 0);
        job_start(guest, &job, &world, read_input);
        frame_send(&world, CHANNEL_IN, CHANNEL_STDIN, "lx\x7fs\r", 5);
        EXPECT_EQ(semP(&job.done, STM_BOUND_NS), K_OK);
        EXPECT_EQ(job.result, 3);
        EXPECT_EQ(memcmp(job.text, "ls\n", 3), 0);
        EXPECT(becomes(&world.out_bytes[0], 8));
        EXPECT_EQ(memcmp(world.out[0], "lx\b \bs\r\n", 8), 0);
        EXPECT_EQ(do_write(&world.client, world.key[2], "a\n", 2, true), 2);
        EXPECT(becomes(&world.out_bytes[0], 11));
        EXPECT_EQ(memcmp(world.out[0] + 8, "a\r\n", 3), 0);
        frame_send(&world, CHANNEL_IN, CHANNEL_STDIN, "\x03", 1);
        EXPECT(becomes(&world.signals, 1));
        EXPECT_EQ(world.signal[0].group, 1);
        EXPECT_EQ(world.signal[0].signal, SIGINT);
        frame_send(&world, CHANNEL_WINDOW, CHANNEL_STDIN, window, sizeof(window));
        EXPECT(becomes(&world.signals, 2));
        EXPECT_EQ(world.signal[1].signal, SIGWINCH);
        number_send(&world, CHANNEL_IN_END, CHANNEL_STDIN, 0); /* it hangs up */
        EXPECT(becomes(&world.signals, 4));
        EXPECT_EQ(do_read(&world.client, world.key[0], job.text, 10, true), 0);
        EXPECT_EQ(do_write(&world.client, world.key[1], "x", 1, true), -EIO);
    }
    stm_end(guest, &world.stm);
}

CASE(terminal_by_user_space)
{
    terminal(guest, K_SYSTEMACTOR);
}

CASE(terminal_by_supervisor_space)
{
    terminal(guest, K_SUPACTOR);
}

/* ---- The deterministic mode ------------------------------------------------------------------ */

CASE(input_from_the_archive)
{
    static const char input[] = "all that there is of standard input, in a few pieces\n";
    struct world world = {.record = ICOUNT, .record_bytes = sizeof(ICOUNT) - 1, .archive = input};
    struct role role[4];
    char text[100];
    uint32_t total = 0;
    long got;

    if (world_begin(guest, &world, role, K_SUPACTOR)) {
        while ((got = do_read(&world.client, world.key[0], text + total, 20, true)) > 0)
            total += (uint32_t)got;
        EXPECT_EQ(got, 0);
        EXPECT_EQ(total, sizeof(input) - 1);
        EXPECT_EQ(memcmp(text, input, sizeof(input) - 1), 0);
        for (uint32_t i = 0; i < 4096; i++) /* more than a launcher gives credit for at first */
            REQUIRE_EQ(do_write(&world.client, world.key[1], text, 20, true), 20);
        EXPECT(becomes(&world.out_bytes[0], 20 * 4096));
        EXPECT_EQ(world.credit, 0);
    }
    stm_end(guest, &world.stm);
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(plain_streams_by_user_space), CASE_SUPERVISOR(plain_streams_by_supervisor_space),
    CASE_SYSTEM(terminal_by_user_space),      CASE_SUPERVISOR(terminal_by_supervisor_space),
    CASE_SUPERVISOR(input_from_the_archive),
};

GUEST_PROGRAM(stm_channel, entries);
