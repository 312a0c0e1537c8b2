/* SPDX-License-Identifier: BSD-2-Clause */
/* maps FOLDER: mmap, mprotect, mremap and madvise of files there and of memory. Prints a line for
 * each thing that is not as in Linux, and how many. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096
#define PAGES 8
#define NAME "mapped"

/* A file whose pages are full of A, B, C and so on. */
static int open_file(int flags)
{
    char page[PAGE];
    int fd = open(NAME, O_CREAT | O_TRUNC | O_RDWR, 0600);

    for (int i = 0; i < PAGES; i++) {
        memset(page, 'A' + i, PAGE);
        CHECK(write(fd, page, PAGE) == PAGE);
    }
    close(fd);
    return open(NAME, flags);
}

static char byte_of(int fd, off_t at)
{
    char byte = 0;

    CHECK(pread(fd, &byte, 1, at) == 1);
    return byte;
}

/* Whether the system may write there, without a signal. */
static int is_writable(char *address)
{
    static int zero;

    if (zero == 0)
        zero = open("/dev/zero", O_RDONLY);
    return read(zero, address, 1) == 1;
}

static char *map(int fd, int pages, int protection, int flags, off_t offset)
{
    char *at = mmap(NULL, (size_t)pages * PAGE, protection, flags, fd, offset);

    CHECK(at != MAP_FAILED);
    return at;
}

/* Room of so many pages of which the first are mapped, with nothing behind them. */
static char *map_below_gap(int fd, int pages, int room, int protection, int flags)
{
    char *at = map(-1, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

    CHECK(munmap(at, (size_t)room * PAGE) == 0);
    CHECK(mmap(at, (size_t)pages * PAGE, protection, flags | MAP_FIXED, fd, 0) == at);
    return at;
}

static void look_at_read_only_files(void)
{
    int fd = open_file(O_RDONLY);
    char *shared = map(fd, 2, PROT_READ, MAP_SHARED, 0), *moved;

    CHECK(mprotect(shared, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES);
    CHECK(mprotect(shared, 2 * PAGE, PROT_WRITE) < 0 && errno == EACCES);
    CHECK(mprotect(shared, PAGE, PROT_NONE) == 0 && mprotect(shared, PAGE, PROT_READ) == 0);
    CHECK(mprotect(shared, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES);
    moved = mremap(shared, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved[3 * PAGE] == 'D');
    for (int i = 0; i < 4; i++)
        CHECK(mprotect(moved + i * PAGE, PAGE, PROT_WRITE) < 0 && errno == EACCES);
    CHECK(!is_writable(moved) && byte_of(fd, 0) == 'A');
    CHECK(munmap(moved, 4 * PAGE) == 0);
    CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    close(fd);
    fd = open_file(O_RDWR);
    shared = map(fd, 2, PROT_READ, MAP_SHARED, 0);
    CHECK(mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == 0);
    shared[5] = 'x';
    CHECK(byte_of(fd, 5) == 'x' && munmap(shared, 2 * PAGE) == 0);
    close(fd);
}

static void look_at_private_files(void)
{
    int fd = open_file(O_RDONLY);
    char *at = map(fd, 2, PROT_READ, MAP_PRIVATE, PAGE), *moved;
    char *place = map(-1, 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

    moved = mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    CHECK(moved == place && moved[0] == 'B' && moved[PAGE] == 'C');
    CHECK(mprotect(moved, PAGE, PROT_READ | PROT_WRITE) == 0);
    moved[0] = 'x';
    CHECK(moved[1] == 'B' && byte_of(fd, PAGE) == 'B');
    CHECK(mprotect(moved, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(madvise(moved, PAGE, MADV_DONTNEED) == 0 && moved[0] == 'B');
    moved[0] = 'x';
    moved[PAGE] = 'y';
    CHECK(moved[0] == 'x' && byte_of(fd, 2 * PAGE) == 'C');
    CHECK(munmap(place, 8 * PAGE) == 0);
    close(fd);
}

static void look_at_places(void)
{
    int fd = open_file(O_RDWR);
    char *at = map(-1, 4, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0);
    const off_t end = 0x7ffffffffffff000;

    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, end) == MAP_FAILED);
    CHECK(errno == EOVERFLOW);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE) == MAP_FAILED && errno == EOVERFLOW);
    CHECK(munmap(at + 2 * PAGE, PAGE) == 0);
    CHECK(mprotect(at, 4 * PAGE, PROT_READ | PROT_WRITE) < 0 && errno == ENOMEM);
    CHECK(is_writable(at + PAGE) && !is_writable(at + 3 * PAGE));
    CHECK(msync(at, 4 * PAGE, MS_ASYNC) < 0 && errno == ENOMEM);
    CHECK(madvise(at, 4 * PAGE, MADV_WILLNEED) < 0 && errno == ENOMEM);
    CHECK(madvise(at, PAGE, 99) < 0 && errno == EINVAL);
    CHECK(munmap(at, 4 * PAGE) == 0);
    close(fd);
}

/* In place where nothing follows, elsewhere where something does. */
static void look_at_growth(int protection, int flags)
{
    int fd = open_file(O_RDWR);
    char *at = map_below_gap(fd, 2, 4, protection, flags), *grown;

    grown = mremap(at, 2 * PAGE, 3 * PAGE, 0);
    CHECK(grown == at && grown[2 * PAGE] == 'C');
    CHECK(mmap(at + 3 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          at + 3 * PAGE);
    CHECK(mremap(at, 3 * PAGE, 5 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    grown = mremap(at, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED && grown != at);
    for (int i = 0; i < 5; i++)
        CHECK(grown[i * PAGE + 9] == 'A' + i);
    CHECK(!is_writable(at));
    if ((protection & PROT_WRITE) != 0) {
        for (int i = 0; i < 5; i++)
            grown[i * PAGE] = 'x';
        for (int i = 0; i < 5; i++)
            CHECK(byte_of(fd, i * PAGE) == ((flags & MAP_SHARED) != 0 ? 'x' : 'A' + i));
    }
    CHECK(mremap(grown, 5 * PAGE, 2 * PAGE, 0) == grown && !is_writable(grown + 2 * PAGE));
    CHECK(munmap(grown, 2 * PAGE) == 0 && munmap(at + 3 * PAGE, PAGE) == 0);
    close(fd);
}

static void look_at_moves(void)
{
    char *at = map(-1, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0), *moved;
    char *place = map(-1, 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

    for (int i = 0; i < 8; i++)
        at[i * PAGE] = (char)('a' + i);
    CHECK(mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_FIXED, place) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED);
    CHECK(errno == EINVAL);
    CHECK(mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE) == MAP_FAILED);
    CHECK(errno == EINVAL && at[0] == 'a' && at[PAGE] == 'b');
    CHECK(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + 1) == MAP_FAILED);
    CHECK(errno == EINVAL);
    CHECK(mremap(at, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    /* Parted and made alike again: one mapping. */
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0);
    CHECK(mremap(at, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(madvise(at + 5 * PAGE, PAGE, MADV_DONTNEED) == 0 && at[5 * PAGE] == 0);
    moved = mremap(at, 8 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    CHECK(moved == place && !is_writable(at) && !is_writable(at + 7 * PAGE));
    for (int i = 0; i < 6; i++)
        CHECK(moved[i * PAGE] == (i == 5 ? 0 : 'a' + i));
    CHECK(mprotect(moved, PAGE, PROT_NONE) == 0 && madvise(moved, PAGE, MADV_DONTNEED) == 0);
    CHECK(mprotect(moved, PAGE, PROT_READ) == 0 && moved[0] == 0);
    CHECK(munmap(place, 8 * PAGE) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    look_at_read_only_files();
    look_at_private_files();
    look_at_places();
    look_at_growth(PROT_READ | PROT_WRITE, MAP_SHARED);
    look_at_growth(PROT_READ, MAP_SHARED);
    look_at_growth(PROT_READ, MAP_PRIVATE);
    look_at_growth(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    look_at_moves();
    printf("%d differences\n", differences);
    return differences != 0;
}
