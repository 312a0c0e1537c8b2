/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/time.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_US 1000
#define SHORTEST_WAIT_NS 100000 /* between looks at timers, whatever intervals they were given */
#define PROCESSOR_LOOK_NS UINT64_C(50000000)
#define TICK_US 10000 /* of adjtimex: how much the clock goes on in a tick of 10 ms */

uint64_t pm_now_ns(void)
{
    uint64_t now_ns = 0;

    (void)sysTime(&now_ns);
    return now_ns;
}

static uint64_t universal_ns(void)
{
    uint64_t now_ns = 0;

    (void)univTime(&now_ns);
    return now_ns;
}

struct linux_timespec time_spec(uint64_t time_ns)
{
    return (struct linux_timespec){(int64_t)(time_ns / NS_PER_S), (int64_t)(time_ns % NS_PER_S)};
}

bool time_is_sane(const struct linux_timespec *time)
{
    return time->seconds >= 0 && time->nanoseconds >= 0 && time->nanoseconds < NS_PER_S;
}

uint64_t time_ns_of(const struct linux_timespec *time)
{
    return time->seconds > INT64_MAX / NS_PER_S - 1
               ? INT64_MAX
               : (uint64_t)(time->seconds * NS_PER_S + time->nanoseconds);
}

uint64_t time_after(uint64_t time_ns, uint64_t delay_ns)
{
    return delay_ns > UINT64_MAX / 2 - time_ns ? UINT64_MAX / 2 : time_ns + delay_ns;
}

long time_read_delay(VmAddr from, int64_t *delay_ns)
{
    struct linux_timespec time;
    long result = user_read(&time, from, sizeof(time));

    if (result < 0)
        return result;
    if (!time_is_sane(&time))
        return -EINVAL;
    *delay_ns = (int64_t)time_ns_of(&time);
    return 0;
}

static uint64_t ns_of(const struct linux_timeval *time)
{
    return (uint64_t)time->seconds * NS_PER_S + (uint64_t)time->microseconds * NS_PER_US;
}

static struct linux_timeval timeval_of(uint64_t time_ns)
{
    return (struct linux_timeval){(int64_t)(time_ns / NS_PER_S),
                                  (int64_t)(time_ns % NS_PER_S / NS_PER_US)};
}

static bool is_sane(const struct linux_timeval *time)
{
    return time->seconds >= 0 && time->seconds < INT64_MAX / NS_PER_S && time->microseconds >= 0 &&
           time->microseconds < 1000000;
}

/* ---- Clocks ------------------------------------------------------------------------------ */

long time_read_clock(struct task *task, uint32_t clock, uint64_t *time_ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *time_ns = universal_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *time_ns = pm_now_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *time_ns = process_used_ns(task->process);
        return 0;
    default:
        return -EINVAL;
    }
}

bool time_can_wait(uint32_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
}

uint64_t time_deadline(uint32_t clock, const struct linux_timespec *time, bool absolute)
{
    uint64_t now_ns = pm_now_ns(), wanted_ns = time_ns_of(time);
    uint64_t present_ns = clock == CLOCK_REALTIME ? universal_ns() : now_ns;

    ASSERT(time_can_wait(clock));
    if (wanted_ns == 0)
        return 0;
    if (absolute)
        wanted_ns -= MIN(wanted_ns, present_ns);
    return MAX(time_after(now_ns, wanted_ns), UINT64_C(1));
}

long sys_clock_gettime(struct task *task, uint32_t clock, VmAddr time)
{
    uint64_t time_ns;
    long result = time_read_clock(task, clock, &time_ns);
    struct linux_timespec value;

    if (result < 0)
        return result;
    value = time_spec(time_ns);
    return user_write(time, &value, sizeof(value));
}

long sys_clock_getres(struct task *task, uint32_t clock, VmAddr time)
{
    const struct linux_timespec one = {0, 1};
    uint64_t time_ns;
    long result = time_read_clock(task, clock, &time_ns);

    return result < 0 || time == 0 ? result : user_write(time, &one, sizeof(one));
}

long sys_gettimeofday(struct task *task, VmAddr time, VmAddr zone)
{
    uint64_t now_ns = universal_ns();
    struct linux_timeval value = {(int64_t)(now_ns / NS_PER_S),
                                  (int64_t)(now_ns % NS_PER_S / NS_PER_US)};
    const int32_t utc[2] = {0, 0};

    (void)task;
    if (time != 0 && user_write(time, &value, sizeof(value)) < 0)
        return -EFAULT;
    return zone == 0 ? 0 : user_write(zone, utc, sizeof(utc));
}

long sys_time(struct task *task, VmAddr time)
{
    int64_t now_s = (int64_t)(universal_ns() / NS_PER_S);

    (void)task;
    if (time != 0 && user_write(time, &now_s, sizeof(now_s)) < 0)
        return -EFAULT;
    return now_s;
}

/* ---- Setting the clock ------------------------------------------------------------------- */

static long universal_set(const struct task *task, int64_t time_ns)
{
    uint64_t wanted_ns = (uint64_t)time_ns;

    if (task->process->who.euid != 0)
        return -EPERM;
    return time_ns >= 0 && univTimeSet(&wanted_ns) == K_OK ? 0 : -EINVAL;
}

long sys_clock_settime(struct task *task, uint32_t clock, VmAddr time)
{
    int64_t time_ns;
    long result = clock == CLOCK_REALTIME ? time_read_delay(time, &time_ns) : -EINVAL;

    return result < 0 ? result : universal_set(task, time_ns);
}

/* Time zones are the programs' own: what is told here is forgotten. */
long sys_settimeofday(struct task *task, VmAddr time, VmAddr zone)
{
    struct linux_timeval value;
    const struct linux_timeval none = {0, 0};

    (void)zone;
    if (user_read(&value, time, time == 0 ? 0 : sizeof(value)) < 0)
        return -EFAULT;
    if (!is_sane(time == 0 ? &none : &value))
        return -EINVAL;
    if (time == 0)
        return task->process->who.euid != 0 ? -EPERM : 0;
    return universal_set(task, (int64_t)ns_of(&value));
}

/* The clock is set by a step; nothing steers it, so it is never told to be right. */
static long clock_step(const struct task *task, const struct linux_timex *timex)
{
    int64_t unit_ns = (timex->modes & ADJ_NANO) != 0 ? 1 : NS_PER_US;

    if (task->process->who.euid != 0)
        return -EPERM;
    if ((timex->modes & ~(ADJ_SETOFFSET | ADJ_NANO)) != 0)
        return -EOPNOTSUPP;
    if (timex->time.microseconds < 0 || timex->time.microseconds >= NS_PER_S / unit_ns ||
        timex->time.seconds >= INT64_MAX / NS_PER_S / 2 ||
        timex->time.seconds <= -(INT64_MAX / NS_PER_S / 2))
        return -EINVAL;
    return universal_set(task, (int64_t)universal_ns() + timex->time.seconds * NS_PER_S +
                                   timex->time.microseconds * unit_ns);
}

long sys_clock_adjtime(struct task *task, uint32_t clock, VmAddr at)
{
    struct linux_timex timex;
    long result = 0;

    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    if (user_read(&timex, at, sizeof(timex)) < 0)
        return -EFAULT;
    if (timex.modes != 0)
        result = clock_step(task, &timex);
    if (result < 0)
        return result;
    timex = (struct linux_timex){.modes = timex.modes,
                                 .status = STA_UNSYNC,
                                 .tick_us = TICK_US,
                                 .time = timeval_of(universal_ns())};
    return user_write(at, &timex, sizeof(timex)) < 0 ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(struct task *task, VmAddr timex)
{
    return sys_clock_adjtime(task, CLOCK_REALTIME, timex);
}

/* ---- Sleeping ---------------------------------------------------------------------------- */

/* Sleeps to `end_ns` by the site's clock; what is left when a signal comes goes to `remaining`.
 * `cut_short`: the result then. */
static long sleep_until(struct task *task, uint64_t end_ns, VmAddr remaining, long cut_short)
{
    for (;;) {
        uint64_t now_ns = pm_now_ns();

        if (now_ns >= end_ns)
            return 0;
        if (signal_is_pending(task)) {
            struct linux_timespec left = time_spec(end_ns - now_ns);

            if (remaining != 0 && user_write(remaining, &left, sizeof(left)) < 0)
                return -EFAULT;
            return cut_short;
        }
        (void)threadDelay((int64_t)MIN(end_ns - now_ns, (uint64_t)INT64_MAX));
    }
}

int64_t time_left(uint64_t end_ns)
{
    uint64_t now_ns = pm_now_ns();

    return end_ns > now_ns ? (int64_t)(end_ns - now_ns) : 0;
}

static long sleep_on(struct task *task)
{
    return sleep_until(task, task->resume.end_ns, task->resume.first, MIX_RESUME);
}

static long sleep_for(struct task *task, int64_t delay_ns, VmAddr remaining)
{
    task->resume = (struct resume){sleep_on, .end_ns = time_after(pm_now_ns(), (uint64_t)delay_ns),
                                   .first = remaining};
    return sleep_on(task);
}

long sys_nanosleep(struct task *task, VmAddr request, VmAddr remaining)
{
    int64_t delay_ns;
    long result = time_read_delay(request, &delay_ns);

    return result < 0 ? result : sleep_for(task, delay_ns, remaining);
}

long sys_clock_nanosleep(struct task *task, uint32_t clock, uint32_t flags, VmAddr request,
                         VmAddr remaining)
{
    int64_t delay_ns;
    uint64_t now_ns;
    long result = time_read_clock(task, clock, &now_ns);

    if (result == 0)
        result = time_read_delay(request, &delay_ns);
    if (result < 0)
        return result;
    if ((flags & TIMER_ABSTIME) == 0)
        return sleep_for(task, delay_ns, remaining);
    if ((uint64_t)delay_ns <= now_ns)
        return 0;
    return sleep_until(task, time_after(pm_now_ns(), (uint64_t)delay_ns - now_ns), 0,
                       MIX_UNHANDLED);
}

long sys_restart_syscall(struct task *task)
{
    return task->resume.call == NULL ? -EINTR : task->resume.call(task);
}

/* ---- The alarm --------------------------------------------------------------------------- */

static struct linux_itimerval alarm_present(const struct process *process)
{
    uint64_t now_ns = pm_now_ns();
    uint64_t left_ns =
        process->alarm_ns > now_ns ? process->alarm_ns - now_ns : process->alarm_ns != 0;

    return (struct linux_itimerval){timeval_of(process->alarm_interval_ns), timeval_of(left_ns)};
}

void pm_clock_kick(struct pm *pm)
{
    pm->clock_word++;
    (void)syncWake((VmAddr)&pm->clock_word, 1);
}

static void alarm_set(struct process *process, uint64_t delay_ns, uint64_t interval_ns)
{
    mutexGet(&process->pm->lock);
    process->alarm_ns = delay_ns == 0 ? 0 : pm_now_ns() + delay_ns;
    process->alarm_interval_ns = interval_ns;
    mutexRel(&process->pm->lock);
    pm_clock_kick(process->pm);
}

long sys_alarm(struct task *task, uint32_t seconds)
{
    struct linux_itimerval before = alarm_present(task->process);

    alarm_set(task->process, (uint64_t)seconds * NS_PER_S, 0);
    return before.value.seconds + (before.value.microseconds > 0);
}

long sys_getitimer(struct task *task, uint32_t which, VmAddr value)
{
    struct linux_itimerval present = alarm_present(task->process);

    return which != ITIMER_REAL ? -EINVAL : user_write(value, &present, sizeof(present));
}

long sys_setitimer(struct task *task, uint32_t which, VmAddr value, VmAddr old)
{
    struct linux_itimerval wanted = {0}, present = alarm_present(task->process);

    if (which != ITIMER_REAL)
        return -EINVAL;
    if (value != 0 && user_read(&wanted, value, sizeof(wanted)) < 0)
        return -EFAULT;
    if (!is_sane(&wanted.value) || !is_sane(&wanted.interval))
        return -EINVAL;
    alarm_set(task->process, ns_of(&wanted.value), ns_of(&wanted.interval));
    return old == 0 ? 0 : user_write(old, &present, sizeof(present));
}

/* RLIMIT_CPU: a signal a second from the limit on, and the end at the hard one. When to look again;
 * UINT64_MAX: never. pm->lock is held. */
static uint64_t processor_time_check(struct process *process, uint64_t now_ns)
{
    const struct linux_rlimit *limit = &process->limits[RLIMIT_CPU];
    struct linux_siginfo info = {.signal = SIGXCPU, .code = SI_KERNEL};

    if (limit->current >= UINT64_MAX / NS_PER_S || process->state == PROCESS_ZOMBIE)
        return UINT64_MAX;
    uint64_t used_ns = process_used_ns(process);

    if (used_ns >= limit->current * NS_PER_S && used_ns - process->cpu_told_ns >= NS_PER_S) {
        process->cpu_told_ns = used_ns;
        if (used_ns / NS_PER_S >= limit->most)
            info.signal = SIGKILL;
        (void)signal_post(process, NULL, &info);
    }
    return now_ns + PROCESSOR_LOOK_NS;
}

/* Sends what is due; when the next is: UINT64_MAX if none. */
static uint64_t alarms_send(struct pm *pm, uint64_t now_ns)
{
    const struct linux_siginfo info = {.signal = SIGALRM, .code = SI_KERNEL};
    uint64_t next_ns = UINT64_MAX;
    struct process *process;

    signal_lock(pm, 1);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->alarm_ns != 0 && process->alarm_ns <= now_ns) {
            (void)signal_post(process, NULL, &info);
            process->alarm_ns =
                process->alarm_interval_ns == 0 ? 0 : now_ns + process->alarm_interval_ns;
        }
        if (process->alarm_ns != 0)
            next_ns = MIN(next_ns, process->alarm_ns);
        next_ns = MIN(next_ns, timers_send(process, now_ns));
        next_ns = MIN(next_ns, processor_time_check(process, now_ns));
    }
    mutexRel(&pm->lock);
    return next_ns;
}

void time_alarms(struct pm *pm)
{
    for (;;) {
        uint32_t word = pm->clock_word;
        uint64_t now_ns = pm_now_ns();
        uint64_t next_ns = MAX(alarms_send(pm, now_ns), now_ns + SHORTEST_WAIT_NS);

        (void)syncWait((VmAddr)&pm->clock_word, word,
                       next_ns == UINT64_MAX ? K_NOTIMEOUT : (int64_t)(next_ns - now_ns), 0);
    }
}
