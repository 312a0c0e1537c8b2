/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ext2 core's caller on the host: a disk in memory, made by mke2fs and judged by e2fsck, the
 * loop that reads and writes blocks for operations, file data, and faults on demand.
 *
 *     struct host host;
 *     host_make(&host, "-b 1024", 4 << 20);   mke2fs
 *     host_mount(&host);
 *     status = HOST_RUN(&host, ext2_lookup(op, &host.fs, root, name, &inode));
 *     host_unmount(&host);
 *     host_check(&host);                      e2fsck -fn
 *     host_free(&host);
 *
 * After each operation the core's invariants are verified, unless `is_quick` is set.
 */
#ifndef EXT2_HOST_H
#define EXT2_HOST_H

#include <stdlib.h>

#include "mix/errno.h"
#include "subsystems/mix/om/ext2/ext2.h"
#include "tests/unit/support.h"

#define HOST_NEVER UINT64_MAX

struct host {
    uint8_t *disk;
    uint64_t disk_bytes;

    /* What the next mount uses. */
    uint32_t capacity; /* of the cache, in buffers */
    uint32_t pool;     /* inodes in memory */
    bool is_read_only;
    bool evicts; /* between passes what is dirty is written and what is not pinned evicted */
    bool is_quick;
    void (*interrupt)(struct host *host); /* NULL, or what others do while an operation reads */
    uint64_t steps_max; /* an operation with more passes than this goes round in circles */

    /* Faults: the transfer or allocation of this number fails, and with `stays` all later ones
     * too. */
    uint64_t read_fault;
    uint64_t write_fault;
    uint64_t memory_fault;
    bool stays;
    uint64_t reads;
    uint64_t writes;
    uint64_t allocations;
    size_t allocated_bytes;

    /* For whom and when operations run. */
    uint32_t uid;
    uint32_t gid;
    struct fs_time now;

    struct fs_memory memory;
    struct buffer_cache cache;
    bool has_cache;
    struct ext2 fs;
    struct ext2_inode *inodes;
    struct fs_operation op;
    uint64_t passes; /* in all */
    uint64_t steps;  /* passes of the last operation, all its steps together */
};

/* Makes a disk with mke2fs; `options` come before the file's name. -d and the like work. */
void host_make(struct host *host, const char *options, uint64_t disk_bytes);
void host_free(struct host *host);

/* Probes, makes a cache, mounts. Returns what the first of them that fails returns. */
int host_try_mount(struct host *host);
void host_mount(struct host *host);

/* Unmounts, writes all out, and checks that no memory is left over. */
void host_unmount(struct host *host);

/* Forgets the file system as a crash does: what is dirty in the cache never reaches the disk. */
void host_crash(struct host *host);

/* Writes all dirty buffers out; 0 or -EIO. */
int host_sync(struct host *host);

/* Fails the test unless e2fsck -fn finds nothing wrong. */
void host_check(struct host *host);

/* Lets e2fsck repair the disk; returns its exit status. */
int host_repair(struct host *host);

/* Runs a command, with %s standing for the image's file, loads the image again, returns its
 * output. */
const char *host_command(struct host *host, const char *command);

/* The loop that operation.h asks for. */
void host_begin(struct host *host);
bool host_again(struct host *host, int *status);

#define HOST_RUN(host, call)                   \
    ({                                         \
        struct fs_operation *op = &(host)->op; \
        int status_;                           \
        host_begin(host);                      \
        do                                     \
            status_ = (call);                  \
        while (host_again(host, &status_));    \
        status_;                               \
    })

struct ext2_name host_name(const char *text);

/* By path from the root, components separated by '/': short ways for tests. Each is one or more
 * operations; results are negated error numbers. An inode that is given out is referenced. */
int host_open(struct host *host, const char *path, struct ext2_inode **out);
int host_parent(struct host *host, const char *path, struct ext2_inode **out,
                struct ext2_name *name);
int host_create(struct host *host, const char *path, const struct ext2_template *template);
int host_mkdir(struct host *host, const char *path);
int host_touch(struct host *host, const char *path);
int host_symlink(struct host *host, const char *path, const char *target);
int host_link(struct host *host, const char *from, const char *to);
int host_unlink(struct host *host, const char *path);
int host_rmdir(struct host *host, const char *path);
int host_rename(struct host *host, const char *from, const char *to, uint32_t flags);
int host_attributes(struct host *host, const char *path, struct ext2_attributes *attributes);
int host_readlink(struct host *host, const char *path, char *target, uint32_t limit);

/* Drops a reference and frees what that leaves without links. Returns what ext2_reap returned. */
int host_release(struct host *host, struct ext2_inode *inode);

/* File data, as a page cache would move it. The result is bytes moved, or a negated error
 * number. */
int64_t host_write(struct host *host, struct ext2_inode *inode, uint64_t offset, const void *bytes,
                   size_t count);
int64_t host_read(struct host *host, struct ext2_inode *inode, uint64_t offset, void *bytes,
                  size_t count);
int host_truncate(struct host *host, struct ext2_inode *inode, uint64_t size_bytes);
int host_write_path(struct host *host, const char *path, uint64_t offset, const void *bytes,
                    size_t count);

/* A small fast generator, seeded by its state. */
uint32_t host_random(uint64_t *state);

#endif
