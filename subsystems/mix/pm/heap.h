/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PM's heap: size classes of powers of two from 64 bytes to 16 KiB over pages taken from the
 * Nucleus; larger blocks are regions of their own. Small and predictable rather than clever: PM
 * allocates little.
 */
#ifndef PM_HEAP_H
#define PM_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "kit/list.h"

#define HEAP_CLASSES 9 /* 64 .. 16384 bytes */
#define HEAP_SMALLEST 64u

struct heap_block {
    struct heap_block *next;
};

struct heap {
    KnMutex lock;
    struct heap_block *free[HEAP_CLASSES];
};

void heap_init(struct heap *heap);

/* Zeroed; NULL: no memory. */
void *heap_allocate(struct heap *heap, size_t bytes);
void heap_free(struct heap *heap, void *memory, size_t bytes);

/* A copy of `bytes` bytes, or of a string. */
void *heap_copy(struct heap *heap, const void *from, size_t bytes);

#endif
