/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local caches: the pages this site holds of a segment, or temporary memory of its own. Deferred
 * copies form trees of caches. A copy is the child of what was copied and looks up the pages it
 * lacks in its parent; before the parent's page changes, the original goes to the child: the child
 * is the parent's *history object*. A parent copied twice while the first copy lives gets a
 * *working object* between:
 *
 *      parent                 parent
 *        |                      |
 *      copy 1                working            holds originals for both
 *                             /    \
 *                         copy 1   copy 2
 *
 * I1 A cache that something maps or names has at most one child; only working objects have more.
 * I2 A dead cache (nothing maps or names it) with one child is merged into it, with none is freed:
 *    so the number of caches is at most twice that of the live ones, and chains do not grow with
 *    the past.
 * I3 A child's page, present or ZERO, hides its parent's for ever.
 * I4 Only regions of a cache itself map its pages writable; regions of descendants map them
 *    read-only.
 * I5 A page slot holds a frame, SLOT_ZERO (reads as zero, nothing above counts), a pull in
 *    progress, or nothing.
 */
#ifndef NUCLEUS_CACHE_H
#define NUCLEUS_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/hash.h"
#include "kit/list.h"
#include "kit/radix.h"
#include "nucleus/executive/ui.h"
#include "nucleus/vm/frame.h"

struct mapper;

#define CACHE_BUCKETS 512

struct cache {
    struct ui_entry name; /* first; K_UICACHE: how a mapper names this cache */
    KnKey key;
    struct hash_node by_segment;
    KnCap segment;         /* none: temporary memory without a name */
    struct mapper *mapper; /* NULL: missing pages are zero */
    struct radix pages;
    uint32_t resident, dirty; /* frames here, and how many of them are dirty */
    uint32_t holders;         /* regions, names and requests in progress; 0: dead or idle */
    struct list regions;      /* that map this cache */
    struct cache *parent;     /* deferred copy of ... */
    uint64_t parent_shift;    /* page i here is page i + parent_shift there */
    uint64_t parent_pages;    /* for i below this; above: zero */
    struct list children;
    struct list sibling;
    struct list of_owner;              /* temporary segments of the actor that made them */
    struct list queue;                 /* idle list (named, no holders) or dying list */
    bool bounded;                      /* `end` limits access; else any page exists */
    bool known;                        /* the mapper told `end` */
    uint64_t end;                      /* bytes */
    uint64_t grant_first, grant_limit; /* pages the mapper lets us write though they are not here */
    uint64_t read_stamp_ns, write_stamp_ns;
};

struct caches {
    struct slab_pool pool;
    struct slab_pool nodes; /* of page maps */
    struct radix_memory node_memory;
    struct hash by_segment;
    struct hash_node *bucket[CACHE_BUCKETS];
    struct list idle; /* named segments nobody uses, oldest first */
    uint32_t idle_count;
    struct list dying; /* to be merged or freed, a few pages at a time */
};

/* ---- Page slots (I5) ---------------------------------------------------------------------- */

struct pager_request;

#define SLOT_ZERO ((void *)1)

static inline bool slot_is_pull(const void *slot)
{
    return ((uintptr_t)slot & 2) != 0;
}

static inline struct pager_request *slot_pull(void *slot)
{
    return (struct pager_request *)((uintptr_t)slot & ~(uintptr_t)2);
}

static inline void *slot_of_pull(struct pager_request *request)
{
    return (void *)((uintptr_t)request | 2);
}

static inline bool slot_is_frame(const void *slot)
{
    return slot != NULL && ((uintptr_t)slot & 3) == 0;
}

/* ---- cache.c: caches and their pages ------------------------------------------------------- */

void caches_init(struct caches *caches);

/* Temporary memory: pages read as zero until written. NULL: no memory. One holder: the caller. */
struct cache *cache_create(void);
void cache_hold(struct cache *cache);
void cache_release(struct cache *cache);

/* The cache of a segment on this site, made if there is none; one holder more. K_EUNKNOWN,
 * K_ENOMEM. */
KnResult cache_of_segment(const KnCap *segment, struct cache **cache);

/* The cache a capability names (a mapper's lcFlush); no holder. K_EUNKNOWN, K_EINVAL (wrong
 * key). */
KnResult cache_of_capability(const KnCap *cap, struct cache **cache);

/* A temporary segment of this site, for file systems in memory, among those of `owner`. NULL: no
 * memory. */
struct cache *cache_make_segment(struct list *owner, uint64_t end);

/* Ends one: what shows it, or copied it, keeps its content. */
void cache_end_segment(struct cache *cache);

/* The segment's name goes, and with it the holder that it was. */
void cache_unname(struct cache *cache);

/* The frame to map for page `index`. write: a frame of this very cache that may be changed at
 * once. Otherwise a frame of the cache or of an ancestor, or the zero frame, to be mapped
 * read-only. K_OK, STATUS_AGAIN after a wait, STATUS_MEMORY, K_ENOMEM, K_EEND, K_EMAPPER, K_EIO,
 * K_ENOSPC, K_EPROT, K_ETIMEOUT, K_EABORT. */
KnResult cache_page(struct cache *cache, uint64_t index, bool write, struct frame **frame);

/* As cache_page for writing, also beyond the end (the caller then moves the end); `whole`: the
 * page will be overwritten, so its old content need not be pulled in. */
KnResult cache_page_extend(struct cache *cache, uint64_t index, bool whole, struct frame **frame);

/* The segment that a cache is a deferred copy of, at any remove, and which page of that `*index`, a
 * page of the cache, shows while it is not modified. NULL: none that still has a name. */
struct cache *cache_origin(struct cache *cache, uint64_t *index);

/* Puts a filled frame in the page's slot, which holds no frame. K_ENOMEM. */
KnResult cache_insert(struct cache *cache, uint64_t index, struct frame *frame);

/* Takes the frame out of its slot; it is mapped nowhere. The caller frees or moves it. */
void cache_take(struct cache *cache, struct frame *frame);

/* Puts `new` where `old` stood; cannot fail. */
void cache_exchange(struct cache *cache, struct frame *old, struct frame *new);

/* Sets the end of a bounded cache; pages above go, originals are kept for children.
 * STATUS_AGAIN: go on. */
KnResult cache_truncate(struct cache *cache, uint64_t end);

/* Takes page `index` out of every region that may map it, here and in descendants. */
void cache_unmap_page(struct cache *top, uint64_t index);

/* The same in this cache's own regions only. */
void cache_unmap_own(struct cache *cache, uint64_t index);

/* Makes mappings of pages [first, limit) read-only in the cache's own regions. */
void cache_write_protect(struct cache *cache, uint64_t first, uint64_t limit);

/* ---- history.c: deferred copy --------------------------------------------------------------- */

/* Deferred copy of pages [first, first + pages) of `source`: page 0 of the copy is `first`.
 * NULL: no memory. */
struct cache *cache_copy(struct cache *source, uint64_t first, uint64_t pages);

/* Before page `index` of `cache` changes: gives the original to the history object. `found` is
 * the frame seen there now, of the cache itself or an ancestor; NULL: zero. May replace the
 * cache's own frame. */
KnResult history_preserve(struct cache *cache, uint64_t index, struct frame *found);

/* Whether a child still sees that page. */
bool history_needs(struct cache *cache, uint64_t index);

/* A cache that lost its last holder or a child: queues it for merging or freeing if that is due. */
void history_check(struct cache *cache);

/* Merges and frees dying caches, with preemption points; called at the end of calls. */
void caches_reap(void);

/* Checks I1 to I5 for a cache; for tests and the simulator. */
bool cache_verify(struct cache *cache);

/* ---- replace.c: page replacement ------------------------------------------------------------ */

/* Frees a clean page that was not used lately; false: none was found. */
bool caches_replace(void);

#endif
