/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: what PM knows, as files. Paths come from OM as what is left below the mount: `rest` of the
 * caller's buffer ("" is /proc itself, else without a leading slash). A file's content is made when
 * it is opened and does not change under its reader.
 *
 *   proc.c          the tree: one table of entries, and how a path leads through it
 *   proc_calls.c    what is done with its files and directories
 *   proc_site.c     texts about the site
 *   proc_process.c  texts about a process
 *
 * Some links of /proc lead out of it: a program's file, a working directory, an open file. Then the
 * result is PROC_LEAVES, the buffer's `path` is what is to be looked up, and `way` tells from
 * where; the caller asks OM again.
 */
#ifndef PM_PROC_H
#define PM_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "mix/linux.h"
#include "subsystems/mix/pm/file.h"

struct call_buffer;

#define PROC_LEAVES 1
#define PROC_TOP "/proc" /* where OM mounts it */

struct proc_way {
    uint64_t directory; /* key of OM */
    struct file *file;  /* held: the open file that a link led to, or NULL */
    uint32_t links;     /* how often a path left so far */
};

/* Gives back what the way holds. */
void proc_way_end(struct pm *pm, struct proc_way *way);

/* Opens what `rest` names; links are followed unless flags hold O_NOFOLLOW. ENOENT, ENOTDIR,
 * EISDIR, EACCES (for writing, or another user's), ELOOP, ENOMEM. */
long proc_open(struct task *task, struct call_buffer *buffer, uint32_t flags, struct proc_way *way,
               struct file **file);

long proc_stat(struct task *task, struct call_buffer *buffer, bool follow, struct proc_way *way,
               struct linux_stat *stat);

/* The target of a link, with its NUL, into the buffer's `second`. EINVAL: not a link. */
long proc_readlink(struct task *task, struct call_buffer *buffer, struct proc_way *way);

/* Records of getdents64 into PM's memory, from file->offset on, which moves; offset_lock
 * is held. */
long proc_readdir(struct task *task, struct file *file, char *records, size_t bytes);

/* Whether `rest` leads to something of /proc itself: 0, PROC_LEAVES or an errno. */
long proc_statfs(struct task *task, struct call_buffer *buffer, struct proc_way *way,
                 struct linux_statfs *statfs);
void proc_statfs_file(struct linux_statfs *statfs);

extern const struct file_operations proc_directory_operations; /* file->path says which */
extern const struct file_operations proc_file_operations;

#endif
