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

#define SCAN_LIMIT 128u

void frame_make_replaceable(struct frame *frame)
{
    struct frames *frames = &site_self()->vm.frames;

    ASSERT(!list_is_linked(&frame->link));
    list_add_tail(&frames->replaceable, &frame->link);
    frames->cached_count++;
}

void frame_make_unreplaceable(struct frame *frame)
{
    if (!list_is_linked(&frame->link))
        return;
    list_remove(&frame->link);
    site_self()->vm.frames.cached_count--;
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

static struct frame *oldest(struct frames *frames)
{
    return LIST_ENTRY(list_first(&frames->replaceable), struct frame, link);
}

static void move_to_tail(struct frames *frames, struct frame *frame)
{
    list_remove(&frame->link);
    list_add_tail(&frames->replaceable, &frame->link);
}

/* Two rounds at most: the first may only clear marks. */
static uint32_t scan_length(const struct frames *frames)
{
    return MIN(2 * frames->cached_count, SCAN_LIMIT);
}

bool caches_replace(void)
{
    struct frames *frames = &site_self()->vm.frames;

    for (uint32_t i = scan_length(frames); i > 0 && !list_is_empty(&frames->replaceable); i--) {
        struct frame *frame = oldest(frames);

        if (frame->pins > 0 || frame->busy || frame->dirty || was_used(frame)) {
            move_to_tail(frames, frame);
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

bool pager_push_some(void)
{
    struct frames *frames = &site_self()->vm.frames;
    bool started = false;

    for (uint32_t i = scan_length(frames); i > 0 && !list_is_empty(&frames->replaceable); i--) {
        struct frame *frame = oldest(frames);

        move_to_tail(frames, frame);
        if (frame->pins == 0 && !frame->busy && frame->dirty && pager_push_start(frame)) {
            started = true;
            if (site_self()->vm.pager.pushes >= PAGER_PUSHES)
                break;
        }
    }
    return started;
}
