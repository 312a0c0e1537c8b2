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

static struct watch *watch_take(struct watches *watches)
{
    struct watch *watch = watches->first_free;

    if (watch != NULL)
        watches->first_free = watch->next;
    else if (watches->used < WATCHES_MOST)
        watch = &watches->watch[watches->used++];
    return watch;
}

static void watches_give(struct watches *watches, struct watch *mine)
{
    while (mine != NULL) {
        struct watch *watch = mine;

        mine = watch->next;
        wait_link_leave(&watch->link);
        watch->next = watches->first_free;
        watches->first_free = watch;
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

/* Enters the queues of all streams there are. False: the watches are used up. */
static bool items_watch(struct stm *stm, const uint8_t *items, uint32_t count,
                        struct waiter *waiter, struct watch **mine)
{
    for (uint32_t i = 0; i < count; i++) {
        struct stm_watch item;
        struct stream *stream;
        struct watch *watch;

        stm_watch_load(items + i * STM_WATCH_BYTES, &item);
        stream = stream_find(&stm->streams, item.key);
        ASSERT(stream != NULL); /* or the poll would not have to wait */
        watch = watch_take(&stm->watches);
        if (watch == NULL)
            return false;
        wait_link_enter(&watch->link, &stream->object->watchers, waiter);
        watch->next = *mine;
        *mine = watch;
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

/* When the first of them becomes ready to be read by the time alone; 0: none does. */
static uint64_t items_ready_at(struct stm *stm, const uint8_t *items, uint32_t count)
{
    uint64_t first_ns = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct stream *stream;
        struct stm_watch item;
        uint64_t at_ns = 0;

        stm_watch_load(items + i * STM_WATCH_BYTES, &item);
        stream = stream_find(&stm->streams, item.key);
        if (stream != NULL && stream->operations->ready_at != NULL && (item.events & POLLIN) != 0)
            at_ns = stream->operations->ready_at(stream);
        if (at_ns != 0 && (first_ns == 0 || at_ns < first_ns))
            first_ns = at_ns;
    }
    return first_ns;
}

static uint64_t now_ns(void)
{
    uint64_t time_ns = 0;
    KnResult status = sysTime(&time_ns);

    ASSERT(status == K_OK);
    return time_ns;
}

/* What is left until `end_ns`, 0 for ever where there is none; false: nothing is. */
static bool time_left(int64_t timeout_ns, uint64_t end_ns, uint64_t *left_ns)
{
    uint64_t now = timeout_ns > 0 ? now_ns() : 0;

    *left_ns = timeout_ns > 0 && now < end_ns ? end_ns - now : 0;
    return timeout_ns < 0 || *left_ns > 0;
}

int poll_streams(struct call *call, const struct stm_poll_in *in, struct stm_poll_out *out)
{
    uint32_t count = in->items_bytes / STM_WATCH_BYTES;
    uint64_t end_ns = in->timeout_ns > 0 ? now_ns() + (uint64_t)in->timeout_ns : 0;
    uint64_t left_ns;

    if (in->items_bytes % STM_WATCH_BYTES != 0 || out->results_room < in->items_bytes)
        return -EINVAL;
    for (;;) {
        uint8_t *items = items_fetch(call);
        uint64_t ready_ns;
        int status;

        if (items == NULL)
            return -ENOMEM;
        out->ready = items_look(call->stm, items, count);
        out->results = items;
        out->results_bytes = in->items_bytes;
        if (out->ready > 0 || !time_left(in->timeout_ns, end_ns, &left_ns))
            return 0;
        ready_ns = items_ready_at(call->stm, items, count);
        if (ready_ns != 0) {
            uint64_t now = now_ns();

            ready_ns = ready_ns > now ? MIN(ready_ns - now, (uint64_t)INT64_MAX) : 1;
            left_ns = left_ns == 0 ? ready_ns : MIN(left_ns, ready_ns);
        }
        status = items_wait(call, items, count, left_ns);
        if (status != 0 && status != -ETIMEDOUT)
            return status;
    }
}
