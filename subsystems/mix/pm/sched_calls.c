/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls about scheduling. All processes have the Nucleus' time sharing class and one priority:
 * its priorities are strict, so a nice process that holds a lock of PM's would keep it from all
 * others while anybody else runs. What programs wish is kept, inherited and told, where it promises
 * nothing; the real-time policies, which do, are nobody's to have. A site has one processor.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define NICE_LEAST (-20)
#define NICE_MOST 19
#define REAL_TIME_LEAST 1
#define REAL_TIME_MOST 99
#define FIRST_PROCESSOR UINT64_C(1) /* in a mask */

/* ---- Niceness ---------------------------------------------------------------------------- */

static bool is_meant(const struct task *task, const struct process *process, uint32_t which,
                     int32_t who)
{
    const struct process *self = task->process;

    if (process == self->pm->processes.first && who != process->pid)
        return false;
    if (which == PRIO_PROCESS)
        return process->pid == (who == 0 ? self->pid : who);
    if (which == PRIO_PGRP)
        return process->group == (who == 0 ? self->group : who);
    return process->who.uid == (who == 0 ? self->who.uid : (uint32_t)who);
}

/* Told as 20 - nice, which is never negative. */
long sys_getpriority(struct task *task, uint32_t which, int32_t who)
{
    struct pm *pm = task->process->pm;
    struct process *process;
    long result = -ESRCH;

    if (which > PRIO_USER)
        return -EINVAL;
    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (is_meant(task, process, which, who))
            result = MAX(result, 20L - process->nice);
    }
    mutexRel(&pm->lock);
    return result;
}

static bool may_schedule(const struct task *task, const struct process *process)
{
    const struct credentials *who = &task->process->who;

    return who->euid == 0 || who->euid == process->who.uid || who->euid == process->who.euid;
}

static long nice_set(const struct task *task, struct process *process, int32_t nice)
{
    ASSERT(nice >= NICE_LEAST && nice <= NICE_MOST);
    if (!may_schedule(task, process))
        return -EPERM;
    if (task->process->who.euid != 0 && nice < process->nice)
        return -EACCES;
    process->nice = nice;
    return 0;
}

long sys_setpriority(struct task *task, uint32_t which, int32_t who, int32_t nice)
{
    struct pm *pm = task->process->pm;
    struct process *process;
    long result = -ESRCH;

    if (which > PRIO_USER)
        return -EINVAL;
    nice = MAX(MIN(nice, NICE_MOST), NICE_LEAST);
    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (!is_meant(task, process, which, who))
            continue;
        long set = nice_set(task, process, nice);

        result = result == -ESRCH || set < 0 ? set : result;
    }
    mutexRel(&pm->lock);
    return result;
}

/* ---- Policies ---------------------------------------------------------------------------- */

/* The process of a task's number, 0 being the caller's; pm->lock is held. */
static struct process *process_of(const struct task *task, int32_t tid)
{
    struct process *process;
    struct task *other;

    ASSERT(tid >= 0);
    if (tid == 0)
        return task->process;
    LIST_FOR_EACH(process, &task->process->pm->processes.all, in_all) {
        if (process->pid == tid)
            return process;
        LIST_FOR_EACH(other, &process->tasks, in_process) {
            if (other->tid == tid)
                return process;
        }
    }
    return NULL;
}

/* 0 where there is such a task, ESRCH, EINVAL; its policy. */
static long policy_of(const struct task *task, int32_t tid, uint32_t *policy)
{
    struct pm *pm = task->process->pm;

    if (tid < 0)
        return -EINVAL;
    mutexGet(&pm->lock);
    const struct process *process = process_of(task, tid);

    if (process != NULL)
        *policy = process->policy;
    mutexRel(&pm->lock);
    return process == NULL ? -ESRCH : 0;
}

static bool is_real_time(uint32_t policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_shared(uint32_t policy)
{
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static long policy_set(struct task *task, int32_t tid, uint32_t policy, VmAddr parameter)
{
    struct pm *pm = task->process->pm;
    int32_t priority;
    long result = 0;

    if (tid < 0 || parameter == 0)
        return -EINVAL;
    if (user_read(&priority, parameter, sizeof(priority)) < 0)
        return -EFAULT;
    mutexGet(&pm->lock);
    struct process *process = process_of(task, tid);

    if (process == NULL)
        result = -ESRCH;
    else if (!(is_shared(policy) && priority == 0) &&
             !(is_real_time(policy) && priority >= REAL_TIME_LEAST && priority <= REAL_TIME_MOST))
        result = -EINVAL;
    else if (is_real_time(policy) || !may_schedule(task, process))
        result = -EPERM;
    else
        process->policy = policy;
    mutexRel(&pm->lock);
    return result;
}

long sys_sched_setscheduler(struct task *task, int32_t tid, uint32_t policy, VmAddr parameter)
{
    return policy_set(task, tid, policy, parameter);
}

long sys_sched_getscheduler(struct task *task, int32_t tid)
{
    uint32_t policy = 0;
    long result = policy_of(task, tid, &policy);

    return result < 0 ? result : (long)policy;
}

long sys_sched_setparam(struct task *task, int32_t tid, VmAddr parameter)
{
    uint32_t policy = 0;
    long result = parameter == 0 ? -EINVAL : policy_of(task, tid, &policy);

    return result < 0 ? result : policy_set(task, tid, policy, parameter);
}

long sys_sched_getparam(struct task *task, int32_t tid, VmAddr parameter)
{
    const int32_t priority = 0;
    uint32_t policy;
    long result = parameter == 0 ? -EINVAL : policy_of(task, tid, &policy);

    return result < 0 ? result : user_write(parameter, &priority, sizeof(priority));
}

long sys_sched_get_priority_max(struct task *task, uint32_t policy)
{
    (void)task;
    if (is_real_time(policy))
        return REAL_TIME_MOST;
    return is_shared(policy) ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(struct task *task, uint32_t policy)
{
    (void)task;
    if (is_real_time(policy))
        return REAL_TIME_LEAST;
    return is_shared(policy) ? 0 : -EINVAL;
}

long sys_sched_yield(struct task *task)
{
    (void)task;
    (void)threadDelay(K_NOBLOCK);
    return 0;
}

/* ---- Processors -------------------------------------------------------------------------- */

long sys_sched_getaffinity(struct task *task, int32_t tid, size_t bytes, VmAddr mask)
{
    const uint64_t one = FIRST_PROCESSOR;
    uint32_t policy;
    long result =
        bytes < sizeof(one) || bytes % sizeof(one) != 0 ? -EINVAL : policy_of(task, tid, &policy);

    if (result < 0)
        return result;
    return user_write(mask, &one, sizeof(one)) < 0 ? -EFAULT : (long)sizeof(one);
}

long sys_sched_setaffinity(struct task *task, int32_t tid, size_t bytes, VmAddr mask)
{
    struct pm *pm = task->process->pm;
    uint64_t wanted = 0;
    long result = 0;

    if (user_read(&wanted, mask, MIN(bytes, sizeof(wanted))) < 0)
        return -EFAULT;
    mutexGet(&pm->lock);
    const struct process *process = tid < 0 ? NULL : process_of(task, tid);

    if (process == NULL)
        result = -ESRCH;
    else if (!may_schedule(task, process))
        result = -EPERM;
    else if ((wanted & FIRST_PROCESSOR) == 0)
        result = -EINVAL;
    mutexRel(&pm->lock);
    return result;
}

long sys_getcpu(struct task *task, VmAddr processor, VmAddr node)
{
    const uint32_t first = 0;

    (void)task;
    if (processor != 0 && user_write(processor, &first, sizeof(first)) < 0)
        return -EFAULT;
    return node == 0 ? 0 : user_write(node, &first, sizeof(first));
}

/* None of its commands is there; this is how programs ask. */
long sys_membarrier(struct task *task, uint32_t command, uint32_t flags)
{
    (void)task;
    return command == 0 && flags == 0 ? 0 : -EINVAL;
}
