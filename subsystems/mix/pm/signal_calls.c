/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls about signals: actions, masks, sending, waiting. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

#define SET_BYTES sizeof(uint64_t)

static bool is_signal(int32_t signal)
{
    return signal > 0 && signal <= SIGNAL_COUNT;
}

long sys_rt_sigaction(struct task *task, int32_t signal, VmAddr action, VmAddr old,
                      size_t set_bytes)
{
    struct process *process = task->process;
    struct linux_sigaction wanted, present;

    if (set_bytes != SET_BYTES || !is_signal(signal) ||
        (action != 0 && (SIGNAL_BIT(signal) & SIGNAL_UNBLOCKABLE) != 0))
        return -EINVAL;
    if (action != 0 && user_read(&wanted, action, sizeof(wanted)) < 0)
        return -EFAULT;
    mutexGet(&process->pm->lock);
    present = process->actions[signal];
    if (action != 0) {
        process->actions[signal] = wanted;
        signal_drop_ignored(process, signal);
    }
    mutexRel(&process->pm->lock);
    return old == 0 ? 0 : user_write(old, &present, sizeof(present));
}

long sys_rt_sigprocmask(struct task *task, uint32_t how, VmAddr set, VmAddr old, size_t set_bytes)
{
    uint64_t wanted, before = task->blocked;

    if (set_bytes != SET_BYTES)
        return -EINVAL;
    if (set != 0) {
        if (user_read(&wanted, set, sizeof(wanted)) < 0)
            return -EFAULT;
        wanted &= ~SIGNAL_UNBLOCKABLE;
        switch (how) {
        case SIG_BLOCK:
            task->blocked |= wanted;
            break;
        case SIG_UNBLOCK:
            task->blocked &= ~wanted;
            break;
        case SIG_SETMASK:
            task->blocked = wanted;
            break;
        default:
            return -EINVAL;
        }
    }
    return old == 0 ? 0 : user_write(old, &before, sizeof(before));
}

long sys_rt_sigpending(struct task *task, VmAddr set, size_t set_bytes)
{
    uint64_t pending = (task->pending.set | task->process->pending.set) & task->blocked;

    if (set_bytes > SET_BYTES)
        return -EINVAL;
    return user_write(set, &pending, set_bytes);
}

/* ---- Sending ----------------------------------------------------------------------------- */

static struct linux_siginfo info_of(const struct task *task, int32_t signal, int32_t code)
{
    struct linux_siginfo info = {.signal = signal, .code = code};

    info.about.process.pid = task->process->pid;
    info.about.process.uid = task->process->who.uid;
    return info;
}

static bool may_signal(const struct process *from, const struct process *to, int32_t signal)
{
    const struct credentials *a = &from->who, *b = &to->who;

    return a->euid == 0 || a->euid == b->uid || a->euid == b->suid || a->uid == b->uid ||
           a->uid == b->suid || (signal == SIGCONT && from->session == to->session);
}

static bool is_addressed(const struct process *self, const struct process *process, int32_t pid)
{
    if (pid > 0)
        return process->pid == pid;
    if (pid == -1)
        return process != self && process != self->pm->processes.first;
    return process->group == (pid == 0 ? self->group : -pid);
}

long sys_kill(struct task *task, int32_t pid, int32_t signal)
{
    struct process *self = task->process;
    struct linux_siginfo info = info_of(task, signal, SI_USER);
    struct process *process;
    long result = -ESRCH;

    if (signal < 0 || signal > SIGNAL_COUNT || pid == INT32_MIN)
        return -EINVAL;
    signal_lock(self->pm, pid > 0 ? 1 : 2 * self->pm->processes.count);
    LIST_FOR_EACH(process, &self->pm->processes.all, in_all) {
        if (!is_addressed(self, process, pid))
            continue;
        if (!may_signal(self, process, signal)) {
            result = result == -ESRCH ? -EPERM : result;
            continue;
        }
        if (signal != 0)
            (void)signal_post(process, NULL, &info);
        result = 0;
    }
    mutexRel(&self->pm->lock);
    return result;
}

/* To one task, of process `pid` if that is not 0. Only what was queued on purpose must not lose
 * what it carries. */
static long signal_task(struct task *task, int32_t pid, int32_t tid,
                        const struct linux_siginfo *info)
{
    struct process *self = task->process;
    struct process *process;
    struct task *other;
    long result = -ESRCH;

    if (info->signal < 0 || info->signal > SIGNAL_COUNT || tid <= 0)
        return -EINVAL;
    signal_lock(self->pm, 1);
    LIST_FOR_EACH(process, &self->pm->processes.all, in_all) {
        if (pid > 0 && process->pid != pid)
            continue;
        LIST_FOR_EACH(other, &process->tasks, in_process) {
            if (other->tid != tid)
                continue;
            result = may_signal(self, process, info->signal) ? 0 : -EPERM;
            if (result == 0 && info->signal != 0 && !signal_post(process, other, info))
                result = info->code == SI_TKILL ? 0 : -EAGAIN;
        }
    }
    mutexRel(&self->pm->lock);
    return result;
}

long sys_tkill(struct task *task, int32_t tid, int32_t signal)
{
    const struct linux_siginfo info = info_of(task, signal, SI_TKILL);

    return signal_task(task, 0, tid, &info);
}

long sys_tgkill(struct task *task, int32_t pid, int32_t tid, int32_t signal)
{
    const struct linux_siginfo info = info_of(task, signal, SI_TKILL);

    return pid <= 0 ? -EINVAL : signal_task(task, pid, tid, &info);
}

/* The caller says what the signal carries; to others it may not pose as the system, or as kill. */
static long info_read(const struct task *task, int32_t pid, int32_t signal, VmAddr from,
                      struct linux_siginfo *info)
{
    if (user_read(info, from, sizeof(*info)) < 0)
        return -EFAULT;
    info->signal = signal;
    if ((info->code >= 0 || info->code == SI_TKILL) && pid != task->process->pid)
        return -EPERM;
    return 0;
}

long sys_rt_sigqueueinfo(struct task *task, int32_t pid, int32_t signal, VmAddr from)
{
    struct process *self = task->process, *process;
    struct linux_siginfo info;
    long result = info_read(task, pid, signal, from, &info);

    if (result < 0)
        return result;
    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    result = -ESRCH;
    signal_lock(self->pm, 1);
    LIST_FOR_EACH(process, &self->pm->processes.all, in_all) {
        if (process->pid != pid)
            continue;
        result = may_signal(self, process, signal) ? 0 : -EPERM;
        if (result == 0 && signal != 0 && !signal_post(process, NULL, &info))
            result = -EAGAIN;
        break;
    }
    mutexRel(&self->pm->lock);
    return result;
}

long sys_rt_tgsigqueueinfo(struct task *task, int32_t pid, int32_t tid, int32_t signal, VmAddr from)
{
    struct linux_siginfo info;
    long result = info_read(task, pid, signal, from, &info);

    if (result < 0)
        return result;
    return pid <= 0 ? -EINVAL : signal_task(task, pid, tid, &info);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

long sys_pause(struct task *task)
{
    while (!signal_is_pending(task))
        (void)threadDelay(K_NOTIMEOUT);
    return MIX_UNHANDLED;
}

void signal_mask_for_call(struct task *task, uint64_t mask)
{
    task->saved_blocked = task->blocked;
    task->restore_blocked = true;
    task->blocked = mask & ~SIGNAL_UNBLOCKABLE;
}

long sys_rt_sigsuspend(struct task *task, VmAddr set, size_t set_bytes)
{
    uint64_t mask;

    if (set_bytes != SET_BYTES)
        return -EINVAL;
    if (user_read(&mask, set, sizeof(mask)) < 0)
        return -EFAULT;
    signal_mask_for_call(task, mask);
    return sys_pause(task);
}

long sys_rt_sigtimedwait(struct task *task, VmAddr set, VmAddr info, VmAddr timeout,
                         size_t set_bytes)
{
    struct linux_siginfo about;
    uint64_t wanted;
    int64_t delay_ns = K_NOTIMEOUT;
    int32_t signal;
    long result;

    if (set_bytes != SET_BYTES)
        return -EINVAL;
    if (user_read(&wanted, set, sizeof(wanted)) < 0)
        return -EFAULT;
    result = timeout == 0 ? 0 : time_read_delay(timeout, &delay_ns);
    if (result < 0)
        return result;
    wanted &= ~SIGNAL_UNBLOCKABLE;
    uint64_t end_ns = delay_ns < 0 ? UINT64_MAX : pm_now_ns() + (uint64_t)delay_ns;

    task->waited = wanted;
    while ((signal = signal_take(task, wanted, &about)) == 0 && !signal_is_pending(task) &&
           pm_now_ns() < end_ns)
        (void)threadDelay(end_ns == UINT64_MAX ? K_NOTIMEOUT : (int64_t)(end_ns - pm_now_ns()));
    task->waited = 0;
    if (signal == 0)
        return signal_is_pending(task) ? -EINTR : -EAGAIN;
    if (info != 0 && user_write(info, &about, sizeof(about)) < 0)
        return -EFAULT;
    return signal;
}
