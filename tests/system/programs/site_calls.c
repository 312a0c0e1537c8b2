/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling, niceness, capabilities, names, clocks. To be run as root; prints a line for each
 * thing that is not as in Linux, and how many. What changes the host is tried on Chorus alone:
 * with an argument. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define NOBODY 65534
#define NO_PROCESS 4000000
#define LATER_S 2000000000 /* in 2033 */

/* In a process of its own, as somebody. */
static void as(uid_t real, uid_t effective, uid_t saved, void (*look)(void))
{
    int status = -1;

    if (fork() == 0) {
        differences = 0;
        if (setresuid(real, effective, saved) < 0)
            _exit(1);
        look();
        _exit(differences);
    }
    CHECK(wait(&status) > 0 && status == 0);
}

static void nice_as_other(void)
{
    CHECK(setpriority(PRIO_PROCESS, 0, 12) == 0 && getpriority(PRIO_USER, 0) == 12);
    FAILS(setpriority(PRIO_PROCESS, 0, 11), EACCES);
    FAILS(setpriority(PRIO_PROCESS, getppid(), 19), EPERM);
}

static void look_at_niceness(void)
{
    int status = -1;

    CHECK(getpriority(PRIO_PROCESS, 0) == 0 && setpriority(PRIO_PROCESS, 0, 99) == 0);
    CHECK(getpriority(PRIO_PROCESS, getpid()) == 19 && setpriority(PRIO_PROCESS, 0, 5) == 0);
    if (fork() == 0)
        _exit(getpriority(PRIO_PROCESS, 0) != 5);
    CHECK(wait(&status) > 0 && status == 0);
    as(NOBODY, NOBODY, NOBODY, nice_as_other);
    CHECK(setpriority(PRIO_PGRP, 0, -3) == 0 && getpriority(PRIO_PGRP, getpgrp()) == -3);
    FAILS(setpriority(PRIO_PROCESS, NO_PROCESS, 1), ESRCH);
    FAILS(getpriority(PRIO_PROCESS, NO_PROCESS), ESRCH);
    FAILS(setpriority(7, 0, 1), EINVAL);
    FAILS(getpriority(7, 0), EINVAL);
    CHECK(setpriority(PRIO_PROCESS, 0, 0) == 0);
}

static void policies_as_other(void)
{
    const struct sched_param none = {0}, some = {1};

    FAILS(sched_setscheduler(0, SCHED_FIFO, &some), EPERM);
    FAILS(sched_setscheduler(getppid(), SCHED_BATCH, &none), EPERM);
    CHECK(sched_setscheduler(0, SCHED_BATCH, &none) == 0 && sched_getscheduler(0) == SCHED_BATCH);
}

static void look_at_policies(void)
{
    struct sched_param none = {0}, some = {1}, most = {100};

    CHECK(sched_getscheduler(0) == SCHED_OTHER && sched_getparam(0, &some) == 0 &&
          some.sched_priority == 0);
    CHECK(sched_setscheduler(0, SCHED_IDLE, &none) == 0 && sched_getscheduler(0) == SCHED_IDLE);
    CHECK(sched_setscheduler(0, SCHED_OTHER, &none) == 0 && sched_setparam(0, &none) == 0);
    some.sched_priority = 1;
    FAILS(sched_setscheduler(0, SCHED_OTHER, &some), EINVAL);
    FAILS(sched_setscheduler(0, SCHED_FIFO, &none), EINVAL);
    FAILS(sched_setscheduler(0, SCHED_RR, &most), EINVAL);
    FAILS(sched_setscheduler(0, 99, &none), EINVAL);
    FAILS(sched_setscheduler(-1, SCHED_OTHER, &none), EINVAL);
    FAILS(sched_setscheduler(NO_PROCESS, SCHED_OTHER, &none), ESRCH);
    FAILS(sched_setparam(0, &some), EINVAL);
    FAILS(sched_setparam(0, NULL), EINVAL);
    FAILS(sched_setparam(NO_PROCESS, &none), ESRCH);
    FAILS(sched_getparam(0, NULL), EINVAL);
    FAILS(sched_getparam(NO_PROCESS, &none), ESRCH);
    FAILS(sched_getscheduler(-1), EINVAL);
    FAILS(sched_getscheduler(NO_PROCESS), ESRCH);
    CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1 &&
          sched_get_priority_max(SCHED_OTHER) == 0 && sched_get_priority_min(SCHED_BATCH) == 0);
    FAILS(sched_get_priority_max(99), EINVAL);
    FAILS(sched_get_priority_min(99), EINVAL);
    as(NOBODY, NOBODY, NOBODY, policies_as_other);
}

static void processors_as_other(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    FAILS(sched_setaffinity(getppid(), sizeof(set), &set), EPERM);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static void look_at_processors(void)
{
    unsigned processor = 99, node = 99;
    cpu_set_t set, before;

    CHECK(sched_getaffinity(0, sizeof(before), &before) == 0 && CPU_ISSET(0, &before));
    CPU_ZERO(&set);
    FAILS(sched_setaffinity(0, sizeof(set), &set), EINVAL);
    CPU_SET(0, &set);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1);
    CHECK(getcpu(&processor, &node) == 0 && processor == 0 && node == 0);
    FAILS(sched_setaffinity(NO_PROCESS, sizeof(set), &set), ESRCH);
    FAILS(sched_getaffinity(NO_PROCESS, sizeof(set), &set), ESRCH);
    FAILS(sched_getaffinity(0, 4, &set), EINVAL);
    FAILS(syscall(SYS_sched_setaffinity, 0, 8, (void *)8), EFAULT);
    FAILS(syscall(SYS_getcpu, (void *)8, NULL, NULL), EFAULT);
    as(NOBODY, NOBODY, NOBODY, processors_as_other);
    CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
}

static unsigned long long permitted, effective;

static long capabilities(int pid)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
    struct __user_cap_data_struct data[2];
    long result = syscall(SYS_capget, &header, data);

    permitted = (unsigned long long)data[1].permitted << 32 | data[0].permitted;
    effective = (unsigned long long)data[1].effective << 32 | data[0].effective;
    return result;
}

static void capabilities_as_none(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};

    CHECK(capabilities(0) == 0 && permitted == 0 && effective == 0);
    CHECK(syscall(SYS_capset, &header, data) == 0);
    data[0].permitted = 1;
    FAILS(syscall(SYS_capset, &header, data), EPERM);
}

static void capabilities_as_dormant(void)
{
    CHECK(capabilities(0) == 0 && (permitted & 0x3f) == 0x3f && effective == 0);
}

static void look_at_capabilities(void)
{
    struct __user_cap_header_struct header = {7, 0};
    struct __user_cap_data_struct data[2];

    CHECK(capabilities(0) == 0 && (permitted & 0x3f) == 0x3f && (effective & 0x3f) == 0x3f);
    CHECK(capabilities(getpid()) == 0);
    FAILS(capabilities(NO_PROCESS), ESRCH);
    FAILS(capabilities(-1), EINVAL);
    CHECK(syscall(SYS_capget, &header, NULL) == 0 && header.version == _LINUX_CAPABILITY_VERSION_3);
    header.version = 7;
    FAILS(syscall(SYS_capget, &header, data), EINVAL);
    FAILS(syscall(SYS_capget, NULL, data), EFAULT);
    FAILS(syscall(SYS_capset, &header, NULL), EFAULT);
    header.pid = NO_PROCESS;
    FAILS(syscall(SYS_capset, &header, data), EPERM);
    header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_1, 0};
    CHECK(syscall(SYS_capget, &header, data) == 0 && syscall(SYS_capset, &header, data) == 0);
    as(NOBODY, NOBODY, NOBODY, capabilities_as_none);
    as(NOBODY, NOBODY, 0, capabilities_as_dormant);
}

static int three_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t have[3];

    return getresuid(&have[0], &have[1], &have[2]) == 0 && have[0] == real &&
           have[1] == effective && have[2] == saved;
}

static void swap_as_lent(void)
{
    CHECK(setreuid(2, 1) == 0 && three_are(2, 1, 1));
    CHECK(setreuid(-1, 2) == 0 && three_are(2, 2, 1));
    FAILS(setreuid(1, -1), EPERM); /* the saved one cannot become the real one */
    CHECK(setreuid(-1, 1) == 0 && three_are(2, 1, 1) && setreuid(1, -1) == 0 && three_are(1, 1, 1));
}

static void clocks_as_other(void)
{
    struct timex timex = {.modes = 0};
    struct timespec time = {1, 0};
    struct timeval value = {1, 0};
    char name[2] = "x";

    FAILS(clock_settime(CLOCK_REALTIME, &time), EPERM);
    FAILS(settimeofday(&value, NULL), EPERM);
    CHECK(adjtimex(&timex) >= 0);
    timex.modes = ADJ_SETOFFSET;
    FAILS(adjtimex(&timex), EPERM);
    FAILS(sethostname(name, 1), EPERM);
    FAILS(setdomainname(name, 1), EPERM);
}

static void look_at_clocks(void)
{
    struct timespec bad = {0, 1000000000}, now;
    struct timeval bad_value = {0, 1000000};
    struct timex timex = {.modes = 0};

    FAILS(clock_settime(CLOCK_MONOTONIC, &bad), EINVAL);
    FAILS(clock_settime(CLOCK_REALTIME, &bad), EINVAL);
    FAILS(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
    FAILS(syscall(SYS_settimeofday, &bad_value, 0), EINVAL);
    FAILS(syscall(SYS_settimeofday, 8, 0), EFAULT);
    CHECK(adjtimex(&timex) >= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
    CHECK(now.tv_sec - timex.time.tv_sec < 5 && timex.tick == 10000);
    FAILS(syscall(SYS_adjtimex, 8), EFAULT);
    FAILS(syscall(SYS_clock_adjtime, 99, &timex), EINVAL);
    timex = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, 1000000}};
    FAILS(adjtimex(&timex), EINVAL);
    as(NOBODY, NOBODY, NOBODY, clocks_as_other);
}

static void look_at_others(void)
{
    CHECK(personality(0xffffffff) == 0 && personality(0) == 0);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
    FAILS(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
    FAILS(sethostname("x", -1), EINVAL);
    FAILS(sethostname((char *)8, 4), EFAULT);
    FAILS(setdomainname("x", 65), EINVAL);
}

/* What would change the host. */
static void change_all(void)
{
    struct timespec time = {LATER_S, 500000000}, before, after;
    struct timeval value = {LATER_S + 100, 0};
    struct timex timex = {.modes = ADJ_SETOFFSET, .time = {-50, 500000}};
    struct utsname names;

    CHECK(sethostname("one.two", 7) == 0 && setdomainname("", 0) == 0 && uname(&names) == 0);
    CHECK(!strcmp(names.nodename, "one.two") && !strcmp(names.domainname, ""));
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK(clock_settime(CLOCK_REALTIME, &time) == 0);
    CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0 && time.tv_sec >= LATER_S &&
          time.tv_sec < LATER_S + 5);
    CHECK(settimeofday(&value, NULL) == 0 && gettimeofday(&value, NULL) == 0 &&
          value.tv_sec >= LATER_S + 100 && value.tv_sec < LATER_S + 105);
    CHECK(adjtimex(&timex) == TIME_ERROR && gettimeofday(&value, NULL) == 0 &&
          value.tv_sec >= LATER_S + 50 && value.tv_sec < LATER_S + 55);
    timex = (struct timex){.modes = ADJ_FREQUENCY, .freq = 1 << 16};
    FAILS(adjtimex(&timex), EOPNOTSUPP);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0 && after.tv_sec - before.tv_sec < 5);
    CHECK(personality(PER_LINUX32) < 0 && errno == EINVAL);
    CHECK(sched_setscheduler(0, SCHED_RR, &(struct sched_param){1}) < 0 && errno == EPERM);
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1) {
        change_all();
    } else {
        look_at_niceness();
        look_at_policies();
        look_at_processors();
        look_at_capabilities();
        as(1, 2, 1, swap_as_lent);
        look_at_clocks();
        look_at_others();
    }
    printf("%d differences\n", differences);
    return differences != 0;
}
