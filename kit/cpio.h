/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads an archive in memory, in the "new" portable format of cpio (magic 070701, and 070702, whose
 * checksums are not looked at). Nothing is copied: names and data stay where they lie in the
 * archive. The archive may be hostile: no byte outside it is read, and what cannot be right is
 * refused as damaged.
 *
 * I1 at <= bytes; everything before `at` was found in order.
 * I2 A damaged archive stays damaged: cpio_next does not go past the damage.
 */
#ifndef KIT_CPIO_H
#define KIT_CPIO_H

#include <stddef.h>
#include <stdint.h>

#define CPIO_DAMAGED (-1)

struct cpio {
    const uint8_t *archive;
    size_t bytes;
    size_t at; /* offset of the next header */
};

struct cpio_entry {
    const char *name;  /* ends with NUL, holds no other */
    size_t name_bytes; /* without the NUL */
    const void *data;
    size_t data_bytes;
    uint32_t mode;  /* as st_mode of UNIX */
    uint32_t mtime; /* seconds since 1970 */
    uint32_t ino;   /* of files with several links, all carry it and the last one has the data */
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint32_t rdev_major;
    uint32_t rdev_minor;
};

/* Takes the archive to its beginning. */
void cpio_open(struct cpio *cpio, const void *archive, size_t bytes);

/* 1: here is the next entry; 0: that was the last; CPIO_DAMAGED. *entry changes only with 1. */
int cpio_next(struct cpio *cpio, struct cpio_entry *entry);

/* The first entry of that name, from the archive's beginning, wherever `cpio` stands: 1; 0:
 * there is none; CPIO_DAMAGED before it was found. */
int cpio_find(const struct cpio *cpio, const char *name, struct cpio_entry *entry);

#endif
