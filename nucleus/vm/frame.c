/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/vm/frame.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/boot.h"
#include "machine/clock.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

/* What the paging path may have at once: the bodies of some ten transfers of 64 KiB. */
#define RESERVE_FRAMES 256u
#define MEMORY_WAIT_NS UINT64_C(2000000000)

/* ---- Start ------------------------------------------------------------------------------- */

static bool is_reserved(const struct boot_record *record, uint64_t base, uint64_t bytes,
                        uint64_t *after)
{
    for (uint32_t i = 0; i < record->reserved_count; i++) {
        const struct boot_range *range = &record->reserved[i];

        if (base < range->base + range->bytes && range->base < base + bytes) {
            *after = range->base + range->bytes;
            return true;
        }
    }
    return false;
}

/* The page array itself lies in the first gap that is large enough. */
static uint64_t find_gap(const struct boot_record *record, uint64_t bytes)
{
    for (uint32_t i = 0; i < record->memory_count; i++) {
        uint64_t base = record->memory[i].base;
        uint64_t end = base + record->memory[i].bytes;
        uint64_t after;

        while (base + bytes <= end) {
            if (!is_reserved(record, base, bytes, &after))
                return base;
            base = ALIGN_UP(after, PAGE_BYTES);
        }
    }
    panic("no memory for the page array: %lu bytes needed", (unsigned long)bytes);
}

static void range_init(struct frames *frames, struct frame_range *range,
                       const struct boot_record *record, const struct boot_range *array)
{
    for (uint64_t i = 0; i < range->count; i++) {
        struct frame *frame = &range->frame[i];
        uint64_t physical = (range->first + i) << MACHINE_PAGE_SHIFT;
        uint64_t after;

        *frame = (struct frame){.use = FRAME_RESERVED, .number = (uint32_t)(range->first + i)};
        list_init(&frame->link);
        if (is_reserved(record, physical, PAGE_BYTES, &after))
            continue;
        if (physical < array->base + array->bytes && array->base < physical + PAGE_BYTES)
            continue;
        frames->total++;
        frame->use = FRAME_KERNEL;
        frame_free(frame);
    }
}

void frames_init(struct frames *frames, const struct boot_record *record)
{
    uint64_t count = 0;

    list_init(&frames->free);
    list_init(&frames->clean);
    list_init(&frames->dirty);
    wait_queue_init(&frames->waiting);
    wait_queue_init(&frames->pagers);
    for (uint32_t i = 0; i < record->memory_count; i++)
        count += record->memory[i].bytes >> MACHINE_PAGE_SHIFT;

    struct boot_range array = {.bytes = ALIGN_UP(count * sizeof(struct frame), PAGE_BYTES)};
    array.base = find_gap(record, array.bytes);
    struct frame *frame = physical_to_address(array.base);

    for (uint32_t i = 0; i < record->memory_count; i++) {
        struct frame_range *range = &frames->range[frames->range_count++];

        range->first = record->memory[i].base >> MACHINE_PAGE_SHIFT;
        range->count = record->memory[i].bytes >> MACHINE_PAGE_SHIFT;
        range->frame = frame;
        frame += range->count;
        range_init(frames, range, record, &array);
    }
    frames->reserve = MIN(RESERVE_FRAMES, frames->total / 16);
    if (frame_allocate(&frames->zero, FRAME_KERNEL) != K_OK)
        panic("no memory at all");
    page_zero(frame_address(frames->zero));
}

/* ---- Names of a frame -------------------------------------------------------------------- */

struct frame *frame_of_physical(uint64_t physical)
{
    struct frames *frames = &site_self()->vm.frames;
    uint64_t number = physical >> MACHINE_PAGE_SHIFT;

    for (uint32_t i = 0; i < frames->range_count; i++) {
        struct frame_range *range = &frames->range[i];

        if (number - range->first < range->count)
            return &range->frame[number - range->first];
    }
    return NULL;
}

/* ---- Allocation -------------------------------------------------------------------------- */

/* Who frees memory for others may use what others may not (D13): most of it for messages alone, for
 * what is put into memory stays there. */
static uint32_t reserve_for(const struct frames *frames, enum frame_use use)
{
    const struct pager *pager = &site_self()->vm.pager;
    const struct thread *self = thread_self();

    if ((self == NULL || !self->pager) && !pager->starting)
        return frames->reserve + pager->pulling;
    return use == FRAME_CACHE ? frames->reserve / 4 * 3 : 0;
}

static struct frame *take_first(struct frames *frames, enum frame_use use)
{
    struct frame *frame = LIST_ENTRY(list_pop_head(&frames->free), struct frame, link);

    ASSERT(frame->use == FRAME_FREE && frame->pins == 0);
    memory_unpoison(frame_address(frame), PAGE_BYTES);
    frames->free_count--;
    frame->use = (uint8_t)use;
    frame->cache = NULL;
    frame->dirty = frame->writable = frame->busy = frame->used = false;
    return frame;
}

KnResult frame_shortage(void)
{
    return pager_push_some() || site_self()->vm.pager.pushes > 0 ? STATUS_MEMORY : K_ENOMEM;
}

KnResult frame_allocate(struct frame **frame, enum frame_use use)
{
    struct frames *frames = &site_self()->vm.frames;
    uint32_t reserve = reserve_for(frames, use);

    if (frames_fail(frames))
        return K_ENOMEM;
    while (frames->free_count <= reserve) {
        if (!caches_replace()) {
            frames->refusals++;
            return frame_shortage();
        }
    }
    *frame = take_first(frames, use);
    return K_OK;
}

KnResult frame_allocate_copy(struct frame **frame, struct frame *source)
{
    KnResult status;

    if (source != NULL)
        source->pins++; /* making room must not take it */
    status = frame_allocate(frame, FRAME_CACHE);
    if (source != NULL)
        source->pins--;
    if (status != K_OK)
        return status;
    if (source != NULL)
        page_copy(frame_address(*frame), frame_address(source));
    else
        page_zero(frame_address(*frame));
    return K_OK;
}

void frame_free(struct frame *frame)
{
    struct frames *frames = &site_self()->vm.frames;

    ASSERT(frame->use != FRAME_FREE && frame->use != FRAME_RESERVED);
    ASSERT(frame->pins == 0 && !list_is_linked(&frame->link));
    frame->use = FRAME_FREE;
    frame->cache = NULL;
    memory_poison(frame_address(frame), PAGE_BYTES);
    list_add_head(&frames->free, &frame->link);
    frames->free_count++;
    if (!wait_queue_wake_one(&frames->pagers, K_OK) && frames->free_count > frames->reserve)
        (void)wait_queue_wake_one(&frames->waiting, K_OK);
}

KnResult frame_wait(void)
{
    struct vm *vm = &site_self()->vm;
    bool is_pager = thread_self()->pager;
    struct wait_queue *queue = is_pager ? &vm->frames.pagers : &vm->frames.waiting;
    KnResult status = thread_wait(queue, clock_now_ns() + MEMORY_WAIT_NS, true);

    if (status != K_ETIMEOUT)
        return status;
    /* A push-out ends, if only by its mapper's bound; but a pager may be waiting for itself. */
    return !is_pager && vm->pager.pushes > 0 ? K_OK : K_ENOMEM;
}

/* Rare and early (drivers' rings): a scan is good enough. */
KnResult frame_allocate_run(uint32_t count, struct frame **first)
{
    struct frames *frames = &site_self()->vm.frames;

    if (frames_fail(frames) || frames->free_count < count + frames->reserve)
        return K_ENOMEM;
    for (uint32_t i = 0; i < frames->range_count; i++) {
        struct frame_range *range = &frames->range[i];
        uint64_t run = 0;

        for (uint64_t j = 0; j < range->count; j++) {
            run = range->frame[j].use == FRAME_FREE ? run + 1 : 0;
            if (run < count)
                continue;
            *first = &range->frame[j + 1 - count];
            for (uint32_t k = 0; k < count; k++) {
                struct frame *frame = *first + k;

                list_remove(&frame->link);
                list_add_head(&frames->free, &frame->link);
                take_first(frames, FRAME_KERNEL);
            }
            return K_OK;
        }
    }
    return K_ENOMEM;
}

void *frame_take_table(void)
{
    struct frame *frame;

    if (frame_allocate(&frame, FRAME_KERNEL) != K_OK)
        return NULL;
    return frame_address(frame);
}

void frame_give_table(void *address)
{
    struct frame *frame = frame_of_physical(address_to_physical(address));

    ASSERT(frame != NULL && frame->use == FRAME_KERNEL);
    frame_free(frame);
}
