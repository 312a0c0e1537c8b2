/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred copy by history objects: making copies, keeping originals, and collapsing what nobody
 * needs any more. cache.h has the picture and the invariants.
 *
 * A dead cache goes through the dying list a batch of pages at a time, so that no call runs for as
 * long as a large actor has pages; between batches the tree is whole and faults go on in it.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "machine/frames.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define REAP_BATCH 64u
#define ALL_PAGES UINT64_MAX

static struct cache *only_child(struct cache *cache)
{
    ASSERT(!list_is_empty(&cache->children));
    return LIST_ENTRY(list_first(&cache->children), struct cache, sibling);
}

static bool has_one_child(const struct cache *cache)
{
    return !list_is_empty(&cache->children) && cache->children.next->next == &cache->children;
}

static void attach(struct cache *child, struct cache *parent, uint64_t shift, uint64_t pages)
{
    child->parent = parent;
    child->parent_shift = shift;
    child->parent_pages = pages;
    list_add_tail(&parent->children, &child->sibling);
}

/* ---- Copy -------------------------------------------------------------------------------- */

/* A working object that holds no original yet shows the source as it is now: a further copy may
 * share it. */
static bool shows_present(const struct cache *child)
{
    return child->holders == 0 && !list_is_linked(&child->queue) &&
           radix_count(&child->pages) == 0 && child->parent_shift == 0 &&
           child->parent_pages == ALL_PAGES;
}

struct cache *cache_copy(struct cache *source, uint64_t first, uint64_t pages)
{
    struct cache *parent = source;
    struct cache *copy = cache_create();

    if (copy == NULL)
        return NULL;
    if (!list_is_empty(&source->children)) {
        ASSERT(has_one_child(source));
        parent = only_child(source);
        if (!shows_present(parent)) {
            struct cache *former = parent;

            parent = cache_create();
            if (parent == NULL) {
                cache_release(copy);
                return NULL;
            }
            list_remove(&former->sibling);
            list_add_tail(&parent->children, &former->sibling);
            former->parent = parent;
            attach(parent, source, 0, ALL_PAGES);
            parent->holders = 0;
        }
    }
    attach(copy, parent, first, pages);
    cache_write_protect(source, first, pages > ALL_PAGES - first ? ALL_PAGES : first + pages);
    return copy;
}

/* ---- Originals --------------------------------------------------------------------------- */

/* The child that still sees page `index` of `cache`; NULL: nobody needs the original. */
static struct cache *who_needs(struct cache *cache, uint64_t index)
{
    if (list_is_empty(&cache->children))
        return NULL;
    ASSERT(has_one_child(cache));
    struct cache *child = only_child(cache);

    if (index < child->parent_shift || index - child->parent_shift >= child->parent_pages)
        return NULL;
    return radix_get(&child->pages, index - child->parent_shift) == NULL ? child : NULL;
}

/* The frame itself moves to the child, where mappings below already show it; the cache goes on
 * with a copy. */
static KnResult preserve_own(struct cache *cache, uint64_t index, struct cache *child,
                             struct frame *frame)
{
    uint64_t child_index = index - child->parent_shift;
    struct frame *copy;
    KnResult status;

    ASSERT(frame->pins == 0 && !frame->busy);
    frame->pins++; /* making room must not take it */
    status =
        radix_reserve(&child->pages, child_index) ? frame_allocate_copy(&copy, frame) : K_ENOMEM;
    frame->pins--;
    if (status != K_OK)
        return status;
    copy->dirty = frame->dirty;
    copy->writable = frame->writable;
    cache_unmap_own(cache, index);
    cache_exchange(cache, frame, copy);
    status = cache_insert(child, child_index, frame);
    ASSERT(status == K_OK); /* reserved above */
    return K_OK;
}

/* What the child saw stands further up, or nowhere: it gets its own. */
static KnResult preserve_inherited(struct cache *child, uint64_t child_index, struct frame *found)
{
    struct frame *copy;
    KnResult status;

    if (found == NULL)
        return radix_set(&child->pages, child_index, SLOT_ZERO) ? K_OK : K_ENOMEM;
    status = frame_allocate_copy(&copy, found);
    if (status != K_OK)
        return status;
    cache_unmap_page(child, child_index);
    status = cache_insert(child, child_index, copy);
    if (status != K_OK)
        frame_free(copy);
    return status;
}

bool history_needs(struct cache *cache, uint64_t index)
{
    return who_needs(cache, index) != NULL;
}

KnResult history_preserve(struct cache *cache, uint64_t index, struct frame *found)
{
    struct cache *child = who_needs(cache, index);

    if (child == NULL)
        return K_OK;
    if (found != NULL && found->cache == cache)
        return preserve_own(cache, index, child, found);
    return preserve_inherited(child, index - child->parent_shift, found);
}

/* ---- Collapse ---------------------------------------------------------------------------- */

void history_check(struct cache *cache)
{
    bool dead = cache->holders == 0 && ui_is_none(cache->segment.ui);

    if (!dead || list_is_linked(&cache->queue))
        return;
    if (list_is_empty(&cache->children) || has_one_child(cache))
        list_add_tail(&site_self()->vm.caches.dying, &cache->queue);
}

/* Takes one page out of a dying cache; false: no memory to move it. */
static bool dispose_page(struct cache *cache, struct cache *heir, uint64_t index, void *slot)
{
    struct frame *frame = slot_is_frame(slot) ? slot : NULL;
    bool wanted = heir != NULL && who_needs(cache, index) == heir;

    if (wanted && !radix_reserve(&heir->pages, index - heir->parent_shift))
        return false;
    if (frame == NULL) {
        radix_clear(&cache->pages, index);
        if (wanted)
            return radix_set(&heir->pages, index - heir->parent_shift, SLOT_ZERO);
        return true;
    }
    cache_take(cache, frame);
    if (wanted) {
        KnResult status = cache_insert(heir, index - heir->parent_shift, frame);

        ASSERT(status == K_OK); /* reserved */
    } else {
        frame_free(frame);
    }
    return true;
}

/* An empty dying cache leaves the tree; its heir, if any, takes its place. */
static void splice_out(struct cache *cache)
{
    struct cache *parent = cache->parent;

    if (!list_is_empty(&cache->children)) {
        struct cache *heir = only_child(cache);
        uint64_t below =
            cache->parent_pages > heir->parent_shift ? cache->parent_pages - heir->parent_shift : 0;

        list_remove(&heir->sibling);
        heir->parent = NULL;
        if (parent != NULL)
            attach(heir, parent, heir->parent_shift + cache->parent_shift,
                   MIN(heir->parent_pages, below));
    }
    if (parent != NULL)
        list_remove(&cache->sibling);
    list_remove(&cache->queue);
    radix_destroy(&cache->pages);
    if (cache->mapper != NULL)
        pager_mapper_release(cache->mapper);
    slab_free(&site_self()->vm.caches.pool, cache);
    if (parent != NULL)
        history_check(parent);
}

/* One batch of one dying cache; false: it cannot go on for want of memory. */
static bool reap_some(struct cache *cache)
{
    struct cache *heir = list_is_empty(&cache->children) ? NULL : only_child(cache);
    uint64_t index = 0;

    ASSERT(cache->holders == 0 && (heir == NULL || has_one_child(cache)));
    for (uint32_t i = 0; i < REAP_BATCH; i++) {
        void *slot = radix_next(&cache->pages, index, &index);

        if (slot == NULL) {
            splice_out(cache);
            return true;
        }
        ASSERT(!slot_is_pull(slot)); /* a request would hold the cache */
        if (!dispose_page(cache, heir, index, slot))
            return false;
    }
    return true;
}

void caches_reap(void)
{
    struct list *dying = &site_self()->vm.caches.dying;

    while (!list_is_empty(dying)) {
        if (!reap_some(LIST_ENTRY(list_first(dying), struct cache, queue)))
            return; /* the next call tries again */
        if (!list_is_empty(dying))
            executive_preemption_point();
    }
}

/* ---- Verification ------------------------------------------------------------------------ */

bool cache_verify(struct cache *cache)
{
    uint64_t index = 0;
    uint32_t frames = 0;
    void *slot;
    struct cache *child;

    for (; (slot = radix_next(&cache->pages, index, &index)) != NULL; index++) {
        if (!slot_is_frame(slot))
            continue;
        struct frame *frame = slot;

        if (frame->cache != cache || frame->index != index || frame->use != FRAME_CACHE)
            return false;
        frames++;
    }
    if (frames != cache->resident)
        return false;
    if (cache->holders > 0 && !list_is_empty(&cache->children) && !has_one_child(cache))
        return false; /* I1 */
    LIST_FOR_EACH(child, &cache->children, sibling) {
        if (child->parent != cache)
            return false;
    }
    return true;
}
