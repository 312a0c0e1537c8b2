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

#define MEMORY_TOP ((VmAddr)0x7ffffffff000)
#define MEMORY_MAP_BASE ((VmAddr)0x7f0000000000)
#define MEMORY_MAP_TOP ((VmAddr)0x7ff000000000)
#define MEMORY_PIE_BASE ((VmAddr)0x555555554000)

/* In a region's opaque2: a private mapping that is read-only, hence the segment itself; what
 * makes it writable must make it a deferred copy first. */
#define MEMORY_PRIVATE 1u

/* A private mapping of a segment; rights are in `region->options`. */
KnResult memory_map_private(struct process *process, KnRgnDesc *region, KnObjDesc *object);

/* ENOMEM where no machine state could ever satisfy a request of so many bytes. */
long memory_room(size_t bytes);

/* Whether what is left belongs to those who live already: without it a fork too many would take the
 * page that its parent, or a shell, writes to next. */
bool memory_is_short(void);

/* mremap's moving half. */
long memory_move(struct process *process, const KnRgnStat *stat, VmAddr address, size_t old_bytes,
                 size_t new_bytes, uint32_t flags, VmAddr new_address);

/* Whether a device file is /dev/zero, which may be mapped. */
bool device_is_zero(const struct file *file);

#endif
