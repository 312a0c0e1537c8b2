/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes all that there is of something, and prints why it got no more; or does what no program may.
 *
 *     greedy map|open|pipe|fork|bomb|touch|fill FILE|fault|jump|divide|recurse|privileged
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND 1000000 /* of what is no fault of the system's to give without end */
#define BOMB_DEPTH 14

static char piece[65536];

static int tell(void)
{
    printf("%s\n", strerror(errno));
    return 0;
}

static void *map(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int take_maps(void)
{
    for (int i = 0; i < BOUND; i++) {
        if (map((size_t)1 << 40) == MAP_FAILED)
            return tell();
    }
    return 1;
}

/* Memory is given when it is touched, and who touches more than there is gets a signal. */
static int touch_all(void)
{
    for (int i = 0; i < BOUND; i++) {
        char *memory = map(1 << 20);

        if (memory == MAP_FAILED)
            return tell();
        memset(memory, 1, 1 << 20);
    }
    return 1;
}

static int take_files(void)
{
    for (int i = 0; i < BOUND; i++) {
        if (open("/dev/null", O_RDONLY) < 0)
            return tell();
    }
    return 1;
}

static int take_pipes(void)
{
    int ends[2];

    for (int i = 0; i < BOUND; i++) {
        if (pipe(ends) < 0)
            return tell();
    }
    return 1;
}

/* Children that wait, all of one parent; it ends them and waits. */
static int take_processes(void)
{
    int status = 1;

    (void)setpgid(0, 0);
    (void)signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < BOUND && status != 0; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            (void)signal(SIGTERM, SIG_DFL);
            (void)pause();
            _exit(0);
        }
        if (pid < 0)
            status = tell();
    }
    (void)kill(0, SIGTERM);
    while (wait(NULL) > 0)
        continue;
    return status;
}

/* Each child has children as long as it can, without ever waiting. What it says goes to a pipe that
 * ends with the last of them. */
static int bomb(void)
{
    int ends[2], got, error = 0;

    if (pipe(ends) < 0)
        return 1;
    if (fork() == 0) {
        for (int i = 0; i < BOMB_DEPTH; i++) {
            if (fork() < 0) {
                (void)write(ends[1], &errno, sizeof(errno));
                break;
            }
        }
        (void)usleep(2000000);
        _exit(0);
    }
    (void)close(ends[1]);
    while ((got = (int)read(ends[0], &errno, sizeof(errno))) > 0)
        error = errno;
    while (wait(NULL) > 0)
        continue;
    errno = error;
    return tell();
}

static int fill(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0)
        return tell();
    for (int i = 0; i < BOUND; i++) {
        if (write(fd, piece, sizeof(piece)) < 0)
            return tell();
    }
    return 1;
}

static int recurse(int depth)
{
    volatile char much[4096];

    much[0] = (char)depth;
    return depth == INT_MAX ? 0 : recurse(depth + 1) + much[0];
}

static int misdeed(const char *what)
{
    if (strcmp(what, "fault") == 0)
        *(volatile int *)16 = 1;
    else if (strcmp(what, "jump") == 0)
        ((void (*)(void))(uintptr_t)0x123456789000)();
    else if (strcmp(what, "divide") == 0)
        __asm__ volatile("idivl %0" : : "r"(0), "a"(1), "d"(0));
    else if (strcmp(what, "recurse") == 0)
        return recurse(0);
    else if (strcmp(what, "privileged") == 0)
        __asm__ volatile("cli; hlt");
    return 1;
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";

    if (strcmp(what, "map") == 0)
        return take_maps();
    if (strcmp(what, "touch") == 0)
        return touch_all();
    if (strcmp(what, "open") == 0)
        return take_files();
    if (strcmp(what, "pipe") == 0)
        return take_pipes();
    if (strcmp(what, "fork") == 0)
        return take_processes();
    if (strcmp(what, "bomb") == 0)
        return bomb();
    if (strcmp(what, "fill") == 0 && count == 3)
        return fill(words[2]);
    return misdeed(what);
}
