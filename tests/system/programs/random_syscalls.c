/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls at random: any number, good and bad arguments. Each batch runs in a child, which may
 * end as it likes; the parent counts batches and prints how many there were.
 *
 *     random_syscalls SEED CALLS
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 500
#define NUMBERS 460
#define PATIENCE_MS 300 /* a batch may well sleep for ever; nothing but SIGKILL is sure */

static uint64_t state;
static char buffer[8192];

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* What would wait for ever, end the machine, or multiply without end. */
static int is_excluded(long number)
{
    static const long excluded[] = {SYS_pause,  SYS_rt_sigsuspend, SYS_reboot, SYS_fork,
                                    SYS_vfork,  SYS_clone,         SYS_kill,   SYS_tkill,
                                    SYS_tgkill, SYS_rt_sigreturn};

    for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++) {
        if (number == excluded[i])
            return 1;
    }
    return 0;
}

static long argument(void)
{
    static const char *const names[] = {"/tmp/a", "/tmp/b/c",  "/",  "/dev/null", "/proc/self/stat",
                                        "",       "/dev/zero", "..", "/bin/sh"};

    switch (next() % 10) {
    case 0:
        return 0;
    case 1:
        return (long)(next() % 16);
    case 2:
        return (long)&buffer[next() % sizeof(buffer)];
    case 3:
        return (long)names[next() % (sizeof(names) / sizeof(names[0]))];
    case 4:
        return -1;
    case 5:
        return (long)next();
    case 6:
        return (long)(next() % 65536);
    case 7:
        return (long)&buffer[sizeof(buffer)];
    case 8:
        return (long)(next() & 0x7ffffffff000);
    default:
        return (long)(INT64_MIN + (int64_t)(next() % 64));
    }
}

static void batch(void)
{
    for (int i = 0; i < BATCH; i++) {
        long number = (long)(next() % NUMBERS);

        if (!is_excluded(number))
            (void)syscall(number, argument(), argument(), argument(), argument(), argument(),
                          argument());
        for (int j = 0; j < 4; j++)
            buffer[next() % sizeof(buffer)] = (char)next();
    }
    _exit(0);
}

static pid_t wait_for(pid_t pid)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        pid_t ended = waitpid(pid, NULL, WNOHANG);

        if (ended != 0)
            return ended;
        (void)usleep(1000);
    }
    (void)kill(pid, SIGKILL);
    return waitpid(pid, NULL, 0);
}

int main(int count, char **words)
{
    unsigned batches = 0;

    if (count != 3)
        return 2;
    state = strtoull(words[1], NULL, 10) * 2654435761u + 88172645463325252u;
    for (long calls = atol(words[2]); calls > 0; calls -= BATCH) {
        pid_t pid = fork();

        if (pid == 0) {
            for (int fd = 0; fd < 3; fd++)
                (void)close(fd);
            batch();
        }
        (void)next();
        if (pid > 0 && wait_for(pid) == pid)
            batches++;
        state += 0x9e3779b97f4a7c15u;
    }
    printf("%u batches\n", batches);
    return 0;
}
