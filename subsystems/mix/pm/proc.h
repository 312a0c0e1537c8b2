/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: what PM knows, as files. Paths come from OM as what is left below the mount (`rest`: "" is
 * /proc itself, else without a leading slash). A file's content is made when it is opened and does
 * not change under its reader.
 */
#ifndef PM_PROC_H
#define PM_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "mix/linux.h"
#include "subsystems/mix/pm/file.h"

/* Opens `rest`; links such as self and N/exe are followed unless flags hold O_NOFOLLOW. ENOENT,
 * ENOTDIR, EACCES (for writing), ELOOP, ENOMEM. */
long proc_open(struct task *task, const char *rest, uint32_t flags, struct file **file);

long proc_stat(struct task *task, const char *rest, bool follow, struct linux_stat *stat);

/* The target of a link, with its NUL; its length. EINVAL: not a link. */
long proc_readlink(struct task *task, const char *rest, char *target, size_t target_bytes);

/* Records of getdents64 into the caller's memory, from file->offset on, which moves; offset_lock
 * is held. */
long proc_readdir(struct task *task, struct file *file, VmAddr buffer, size_t bytes);

void proc_statfs(struct linux_statfs *statfs);

extern const struct file_operations proc_directory_operations; /* file->path says which */

#endif
