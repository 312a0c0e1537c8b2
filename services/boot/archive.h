/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system archive (newc, as cpio writes it) where the boot loader left it. It may be large, and
 * hardly any of it is looked at: pages are mapped for the time of one read, so nothing is kept and
 * several threads may read.
 */
#ifndef BOOT_ARCHIVE_H
#define BOOT_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define ARCHIVE_NAME_BYTES 256 /* of a member's name, with its NUL */
#define ARCHIVE_READ_BYTES (1u << 20)

struct archive {
    uint64_t physical;
    uint64_t bytes;
    VmSize page_bytes;
};

struct archive_member {
    uint64_t offset; /* of its data */
    uint64_t bytes;
    uint32_t mode; /* as st_mode of UNIX */
};

/* Learns from the Nucleus where the archive is. */
KnResult archive_open(struct archive *archive);

/* Copies a range, which lies in the archive, to memory of the caller's. K_EEND: it does not;
 * K_ETOOMUCH: more than ARCHIVE_READ_BYTES; K_ENOMEM. */
KnResult archive_read(const struct archive *archive, uint64_t offset, void *to, uint64_t bytes);

/* K_EUNKNOWN: no such member; K_EIO: the archive is damaged before it was found. */
KnResult archive_find(const struct archive *archive, const char *name,
                      struct archive_member *member);

#endif
