/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/ipc/message.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/copy.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define PAGES_A_TURN 8u

struct message *message_create(uint32_t body_bytes, bool reserved)
{
    struct ipc *ipc = &site_self()->ipc;
    struct message *message = slab_take(reserved ? &ipc->reserved_messages : &ipc->messages);

    ASSERT(body_bytes <= K_CMSGBODYMAX);
    if (message == NULL)
        return NULL;
    message->reserved = reserved;
    list_init(&message->link);
    list_init(&message->body);
    message_reset(message, body_bytes);
    return message;
}

void message_reset(struct message *message, uint32_t body_bytes)
{
    ASSERT(list_is_empty(&message->body));
    message->body_bytes = body_bytes;
    message->body_pages = message->filled = message->emptied = 0;
    message->is_request = message->framed = message->lent = false;
    message->sequence = 0;
    message->transaction = NULL;
}

void message_strip(struct message *message)
{
    ASSERT(message->lent);
    while (!list_is_empty(&message->body))
        (void)list_pop_head(&message->body);
    message->body_bytes = message->filled = message->emptied = 0;
}

void message_empty_body(struct message *message)
{
    if (message->lent)
        message_strip(message);
    while (!list_is_empty(&message->body))
        frame_free(LIST_ENTRY(list_pop_head(&message->body), struct frame, link));
}

void message_free(struct message *message)
{
    struct ipc *ipc = &site_self()->ipc;

    ASSERT(!list_is_linked(&message->link) && message->transaction == NULL);
    message_empty_body(message);
    slab_free(message->reserved ? &ipc->reserved_messages : &ipc->messages, message);
}

/* ---- Body -------------------------------------------------------------------------------- */

static KnResult next_page(struct message *message)
{
    struct frame *frame;
    KnResult status = frame_allocate(&frame, FRAME_BODY);

    if (status == K_OK)
        list_add_tail(&message->body, &frame->link);
    return status;
}

static bool is_small(const struct message *message)
{
    return message->body_bytes <= MESSAGE_SMALL_BYTES && !message->framed;
}

static KnResult fill_small(struct message *message, VmAddr from)
{
    ASSERT(list_is_empty(&message->body));
    KnResult status = message->filled == message->body_bytes
                          ? K_OK
                          : copy_in(message->small, from, message->body_bytes);

    if (status == K_OK)
        message->filled = message->body_bytes;
    return status;
}

KnResult message_fill(struct message *message, VmAddr from)
{
    if (is_small(message))
        return fill_small(message, from);
    for (uint32_t pages = 0; message->filled < message->body_bytes; pages++) {
        uint32_t within = message->filled & (uint32_t)(PAGE_BYTES - 1);
        uint32_t bytes = MIN((uint32_t)PAGE_BYTES - within, message->body_bytes - message->filled);

        if (pages == PAGES_A_TURN)
            return STATUS_AGAIN;
        if (within == 0 && message->filled == message->body_pages * PAGE_BYTES) {
            KnResult status = next_page(message);

            if (status != K_OK)
                return status;
            message->body_pages++;
        }
        struct frame *frame = LIST_ENTRY(message->body.prev, struct frame, link);
        VmAddr at = from + message->filled;

        if (copy_check(at, bytes) != K_OK)
            return K_EFAULT;
        size_t done = copy_from_space((char *)frame_address(frame) + within, at, bytes);

        message->filled += (uint32_t)done;
        if (done < bytes)
            return copy_missing(at + done, message->body_bytes - message->filled, K_READABLE);
    }
    return K_OK;
}

KnResult message_empty(struct message *message, VmAddr to, uint32_t room_bytes)
{
    uint32_t limit = MIN(message->body_bytes, room_bytes);
    uint32_t skip = message->emptied >> MACHINE_PAGE_SHIFT;
    struct list *link = message->body.next;

    if (is_small(message))
        return limit == 0 ? K_OK : copy_out(to, message->small, limit);
    while (skip-- > 0)
        link = link->next;
    for (uint32_t pages = 0; message->emptied < limit; pages++) {
        uint32_t within = message->emptied & (uint32_t)(PAGE_BYTES - 1);
        uint32_t bytes = MIN((uint32_t)PAGE_BYTES - within, limit - message->emptied);
        VmAddr at = to + message->emptied;

        ASSERT(link != &message->body);
        if (pages == PAGES_A_TURN)
            return STATUS_AGAIN;
        if (copy_check(at, bytes) != K_OK)
            return K_EFAULT;
        size_t done =
            copy_to_space(at, (char *)frame_address(LIST_ENTRY(link, struct frame, link)) + within,
                          bytes);

        message->emptied += (uint32_t)done;
        if (done < bytes)
            return copy_missing(at + done, limit - message->emptied, K_WRITABLE);
        link = link->next;
    }
    return K_OK;
}
