/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc is an empty directory so far: every name below it is ENOENT. See proc.h. */
#include "subsystems/mix/pm/proc.h"

#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"

#define PROC_MAGIC 0x9fa0
#define PROC_DEVICE 3
#define PROC_ROOT_INODE 1

static void root_stat(struct linux_stat *stat)
{
    *stat = (struct linux_stat){.device = PROC_DEVICE,
                                .inode = PROC_ROOT_INODE,
                                .links = 2,
                                .mode = S_IFDIR | 0555,
                                .block_bytes = 4096};
}

static long file_stat(struct task *task, struct file *file, struct linux_stat *stat)
{
    (void)task;
    (void)file;
    root_stat(stat);
    return 0;
}

long proc_open(struct task *task, const char *rest, uint32_t flags, struct file **file)
{
    if (rest[0] != '\0')
        return -ENOENT;
    if ((flags & O_ACCMODE) != O_RDONLY)
        return -EISDIR;
    *file = file_create(task->process->pm, &proc_directory_operations, flags);
    if (*file == NULL)
        return -ENOMEM;
    (*file)->mode = S_IFDIR;
    return 0;
}

long proc_stat(struct task *task, const char *rest, bool follow, struct linux_stat *stat)
{
    (void)task;
    (void)follow;
    if (rest[0] != '\0')
        return -ENOENT;
    root_stat(stat);
    return 0;
}

long proc_readlink(struct task *task, const char *rest, char *target, size_t target_bytes)
{
    (void)task;
    if (target_bytes > 0)
        target[0] = '\0';
    return rest[0] == '\0' ? -EINVAL : -ENOENT;
}

long proc_readdir(struct task *task, struct file *file, VmAddr buffer, size_t bytes)
{
    (void)task;
    (void)file;
    (void)buffer;
    (void)bytes;
    return 0;
}

void proc_statfs(struct linux_statfs *statfs)
{
    *statfs =
        (struct linux_statfs){.type = PROC_MAGIC, .block_bytes = 4096, .name_bytes = NAME_MAX};
}

const struct file_operations proc_directory_operations = {
    .stat = file_stat,
    .seekable = true,
};
