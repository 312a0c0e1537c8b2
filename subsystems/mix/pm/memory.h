/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process' address space: program, heap above it, mappings, stack at the top.
 */
#ifndef PM_MEMORY_H
#define PM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "chorus/types.h"

struct file;
struct process;

#define PAGE_BYTES ((VmSize)4096)
#define MEMORY_TOP ((VmAddr)0x7ffffffff000)
#define MEMORY_MAP_BASE ((VmAddr)0x7f0000000000)
#define MEMORY_MAP_TOP ((VmAddr)0x7ff000000000)
#define MEMORY_PIE_BASE ((VmAddr)0x555555554000)

/* What PM keeps in a region's opaque2 of a mapping of a file. It stays with the memory: who makes a
 * region in the place of another, or from it, begins with memory_like. */
enum {
    MEMORY_PRIVATE = 1,   /* private and never writable so far, hence the segment itself: what makes
                           * it writable must make it a deferred copy first */
    MEMORY_READ_ONLY = 2, /* shared, of a file that was not opened for writing */
    MEMORY_COPY = 3,      /* private: a deferred copy */
};

/* A private mapping of a segment; rights are in `region->options`. */
KnResult memory_map_private(struct process *process, KnRgnDesc *region, KnObjDesc *object);

/* Where a region is to be made: the address and MAP_FIXED flags of mmap. */
void memory_place(KnRgnDesc *region, VmAddr address, uint32_t flags);

/* Visits the regions in [at, end) one after the other; what the visit does to one does not disturb
 * the rest. */
struct memory_walk {
    struct process *process;
    VmAddr at, end;
    KnRgnStat stat;      /* of the region */
    VmAddr start, limit; /* the part of it that lies in the range */
    bool gap;            /* an address before `start`, or at the end, has no region */
};

/* false: there are no more. */
bool memory_next(struct memory_walk *walk);

/* How many of the bytes from an address on the process may write: up to the first that it may not.
 * All of them, where they are no process' memory but PM's own. */
size_t memory_writable(struct process *process, VmAddr address, size_t bytes);

/* A region's description with the rights and marks of another. */
KnRgnDesc memory_like(const KnRgnStat *model, VmAddr start, VmSize bytes);

/* Makes such a region with what `model` showed at address `at`, or would show if it went on to
 * there: its segment, a copy of that, or memory that reads as zero. K_EUNKNOWN of a copy whose
 * segment is no more. */
KnResult memory_make(struct process *process, KnRgnDesc *region, const KnRgnStat *model, VmAddr at);

/* ENOMEM where no machine state could ever satisfy a request of so many bytes. */
long memory_room(size_t bytes);

/* Whether RLIMIT_AS, and for private writable memory RLIMIT_DATA, let a process have so much
 * more. */
bool memory_within_limits(struct process *process, size_t bytes, bool is_data);

/* Whether what is left belongs to those who live already: without it a fork too many would take the
 * page that its parent, or a shell, writes to next. */
bool memory_is_short(void);

/* Whether a device file is /dev/zero, which may be mapped. */
bool device_is_zero(const struct file *file);

#endif
