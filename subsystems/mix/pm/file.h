/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files. A `struct file` is an open file description, shared by descriptors across dup and
 * fork; what stands behind it is an object of OM or STM (by key) or of PM itself, reached through a
 * table of operations.
 *
 * I1 references counts descriptors and calls in progress; the last drop closes the object. Guarded
 *    by pm->lock.
 * I2 The offset moves under offset_lock, so that concurrent reads of a shared description take
 *    different bytes.
 */
#ifndef PM_FILE_H
#define PM_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "chorus/types.h"
#include "kit/list.h"
#include "mix/linux.h"

struct pm;
struct process;
struct task;
struct file;

#define DESCRIPTORS_MAX 1024

struct file_operations {
    /* Bytes moved, or a negated errno. `offset` is where, and is moved on; streams ignore it. */
    long (*read)(struct task *task, struct file *file, VmAddr to, size_t bytes, uint64_t *offset);
    long (*write)(struct task *task, struct file *file, VmAddr from, size_t bytes,
                  uint64_t *offset);
    long (*stat)(struct task *task, struct file *file, struct linux_stat *stat);
    long (*ioctl)(struct task *task, struct file *file, uint32_t request, uintptr_t value);
    void (*close)(struct pm *pm, struct file *file);
    bool seekable;
    bool pollable; /* by STM; all others are always ready */
};

struct file {
    const struct file_operations *operations;
    uint32_t references;
    uint32_t flags; /* Linux open flags that F_GETFL tells */
    uint64_t key;   /* of the object at its server */
    uint64_t node;  /* of a stream that has a name: that at OM; 0: none */
    KnCap segment;  /* of a regular file's data */
    uint64_t offset;
    KnMutex offset_lock;
    uint32_t mode; /* type bits as in st_mode */
    uint64_t rdev;
    uint32_t clock;         /* of a timerfd */
    uint32_t set_ids_seen;  /* of pm->set_id_changes, when the file had no such bits */
    uint64_t device, inode; /* what stands behind it; 0: not looked at yet */
    bool has_locks;         /* it may own some of pm->locks */
    char *path;             /* by which it was opened, on PM's heap; NULL: none */
    /* where a relative path started: a key of OM that is not held, so it may be closed by now */
    uint64_t path_directory;
    char *text; /* of a file that PM makes (/proc): its content, on PM's heap */
    size_t text_bytes;
};

struct descriptor {
    struct file *file; /* NULL: free */
    bool close_on_exec;
};

struct descriptors {
    struct descriptor *entry; /* grows by doubling, on PM's heap */
    uint32_t count;
};

struct file *file_create(struct pm *pm, const struct file_operations *operations, uint32_t flags);
/* Takes back what file_create gave, of a file behind which nothing stands yet. */
void file_free(struct pm *pm, struct file *file);
void file_hold(struct pm *pm, struct file *file);
void file_drop(struct pm *pm, struct file *file);

/* The file of a descriptor, held; NULL: EBADF. */
struct file *descriptor_get(struct process *process, int32_t fd);

/* Puts a file (its reference passes) into the lowest free descriptor at or above `from`: the
 * descriptor, EMFILE or ENOMEM (the reference stays with the caller then). */
long descriptor_put(struct process *process, struct file *file, int32_t from, bool close_on_exec);

/* Puts a file (its reference passes) at `fd` itself, closing what was there. */
long descriptor_replace(struct process *process, struct file *file, int32_t fd, bool close_on_exec);

/* Whether the descriptor is one of this file; pm->lock is held. */
bool descriptor_is(struct process *process, int32_t fd, const struct file *file);

/* Tells or sets the close-on-exec flag. EBADF. */
long descriptor_flag(struct process *process, int32_t fd, bool set, bool close_on_exec);

long descriptor_close(struct process *process, int32_t fd);

/* fork, exec and exit. */
long descriptors_copy(struct process *to, struct process *from);
void descriptors_close_on_exec(struct process *process);
void descriptors_close_all(struct process *process);

extern const struct file_operations regular_operations;
extern const struct file_operations directory_operations;
extern const struct file_operations stream_operations;
extern const struct file_operations device_operations;

#endif
