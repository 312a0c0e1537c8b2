/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX timers. See timer.h. */
#include "subsystems/mix/pm/timer.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

void timers_init(struct timers *timers)
{
    list_init(&timers->all);
    timers->last_id = -1;
}

static struct timer *timer_find(struct timers *timers, int32_t id)
{
    struct timer *timer;

    LIST_FOR_EACH(timer, &timers->all, link) {
        if (timer->id == id)
            return timer;
    }
    return NULL;
}

static void timer_free(struct process *process, struct timer *timer)
{
    ASSERT(process->timers.count > 0);
    list_remove(&timer->link);
    process->timers.count--;
    heap_free(&process->pm->heap, timer, sizeof(*timer));
}

void timers_end(struct process *process)
{
    struct timer *timer;

    mutexGet(&process->pm->lock);
    LIST_FOR_EACH_SAFE(timer, &process->timers.all, link) {
        timer_free(process, timer);
    }
    ASSERT(process->timers.count == 0);
    mutexRel(&process->pm->lock);
}

/* ---- Expiring ---------------------------------------------------------------------------- */

static struct task *task_of(struct process *process, int32_t tid)
{
    struct task *task;

    LIST_FOR_EACH(task, &process->tasks, in_process) {
        if (task->tid == tid)
            return task;
    }
    return NULL;
}

/* `more`: how often it has expired beside this. A task that is gone gets nothing. */
static void timer_signal(struct process *process, const struct timer *timer, uint64_t more)
{
    struct task *task = timer->tid == 0 ? NULL : task_of(process, timer->tid);
    struct linux_siginfo info = {.signal = timer->signal, .code = SI_TIMER};

    if (timer->tid != 0 && task == NULL)
        return;
    info.about.timer.id = timer->id;
    info.about.timer.value = timer->value;
    info.about.timer.overrun = (int32_t)MIN(more, (uint64_t)INT32_MAX);
    if (!signal_timer_again(process, task, &info))
        (void)signal_post(process, task, &info);
}

/* How often the timer expires up to now; it stands at the next time then. */
static uint64_t timer_advance(struct timer *timer, uint64_t now_ns)
{
    uint64_t times = 1;

    ASSERT(timer->next_ns != 0 && timer->next_ns <= now_ns);
    if (timer->interval_ns == 0) {
        timer->next_ns = 0;
        return times;
    }
    times += (now_ns - timer->next_ns) / timer->interval_ns;
    timer->next_ns = time_after(timer->next_ns, times * timer->interval_ns);
    return times;
}

uint64_t timers_send(struct process *process, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    struct timer *timer;

    LIST_FOR_EACH(timer, &process->timers.all, link) {
        if (timer->next_ns != 0 && timer->next_ns <= now_ns) {
            uint64_t times = timer_advance(timer, now_ns);

            if (timer->signal != 0)
                timer_signal(process, timer, times - 1);
        }
        if (timer->next_ns != 0)
            next_ns = MIN(next_ns, timer->next_ns);
    }
    return next_ns;
}

void timer_delivered(struct process *process, const struct linux_siginfo *info)
{
    struct timer *timer = timer_find(&process->timers, info->about.timer.id);

    if (timer != NULL)
        timer->overrun = info->about.timer.overrun;
}

/* ---- The calls --------------------------------------------------------------------------- */

/* What is sent when it expires. */
static long event_read(struct task *task, VmAddr from, struct timer *timer)
{
    struct linux_sigevent event = {.notify = SIGEV_SIGNAL, .signal = SIGALRM};

    if (from != 0 && user_read(&event, from, sizeof(event)) < 0)
        return -EFAULT;
    timer->value = event.value;
    if (event.notify == SIGEV_NONE)
        return 0;
    if (event.notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
        mutexGet(&task->process->pm->lock);
        timer->tid = task_of(task->process, event.tid) == NULL ? 0 : event.tid;
        mutexRel(&task->process->pm->lock);
        if (timer->tid == 0)
            return -EINVAL;
    } else if (event.notify != SIGEV_SIGNAL && event.notify != SIGEV_THREAD) {
        return -EINVAL;
    }
    timer->signal = event.signal;
    return event.signal > 0 && event.signal <= SIGNAL_COUNT ? 0 : -EINVAL;
}

/* Makes the timer known: its number, or EAGAIN. */
static long timer_add(struct process *process, struct timer *timer, bool value_is_id)
{
    struct timers *timers = &process->timers;
    long result = -EAGAIN;

    mutexGet(&process->pm->lock);
    if (timers->count < TIMERS_MAX) {
        do {
            timers->last_id = timers->last_id == INT32_MAX ? 0 : timers->last_id + 1;
        } while (timer_find(timers, timers->last_id) != NULL);
        result = timer->id = timers->last_id;
        if (value_is_id)
            timer->value = (uint64_t)timer->id;
        list_init(&timer->link);
        list_add_tail(&timers->all, &timer->link);
        timers->count++;
    }
    mutexRel(&process->pm->lock);
    return result;
}

long sys_timer_create(struct task *task, uint32_t clock, VmAddr event, VmAddr id)
{
    struct process *process = task->process;
    struct heap *heap = &process->pm->heap;
    uint64_t now_ns;
    struct timer *timer = heap_allocate(heap, sizeof(*timer));
    long result = timer == NULL ? -ENOMEM : time_read_clock(task, clock, &now_ns);

    if (result == 0 && !time_can_wait(clock))
        result = -EOPNOTSUPP;
    if (result == 0)
        result = event_read(task, event, timer);
    if (result == 0) {
        timer->clock = clock;
        result = timer_add(process, timer, event == 0);
    }
    if (result < 0) {
        heap_free(heap, timer, sizeof(*timer));
        return result;
    }
    const int32_t number = (int32_t)result;

    if (user_write(id, &number, sizeof(number)) == 0)
        return 0;
    (void)sys_timer_delete(task, number);
    return -EFAULT;
}

static struct linux_itimerspec timer_present(const struct timer *timer)
{
    uint64_t now_ns = pm_now_ns(), left_ns = 0;

    /* One that has expired and was not sent yet has an instant left: 0 would be disarmed. */
    if (timer->next_ns != 0)
        left_ns = timer->next_ns > now_ns ? timer->next_ns - now_ns : 1;
    return (struct linux_itimerspec){time_spec(timer->interval_ns), time_spec(left_ns)};
}

long sys_timer_settime(struct task *task, int32_t id, uint32_t flags, VmAddr value, VmAddr old)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    struct linux_itimerspec wanted, present = {{0, 0}, {0, 0}};
    long result = -EINVAL;

    if (value == 0)
        return -EINVAL;
    if (user_read(&wanted, value, sizeof(wanted)) < 0)
        return -EFAULT;
    if (!time_is_sane(&wanted.value) || !time_is_sane(&wanted.interval))
        return -EINVAL;
    mutexGet(&pm->lock);
    struct timer *timer = timer_find(&process->timers, id);

    if (timer != NULL) {
        present = timer_present(timer);
        timer->interval_ns = time_ns_of(&wanted.interval);
        timer->next_ns = time_deadline(timer->clock, &wanted.value, (flags & TIMER_ABSTIME) != 0);
        timer->overrun = 0;
        result = 0;
    }
    mutexRel(&pm->lock);
    if (result < 0)
        return result;
    pm_clock_kick(pm);
    return old == 0 ? 0 : user_write(old, &present, sizeof(present));
}

long sys_timer_gettime(struct task *task, int32_t id, VmAddr value)
{
    struct process *process = task->process;
    struct linux_itimerspec present;

    mutexGet(&process->pm->lock);
    const struct timer *timer = timer_find(&process->timers, id);

    if (timer != NULL)
        present = timer_present(timer);
    mutexRel(&process->pm->lock);
    return timer == NULL ? -EINVAL : user_write(value, &present, sizeof(present));
}

long sys_timer_getoverrun(struct task *task, int32_t id)
{
    struct process *process = task->process;

    mutexGet(&process->pm->lock);
    const struct timer *timer = timer_find(&process->timers, id);
    long result = timer == NULL ? -EINVAL : timer->overrun;

    mutexRel(&process->pm->lock);
    return result;
}

long sys_timer_delete(struct task *task, int32_t id)
{
    struct process *process = task->process;

    mutexGet(&process->pm->lock);
    struct timer *timer = timer_find(&process->timers, id);

    if (timer != NULL)
        timer_free(process, timer);
    mutexRel(&process->pm->lock);
    return timer == NULL ? -EINVAL : 0;
}
