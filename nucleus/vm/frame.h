/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames: an array of one struct frame a physical page, and what each page is used for.
 *
 * use      FREE     on the free list
 *          KERNEL   a pool slab, a page table, a stack: never replaced
 *          CACHE    page `index` of local cache `cache`; on a replacement queue if a mapper has or
 *                   can take its content, unless it is on its way there
 *          BODY     part of a message's body, chained by link
 *          RESERVED not ours to give: image, archive
 *
 * I1 free_count is the length of the free list.
 * I2 A frame with pins above 0 is neither moved nor replaced.
 * I3 The last `reserve` frames go only to the paging path (D13), so push-out always proceeds.
 */
#ifndef NUCLEUS_FRAME_H
#define NUCLEUS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/base.h"
#include "kit/list.h"
#include "machine/frames.h"
#include "nucleus/executive/thread.h"
#include "nucleus/slab.h"

#define PAGE_BYTES ((VmSize)1 << MACHINE_PAGE_SHIFT)

struct boot_record;
struct cache;
struct pager_request;

enum frame_use { FRAME_RESERVED, FRAME_FREE, FRAME_KERNEL, FRAME_CACHE, FRAME_BODY };

struct frame {
    struct list link;
    struct cache *cache;
    struct pager_request *push; /* while busy */
    uint64_t index;
    uint32_t number; /* physical >> MACHINE_PAGE_SHIFT */
    uint16_t pins;
    uint8_t use;
    bool dirty;    /* differs from what the mapper has */
    bool writable; /* the mapper granted writing */
    bool busy;     /* being pushed out: a write waits */
    bool used;     /* second chance */
};

struct frame_range {
    uint64_t first; /* frame number: physical >> MACHINE_PAGE_SHIFT */
    uint64_t count;
    struct frame *frame;
};

#define FRAME_RANGES 16

struct frames {
    struct frame_range range[FRAME_RANGES];
    uint32_t range_count;
    struct list free;
    struct list clean, dirty; /* what page replacement may choose, oldest first */
    uint32_t total, free_count, cached_count;
    uint32_t slab_count; /* frames that pools hold for good */
    uint32_t reserve;
    struct frame *zero; /* one page of zeros, mapped read-only wherever nothing was written */
    struct wait_queue waiting; /* threads that wait for a free frame */
    struct wait_queue pagers;  /* the same, of the paging path: any frame will do */
    uint64_t refusals;         /* allocations that found no frame */
    uint64_t fail_at; /* fault injection: the Nth allocation from now fails, once; 0: none will */
};

/* Whether an allocation, of a frame or from a pool, is the one that is to fail. Each asks once. */
static inline bool frames_fail(struct frames *frames)
{
    return unlikely(frames->fail_at != 0) && --frames->fail_at == 0;
}

void frames_init(struct frames *frames, const struct boot_record *record);

/* A frame for cache or message use, content undefined. K_OK, STATUS_MEMORY (wait, start again) or
 * K_ENOMEM (nothing can be replaced). */
KnResult frame_allocate(struct frame **frame, enum frame_use use);
void frame_free(struct frame *frame);

/* A cache frame with the content of `source` (NULL: zeros), which stays where it is meanwhile. */
KnResult frame_allocate_copy(struct frame **frame, struct frame *source);

/* What no free frame means now: STATUS_MEMORY (push-outs are under way) or K_ENOMEM. Starts
 * push-outs if it can. */
KnResult frame_shortage(void);

/* Whether page replacement may choose the frame; undoing is harmless where it may not. */
void frame_make_replaceable(struct frame *frame);
void frame_make_unreplaceable(struct frame *frame);

/* The mapper's copy is, or is not, the latest. */
void frame_set_dirty(struct frame *frame, bool dirty);

/* Whole runs for device memory: physically contiguous. K_ENOMEM. */
KnResult frame_allocate_run(uint32_t count, struct frame **first);

/* For the machine's tables, stacks and pool slabs: NULL when only the reserve is left. */
void *frame_take_table(void);
void frame_give_table(void *address);

/* The dispatcher's answer to STATUS_MEMORY: waits until a frame may be free. K_OK or K_ENOMEM. */
KnResult frame_wait(void);

struct frame *frame_of_physical(uint64_t physical);

static inline uint64_t frame_physical(const struct frame *frame)
{
    return (uint64_t)frame->number << MACHINE_PAGE_SHIFT;
}

static inline void *frame_address(const struct frame *frame)
{
    return physical_to_address(frame_physical(frame));
}

#endif
