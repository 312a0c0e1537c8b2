/* SPDX-License-Identifier: BSD-2-Clause */
/* flock, and the commands of fcntl about locks. */
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

/* What stands behind the file. What OM opened has it already; others are asked once. */
static long identify(struct task *task, struct file *file)
{
    struct linux_stat stat;
    long result;

    if (file->inode != 0)
        return 0;
    result = file->operations->stat(task, file, &stat);
    if (result < 0)
        return result;
    file->device = stat.device;
    file->inode = stat.inode;
    return 0;
}

/* ---- flock ------------------------------------------------------------------------------- */

static long flock(struct task *task, struct file *file, int32_t fd, uint32_t operation)
{
    struct lock wanted = {.is_flock = true, .owner = file, .pid = -1, .last = LOCK_END};
    long result;

    switch (operation & ~(uint32_t)LOCK_NB) {
    case LOCK_UN:
        wanted.kind = LOCK_NONE;
        break;
    case LOCK_SH:
        wanted.kind = LOCK_SHARED;
        break;
    case LOCK_EX:
        wanted.kind = LOCK_EXCLUSIVE;
        break;
    default:
        return -EINVAL;
    }
    if ((file->flags & O_PATH) != 0)
        return -EBADF;
    result = identify(task, file);
    if (result < 0)
        return result;
    wanted.device = file->device;
    wanted.inode = file->inode;
    return lock_set(task, file, fd, &wanted, (operation & LOCK_NB) == 0);
}

long sys_flock(struct task *task, int32_t fd, uint32_t operation)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = flock(task, file, fd, operation);
    file_drop(task->process->pm, file);
    return result;
}

/* ---- fcntl ------------------------------------------------------------------------------- */

bool lock_is_command(uint32_t command)
{
    return (command >= F_GETLK && command <= F_SETLKW) ||
           (command >= F_OFD_GETLK && command <= F_OFD_SETLKW);
}

/* Where the range of a struct flock begins and ends; a length below zero lies before its start. */
static long range_of(struct task *task, struct file *file, const struct linux_flock *flock,
                     struct lock *wanted)
{
    int64_t base = 0, start;

    if (flock->whence == SEEK_CUR) {
        base = (int64_t)file->offset;
    } else if (flock->whence == SEEK_END) {
        struct linux_stat stat;
        long result = file->operations->stat(task, file, &stat);

        if (result < 0)
            return result;
        base = stat.size;
    } else if (flock->whence != SEEK_SET) {
        return -EINVAL;
    }
    if (flock->start > INT64_MAX - base)
        return -EOVERFLOW;
    start = base + flock->start;
    if (start < 0 || (flock->bytes < 0 && start + flock->bytes < 0))
        return -EINVAL;
    if (flock->bytes > 0 && flock->bytes - 1 > INT64_MAX - start)
        return -EOVERFLOW;
    wanted->first = (uint64_t)(flock->bytes < 0 ? start + flock->bytes : start);
    wanted->last = flock->bytes == 0
                       ? LOCK_END
                       : (uint64_t)(flock->bytes < 0 ? start : start + flock->bytes) - 1;
    return 0;
}

static long wanted_of(struct task *task, struct file *file, bool of_file,
                      const struct linux_flock *flock, struct lock *wanted)
{
    static const enum lock_kind kinds[] = {
        [F_RDLCK] = LOCK_SHARED, [F_WRLCK] = LOCK_EXCLUSIVE, [F_UNLCK] = LOCK_NONE};
    long result;

    if (flock->type < 0 || flock->type >= (int)ARRAY_SIZE(kinds) || (of_file && flock->pid != 0))
        return -EINVAL;
    result = identify(task, file);
    if (result < 0)
        return result;
    *wanted = (struct lock){.kind = kinds[flock->type],
                            .owner = file,
                            .pid = -1,
                            .device = file->device,
                            .inode = file->inode};
    if (!of_file) {
        wanted->owner = task->process;
        wanted->pid = task->process->pid;
    }
    return range_of(task, file, flock, wanted);
}

static long set(struct task *task, struct file *file, int32_t fd, const struct lock *wanted,
                bool waits)
{
    uint32_t access = file->flags & O_ACCMODE;

    if ((wanted->kind == LOCK_SHARED && access == O_WRONLY) ||
        (wanted->kind == LOCK_EXCLUSIVE && access == O_RDONLY))
        return -EBADF;
    return lock_set(task, file, fd, wanted, waits);
}

/* The lock that is in the way, or F_UNLCK in what was asked. */
static long get(struct pm *pm, const struct lock *wanted, struct linux_flock *flock)
{
    struct lock found;

    if (wanted->kind == LOCK_NONE)
        return -EINVAL;
    flock->type = F_UNLCK;
    if (!lock_conflict(pm, wanted, &found))
        return 0;
    *flock = (struct linux_flock){.type = found.kind == LOCK_SHARED ? F_RDLCK : F_WRLCK,
                                  .whence = SEEK_SET,
                                  .start = (int64_t)found.first,
                                  .pid = found.pid};
    flock->bytes = found.last == LOCK_END ? 0 : (int64_t)(found.last - found.first + 1);
    return 0;
}

long lock_command(struct task *task, struct file *file, int32_t fd, uint32_t command, VmAddr at)
{
    bool of_file = command >= F_OFD_GETLK;
    struct linux_flock flock;
    struct lock wanted = {.kind = LOCK_NONE};
    long result = (file->flags & O_PATH) != 0 ? -EBADF : user_read(&flock, at, sizeof(flock));

    if (result == 0)
        result = wanted_of(task, file, of_file, &flock, &wanted);
    if (result < 0)
        return result;
    if (command != F_GETLK && command != F_OFD_GETLK)
        return set(task, file, fd, &wanted, command == F_SETLKW || command == F_OFD_SETLKW);
    result = get(task->process->pm, &wanted, &flock);
    return result < 0 ? result : user_write(at, &flock, sizeof(flock));
}
