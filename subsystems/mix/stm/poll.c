/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/stm/poll.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

/* What a user is told without asking. */
#define ALWAYS (POLLERR | POLLHUP | POLLNVAL)

STATIC_ASSERT(STM_POLL_IN_ITEMS_MAX <= SCRATCH_BYTES, "the items of a poll have room");

/* ---- Watches --------------------------------------------------------------------------------- */

void watches_give(struct watches *watches, struct watch *mine)
{
    while (mine != NULL) {
        struct watch *watch = mine;

        mine = watch->next;
        wait_link_leave(&watch->link);
        places_give(&watches->places, watch);
    }
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* The items, where they may be written to. Those that came with the request stay where they are; of
 * more, the scratch holds a copy until the lock is given back. */
static uint8_t *items_fetch(struct call *call)
{
    if (call->body_bytes <= CALL_BODY_BYTES)
        return call->body;
    if (call_fetch(call, (VmAddr)call->stm->scratch, call->body_bytes, false) != 0)
        return NULL;
    return call->stm->scratch;
}

static uint32_t item_look(struct stm *stm, struct stm_watch *item)
{
    struct stream *stream = stream_find(&stm->streams, item->key);

    if (stream == NULL)
        return POLLNVAL;
    return stream->operations->poll(stm, stream, item->events) & (item->events | ALWAYS);
}

static uint32_t items_look(struct stm *stm, uint8_t *items, uint32_t count)
{
    uint32_t ready = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = items + i * STM_WATCH_BYTES;
        struct stm_watch item;

        stm_watch_load(at, &item);
        item.revents = item_look(stm, &item);
        stm_watch_store(at, &item);
        ready += item.revents != 0 ? 1 : 0;
    }
    return ready;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

bool watch_enter(struct stm *stm, struct stream *stream, struct waiter *waiter, struct watch **mine)
{
    struct watch *watch = PLACES_TAKE(&stm->watches.places, stm->watches.watch);

    if (watch == NULL)
        return false;
    wait_link_enter(&watch->link, &stream->object->watchers, waiter);
    watch->next = *mine;
    *mine = watch;
    return true;
}

bool stream_watch(struct stm *stm, struct stream *stream, struct waiter *waiter,
                  struct watch **mine)
{
    if (stream->operations->watch != NULL)
        return stream->operations->watch(stm, stream, waiter, mine);
    return watch_enter(stm, stream, waiter, mine);
}

uint64_t stream_ready_at(struct stm *stm, const struct stream *stream)
{
    return stream->operations->ready_at == NULL ? 0 : stream->operations->ready_at(stm, stream);
}

/* Enters the queues of all streams there are. False: the watches are used up. */
static bool items_watch(struct stm *stm, const uint8_t *items, uint32_t count,
                        struct waiter *waiter, struct watch **mine)
{
    for (uint32_t i = 0; i < count; i++) {
        struct stm_watch item;
        struct stream *stream;

        stm_watch_load(items + i * STM_WATCH_BYTES, &item);
        stream = stream_find(&stm->streams, item.key);
        ASSERT(stream != NULL); /* or the poll would not have to wait */
        if (!stream_watch(stm, stream, waiter, mine))
            return false;
    }
    return true;
}

static int items_wait(struct call *call, const uint8_t *items, uint32_t count, uint64_t timeout_ns)
{
    struct waiter waiter = {0};
    struct watch *mine = NULL;
    int status = -ENOMEM;

    if (items_watch(call->stm, items, count, &waiter, &mine))
        status = call_sleep(call, &waiter, timeout_ns);
    watches_give(&call->stm->watches, mine);
    return status;
}

int poll_wait(struct call *call, struct stream *stream, uint64_t timeout_ns)
{
    struct waiter waiter = {0};
    struct watch *mine = NULL;
    int status = -ENOMEM;

    if (stream_watch(call->stm, stream, &waiter, &mine))
        status = call_sleep(call, &waiter, timeout_ns);
    watches_give(&call->stm->watches, mine);
    return status;
}

/* When the first of them becomes ready to be read by the time alone; 0: none does. */
static uint64_t items_ready_at(struct stm *stm, const uint8_t *items, uint32_t count)
{
    uint64_t first_ns = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct stream *stream;
        struct stm_watch item;

        stm_watch_load(items + i * STM_WATCH_BYTES, &item);
        stream = stream_find(&stm->streams, item.key);
        if (stream != NULL && (item.events & POLLIN) != 0)
            first_ns = poll_earlier(first_ns, stream_ready_at(stm, stream));
    }
    return first_ns;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
    uint64_t time_ns = 0;
    KnResult status = sysTime(&time_ns);

    ASSERT(status == K_OK);
    return time_ns;
}

uint64_t poll_earlier(uint64_t one_ns, uint64_t other_ns)
{
    if (one_ns == 0 || other_ns == 0)
        return one_ns + other_ns;
    return MIN(one_ns, other_ns);
}

uint64_t poll_end(int64_t timeout_ns)
{
    return timeout_ns > 0 ? now_ns() + (uint64_t)timeout_ns : 0;
}

bool poll_time_left(int64_t timeout_ns, uint64_t end_ns, uint64_t ready_ns, uint64_t *left_ns)
{
    uint64_t until_ns = timeout_ns > 0 ? poll_earlier(end_ns, ready_ns) : ready_ns;
    uint64_t now = until_ns != 0 ? now_ns() : 0;

    *left_ns = 0;
    if (timeout_ns == 0 || (timeout_ns > 0 && now >= end_ns))
        return false;
    if (until_ns != 0) /* what was not ready when it was looked at may be so by now: look again */
        *left_ns = until_ns > now ? MIN(until_ns - now, (uint64_t)INT64_MAX) : 1;
    return true;
}

/* ---- Streams --------------------------------------------------------------------------------- */

int poll_streams(struct call *call, const struct stm_poll_in *in, struct stm_poll_out *out)
{
    uint32_t count = in->items_bytes / STM_WATCH_BYTES;
    uint64_t end_ns = poll_end(in->timeout_ns);
    uint64_t left_ns;

    if (in->items_bytes % STM_WATCH_BYTES != 0 || out->results_room < in->items_bytes)
        return -EINVAL;
    for (;;) {
        uint8_t *items = items_fetch(call);
        int status;

        if (items == NULL)
            return -ENOMEM;
        out->ready = items_look(call->stm, items, count);
        out->results = items;
        out->results_bytes = in->items_bytes;
        if (out->ready > 0 || !poll_time_left(in->timeout_ns, end_ns,
                                              items_ready_at(call->stm, items, count), &left_ns))
            return 0;
        status = items_wait(call, items, count, left_ns);
        if (status != 0 && status != -ETIMEDOUT)
            return status;
    }
}
