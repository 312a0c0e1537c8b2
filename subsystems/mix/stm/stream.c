/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/stm/stream.h"

#include "kit/assert.h"
#include "subsystems/mix/stm/stm.h"

#define INDEX_MASK ((UINT64_C(1) << STREAM_INDEX_BITS) - 1)

STATIC_ASSERT(STREAMS_MOST <= INDEX_MASK, "an index fits its bits");

void stream_object_init(struct stream_object *object)
{
    wait_queue_init(&object->readers);
    wait_queue_init(&object->writers);
    wait_queue_init(&object->watchers);
    object->arrivals = object->departures = 0;
}

void stream_changed(struct stream_object *object, uint32_t events)
{
    ASSERT((events & (POLLIN | POLLOUT)) == events && events != 0);
    object->arrivals += (events & POLLIN) != 0;
    object->departures += (events & POLLOUT) != 0;
    wait_queue_wake_all(&object->watchers);
}

/* Only trusted actors get keys, so a generator that is seeded well is secret enough: who sees no
 * output cannot tell the next one. */
void streams_init(struct streams *streams, uint64_t seed)
{
    streams->first_free = 0;
    streams->used = 0;
    random_init(&streams->random, seed);
}

static struct stream *place_take(struct streams *streams)
{
    struct stream *stream = NULL;

    if (streams->first_free != 0) {
        stream = &streams->stream[streams->first_free - 1];
        streams->first_free = stream->next_free;
    } else if (streams->used < STREAMS_MOST) {
        stream = &streams->stream[streams->used++];
    }
    return stream;
}

struct stream *stream_create(struct streams *streams, const struct stream_operations *operations,
                             struct stream_object *object, uint32_t access)
{
    struct stream *stream = place_take(streams);
    uint64_t secret;

    ASSERT(object != NULL && access != 0);
    if (stream == NULL)
        return NULL;
    do
        secret = random_next(&streams->random) & ~INDEX_MASK;
    while (secret == 0);
    *stream = (struct stream){.key = secret | (uint64_t)(stream - streams->stream),
                              .operations = operations,
                              .object = object,
                              .access = access,
                              .holders = 1};
    return stream;
}

struct stream *stream_find(struct streams *streams, uint64_t key)
{
    uint64_t index = key & INDEX_MASK;

    if (key == 0 || index >= streams->used || streams->stream[index].key != key)
        return NULL;
    ASSERT(streams->stream[index].holders > 0 && streams->stream[index].object != NULL);
    return &streams->stream[index];
}

void stream_release(struct stm *stm, struct stream *stream)
{
    struct streams *streams = &stm->streams;

    ASSERT(stream->key != 0 && stream->holders > 0);
    if (--stream->holders > 0)
        return;
    stream->operations->close(stm, stream);
    *stream = (struct stream){.next_free = streams->first_free};
    streams->first_free = (uint32_t)(stream - streams->stream) + 1;
}
