/* SPDX-License-Identifier: BSD-2-Clause */
/* vectors FOLDER: readv and writev of pipes and of files there, and reads to where nothing may be
 * written. Prints a line for each thing that is not as in Linux, and how many. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define LARGE 300000
#define WRITERS 4
#define ROUNDS 200
#define PIECE 100 /* of a record, which two pieces make */

static volatile int below = -1, above = IOV_MAX + 1; /* of counts that are allowed */
static char *nowhere; /* two pages, of which only the first may be written */

static void look_at_pipes(void)
{
    char one[8], two[100], text[] = "0123456789";
    struct iovec vector[] = {{one, 0}, {one, 4}, {two, sizeof(two)}};
    struct iovec bad[] = {{one, 4}, {nowhere + 4096, 8}};
    int ends[2];

    CHECK(pipe(ends) == 0);
    /* Neither waits for more than there is. */
    CHECK(write(ends[1], text, 10) == 10 && readv(ends[0], vector, 3) == 10);
    CHECK(memcmp(one, "0123", 4) == 0 && memcmp(two, "456789", 6) == 0);
    CHECK(write(ends[1], text, 4) == 4 && readv(ends[0], vector, 3) == 4);
    CHECK(write(ends[1], text, 2) == 2 && readv(ends[0], vector, 3) == 2);
    /* What cannot be put down is still there. */
    CHECK(write(ends[1], text, 10) == 10);
    CHECK(read(ends[0], nowhere + 4096, 10) < 0 && errno == EFAULT);
    CHECK(readv(ends[0], bad + 1, 1) < 0 && errno == EFAULT);
    CHECK(read(ends[0], nowhere + 4092, 4) == 4 && memcmp(nowhere + 4092, "0123", 4) == 0);
    CHECK(read(ends[0], two, 100) == 6 && memcmp(two, "456789", 6) == 0);
    CHECK(read(ends[0], one, 0) == 0 && readv(ends[0], vector, 1) == 0);
    CHECK(readv(ends[0], vector, below) < 0 && errno == EINVAL);
    CHECK(readv(ends[0], vector, above) < 0 && errno == EINVAL);
    vector[2].iov_len = (size_t)SSIZE_MAX + 1;
    CHECK(readv(ends[0], vector, 3) < 0 && errno == EINVAL);
    CHECK(writev(ends[0], vector, 1) < 0 && errno == EBADF);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    vector[2].iov_len = 2;
    CHECK(readv(ends[0], vector, 3) < 0 && errno == EAGAIN);
    close(ends[1]);
    CHECK(readv(ends[0], vector, 3) == 0);
    close(ends[0]);
}

static void look_at_files(void)
{
    static char data[LARGE], got[LARGE];
    struct iovec vector[1000];
    int fd = open("vector", O_CREAT | O_TRUNC | O_RDWR, 0600);

    for (int i = 0; i < LARGE; i++)
        data[i] = (char)(i * 13 + i / 257);
    vector[0] = (struct iovec){data, 100000};
    vector[1] = (struct iovec){data, 0};
    vector[2] = (struct iovec){data + 100000, LARGE - 100000};
    CHECK(writev(fd, vector, 3) == LARGE && lseek(fd, 0, SEEK_CUR) == LARGE);
    CHECK(readv(fd, vector, 3) == 0);
    CHECK(pread(fd, got, LARGE, 0) == LARGE && memcmp(data, got, LARGE) == 0);
    memset(got, 0, LARGE);
    for (int i = 0; i < 1000; i++)
        vector[i] = (struct iovec){got + i * 7, 7};
    CHECK(lseek(fd, LARGE - 5000, SEEK_SET) == LARGE - 5000);
    CHECK(readv(fd, vector, 1000) == 5000 && memcmp(got, data + LARGE - 5000, 5000) == 0);
    CHECK(got[5000] == 0 && lseek(fd, 0, SEEK_CUR) == LARGE);
    CHECK(writev(fd, vector, 1000) == 7000 && lseek(fd, 0, SEEK_CUR) == LARGE + 7000);
    vector[1] = (struct iovec){nowhere + 4096, 8};
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, vector, 2) == 7);
    CHECK(writev(fd, vector, 2) == 7 && lseek(fd, 0, SEEK_CUR) == 14);
    CHECK(writev(fd, vector + 1, 1) < 0 && errno == EFAULT);
    close(fd);
}

/* Records of two pieces that many write come out whole. */
static void write_records(int fd)
{
    char first[PIECE], second[PIECE];
    struct iovec vector[] = {{first, PIECE}, {second, PIECE}};

    for (int writer = 0; writer < WRITERS; writer++) {
        if (fork() != 0)
            continue;
        memset(first, 'a' + writer, PIECE);
        memset(second, 'A' + writer, PIECE);
        for (int i = 0; i < ROUNDS; i++) {
            if (writev(fd, vector, 2) != 2 * PIECE)
                _exit(1);
        }
        _exit(0);
    }
}

static void read_records(int fd)
{
    static char record[WRITERS * ROUNDS][2 * PIECE];
    int broken = 0, status = 0;
    FILE *stream = fdopen(fd, "r");

    CHECK(fread(record, sizeof(record[0]), WRITERS * ROUNDS, stream) == WRITERS * ROUNDS);
    for (int i = 0; i < WRITERS * ROUNDS; i++) {
        for (int at = 0; at < 2 * PIECE; at++)
            broken += record[i][at] != record[i][0] - (at < PIECE ? 0 : 'a' - 'A');
    }
    CHECK(broken == 0);
    for (int i = 0; i < WRITERS; i++)
        CHECK(wait(&status) > 0 && status == 0);
    fclose(stream);
}

static void look_at_records(void)
{
    int ends[2], fd = open("records", O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);

    CHECK(pipe(ends) == 0);
    write_records(ends[1]);
    read_records(ends[0]);
    close(ends[1]);
    write_records(fd);
    for (int i = 0; i < WRITERS; i++)
        wait(NULL);
    close(fd);
    fd = open("records", O_RDONLY);
    CHECK(lseek(fd, 0, SEEK_END) == 2L * PIECE * WRITERS * ROUNDS && lseek(fd, 0, SEEK_SET) == 0);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0)
            _exit(0);
    }
    read_records(fd);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    nowhere = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(nowhere != MAP_FAILED && mprotect(nowhere + 4096, 4096, PROT_NONE) == 0);
    look_at_pipes();
    look_at_files();
    look_at_records();
    printf("%d differences\n", differences);
    return differences != 0;
}
