/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock. A lock belongs to an open file description and names what stands behind it by device and
 * inode; so it goes with dup and fork, and ends with the last descriptor. They are few: a list.
 */
#include "chorus/calls.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"

/* pm->lock is held. */
static void let_go(struct pm *pm, struct file *file)
{
    if (file->lock == LOCK_UN)
        return;
    file->lock = LOCK_UN;
    list_remove(&file->in_locks);
    pm->file_lock_word++;
    (void)syncWake((VmAddr)&pm->file_lock_word, UINT32_MAX);
}

void file_unlock(struct pm *pm, struct file *file)
{
    if (file->lock == LOCK_UN)
        return;
    mutexGet(&pm->lock);
    let_go(pm, file);
    mutexRel(&pm->lock);
}

/* Whether nobody else's lock is in the way; pm->lock is held. */
static bool is_free(struct pm *pm, const struct file *wanting, uint32_t lock)
{
    struct file *file;

    LIST_FOR_EACH(file, &pm->file_locks, in_locks) {
        if (file != wanting && file->lock_device == wanting->lock_device &&
            file->lock_inode == wanting->lock_inode && (lock == LOCK_EX || file->lock == LOCK_EX))
            return false;
    }
    return true;
}

/* Takes the lock if it can be had at once. As in Linux a lock that changes its kind is let go
 * first, so it may be lost. */
static bool try(struct pm *pm, struct file *file, uint32_t lock, const struct linux_stat *stat,
                uint32_t *word)
{
    mutexGet(&pm->lock);
    if (file->lock != lock)
        let_go(pm, file);
    file->lock_device = stat->device;
    file->lock_inode = stat->inode;
    bool can = is_free(pm, file, lock);

    if (can && file->lock == LOCK_UN) {
        file->lock = lock;
        list_add_tail(&pm->file_locks, &file->in_locks);
    }
    *word = pm->file_lock_word;
    mutexRel(&pm->lock);
    return can;
}

static long lock_wait(struct task *task, struct file *file, uint32_t lock, bool waits)
{
    struct pm *pm = task->process->pm;
    struct linux_stat stat;
    uint32_t word;
    long result = file->operations->stat(task, file, &stat);

    while (result == 0 && !try(pm, file, lock, &stat, &word)) {
        if (!waits)
            return -EAGAIN;
        if (signal_is_pending(task) ||
            syncWait((VmAddr)&pm->file_lock_word, word, K_NOTIMEOUT, K_ABORTABLE) == K_EABORT)
            return MIX_RESTART;
    }
    return result;
}

long sys_flock(struct task *task, int32_t fd, uint32_t operation)
{
    struct pm *pm = task->process->pm;
    struct file *file = descriptor_get(task->process, fd);
    uint32_t lock = operation & ~(uint32_t)LOCK_NB;
    long result = 0;

    if (file == NULL)
        return -EBADF;
    if (lock == LOCK_UN)
        file_unlock(pm, file);
    else if (lock != LOCK_SH && lock != LOCK_EX)
        result = -EINVAL;
    else if ((file->flags & O_PATH) != 0)
        result = -EBADF;
    else
        result = lock_wait(task, file, lock, (operation & LOCK_NB) == 0);
    file_drop(pm, file);
    return result;
}
