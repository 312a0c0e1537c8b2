/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OM's heap: blocks in size classes, cut from one piece of memory of OM's state struct, which costs
 * frames only as far as it was needed; these are locked before they are used, since memory that ran
 * out at the first touch would end OM. A block that was freed serves the next request of its class;
 * nothing is split or joined, so each class keeps what it once needed.
 *
 * I1 in_use is the sum of the classes' sizes of all blocks given out; top <= limit.
 * I2 What lies below `ready` is there; top <= ready, but where there is no `prepare`.
 */
#ifndef OM_HEAP_H
#define OM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/sync.h"

#define HEAP_CLASSES 45u /* 32 steps of 16 bytes, then powers of two to 4 MiB */
#define HEAP_LARGEST ((size_t)1 << 22)

struct heap_block {
    struct heap_block *next;
};

/* Makes memory be there, page by page. false: it cannot. */
typedef bool heap_prepare(void *memory, size_t bytes);

struct heap {
    KnMutex lock;
    KnMutex growing; /* taken before lock, by who makes more memory ready */
    heap_prepare *prepare;
    size_t ready;
    uint8_t *memory; /* aligned for any type */
    size_t limit;
    size_t top; /* what lies above was never given out */
    size_t in_use;
    struct heap_block *free[HEAP_CLASSES];
};

/* `prepare` NULL: all of the memory is there. */
void heap_init(struct heap *heap, void *memory, size_t limit, heap_prepare *prepare);

/* NULL: no room. The content is undefined. */
void *heap_allocate(struct heap *heap, size_t bytes);

/* The same, zeroed. */
void *heap_allocate_zeroed(struct heap *heap, size_t bytes);

/* `bytes` is what was asked for; a NULL block is nothing. */
void heap_free(struct heap *heap, void *memory, size_t bytes);

#endif
