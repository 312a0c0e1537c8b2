/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd, timerfd and epoll: streams of STM that are no bytes. */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

#define EVENT_BYTES (uint32_t)sizeof(struct linux_epoll_event)
#define FILE_FLAGS (uint32_t)(O_CLOEXEC | O_NONBLOCK)

/* A stream that STM has made as a descriptor, or neither. `clock` is a timer's. */
static long descriptor_of(struct task *task, uint64_t key, uint32_t flags, uint32_t clock)
{
    struct process *process = task->process;
    struct idl_client client = stm_client(process->pm);
    const struct stm_close_in undo = {key};
    struct file *file = file_create(process->pm, &stream_operations, O_RDWR | (flags & O_NONBLOCK));
    long result;

    if (file == NULL) {
        (void)stm_close(&client, &undo);
        return -ENOMEM;
    }
    file->key = key;
    file->clock = clock;
    result = descriptor_put(process, file, 0, (flags & O_CLOEXEC) != 0);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

static long counter_make(struct task *task, const struct stm_counter_in *in, uint32_t flags,
                         uint32_t clock)
{
    struct idl_client client = stm_client(task->process->pm);
    struct stm_counter_out out;
    long result = server_result(stm_counter(&client, in, &out));

    return result < 0 ? result : descriptor_of(task, out.key, flags, clock);
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

/* ---- epoll ------------------------------------------------------------------------------- */

long sys_epoll_create1(struct task *task, uint32_t flags)
{
    struct idl_client client = stm_client(task->process->pm);
    struct stm_epoll_out out;
    long result;

    if ((flags & ~(uint32_t)O_CLOEXEC) != 0)
        return -EINVAL;
    result = server_result(stm_epoll(&client, &out));
    return result < 0 ? result : descriptor_of(task, out.key, flags, 0);
}

long sys_epoll_create(struct task *task, int32_t size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(task, 0);
}

/* What cannot be waited for is EPERM; an epoll that is none STM refuses. */
static long control(struct task *task, const struct file *epoll, uint32_t action, int32_t fd,
                    const struct file *file, const struct linux_epoll_event *event)
{
    struct idl_client client = stm_client(task->process->pm);
    const struct stm_epoll_control_in in = {.key = epoll->key,
                                            .action = action,
                                            .fd = (uint32_t)fd,
                                            .stream = file->key,
                                            .events = event->events,
                                            .data = event->data};

    if (!file->operations->pollable)
        return -EPERM;
    if (!epoll->operations->pollable)
        return -EINVAL;
    return server_result(stm_epoll_control(&client, &in));
}

long sys_epoll_ctl(struct task *task, int32_t epoll_fd, uint32_t action, int32_t fd, VmAddr from)
{
    struct pm *pm = task->process->pm;
    struct linux_epoll_event event = {0, 0};
    struct file *epoll, *file;
    long result = -EBADF;

    if (action != EPOLL_CTL_DEL && user_read(&event, from, sizeof(event)) < 0)
        return -EFAULT;
    epoll = descriptor_get(task->process, epoll_fd);
    file = descriptor_get(task->process, fd);
    if (epoll != NULL && file != NULL)
        result = control(task, epoll, action, fd, file, &event);
    if (epoll != NULL)
        file_drop(pm, epoll);
    if (file != NULL)
        file_drop(pm, file);
    return result;
}

/* What is ready goes from STM straight to the caller; to one that a signal took away, it is ready
 * still. */
static long wait(struct task *task, int32_t fd, VmAddr events, int32_t most, int64_t delay_ns)
{
    struct pm *pm = task->process->pm;
    struct idl_client client = stm_client(pm);
    struct file *file;
    long result = -EINVAL;

    if (most <= 0 || (size_t)most > INT32_MAX / sizeof(struct linux_epoll_event))
        return -EINVAL;
    if (!is_user_range(events, (size_t)most * EVENT_BYTES))
        return -EFAULT;
    file = descriptor_get(task->process, fd);
    if (file == NULL)
        return -EBADF;
    const struct stm_epoll_wait_in in = {file->key, (uint32_t)most, delay_ns};
    struct stm_epoll_wait_out out = {.events = (void *)events,
                                     .events_room = MIN((uint32_t)most * EVENT_BYTES,
                                                        STM_EPOLL_WAIT_OUT_EVENTS_MAX)};

    if (delay_ns != 0 && signal_is_pending(task))
        result = MIX_RESTART;
    else if (file->operations->pollable)
        result = server_result(stm_epoll_wait(&client, &in, &out));
    file_drop(pm, file);
    if (result < 0)
        return result == MIX_RESTART ? -EINTR : result; /* it is never made again */
    ASSERT(out.events_bytes % EVENT_BYTES == 0);
    return out.events_bytes / EVENT_BYTES;
}

static int64_t delay_of(int32_t timeout_ms)
{
    return timeout_ms < 0 ? K_NOTIMEOUT : (int64_t)timeout_ms * 1000000;
}

long sys_epoll_wait(struct task *task, int32_t fd, VmAddr events, int32_t most, int32_t timeout_ms)
{
    return wait(task, fd, events, most, delay_of(timeout_ms));
}

static long wait_masked(struct task *task, int32_t fd, VmAddr events, int32_t most,
                        int64_t delay_ns, VmAddr mask, size_t set_bytes)
{
    uint64_t set;

    if (mask != 0 && set_bytes != sizeof(set))
        return -EINVAL;
    if (mask != 0 && user_read(&set, mask, sizeof(set)) < 0)
        return -EFAULT;
    if (mask != 0)
        signal_mask_for_call(task, set);
    return wait(task, fd, events, most, delay_ns);
}

long sys_epoll_pwait(struct task *task, int32_t fd, VmAddr events, int32_t most, int32_t timeout_ms,
                     VmAddr mask, size_t set_bytes)
{
    return wait_masked(task, fd, events, most, delay_of(timeout_ms), mask, set_bytes);
}

long sys_epoll_pwait2(struct task *task, int32_t fd, VmAddr events, int32_t most, VmAddr timeout,
                      VmAddr mask, size_t set_bytes)
{
    int64_t delay_ns = K_NOTIMEOUT;
    long result = timeout == 0 ? 0 : time_read_delay(timeout, &delay_ns);

    return result < 0 ? result : wait_masked(task, fd, events, most, delay_ns, mask, set_bytes);
}
