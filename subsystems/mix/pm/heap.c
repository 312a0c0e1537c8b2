/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/heap.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/user.h"

#define SLAB_BYTES 32768u
#define LARGEST (HEAP_SMALLEST << (HEAP_CLASSES - 1))

void heap_init(struct heap *heap)
{
    memset(heap, 0, sizeof(*heap));
}

/* There from the start: memory that ran out at the first touch would end PM, and the site. Where it
 * has to be waited for, a signal is no reason to say that there is none. */
static void *region_allocate(size_t bytes)
{
    KnRgnDesc region = {.size = bytes,
                        .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO | K_NODEMAND};
    KnResult status;

    do
        status = rgnAllocate(K_MYACTOR, &region);
    while (user_after_signal(status));
    return status == K_OK ? (void *)region.startAddr : NULL;
}

static unsigned class_of(size_t bytes)
{
    unsigned class = 0;

    while ((HEAP_SMALLEST << class) < bytes)
        class ++;
    return class;
}

/* Without the lock until the memory is there: that may take its time, and who gives back never
 * waits for memory. */
static void refill(struct heap *heap, unsigned class)
{
    mutexRel(&heap->lock);
    char *slab = region_allocate(SLAB_BYTES);
    size_t block_bytes = HEAP_SMALLEST << class;

    mutexGet(&heap->lock);
    for (size_t at = 0; slab != NULL && at + block_bytes <= SLAB_BYTES; at += block_bytes) {
        struct heap_block *block = (struct heap_block *)(void *)(slab + at);

        block->next = heap->free[class];
        heap->free[class] = block;
    }
}

void *heap_allocate(struct heap *heap, size_t bytes)
{
    if (bytes > LARGEST)
        return region_allocate(bytes);
    unsigned class = class_of(bytes);

    mutexGet(&heap->lock);
    if (heap->free[class] == NULL)
        refill(heap, class);
    struct heap_block *block = heap->free[class];

    if (block != NULL)
        heap->free[class] = block->next;
    mutexRel(&heap->lock);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void heap_free(struct heap *heap, void *memory, size_t bytes)
{
    struct heap_block *block = memory;

    if (memory == NULL)
        return;
    if (bytes > LARGEST) {
        KnRgnDesc region = {.startAddr = (VmAddr)memory, .size = bytes};
        KnResult status = rgnFree(K_MYACTOR, &region);

        ASSERT(status == K_OK);
        return;
    }
    unsigned class = class_of(bytes);

    mutexGet(&heap->lock);
    block->next = heap->free[class];
    heap->free[class] = block;
    mutexRel(&heap->lock);
}

void *heap_copy(struct heap *heap, const void *from, size_t bytes)
{
    void *copy = heap_allocate(heap, bytes);

    if (copy != NULL)
        memcpy(copy, from, bytes);
    return copy;
}
