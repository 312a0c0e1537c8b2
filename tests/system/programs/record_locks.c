/* SPDX-License-Identifier: BSD-2-Clause */
/* fcntl's locks of ranges, beside flock's. Prints a line for each thing that is not as in Linux,
 * and how many; with an argument, how many locks one process can have. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define SHORT_US 200000

static void on_alarm(int number)
{
    (void)number;
}

static int do_lock(int file, int command, int type, off_t start, off_t bytes)
{
    struct flock lock = {.l_type = (short)type,
                         .l_whence = SEEK_SET,
                         .l_start = start,
                         .l_len = bytes};

    return fcntl(file, command, &lock);
}

static int lock(int file, int type, off_t start, off_t bytes)
{
    return do_lock(file, F_SETLK, type, start, bytes);
}

/* What another process sees at a range: "W first bytes", "R first bytes" or "-". */
static const char *seen(int file, off_t start, off_t bytes)
{
    static char text[64];
    int ends[2], status;
    ssize_t got;

    if (pipe(ends) < 0)
        return "no pipe";
    if (fork() == 0) {
        struct flock found = {.l_type = F_WRLCK,
                              .l_whence = SEEK_SET,
                              .l_start = start,
                              .l_len = bytes};
        int length = snprintf(text, sizeof(text), "error");

        if (fcntl(file, F_GETLK, &found) == 0 && found.l_type == F_UNLCK)
            length = snprintf(text, sizeof(text), "-");
        else if (found.l_pid == getppid() && found.l_whence == SEEK_SET)
            length = snprintf(text, sizeof(text), "%c %ld %ld", found.l_type == F_WRLCK ? 'W' : 'R',
                              (long)found.l_start, (long)found.l_len);
        _exit(write(ends[1], text, (size_t)length) < 0);
    }
    wait(&status);
    got = read(ends[0], text, sizeof(text) - 1);
    text[got < 0 ? 0 : got] = '\0';
    close(ends[0]);
    close(ends[1]);
    return text;
}

#define SEES(file, start, bytes, what) CHECK(!strcmp(seen(file, start, bytes), what))

/* Whether another process could lock it now. */
static int other_gets(int file, int type, off_t start, off_t bytes)
{
    int status = -1;

    if (fork() == 0)
        _exit(lock(file, type, start, bytes) < 0 ? (errno == EAGAIN ? 1 : 2) : 0);
    wait(&status);
    return status == 0 ? 1 : WEXITSTATUS(status) == 1 ? 0 : -1;
}

static void look_at_ranges(int file)
{
    CHECK(lock(file, F_WRLCK, 10, 30) == 0);
    SEES(file, 0, 0, "W 10 30");
    SEES(file, 0, 10, "-");
    CHECK(lock(file, F_UNLCK, 20, 5) == 0);
    SEES(file, 0, 0, "W 10 10");
    SEES(file, 20, 0, "W 25 15");
    CHECK(lock(file, F_RDLCK, 15, 12) == 0);
    SEES(file, 10, 5, "W 10 5");
    SEES(file, 15, 5, "R 15 12");
    SEES(file, 27, 1, "W 27 13");
    CHECK(lock(file, F_RDLCK, 12, 3) == 0); /* touches, and becomes one */
    SEES(file, 13, 1, "R 12 15");
    CHECK(lock(file, F_WRLCK, 11, 100) == 0);
    SEES(file, 50, 1, "W 10 101");
    CHECK(lock(file, F_WRLCK, 300, 0) == 0 && lock(file, F_WRLCK, 200, 100) == 0);
    SEES(file, 1000000, 1, "W 200 0");
    CHECK(lock(file, F_UNLCK, 250, 0) == 0);
    SEES(file, 111, 0, "W 200 50");
    CHECK(lock(file, F_UNLCK, 0, 0) == 0);
    SEES(file, 0, 0, "-");
    CHECK(lock(file, F_WRLCK, 20, -10) == 0); /* before its start */
    SEES(file, 0, 0, "W 10 10");
    CHECK(other_gets(file, F_RDLCK, 19, 1) == 0 && other_gets(file, F_WRLCK, 20, 0) == 1);
    CHECK(lock(file, F_RDLCK, 10, 10) == 0 && other_gets(file, F_RDLCK, 5, 100) == 1 &&
          other_gets(file, F_WRLCK, 5, 100) == 0);
    CHECK(lock(file, F_UNLCK, LONG_MAX, 1) == 0 && lock(file, F_UNLCK, 0, 0) == 0);
}

static void look_at_places(int file)
{
    struct flock at = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -5, .l_len = 10};

    CHECK(ftruncate(file, 100) == 0 && lseek(file, 50, SEEK_SET) == 50);
    CHECK(fcntl(file, F_SETLK, &at) == 0);
    SEES(file, 0, 0, "W 45 10");
    at.l_whence = SEEK_END;
    CHECK(fcntl(file, F_SETLK, &at) == 0);
    SEES(file, 60, 0, "W 95 10");
    CHECK(lock(file, F_UNLCK, 0, 0) == 0);
}

static void look_at_errors(int file)
{
    int reads = open("lock", O_RDONLY), writes = open("lock", O_WRONLY), path;
    struct flock bad = {.l_type = F_WRLCK, .l_whence = 7};

    path = open("lock", O_PATH);
    CHECK(fcntl(file, F_SETLK, &bad) < 0 && errno == EINVAL);
    CHECK(lock(file, 3, 0, 0) < 0 && errno == EINVAL);
    CHECK(lock(file, F_WRLCK, -1, 1) < 0 && errno == EINVAL);
    CHECK(lock(file, F_WRLCK, 5, -6) < 0 && errno == EINVAL);
    CHECK(lock(file, F_WRLCK, 5, LONG_MAX) < 0 && errno == EOVERFLOW);
    bad = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = LONG_MAX};
    CHECK(fcntl(file, F_SETLK, &bad) < 0 && errno == EOVERFLOW);
    CHECK(lock(reads, F_WRLCK, 0, 1) < 0 && errno == EBADF);
    CHECK(lock(writes, F_RDLCK, 0, 1) < 0 && errno == EBADF);
    CHECK(lock(path, F_UNLCK, 0, 1) < 0 && errno == EBADF);
    CHECK(lock(99, F_WRLCK, 0, 1) < 0 && errno == EBADF);
    CHECK(do_lock(file, F_GETLK, F_UNLCK, 0, 1) < 0 && errno == EINVAL);
    CHECK(fcntl(file, F_SETLK, 8) < 0 && errno == EFAULT);
    CHECK(fcntl(file, F_SETLK, NULL) < 0 && errno == EFAULT);
    bad = (struct flock){.l_type = F_WRLCK, .l_pid = 1};
    CHECK(fcntl(file, F_OFD_SETLK, &bad) < 0 && errno == EINVAL);
    close(reads);
    close(writes);
    close(path);
}

/* Any descriptor's close gives all the process' locks of the file up; a child has none. */
static void look_at_owners(int file)
{
    int again = open("lock", O_RDWR), other = open("other", O_RDWR | O_CREAT, 0600), copy, status;

    CHECK(lock(file, F_WRLCK, 0, 10) == 0 && lock(again, F_WRLCK, 0, 20) == 0);
    CHECK(lock(other, F_WRLCK, 0, 0) == 0);
    CHECK(other_gets(file, F_WRLCK, 0, 1) == 0);
    close(again);
    CHECK(other_gets(file, F_WRLCK, 0, 1) == 1 && other_gets(other, F_RDLCK, 0, 1) == 0);
    CHECK(lock(file, F_WRLCK, 0, 10) == 0);
    copy = dup(file);
    CHECK(dup2(other, copy) == copy && other_gets(file, F_WRLCK, 0, 1) == 1);
    close(copy);
    CHECK(other_gets(other, F_RDLCK, 0, 1) == 1);
    CHECK(lock(file, F_WRLCK, 0, 10) == 0 && flock(other, LOCK_EX) == 0);
    if (fork() == 0) { /* its exit closes what it has */
        CHECK(lock(file, F_WRLCK, 20, 10) == 0 && lock(file, F_WRLCK, 5, 1) < 0);
        _exit(differences != 0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    SEES(file, 0, 0, "W 0 10");
    CHECK(other_gets(file, F_WRLCK, 20, 0) == 1);
    /* The two kinds do not see each other. */
    CHECK(flock(file, LOCK_EX | LOCK_NB) == 0 && other_gets(file, F_WRLCK, 20, 0) == 1);
    CHECK(flock(file, LOCK_UN) == 0 && other_gets(file, F_WRLCK, 0, 5) == 0);
    CHECK(lock(file, F_UNLCK, 0, 0) == 0);
    close(other);
}

static void look_at_descriptions(int file)
{
    int again = open("lock", O_RDWR), copy = dup(again);
    struct flock found = {.l_type = F_WRLCK};

    CHECK(do_lock(file, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK(do_lock(again, F_OFD_SETLK, F_RDLCK, 5, 1) < 0 && errno == EAGAIN);
    CHECK(fcntl(again, F_OFD_GETLK, &found) == 0 && found.l_type == F_WRLCK && found.l_pid == -1 &&
          found.l_len == 10);
    CHECK(do_lock(again, F_OFD_SETLK, F_WRLCK, 10, 10) == 0);
    CHECK(lock(file, F_RDLCK, 0, 1) < 0 && errno == EAGAIN); /* the process is another owner */
    close(again);
    CHECK(do_lock(file, F_OFD_SETLK, F_WRLCK, 15, 1) < 0 && errno == EAGAIN);
    close(copy);
    CHECK(do_lock(file, F_OFD_SETLKW, F_WRLCK, 15, 1) == 0);
    CHECK(do_lock(file, F_OFD_SETLK, F_UNLCK, 0, 0) == 0 && lock(file, F_RDLCK, 0, 1) == 0);
    CHECK(lock(file, F_UNLCK, 0, 0) == 0);
}

static void look_at_waits(int file)
{
    int status, ends[2];
    char byte;

    CHECK(pipe(ends) == 0);
    if (fork() == 0) {
        CHECK(lock(file, F_WRLCK, 0, 10) == 0 && write(ends[1], "x", 1) == 1);
        usleep(SHORT_US);
        CHECK(lock(file, F_RDLCK, 0, 10) == 0); /* now readers may */
        usleep(SHORT_US);
        _exit(differences != 0);
    }
    CHECK(read(ends[0], &byte, 1) == 1 && lock(file, F_RDLCK, 0, 1) < 0 && errno == EAGAIN);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    ualarm(SHORT_US / 4, 0);
    CHECK(do_lock(file, F_SETLKW, F_WRLCK, 0, 1) < 0 && errno == EINTR);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    ualarm(SHORT_US / 4, 0);
    CHECK(do_lock(file, F_SETLKW, F_RDLCK, 0, 1) == 0);
    CHECK(waitpid(-1, &status, WNOHANG) == 0);
    CHECK(do_lock(file, F_SETLKW, F_WRLCK, 0, 1) == 0 && wait(&status) > 0 && status == 0);
    CHECK(lock(file, F_UNLCK, 0, 0) == 0);
    close(ends[0]);
    close(ends[1]);
}

/* Three in a circle: the last is told. */
static void look_at_circles(int file)
{
    int status, ends[2];
    char byte;

    CHECK(pipe(ends) == 0 && lock(file, F_WRLCK, 0, 1) == 0);
    for (int i = 1; i <= 2; i++) {
        if (fork() == 0) {
            CHECK(lock(file, F_WRLCK, i, 1) == 0 && write(ends[1], "x", 1) == 1);
            if (i == 2)
                usleep(SHORT_US);
            CHECK(do_lock(file, F_SETLKW, F_WRLCK, i - 1, 1) == 0);
            _exit(differences != 0);
        }
        CHECK(read(ends[0], &byte, 1) == 1);
    }
    usleep(2 * SHORT_US);
    CHECK(do_lock(file, F_SETLKW, F_WRLCK, 2, 1) < 0 && errno == EDEADLK);
    CHECK(do_lock(file, F_SETLK, F_WRLCK, 2, 1) < 0 && errno == EAGAIN);
    CHECK(lock(file, F_UNLCK, 0, 1) == 0);
    CHECK(wait(&status) > 0 && status == 0 && wait(&status) > 0 && status == 0);
    CHECK(do_lock(file, F_SETLKW, F_WRLCK, 0, 3) == 0 && lock(file, F_UNLCK, 0, 0) == 0);
    close(ends[0]);
    close(ends[1]);
}

static void *close_soon(void *file)
{
    usleep(SHORT_US);
    close(*(int *)file);
    return NULL;
}

/* A lock that is got when its descriptor is closed is nobody's. */
static void look_at_races(void)
{
    int file = open("lock", O_RDWR), status, ends[2];
    pthread_t thread;
    char byte;

    CHECK(pipe(ends) == 0);
    if (fork() == 0) {
        CHECK(lock(file, F_WRLCK, 0, 1) == 0 && write(ends[1], "x", 1) == 1);
        usleep(2 * SHORT_US);
        _exit(differences != 0);
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    pthread_create(&thread, NULL, close_soon, &file);
    CHECK(do_lock(file, F_SETLKW, F_WRLCK, 0, 1) < 0 && errno == EBADF);
    pthread_join(thread, NULL);
    CHECK(wait(&status) > 0 && status == 0);
    file = open("lock", O_RDWR);
    SEES(file, 0, 0, "-");
    close(file);
}

static int fill(int file)
{
    int count = 0;

    while (lock(file, F_RDLCK, 2 * count, 1) == 0)
        count++;
    printf("%d locks, %s", count, strerror(errno));
    printf(", another's %d", other_gets(file, F_RDLCK, 0, 1));
    printf(", all at once %d\n", lock(file, F_UNLCK, 0, 0) + lock(file, F_WRLCK, 0, 0));
    return 0;
}

int main(int count, char **arguments)
{
    int file = open("lock", O_RDWR | O_CREAT, 0600);

    (void)arguments;
    if (count > 1)
        return fill(file);
    look_at_ranges(file);
    look_at_places(file);
    look_at_errors(file);
    look_at_owners(file);
    look_at_descriptions(file);
    look_at_waits(file);
    look_at_circles(file);
    look_at_races();
    printf("%d differences\n", differences);
    return differences != 0;
}
