/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive loop. An abort that came too late for a request is taken back by ipcReplyReceive,
 * before the thread is given another request (I3).
 */
#include "server/server.h"

#include "chorus/calls.h"
#include "chorus/thread.h"
#include "kit/assert.h"

/* Where there is no memory to receive, it is tried again after so long. */
#define MEMORY_PAUSE_NS INT64_C(10000000)

void server_init(struct server *server)
{
    *server = (struct server){.port_count = 0};
}

/* The first port is enabled with the second: alone, it is received from by its name. */
static KnResult port_add(struct server *server, const struct server_port *port)
{
    uint32_t count = server->port_count;
    KnUniqueId ui;
    KnResult status;

    if (count == SERVER_PORTS)
        return K_ENOMEM;
    status = portUi(port->li, &ui);
    if (status == K_OK && count == 1)
        status = portEnable(K_MYACTOR, server->port[0].li, 0);
    if (status == K_OK && count >= 1)
        status = portEnable(K_MYACTOR, port->li, count);
    if (status == K_OK)
        server->port[server->port_count++] = *port;
    return status;
}

KnResult server_add(struct server *server, int32_t li, struct idl_service service)
{
    const struct server_port port = {.li = li, .service = service};

    ASSERT(service.protocol != NULL && service.ops != NULL);
    return port_add(server, &port);
}

KnResult server_add_raw(struct server *server, int32_t li, server_raw raw, void *raw_server)
{
    const struct server_port port = {.li = li, .raw = raw, .raw_server = raw_server};

    ASSERT(raw != NULL);
    return port_add(server, &port);
}

/* ---- One request --------------------------------------------------------------------------- */

static const struct server_port *find_port(const struct server *server, int32_t li)
{
    for (uint32_t i = 0; i < server->port_count; i++) {
        if (server->port[i].li == li)
            return &server->port[i];
    }
    return NULL;
}

/* Runs the operation that the thread's current message asks for. true: `reply` is to be sent. */
static bool serve(const struct server_port *port, const struct idl_message *request,
                  struct idl_message *reply, struct idl_context *context)
{
    const struct idl_protocol *protocol = port->service.protocol;
    KnMsgHead head;

    if (ipcSysInfo(&head) != K_OK)
        return false; /* unheard of: the thread has a message */
    *context = (struct idl_context){.li = port->li,
                                    .source = head.srcPort,
                                    .target = head.target,
                                    .actor_id = head.actorId,
                                    .port_id = head.portId,
                                    .is_request = head.isRequest != 0};
    if (protocol != NULL) {
        (void)protocol->dispatch(port->service.ops, port->service.server, context, request, reply);
    } else {
        memset(reply->annex, 0, sizeof(reply->annex));
        reply->body_bytes = 0;
        port->raw(port->raw_server, &head, request, reply);
    }
    return context->is_request;
}

/* What a worker has of the message it serves. */
struct work {
    const struct server_port *port; /* NULL: no message, or of a port that was deleted since */
    struct idl_context context;
    struct idl_message request, reply;
};

/* The next message, after the reply to the last, if there is one to send. A reply that cannot be
 * sent gives way to its error; where that cannot be sent either, the receive lets the client know
 * that its reply is lost. */
static KnResult next(const struct server *server, const struct server_buffers *buffers,
                     struct work *work, bool replies)
{
    KnMsgDesc answer = {.bodySize = work->reply.body_bytes,
                        .bodyAddr = work->reply.body,
                        .annexAddr = (VmAddr)work->reply.annex};
    KnMsgDesc receive = {.bodySize = buffers->request_bytes,
                         .bodyAddr = (VmAddr)buffers->request,
                         .annexAddr = (VmAddr)work->request.annex};
    int32_t own = server->port_count == 1 ? server->port[0].li : K_ANYENABLED, li = own;
    KnResult status = K_OK;

    if (replies) {
        status = ipcReplyReceive(&answer, &receive, &li, K_NOTIMEOUT);
        if (status < 0 && work->port->service.protocol != NULL) {
            (void)idl_reply_finish(work->port->service.protocol, &work->context, status,
                                   &work->reply);
            answer.bodySize = 0;
            /* fails if the first was sent, and it is the receive that failed */
            if (ipcReply(&answer) == K_EUNKNOWN)
                (void)threadAborted(); /* the client has gone, and so is the abort that told it */
        }
    }
    if (!replies || status < 0) {
        li = own;
        status = ipcReceive(&receive, &li, K_NOTIMEOUT);
    }
    if (status < 0)
        return status;
    work->request.body = (VmAddr)buffers->request;
    work->request.body_room = buffers->request_bytes;
    work->request.body_bytes = (uint32_t)status;
    work->reply.body = (VmAddr)buffers->reply;
    work->reply.body_room = buffers->reply_bytes;
    work->port = find_port(server, li);
    return K_OK;
}

/* ---- Workers ------------------------------------------------------------------------------- */

static KnResult buffers_check(const struct server *server, const struct server_buffers *buffers)
{
    for (uint32_t i = 0; i < server->port_count; i++) {
        const struct idl_protocol *protocol = server->port[i].service.protocol;

        if (protocol != NULL && buffers->reply_bytes < protocol->reply_body_max)
            return K_EINVAL;
    }
    return server->port_count > 0 ? K_OK : K_EINVAL;
}

KnResult server_work(struct server *server, const struct server_buffers *buffers)
{
    KnResult status = buffers_check(server, buffers);
    struct work work = {.port = NULL};

    while (status == K_OK) {
        bool replies =
            work.port != NULL && serve(work.port, &work.request, &work.reply, &work.context);

        status = next(server, buffers, &work, replies);
        if (status == K_ENOMEM) {
            (void)threadDelay(MEMORY_PAUSE_NS); /* an abort only makes it shorter */
            work.port = NULL;
            status = K_OK;
        }
    }
    return status;
}

static void worker_run(uintptr_t argument)
{
    const struct server_worker *worker = (const struct server_worker *)argument;

    (void)server_work(worker->server, &worker->buffers);
}

KnResult server_run(struct server *server, struct server_worker *worker, uint32_t count,
                    VmSize stack_bytes)
{
    KnSchedParms sched;
    KnResult status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);

    ASSERT(count > 0);
    for (uint32_t i = 0; i < count && status == K_OK; i++) {
        worker[i].server = server;
        status = buffers_check(server, &worker[i].buffers);
    }
    for (uint32_t i = 1; i < count && status == K_OK; i++)
        status = thread_launch(NULL, worker_run, (uintptr_t)&worker[i], stack_bytes, &sched);
    return status == K_OK ? server_work(server, &worker[0].buffers) : status;
}
