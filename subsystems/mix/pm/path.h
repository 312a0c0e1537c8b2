/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PM asks the Object Manager about names. A path starts at a descriptor's directory, or at the
 * process' own; where it leads into /proc, which is PM's, OM says so and proc.c goes on with the
 * rest.
 */
#ifndef PM_PATH_H
#define PM_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "mix/linux.h"
#include "subsystems/mix/pm/file.h"

struct call_buffer;

/* A path of the caller, read into a buffer and tied to where it starts; given back by path_end. */
struct path {
    struct task *task;
    struct call_buffer *buffer;
    uint64_t directory; /* key of OM */
    struct file *base;  /* the descriptor's file, held; NULL: the working directory */
};

/* The fields that every request with a path begins with, and the room for where it may lead. */
#define PATH_FIELDS(from)                                                            \
    .root = (from).task->process->root, .directory = (from).directory,               \
    .who = om_who((from).task->process), .groups = (from).task->process->who.groups, \
    .groups_bytes = (from).task->process->who.group_count * 4u, .path = (from).buffer->path
#define REST_ROOM(from) .rest = (from).buffer->rest, .rest_room = sizeof((from).buffer->rest)

/* ENOENT for an empty path unless `may_be_empty`; EBADF, ENOTDIR, EFAULT, ENAMETOOLONG, ENOMEM. */
long path_begin(struct path *path, struct task *task, int32_t directory, VmAddr text,
                bool may_be_empty);
void path_end(struct path *path);

/* Opens what the path names, making it where flags say so. */
long path_open(struct path *path, uint32_t flags, uint32_t mode, struct file **file);

/* Opens a new file of the memory's that has no name but what /proc tells of it. */
long path_open_memory(struct task *task, const char *name, struct file **file);

/* Opens by a name of PM's own; for exec: a regular file that the caller may execute. */
long path_open_text(struct task *task, const char *text, uint32_t flags, struct file **file);
long path_open_program(struct task *task, const char *text, uint32_t flags, struct file **file);

/* stat of the path in `buffer` from `directory`; flags as om.idl's. */
long path_stat(struct task *task, uint64_t directory, struct call_buffer *buffer, uint32_t flags,
               struct linux_stat *stat);

/* OM's key of what the file is an open one of; 0: it has no name there. */
uint64_t path_node(const struct file *file);

/* Operations of files that OM has. */
long path_stat_file(struct task *task, struct file *file, struct linux_stat *stat);
void path_close_node(struct pm *pm, uint64_t node);
void path_close_file(struct pm *pm, struct file *file);

/* Before the caller writes to a regular file: it lends nobody's rights any more. */
long path_drop_set_ids(struct task *task, struct file *file);

/* Whether the caller may go through the directory: 0, EACCES. */
long path_may_search(struct task *task, struct file *file);

/* Whether a device number is one that PM serves itself. */
bool device_is_memory(uint64_t rdev);

#endif
