/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX timers. Prints a line for each thing that is not as in Linux, and how many; with an
 * argument, how many timers one process can have. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000L
#define SIGNAL (SIGRTMIN + 3)

static volatile int called, thread_got;

/* The system's own numbers, which the C library does not hand out. */
static int make(int clock, int notify, int number, int tid, int *id)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};

    event.sigev_value.sival_int = 4711;
    event._sigev_un._tid = tid;
    return (int)syscall(SYS_timer_create, clock, &event, id);
}

static int set(int id, int flags, long value_ns, long interval_ns)
{
    struct itimerspec time = {{interval_ns / 1000000000, interval_ns % 1000000000},
                              {value_ns / 1000000000, value_ns % 1000000000}};

    return (int)syscall(SYS_timer_settime, id, flags, &time, NULL);
}

static long left(int id)
{
    struct itimerspec time = {{0, 0}, {-1, 0}};

    return syscall(SYS_timer_gettime, id, &time) < 0
               ? -1
               : time.it_value.tv_sec * 1000000000 + time.it_value.tv_nsec;
}

static long now(int clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Waits for the signal, at most so long; the siginfo, or NULL. */
static siginfo_t *wait_for(int number, long delay_ns)
{
    static siginfo_t info;
    struct timespec delay = {delay_ns / 1000000000, delay_ns % 1000000000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    return sigtimedwait(&set, &info, &delay) == number ? &info : NULL;
}

static void look_at_errors(void)
{
    struct itimerspec bad = {{0, 0}, {0, 1000000000}};
    int id = -1;

    FAILS(make(99, SIGEV_NONE, 0, 0, &id), EINVAL);
    FAILS(make(CLOCK_MONOTONIC_RAW, SIGEV_NONE, 0, 0, &id), EOPNOTSUPP);
    FAILS(make(CLOCK_REALTIME, SIGEV_SIGNAL, 65, 0, &id), EINVAL);
    FAILS(make(CLOCK_REALTIME, SIGEV_SIGNAL, 0, 0, &id), EINVAL);
    FAILS(make(CLOCK_REALTIME, 7, SIGNAL, 0, &id), EINVAL);
    FAILS(make(CLOCK_REALTIME, SIGEV_THREAD_ID, SIGNAL, getppid(), &id), EINVAL);
    FAILS(make(CLOCK_REALTIME, SIGEV_NONE, 0, 0, (int *)8), EFAULT);
    FAILS(syscall(SYS_timer_create, CLOCK_REALTIME, 8, &id), EFAULT);
    CHECK(make(CLOCK_REALTIME, SIGEV_NONE, 0, 0, &id) == 0 && id >= 0);
    FAILS(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    FAILS(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
    FAILS(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
    bad.it_value = (struct timespec){-1, 0};
    FAILS(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
    FAILS(syscall(SYS_timer_gettime, id, 8), EFAULT);
    CHECK(syscall(SYS_timer_delete, id) == 0);
    FAILS(syscall(SYS_timer_delete, id), EINVAL);
    FAILS(set(id, 0, MS, 0), EINVAL);
    FAILS(syscall(SYS_timer_gettime, id, &bad), EINVAL);
    FAILS(syscall(SYS_timer_getoverrun, id), EINVAL);
}

static void look_at_one_shots(void)
{
    siginfo_t *info;
    struct itimerspec old, none = {{0, 0}, {0, 0}};
    long before;
    int id;

    CHECK(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGNAL, 0, &id) == 0 && left(id) == 0);
    before = now(CLOCK_MONOTONIC);
    CHECK(set(id, 0, 20 * MS, 0) == 0 && left(id) > 0 && left(id) <= 20 * MS);
    info = wait_for(SIGNAL, 10000 * MS);
    CHECK(info != NULL && now(CLOCK_MONOTONIC) - before >= 20 * MS);
    CHECK(info->si_code == SI_TIMER && info->si_value.sival_int == 4711 && info->si_overrun == 0 &&
          info->si_timerid == id);
    CHECK(left(id) == 0 && wait_for(SIGNAL, 30 * MS) == NULL);
    CHECK(set(id, TIMER_ABSTIME, 1, 0) == 0 && wait_for(SIGNAL, 10000 * MS) != NULL);
    CHECK(set(id, TIMER_ABSTIME, now(CLOCK_MONOTONIC) + 20 * MS, 0) == 0);
    CHECK(wait_for(SIGNAL, 1) == NULL && wait_for(SIGNAL, 10000 * MS) != NULL);
    CHECK(set(id, 0, 5000 * MS, 7 * MS) == 0);
    CHECK(syscall(SYS_timer_settime, id, 0, &none, &old) == 0 &&
          old.it_interval.tv_nsec == 7 * MS &&
          old.it_value.tv_sec * 1000 + old.it_value.tv_nsec / MS > 4000 && left(id) == 0);
    CHECK(syscall(SYS_timer_delete, id) == 0);
    CHECK(make(CLOCK_REALTIME, SIGEV_NONE, 0, 0, &id) == 0);
    CHECK(set(id, TIMER_ABSTIME, now(CLOCK_REALTIME) + 20 * MS, 0) == 0 && left(id) > 0);
    usleep(30000);
    CHECK(left(id) == 0 && syscall(SYS_timer_delete, id) == 0);
    CHECK(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id) == 0 && set(id, 0, MS, 0) == 0);
    info = wait_for(SIGALRM, 10000 * MS);
    CHECK(info != NULL && info->si_value.sival_int == id && syscall(SYS_timer_delete, id) == 0);
}

static void look_at_intervals(void)
{
    siginfo_t *info;
    int id;

    CHECK(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGNAL, 0, &id) == 0);
    CHECK(set(id, 0, 10 * MS, 10 * MS) == 0);
    usleep(105000);
    info = wait_for(SIGNAL, 0); /* one signal, and the count of those that were not sent */
    CHECK(info != NULL && info->si_overrun >= 7 && info->si_overrun < 200);
    CHECK(syscall(SYS_timer_getoverrun, id) == info->si_overrun);
    CHECK(wait_for(SIGNAL, 10000 * MS) != NULL && wait_for(SIGNAL, 10000 * MS) != NULL);
    CHECK(set(id, 0, 0, 0) == 0);
    while (wait_for(SIGNAL, 0) != NULL)
        ;
    CHECK(wait_for(SIGNAL, 30 * MS) == NULL);
    CHECK(set(id, 0, 1, 1) == 0); /* as often as it can */
    usleep(30000);
    info = wait_for(SIGNAL, 10000 * MS);
    CHECK(info != NULL && info->si_overrun > 1000);
    CHECK(syscall(SYS_timer_delete, id) == 0);
}

static void on_thread(union sigval value)
{
    called = value.sival_int;
}

static void *other(void *tid)
{
    *(int *)tid = gettid();
    thread_got = wait_for(SIGNAL, 10000 * MS) != NULL;
    return NULL;
}

static void look_at_threads(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread};
    const struct itimerspec soon = {{0, 0}, {0, MS}};
    volatile int tid = 0;
    pthread_t thread;
    timer_t timer;
    int id;

    event.sigev_value.sival_int = 42;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    for (int i = 0; i < 1000 && called != 42; i++)
        usleep(1000);
    CHECK(called == 42 && timer_delete(timer) == 0);
    pthread_create(&thread, NULL, other, (void *)&tid);
    while (tid == 0)
        usleep(1000);
    CHECK(make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGNAL, tid, &id) == 0 && set(id, 0, MS, 0) == 0);
    pthread_join(thread, NULL);
    CHECK(thread_got == 1);
    usleep(10000); /* the task is gone for sure */
    CHECK(set(id, 0, MS, 0) == 0 && wait_for(SIGNAL, 20 * MS) == NULL);
    CHECK(syscall(SYS_timer_delete, id) == 0);
}

static void look_at_heirs(const char *program)
{
    int id, status = -1;

    CHECK(make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id) == 0);
    if (fork() == 0)
        _exit(left(id) != -1 || errno != EINVAL);
    CHECK(wait(&status) > 0 && status == 0);
    if (fork() == 0) {
        CHECK(make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id) == 0);
        execl(program, program, "ask", "for timer 0", NULL);
    }
    CHECK(wait(&status) > 0 && status == 0);
}

static int fill(void)
{
    int count = 0, id;

    while (count < 100000 && make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id) == 0)
        count++;
    printf("%d timers, %s\n", count, strerror(errno));
    return 0;
}

int main(int count, char **arguments)
{
    sigset_t blocked;

    if (count > 2)
        return left(0) != -1;
    if (count > 1)
        return fill();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGNAL);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    look_at_errors();
    look_at_one_shots();
    look_at_intervals();
    look_at_threads();
    look_at_heirs(arguments[0]);
    printf("%d differences\n", differences);
    return differences != 0;
}
