/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd and timerfd. Prints a line for each thing that is not as in Linux, and how many; with an
 * argument, what ends the making of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000L

static int add(int file, uint64_t more)
{
    return (int)write(file, &more, sizeof(more));
}

/* What is read; -1: an error. */
static int64_t take(int file)
{
    uint64_t value;

    return read(file, &value, sizeof(value)) == sizeof(value) ? (int64_t)value : -1;
}

static int events(int file, int delay_ms)
{
    struct pollfd fd = {file, POLLIN | POLLOUT, 0};

    return poll(&fd, 1, delay_ms) < 0 ? -1 : fd.revents;
}

static void look_at_counters(void)
{
    int file = eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC), slow = eventfd(0, EFD_SEMAPHORE);
    char large[16];
    struct stat stat;
    uint64_t half[2] = {3, 0};
    struct iovec parts[2] = {{half, 4}, {(char *)half + 4, 4}};

    CHECK(fcntl(file, F_GETFD) == FD_CLOEXEC && fcntl(file, F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(fcntl(slow, F_GETFD) == 0 && fcntl(slow, F_GETFL) == O_RDWR);
    CHECK(events(file, 0) == (POLLIN | POLLOUT) && take(file) == 5 && events(file, 0) == POLLOUT);
    CHECK(take(file) == -1 && errno == EAGAIN);
    CHECK(add(file, 7) == 8 && add(file, 8) == 8 && read(file, large, 16) == 8 && large[0] == 15);
    CHECK(add(file, UINT64_MAX - 1) == 8 && events(file, 0) == POLLIN);
    FAILS(add(file, 1), EAGAIN);
    CHECK(add(file, 0) == 8);
    FAILS(add(file, UINT64_MAX), EINVAL);
    CHECK(take(file) == (int64_t)(UINT64_MAX - 1));
    CHECK(writev(file, parts, 2) == 8 || errno == EINVAL); /* Linux takes the first part alone */
    (void)take(file);
    FAILS(read(file, large, 7), EINVAL);
    FAILS(write(file, large, 7), EINVAL);
    /* Linux looks at the counter first, MiX at the buffer */
    CHECK(read(file, (void *)8, 8) < 0 && (errno == EAGAIN || errno == EFAULT));
    FAILS(eventfd(0, 2), EINVAL);
    CHECK(fstat(file, &stat) == 0 && (stat.st_mode & S_IFMT) == 0);
    CHECK(add(slow, 2) == 8 && take(slow) == 1 && take(slow) == 1 && events(slow, 0) == POLLOUT);
    CHECK((file = (int)syscall(SYS_eventfd, 3)) >= 0 && take(file) == 3);
    close(file);
    close(slow);
}

static void *add_soon(void *file)
{
    usleep(30000);
    add(*(int *)file, 1);
    return NULL;
}

static void *take_soon(void *file)
{
    usleep(30000);
    take(*(int *)file);
    return NULL;
}

static void on_alarm(int number)
{
    (void)number;
}

static void look_at_waits(void)
{
    int file = eventfd(0, 0), status;
    pthread_t thread;

    pthread_create(&thread, NULL, add_soon, &file);
    CHECK(take(file) == 1 && pthread_join(thread, NULL) == 0);
    pthread_create(&thread, NULL, add_soon, &file);
    CHECK(poll(&(struct pollfd){file, POLLIN, 0}, 1, -1) == 1 && take(file) == 1);
    pthread_join(thread, NULL);
    CHECK(add(file, UINT64_MAX - 1) == 8);
    pthread_create(&thread, NULL, take_soon, &file);
    CHECK(add(file, 9) == 8 && pthread_join(thread, NULL) == 0 && take(file) == 9);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    ualarm(20000, 0);
    CHECK(take(file) == -1 && errno == EINTR);
    if (fork() == 0)
        _exit(add(file, 4) != 8);
    CHECK(take(file) == 4 && wait(&status) > 0 && status == 0);
    close(file);
}

static int set(int file, int flags, long value_ns, long interval_ns, struct itimerspec *old)
{
    struct itimerspec time = {{interval_ns / 1000000000, interval_ns % 1000000000},
                              {value_ns / 1000000000, value_ns % 1000000000}};

    return timerfd_settime(file, flags, &time, old);
}

static long left(int file)
{
    struct itimerspec time;

    return timerfd_gettime(file, &time) < 0
               ? -1
               : time.it_value.tv_sec * 1000000000 + time.it_value.tv_nsec;
}

static long now(int clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *set_soon(void *file)
{
    usleep(20000);
    set(*(int *)file, 0, 1, 0, NULL);
    return NULL;
}

static void look_at_timers(void)
{
    int file = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), slow, other = eventfd(0, 0);
    long before = now(CLOCK_MONOTONIC);
    struct itimerspec old;
    pthread_t thread;

    slow = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
    CHECK(take(file) == -1 && errno == EAGAIN && left(file) == 0 && events(file, 0) == 0);
    CHECK(set(file, 0, 30 * MS, 0, NULL) == 0 && left(file) > 0 && left(file) <= 30 * MS);
    CHECK(take(file) == -1 && errno == EAGAIN);
    CHECK(events(file, 5) == 0 && events(file, 10000) == POLLIN);
    CHECK(now(CLOCK_MONOTONIC) - before >= 30 * MS && left(file) == 0);
    CHECK(take(file) == 1 && take(file) == -1 && events(file, 0) == 0);
    CHECK(set(slow, 0, 10 * MS, 10 * MS, NULL) == 0 && take(slow) >= 1);
    usleep(55000);
    CHECK(take(slow) >= 4 && left(slow) <= 10 * MS);
    CHECK(set(slow, 0, 0, 0, &old) == 0 && old.it_interval.tv_nsec == 10 * MS && left(slow) == 0);
    CHECK(events(slow, 30) == 0);
    before = now(CLOCK_REALTIME);
    CHECK(set(slow, TFD_TIMER_ABSTIME, before + 20 * MS, 0, NULL) == 0 && take(slow) == 1);
    CHECK(now(CLOCK_REALTIME) - before >= 20 * MS);
    CHECK(set(slow, TFD_TIMER_ABSTIME, 1, 0, NULL) == 0 && take(slow) == 1);
    CHECK(set(slow, 0, 10000000 * MS, 0, NULL) == 0);
    pthread_create(&thread, NULL, set_soon, &slow);
    CHECK(take(slow) == 1 && pthread_join(thread, NULL) == 0);
    CHECK(set(slow, 0, 1, 0, NULL) == 0 && poll(&(struct pollfd){slow, POLLOUT, 0}, 1, 20) == 0);
    FAILS(add(slow, 1), EINVAL);
    FAILS(timerfd_create(99, 0), EINVAL);
    FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    FAILS(set(file, 8, 1, 0, NULL), EINVAL);
    FAILS(set(file, 0, -1, 0, NULL), EINVAL);
    FAILS(set(99, 0, 1, 0, NULL), EBADF);
    FAILS(set(1, 0, 1, 0, NULL), EINVAL);
    FAILS(set(other, 0, 1, 0, NULL), EINVAL);
    FAILS(left(99), EBADF);
    FAILS(left(other), EINVAL);
    FAILS(syscall(SYS_timerfd_settime, file, 0, 8, 0), EFAULT);
    FAILS(syscall(SYS_timerfd_settime, file, 0, 0, 0), EFAULT);
    FAILS(syscall(SYS_timerfd_gettime, file, 8), EFAULT);
    FAILS(syscall(SYS_timerfd_gettime, file, 0), EFAULT);
    close(file);
    close(slow);
    close(other);
}

/* In one process after the other, for each can have so many descriptors. */
static int fill(void)
{
    int status = 0;

    while (eventfd(0, 0) >= 0)
        continue;
    if (errno == EMFILE) {
        pid_t child = fork();

        if (child == 0) {
            for (int fd = 3; fd < 1024; fd++)
                close(fd);
            return fill();
        }
        waitpid(child, &status, 0);
        return status;
    }
    printf("%s\n", strerror(errno));
    return 0;
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return fill();
    look_at_counters();
    look_at_waits();
    look_at_timers();
    printf("%d differences\n", differences);
    return differences != 0;
}
