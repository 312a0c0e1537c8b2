/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts: an address space is an ordered tree of regions, each a window on a local cache.
 * Supervisor actors share one context, each region there is owned by the actor that made it.
 *
 * I1 Regions of a context are disjoint, page-aligned and inside [low, high).
 * I2 A page mapped in the MMU space is one its region's cache would give for the access mapped.
 */
#ifndef NUCLEUS_CONTEXT_H
#define NUCLEUS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"
#include "kit/tree.h"
#include "machine/arch.h"
#include "nucleus/vm/frame.h"

struct actor;
struct cache;

struct region {
    struct tree_node node; /* by start */
    struct context *context;
    struct actor *actor; /* owner */
    struct list in_cache;
    VmAddr start, end;
    VmFlags options;
    struct cache *cache; /* NULL: addresses only (K_NOACCESS) or physical */
    uint64_t offset;     /* of start in the cache, bytes */
    bool physical;       /* maps `offset` as a physical address */
    bool uncached;       /* of a device */
    bool owns_frames;    /* and gives those frames back at its end */
    void *opaque1;
    VmFlags opaque2;
};

struct context {
    struct machine_space *space;
    struct machine_space own_space; /* of user contexts */
    struct tree regions;
    struct region *recent; /* last one found */
    uint32_t region_count;
    VmAddr low, high;
    VmAddr named_high; /* end of what its actors may name: from `high` on, threads' stacks */
    bool supervisor;
};

struct contexts {
    struct slab_pool regions;
    struct slab_pool pool;
    struct context supervisor;
};

void contexts_init(struct contexts *contexts);
struct context *context_create_user(void);          /* NULL: no memory */
void context_destroy_user(struct context *context); /* of a context without regions */

/* ---- region.c ------------------------------------------------------------------------------ */

/* What a region's options let the MMU allow. */
uint32_t region_access(const struct region *region);

struct region *region_find(struct context *context, VmAddr address);

/* The first region that ends above `address`; NULL: none. */
struct region *region_at_or_above(struct context *context, VmAddr address);

/* Checks `desc` for a new region and settles its start: K_EINVAL, K_EOVERLAP, K_ENOMEM (no gap). */
KnResult region_place(struct context *context, KnRgnDesc *desc);

/* Makes a region of a placed `desc` on `cache`, taking over one hold on it. K_ENOMEM: nothing
 * was done. */
KnResult region_create(struct context *context, struct actor *actor, const KnRgnDesc *desc,
                       struct cache *cache, uint64_t offset);

/* Splits regions so that none crosses `address`. K_ENOMEM. */
KnResult region_split(struct context *context, VmAddr address);

/* Frees one region whole. */
void region_free(struct region *region);

/* Frees what `actor` has in [start, end): a region a time. STATUS_AGAIN: go on; K_ENOMEM: a
 * split failed. */
KnResult region_free_range(struct context *context, struct actor *actor, VmAddr start, VmAddr end);

/* Sets protection or inheritance bits (`mask`) of all of the actor's regions in [start, end).
 * K_ENOMEM, K_EADDR (a hole, or another's region). */
KnResult region_set_options(struct actor *actor, VmAddr start, VmAddr end, VmFlags mask,
                            VmFlags options);

/* Maps a page of a physical region as its options say: K_ENOMEM. */
KnResult region_map_physical(struct region *region, VmAddr page);

/* Copies or shares, as their inheritance says, all regions of `source` that end above `*from` in
 * the space of `actor`, which has none there. STATUS_AGAIN: go on, `*from` tells where. */
KnResult region_duplicate(struct actor *actor, struct context *source, uint64_t *from);

/* ---- fault.c ------------------------------------------------------------------------------- */

/* Brings in the page of `address` for `access` (K_READABLE, K_WRITABLE, K_EXECUTABLE). K_OK, or
 * K_EFAULT (no region, or not allowed), K_ENOMEM, or the mapper's error. Waits as long as it
 * must; nothing may be held. */
KnResult context_fault(struct context *context, VmAddr address, uint32_t access);

/* Resolves what STATUS_FAULT reported for the current thread. */
KnResult context_resolve(void);

/* Copies between the Nucleus and the current thread's memory: K_OK, K_EFAULT, or STATUS_FAULT. */
KnResult copy_in(void *to, VmAddr from, size_t bytes);
KnResult copy_out(VmAddr to, const void *from, size_t bytes);

/* The pieces of such copies, for those that use the machine's copies themselves: whether the
 * caller may name the range (K_EFAULT), and what to return when a copy stopped at `address`. */
KnResult copy_check(VmAddr address, size_t bytes);
KnResult copy_home_check(VmAddr address, size_t bytes); /* in the home actor's own memory */
KnResult copy_missing(VmAddr address, size_t bytes, uint32_t access);

KnResult copy_buffer_check(VmAddr buffer, size_t bytes, uint32_t access);

/* A string of at most `bytes` - 1 characters: its length, K_ETOOMUCH, K_EFAULT, STATUS_FAULT. */
KnResult copy_in_string(char *to, VmAddr from, size_t bytes);

/* The frame behind an address of any context, for reading or writing by the Nucleus; as
 * context_fault, but returns STATUS_* instead of waiting. */
KnResult context_frame_at(struct context *context, VmAddr address, bool write,
                          struct frame **frame);

/* Moves bytes between two contexts; progress in thread->call_progress. */
KnResult context_copy(struct context *from, VmAddr source, struct context *to, VmAddr target,
                      VmSize bytes);

/* Key of a word for waits on memory. */
KnResult context_sync_key(VmAddr word, const void **object, uint64_t *offset);

#endif
