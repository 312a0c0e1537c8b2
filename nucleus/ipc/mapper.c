/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the pager's requests travel: as messages from the Nucleus itself, from a reserve of their
 * own, with the pages that are pushed out lent to the body, and the pages of a reply given to the
 * pager.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "nucleus/site.h"

static void answer(struct transaction *transaction)
{
    struct pager_request *request = container_of(transaction, struct pager_request, transaction);
    struct message *reply = transaction->reply;
    struct frame *body[PAGER_CLUSTER];
    uint32_t pages = 0;
    struct list *link, *next;
    KnMpReply annex;

    if (reply == NULL) {
        pager_answer(request, K_EMAPPER, NULL, NULL, 0);
        return;
    }
    for (link = reply->body.next; link != &reply->body && pages < PAGER_CLUSTER; link = next) {
        next = link->next;
        body[pages++] = LIST_ENTRY(link, struct frame, link);
    }
    if (pages > 0 && (reply->body_bytes & (PAGE_BYTES - 1)) != 0) {
        size_t used = reply->body_bytes & (PAGE_BYTES - 1);

        memset((char *)frame_address(body[pages - 1]) + used, 0, PAGE_BYTES - used);
    }
    memcpy(&annex, reply->annex, sizeof(annex));
    transaction->reply = NULL;
    pager_answer(request, K_OK, &annex, body, pages);
    message_free(reply);
}

static KnResult transport_send(struct pager_request *request, KnUniqueId target,
                               const KnMpRequest *annex)
{
    struct port *port = port_find(target);
    struct message *message;
    KnResult status;

    if (port == NULL)
        return K_EUNKNOWN;
    message = message_create(0, true);
    if (message == NULL)
        return K_ENOMEM;
    message->source = message->co_target = (KnUniqueId){0, 0};
    message->actor_pi = message->port_pi = (KnProtId){0};
    memset(message->annex, 0, sizeof(message->annex));
    memcpy(message->annex, annex, sizeof(*annex));
    if (request->kind == PAGER_PUSH) {
        message->lent = message->framed = true;
        for (uint32_t i = 0; i < request->pages; i++)
            list_add_tail(&message->body, &request->frame[i]->link);
        message->body_pages = request->pages;
        message->body_bytes = message->filled = request->pages * (uint32_t)PAGE_BYTES;
    }
    request->transaction.done = answer;
    transaction_begin(&request->transaction, message);
    status = port_put(port, message);
    if (status != K_OK) {
        message->transaction = NULL;
        message_free(message);
    }
    return status;
}

static void transport_cancel(struct pager_request *request)
{
    transaction_cancel(&request->transaction);
}

static bool transport_serves(KnUniqueId port)
{
    return port_find(port) != NULL;
}

const struct pager_transport mapper_transport = {transport_send, transport_cancel,
                                                 transport_serves};
