/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions: how a request finds its one end. See executive/transaction.h for states and
 * invariants. */
#include "kit/assert.h"
#include "kit/base.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"

void transaction_begin(struct transaction *transaction, struct message *request)
{
    ASSERT(transaction->state == TRANSACTION_IDLE && request->transaction == NULL);
    transaction->state = TRANSACTION_SENT;
    transaction->request = request;
    transaction->server = NULL;
    request->transaction = transaction;
    request->is_request = true;
}

void transaction_end(struct transaction *transaction, KnResult status, struct message *reply)
{
    ASSERT(transaction->state == TRANSACTION_SENT);
    if (transaction->request != NULL) {
        /* What was lent to the request is its owner's again, before the owner is told. */
        if (transaction->request->lent)
            message_strip(transaction->request);
        transaction->request->transaction = NULL;
    }
    transaction->request = NULL;
    transaction->server = NULL;
    transaction->state = TRANSACTION_DONE;
    transaction->status = status;
    transaction->reply = reply;
    transaction->done(transaction);
}

void message_drop(struct message *message, KnResult status)
{
    struct transaction *transaction = message->transaction;

    if (transaction != NULL)
        transaction_end(transaction, status, NULL);
    message_free(message);
}

void transaction_cancel(struct transaction *transaction)
{
    struct message *request = transaction->request;
    struct thread *server = transaction->server;

    ASSERT(transaction->state == TRANSACTION_SENT && request != NULL);
    transaction->state = TRANSACTION_IDLE;
    transaction->request = NULL;
    transaction->server = NULL;
    request->transaction = NULL;
    if (server != NULL) {
        if (request->lent)
            message_strip(request);
        thread_abort(server);
        return;
    }
    struct port *port = port_find(request->target);

    ASSERT(port != NULL);
    port_withdraw(port, request);
}

/* ---- Ends -------------------------------------------------------------------------------- */

void ipc_call_end(struct thread *thread)
{
    if (thread->draft != NULL) {
        message_free(thread->draft);
        thread->draft = NULL;
    }
    if (thread->arrived != NULL) {
        struct message *message = thread->arrived;

        thread->arrived = NULL;
        port_untake(message);
    }
    if (thread->rpc.state == TRANSACTION_SENT)
        transaction_cancel(&thread->rpc);
    if (thread->rpc.reply != NULL) {
        message_free(thread->rpc.reply);
        thread->rpc.reply = NULL;
    }
    thread->rpc.state = TRANSACTION_IDLE;
    thread->replied = false;
}

void ipc_thread_end(struct thread *thread)
{
    ipc_call_end(thread);
    if (thread->current != NULL) {
        message_drop(thread->current, K_ELOST);
        thread->current = NULL;
    }
}

void ipc_actor_end(struct actor *actor)
{
    wait_queue_wake_all(&actor->any_receivers, K_ENOPORT);
    while (!list_is_empty(&actor->ports))
        port_delete(LIST_ENTRY(list_first(&actor->ports), struct port, in_actor));
}
