/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: workers that serve idl/console.idl at SERVICE_CONSOLE. One may be waiting for a
 * frame to come and one for a frame to go, and there is still one to say so to who asks for more.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "console.h"
#include "idl/console.h"
#include "server/server.h"
#include "service/service.h"

#define WORKERS 3u

_Static_assert(CONSOLE_READ_OUT_PAYLOAD_MAX == CHANNEL_PAYLOAD_MAX, "a frame fits");
_Static_assert(CONSOLE_WRITE_IN_PAYLOAD_MAX == CHANNEL_PAYLOAD_MAX, "both ways");

struct console_state {
    struct console console;
    struct server server;
    struct worker {
        struct console_state *state;
        uint8_t request[CONSOLE_REQUEST_BODY_MAX];
        uint8_t reply[CONSOLE_REPLY_BODY_MAX];
    } worker[WORKERS];
};

/* ---- Operations ------------------------------------------------------------------------------ */

static KnResult serve_read(void *server, const struct idl_context *context,
                           struct console_read_out *out)
{
    struct channel_header header;
    KnResult status;

    (void)context;
    if (out->payload_room < CHANNEL_PAYLOAD_MAX)
        return K_EINVAL; /* a frame that did not fit would be lost */
    status = channel_read(server, &header, out->payload);
    if (status != K_OK)
        return status;
    out->type = header.type;
    out->stream = header.stream;
    out->payload_bytes = header.payload_bytes;
    return K_OK;
}

static KnResult serve_write(void *server, const struct idl_context *context,
                            const struct console_write_in *in)
{
    (void)context;
    if (in->type > UINT8_MAX || in->stream > UINT8_MAX)
        return K_EINVAL;
    return channel_write(server, (uint8_t)in->type, (uint8_t)in->stream, in->payload,
                         in->payload_bytes);
}

static KnResult serve_drain(void *server, const struct idl_context *context)
{
    (void)context;
    return channel_drain(server);
}

static const struct console_server_ops operations = {
    .read = serve_read,
    .write = serve_write,
    .drain = serve_drain,
};

/* ---- Workers --------------------------------------------------------------------------------- */

static void work(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;
    const struct server_buffers buffers = {worker->request, sizeof(worker->request), worker->reply,
                                           sizeof(worker->reply)};
    KnResult status = server_work(&worker->state->server, &buffers);

    log_print("console: a worker ends: %s\n", strSysError(status));
}

/* All workers but the first, which the main thread is. */
static KnResult workers_start(struct console_state *state)
{
    KnSchedParms sched;
    KnResult status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);

    for (uint32_t i = 0; i < WORKERS && status == K_OK; i++) {
        state->worker[i].state = state;
        if (i > 0)
            status = thread_launch(NULL, work, (uintptr_t)&state->worker[i], 0, &sched);
    }
    return status;
}

static KnResult start(struct console_state *state, uintptr_t argument)
{
    KnResult status = channel_open(&state->console, SERVICE_ARGUMENT_DEVICE(argument)), li;

    if (status != K_OK)
        return status;
    li = service_declare(SERVICE_CONSOLE);
    if (li < 0)
        return li;
    server_init(&state->server);
    status = server_add(&state->server, (int32_t)li, console_service(&operations, &state->console));
    if (status == K_OK)
        status = workers_start(state);
    if (status == K_OK)
        status = service_ready();
    return status == K_EUNKNOWN ? K_OK : status; /* no boot: something else started us */
}

static void console_main(struct console_state *state, uintptr_t argument)
{
    KnResult status = start(state, argument);

    if (status == K_OK)
        work((uintptr_t)&state->worker[0]);
    else
        log_print("console: device %u: %s\n", SERVICE_ARGUMENT_DEVICE(argument),
                  strSysError(status));
    virtio_close(&state->console.device);
}

ACTOR_PROGRAM(console, struct console_state, console_main);
