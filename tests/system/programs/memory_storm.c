/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_storm FOLDER SEED STEPS: random calls on an arena of pages: mmap, munmap, mprotect,
 * mremap, madvise, msync, brk, fork, reads and writes of the files that are mapped. After each it
 * prints what it did, the result, and a checksum of all that can be read: a line a step, the same
 * on every system. What systems may differ in is left out: files that are mapped privately do not
 * change, and mremap takes only what one mmap made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L
#define LINE 64 /* stores and checksums are of so many bytes alike */
#define ARENA ((char *)0x100000000)
#define PAGES 64
#define FILE_PAGES 24
#define HEAP_PAGES 8

enum kind { NONE, PRIVATE, SHARED, FILE_SHARED, FILE_READ_ONLY, FILE_PRIVATE, KINDS };

static const char *const kind_name[] = {"none", "private", "shared", "file", "read", "copy"};

struct page {
    enum kind kind;
    int protection;
    unsigned made; /* by the mmap, mprotect or mremap of this number */
};

static struct page page[PAGES + 1];
static unsigned made;
static uint64_t state;
static int changing, changing_read, constant, probe; /* files */
static char *heap, *heap_end;

static unsigned below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % limit;
}

static void fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- What can be read ------------------------------------------------------------------------ */

static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t checksum_of(uint64_t sum, const char *at)
{
    const volatile char *byte = at;

    if (pwrite(probe, at, 1, 0) != 1)
        return mix(sum, 1000);
    for (int i = 0; i < PAGE; i += LINE)
        sum = mix(sum, (unsigned char)byte[i]);
    return sum;
}

static uint64_t checksum(void)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (int i = 0; i < PAGES; i++)
        sum = checksum_of(sum, ARENA + i * PAGE);
    for (char *at = heap; at < heap_end; at += PAGE)
        sum = checksum_of(sum, at);
    return sum;
}

static void tell(const char *call, int first, int count, long result)
{
    const char *error = result == -1 ? strerrorname_np(errno) : "done";

    printf("%s %d+%d: %s %016llx\n", call, first, count, error, (unsigned long long)checksum());
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void set(int first, int count, enum kind kind, int protection)
{
    made++;
    for (int i = first; i < first + count; i++)
        page[i] = (struct page){kind, protection, made};
}

static int some_protection(void)
{
    static const int some[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                               PROT_READ | PROT_WRITE};

    return some[below(4)];
}

static void do_mmap(int first, int count)
{
    enum kind kind = 1 + below(KINDS - 1);
    int protection = some_protection();
    int flags = MAP_FIXED | (kind == PRIVATE || kind == FILE_PRIVATE ? MAP_PRIVATE : MAP_SHARED);
    int fd = kind == FILE_SHARED      ? changing
             : kind == FILE_READ_ONLY ? changing_read
             : kind == FILE_PRIVATE   ? constant
                                      : -1;
    off_t offset = fd == -1 ? 0 : below(FILE_PAGES) * PAGE;
    void *at = mmap(ARENA + first * PAGE, count * PAGE, protection,
                    flags | (fd == -1 ? MAP_ANONYMOUS : 0), fd, offset);

    if (at != MAP_FAILED)
        set(first, count, kind, protection);
    tell(kind_name[kind], first, count, at == MAP_FAILED ? -1 : 0);
}

static void do_munmap(int first, int count)
{
    if (munmap(ARENA + first * PAGE, count * PAGE) < 0)
        fail("munmap");
    set(first, count, NONE, PROT_NONE);
    tell("munmap", first, count, 0);
}

/* Up to the first page that does not allow it. */
static void do_mprotect(int first, int count)
{
    int protection = some_protection();
    int result = mprotect(ARENA + first * PAGE, count * PAGE, protection);

    for (int i = first; i < first + count; i++) {
        if (page[i].kind == NONE || (page[i].kind == FILE_READ_ONLY && (protection & PROT_WRITE)))
            break;
        if (page[i].protection != protection)
            set(i, 1, page[i].kind, protection);
    }
    tell("mprotect", first, count, result);
}

/* How many pages from `first` on one mmap made. */
static int alike(int first)
{
    int count = 1;

    while (page[first + count].made == page[first].made)
        count++;
    return count;
}

/* In place, to anywhere and from there back, or to a place of ours. */
static void do_mremap(int first, int count)
{
    struct page moved = page[first];
    int longer = count + (int)below(6) - 3, to = (int)below(PAGES);
    unsigned how = below(3);
    char *at;

    count = count < alike(first) ? count : alike(first);
    longer = longer < 1 ? 1 : longer > PAGES - to ? PAGES - to : longer;
    if (moved.kind == NONE || longer > PAGES - first || (longer > count && moved.kind == SHARED))
        return;
    at = mremap(ARENA + first * PAGE, count * PAGE, longer * PAGE,
                how == 0   ? 0
                : how == 1 ? MREMAP_MAYMOVE
                           : MREMAP_MAYMOVE | MREMAP_FIXED,
                ARENA + to * PAGE);
    if (at == MAP_FAILED) {
        tell("mremap", first, count, -1);
        return;
    }
    if (at != ARENA + first * PAGE)
        set(first, count, NONE, PROT_NONE);
    else if (longer < count)
        set(first + longer, count - longer, NONE, PROT_NONE);
    if (at < ARENA || at >= ARENA + PAGES * PAGE) {
        at = mremap(at, longer * PAGE, longer * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                    ARENA + to * PAGE);
        if (at == MAP_FAILED)
            fail("mremap back");
    }
    to = (int)((at - ARENA) / PAGE);
    set(to, longer, moved.kind, moved.protection);
    tell("mremap", first, count, to);
}

static void do_madvise(int first, int count)
{
    static const int some[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_WILLNEED, MADV_NORMAL};

    tell("madvise", first, count, madvise(ARENA + first * PAGE, count * PAGE, some[below(4)]));
}

static void do_msync(int first, int count)
{
    static const int some[] = {MS_ASYNC, MS_SYNC, MS_SYNC | MS_INVALIDATE};

    tell("msync", first, count, msync(ARENA + first * PAGE, count * PAGE, some[below(3)]));
}

/* Lines of one byte, up to the first page that may not be written. */
static void store(int first, int count)
{
    char byte = (char)below(256);

    for (int i = first; i < first + count; i++) {
        char *at = ARENA + i * PAGE;
        int from = (int)below(PAGE / LINE) * LINE;

        if ((page[i].protection & PROT_WRITE) == 0 || pwrite(probe, at, 1, 0) != 1)
            continue;
        memset(at + from, byte, (size_t)(PAGE - from));
    }
}

static void do_store(int first, int count)
{
    store(first, count);
    tell("store", first, count, 0);
}

/* The system stores: what it cannot is an error. */
static void do_read(int first, int count)
{
    off_t from = below(FILE_PAGES - 1) * PAGE;

    if (count > FILE_PAGES / 2)
        count = FILE_PAGES / 2;
    tell("read", first, count,
         pread(constant, ARENA + first * PAGE, PAGE * (count > 2 ? 1 : count), from) < 0 ? -1 : 0);
}

static void do_write(int first, int count)
{
    char line[PAGE];

    memset(line, (int)below(256), sizeof(line));
    if (pwrite(changing, line, PAGE, below(FILE_PAGES / 2) * PAGE) != PAGE)
        fail("pwrite");
    tell("write", first, count, 0);
}

/* What was beyond the end can be read then. */
static void do_truncate(int first, int count)
{
    static long size = FILE_PAGES / 2;

    size += size < FILE_PAGES && below(8) == 0;
    if (ftruncate(changing, size * PAGE) < 0)
        fail("ftruncate");
    tell("truncate", first, count, 0);
}

/* The child's stores reach the parent where memory is shared. */
static void do_fork(int first, int count)
{
    int status;

    fflush(stdout);
    pid_t child = fork();

    if (child == 0) {
        store(first, count);
        tell("child", first, count, 0);
        if (count > 4)
            do_mprotect(first, count / 2);
        store(0, PAGES);
        tell("child", 0, PAGES, 0);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("fork");
    tell("fork", first, count, 0);
}

static void do_brk(int first, int count)
{
    char *end = heap + below(HEAP_PAGES + 1) * PAGE;

    if (brk(end) != 0)
        fail("brk");
    heap_end = end;
    if (heap_end > heap)
        memset(heap_end - PAGE, (int)below(256), PAGE);
    tell("brk", first, count, 0);
}

static int open_file(const char *name, int flags)
{
    int fd = open(name, flags, 0600);

    if (fd < 0)
        fail(name);
    return fd;
}

static void start(const char *folder)
{
    if (chdir(folder) < 0)
        fail(folder);
    changing = open_file("changing", O_CREAT | O_TRUNC | O_RDWR);
    changing_read = open_file("changing", O_RDONLY);
    constant = open_file("constant", O_CREAT | O_TRUNC | O_RDWR);
    probe = open_file("probe", O_CREAT | O_TRUNC | O_WRONLY);
    for (int i = 0; i < 2 * FILE_PAGES * PAGE / LINE; i++) {
        char line[LINE];

        memset(line, i * 7 + i / 64, LINE);
        if (write(constant, line, LINE) != LINE)
            fail("constant");
    }
    if (ftruncate(changing, FILE_PAGES / 2 * PAGE) < 0)
        fail("changing");
    if (mmap(ARENA - PAGE, (PAGES + 2) * PAGE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != ARENA - PAGE)
        fail("arena");
    heap = (char *)(((uintptr_t)sbrk(0) + 16 * PAGE) & ~(uintptr_t)(PAGE - 1));
    heap_end = heap;
    do_munmap(0, PAGES);
}

int main(int argc, char **argv)
{
    static void (*const calls[])(int, int) = {
        do_mmap,   do_mmap,   do_mmap,    do_munmap,   do_mprotect, do_mprotect,
        do_mremap, do_mremap, do_madvise, do_msync,    do_store,    do_store,
        do_store,  do_read,   do_write,   do_truncate, do_fork,     do_brk,
    };
    static char buffer[1 << 16];

    if (argc != 4)
        return 2;
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    state = strtoull(argv[2], NULL, 10);
    start(argv[1]);
    for (int left = atoi(argv[3]); left > 0; left--) {
        int first = (int)below(PAGES), count = 1 + (int)below(12);

        count = count < PAGES - first ? count : PAGES - first;
        calls[below(sizeof(calls) / sizeof(calls[0]))](first, count);
    }
    return 0;
}
