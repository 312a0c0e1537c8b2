/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on open files that few programs make. Prints a line for each thing that is not as in
 * Linux, and how many. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define BIG 100000

static char got[BIG];

static void look_at_vectors(void)
{
    int file = open("vector", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
    int reads = open("vector", O_RDONLY), append = open("vector", O_WRONLY | O_APPEND);
    char one[8] = {0}, two[16] = {0};
    struct iovec out[] = {{"hello ", 6}, {"", 0}, {"world", 5}}, in[] = {{one, 3}, {two, 15}};
    struct iovec bad[] = {{one, 2}, {(void *)8, 4}}, huge[] = {{one, -1ul}, {two, 1}};

    CHECK(pwritev(file, out, 3, 2) == 11 && lseek(file, 0, SEEK_CUR) == 0);
    CHECK(preadv(file, in, 2, 3) == 10 && !memcmp(one, "ell", 3) && !strcmp(two, "o world"));
    CHECK(preadv(file, in, 2, 13) == 0 && preadv(file, in, 0, 0) == 0);
    CHECK(preadv2(file, in, 1, 2, 0) == 3 && !memcmp(one, "hel", 3));
    CHECK(lseek(file, 4, SEEK_SET) == 4 && preadv2(file, in, 1, -1, 0) == 3 &&
          !memcmp(one, "llo", 3) && lseek(file, 0, SEEK_CUR) == 7);
    CHECK(pwritev2(file, out, 1, -1, 0) == 6 && lseek(file, 0, SEEK_CUR) == 13);
    CHECK(pwritev2(file, out, 1, 20, 0) == 6 && lseek(file, 0, SEEK_END) == 26);
    FAILS(preadv2(file, in, 1, 0, 0x40000000), EOPNOTSUPP);
    FAILS(pwritev2(file, in, 1, 0, 0x40000000), EOPNOTSUPP);
    FAILS(preadv2(file, in, 1, -2, 0), EINVAL);
    FAILS(preadv(file, in, 2, -1), EINVAL);
    FAILS(preadv(file, in, -1, 0), EINVAL);
    FAILS(preadv(file, in, IOV_MAX + 1, 0), EINVAL);
    FAILS(readv(file, huge, 2), EINVAL);
    FAILS(preadv(file, (void *)8, 1, 0), EFAULT);
    FAILS(pwritev(reads, out, 3, 0), EBADF);
    FAILS(preadv(append, in, 2, 0), EBADF);
    FAILS(preadv(99, in, 2, 0), EBADF);
    CHECK(preadv(file, bad, 2, 2) == 2);
    CHECK(lseek(file, 0, SEEK_SET) == 0 && readv(file, in, 2) == 18 &&
          lseek(file, 0, SEEK_CUR) == 18);
    CHECK(pipe(ends) == 0 && writev(ends[1], out, 3) == 11 && readv(ends[0], in, 2) == 11 &&
          !memcmp(one, "hel", 3) && !memcmp(two, "lo world", 8));
    FAILS(writev(ends[1], bad + 1, 1), EFAULT);
    FAILS(preadv(ends[0], in, 2, 0), ESPIPE);
    FAILS(readv(ends[1], in, 2), EBADF);
    close(ends[0]);
    close(ends[1]);
    close(file);
    close(reads);
    close(append);
}

static void look_at_copies(void)
{
    static char sent[BIG];
    int from = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
    int to = open("to", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int append = open("to", O_RDWR | O_APPEND), folder = open(".", O_RDONLY);
    int reads = open("to", O_RDONLY);
    off_t in = 10, out = 5;

    for (int i = 0; i < BIG; i++)
        sent[i] = (char)(i * 7 + i / 251);
    CHECK(write(from, sent, BIG) == BIG && lseek(from, 100, SEEK_SET) == 100);
    CHECK(copy_file_range(from, &in, to, &out, 50000, 0) == 50000 && in == 50010 && out == 50005);
    CHECK(lseek(from, 0, SEEK_CUR) == 100 && lseek(to, 0, SEEK_CUR) == 0);
    CHECK(pread(to, got, BIG, 5) == 50000 && !memcmp(got, sent + 10, 50000));
    CHECK(copy_file_range(from, NULL, to, NULL, 2 * BIG, 0) == BIG - 100);
    CHECK(lseek(from, 0, SEEK_CUR) == BIG && lseek(to, 0, SEEK_CUR) == BIG - 100);
    CHECK(pread(to, got, BIG, 0) == BIG - 100 && !memcmp(got, sent + 100, BIG - 100));
    CHECK(copy_file_range(from, NULL, to, NULL, 10, 0) == 0);
    in = 0, out = 500;
    CHECK(copy_file_range(from, &in, from, &out, 500, 0) == 500 &&
          pread(from, got, 500, 500) == 500 && !memcmp(got, sent, 500));
    in = 0, out = 499;
    FAILS(copy_file_range(from, &in, from, &out, 500, 0), EINVAL);
    in = BIG - 10, out = BIG; /* no more than there is counts */
    CHECK(copy_file_range(from, &in, from, &out, 500, 0) == 10);
    FAILS(copy_file_range(from, NULL, to, NULL, 10, 1), EINVAL);
    FAILS(copy_file_range(from, NULL, append, NULL, 10, 0), EBADF);
    FAILS(copy_file_range(from, NULL, reads, NULL, 10, 0), EBADF);
    FAILS(copy_file_range(99, NULL, to, NULL, 10, 0), EBADF);
    FAILS(copy_file_range(folder, NULL, to, NULL, 10, 0), EISDIR);
    in = -100;
    FAILS(copy_file_range(from, &in, to, NULL, 10, 0), EINVAL);
    FAILS(copy_file_range(from, (off_t *)8, to, NULL, 10, 0), EFAULT);
    CHECK(pipe(ends) == 0);
    FAILS(copy_file_range(from, NULL, ends[1], NULL, 10, 0), EINVAL);
    close(ends[0]);
    close(ends[1]);
    close(from);
    close(to);
    close(append);
    close(folder);
    close(reads);
}

static void look_at_statx(void)
{
    int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0640);
    struct statx found;
    struct stat stat;

    CHECK(write(file, "hello", 5) == 5 && fstat(file, &stat) == 0);
    unlink("link");
    CHECK(symlink("file", "link") == 0);
    CHECK(statx(AT_FDCWD, "link", 0, STATX_BASIC_STATS, &found) == 0);
    CHECK((found.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS && found.stx_size == 5 &&
          found.stx_mode == (S_IFREG | 0640) && found.stx_nlink == 1 &&
          found.stx_ino == stat.st_ino && found.stx_blksize == (unsigned)stat.st_blksize &&
          found.stx_uid == getuid() && found.stx_gid == getgid() &&
          found.stx_blocks == (unsigned long)stat.st_blocks);
    CHECK(makedev(found.stx_dev_major, found.stx_dev_minor) == stat.st_dev);
    CHECK(found.stx_mtime.tv_sec == stat.st_mtim.tv_sec &&
          found.stx_mtime.tv_nsec == stat.st_mtim.tv_nsec &&
          found.stx_ctime.tv_nsec == stat.st_ctim.tv_nsec &&
          found.stx_atime.tv_nsec == stat.st_atim.tv_nsec);
    CHECK(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, &found) == 0 &&
          found.stx_mode == (S_IFLNK | 0777));
    CHECK(statx(file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, 0, &found) == 0 &&
          found.stx_ino == stat.st_ino);
    CHECK(statx(AT_FDCWD, "/dev/null", 0, 0, &found) == 0 && found.stx_rdev_major == 1 &&
          found.stx_rdev_minor == 3);
    CHECK(statx(AT_FDCWD, "/proc/self/stat", 0, 0, &found) == 0 && S_ISREG(found.stx_mode));
    FAILS(statx(AT_FDCWD, "none", 0, 0, &found), ENOENT);
    FAILS(statx(AT_FDCWD, "", 0, 0, &found), ENOENT);
    FAILS(statx(99, "file", 0, 0, &found), EBADF);
    FAILS(statx(AT_FDCWD, "file", 0x10000, 0, &found), EINVAL);
    FAILS(statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, 0, &found), EINVAL);
    FAILS(statx(AT_FDCWD, "file", 0, STATX__RESERVED, &found), EINVAL);
    FAILS(syscall(SYS_statx, AT_FDCWD, "file", 0, 0, (void *)8), EFAULT);
    close(file);
}

static void look_at_advice(void)
{
    int file = open("file", O_RDWR), writes = open("file", O_WRONLY), reads, ends[2];

    reads = open("file", O_RDONLY);
    CHECK(pipe(ends) == 0 && readahead(file, 0, 4096) == 0);
    FAILS(readahead(writes, 0, 4096), EBADF);
    FAILS(readahead(99, 0, 4096), EBADF);
    FAILS(readahead(ends[0], 0, 4096), EINVAL);
    CHECK(sync_file_range(file, 0, 0, 7) == 0 && sync_file_range(file, 1, 2, 2) == 0);
    FAILS(sync_file_range(file, 0, 0, 8), EINVAL);
    FAILS(sync_file_range(file, -1, 0, 2), EINVAL);
    FAILS(sync_file_range(file, 1, LONG_MAX, 2), EINVAL);
    FAILS(sync_file_range(ends[0], 0, 0, 2), ESPIPE);
    FAILS(sync_file_range(99, 0, 0, 2), EBADF);
    FAILS(fallocate(file, 0, -1, 1), EINVAL);
    FAILS(fallocate(file, 0, 0, 0), EINVAL);
    FAILS(fallocate(file, 0, 2, LONG_MAX), EFBIG);
    FAILS(fallocate(file, 0x4000, 0, 1), EOPNOTSUPP);
    FAILS(fallocate(reads, 0, 0, 1), EBADF);
    FAILS(fallocate(99, 0, 0, 1), EBADF);
    FAILS(fallocate(ends[1], 0, 0, 1), ESPIPE);
    FAILS(fallocate(open("/dev/null", O_WRONLY), 0, 0, 1), ENODEV);
    CHECK(posix_fallocate(file, 10000, 20000) == 0 && lseek(file, 0, SEEK_END) == 30000);
    close(file);
    close(writes);
    close(reads);
    close(ends[0]);
    close(ends[1]);
}

struct old_dirent {
    unsigned long inode, offset;
    unsigned short bytes;
    char name[];
};

/* How many of the names are listed, and whether their types are right. */
static int list_old(const char *folder, size_t room)
{
    int file = open(folder, O_RDONLY | O_DIRECTORY), count = 0;
    char *buffer = malloc(room);
    long bytes;

    while ((bytes = syscall(SYS_getdents, file, buffer, room)) > 0) {
        for (long at = 0; at < bytes;) {
            struct old_dirent *entry = (void *)(buffer + at);
            char type = buffer[at + entry->bytes - 1];

            count += (!strcmp(entry->name, "file") && type == DT_REG) ||
                     (!strcmp(entry->name, "link") && type == DT_LNK) ||
                     (!strcmp(entry->name, "self") && type == DT_LNK) ||
                     (!strcmp(entry->name, "..") && type == DT_DIR);
            at += entry->bytes;
        }
    }
    CHECK(bytes == 0);
    close(file);
    free(buffer);
    return count;
}

static void look_at_lists(void)
{
    int folder = open(".", O_RDONLY), file = open("file", O_RDONLY);
    char buffer[1000];

    CHECK(list_old(".", 10000) == 3 && list_old(".", 64) == 3 && list_old("/proc", 10000) == 2);
    FAILS(syscall(SYS_getdents, folder, buffer, 10), EINVAL);
    FAILS(syscall(SYS_getdents, file, buffer, 1000), ENOTDIR);
    FAILS(syscall(SYS_getdents, 99, buffer, 1000), EBADF);
    FAILS(syscall(SYS_getdents, folder, (void *)8, 1000), EFAULT);
    FAILS(syscall(SYS_getdents64, folder, (void *)8, 1000), EFAULT);
    CHECK(syscall(SYS_getdents64, folder, buffer, 1000) > 0); /* nothing was lost */
    close(folder);
    close(file);
}

static void look_at_ranges(void)
{
    for (int fd = 20; fd < 30; fd++)
        dup2(1, fd);
    CHECK(close_range(22, 24, 0) == 0 && fcntl(21, F_GETFD) == 0 && fcntl(25, F_GETFD) == 0);
    FAILS(fcntl(22, F_GETFD), EBADF);
    CHECK(close_range(26, 27, CLOSE_RANGE_CLOEXEC) == 0 && fcntl(26, F_GETFD) == FD_CLOEXEC &&
          fcntl(28, F_GETFD) == 0);
    CHECK(close_range(20, ~0u, CLOSE_RANGE_UNSHARE) == 0);
    FAILS(fcntl(29, F_GETFD), EBADF);
    FAILS(close_range(5, 4, 0), EINVAL);
    FAILS(close_range(20, 30, 1), EINVAL);
}

static void look_at_nameless(void)
{
    int file = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0640), memory, status;
    struct stat stat;
    char text[64] = {0}, *none[] = {NULL}, *page;

    CHECK(file >= 0 && fstat(file, &stat) == 0 && stat.st_nlink == 0 && stat.st_size == 0 &&
          stat.st_mode == (S_IFREG | 0640));
    CHECK(write(file, "nameless", 8) == 8 && pread(file, text, 8, 0) == 8 &&
          !strcmp(text, "nameless"));
    FAILS(open(".", O_TMPFILE | O_EXCL, 0600), EINVAL);
    FAILS(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
    FAILS(open("file", O_TMPFILE | O_EXCL | O_RDWR, 0600), ENOTDIR);
    FAILS(open("none", O_TMPFILE | O_EXCL | O_RDWR, 0600), ENOENT);
    close(file);
    memory = memfd_create("mine", MFD_CLOEXEC);
    CHECK(memory >= 0 && fcntl(memory, F_GETFD) == FD_CLOEXEC && fstat(memory, &stat) == 0 &&
          stat.st_nlink == 0 && stat.st_mode == (S_IFREG | 0777) && stat.st_uid == geteuid());
    CHECK(ftruncate(memory, 8192) == 0 && lseek(memory, 0, SEEK_END) == 8192);
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHECK(page != MAP_FAILED && strcpy(page + 5000, "shared") != NULL);
    CHECK(pread(memory, text, 7, 5000) == 7 && !strcmp(text, "shared"));
    if (fork() == 0)
        _exit(strcmp(strcpy(page, "child"), "child"));
    CHECK(wait(&status) > 0 && status == 0 && !strcmp(page, "child"));
    snprintf(text, sizeof(text), "/proc/self/fd/%d", memory);
    CHECK(readlink(text, got, sizeof(got)) == 21 && !memcmp(got, "/memfd:mine (deleted)", 21));
    FAILS(memfd_create("x", 0x40), EINVAL);
    FAILS(memfd_create((char *)8, 0), EFAULT);
    memset(got, 'x', 250);
    FAILS(memfd_create(got, 0), EINVAL);
    munmap(page, 8192);
    close(memory);
    /* A program that is in memory alone. */
    memory = memfd_create("program", 0);
    file = open("/proc/self/exe", O_RDONLY);
    while ((status = (int)read(file, got, sizeof(got))) > 0)
        CHECK(write(memory, got, (size_t)status) == status);
    if (fork() == 0)
        _exit(fexecve(memory, (char *[]){"x", "run", NULL}, none));
    CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 7);
    close(memory);
    close(file);
}

int main(int count, char **none)
{
    (void)none;
    if (count > 1)
        return 7;
    look_at_vectors();
    look_at_copies();
    look_at_statx();
    look_at_advice();
    look_at_lists();
    look_at_ranges();
    look_at_nameless();
    printf("%d differences\n", differences);
    return differences != 0;
}
