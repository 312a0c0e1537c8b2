/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools. The interface and the invariants stand in kit/pool.h. Tags lie in poisoned memory, so that
 * a write before an object is seen; the few functions that read and write them are not watched.
 */
#include "kit/pool.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/poison.h"

#define UNWATCHED __attribute__((no_sanitize_address))

/* Free: the address of the next free tag, or 0. Used: used_mark(). 8 bytes on every machine,
 * because sanitizers keep account in units of 8 bytes. */
struct pool_tag {
    uint64_t value;
};

#define TAG_BYTES sizeof(struct pool_tag)

STATIC_ASSERT(TAG_BYTES == 8, "the tag fills one unit of the sanitizer");
STATIC_ASSERT(KIT_POOL_RED_ZONE_BYTES % TAG_BYTES == 0,
              "a red zone is whole units of the sanitizer");

/* Odd, so it is no tag's address; it differs between objects and between pools. */
static uint64_t used_mark(const struct pool *pool, const struct pool_tag *tag)
{
    return ((uintptr_t)pool ^ (uintptr_t)tag ^ UINT64_C(0x706f6f6c00000000)) | 1;
}

UNWATCHED static uint64_t tag_value(const struct pool_tag *tag)
{
    return tag->value;
}

UNWATCHED static void tag_write(struct pool_tag *tag, uint64_t value)
{
    tag->value = value;
}

static void add_first(struct pool *pool, struct pool_tag *tag)
{
    tag_write(tag, (uintptr_t)pool->first);
    if (pool->first == NULL)
        pool->last = tag;
    pool->first = tag;
}

static void add_last(struct pool *pool, struct pool_tag *tag)
{
    tag_write(tag, 0);
    if (pool->first == NULL)
        pool->first = tag;
    else
        tag_write(pool->last, (uintptr_t)tag);
    pool->last = tag;
}

void pool_init(struct pool *pool, void *memory, size_t bytes, size_t object_bytes, size_t align)
{
    ASSERT(IS_POWER_OF_TWO(align));
    ASSERT(object_bytes > 0 && object_bytes <= SIZE_MAX / 4 && align <= SIZE_MAX / 4);
    *pool = (struct pool){.low = UINTPTR_MAX, .object_bytes = object_bytes};
    pool->align = MAX(align, TAG_BYTES);
    if (bytes > 0)
        pool_add(pool, memory, bytes);
}

void pool_add(struct pool *pool, void *memory, size_t bytes)
{
    size_t stride = ALIGN_UP(TAG_BYTES + pool->object_bytes + KIT_POOL_RED_ZONE_BYTES, pool->align);
    uintptr_t start = (uintptr_t)memory;
    size_t first = ALIGN_UP(start + TAG_BYTES, pool->align) - start;
    size_t needed = first + pool->object_bytes + KIT_POOL_RED_ZONE_BYTES;

    ASSERT(memory != NULL && bytes >= needed);
    size_t count = 1 + (bytes - needed) / stride;

    memory_poison(memory, bytes);
    for (size_t i = 0; i < count; i++)
        add_last(pool, (void *)((uint8_t *)memory + first + i * stride - TAG_BYTES));
    pool->low = MIN(pool->low, start);
    pool->high = MAX(pool->high, start + bytes);
    pool->capacity += count;
}

void *pool_allocate(struct pool *pool)
{
    struct pool_tag *tag = pool->first;

    if (tag == NULL)
        return NULL;
    ASSERT(pool->used < pool->capacity);
    pool->first = (struct pool_tag *)(uintptr_t)tag_value(tag);
    pool->used++;
    tag_write(tag, used_mark(pool, tag));
    memory_unpoison(tag + 1, pool->object_bytes);
    return tag + 1;
}

void pool_free(struct pool *pool, void *object)
{
    uintptr_t address = (uintptr_t)object;

    ASSERT(address >= pool->low && address < pool->high && IS_ALIGNED(address, TAG_BYTES));
    struct pool_tag *tag = (struct pool_tag *)object - 1;

    ASSERT(tag_value(tag) == used_mark(pool, tag));
    ASSERT(pool->used > 0);
    pool->used--;
    memory_poison(object, pool->object_bytes);
    if (KIT_POOL_RED_ZONE_BYTES > 0)
        add_last(pool, tag);
    else
        add_first(pool, tag);
}
