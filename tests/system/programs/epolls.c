/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll. Prints a line for each thing that is not as in Linux, and how many. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MOST 16

static struct epoll_event found[MOST];

static int control(int epoll, int action, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    event.data.u64 = (uint64_t)fd << 40 | 7;
    return epoll_ctl(epoll, action, fd, &event);
}

/* The events of a descriptor among those found, of which there are `count`. */
static uint32_t of(int fd, int count)
{
    for (int i = 0; i < count; i++) {
        if (found[i].data.u64 == ((uint64_t)fd << 40 | 7))
            return found[i].events;
    }
    return 0;
}

static int look(int epoll)
{
    return epoll_wait(epoll, found, MOST, 0);
}

static void look_at_levels(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), a[2], b[2], count;
    char byte;

    CHECK(fcntl(epoll, F_GETFD) == FD_CLOEXEC && pipe(a) == 0 && pipe(b) == 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN) == 0 && look(epoll) == 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, b[1], EPOLLOUT) == 0);
    count = look(epoll);
    CHECK(count == 1 && of(b[1], count) == EPOLLOUT);
    CHECK(write(a[1], "xy", 2) == 2);
    count = look(epoll);
    CHECK(count == 2 && of(a[0], count) == EPOLLIN && of(b[1], count) == EPOLLOUT);
    CHECK(read(a[0], &byte, 1) == 1 && look(epoll) == 2);
    CHECK(epoll_wait(epoll, found, 1, 0) == 1);
    int first = (int)(found[0].data.u64 >> 40);

    CHECK(epoll_wait(epoll, found, 1, 0) == 1 && (int)(found[0].data.u64 >> 40) != first);
    CHECK(control(epoll, EPOLL_CTL_MOD, b[1], EPOLLIN) == 0 && look(epoll) == 1);
    CHECK(control(epoll, EPOLL_CTL_DEL, a[0], 0) == 0 && look(epoll) == 0);
    close(b[0]);
    count = look(epoll);
    CHECK(count == 1 && of(b[1], count) == EPOLLERR);
    close(b[1]); /* and is forgotten */
    CHECK(look(epoll) == 0 && control(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN) == 0);
    close(a[1]);
    count = look(epoll);
    CHECK(count == 1 && of(a[0], count) == (EPOLLIN | EPOLLHUP));
    close(a[0]);
    close(epoll);
}

static void look_at_edges(void)
{
    int epoll = epoll_create(1), ends[2], event = eventfd(0, EFD_NONBLOCK), count;
    uint64_t value;
    char byte;

    CHECK(pipe(ends) == 0 && write(ends[1], "a", 1) == 1);
    CHECK(control(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET) == 0);
    CHECK(look(epoll) == 1 && look(epoll) == 0);
    CHECK(write(ends[1], "b", 1) == 1 && look(epoll) == 1 && look(epoll) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && look(epoll) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && look(epoll) == 0);
    CHECK(write(ends[1], "c", 1) == 1 && look(epoll) == 1 && look(epoll) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET) == 0 && look(epoll) == 1);
    close(ends[1]);
    count = look(epoll);
    CHECK(count == 1 && of(ends[0], count) == (EPOLLIN | EPOLLHUP) && look(epoll) == 0);
    close(ends[0]);
    CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLOUT | EPOLLET) == 0);
    CHECK(look(epoll) == 1 && found[0].events == EPOLLOUT && look(epoll) == 0);
    CHECK(eventfd_write(event, 1) == 0 && look(epoll) == 1 && look(epoll) == 0);
    CHECK(eventfd_write(event, 1) == 0 && look(epoll) == 1);
    CHECK(found[0].events == (EPOLLIN | EPOLLOUT) && eventfd_read(event, &value) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN | EPOLLONESHOT) == 0 && look(epoll) == 0);
    CHECK(eventfd_write(event, 1) == 0 && look(epoll) == 1 && look(epoll) == 0);
    CHECK(eventfd_write(event, 1) == 0 && look(epoll) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN | EPOLLONESHOT) == 0 && look(epoll) == 1);
    close(event);
    close(epoll);
}

static void *write_soon(void *file)
{
    usleep(30000);
    if (write(*(int *)file, "x", 1) != 1)
        differences++;
    return NULL;
}

static int shared[2]; /* an epoll, and what is to be added to it */

static void *add_soon(void *none)
{
    usleep(30000);
    if (control(shared[0], EPOLL_CTL_ADD, shared[1], EPOLLIN) < 0)
        differences++;
    return none;
}

static void on_alarm(int number)
{
    (void)number;
}

static void look_at_waits(void)
{
    int epoll = epoll_create1(0), ends[2], timer = timerfd_create(CLOCK_MONOTONIC, 0);
    const struct itimerspec soon = {{0, 20000000}, {0, 20000000}};
    const struct timespec brief = {0, 10000000};
    sigset_t none, alarm_set;
    pthread_t thread;
    uint64_t value;
    char byte;

    CHECK(pipe(ends) == 0 && control(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN) == 0);
    CHECK(epoll_wait(epoll, found, MOST, 10) == 0);
    CHECK(syscall(SYS_epoll_pwait2, epoll, found, MOST, &brief, NULL, 8) == 0);
    pthread_create(&thread, NULL, write_soon, &ends[1]);
    CHECK(epoll_wait(epoll, found, MOST, -1) == 1 && pthread_join(thread, NULL) == 0);
    CHECK(read(ends[0], &byte, 1) == 1);
    shared[0] = epoll;
    shared[1] = eventfd(1, 0);
    pthread_create(&thread, NULL, add_soon, NULL);
    CHECK(epoll_wait(epoll, found, MOST, -1) == 1 && of(shared[1], 1) == EPOLLIN);
    CHECK(pthread_join(thread, NULL) == 0 && control(epoll, EPOLL_CTL_DEL, shared[1], 0) == 0);
    CHECK(timerfd_settime(timer, 0, &soon, NULL) == 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, timer, EPOLLIN) == 0);
    CHECK(epoll_wait(epoll, found, MOST, 5000) == 1 && of(timer, 1) == EPOLLIN);
    CHECK(read(timer, &value, 8) == 8 && epoll_wait(epoll, found, MOST, 0) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, timer, EPOLLIN | EPOLLET) == 0);
    CHECK(epoll_wait(epoll, found, MOST, 5000) == 1 && epoll_wait(epoll, found, MOST, 50) == 0);
    CHECK(read(timer, &value, 8) == 8 && value > 1 && epoll_wait(epoll, found, MOST, 5000) == 1);
    CHECK(control(epoll, EPOLL_CTL_DEL, timer, 0) == 0);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    ualarm(20000, 0);
    FAILS(epoll_wait(epoll, found, MOST, -1), EINTR);
    sigemptyset(&none);
    sigemptyset(&alarm_set);
    sigaddset(&alarm_set, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarm_set, NULL);
    raise(SIGALRM);
    CHECK(epoll_wait(epoll, found, MOST, 10) == 0);
    FAILS(epoll_pwait(epoll, found, MOST, -1, &none), EINTR);
    FAILS(syscall(SYS_epoll_pwait, epoll, found, MOST, 0, &none, 4), EINVAL);
    FAILS(syscall(SYS_epoll_pwait, epoll, found, MOST, 0, 8, 8), EFAULT);
    FAILS(syscall(SYS_epoll_pwait2, epoll, found, MOST, 8, NULL, 8), EFAULT);
    sigprocmask(SIG_UNBLOCK, &alarm_set, NULL);
    close(ends[0]);
    close(ends[1]);
    close(timer);
    close(shared[1]);
    close(epoll);
}

/* Epolls are ready where poll, or another epoll, asks. */
static void look_at_nests(void)
{
    int outer = epoll_create1(0), inner = epoll_create1(0), ends[2];
    struct pollfd fd = {outer, POLLIN, 0};
    pthread_t thread;
    char byte;

    CHECK(pipe(ends) == 0 && control(inner, EPOLL_CTL_ADD, ends[0], EPOLLIN) == 0);
    CHECK(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN) == 0 && look(outer) == 0);
    CHECK(poll(&fd, 1, 0) == 0);
    pthread_create(&thread, NULL, write_soon, &ends[1]);
    CHECK(poll(&fd, 1, 5000) == 1 && fd.revents == POLLIN && pthread_join(thread, NULL) == 0);
    CHECK(look(outer) == 1 && of(inner, 1) == EPOLLIN && look(inner) == 1);
    CHECK(read(ends[0], &byte, 1) == 1 && look(outer) == 0 && poll(&fd, 1, 0) == 0);
    FAILS(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN), ELOOP);
    FAILS(control(inner, EPOLL_CTL_ADD, inner, EPOLLIN), EINVAL);
    close(inner);
    CHECK(look(outer) == 0);
    close(outer);
    close(ends[0]);
    close(ends[1]);
}

static void look_at_names(void)
{
    int epoll = epoll_create1(0), event = eventfd(1, 0), copy = dup(event), status;

    CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN) == 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, copy, EPOLLIN) == 0 && look(epoll) == 2);
    close(event); /* it is still open by another name */
    CHECK(look(epoll) == 2);
    close(copy);
    CHECK(look(epoll) == 0);
    event = eventfd(1, 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN) == 0);
    if (fork() == 0)
        _exit(look(epoll) != 1 || control(epoll, EPOLL_CTL_DEL, event, 0) != 0);
    CHECK(wait(&status) > 0 && status == 0 && look(epoll) == 0);
    close(event);
    close(epoll);
}

static void look_at_errors(void)
{
    int epoll = epoll_create1(0), event = eventfd(1, 0),
        file = open("file", O_RDWR | O_CREAT, 0600);
    char byte = 0;

    FAILS(epoll_create(0), EINVAL);
    FAILS(epoll_create1(1), EINVAL);
    FAILS(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN), ENOENT);
    FAILS(control(epoll, EPOLL_CTL_DEL, event, EPOLLIN), ENOENT);
    CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN) == 0);
    FAILS(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN), EEXIST);
    FAILS(control(epoll, 9, event, EPOLLIN), EINVAL);
    FAILS(control(epoll, EPOLL_CTL_ADD, 99, EPOLLIN), EBADF);
    FAILS(control(99, EPOLL_CTL_ADD, event, EPOLLIN), EBADF);
    FAILS(control(epoll, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
    FAILS(control(file, EPOLL_CTL_ADD, event, EPOLLIN), EINVAL);
    FAILS(control(event, EPOLL_CTL_ADD, epoll, EPOLLIN), EINVAL);
    FAILS(epoll_ctl(epoll, EPOLL_CTL_MOD, event, (void *)8), EFAULT);
    FAILS(epoll_wait(epoll, found, 0, 0), EINVAL);
    FAILS(epoll_wait(epoll, found, -1, 0), EINVAL);
    FAILS(epoll_wait(99, found, MOST, 0), EBADF);
    FAILS(epoll_wait(file, found, MOST, 0), EINVAL);
    FAILS(epoll_wait(event, found, MOST, 0), EINVAL);
    FAILS(epoll_wait(epoll, (void *)8, MOST, 0), EFAULT);
    CHECK(look(epoll) == 1);
    FAILS(read(epoll, &byte, 1), EINVAL);
    FAILS(write(epoll, &byte, 1), EINVAL);
    close(epoll);
    close(event);
    close(file);
}

int main(void)
{
    look_at_levels();
    look_at_edges();
    look_at_waits();
    look_at_nests();
    look_at_names();
    look_at_errors();
    printf("%d differences\n", differences);
    return differences != 0;
}
