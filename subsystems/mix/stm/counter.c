/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters and timers. See counter.h. */
#include "subsystems/mix/stm/counter.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

STATIC_ASSERT(COUNTER_BYTES <= CALL_BODY_BYTES && COUNTER_BYTES <= CALL_ANSWER_BYTES,
              "a number has room in a call");

static struct counter *counter_of(const struct stream *stream)
{
    return container_of(stream->object, struct counter, object);
}

static uint64_t time_now_ns(void)
{
    uint64_t now_ns = 0;
    KnResult status = sysTime(&now_ns);

    ASSERT(status == K_OK);
    return now_ns;
}

/* What a reader would take now, if it took all. */
static uint64_t counter_value(const struct counter *counter, uint64_t now_ns)
{
    if (!counter->is_timer)
        return counter->value;
    if (counter->next_ns == 0 || counter->next_ns > now_ns)
        return 0;
    return counter->interval_ns == 0 ? 1 : 1 + (now_ns - counter->next_ns) / counter->interval_ns;
}

static void counter_changed(struct counter *counter, uint32_t events)
{
    wait_queue_wake_all(&counter->object.readers);
    wait_queue_wake_all(&counter->object.writers);
    stream_changed(&counter->object, events);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static void counter_free(struct counters *counters, struct counter *counter)
{
    ASSERT(wait_queue_is_empty(&counter->object.watchers));
    places_give(&counters->places, counter);
}

int counter_open(struct call *call, const struct stm_counter_in *in)
{
    struct counters *counters = &call->stm->counters;
    struct counter *counter;

    if (in->value == COUNTER_END)
        return -EINVAL;
    counter = PLACES_TAKE(&counters->places, counters->counter);
    if (counter == NULL)
        return -ENFILE;
    *counter = (struct counter){.is_timer = in->is_timer != 0,
                                .by_one = in->by_one != 0,
                                .value = in->value,
                                .number = ++counters->last_number};
    stream_object_init(&counter->object);
    call->opened[0] = stream_create(&call->stm->streams, &counter_operations, &counter->object,
                                    STREAM_READ | STREAM_WRITE);
    if (call->opened[0] == NULL)
        counter_free(counters, counter);
    return call->opened[0] == NULL ? -ENFILE : 0;
}

/* Who waits finds that its key opens nothing any more. */
static void counter_close(struct stm *stm, struct stream *stream)
{
    struct counter *counter = counter_of(stream);

    counter_changed(counter, POLLIN | POLLOUT);
    counter_free(&stm->counters, counter);
}

/* ---- Transfers ------------------------------------------------------------------------------- */

static long counter_read(struct call *call, struct transfer *transfer)
{
    struct counter *counter = counter_of(transfer->stream);
    uint64_t now_ns = counter->is_timer ? time_now_ns() : 0;
    uint64_t value = counter_value(counter, now_ns);

    transfer->moved = 0;
    if (transfer->bytes < COUNTER_BYTES)
        return -EINVAL;
    if (value == 0) {
        if (counter->is_timer && counter->next_ns != 0)
            transfer->timeout_ns = MIN(counter->next_ns - now_ns, (uint64_t)INT64_MAX);
        return -EAGAIN;
    }
    counter->taken = counter->by_one ? 1 : value;
    le64_store(call->answer, counter->taken);
    transfer->data = call->answer;
    transfer->moved = COUNTER_BYTES;
    return transfer->moved;
}

static void counter_read_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct counter *counter = counter_of(transfer->stream);

    (void)stm;
    if (!done) {
        wait_queue_wake_one(&counter->object.readers);
        return;
    }
    if (counter->is_timer && counter->interval_ns == 0) {
        counter->next_ns = 0;
    } else if (counter->is_timer) {
        counter->next_ns += counter->taken * counter->interval_ns;
    } else {
        ASSERT(counter->taken > 0 && counter->taken <= counter->value);
        counter->value -= counter->taken;
    }
    counter->is_noticed = false;
    counter_changed(counter, POLLOUT);
}

static long counter_write(struct call *call, struct transfer *transfer)
{
    struct counter *counter = counter_of(transfer->stream);
    uint64_t more;

    transfer->moved = 0;
    if (counter->is_timer || transfer->bytes < COUNTER_BYTES)
        return -EINVAL;
    more = le64_load(call->body);
    if (more == COUNTER_END)
        return -EINVAL;
    if (more >= COUNTER_END - counter->value)
        return -EAGAIN;
    counter->taken = more;
    transfer->moved = COUNTER_BYTES;
    return transfer->moved;
}

static void counter_write_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct counter *counter = counter_of(transfer->stream);

    (void)stm;
    if (done) {
        ASSERT(counter->taken < COUNTER_END - counter->value);
        counter->value += counter->taken;
        counter_changed(counter, POLLIN);
    } else {
        wait_queue_wake_one(&counter->object.writers);
    }
}

/* ---- The rest -------------------------------------------------------------------------------- */

static uint32_t counter_poll(struct stm *stm, struct stream *stream, uint32_t wanted)
{
    struct counter *counter = counter_of(stream);
    uint64_t value = counter_value(counter, counter->is_timer ? time_now_ns() : 0);
    uint32_t events = value > 0 ? POLLIN : 0;

    (void)stm;
    (void)wanted;
    /* Time changes a timer without telling; once, until it is read or set. */
    if (counter->is_timer && value > 0 && !counter->is_noticed) {
        counter->is_noticed = true;
        counter->object.arrivals++;
    }
    if (!counter->is_timer && counter->value < COUNTER_END - 1)
        events |= POLLOUT;
    return events;
}

static uint64_t counter_ready_at(struct stm *stm, const struct stream *stream)
{
    const struct counter *counter = counter_of(stream);

    (void)stm;
    return counter->is_noticed ? 0 : counter->next_ns;
}

static int counter_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
                         struct stm_ioctl_out *out)
{
    (void)call;
    (void)stream;
    (void)in;
    (void)out;
    return -ENOTTY;
}

static void counter_stat(const struct stream *stream, struct stm_stat_out *out)
{
    *out = (struct stm_stat_out){.mode = 0600, .inode = counter_of(stream)->number};
}

int counter_timer(struct stm *stm, const struct stm_timer_in *in, struct stm_timer_out *out)
{
    struct stream *stream = stream_find(&stm->streams, in->key);
    struct counter *counter;
    uint64_t now_ns = time_now_ns(), next_ns;

    if (stream == NULL)
        return -EBADF;
    if (stream->operations != &counter_operations || !counter_of(stream)->is_timer)
        return -EINVAL;
    counter = counter_of(stream);
    next_ns = counter->next_ns + counter_value(counter, now_ns) * counter->interval_ns;
    out->left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    out->interval_ns = counter->interval_ns;
    if (in->set != 0) {
        counter->next_ns = in->next_ns;
        counter->interval_ns = in->interval_ns;
        counter->is_noticed = false;
        counter_changed(counter, POLLIN);
    }
    return 0;
}

const struct stream_operations counter_operations = {
    .read = counter_read,
    .write = counter_write,
    .read_settle = counter_read_settle,
    .write_settle = counter_write_settle,
    .poll = counter_poll,
    .ready_at = counter_ready_at,
    .ioctl = counter_ioctl,
    .stat = counter_stat,
    .close = counter_close,
};
