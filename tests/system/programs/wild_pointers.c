/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wild pointers in system calls. Each call here is right but for one pointer, which is replaced by
 * one of several that lead nowhere the program may go; the call must then fail with EFAULT. Prints
 * what does not, and at last how many tries there were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORDS 6

/* In place of an argument: the wild pointer itself. */
#define WILD INT64_C(0x7773696c64)

static int in, out, file, folder; /* a pipe with bytes in it, a regular file, a directory */
static char room[4096];

struct call {
    const char *name;
    long number;
    int64_t word[WORDS];
};

#define CALL(name, ...)    \
    {                      \
#name, SYS_##name, \
        {                  \
            __VA_ARGS__    \
        }                  \
    }
#define AT(pointer) ((int64_t)(intptr_t)(pointer))

static int try_call(const struct call *call, int64_t wild, const char *what)
{
    int64_t word[WORDS];
    long result;

    for (int i = 0; i < WORDS; i++)
        word[i] = call->word[i] == WILD ? wild : call->word[i];
    errno = 0;
    result = syscall(call->number, word[0], word[1], word[2], word[3], word[4], word[5]);
    if (result == -1 && errno == EFAULT)
        return 1;
    printf("%s, %s pointer: %ld, errno %d\n", call->name, what, result, errno);
    return 1;
}

static int try_all(const struct call *calls, size_t count)
{
    char *gone = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *fenced = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct {
        int64_t wild;
        const char *what;
    } tries[] = {
        {16, "low"},
        {AT(gone), "unmapped"},
        {AT(fenced), "forbidden"},
        {INT64_C(0x7ffffffff000), "last user"},
        {INT64_C(0x800000000000), "non-canonical"},
        {INT64_C(-0x800000000000), "system"},
        {INT64_C(-2097152), "high"},
        {-8, "last"},
        {INT64_C(-0x3fffffff0000), "server's"},
        {INT64_C(-0x3efff0000000), "stack's"},
    };
    int done = 0;

    (void)munmap(gone, 8192);
    (void)mprotect(fenced, 8192, PROT_NONE);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(tries) / sizeof(tries[0]); j++)
            done += try_call(&calls[i], tries[j].wild, tries[j].what);
    }
    return done;
}

static int try_reads(void)
{
    const struct call calls[] = {
        CALL(read, file, WILD, 100),
        CALL(pread64, file, WILD, 100, 0),
        CALL(readv, file, WILD, 1),
        CALL(write, file, WILD, 100),
        CALL(write, out, WILD, 100),
        CALL(read, in, WILD, 100),
        CALL(pwrite64, file, WILD, 100, 0),
        CALL(writev, file, WILD, 1),
        CALL(getdents64, folder, WILD, 1000),
        CALL(fstat, file, WILD),
        CALL(fstatfs, file, WILD),
        CALL(ioctl, in, 0x541b /* FIONREAD */, WILD),
        CALL(poll, WILD, 1, 0),
        CALL(select, 8, WILD, 0, 0, 0),
        CALL(pipe, WILD),
        CALL(pipe2, WILD, 0),
    };

    return try_all(calls, sizeof(calls) / sizeof(calls[0]));
}

static int try_names(void)
{
    const struct call calls[] = {
        CALL(open, WILD, O_RDONLY),
        CALL(openat, AT_FDCWD, WILD, O_RDONLY),
        CALL(creat, WILD, 0600),
        CALL(stat, WILD, AT(room)),
        CALL(stat, AT("/"), WILD),
        CALL(lstat, AT("/"), WILD),
        CALL(newfstatat, AT_FDCWD, AT("/"), WILD, 0),
        CALL(statfs, AT("/"), WILD),
        CALL(access, WILD, 0),
        CALL(chdir, WILD),
        CALL(mkdir, WILD, 0700),
        CALL(rmdir, WILD),
        CALL(unlink, WILD),
        CALL(rename, WILD, AT("/tmp/y")),
        CALL(rename, AT("/tmp/wild"), WILD),
        CALL(link, AT("/tmp/wild"), WILD),
        CALL(symlink, WILD, AT("/tmp/y")),
        CALL(symlink, AT("x"), WILD),
        CALL(readlink, WILD, AT(room), 100),
        CALL(readlink, AT("/tmp/link"), WILD, 100),
        CALL(chmod, WILD, 0700),
        CALL(chown, WILD, 0, 0),
        CALL(truncate, WILD, 0),
        CALL(mknod, WILD, 0100600, 0),
        CALL(utimensat, AT_FDCWD, AT("/tmp/wild"), WILD, 0),
        CALL(execve, WILD, 0, 0),
        CALL(execve, AT("/bin/true"), WILD, 0),
        CALL(execve, AT("/bin/true"), 0, WILD),
        CALL(getcwd, WILD, 100),
        CALL(chroot, WILD),
    };

    return try_all(calls, sizeof(calls) / sizeof(calls[0]));
}

static int try_others(void)
{
    const struct call calls[] = {
        CALL(rt_sigaction, SIGUSR1, WILD, 0, 8),
        CALL(rt_sigaction, SIGUSR1, 0, WILD, 8),
        CALL(rt_sigprocmask, SIG_BLOCK, WILD, 0, 8),
        CALL(rt_sigprocmask, SIG_BLOCK, 0, WILD, 8),
        CALL(rt_sigpending, WILD, 8),
        CALL(rt_sigtimedwait, WILD, 0, 0, 8),
        CALL(nanosleep, WILD, 0),
        CALL(clock_gettime, CLOCK_REALTIME, WILD),
        CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, WILD, 0),
        CALL(gettimeofday, WILD, 0),
        CALL(getitimer, 0, WILD),
        CALL(setitimer, 0, WILD, 0),
        CALL(uname, WILD),
        CALL(sysinfo, WILD),
        CALL(times, WILD),
        CALL(getrlimit, 7, WILD),
        CALL(setrlimit, 7, WILD),
        CALL(getrusage, 0, WILD),
        CALL(getresuid, WILD, AT(room), AT(room)),
        CALL(getgroups, 0x7fff, WILD),
        CALL(setgroups, 4, WILD),
        CALL(getrandom, WILD, 100, 0),
        CALL(sigaltstack, WILD, 0),
        CALL(futex, WILD, 0 /* FUTEX_WAIT */, 1, 0),
        CALL(prlimit64, 0, 7, 0, WILD),
    };

    return try_all(calls, sizeof(calls) / sizeof(calls[0]));
}

static int try_more(void)
{
    static struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    int epoll = (int)syscall(SYS_epoll_create1, 0), timer = 0;
    int expires = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
    int counter = (int)syscall(SYS_eventfd2, 1, 0);

    (void)syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
    (void)syscall(SYS_epoll_ctl, epoll, 1 /* add */, counter, (int[3]){1 /* EPOLLIN */});
    const struct call calls[] = {
        CALL(preadv, file, WILD, 1, 0),
        CALL(pwritev, file, WILD, 1, 0),
        CALL(copy_file_range, file, WILD, file, AT(room), 10, 0),
        CALL(copy_file_range, file, AT(room), file, WILD, 10, 0),
        CALL(getdents, folder, WILD, 1000),
        CALL(statx, AT_FDCWD, WILD, 0, 0, AT(room)),
        CALL(statx, AT_FDCWD, AT("/"), 0, 0, WILD),
        CALL(fcntl, file, F_GETLK, WILD),
        CALL(fcntl, file, F_SETLK, WILD),
        CALL(memfd_create, WILD, 0),
        CALL(execveat, AT_FDCWD, WILD, 0, 0, 0),
        CALL(sched_setscheduler, 0, 0, WILD),
        CALL(sched_getparam, 0, WILD),
        CALL(sched_setaffinity, 0, 8, WILD),
        CALL(sched_getaffinity, 0, 8, WILD),
        CALL(getcpu, WILD, 0),
        CALL(capget, WILD, AT(room)),
        CALL(capget, AT(&header), WILD),
        CALL(capset, AT(&header), WILD),
        CALL(sethostname, WILD, 10),
        CALL(clock_settime, CLOCK_REALTIME, WILD),
        CALL(settimeofday, WILD, 0),
        CALL(adjtimex, WILD),
        CALL(timer_create, CLOCK_MONOTONIC, WILD, AT(room)),
        CALL(timer_create, CLOCK_MONOTONIC, 0, WILD),
        CALL(timer_settime, timer, 0, WILD, 0),
        CALL(timer_gettime, timer, WILD),
        CALL(timerfd_settime, expires, 0, WILD, 0),
        CALL(timerfd_gettime, expires, WILD),
        CALL(write, counter, WILD, 8),
        CALL(epoll_ctl, epoll, 1, in, WILD),
        CALL(epoll_wait, epoll, WILD, 5, 0),
        CALL(epoll_pwait, epoll, AT(room), 5, 0, WILD, 8),
    };

    return try_all(calls, sizeof(calls) / sizeof(calls[0]));
}

int main(void)
{
    int ends[2];
    int group = 0;
    int done;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    file = open("/tmp/wild", O_RDWR | O_CREAT, 0600);
    folder = open("/", O_RDONLY | O_DIRECTORY);
    if (file < 0 || folder < 0 || pipe(ends) < 0 || symlink("target", "/tmp/link") < 0)
        return 2;
    in = ends[0];
    out = ends[1];
    if (write(file, room, sizeof(room)) < 0 || write(out, room, 2000) < 0 ||
        lseek(file, 0, SEEK_SET) < 0)
        return 2;
    (void)syscall(SYS_setgroups, 1, &group); /* so that there is one to tell */
    done = try_reads() + try_names() + try_others() + try_more();
    printf("%d tries\n", done);
    return 0;
}
