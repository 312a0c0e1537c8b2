/* SPDX-License-Identifier: BSD-2-Clause */
/* Futexes are the Nucleus' own wait on memory. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

static long errno_of_sync(KnResult status)
{
    switch (status) {
    case K_EAGAIN:
        return -EAGAIN;
    case K_ETIMEOUT:
        return -ETIMEDOUT;
    case K_EABORT:
        return MIX_RESTART;
    case K_EINVAL:
        return -EINVAL;
    case K_EFAULT:
        return -EFAULT;
    default:
        return status;
    }
}

/* FUTEX_WAIT takes a delay, FUTEX_WAIT_BITSET an instant. */
static long delay_of(VmAddr timeout, uint32_t operation, int64_t *delay_ns)
{
    uint64_t now_ns = 0;
    long result;

    *delay_ns = K_NOTIMEOUT;
    if (timeout == 0)
        return 0;
    result = time_read_delay(timeout, delay_ns);
    if (result < 0 || (operation & FUTEX_COMMAND_MASK) == FUTEX_WAIT)
        return result;
    if ((operation & FUTEX_CLOCK_REALTIME) != 0)
        (void)univTime(&now_ns);
    else
        now_ns = pm_now_ns();
    *delay_ns = (uint64_t)*delay_ns > now_ns ? *delay_ns - (int64_t)now_ns : 0;
    return 0;
}

/* With a time: what is left of it when a signal has come. */
static long futex_on(struct task *task)
{
    const struct resume *resume = &task->resume;
    long result = signal_is_pending(task)
                      ? MIX_RESTART
                      : errno_of_sync(syncWait(resume->first, resume->number,
                                               time_left(resume->end_ns), K_ABORTABLE));

    return result == MIX_RESTART ? MIX_RESUME : result;
}

static long futex_wait(struct task *task, VmAddr word, uint32_t operation, uint32_t value,
                       VmAddr timeout)
{
    int64_t delay_ns;
    long result = delay_of(timeout, operation, &delay_ns);

    if (result < 0)
        return result;
    if (timeout != 0) {
        task->resume = (struct resume){futex_on, time_after(pm_now_ns(), (uint64_t)delay_ns),
                                       .first = word, .number = value};
        return futex_on(task);
    }
    if (signal_is_pending(task))
        return MIX_RESTART;
    return errno_of_sync(syncWait(word, value, K_NOTIMEOUT, K_ABORTABLE));
}

static long futex_requeue(VmAddr word, uint32_t wake, uint32_t move, VmAddr target, bool compare,
                          uint32_t expected)
{
    uint32_t value;

    if (!is_user_range(target, sizeof(uint32_t)))
        return -EFAULT;
    if (compare) {
        if (user_read(&value, word, sizeof(value)) < 0)
            return -EFAULT;
        if (value != expected)
            return -EAGAIN;
    }
    return errno_of_sync(syncRequeue(word, wake, target, move));
}

long sys_futex(struct task *task, VmAddr word, uint32_t operation, uint32_t value, VmAddr timeout,
               VmAddr second, uint32_t third)
{
    if (!is_user_range(word, sizeof(uint32_t)))
        return -EFAULT;
    switch (operation & FUTEX_COMMAND_MASK) {
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAKE_BITSET:
        if (third != UINT32_MAX)
            return third == 0 ? -EINVAL : -ENOSYS; /* waiting by single bits */
        break;
    default:
        break;
    }
    switch (operation & FUTEX_COMMAND_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return futex_wait(task, word, operation, value, timeout);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return errno_of_sync(syncWake(word, value));
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(word, value, (uint32_t)timeout, second,
                             (operation & FUTEX_COMMAND_MASK) == FUTEX_CMP_REQUEUE, third);
    default:
        return -ENOSYS;
    }
}

/* ---- Robust locks ------------------------------------------------------------------------ */

#define ROBUST_MAX 2048 /* entries looked at: the list is the program's, and may be a ring */

long sys_set_robust_list(struct task *task, VmAddr head, size_t bytes)
{
    if (bytes != sizeof(struct linux_robust_list))
        return -EINVAL;
    task->robust_list = head;
    return 0;
}

long sys_get_robust_list(struct task *task, int32_t pid, VmAddr head, VmAddr bytes)
{
    uint64_t size = sizeof(struct linux_robust_list);
    long result;

    if (pid != 0 && pid != task->tid)
        return -EPERM;
    result = user_write(bytes, &size, sizeof(size));
    return result < 0 ? result : user_write(head, &task->robust_list, sizeof(task->robust_list));
}

/* Wakes a waiter whether or not the word says that there is one: that bit may be set meanwhile. */
static void give_up(const struct task *task, VmAddr word)
{
    uint32_t value;

    if (user_read(&value, word, sizeof(value)) < 0 ||
        (value & FUTEX_TID_MASK) != (uint32_t)task->tid)
        return;
    value = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (user_write(word, &value, sizeof(value)) == 0)
        (void)syncWake(word, 1);
}

void futex_owner_ends(struct task *task)
{
    struct linux_robust_list head;
    uint64_t entry, next;

    if (task->robust_list == 0 || user_read(&head, task->robust_list, sizeof(head)) < 0)
        return;
    entry = head.next & ~UINT64_C(1);
    for (uint32_t i = 0; i < ROBUST_MAX && entry != task->robust_list; i++) {
        if (user_read(&next, entry, sizeof(next)) < 0)
            return;
        if (entry != (head.pending & ~UINT64_C(1)))
            give_up(task, entry + (uint64_t)head.offset);
        entry = next & ~UINT64_C(1);
    }
    if (head.pending != 0)
        give_up(task, (head.pending & ~UINT64_C(1)) + (uint64_t)head.offset);
}
