/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of objects of one size, in memory of the caller. A pool starts with one piece of memory, or
 * none, and may be given more; it never gives any back. Before each object stands a tag, and behind
 * it a red zone if the build asks for one:
 *
 *      | tag | object | red zone | tag | object | red zone | ...
 *
 * I1 The tag of a used object is made of its address and that of its pool, which therefore stays
 *    where it is; the tag of a free one links the next free one. So pool_free meets a double free,
 *    or a pointer the pool never gave out, with a failed assertion.
 * I2 Only used objects may be touched: everything else in the pool's memory is poisoned.
 * I3 used <= capacity, and capacity - used is the length of the free list.
 *
 * With red zones an object freed is the last to be used again, so that whoever still holds it meets
 * poison; without, it is the first, because the processor's cache has it.
 */
#ifndef KIT_POOL_H
#define KIT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 in sanitizer builds, where the build defines it; else 0. */
#ifndef KIT_POOL_RED_ZONE_BYTES
#define KIT_POOL_RED_ZONE_BYTES 0
#endif

struct pool_tag;

struct pool {
    struct pool_tag *first; /* free list */
    struct pool_tag *last;
    uintptr_t low, high; /* all memory given so far lies in [low, high) */
    size_t object_bytes;
    size_t align;
    size_t capacity;
    size_t used;
};

/* `align` is a power of two; objects are aligned to 8 bytes at least. `memory` may be NULL with
 * 0 bytes. */
void pool_init(struct pool *pool, void *memory, size_t bytes, size_t object_bytes, size_t align);

/* More memory, for one object at least; it becomes the pool's for ever. Who ends the pool and takes
 * its memory back unpoisons it first. */
void pool_add(struct pool *pool, void *memory, size_t bytes);

/* An object with undefined content. NULL: all are used. */
void *pool_allocate(struct pool *pool);
void pool_free(struct pool *pool, void *object);

static inline size_t pool_used(const struct pool *pool)
{
    return pool->used;
}

static inline size_t pool_capacity(const struct pool *pool)
{
    return pool->capacity;
}

#endif
