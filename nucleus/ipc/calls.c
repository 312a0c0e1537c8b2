/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ipc* calls. Each is started again after a wait or a page that had to come in, and finds on
 * its thread what it had reached: the draft, the transaction, the message that arrived.
 */
#include "nucleus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/boot.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

void ipc_init(struct ipc *ipc)
{
    slab_pool_init(&ipc->ports, sizeof(struct port), IPC_PORTS);
    slab_pool_init(&ipc->messages, sizeof(struct message), IPC_MESSAGES);
    slab_pool_init(&ipc->reserved_messages, sizeof(struct message), IPC_RESERVED_MESSAGES);
    site_self()->vm.pager.transport = &mapper_transport;
}

/* ---- Sending ----------------------------------------------------------------------------- */

static KnResult annex_fill(struct message *message, const KnMsgDesc *desc)
{
    if (desc->annexAddr != 0)
        return copy_in(message->annex, desc->annexAddr, K_CMSGANNEXSIZE);
    memset(message->annex, 0, K_CMSGANNEXSIZE);
    return K_OK;
}

/* Fills the thread's draft from `desc`; K_OK when it is complete. `framed`: for the pager, which
 * takes the frames of the body. */
static KnResult draft_fill(struct thread *self, const KnMsgDesc *desc, bool framed)
{
    KnResult status;

    if (desc->bodySize > K_CMSGBODYMAX)
        return K_ETOOMUCH;
    if (self->draft != NULL && self->draft->body_bytes != desc->bodySize) {
        message_free(self->draft); /* the descriptor was changed under way */
        self->draft = NULL;
    }
    if (self->draft == NULL) {
        self->draft = message_create(desc->bodySize, false);
        if (self->draft == NULL)
            return K_ENOMEM;
        self->draft->framed = framed;
    }
    status = annex_fill(self->draft, desc);
    if (status == K_OK && desc->bodySize > 0)
        status = message_fill(self->draft, desc->bodyAddr);
    return status;
}

static KnResult find_source(struct thread *self, int32_t li, struct port **port)
{
    *port = port_of_li(self->execution, li);
    return *port == NULL ? K_ENOPORT : K_OK;
}

/* Ports of other sites are reached by the protocol graph, which has one node today: this site. */
static KnResult find_target(const KnIpcDest *destination, struct port **port)
{
    KnUniqueId ui = destination->target;

    if (ui_is_none(ui))
        return K_EINVAL;
    *port = port_find(ui);
    if (*port != NULL)
        return K_OK;
    if ((uint32_t)ui.uiHead != 0 && (uint32_t)ui.uiHead != site_self()->number)
        return K_EUNREACH;
    return K_EUNKNOWN;
}

static void draft_address(struct thread *self, const struct port *source,
                          const KnIpcDest *destination)
{
    struct message *draft = self->draft;

    draft->source = source->name.ui;
    draft->co_target = destination->coTarget;
    draft->actor_pi = self->execution->pi;
    draft->port_pi = source->pi;
}

/* What ipcSend and ipcCall have in common: checks, the complete draft, the target. */
static KnResult prepare(struct thread *self, const KnMsgDesc *desc, int32_t li, VmAddr destination,
                        struct port **target)
{
    struct port *source;
    KnIpcDest dest;
    KnResult status = copy_in(&dest, destination, sizeof(dest));

    if (status == K_OK)
        status = find_source(self, li, &source);
    if (status == K_OK)
        status = find_target(&dest, target);
    if (status == K_OK)
        status = draft_fill(self, desc, false);
    if (status == K_OK)
        draft_address(self, source, &dest);
    return status;
}

KnResult call_ipcSend(struct thread *self, VmAddr message, int32_t source, VmAddr destination)
{
    struct port *target;
    KnMsgDesc desc;
    KnResult status = copy_in(&desc, message, sizeof(desc));

    if (status == K_OK)
        status = prepare(self, &desc, source, destination, &target);
    if (status == K_OK)
        status = port_put(target, self->draft);
    if (status == K_OK)
        self->draft = NULL;
    return status;
}

/* ---- Delivering -------------------------------------------------------------------------- */

/* Copies a message to where `desc` says. Nothing changes hands here. */
static KnResult deliver(struct message *message, KnMsgDesc *desc, VmAddr desc_address)
{
    KnResult status = K_OK;

    if (desc->bodyAddr != 0)
        status = message_empty(message, desc->bodyAddr, desc->bodySize);
    if (status == K_OK && desc->annexAddr != 0)
        status = copy_out(desc->annexAddr, message->annex, K_CMSGANNEXSIZE);
    if (status != K_OK || desc->seqNum == message->sequence)
        return status;
    desc->seqNum = message->sequence;
    return copy_out(desc_address + offsetof(KnMsgDesc, seqNum), &desc->seqNum,
                    sizeof(desc->seqNum));
}

/* ---- Receiving --------------------------------------------------------------------------- */

static KnResult receive_port(struct thread *self, int32_t li, struct port **port)
{
    *port = NULL;
    if (li == K_ANYENABLED)
        return K_OK;
    return find_source(self, li, port);
}

/* K_OK: a sender has put its message into this thread's hands. */
static KnResult receive_wait(struct thread *self, struct port *port, int64_t delay_ns,
                             bool abortable)
{
    struct wait_queue *queue = port != NULL ? &port->receivers : &self->execution->any_receivers;
    KnResult status = thread_wait(queue, call_deadline(self, delay_ns), abortable);

    return status == K_OK && (self->arrived == NULL || self->dying) ? STATUS_AGAIN : status;
}

/* Which port it came to, where the caller does not know it. */
static KnResult tell_port(const struct thread *self, const struct message *arrived, int32_t from,
                          VmAddr li)
{
    const struct port *port =
        from == K_ANYENABLED ? port_find(arrived->target) : port_of_li(self->execution, from);
    int32_t came_to = port != NULL ? port->li : K_NONEPORT;

    return came_to == from ? K_OK : copy_out(li, &came_to, sizeof(came_to));
}

static KnResult receive(struct thread *self, VmAddr message, VmAddr li, int64_t delay_ns)
{
    KnMsgDesc desc;
    int32_t from;
    struct port *port;
    KnResult status = copy_in(&desc, message, sizeof(desc));

    if (status == K_OK)
        status = copy_in(&from, li, sizeof(from));
    if (status != K_OK)
        return status;
    if ((desc.flags & ~K_ABORTABLE) != 0)
        return K_EINVAL;
    if (self->arrived == NULL) {
        status = receive_port(self, from, &port);
        if (status != K_OK)
            return status;
        /* The last message is over: who still waits for its answer will not get one. */
        if (self->current != NULL) {
            message_drop(self->current, K_ELOST);
            self->current = NULL;
        }
        status = port_take(self->execution, port) == NULL
                     ? receive_wait(self, port, delay_ns, (desc.flags & K_ABORTABLE) != 0)
                     : K_OK;
        if (status != K_OK)
            return status;
    }
    struct message *arrived = self->arrived;

    ASSERT(arrived != NULL);
    status = tell_port(self, arrived, from, li);
    if (status == K_OK)
        status = deliver(arrived, &desc, message);
    if (status != K_OK)
        return status;
    trace_add(&site_self()->trace, TRACE_RECEIVE, (uint32_t)self->lid, (uintptr_t)from,
              arrived->body_bytes, 0);
    self->current = arrived;
    self->arrived = NULL;
    return (KnResult)arrived->body_bytes;
}

KnResult call_ipcReceive(struct thread *self, VmAddr message, VmAddr li, int64_t delay_ns)
{
    return receive(self, message, li, delay_ns);
}

KnResult call_ipcGetData(struct thread *self, VmAddr message)
{
    KnMsgDesc desc;
    KnResult status = copy_in(&desc, message, sizeof(desc));

    if (status != K_OK)
        return status;
    if (self->current == NULL)
        return K_EINVAL;
    if (self->call_progress == 0) {
        self->current->emptied = 0;
        self->call_progress = 1;
    }
    status = message_empty(self->current, desc.bodyAddr, desc.bodySize);
    return status == K_OK ? (KnResult)MIN(self->current->body_bytes, desc.bodySize) : status;
}

KnResult call_ipcSysInfo(struct thread *self, VmAddr head)
{
    const struct message *current = self->current;

    if (current == NULL)
        return K_EINVAL;
    KnMsgHead info = {
        .bodySize = current->body_bytes,
        .isRequest = current->is_request,
        .srcPort = current->source,
        .target = current->target,
        .coTarget = current->co_target,
        .actorId = current->actor_pi,
        .portId = current->port_pi,
    };
    return copy_out(head, &info, sizeof(info));
}

/* ---- Calling ----------------------------------------------------------------------------- */

static void call_done(struct transaction *transaction)
{
    struct thread *client = container_of(transaction, struct thread, rpc);

    (void)wait_queue_wake_one(&client->rpc_end, K_OK);
}

/* Sends the request. K_EFULL: *full is the port that has no room. */
static KnResult call_start(struct thread *self, const KnMsgDesc *desc, int32_t source,
                           VmAddr destination, struct port **full)
{
    struct port *target;
    KnResult status = prepare(self, desc, source, destination, &target);

    if (status != K_OK)
        return status;
    self->rpc.done = call_done;
    transaction_begin(&self->rpc, self->draft);
    status = port_put(target, self->draft);
    if (status != K_OK) {
        self->draft->transaction = NULL;
        self->rpc.state = TRANSACTION_IDLE;
        *full = target;
        return status;
    }
    self->draft = NULL;
    return K_OK;
}

/* The call starts again when there may be room. */
static KnResult wait_for_room(struct thread *self, struct port *port, int64_t delay_ns,
                              bool abortable)
{
    KnResult status = thread_wait(&port->clients, call_deadline(self, delay_ns), abortable);

    return status == K_OK ? STATUS_AGAIN : status;
}

KnResult call_ipcCall(struct thread *self, VmAddr request, int32_t source, VmAddr destination,
                      VmAddr reply, int64_t delay_ns)
{
    KnMsgDesc asked, answered;
    struct port *full = NULL;
    KnResult status = copy_in(&answered, reply, sizeof(answered));

    if (status != K_OK)
        return status;
    if ((answered.flags & ~K_ABORTABLE) != 0)
        return K_EINVAL;
    bool abortable = (answered.flags & K_ABORTABLE) != 0;

    if (self->rpc.state == TRANSACTION_IDLE) {
        status = copy_in(&asked, request, sizeof(asked));
        if (status == K_OK)
            status = call_start(self, &asked, source, destination, &full);
        if (status == K_EFULL && delay_ns != K_NOBLOCK)
            return wait_for_room(self, full, delay_ns, abortable);
        if (status != K_OK)
            return status;
    }
    if (self->rpc.state == TRANSACTION_SENT) {
        status = thread_wait(&self->rpc_end, call_deadline(self, delay_ns), abortable);
        if (status != K_OK && self->rpc.state != TRANSACTION_DONE)
            return status;
        /* The server was told that its reply arrived while this thread was on its way to run: so it
         * has, and an abort is for what comes next. */
        if (status == K_EABORT)
            self->aborted = true;
    }
    ASSERT(self->rpc.state == TRANSACTION_DONE);
    if (self->rpc.status != K_OK)
        return self->rpc.status;
    status = deliver(self->rpc.reply, &answered, reply);
    return status == K_OK ? (KnResult)self->rpc.reply->body_bytes : status;
}

/* ---- Replying ---------------------------------------------------------------------------- */

/* An answer without a body travels in its request, which the server has no more use for: until the
 * answer is complete nothing changes but the annex, which was delivered. */
static bool answers_in_place(const KnMsgDesc *desc, const struct message *request)
{
    return desc->bodySize == 0 && !request->reserved;
}

static KnResult reply_current(struct thread *self, VmAddr reply)
{
    struct message *request = self->current;
    KnMsgDesc desc;
    KnResult status = copy_in(&desc, reply, sizeof(desc));

    if (status != K_OK)
        return status;
    if (request == NULL || !request->is_request)
        return K_EINVAL;
    bool in_place = answers_in_place(&desc, request);

    status = in_place ? annex_fill(request, &desc) : draft_fill(self, &desc, request->reserved);
    if (status != K_OK)
        return status;
    struct transaction *transaction = request->transaction;

    self->current = NULL;
    if (transaction == NULL) {
        message_free(request); /* the client has gone */
        return K_EUNKNOWN;
    }
    /* The request goes first: its body may be lent by the very transaction that ends now. */
    request->transaction = NULL;
    transaction->request = NULL;
    if (in_place) {
        message_empty_body(request);
        message_reset(request, 0);
        transaction_end(transaction, K_OK, request);
        return K_OK;
    }
    message_free(request);
    struct message *draft = self->draft;

    self->draft = NULL;
    transaction_end(transaction, K_OK, draft);
    return K_OK;
}

KnResult call_ipcReply(struct thread *self, VmAddr reply)
{
    return reply_current(self, reply);
}

KnResult call_ipcReplyReceive(struct thread *self, VmAddr reply, VmAddr message, VmAddr li,
                              int64_t delay_ns)
{
    if (!self->replied) {
        KnResult status = reply_current(self, reply);

        /* A client that has gone is no reason to serve no other; the abort that told of it was for
         * its request. */
        if (status == K_EUNKNOWN)
            self->aborted = false;
        else if (status != K_OK)
            return status;
        self->replied = true;
    }
    return receive(self, message, li, delay_ns);
}
