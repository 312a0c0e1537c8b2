/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings: a queue of bytes, and one of records of one size, in memory of the caller whose size is a
 * power of two. One producer and one consumer may work at the same time without a lock, as an
 * interrupt handler and a thread do: each writes only its own index, after the bytes.
 *
 * I1 `read` and `written` count for ever and wrap; their difference is what the ring holds, 0 to
 *    `size`.
 */
#ifndef KIT_RING_H
#define KIT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/assert.h"

#define RING_SIZE_LIMIT (UINT32_C(1) << 31)

/* ---- Bytes ----------------------------------------------------------------------------------- */

struct ring {
    uint8_t *bytes;
    uint32_t size;
    uint32_t written; /* the producer's */
    uint32_t read;    /* the consumer's */
};

void ring_init(struct ring *ring, void *memory, size_t bytes);

/* How much a consumer may read, and a producer write, at least. */
static inline size_t ring_used(const struct ring *ring)
{
    uint32_t used = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE) -
                    __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE);

    ASSERT(used <= ring->size);
    return used;
}

static inline size_t ring_free(const struct ring *ring)
{
    return ring->size - ring_used(ring);
}

/* Each moves as many bytes as there are, or as have room, and returns how many. */
size_t ring_write(struct ring *ring, const void *from, size_t bytes);
size_t ring_read(struct ring *ring, void *to, size_t bytes);

/* As ring_read, but the bytes stay; as ring_read, but the bytes go nowhere. */
size_t ring_peek(const struct ring *ring, void *to, size_t bytes);
size_t ring_skip(struct ring *ring, size_t bytes);

/* ---- Records --------------------------------------------------------------------------------- */

struct record_ring {
    uint8_t *records;
    uint32_t size; /* records, a power of two */
    uint32_t record_bytes;
    uint32_t written;
    uint32_t read;
};

/* `memory` holds records * record_bytes bytes. */
void record_ring_init(struct record_ring *ring, void *memory, size_t records, size_t record_bytes);

static inline size_t record_ring_used(const struct record_ring *ring)
{
    uint32_t used = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE) -
                    __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE);

    ASSERT(used <= ring->size);
    return used;
}

static inline size_t record_ring_free(const struct record_ring *ring)
{
    return ring->size - record_ring_used(ring);
}

/* false: the ring is full. */
bool record_ring_write(struct record_ring *ring, const void *record);

/* false: the ring is empty. */
bool record_ring_read(struct record_ring *ring, void *record);

/* The oldest record where it lies, until it is read or skipped. NULL: the ring is empty. */
void *record_ring_peek(struct record_ring *ring);
bool record_ring_skip(struct record_ring *ring);

#endif
