/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page replacement: a second-chance queue of the frames whose content a mapper has or can take.
 * Clean pages go at once; dirty ones are started on their way out and are clean when the answer
 * comes.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "machine/mmu.h"
#include "nucleus/site.h"

/* How far one allocation looks: so many used pages get their second chance, and so many dirty ones
 * are tried. */
#define SECOND_CHANCES 64u
#define PUSH_TRIES 64u

static struct list *queue_for(const struct frame *frame)
{
    struct frames *frames = &site_self()->vm.frames;

    return frame->dirty ? &frames->dirty : &frames->clean;
}

void frame_make_replaceable(struct frame *frame)
{
    ASSERT(!list_is_linked(&frame->link));
    list_add_tail(queue_for(frame), &frame->link);
    site_self()->vm.frames.cached_count++;
}

void frame_make_unreplaceable(struct frame *frame)
{
    if (!list_is_linked(&frame->link))
        return;
    list_remove(&frame->link);
    site_self()->vm.frames.cached_count--;
}

static void move_to_tail(struct frame *frame)
{
    list_remove(&frame->link);
    list_add_tail(queue_for(frame), &frame->link);
}

void frame_set_dirty(struct frame *frame, bool dirty)
{
    if (frame->dirty == dirty)
        return;
    frame->dirty = dirty;
    frame->cache->dirty += dirty ? 1u : -1u;
    if (list_is_linked(&frame->link))
        move_to_tail(frame);
}

/* Whether a region of the frame's own cache used the page since the last look. Descendants' uses
 * do not count: they find it again at the price of a fault. */
static bool was_used(struct frame *frame)
{
    uint64_t offset = frame->index << MACHINE_PAGE_SHIFT;
    bool used = frame->used;
    struct region *region;

    frame->used = false;
    LIST_FOR_EACH(region, &frame->cache->regions, in_cache) {
        struct mmu_entry before;

        if (offset < region->offset || offset - region->offset >= region->end - region->start)
            continue;
        if (mmu_clear_marks(region->context->space,
                            region->start + (VmAddr)(offset - region->offset), &before))
            used |= before.used;
    }
    return used;
}

/* Pinned pages are few, and used ones have one chance a look: so a clean page is found if there is
 * one. */
bool caches_replace(void)
{
    struct frames *frames = &site_self()->vm.frames;
    uint32_t chances = SECOND_CHANCES;

    for (uint32_t i = frames->cached_count; i > 0 && !list_is_empty(&frames->clean); i--) {
        struct frame *frame = LIST_ENTRY(list_first(&frames->clean), struct frame, link);

        ASSERT(!frame->dirty && !frame->busy);
        if (frame->pins > 0 || (was_used(frame) && chances > 0)) {
            chances -= chances > 0;
            move_to_tail(frame);
            continue;
        }
        struct cache *cache = frame->cache;

        cache_unmap_page(cache, frame->index);
        cache_take(cache, frame);
        frame_free(frame);
        return true;
    }
    return false;
}

/* What starting a push-out needs of memory comes from the reserve, and does not start others. */
bool pager_push_some(void)
{
    struct vm *vm = &site_self()->vm;
    bool started = false;

    if (vm->pager.starting)
        return false;
    ASSERT(site_self()->cpu.interrupt_depth == 0);
    vm->pager.starting = true;
    for (uint32_t i = MIN(vm->frames.cached_count, PUSH_TRIES);
         i > 0 && !list_is_empty(&vm->frames.dirty) && vm->pager.pushes < PAGER_PUSHES; i--) {
        struct frame *frame = LIST_ENTRY(list_first(&vm->frames.dirty), struct frame, link);

        move_to_tail(frame);
        started |= frame->pins == 0 && pager_push_start(frame);
    }
    vm->pager.starting = false;
    return started;
}
