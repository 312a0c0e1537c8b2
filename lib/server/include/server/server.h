/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive loop of a server: the library owns it, a server is a table of functions.
 *
 *     server_init(&state->server);
 *     status = server_add(&state->server, li, om_service(&om_ops, state));
 *     if (status == K_OK)
 *         status = server_run(&state->server, state->worker, WORKERS, WORKER_STACK_BYTES);
 *
 * Each worker is a thread with buffers of its own for one request and its reply. It serves one
 * request at a time, and an operation may block in it: so a server needs one worker more than the
 * requests that may be blocked at once. An operation whose client is aborted finds it out by
 * threadAborted(), or by K_EABORT from a wait that is abortable, and should then give up.
 *
 * A server with one port receives from that port alone; one with several enables them, the first
 * one added being the most urgent, and may then be the actor's only such server. Requests that need
 * workers which wait for nothing else, those to a mapper for one, get a port and a server of their
 * own in the same actor.
 *
 * I1 A server's table is complete before its first worker runs, and does not change.
 * I2 A request gets exactly one reply, unless its client has gone or the worker ends; what cannot
 *    be served gets an error from here. What is not a request gets none.
 * I3 An abort that was meant for one request is never seen by the next.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdint.h>

#include "chorus/types.h"
#include "idl/idl.h"

#define SERVER_PORTS 4

/*
 * Serves what is not of an IDL protocol, such as the mapper protocol (chorus/mapper.h): fills
 * `reply`, whose annex is zeroes; its body goes to reply->body, or reply->body to where it is.
 * `head` tells who asks, and whether a reply will be sent. Of a body with more than
 * request->body_room bytes the rest is lost: it is the handler that must refuse it.
 */
typedef void (*server_raw)(void *server, const KnMsgHead *head, const struct idl_message *request,
                           struct idl_message *reply);

struct server_port {
    int32_t li;
    struct idl_service service; /* of an IDL protocol; or */
    server_raw raw;
    void *raw_server;
};

struct server {
    struct server_port port[SERVER_PORTS];
    uint32_t port_count;
};

/*
 * Where a worker has the bodies of a request and of its reply: plain memory, part of the server's
 * state. A reply needs NAME_REPLY_BODY_MAX of each protocol; a request that is larger than its
 * buffer gets K_ETOOMUCH. Both may be one where no operation has strings or bytes both ways.
 */
struct server_buffers {
    void *request;
    uint32_t request_bytes;
    void *reply;
    uint32_t reply_bytes;
};

struct server_worker {
    struct server_buffers buffers;
    struct server *server; /* set by server_run */
};

void server_init(struct server *server);

/* Adds a port of the calling actor. K_ENOMEM: SERVER_PORTS are in use; K_ENOPORT: no such port. */
KnResult server_add(struct server *server, int32_t li, struct idl_service service);
KnResult server_add_raw(struct server *server, int32_t li, server_raw raw, void *raw_server);

/* Serves with the calling thread until receiving fails, as it does when the server's only port is
 * deleted: returns that error. K_EINVAL: no port, or the buffers are too small. */
KnResult server_work(struct server *server, const struct server_buffers *buffers);

/* Serves with the calling thread as the first worker, and with threads of the same scheduling for
 * the others. Returns as server_work does, or when a thread cannot be had: then those that were
 * started serve on, and the caller should let its actor end. */
KnResult server_run(struct server *server, struct server_worker *worker, uint32_t count,
                    VmSize stack_bytes);

#endif
