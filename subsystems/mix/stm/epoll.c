/* SPDX-License-Identifier: BSD-2-Clause */
/* Epolls: streams that watch others. See epoll.h. */
#include "subsystems/mix/stm/epoll.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

#define EVENTS_KNOWN (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE | EVENT_BITS)
#define EVENT_BITS 0xffffu /* what poll knows, and some */
#define INPUT (POLLIN | POLLPRI | POLLRDNORM)
#define OUTPUT (POLLOUT | POLLWRNORM)
#define UNASKED (POLLERR | POLLHUP)

STATIC_ASSERT(STM_EPOLL_WAIT_OUT_EVENTS_MAX <= SCRATCH_BYTES, "what is ready has room");

static struct epoll *epoll_of(const struct stream *stream)
{
    ASSERT(stream->operations == &epoll_operations);
    return container_of(stream->object, struct epoll, object);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static void epoll_free(struct epolls *epolls, struct epoll *epoll)
{
    ASSERT(list_is_empty(&epoll->items) && wait_queue_is_empty(&epoll->object.watchers));
    places_give(&epolls->places, epoll);
}

int epoll_open(struct call *call)
{
    struct epolls *epolls = &call->stm->epolls;
    struct epoll *epoll = PLACES_TAKE(&epolls->places, epolls->epoll);

    if (epoll == NULL)
        return -ENFILE;
    stream_object_init(&epoll->object);
    list_init(&epoll->items);
    call->opened[0] = stream_create(&call->stm->streams, &epoll_operations, &epoll->object,
                                    STREAM_READ | STREAM_WRITE);
    if (call->opened[0] == NULL)
        epoll_free(epolls, epoll);
    return call->opened[0] == NULL ? -ENFILE : 0;
}

static void item_free(struct epolls *epolls, struct epoll_item *item)
{
    list_remove(&item->link);
    item->key = 0;
    places_give(&epolls->item_places, item);
}

static void epoll_close(struct stm *stm, struct stream *stream)
{
    struct epoll *epoll = epoll_of(stream);
    struct epoll_item *item;

    LIST_FOR_EACH_SAFE(item, &epoll->items, link) {
        item_free(&stm->epolls, item);
    }
    stream_changed(&epoll->object, POLLIN | POLLOUT);
    epoll_free(&stm->epolls, epoll);
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* How often the stream has changed in what the item asks about. */
static uint32_t changes_of(const struct stream *stream, const struct epoll_item *item)
{
    bool both = (item->events & (INPUT | OUTPUT)) == 0;
    uint32_t changes = 0;

    if (both || (item->events & INPUT) != 0)
        changes += stream->object->arrivals;
    if (both || (item->events & OUTPUT) != 0)
        changes += stream->object->departures;
    return changes;
}

/* An item's news. Edge-triggered ones have none until their stream changes again; of an epoll,
 * whose changes nobody counts, they are like others. */
static uint32_t item_news(struct stm *stm, const struct epoll_item *item, struct stream *stream)
{
    uint32_t wanted = (item->events & EVENT_BITS) | UNASKED;
    uint32_t events;

    if (item->off)
        return 0;
    events = stream->operations->poll(stm, stream, wanted) & wanted;
    if ((item->events & EPOLLET) != 0 && item->told && stream->operations != &epoll_operations &&
        item->seen == changes_of(stream, item))
        return 0;
    return events;
}

static uint32_t epoll_poll(struct stm *stm, struct stream *stream, uint32_t wanted)
{
    const struct epoll_item *item;

    (void)wanted;
    LIST_FOR_EACH(item, &epoll_of(stream)->items, link) {
        struct stream *watched = stream_find(&stm->streams, item->key);

        if (watched != NULL && item_news(stm, item, watched) != 0)
            return POLLIN | POLLRDNORM;
    }
    return 0;
}

static bool epoll_watch(struct stm *stm, struct stream *stream, struct waiter *waiter,
                        struct watch **mine)
{
    const struct epoll_item *item;
    bool complete = watch_enter(stm, stream, waiter, mine);

    LIST_FOR_EACH(item, &epoll_of(stream)->items, link) {
        struct stream *watched = stream_find(&stm->streams, item->key);

        if (watched != NULL && complete)
            complete = stream_watch(stm, watched, waiter, mine);
    }
    return complete;
}

static uint64_t epoll_ready_at(struct stm *stm, const struct stream *stream)
{
    const struct epoll_item *item;
    uint64_t first_ns = 0;

    LIST_FOR_EACH(item, &epoll_of(stream)->items, link) {
        const struct stream *watched = stream_find(&stm->streams, item->key);

        if (watched != NULL && !item->off && (item->events & INPUT) != 0)
            first_ns = poll_earlier(first_ns, stream_ready_at(stm, watched));
    }
    return first_ns;
}

/* ---- Items ----------------------------------------------------------------------------------- */

static struct epoll_item *item_find(struct epoll *epoll, uint32_t fd, uint64_t key)
{
    struct epoll_item *item;

    LIST_FOR_EACH(item, &epoll->items, link) {
        if (item->fd == fd && item->key == key)
            return item;
    }
    return NULL;
}

/* I1 */
static void items_clean(struct stm *stm, struct epoll *epoll)
{
    struct epoll_item *item;

    LIST_FOR_EACH_SAFE(item, &epoll->items, link) {
        if (stream_find(&stm->streams, item->key) == NULL)
            item_free(&stm->epolls, item);
    }
}

static bool watches_epolls(struct stm *stm, const struct epoll *epoll)
{
    const struct epoll_item *item;

    LIST_FOR_EACH(item, &epoll->items, link) {
        const struct stream *watched = stream_find(&stm->streams, item->key);

        if (watched != NULL && watched->operations == &epoll_operations)
            return true;
    }
    return false;
}

static bool is_watched(struct stm *stm, uint64_t key)
{
    struct epolls *epolls = &stm->epolls;

    for (uint32_t i = 0; i < epolls->item_places.used; i++) {
        if (epolls->item[i].key == key)
            return true;
    }
    return false;
}

/* I2 */
static bool may_nest(struct stm *stm, const struct stream *outer, const struct stream *inner)
{
    return inner->operations != &epoll_operations ||
           (!watches_epolls(stm, epoll_of(inner)) && !is_watched(stm, outer->key));
}

static void item_set(struct epoll_item *item, const struct stm_epoll_control_in *in)
{
    item->events = in->events;
    item->data = in->data;
    item->told = item->off = item->is_offered = false;
}

static int item_add(struct stm *stm, struct epoll *epoll, const struct stm_epoll_control_in *in)
{
    struct epolls *epolls = &stm->epolls;
    struct epoll_item *item = PLACES_TAKE(&epolls->item_places, epolls->item);

    if (item == NULL)
        return -ENOSPC;
    *item = (struct epoll_item){.key = in->stream, .fd = in->fd};
    item_set(item, in);
    list_init(&item->link);
    list_add_tail(&epoll->items, &item->link);
    return 0;
}

int epoll_control(struct stm *stm, const struct stm_epoll_control_in *in)
{
    struct stream *stream = stream_find(&stm->streams, in->key);
    struct stream *watched = stream_find(&stm->streams, in->stream);
    struct epoll_item *item;
    struct epoll *epoll;
    int status = 0;

    if (stream == NULL || watched == NULL)
        return -EBADF;
    if (stream->operations != &epoll_operations || stream == watched ||
        (in->events & ~EVENTS_KNOWN) != 0)
        return -EINVAL;
    epoll = epoll_of(stream);
    items_clean(stm, epoll);
    item = item_find(epoll, in->fd, in->stream);
    if (in->action != EPOLL_CTL_ADD && item == NULL)
        return -ENOENT;
    switch (in->action) {
    case EPOLL_CTL_ADD:
        if (item != NULL)
            return -EEXIST;
        status = may_nest(stm, stream, watched) ? item_add(stm, epoll, in) : -ELOOP;
        break;
    case EPOLL_CTL_MOD:
        item_set(item, in);
        break;
    case EPOLL_CTL_DEL:
        item_free(&stm->epolls, item);
        break;
    default:
        return -EINVAL;
    }
    if (status == 0)
        stream_changed(&epoll->object, POLLIN);
    return status;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Writes up to `most` records of what has news; how many there are. */
static uint32_t items_offer(struct stm *stm, struct epoll *epoll, uint32_t most, uint8_t *to)
{
    struct epoll_item *item;
    uint32_t count = 0;

    items_clean(stm, epoll);
    LIST_FOR_EACH(item, &epoll->items, link) {
        struct stream *stream = stream_find(&stm->streams, item->key);

        ASSERT(stream != NULL && !item->is_offered);
        uint32_t events = count < most ? item_news(stm, item, stream) : 0;

        item->is_offered = events != 0;
        if (events == 0)
            continue;
        le32_store(to + count * EPOLL_EVENT_BYTES, events);
        le64_store(to + count * EPOLL_EVENT_BYTES + sizeof(uint32_t), item->data);
        count++;
    }
    return count;
}

/* What was told goes behind what was not: so all have their turn where there is no room for all. */
static void settle_wait(struct call *call, bool done)
{
    struct epoll *epoll = epoll_of(call->transfer.stream);
    const struct stream *stream;
    struct list told;
    struct epoll_item *item;

    list_init(&told);
    LIST_FOR_EACH_SAFE(item, &epoll->items, link) {
        if (!item->is_offered)
            continue;
        item->is_offered = false;
        if (!done)
            continue;
        item->told = true;
        stream = stream_find(&call->stm->streams, item->key);
        ASSERT(stream != NULL);
        item->seen = changes_of(stream, item);
        item->off = (item->events & EPOLLONESHOT) != 0;
        list_remove(&item->link);
        list_add_tail(&told, &item->link);
    }
    list_splice_tail(&epoll->items, &told);
}

int epoll_wait(struct call *call, const struct stm_epoll_wait_in *in,
               struct stm_epoll_wait_out *out)
{
    struct stm *stm = call->stm;
    uint32_t most = MIN(MIN(in->most, out->events_room / EPOLL_EVENT_BYTES), EPOLL_EVENTS_MOST);
    uint64_t end_ns = poll_end(in->timeout_ns), left_ns;

    if (most == 0)
        return -EINVAL;
    for (;;) {
        struct stream *stream = stream_find(&stm->streams, in->key);
        int status;

        if (stream == NULL)
            return -EBADF;
        if (stream->operations != &epoll_operations)
            return -EINVAL;
        out->events = stm->scratch;
        out->events_bytes =
            items_offer(stm, epoll_of(stream), most, stm->scratch) * EPOLL_EVENT_BYTES;
        call->transfer.stream = stream;
        call->settle = settle_wait;
        if (out->events_bytes > 0 ||
            !poll_time_left(in->timeout_ns, end_ns, epoll_ready_at(stm, stream), &left_ns))
            return 0;
        call->settle = NULL;
        status = poll_wait(call, stream, left_ns);
        if (status != 0 && status != -ETIMEDOUT)
            return status;
    }
}

/* ---- The rest -------------------------------------------------------------------------------- */

static long epoll_move(struct call *call, struct transfer *transfer)
{
    (void)call;
    (void)transfer;
    return -EINVAL;
}

static int epoll_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
                       struct stm_ioctl_out *out)
{
    (void)call;
    (void)stream;
    (void)in;
    (void)out;
    return -ENOTTY;
}

static void epoll_stat(const struct stream *stream, struct stm_stat_out *out)
{
    (void)stream;
    *out = (struct stm_stat_out){.mode = 0600, .inode = 1};
}

/* A transfer never comes to its second half. */
const struct stream_operations epoll_operations = {
    .read = epoll_move,
    .write = epoll_move,
    .poll = epoll_poll,
    .watch = epoll_watch,
    .ready_at = epoll_ready_at,
    .ioctl = epoll_ioctl,
    .stat = epoll_stat,
    .close = epoll_close,
};
