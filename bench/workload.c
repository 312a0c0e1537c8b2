/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs `/bin/sh -c COMMAND` and prints how long it took by the processor's time stamp counter,
 * which under -icount counts instructions. Fails as the command does.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

int main(int count, char **words)
{
    uint64_t start = now();
    pid_t pid = fork();
    int status;

    if (count != 2 || pid < 0)
        return 2;
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", words[1], (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return 1;
    printf("%llu\n", (unsigned long long)(now() - start));
    return 0;
}
