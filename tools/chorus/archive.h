/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing newc cpio archives: the system archive of one run, and the root within it.
 *
 * A member is opened, filled and closed; its size is then written into its header, so it need not
 * be known before. An archive may thus be a member of another: archive_nest() starts one inside the
 * open member. Errors of writing are kept, and told by archive_end().
 */
#ifndef LAUNCHER_ARCHIVE_H
#define LAUNCHER_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tree.h"

struct archive {
    FILE *file;
    uint64_t header_offset; /* of the open member */
    uint64_t data_offset;   /* of the open member's data; 0: none is open */
    uint32_t member_count;
    bool too_large; /* a member has more than newc's 32 bits can say */
};

/* What a header says, beside the size. */
struct archive_member {
    const char *name;
    uint32_t number; /* inode number */
    uint32_t mode;
    uint32_t owner;
    uint32_t group;
    uint32_t link_count;
    uint32_t time_s;
    uint32_t device_major;
    uint32_t device_minor;
};

/* Starts an archive in an empty file that can be read too; takes a copy of the descriptor. */
void archive_create(struct archive *archive, int fd);
void archive_open(struct archive *archive, const struct archive_member *member);
void archive_add(struct archive *archive, const void *bytes, size_t length);
void archive_close(struct archive *archive);

/* A small file: mode 0644, owned by 0, of time 0. */
void archive_put(struct archive *archive, const char *name, const void *bytes, size_t length);

/* The same with all that comes from a descriptor. False after one line. */
bool archive_put_file(struct archive *archive, const char *name, int fd, const char *source);

/* The tree, as an archive of its own inside the open member. False after one line. */
bool archive_nest(struct archive *archive, const struct tree *tree);

/* All members of another archive but its end. Those named in `reserved` (ended by NULL) must not be
 * among them. False after one line. */
bool archive_copy(struct archive *archive, int fd, const char *source, const char *const *reserved);

/* Writes the end and closes the file. False after one line, if anything was not written. */
bool archive_end(struct archive *archive);

#endif
