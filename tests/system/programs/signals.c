/* SPDX-License-Identifier: BSD-2-Clause */
/* What signals do to waits, to files, to execve and to parents. Each case prints a line, and Linux
 * prints the same. An argument names one case, of which some are not for all: see the table. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BIG_BYTES (1u << 20)

static volatile sig_atomic_t handled;

static void note(int signal)
{
    handled = signal;
}

static void catch (int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

/* ---- Files and programs that are not there yet ------------------------------------------- */

static void ring(long us)
{
    struct itimerval timer = {{0, us}, {0, us}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static long total(int (*step)(int, char *, size_t), int fd, char *buffer, long *wrong)
{
    long bytes = 0, got;

    while ((got = step(fd, buffer, BIG_BYTES)) > 0) {
        bytes += got;
        *wrong += got != BIG_BYTES;
    }
    *wrong += got < 0;
    return bytes;
}

static int read_step(int fd, char *buffer, size_t bytes)
{
    return (int)read(fd, buffer, bytes);
}

static void files(void)
{
    char *buffer = malloc(BIG_BYTES);
    int fd = open("big", O_RDONLY), copy = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0600);
    long wrong = 0, short_writes = 0;

    catch (SIGALRM, note, 0);
    ring(500);
    long bytes = total(read_step, fd, buffer, &wrong);

    for (int i = 0; i < 8; i++)
        short_writes += write(copy, buffer, BIG_BYTES) != BIG_BYTES;
    int synced = fsync(copy);

    ring(0);
    printf("read %ld, short or failed: %ld %ld %d\n", bytes, wrong, short_writes, synced);
    free(buffer);
    unlink("copy");
}

/* The programs cold0 and so on, each started while signals come. */
static void cold_programs(void)
{
    int ended = 0;

    for (int i = 0; i < 6; i++) {
        char name[16];
        int status = 0;
        pid_t child;

        snprintf(name, sizeof(name), "./cold%d", i);
        fflush(stdout);
        child = fork();
        if (child == 0) {
            setpgid(0, 0);
            execl(name, name, "quiet", (char *)NULL);
            _exit(1);
        }
        while (waitpid(child, &status, WNOHANG | WUNTRACED) == 0 || WIFSTOPPED(status)) {
            kill(child, i % 2 == 0 ? SIGSTOP : SIGTSTP);
            kill(child, SIGCONT);
            usleep(300);
        }
        ended += status == 0;
    }
    printf("cold programs that ended well: %d\n", ended);
}

static const struct {
    const char *name;
    void (*run)(void);
    int on_request; /* only if it is named */
} cases[] = {
    {"files", files, 0},
    {"cold", cold_programs, 0},
};

int main(int count, char **argument)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (count == 1 ? !cases[i].on_request : strcmp(argument[1], cases[i].name) == 0)
            cases[i].run();
    }
    return 0;
}
