/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/slab.h"

#include "kit/base.h"
#include "kit/string.h"
#include "nucleus/site.h"

void slab_pool_init(struct slab_pool *pool, uint32_t object_bytes, uint32_t limit)
{
    pool_init(&pool->pool, NULL, 0, object_bytes, _Alignof(max_align_t));
    pool->object_bytes = object_bytes;
    pool->limit = limit;
}

void *slab_take(struct slab_pool *pool)
{
    if (pool_used(&pool->pool) >= pool->limit || frames_fail(&site_self()->vm.frames))
        return NULL;
    void *object = pool_allocate(&pool->pool);

    if (object == NULL) {
        void *slab = frame_take_table();

        if (slab == NULL)
            return NULL;
        site_self()->vm.frames.slab_count++;
        pool_add(&pool->pool, slab, PAGE_BYTES);
        object = pool_allocate(&pool->pool);
    }
    return object;
}

void *slab_allocate(struct slab_pool *pool)
{
    void *object = slab_take(pool);

    if (object != NULL)
        memset(object, 0, pool->object_bytes);
    return object;
}

void slab_free(struct slab_pool *pool, void *object)
{
    pool_free(&pool->pool, object);
}
