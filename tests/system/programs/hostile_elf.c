/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are none. A copy of this program is cut and damaged in ways that must be refused
 * with ENOEXEC, and then at random, when anything may come of it but the end of the site.
 *
 *     hostile_elf SEED COUNT
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "hostile"
#define HEAD_BYTES 1024
#define RAN 100 /* the copy's own status, and those of its exec's errors below it */
#define PATIENCE_MS 200

static uint8_t head[HEAD_BYTES]; /* as it should be */
static off_t size;
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void copy_self(const char *path)
{
    static char piece[65536];
    int from = open(path, O_RDONLY), to = open(PATH, O_RDWR | O_CREAT | O_TRUNC, 0755);
    ssize_t bytes;

    if (from < 0 || to < 0)
        die(path);
    while ((bytes = read(from, piece, sizeof(piece))) > 0) {
        if (write(to, piece, (size_t)bytes) != bytes)
            die(PATH);
        size += bytes;
    }
    if (pread(from, head, sizeof(head), 0) != HEAD_BYTES)
        die(path);
    (void)close(from);
    (void)close(to);
}

static void put(const uint8_t *bytes)
{
    int fd = open(PATH, O_WRONLY);

    if (fd < 0 || pwrite(fd, bytes, HEAD_BYTES, 0) != HEAD_BYTES)
        die(PATH);
    (void)close(fd);
}

/* The status of running it, as waitpid tells it; of one that runs for long, that it was killed. */
static int run(void)
{
    char *words[] = {PATH, NULL}, *none[] = {NULL};
    int status;
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0) {
        for (int fd = 0; fd < 3; fd++)
            (void)close(fd);
        (void)execve(PATH, words, none);
        _exit(errno);
    }
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        (void)usleep(1000);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return status;
}

static void expect(const char *what, int64_t which, int wanted)
{
    int status = run();

    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
        printf("%s %lld: status %x\n", what, (long long)which, (unsigned)status);
}

/* From the longest to nothing; what is cut off does not come back. */
static void cut(void)
{
    static const off_t short_ones[] = {1000, 400, 120, 119, 64, 63, 20, 16, 4, 3, 1, 0};
    off_t last = 0;

    for (size_t i = 0; i < sizeof(short_ones) / sizeof(short_ones[0]) + 8; i++) {
        off_t bytes = i < 8 ? size * (off_t)(7 - i) / 8 + 99 : short_ones[i - 8];

        if (last != 0 && bytes >= last)
            continue;
        if (truncate(PATH, bytes) < 0)
            die("truncate");
        expect("cut to", bytes, ENOEXEC);
        last = bytes;
    }
}

/* One field of the header, or of the first program header that is to be loaded. */
struct damage {
    size_t at, bytes;
    uint64_t value;
};

#define FILE_FIELD(field, value)                                             \
    {                                                                        \
        offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field), value \
    }
#define SEGMENT_FIELD(field, value)                                                       \
    {                                                                                     \
        HEAD_BYTES + offsetof(Elf64_Phdr, field), sizeof(((Elf64_Phdr *)0)->field), value \
    }

static void damage_one(const struct damage *damage, size_t segment_at)
{
    static uint8_t bytes[HEAD_BYTES];
    size_t at = damage->at < HEAD_BYTES ? damage->at : segment_at + damage->at - HEAD_BYTES;

    memcpy(bytes, head, HEAD_BYTES);
    memcpy(bytes + at, &damage->value, damage->bytes);
    put(bytes);
    expect("damage at", (int64_t)at, ENOEXEC);
}

static void damage_each(void)
{
    Elf64_Phdr segment;
    size_t at = sizeof(Elf64_Ehdr);

    for (;; at += sizeof(segment)) {
        memcpy(&segment, head + at, sizeof(segment));
        if (segment.p_type == PT_LOAD)
            break;
    }
    const uint64_t file_pages = ((uint64_t)size + 4095) / 4096;
    const struct damage damages[] = {
        {0, 1, 0},
        {EI_CLASS, 1, ELFCLASS32},
        {EI_DATA, 1, ELFDATA2MSB},
        FILE_FIELD(e_machine, EM_ARM),
        FILE_FIELD(e_type, ET_REL),
        FILE_FIELD(e_type, ET_CORE),
        FILE_FIELD(e_phentsize, 1),
        FILE_FIELD(e_phnum, 0),
        FILE_FIELD(e_phnum, 65535),
        FILE_FIELD(e_phoff, UINT64_MAX - 8),
        FILE_FIELD(e_phoff, INT64_MAX - 8),
        FILE_FIELD(e_phoff, (uint64_t)size),
        SEGMENT_FIELD(p_filesz, segment.p_memsz + 1),
        SEGMENT_FIELD(p_memsz, UINT64_MAX),
        SEGMENT_FIELD(p_vaddr, 0),
        SEGMENT_FIELD(p_vaddr, segment.p_vaddr + 1),
        SEGMENT_FIELD(p_vaddr, UINT64_C(0x7ffffffff000)),
        SEGMENT_FIELD(p_vaddr, UINT64_C(0xffffffff80000000)),
        SEGMENT_FIELD(p_offset, UINT64_MAX - 4095),
        SEGMENT_FIELD(p_offset, file_pages * 4096),
        SEGMENT_FIELD(p_type, PT_INTERP),
    };

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
        damage_one(&damages[i], at);
    put(head);
}

static void damage_at_random(long count)
{
    static uint8_t bytes[HEAD_BYTES];

    for (long i = 0; i < count; i++) {
        memcpy(bytes, head, HEAD_BYTES);
        for (uint64_t n = 1 + next() % 4; n > 0; n--)
            bytes[next() % (next() % 2 == 0 ? 64 : HEAD_BYTES)] = (uint8_t)next();
        put(bytes);
        (void)run();
    }
    put(head);
}

int main(int count, char **words)
{
    if (count != 3)
        return RAN;
    state = strtoull(words[1], NULL, 10) * 2654435761u + 88172645463325252u;
    copy_self(words[0]);
    expect("sound", 0, RAN);
    damage_each();
    expect("sound", 1, RAN);
    damage_at_random(atol(words[2]));
    expect("sound", 2, RAN);
    cut();
    printf("done\n");
    return 0;
}
