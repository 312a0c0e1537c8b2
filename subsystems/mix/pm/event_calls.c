/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd and timerfd: STM's counters as files. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

#define FILE_FLAGS (uint32_t)(O_CLOEXEC | O_NONBLOCK)

/* A new counter as a descriptor. `clock` is a timer's. */
static long counter_make(struct task *task, const struct stm_counter_in *in, uint32_t flags,
                         uint32_t clock)
{
    struct process *process = task->process;
    struct idl_client client = stm_client(process->pm);
    struct stm_counter_out out;
    struct file *file;
    long result = server_result(stm_counter(&client, in, &out));

    if (result < 0)
        return result;
    file = file_create(process->pm, &stream_operations, O_RDWR | (flags & O_NONBLOCK));
    if (file == NULL) {
        const struct stm_close_in undo = {out.key};

        (void)stm_close(&client, &undo);
        return -ENOMEM;
    }
    file->key = out.key;
    file->clock = clock;
    result = descriptor_put(process, file, 0, (flags & O_CLOEXEC) != 0);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

long sys_eventfd2(struct task *task, uint32_t value, uint32_t flags)
{
    const struct stm_counter_in in = {.value = value, .by_one = (flags & EFD_SEMAPHORE) != 0};

    if ((flags & ~(FILE_FLAGS | EFD_SEMAPHORE)) != 0)
        return -EINVAL;
    return counter_make(task, &in, flags, 0);
}

long sys_eventfd(struct task *task, uint32_t value)
{
    return sys_eventfd2(task, value, 0);
}

/* ---- timerfd ----------------------------------------------------------------------------- */

long sys_timerfd_create(struct task *task, uint32_t clock, uint32_t flags)
{
    const struct stm_counter_in in = {.is_timer = 1};

    if ((flags & ~FILE_FLAGS) != 0 || !time_can_wait(clock))
        return -EINVAL;
    return counter_make(task, &in, flags, clock);
}

/* Sets and tells. A file of another kind is EINVAL, here or at STM. */
static long timer_do(struct task *task, int32_t fd, const struct linux_itimerspec *wanted,
                     bool absolute, VmAddr to)
{
    struct pm *pm = task->process->pm;
    struct file *file = descriptor_get(task->process, fd);
    struct idl_client client = stm_client(pm);
    struct stm_timer_out out = {0};
    long result = -EINVAL;

    if (file == NULL)
        return -EBADF;
    struct stm_timer_in in = {.key = file->key, .set = wanted != NULL};

    if (file->operations == &stream_operations && time_can_wait(file->clock)) {
        if (wanted != NULL) {
            in.next_ns = time_deadline(file->clock, &wanted->value, absolute);
            in.interval_ns = time_ns_of(&wanted->interval);
        }
        result = server_result(stm_timer(&client, &in, &out));
    }
    file_drop(pm, file);
    const struct linux_itimerspec present = {time_spec(out.interval_ns), time_spec(out.left_ns)};

    if (result < 0 || to == 0)
        return result;
    return user_write(to, &present, sizeof(present));
}

/* TFD_TIMER_CANCEL_ON_SET, which tells of a clock that was set, is not there. */
long sys_timerfd_settime(struct task *task, int32_t fd, uint32_t flags, VmAddr value, VmAddr old)
{
    struct linux_itimerspec wanted;

    if (user_read(&wanted, value, sizeof(wanted)) < 0)
        return -EFAULT;
    if ((flags & ~(uint32_t)TIMER_ABSTIME) != 0 || !time_is_sane(&wanted.value) ||
        !time_is_sane(&wanted.interval))
        return -EINVAL;
    return timer_do(task, fd, &wanted, flags != 0, old);
}

long sys_timerfd_gettime(struct task *task, int32_t fd, VmAddr value)
{
    return value == 0 ? -EFAULT : timer_do(task, fd, NULL, false, value);
}
