/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk in memory, made by mke2fs and judged by e2fsck, with faults on demand; and what OM's ext2
 * asks of a site beside it. There is one thread: requests of the fake local caches are answered at
 * once.
 */
#ifndef TESTS_UNIT_OM_DISK_HOST_H
#define TESTS_UNIT_OM_DISK_HOST_H

#include "tests/unit/om_cache_host.h"

#include "subsystems/mix/om/ext2_fs.h"

struct host_disk {
    uint8_t *bytes;
    uint64_t size;
    bool is_read_only;
    uint64_t reads, writes, flushes;

    /* Transfers fail from this number on, counted from the start; 0: none does. */
    uint64_t read_fault, write_fault;
};

extern struct host_disk host_disk;

void host_disk_make(const char *options, uint64_t size);
void host_disk_free(void);

/* Starts OM on it, which must succeed; ends it again and lets e2fsck judge. */
void host_disk_start(void);
void host_disk_end(void);

/* Stops without unmounting, as a power cut does: what was not written is lost. */
void host_disk_cut(void);

/* e2fsck -fn finds nothing wrong. */
void host_disk_check(void);

/* Lets e2fsck repair it; its exit status. */
int host_disk_repair(void);

struct ext2_fs *host_ext2(void);

/* What the keeper does every few seconds. */
void host_keeper(void);

#endif
