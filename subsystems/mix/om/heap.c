/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/heap.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/om/lock.h"

#define STEP 16u
#define GROWTH 65536u
#define STEPS 32u /* classes of multiples of STEP */

void heap_init(struct heap *heap, void *memory, size_t limit, heap_prepare *prepare)
{
    ASSERT(IS_ALIGNED((uintptr_t)memory, STEP));
    memset(heap, 0, sizeof(*heap));
    heap->memory = memory;
    heap->limit = limit;
    heap->prepare = prepare;
    heap->ready = prepare == NULL ? limit : 0;
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
    } else if (bytes <= heap->ready - heap->top) {
        block = heap->memory + heap->top;
        heap->top += bytes;
    }
    if (block != NULL)
        heap->in_use += bytes;
    return block;
}

/* Makes `bytes` more ready, and somewhat more than that. Others go on meanwhile with what there is:
 * this may wait for pages to be written out, and who writes them may want a block. */
static bool grow(struct heap *heap, size_t bytes)
{
    size_t from, step;
    bool done;

    lock_take(&heap->growing);
    lock_take(&heap->lock);
    from = heap->ready;
    step = heap->top + bytes > from ? ALIGN_UP(heap->top + bytes - from, GROWTH) : 0;
    lock_give(&heap->lock);
    step = MIN(step, heap->limit - from);
    done = step == 0 || heap->prepare(heap->memory + from, step);
    lock_take(&heap->lock);
    heap->ready += done ? step : 0;
    done = done && bytes <= heap->ready - heap->top;
    lock_give(&heap->lock);
    lock_give(&heap->growing);
    return done;
}

void *heap_allocate(struct heap *heap, size_t bytes)
{
    STATIC_ASSERT((size_t)STEP * STEPS * 2 << (HEAP_CLASSES - 1 - STEPS) == HEAP_LARGEST,
                  "the last class");
    unsigned class = class_of(MIN(bytes, HEAP_LARGEST));
    void *block;

    if (bytes > HEAP_LARGEST)
        return NULL;
    do {
        lock_take(&heap->lock);
        block = take(heap, class);
        lock_give(&heap->lock);
    } while (block == NULL && heap->prepare != NULL && grow(heap, class_bytes(class)));
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
