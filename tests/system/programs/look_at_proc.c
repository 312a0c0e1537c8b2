/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc as a program sees it that knows itself: what it reads there is compared with its own
 * memory, descriptors and threads. Prints a line for each difference, and at last how many there
 * were.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* The whole of a file, by read; its length, or -1. */
static long whole(const char *path, char *to, size_t bytes)
{
    int fd = open(path, O_RDONLY);
    long used = 0, got;

    if (fd < 0)
        return -1;
    while ((got = read(fd, to + used, bytes - 1 - (size_t)used)) > 0)
        used += got;
    to[used] = '\0';
    close(fd);
    return got < 0 ? -1 : used;
}

/* The region that holds an address, as maps tells it; 0: none. */
static int mapped(const char *maps, const void *at, const char *rights, const char *name)
{
    const char *line = maps;

    for (; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        unsigned long start, end;
        char has[8] = "", text[256] = "";

        sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, has, text);
        if ((uintptr_t)at >= start && (uintptr_t)at < end)
            return strcmp(has, rights) == 0 && (name == NULL || strcmp(text, name) == 0);
        if (strchr(line, '\n') == NULL)
            break;
    }
    return 0;
}

static void look_at_memory(const char *program)
{
    static char text[65536];
    char *heap = malloc(100000);
    int local;

    memset(heap, 1, 100000);
    CHECK(whole("/proc/self/maps", text, sizeof(text)) > 0);
    CHECK(mapped(text, &local, "rw-p", "[stack]"));
    CHECK(mapped(text, heap, "rw-p", "[heap]"));
    CHECK(mapped(text, (void *)(uintptr_t)look_at_memory, "r-xp", program));
    CHECK(!mapped(text, (void *)8, "rw-p", NULL));
    free(heap);
}

/* What follows the name, which may hold anything. */
static char *after_name(char *text)
{
    char *end = strrchr(text, ')');

    return end == NULL || end[1] == '\0' ? text : end + 2;
}

static void look_at_stat(void)
{
    char text[2048] = "", *word, *rest;
    long field[53] = {0};
    int count = 2;

    CHECK(whole("/proc/self/stat", text, sizeof(text)) > 0);
    CHECK(strstr(text, "(look_at_proc) R ") != NULL);
    rest = after_name(text);
    while ((word = strsep(&rest, " \n")) != NULL && *word != '\0')
        field[++count < 53 ? count : 52] = strtol(word, NULL, 10);
    CHECK(count == 52);
    CHECK(atoi(text) == getpid() && field[4] == getppid() && field[5] == getpgrp());
    CHECK(field[6] == getsid(0) && field[20] == 1 && field[38] == SIGCHLD);
    CHECK(field[23] > 4096 && field[24] > 0 && field[24] * 4096 <= field[23]);
    CHECK(field[48] != 0 && strcmp((char *)field[48], program_invocation_name) == 0);
}

static void look_at_time(void)
{
    char text[2048] = "";
    unsigned long used = 0;
    struct timespec now;

    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_nsec < 100000000 && now.tv_sec == 0);
    CHECK(whole("/proc/self/stat", text, sizeof(text)) > 0);
    sscanf(after_name(text), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &used);
    CHECK(used >= 10 && used < 1000);
}

/* Each byte alone is what a reader of the whole gets. */
static void look_at_offsets(void)
{
    char text[4096], byte;
    int fd = open("/proc/self/status", O_RDONLY);
    long bytes = read(fd, text, sizeof(text));
    int same = 1;

    CHECK(bytes > 100);
    for (long at = 0; at < bytes; at += 7)
        same &= pread(fd, &byte, 1, at) == 1 && byte == text[at];
    CHECK(same);
    CHECK(pread(fd, &byte, 1, bytes) == 0 && pread(fd, &byte, 1, bytes + 4096) == 0);
    CHECK(lseek(fd, 5, SEEK_SET) == 5 && read(fd, &byte, 1) == 1 && byte == text[5]);
    CHECK(write(fd, "x", 1) < 0 && errno == EBADF);
    close(fd);
    CHECK(open("/proc/self/status", O_RDWR) < 0 && errno == EACCES);
    CHECK(open("/proc/self/status", O_WRONLY | O_TRUNC) < 0 && errno == EACCES);
    CHECK(open("/proc", O_WRONLY) < 0 && errno == EISDIR);
    CHECK(open("/proc/self/status/x", O_RDONLY) < 0 && errno == ENOTDIR);
    CHECK(open("/proc/self/nothing", O_RDONLY) < 0 && errno == ENOENT);
    CHECK(open("/proc/self", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
    CHECK(open("/proc/07", O_RDONLY) < 0 && open("/proc/-1", O_RDONLY) < 0);
}

/* Names in a directory by getdents64 with little room, each once. */
static int names(const char *path, size_t room, char found[64][32])
{
    int fd = open(path, O_RDONLY | O_DIRECTORY), count = 0;
    char buffer[1024];
    long got;

    while ((got = syscall(SYS_getdents64, fd, buffer, room)) > 0) {
        for (long at = 0; at < got && count < 64;) {
            struct dirent64 *entry = (void *)(buffer + at);

            strncpy(found[count++], entry->d_name, 31);
            at += entry->d_reclen;
        }
    }
    close(fd);
    return got < 0 ? -1 : count;
}

static void look_at_directories(void)
{
    static char large[64][32], small[64][32];
    struct stat first = {0}, second = {0};
    int count = names("/proc/self", sizeof(large[0]) * 32, large), fd;

    CHECK(count > 10 && strcmp(large[0], ".") == 0 && strcmp(large[1], "..") == 0);
    CHECK(names("/proc/self", 40, small) == count && memcmp(large, small, sizeof(large)) == 0);
    CHECK(names("/proc/self", 8, small) == -1 && errno == EINVAL);
    fd = open("/proc", O_RDONLY | O_DIRECTORY);
    CHECK(fstatat(fd, "self/stat", &first, 0) == 0 && stat("/proc/self/stat", &second) == 0);
    CHECK(first.st_ino == second.st_ino && S_ISREG(first.st_mode));
    CHECK(fstatat(fd, "self", &first, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(first.st_mode));
    CHECK(fstatat(fd, "../bin", &first, 0) == 0 && stat("/bin", &second) == 0);
    CHECK(first.st_ino == second.st_ino && first.st_dev == second.st_dev);
    CHECK(faccessat(fd, "self/exe", X_OK, 0) == 0 && faccessat(fd, "stat", W_OK, 0) < 0);
    CHECK(fchdir(fd) == 0 && access("self/fd", R_OK) == 0 && access("nothing", F_OK) < 0);
    CHECK(getcwd(large[0], sizeof(large)) != NULL && strcmp(large[0], "/proc") == 0);
    CHECK(chdir("..") == 0 && access("proc/self", F_OK) == 0);
    close(fd);
}

static void look_at_descriptors(void)
{
    char path[64], text[256] = "", target[256];
    int pipe_fds[2], again;
    struct stat first = {0}, second = {0};
    int fd = open("/tmp/looked_at", O_CREAT | O_RDWR, 0600);

    CHECK(write(fd, "hello", 5) == 5);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, target, sizeof(target)) == 14 &&
          memcmp(target, "/tmp/looked_at", 14) == 0);
    CHECK(stat(path, &first) == 0 && fstat(fd, &second) == 0 && first.st_ino == second.st_ino);
    CHECK(lstat(path, &first) == 0 && S_ISLNK(first.st_mode));
    CHECK(unlink("/tmp/looked_at") == 0);
    again = open(path, O_RDONLY);
    CHECK(read(again, text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
    close(again);
    again = open(path, O_RDWR | O_TRUNC);
    CHECK(again >= 0 && fstat(fd, &second) == 0 && second.st_size == 0);
    close(again);
    close(fd);
    CHECK(lstat(path, &first) < 0 && errno == ENOENT);
    CHECK(pipe(pipe_fds) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fds[1]);
    CHECK(readlink(path, target, sizeof(target)) > 6 && memcmp(target, "pipe:[", 6) == 0);
    CHECK(open(path, O_RDONLY) < 0);
    again = open(path, O_WRONLY);
    CHECK(write(again, "x", 1) == 1 && read(pipe_fds[0], text, 1) == 1 && text[0] == 'x');
}

static void *thread(void *argument)
{
    char path[64], text[1024];

    snprintf(path, sizeof(path), "/proc/%d/task/%ld/stat", getpid(), syscall(SYS_gettid));
    CHECK(whole(path, text, sizeof(text)) > 0 && atoi(text) == syscall(SYS_gettid));
    CHECK(readlink("/proc/thread-self", text, sizeof(text)) > 0);
    CHECK(whole("/proc/thread-self/status", text, sizeof(text)) > 0);
    CHECK(strstr(text, "\nThreads:\t2\n") != NULL);
    return argument;
}

static void look_at_threads(void)
{
    pthread_t other;

    CHECK(pthread_create(&other, NULL, thread, NULL) == 0);
    CHECK(pthread_join(other, NULL) == 0);
}

/* A process that ends while its files are open: what was read stays, what was not is gone. */
static void look_at_the_dead(void)
{
    char path[64], stat_path[64], text[1024];
    int directory, open_stat, status;
    pid_t child = fork();

    if (child == 0) {
        pause();
        _exit(0);
    }
    snprintf(path, sizeof(path), "/proc/%d", child);
    snprintf(stat_path, sizeof(stat_path), "/proc/%d/stat", child);
    open_stat = open(stat_path, O_RDONLY);
    directory = open(path, O_RDONLY | O_DIRECTORY);
    CHECK(open_stat >= 0 && directory >= 0);
    CHECK(kill(child, SIGKILL) == 0);
    for (int tries = 0; tries < 1000; tries++) {
        CHECK(whole(stat_path, text, sizeof(text)) > 0);
        if (strstr(text, ") Z ") != NULL)
            break;
        usleep(1000);
    }
    CHECK(strstr(text, ") Z ") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
    CHECK(whole(path, text, sizeof(text)) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(whole(path, text, sizeof(text)) == -1 && errno == ENOENT);
    CHECK(read(open_stat, text, sizeof(text)) > 100 && atoi(text) == child);
    CHECK(openat(directory, "stat", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(syscall(SYS_getdents64, directory, text, sizeof(text)) == -1);
}

int main(int count, char **arguments)
{
    char text[4096];

    (void)count;
    CHECK(whole("/proc/self/cmdline", text, sizeof(text)) > 0);
    CHECK(strcmp(text, arguments[0]) == 0 && strcmp(text + strlen(text) + 1, "one two") == 0);
    arguments[1][0] = 'O'; /* its own memory is what is told */
    CHECK(whole("/proc/self/cmdline", text, sizeof(text)) > 0);
    CHECK(strcmp(text + strlen(text) + 1, "One two") == 0);
    CHECK(readlink("/proc/self/exe", text, sizeof(text)) == (long)strlen(arguments[0]) &&
          memcmp(text, arguments[0], strlen(arguments[0])) == 0);
    look_at_memory(arguments[0]);
    look_at_stat();
    look_at_time();
    look_at_offsets();
    look_at_directories();
    look_at_descriptors();
    look_at_threads();
    look_at_the_dead();
    printf("%d differences\n", differences);
    return differences != 0;
}
