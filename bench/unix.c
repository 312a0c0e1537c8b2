/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures of the UNIX interface, as a plain Linux program: it runs on Chorus and on Linux. Each is
 * the least of several samples, by the processor's time stamp counter, which under -icount counts
 * instructions. Prints a line a figure: name, value.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES 30
#define PAGE 4096
#define PAGES 200
#define CHUNK 65536
#define MIB (1 << 20)

static char chunk[CHUNK];
static const char *self;

static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void figure(const char *name, void (*operation)(void), unsigned repeat)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = now();

        for (unsigned j = 0; j < repeat; j++)
            operation();
        uint64_t took = (now() - start) / repeat;

        best = took < best ? took : best;
    }
    printf("%s %llu\n", name, (unsigned long long)best);
}

static void null_call(void)
{
    (void)getppid();
}

static void fork_exit_wait(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    (void)waitpid(pid, NULL, 0);
}

static void fork_exec(void)
{
    char *const words[] = {(char *)self, "exit", NULL};
    pid_t pid = fork();

    if (pid == 0) {
        (void)execv(self, words);
        _exit(1);
    }
    (void)waitpid(pid, NULL, 0);
}

static void map_unmap(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)munmap(page, PAGE);
}

static void handler(int signal)
{
    (void)signal;
}

static void signal_self(void)
{
    (void)kill(getpid(), SIGUSR1);
}

static void open_close(void)
{
    (void)close(open("/etc/passwd", O_RDONLY));
}

static void stat_file(void)
{
    struct stat buffer;

    (void)stat("/etc/passwd", &buffer);
}

/* One first write to each of many pages; the least of them. */
static void page_figure(const char *name, char *pages)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < PAGES; i++) {
        uint64_t start = now();

        ((volatile char *)pages)[i * PAGE] = 1;
        uint64_t took = now() - start;

        best = took < best ? took : best;
    }
    printf("%s %llu\n", name, (unsigned long long)best);
}

static void faults(void)
{
    char *pages =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid;
    int hold[2];

    page_figure("mix.fault_anonymous", pages);
    if (pipe(hold) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        char byte;

        (void)close(hold[1]);
        (void)!read(hold[0], &byte, 1);
        _exit(0);
    }
    page_figure("mix.fault_copy_on_write", pages);
    (void)close(hold[1]);
    (void)waitpid(pid, NULL, 0);
    (void)close(hold[0]);
    (void)munmap(pages, PAGES * PAGE);
}

static int file;

static void write_mib(void)
{
    (void)lseek(file, 0, SEEK_SET);
    for (int i = 0; i < MIB / CHUNK; i++)
        (void)!write(file, chunk, CHUNK);
}

static void read_mib(void)
{
    (void)lseek(file, 0, SEEK_SET);
    for (int i = 0; i < MIB / CHUNK; i++)
        (void)!read(file, chunk, CHUNK);
}

static int there[2], back[2];

static void pipe_round_trip(void)
{
    char byte = 0;

    (void)!write(there[1], &byte, 1);
    (void)!read(back[0], &byte, 1);
}

static void pipe_self(void)
{
    char byte = 0;

    (void)!write(there[1], &byte, 1);
    (void)!read(there[0], &byte, 1);
}

static void pipes(void)
{
    pid_t pid;
    char byte;

    if (pipe(there) < 0 || pipe(back) < 0)
        return;
    figure("mix.pipe_write_read", pipe_self, 10);
    pid = fork();
    if (pid == 0) {
        (void)close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            (void)!write(back[1], &byte, 1);
        _exit(0);
    }
    figure("mix.pipe_round_trip", pipe_round_trip, 10);
    (void)close(there[1]);
    (void)waitpid(pid, NULL, 0);
}

int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], "exit") == 0)
        _exit(0);
    self = words[0];
    (void)signal(SIGUSR1, handler);
    figure("mix.null_call", null_call, 100);
    figure("mix.fork_exit_wait", fork_exit_wait, 1);
    figure("mix.fork_exec", fork_exec, 1);
    figure("mix.mmap_munmap", map_unmap, 1);
    figure("mix.signal", signal_self, 1);
    figure("mix.open_close", open_close, 1);
    figure("mix.stat", stat_file, 1);
    faults();
    file = open("/tmp/figures", O_RDWR | O_CREAT, 0600);
    figure("mix.tmpfs_write_mib", write_mib, 1);
    figure("mix.tmpfs_read_mib", read_mib, 1);
    pipes();
    return 0;
}
