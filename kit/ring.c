/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings. The release stores pair with the acquire loads of ring_used: who sees an index also sees
 * the bytes before it. The interface stands in kit/ring.h.
 */
#include "kit/ring.h"

#include "kit/base.h"
#include "kit/string.h"

/* ---- Bytes ----------------------------------------------------------------------------------- */

void ring_init(struct ring *ring, void *memory, size_t bytes)
{
    ASSERT(IS_POWER_OF_TWO(bytes) && bytes <= RING_SIZE_LIMIT);
    *ring = (struct ring){.bytes = memory, .size = (uint32_t)bytes};
}

size_t ring_write(struct ring *ring, const void *from, size_t bytes)
{
    size_t written = MIN(bytes, ring_free(ring));
    size_t at = ring->written & (ring->size - 1);
    size_t before_end = MIN(written, ring->size - at);

    memcpy(ring->bytes + at, from, before_end);
    memcpy(ring->bytes, (const uint8_t *)from + before_end, written - before_end);
    __atomic_store_n(&ring->written, ring->written + (uint32_t)written, __ATOMIC_RELEASE);
    return written;
}

size_t ring_peek(const struct ring *ring, void *to, size_t bytes)
{
    size_t peeked = MIN(bytes, ring_used(ring));
    size_t at = ring->read & (ring->size - 1);
    size_t before_end = MIN(peeked, ring->size - at);

    memcpy(to, ring->bytes + at, before_end);
    memcpy((uint8_t *)to + before_end, ring->bytes, peeked - before_end);
    return peeked;
}

size_t ring_skip(struct ring *ring, size_t bytes)
{
    size_t skipped = MIN(bytes, ring_used(ring));

    __atomic_store_n(&ring->read, ring->read + (uint32_t)skipped, __ATOMIC_RELEASE);
    return skipped;
}

size_t ring_read(struct ring *ring, void *to, size_t bytes)
{
    return ring_skip(ring, ring_peek(ring, to, bytes));
}

/* ---- Records --------------------------------------------------------------------------------- */

void record_ring_init(struct record_ring *ring, void *memory, size_t records, size_t record_bytes)
{
    ASSERT(IS_POWER_OF_TWO(records) && records <= RING_SIZE_LIMIT);
    ASSERT(record_bytes > 0 && record_bytes <= UINT32_MAX);
    *ring = (struct record_ring){
        .records = memory,
        .size = (uint32_t)records,
        .record_bytes = (uint32_t)record_bytes,
    };
}

static uint8_t *record_at(const struct record_ring *ring, uint32_t index)
{
    return ring->records + (size_t)(index & (ring->size - 1)) * ring->record_bytes;
}

bool record_ring_write(struct record_ring *ring, const void *record)
{
    if (record_ring_free(ring) == 0)
        return false;
    memcpy(record_at(ring, ring->written), record, ring->record_bytes);
    __atomic_store_n(&ring->written, ring->written + 1, __ATOMIC_RELEASE);
    return true;
}

void *record_ring_peek(struct record_ring *ring)
{
    return record_ring_used(ring) == 0 ? NULL : record_at(ring, ring->read);
}

bool record_ring_skip(struct record_ring *ring)
{
    if (record_ring_used(ring) == 0)
        return false;
    __atomic_store_n(&ring->read, ring->read + 1, __ATOMIC_RELEASE);
    return true;
}

bool record_ring_read(struct record_ring *ring, void *record)
{
    const void *oldest = record_ring_peek(ring);

    if (oldest == NULL)
        return false;
    memcpy(record, oldest, ring->record_bytes);
    return record_ring_skip(ring);
}
