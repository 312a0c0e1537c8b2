/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches and their pages: lookup through the history tree, pages for reading and for writing,
 * truncation.
 */
#include "nucleus/vm/cache.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/mmu.h"
#include "machine/system.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define CACHE_LIMIT 65536u
#define IDLE_LIMIT 8192u
#define RETIRE_TRIES 4u
#define NODE_LIMIT 65536u
#define TRUNCATE_BATCH 64u
#define SPARED 8u /* one part in so many of memory is not for temporary segments */

/* ---- Life -------------------------------------------------------------------------------- */

static void *node_allocate(void *self)
{
    struct caches *caches = self;

    return slab_allocate(&caches->nodes);
}

static void node_free(void *self, void *node)
{
    struct caches *caches = self;

    slab_free(&caches->nodes, node);
}

void caches_init(struct caches *caches)
{
    slab_pool_init(&caches->pool, sizeof(struct cache), CACHE_LIMIT);
    slab_pool_init(&caches->nodes, RADIX_NODE_BYTES, NODE_LIMIT);
    caches->node_memory = (struct radix_memory){node_allocate, node_free, caches};
    hash_init(&caches->by_segment, caches->bucket, CACHE_BUCKETS);
    list_init(&caches->idle);
    list_init(&caches->dying);
}

struct cache *cache_create(void)
{
    struct caches *caches = &site_self()->vm.caches;
    struct cache *cache = slab_allocate(&caches->pool);

    if (cache == NULL)
        return NULL;
    radix_init(&cache->pages, &caches->node_memory);
    list_init(&cache->regions);
    list_init(&cache->children);
    list_init(&cache->sibling);
    list_init(&cache->queue);
    list_init(&cache->of_owner);
    cache->holders = 1;
    return cache;
}

static bool is_named(const struct cache *cache)
{
    return !ui_is_none(cache->segment.ui);
}

static uint64_t segment_hash(const KnCap *segment)
{
    return hash_u64(segment->ui.uiHead ^ segment->ui.uiTail ^ segment->key);
}

static void forget_name(struct cache *cache)
{
    struct site *site = site_self();

    hash_remove(&site->vm.caches.by_segment, &cache->by_segment, segment_hash(&cache->segment));
    ui_leave(&site->executive.names, &cache->name);
    cache->segment = (KnCap){{0, 0}, 0};
}

static void idle_leave(struct cache *cache)
{
    ASSERT(site_self()->vm.caches.idle_count > 0);
    list_remove(&cache->queue);
    site_self()->vm.caches.idle_count--;
}

/* What nobody uses is kept for its content, but not without end. */
static void idle_enter(struct cache *cache)
{
    struct caches *caches = &site_self()->vm.caches;

    ASSERT(cache->holders == 0 && !list_is_linked(&cache->queue));
    list_add_tail(&caches->idle, &cache->queue);
    caches->idle_count++;
    for (uint32_t i = 0; i < RETIRE_TRIES && caches->idle_count > IDLE_LIMIT; i++) {
        struct cache *oldest = LIST_ENTRY(list_first(&caches->idle), struct cache, queue);

        if (oldest->dirty == 0 && list_is_empty(&oldest->children)) {
            cache_unname(oldest);
        } else {
            list_remove(&oldest->queue);
            list_add_tail(&caches->idle, &oldest->queue);
        }
    }
}

void cache_hold(struct cache *cache)
{
    if (cache->holders++ == 0)
        idle_leave(cache); /* dying caches are never held again */
}

void cache_release(struct cache *cache)
{
    ASSERT(cache->holders > 0);
    if (--cache->holders > 0)
        return;
    /* What its mapper never heard of, or cannot fill any more, is not worth keeping. */
    if (is_named(cache) &&
        (cache->mapper->gone || (!cache->known && list_is_empty(&cache->children))))
        forget_name(cache);
    if (is_named(cache))
        idle_enter(cache);
    else
        history_check(cache);
}

/* ---- Segments ---------------------------------------------------------------------------- */

static bool same_segment(const KnCap *a, const KnCap *b)
{
    return ui_equal(a->ui, b->ui) && a->key == b->key;
}

static void cache_name(struct cache *cache, const KnCap *segment)
{
    struct site *site = site_self();

    cache->segment = *segment;
    cache->bounded = true;
    cache->key = machine_random();
    ui_enter(&site->executive.names, &cache->name, ui_new(&site->executive.names, K_UICACHE));
    hash_insert(&site->vm.caches.by_segment, &cache->by_segment, segment_hash(segment));
}

void cache_unname(struct cache *cache)
{
    ASSERT(is_named(cache));
    forget_name(cache);
    if (cache->holders == 0) {
        idle_leave(cache);
        history_check(cache);
    }
}

KnResult cache_of_segment(const KnCap *segment, struct cache **cache)
{
    struct caches *caches = &site_self()->vm.caches;
    struct cache *found;

    HASH_FOR_EACH(found, &caches->by_segment, segment_hash(segment), by_segment) {
        if (same_segment(&found->segment, segment)) {
            cache_hold(found);
            *cache = found;
            return K_OK;
        }
    }
    if (ui_type(segment->ui) == K_UISITE || ui_is_none(segment->ui))
        return K_EUNKNOWN; /* a temporary segment that is no more */
    found = cache_create();
    if (found == NULL)
        return K_ENOMEM;
    struct mapper *mapper = pager_mapper(segment->ui);

    if (mapper == NULL) {
        cache_release(found);
        return K_ENOMEM;
    }
    found->mapper = mapper;
    mapper->caches++;
    cache_name(found, segment);
    *cache = found;
    return K_OK;
}

KnResult cache_of_capability(const KnCap *cap, struct cache **cache)
{
    struct ui_entry *entry =
        ui_type(cap->ui) == K_UICACHE ? ui_find(&site_self()->executive.names, cap->ui) : NULL;

    if (entry == NULL)
        return K_EUNKNOWN;
    *cache = container_of(entry, struct cache, name);
    return (*cache)->key == cap->key ? K_OK : K_EINVAL;
}

/* Its name is a holder, so that content without a mapper is never idle. */
struct cache *cache_make_segment(struct list *owner, uint64_t end)
{
    struct cache *cache = cache_create();
    KnCap segment = {.key = machine_random()};

    if (cache == NULL)
        return NULL;
    segment.ui = ui_new(&site_self()->executive.names, K_UISITE);
    cache_name(cache, &segment);
    cache->end = end;
    cache->known = true;
    list_add_tail(owner, &cache->of_owner);
    return cache;
}

void cache_end_segment(struct cache *cache)
{
    ASSERT(cache->mapper == NULL && list_is_linked(&cache->of_owner));
    list_remove(&cache->of_owner);
    cache_unname(cache);
    cache_release(cache);
}

/* ---- Pages ------------------------------------------------------------------------------- */

struct place {
    struct cache *cache;
    uint64_t index;
    void *slot;
};

/* Where the content of a page stands: here, in the nearest ancestor that has it, or at the root,
 * where nothing means zero, or the mapper's data. */
static struct place cache_lookup(struct cache *cache, uint64_t index)
{
    for (;;) {
        void *slot = radix_get(&cache->pages, index);

        if (slot != NULL || cache->parent == NULL)
            return (struct place){cache, index, slot};
        if (index >= cache->parent_pages)
            return (struct place){cache, index, SLOT_ZERO};
        index += cache->parent_shift;
        cache = cache->parent;
    }
}

struct cache *cache_origin(struct cache *cache, uint64_t *index)
{
    while (cache->parent != NULL) {
        if (*index >= cache->parent_pages)
            return NULL;
        *index += cache->parent_shift;
        cache = cache->parent;
        if (is_named(cache))
            return cache;
    }
    return NULL;
}

static bool beyond_end(const struct cache *cache, uint64_t index)
{
    return cache->bounded && cache->known && index >= DIV_ROUND_UP(cache->end, PAGE_BYTES);
}

/* Content of temporary segments stays until they are destroyed, so it must leave memory for all
 * else. */
static bool segments_have_their_share(const struct cache *cache)
{
    const struct frames *frames = &site_self()->vm.frames;

    return is_named(cache) && cache->mapper == NULL &&
           frames->free_count + frames->cached_count < frames->total / SPARED;
}

/* A copy of what was found, in a frame of the cache's own. */
static KnResult cache_own_page(struct cache *cache, uint64_t index, struct frame *found,
                               struct frame **frame)
{
    struct frame *own;
    KnResult status;

    if (segments_have_their_share(cache))
        return K_ENOSPC;
    status = frame_allocate_copy(&own, found);
    if (status != K_OK)
        return status;
    status = cache_insert(cache, index, own);
    if (status != K_OK) {
        frame_free(own);
        return status;
    }
    /* Regions of this cache and below may map what was found, or the zero frame. */
    cache_unmap_page(cache, index);
    *frame = own;
    return K_OK;
}

/* The page found in an ancestor, or nothing found, becomes the cache's own; so too, first, that
 * of a child which still sees it. */
static KnResult inherit_page(struct cache *cache, uint64_t index, struct frame *found,
                             struct frame **frame)
{
    KnResult status;

    if (found != NULL)
        found->pins++; /* making room must not take it */
    status = history_preserve(cache, index, found);
    if (status == K_OK)
        status = cache_own_page(cache, index, found, frame);
    if (found != NULL)
        found->pins--;
    return status;
}

static bool granted(const struct cache *cache, uint64_t index)
{
    return index >= cache->grant_first && index < cache->grant_limit;
}

static KnResult make_writable(struct cache *cache, uint64_t index, struct place place,
                              struct frame **frame)
{
    struct frame *found = slot_is_frame(place.slot) ? place.slot : NULL;
    bool own = found != NULL && place.cache == cache;
    KnResult status;

    if (own && found->busy)
        return pager_wait(found->push);
    if (cache->mapper != NULL && !(own && found->writable) && !granted(cache, index))
        return pager_access(cache, index);
    if (own) {
        status = history_preserve(cache, index, found);
        *frame = radix_get(&cache->pages, index); /* preserving may have put a copy there */
    } else {
        status = inherit_page(cache, index, found, frame);
    }
    if (status != K_OK)
        return status;
    (*frame)->writable = true;
    frame_set_dirty(*frame, true);
    (*frame)->used = true;
    return K_OK;
}

KnResult cache_page(struct cache *cache, uint64_t index, bool write, struct frame **frame)
{
    if (cache->mapper != NULL && !cache->known)
        return pager_open(cache);
    if (beyond_end(cache, index))
        return K_EEND;
    struct place place = cache_lookup(cache, index);

    if (slot_is_pull(place.slot))
        return pager_wait(slot_pull(place.slot));
    if (place.slot == NULL && place.cache->mapper != NULL) {
        if (!place.cache->known)
            return pager_open(place.cache);
        if (beyond_end(place.cache, place.index))
            return K_EEND;
        return pager_pull(place.cache, place.index, write && place.cache == cache);
    }
    if (write)
        return make_writable(cache, index, place, frame);
    *frame = slot_is_frame(place.slot) ? place.slot : site_self()->vm.frames.zero;
    (*frame)->used = true;
    return K_OK;
}

KnResult cache_page_extend(struct cache *cache, uint64_t index, bool whole, struct frame **frame)
{
    if (cache->mapper != NULL && !cache->known)
        return pager_open(cache);
    if (!whole && !beyond_end(cache, index))
        return cache_page(cache, index, true, frame);
    struct place place = cache_lookup(cache, index);

    if (slot_is_pull(place.slot))
        return pager_wait(slot_pull(place.slot));
    /* What is written whole need not be pulled, unless somebody still sees what was there. */
    if (place.slot == NULL && place.cache->mapper != NULL &&
        (place.cache != cache || (history_needs(cache, index) && !beyond_end(cache, index))))
        return cache_page(cache, index, true, frame);
    return make_writable(cache, index, place, frame);
}

KnResult cache_insert(struct cache *cache, uint64_t index, struct frame *frame)
{
    ASSERT(frame->use == FRAME_CACHE && !slot_is_frame(radix_get(&cache->pages, index)));
    if (!radix_set(&cache->pages, index, frame))
        return K_ENOMEM;
    frame->cache = cache;
    frame->index = index;
    cache->resident++;
    cache->dirty += frame->dirty;
    if (cache->mapper != NULL)
        frame_make_replaceable(frame);
    return K_OK;
}

void cache_take(struct cache *cache, struct frame *frame)
{
    ASSERT(frame->cache == cache && radix_get(&cache->pages, frame->index) == frame);
    radix_clear(&cache->pages, frame->index);
    frame->cache = NULL;
    ASSERT(cache->resident > 0 && cache->dirty >= (frame->dirty ? 1u : 0u));
    cache->resident--;
    cache->dirty -= frame->dirty;
    frame_make_unreplaceable(frame);
}

void cache_exchange(struct cache *cache, struct frame *old, struct frame *new)
{
    ASSERT(old->cache == cache && new->cache == NULL);
    bool stored = radix_set(&cache->pages, old->index, new);

    ASSERT(stored); /* replacing needs no memory */
    new->cache = cache;
    new->index = old->index;
    cache->dirty += (uint32_t) new->dirty - (uint32_t)old->dirty;
    old->cache = NULL;
    frame_make_unreplaceable(old);
    if (cache->mapper != NULL)
        frame_make_replaceable(new);
}

/* ---- Mappings ---------------------------------------------------------------------------- */

void cache_unmap_own(struct cache *cache, uint64_t index)
{
    struct region *region;

    LIST_FOR_EACH(region, &cache->regions, in_cache) {
        uint64_t offset = index << MACHINE_PAGE_SHIFT;

        if (offset >= region->offset && offset - region->offset < region->end - region->start)
            mmu_unmap(region->context->space, region->start + (VmAddr)(offset - region->offset),
                      PAGE_BYTES);
    }
}

static struct cache *first_child(struct cache *cache)
{
    return list_is_empty(&cache->children)
               ? NULL
               : LIST_ENTRY(list_first(&cache->children), struct cache, sibling);
}

static struct cache *next_sibling(struct cache *cache)
{
    struct list *next = cache->sibling.next;

    return next == &cache->parent->children ? NULL : LIST_ENTRY(next, struct cache, sibling);
}

/* Whether `child` sees page `index` of its parent. */
static bool sees(const struct cache *child, uint64_t index)
{
    if (index < child->parent_shift || index - child->parent_shift >= child->parent_pages)
        return false;
    return radix_get(&child->pages, index - child->parent_shift) == NULL;
}

/* Walks the part of the tree that looks through to this page, without recursion: down by the
 * first child that sees the page, then by siblings, and up again. */
void cache_unmap_page(struct cache *top, uint64_t index)
{
    struct cache *cache = top;

    cache_unmap_own(cache, index);
    for (;;) {
        struct cache *next = first_child(cache);

        for (;;) {
            while (next != NULL && !sees(next, index))
                next = next_sibling(next);
            if (next != NULL || cache == top)
                break;
            next = next_sibling(cache);
            index += cache->parent_shift;
            cache = cache->parent;
        }
        if (next == NULL)
            return;
        index -= next->parent_shift;
        cache = next;
        cache_unmap_own(cache, index);
    }
}

void cache_write_protect(struct cache *cache, uint64_t first, uint64_t limit)
{
    struct region *region;

    LIST_FOR_EACH(region, &cache->regions, in_cache) {
        uint64_t base = region->offset >> MACHINE_PAGE_SHIFT;
        uint64_t pages = (region->end - region->start) >> MACHINE_PAGE_SHIFT;
        uint64_t low = MAX(first, base);
        uint64_t high = MIN(limit, base + pages);

        if ((region->options & K_WRITABLE) == 0 || low >= high)
            continue;
        mmu_protect(region->context->space,
                    region->start + (VmAddr)((low - base) << MACHINE_PAGE_SHIFT),
                    (VmSize)((high - low) << MACHINE_PAGE_SHIFT),
                    region_access(region) & ~MMU_WRITE);
    }
}

/* ---- Truncation -------------------------------------------------------------------------- */

/* The bytes after the end read as zero if the segment grows again. */
static KnResult clear_tail(struct cache *cache, uint64_t end)
{
    uint64_t index = end >> MACHINE_PAGE_SHIFT;
    struct frame *frame = radix_get(&cache->pages, index);
    size_t keep = (size_t)(end & (PAGE_BYTES - 1));

    if (keep == 0 || !slot_is_frame(frame))
        return K_OK;
    if (frame->busy)
        return pager_wait(frame->push);
    KnResult status = history_preserve(cache, index, frame);

    if (status != K_OK)
        return status;
    frame = radix_get(&cache->pages, index);
    memset((char *)frame_address(frame) + keep, 0, PAGE_BYTES - keep);
    return K_OK;
}

/* Pages without frames too: the page of zeros may stand in for them. */
static void unmap_from(struct cache *cache, uint64_t first)
{
    struct region *region;

    LIST_FOR_EACH(region, &cache->regions, in_cache) {
        uint64_t base = region->offset >> MACHINE_PAGE_SHIFT;
        uint64_t pages = (region->end - region->start) >> MACHINE_PAGE_SHIFT;
        uint64_t gone = first > base ? first - base : 0;

        if (gone < pages)
            mmu_unmap(region->context->space, region->start + (VmAddr)(gone << MACHINE_PAGE_SHIFT),
                      (VmSize)((pages - gone) << MACHINE_PAGE_SHIFT));
    }
}

KnResult cache_truncate(struct cache *cache, uint64_t end)
{
    uint64_t index = DIV_ROUND_UP(end, PAGE_BYTES);
    KnResult status = end < cache->end ? clear_tail(cache, end) : K_OK;

    if (status != K_OK)
        return status;
    ASSERT(cache->bounded);
    if (end < cache->end)
        unmap_from(cache, index);
    cache->end = end;
    cache->known = true;
    for (uint32_t i = 0; i < TRUNCATE_BATCH; i++) {
        void *slot = radix_next(&cache->pages, index, &index);

        if (slot == NULL)
            return K_OK;
        if (slot_is_pull(slot))
            return pager_wait(slot_pull(slot));
        if (slot_is_frame(slot)) {
            struct frame *frame = slot;

            if (frame->busy)
                return pager_wait(frame->push);
            status = history_preserve(cache, index, frame);
            if (status != K_OK)
                return status;
            frame = radix_get(&cache->pages, index);
            cache_unmap_page(cache, index);
            cache_take(cache, frame);
            frame_free(frame);
        } else {
            radix_clear(&cache->pages, index);
        }
    }
    return STATUS_AGAIN;
}
