/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks of files: flock's, and fcntl's of ranges. One list has them all, for they are few.
 * A lock names what stands behind its file by device and inode, and belongs to an open file
 * description (flock, F_OFD_SETLK), with whose last descriptor it ends, or to a process (F_SETLK),
 * where it ends with any descriptor of the file.
 *
 * I1 Locks of one owner on one object do not overlap, and those of one kind that would touch are
 *    one.
 * I2 flock's and fcntl's locks do not see each other.
 *
 * All is guarded by pm->lock.
 */
#ifndef PM_LOCK_H
#define PM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"

struct file;
struct pm;
struct process;
struct task;

#define LOCK_END ((uint64_t)INT64_MAX) /* the last byte that a file can have */
#define LOCKS_OF_OWNER_MAX 1024u

struct locks {
    struct list all;     /* struct lock, by `link` */
    struct list waiting; /* struct lock of who waits, on stacks */
    uint32_t word;       /* changes when a lock is let go; who wants one sleeps on it */
};

enum lock_kind { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

/* A lock, or what is wanted. */
struct lock {
    struct list link;
    enum lock_kind kind;
    bool is_flock;
    const void *owner; /* struct file or struct process */
    int32_t pid;       /* of a process that owns it; -1: a description does */
    uint64_t device, inode;
    uint64_t first, last; /* bytes, both in it */
};

void locks_init(struct locks *locks);

/* Makes the range what is wanted, LOCK_NONE: nobody's. `fd` is a process' own name of the file,
 * which nobody may close meanwhile. EAGAIN: another's lock is in the way, and `waits` is not set.
 * EDEADLK, ENOLCK, EBADF, MIX_RESTART. */
long lock_set(struct task *task, struct file *file, int32_t fd, const struct lock *wanted,
              bool waits);

/* A copy of a lock that is in the way; false: there is none. */
bool lock_conflict(struct pm *pm, const struct lock *wanted, struct lock *found);

/* A description ends, or a process has closed a descriptor of a file. */
void locks_end_of_file(struct pm *pm, struct file *file);
void locks_close(struct process *process, const struct file *file);

/* lock_calls.c: fcntl's commands about locks. */
bool lock_is_command(uint32_t command);
long lock_command(struct task *task, struct file *file, int32_t fd, uint32_t command, VmAddr at);

#endif
