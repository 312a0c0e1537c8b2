/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/heap.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/om/lock.h"

#define STEP 16u
#define STEPS 32u /* classes of multiples of STEP */

void heap_init(struct heap *heap, void *memory, size_t limit)
{
    ASSERT(IS_ALIGNED((uintptr_t)memory, STEP));
    memset(heap, 0, sizeof(*heap));
    heap->memory = memory;
    heap->limit = limit;
}

/* 16 .. 512 in steps of 16, then 1 KiB, 2 KiB, ... */
static size_t class_bytes(unsigned class)
{
    return class < STEPS ? (class + 1) * STEP : (size_t)STEP * STEPS * 2 << (class - STEPS);
}

static unsigned class_of(size_t bytes)
{
    unsigned class = STEPS;

    if (bytes <= STEP * STEPS)
        return bytes == 0 ? 0 : (unsigned)((bytes - 1) / STEP);
    while (class_bytes(class) < bytes)
        class ++;
    return class;
}

static void *take(struct heap *heap, unsigned class)
{
    size_t bytes = class_bytes(class);
    void *block = heap->free[class];

    if (block != NULL) {
        heap->free[class] = heap->free[class]->next;
    } else if (bytes <= heap->limit - heap->top) {
        block = heap->memory + heap->top;
        heap->top += bytes;
    }
    if (block != NULL)
        heap->in_use += bytes;
    return block;
}

void *heap_allocate(struct heap *heap, size_t bytes)
{
    STATIC_ASSERT((size_t)STEP * STEPS * 2 << (HEAP_CLASSES - 1 - STEPS) == HEAP_LARGEST,
                  "the last class");
    void *block;

    if (bytes > HEAP_LARGEST)
        return NULL;
    lock_take(&heap->lock);
    block = take(heap, class_of(bytes));
    lock_give(&heap->lock);
    return block;
}

void *heap_allocate_zeroed(struct heap *heap, size_t bytes)
{
    void *block = heap_allocate(heap, bytes);

    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void heap_free(struct heap *heap, void *memory, size_t bytes)
{
    struct heap_block *block = memory;
    unsigned class;

    if (block == NULL)
        return;
    ASSERT(bytes <= HEAP_LARGEST && (uint8_t *)memory >= heap->memory &&
           (uint8_t *)memory < heap->memory + heap->top);
    class = class_of(bytes);
    lock_take(&heap->lock);
    ASSERT(heap->in_use >= class_bytes(class));
    heap->in_use -= class_bytes(class);
    block->next = heap->free[class];
    heap->free[class] = block;
    lock_give(&heap->lock);
}
