/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual memory manager: frames, local caches with their history, contexts and their regions,
 * mappers, page replacement. Nothing here knows files.
 *
 *   frame.h    physical pages: who holds each; allocation, reserve, replacement
 *   cache.h    local caches of segments and of temporary memory; deferred copy by history objects
 *   context.h  address spaces: regions, faults, access to another actor's memory
 *   pager.h    the mapper protocol: pull-in, push-out, access
 */
#ifndef NUCLEUS_VM_H
#define NUCLEUS_VM_H

#include "nucleus/vm/cache.h"
#include "nucleus/vm/context.h"
#include "nucleus/vm/frame.h"
#include "nucleus/vm/pager.h"

#define SYNC_BUCKETS 256

struct vm {
    struct frames frames;
    struct caches caches;
    struct contexts contexts;
    struct pager pager;
    struct wait_queue sync[SYNC_BUCKETS]; /* threads that wait on memory, by key */
    uint64_t faults;
};

struct boot_record;

void vm_init(struct vm *vm, const struct boot_record *record);

#endif
