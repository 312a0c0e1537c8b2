/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A member of the system archive, for reading: mapped where OM is in supervisor space, in pieces
 * from boot where it is not. Members are read whole and small (the launch record) or, being
 * archives themselves (root.cpio), header by header.
 *
 * I1 window_bytes of the member from window_at on stand in `window`; 0 where the member is mapped.
 *    `lock` guards it.
 */
#ifndef OM_ARCHIVE_H
#define OM_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "chorus/types.h"
#include "idl/boot.h"

#define ARCHIVE_NAME_MAX 4095u

struct archive {
    KnUniqueId boot;
    uint64_t offset; /* of the member in the system archive */
    uint64_t bytes;
    VmAddr mapped; /* the member's first byte; 0: it is not mapped */
    KnMutex lock;
    uint64_t window_at;
    uint32_t window_bytes;
    uint8_t window[BOOT_READ_OUT_DATA_MAX];
};

/* What a header of newc says, and where its data lies in the member. */
struct archive_entry {
    uint32_t inode;
    uint32_t mode; /* as st_mode of UNIX */
    uint32_t uid;
    uint32_t gid;
    uint32_t links;
    uint32_t mtime; /* seconds since 1970 */
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint64_t data_at;
    uint64_t data_bytes;
};

/* Finds a member and maps it if that is wanted and allowed. -ENOENT: there is none; -EIO. */
int archive_open(struct archive *archive, const char *member, bool map);

/* Copies bytes of the member to plain memory; all of them or -EIO. */
int archive_read(struct archive *archive, uint64_t at, void *to, uint64_t bytes);

/* Writes bytes of the member to the beginning of a segment. K_EIO, and what sgWrite returns. */
KnResult archive_fill(struct archive *archive, uint64_t at, uint64_t bytes, const KnCap *segment);

/* Takes the entry at *at, which goes to the next one. 1: here it is; 0: that was the last; -EIO:
 * damaged. */
int archive_next(struct archive *archive, uint64_t *at, struct archive_entry *entry,
                 char name[ARCHIVE_NAME_MAX + 1]);

#endif
