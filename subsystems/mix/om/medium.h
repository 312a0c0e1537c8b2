/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk as file systems see it: bytes at sector boundaries, moved by the disk's driver. Several
 * threads may use one; all wait for their transfer and must hold no lock. Functions return 0, -EIO,
 * -EROFS or -ENXIO.
 */
#ifndef OM_MEDIUM_H
#define OM_MEDIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/disk.h"

enum medium_class {
    MEDIUM_PAGING = DISK_PAGING,
    MEDIUM_METADATA = DISK_METADATA,
    MEDIUM_DATA = DISK_DATA,
};

struct medium {
    struct idl_client client;
    uint64_t bytes;
    bool is_read_only;
    bool needs_flush;
};

/* The disk of this index. -ENXIO: there is no such disk. */
int medium_open(struct medium *medium, uint32_t index);

/* Any number of bytes; both offset and number are multiples of a sector. */
int medium_read(const struct medium *medium, uint64_t at, void *to, uint32_t bytes,
                enum medium_class class);
int medium_write(const struct medium *medium, uint64_t at, const void *from, uint32_t bytes,
                 enum medium_class class);

/* What was written before is safe afterwards. */
int medium_flush(const struct medium *medium);

#endif
