/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in memory, larger than memory.
 *
 *     paging scatter FILE SEED COUNT   writes COUNT words at random places of FILE, mapped shared
 *     paging full FILE MIB             writes all of a mapped sparse FILE: who meets the full disk
 *                                      gets SIGBUS
 *     paging onto FILE                 reads FILE into its own mapping, and back
 *     paging unlinked FILE MIB         writes and reads a mapped file without a name
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)

static sigjmp_buf out;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void on_bus_error(int number)
{
    siglongjmp(out, number);
}

/* The whole of it, shared. */
static unsigned char *map(const char *path, int flags, size_t bytes, size_t *mapped)
{
    struct stat status;
    void *memory;
    int fd = open(path, flags | O_RDWR, 0600);

    if (fd < 0 || (bytes > 0 && ftruncate(fd, (off_t)bytes) < 0) || fstat(fd, &status) < 0)
        die(path);
    *mapped = (size_t)status.st_size;
    memory = mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("mmap");
    (void)close(fd);
    return memory;
}

/* A generator that the test has too. */
static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

static int scatter(const char *path, uint32_t state, long count)
{
    size_t bytes;
    unsigned char *memory = map(path, 0, 0, &bytes);

    for (long i = 0; i < count; i++) {
        size_t at = next(&state) % (bytes / 4) * 4;
        uint32_t word = next(&state);

        memcpy(memory + at, &word, sizeof(word));
    }
    printf("%ld words\n", count);
    return 0;
}

static int fill(const char *path, size_t bytes)
{
    size_t mapped;
    unsigned char *memory = map(path, O_CREAT | O_TRUNC, bytes, &mapped);
    static volatile size_t at;

    if (sigsetjmp(out, 1) != 0) {
        printf("met the end: %d\n", at > MIB && at < bytes);
        if (msync(memory, mapped, MS_SYNC) < 0)
            perror("msync");
        return 0;
    }
    (void)signal(SIGBUS, on_bus_error);
    for (at = 0; at < mapped; at += PAGE)
        memset(memory + at, (int)(at / PAGE % 251) + 1, PAGE);
    printf("all fits\n");
    return 0;
}

static int onto(const char *path)
{
    size_t bytes, half;
    unsigned char *memory = map(path, 0, 0, &bytes);
    int fd = open(path, O_RDWR);

    half = bytes / 2;
    /* in place, and then from one half to the other */
    if (pread(fd, memory, bytes, 0) != (ssize_t)bytes ||
        pwrite(fd, memory, bytes, 0) != (ssize_t)bytes ||
        pread(fd, memory + half, half, 0) != (ssize_t)half || memcmp(memory, memory + half, half))
        die(path);
    /* half a page off, to and fro */
    if (pread(fd, memory + PAGE / 2, PAGE * 4, 0) != (ssize_t)PAGE * 4 ||
        pwrite(fd, memory + PAGE / 2, PAGE * 4, (off_t)PAGE) != (ssize_t)PAGE * 4)
        die(path);
    printf("read onto itself\n");
    return 0;
}

static int unlinked(const char *path, size_t bytes)
{
    size_t mapped, wrong = 0;
    unsigned char *memory = map(path, O_CREAT | O_EXCL, bytes, &mapped);

    if (unlink(path) < 0)
        die(path);
    for (int round = 0; round < 2; round++) {
        for (size_t at = 0; at < mapped; at += PAGE)
            memory[at] = (unsigned char)(at / PAGE + (size_t)round);
        for (size_t at = 0; at < mapped; at += PAGE)
            wrong += memory[at] != (unsigned char)(at / PAGE + (size_t)round);
    }
    printf("%zu wrong\n", wrong);
    return 0;
}

int main(int count, char **words)
{
    const char *what = count > 2 ? words[1] : "";

    if (strcmp(what, "scatter") == 0 && count == 5)
        return scatter(words[2], (uint32_t)strtoul(words[3], NULL, 10), atol(words[4]));
    if (strcmp(what, "full") == 0 && count == 4)
        return fill(words[2], strtoul(words[3], NULL, 10) * MIB);
    if (strcmp(what, "onto") == 0)
        return onto(words[2]);
    if (strcmp(what, "unlinked") == 0 && count == 4)
        return unlinked(words[2], strtoul(words[3], NULL, 10) * MIB);
    return 2;
}
