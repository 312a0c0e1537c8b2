/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of Nucleus objects: they grow by slabs of whole pages up to a limit set at start, so that
 * exhaustion is an error code and not a surprise. Slabs stay with their pool.
 */
#ifndef NUCLEUS_SLAB_H
#define NUCLEUS_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/pool.h"

struct slab_pool {
    struct pool pool;
    uint32_t object_bytes;
    uint32_t limit; /* objects */
};

void slab_pool_init(struct slab_pool *pool, uint32_t object_bytes, uint32_t limit);

/* An object, zeroed or with any content. NULL: the limit is reached or there is no memory. */
void *slab_allocate(struct slab_pool *pool);
void *slab_take(struct slab_pool *pool);
void slab_free(struct slab_pool *pool, void *object);

#endif
