/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: windows of a context on caches. Placing, splitting, freeing, protecting, duplicating.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/mmu.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define REGION_LIMIT 131072u
#define CONTEXT_REGIONS 16384u /* of a user space: no actor takes all there are */
#define CONTEXT_LIMIT 4096u
#define REGIONS_A_TURN 32u
#define RIGHTS (K_READABLE | K_WRITABLE | K_EXECUTABLE)

void contexts_init(struct contexts *contexts)
{
    slab_pool_init(&contexts->regions, sizeof(struct region), REGION_LIMIT);
    slab_pool_init(&contexts->pool, sizeof(struct context), CONTEXT_LIMIT);
    tree_init(&contexts->supervisor.regions);
    contexts->supervisor.space = mmu_supervisor_space();
    contexts->supervisor.low = MACHINE_SUPERVISOR_LOW;
    contexts->supervisor.high = MACHINE_SUPERVISOR_HIGH;
    contexts->supervisor.named_high = MACHINE_NAMED_HIGH;
    contexts->supervisor.supervisor = true;
}

struct context *context_create_user(void)
{
    struct context *context = slab_allocate(&site_self()->vm.contexts.pool);

    if (context == NULL)
        return NULL;
    if (mmu_space_create(&context->own_space) != K_OK) {
        slab_free(&site_self()->vm.contexts.pool, context);
        return NULL;
    }
    tree_init(&context->regions);
    context->space = &context->own_space;
    context->low = MACHINE_USER_LOW;
    context->high = context->named_high = MACHINE_USER_HIGH;
    return context;
}

void context_destroy_user(struct context *context)
{
    struct cpu *cpu = &site_self()->cpu;

    ASSERT(!context->supervisor && context->region_count == 0);
    if (cpu->space == context->space) {
        cpu->space = NULL;
        mmu_activate(NULL);
    }
    mmu_space_destroy(context->space);
    slab_free(&site_self()->vm.contexts.pool, context);
}

/* ---- Finding ----------------------------------------------------------------------------- */

static struct region *region_of(struct tree_node *node)
{
    return node == NULL ? NULL : container_of(node, struct region, node);
}

static int compare_start(const void *key, const struct tree_node *node)
{
    VmAddr address = *(const VmAddr *)key;
    VmAddr start = container_of(node, struct region, node)->start;

    return address < start ? -1 : address > start;
}

struct region *region_find(struct context *context, VmAddr address)
{
    struct region *region = context->recent;

    if (region != NULL && address >= region->start && address < region->end)
        return region;
    region = region_of(tree_find_le(&context->regions, &address, compare_start));
    if (region == NULL || address >= region->end)
        return NULL;
    context->recent = region;
    return region;
}

struct region *region_at_or_above(struct context *context, VmAddr address)
{
    struct region *region = region_find(context, address);

    return region != NULL ? region
                          : region_of(tree_find_ge(&context->regions, &address, compare_start));
}

static struct region *region_next(struct region *region)
{
    return region_of(tree_next(&region->node));
}

/* ---- Making ------------------------------------------------------------------------------ */

uint32_t region_access(const struct region *region)
{
    uint32_t access =
        region->context->supervisor || (region->options & K_SUPERVISOR) != 0 ? 0 : MMU_USER;

    if ((region->options & K_NOACCESS) != 0)
        return 0;
    if ((region->options & K_WRITABLE) != 0)
        access |= MMU_WRITE;
    if ((region->options & K_EXECUTABLE) != 0)
        access |= MMU_EXECUTE;
    return access | MMU_READ;
}

/* First fit at or above `from`. The tree is walked region by region: gaps are few where they
 * matter. */
static bool find_gap(struct context *context, VmAddr from, VmAddr high, VmSize bytes, VmAddr *start)
{
    VmAddr candidate = from;
    struct region *region = region_at_or_above(context, candidate);

    while (candidate < high && high - candidate >= bytes && region != NULL &&
           region->start < candidate + bytes) {
        candidate = region->end;
        region = region_next(region);
    }
    if (candidate >= high || high - candidate < bytes)
        return false;
    *start = candidate;
    return true;
}

KnResult region_place(struct context *context, KnRgnDesc *desc)
{
    VmAddr low = context->low;
    VmAddr high = context->high;

    if (desc->size == 0 || desc->size > high - low)
        return K_EINVAL;
    desc->size = ALIGN_UP(desc->size, PAGE_BYTES);
    if ((desc->options & K_NOACCESS) != 0 && (desc->options & RIGHTS) != 0)
        return K_EINVAL;
    if (context->supervisor && (desc->options & K_WRITABLE) != 0 &&
        (desc->options & K_EXECUTABLE) != 0)
        return K_EINVAL;
    if ((desc->options & K_ANYWHERE) != 0) {
        if ((desc->options & K_RESTRICTIVE) != 0) {
            low = MAX(low, ALIGN_UP(desc->startAddr, PAGE_BYTES));
            high = MIN(high, ALIGN_DOWN(desc->endAddr, PAGE_BYTES));
            if (low >= high)
                return K_EINVAL;
        }
        return find_gap(context, low, high, desc->size, &desc->startAddr) ? K_OK : K_ENOMEM;
    }
    if (!IS_ALIGNED(desc->startAddr, PAGE_BYTES) || desc->startAddr < low ||
        desc->startAddr > high || desc->size > high - desc->startAddr)
        return K_EINVAL;
    struct region *region = region_at_or_above(context, desc->startAddr);

    return region != NULL && region->start < desc->startAddr + desc->size ? K_EOVERLAP : K_OK;
}

static struct region *region_allocate(const struct context *context)
{
    if (!context->supervisor && context->region_count >= CONTEXT_REGIONS)
        return NULL;
    return slab_allocate(&site_self()->vm.contexts.regions);
}

static void region_enter(struct region *region)
{
    struct context *context = region->context;

    tree_insert(&context->regions, &region->node, &region->start, compare_start);
    context->region_count++;
    list_init(&region->in_cache);
    if (region->cache != NULL)
        list_add_tail(&region->cache->regions, &region->in_cache);
}

KnResult region_create(struct context *context, struct actor *actor, const KnRgnDesc *desc,
                       struct cache *cache, uint64_t offset)
{
    struct region *region = region_allocate(context);

    if (region == NULL)
        return K_ENOMEM;
    ASSERT(IS_ALIGNED(desc->startAddr, PAGE_BYTES) && IS_ALIGNED(offset, PAGE_BYTES));
    region->context = context;
    region->actor = actor;
    region->start = desc->startAddr;
    region->end = desc->startAddr + desc->size;
    region->options = desc->options & ~(VmFlags)(K_ANYWHERE | K_RESTRICTIVE | K_OVERMAP);
    region->cache = cache;
    region->offset = offset;
    region->opaque1 = desc->opaque1;
    region->opaque2 = desc->opaque2;
    region_enter(region);
    return K_OK;
}

KnResult region_split(struct context *context, VmAddr address)
{
    struct region *region = region_find(context, address);

    if (region == NULL || region->start == address)
        return K_OK;
    struct region *upper = region_allocate(context);

    if (upper == NULL)
        return K_ENOMEM;
    *upper = *region;
    upper->start = address;
    upper->offset += address - region->start;
    region->end = address;
    if (upper->cache != NULL)
        cache_hold(upper->cache);
    region_enter(upper);
    return K_OK;
}

/* ---- Freeing ----------------------------------------------------------------------------- */

void region_free(struct region *region)
{
    struct context *context = region->context;

    mmu_unmap(context->space, region->start, region->end - region->start);
    tree_remove(&context->regions, &region->node);
    context->region_count--;
    context->recent = NULL;
    if (region->owns_frames) {
        for (uint64_t at = region->offset; at < region->offset + (region->end - region->start);
             at += PAGE_BYTES)
            frame_free(frame_of_physical(at));
    }
    if (region->cache != NULL) {
        list_remove(&region->in_cache);
        cache_release(region->cache);
    }
    slab_free(&site_self()->vm.contexts.regions, region);
}

KnResult region_free_range(struct context *context, struct actor *actor, VmAddr start, VmAddr end)
{
    if (region_split(context, start) != K_OK || region_split(context, end) != K_OK)
        return K_ENOMEM;
    struct region *region = region_at_or_above(context, start);

    while (region != NULL && region->start < end && region->actor != actor)
        region = region_next(region);
    if (region == NULL || region->start >= end)
        return K_OK;
    region_free(region);
    return STATUS_AGAIN;
}

/* ---- Options ----------------------------------------------------------------------------- */

/* More rights come with the next fault, which knows what the cache allows; fewer at once. */
static void take_rights(struct region *region, uint32_t before)
{
    struct context *context = region->context;
    uint32_t after = region_access(region) & ~MMU_WRITE;

    if (before == after)
        return;
    if ((after & MMU_READ) == 0)
        mmu_unmap(context->space, region->start, region->end - region->start);
    else
        mmu_protect(context->space, region->start, region->end - region->start, after);
}

KnResult region_map_physical(struct region *region, VmAddr page)
{
    ASSERT(region->physical && page >= region->start && page < region->end);
    return mmu_map(region->context->space, page, region->offset + (page - region->start),
                   region_access(region) | (region->uncached ? MMU_UNCACHED : 0));
}

KnResult region_set_options(struct actor *actor, VmAddr start, VmAddr end, VmFlags mask,
                            VmFlags options)
{
    struct context *context = actor->context;
    VmAddr covered = start;
    struct region *region;

    if (region_split(context, start) != K_OK || region_split(context, end) != K_OK)
        return K_ENOMEM;
    for (region = region_at_or_above(context, start); region != NULL && covered < end;
         region = region_next(region)) {
        if (region->start != covered || region->actor != actor)
            break;
        covered = region->end;
    }
    if (covered < end)
        return K_EADDR;
    for (region = region_at_or_above(context, start); region != NULL && region->start < end;
         region = region_next(region)) {
        uint32_t before = region_access(region);

        region->options = (region->options & ~mask) | options;
        take_rights(region, before);
    }
    return K_OK;
}

/* ---- Duplicating ------------------------------------------------------------------------- */

/* Several regions on one cache must be several windows on one copy: `copy` remembers, in a chain
 * of the caches copied so far by this call, which copy belongs to which. */
static struct cache *copy_once(struct context *target, struct cache *source)
{
    struct cache *child;

    LIST_FOR_EACH(child, &source->children, sibling) {
        struct cache *candidate = child;

        if (child->holders == 0 && !list_is_empty(&child->children))
            candidate = LIST_ENTRY(child->children.prev, struct cache, sibling);
        if (!list_is_empty(&candidate->regions) &&
            LIST_ENTRY(list_first(&candidate->regions), struct region, in_cache)->context ==
                target) {
            cache_hold(candidate);
            return candidate;
        }
    }
    return cache_copy(source, 0, UINT64_MAX);
}

/* One region. */
static KnResult duplicate(struct actor *actor, const struct region *region)
{
    struct context *target = actor->context;
    KnRgnDesc desc = {region->start,   region->end - region->start,
                      region->options, 0,
                      region->opaque1, region->opaque2};
    struct cache *cache = region->cache;

    if ((region->options & (K_INHERITSHARE | K_INHERITCOPY)) == 0)
        return K_OK;
    if (cache != NULL && (region->options & K_INHERITSHARE) != 0) {
        cache_hold(cache);
    } else if (cache != NULL) {
        cache = copy_once(target, cache);
        if (cache == NULL)
            return K_ENOMEM;
    }
    if (region_create(target, actor, &desc, cache, region->offset) == K_OK)
        return K_OK;
    if (cache != NULL)
        cache_release(cache);
    return K_ENOMEM;
}

KnResult region_duplicate(struct actor *actor, struct context *source, uint64_t *from)
{
    struct region *region = region_at_or_above(source, (VmAddr)*from);

    ASSERT(!actor->context->supervisor && !source->supervisor);
    for (uint32_t i = 0; region != NULL; i++, region = region_next(region)) {
        if (i == REGIONS_A_TURN)
            return STATUS_AGAIN;
        KnResult status = duplicate(actor, region);

        if (status != K_OK)
            return status;
        *from = region->end;
    }
    return K_OK;
}
