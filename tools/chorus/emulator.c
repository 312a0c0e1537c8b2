/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site's machine. See emulator.h.
 *
 * All that QEMU opens reaches it as a descriptor, named /proc/self/fd/N: no name in the file
 * system, so nothing stays when it is killed, and no comma in a user's path to be quoted.
 *
 * The machine is a q35 without what no driver of ours wants, which its firmware would look through
 * at each boot. With SeaBIOS it reaches the kernel in 65 ms (75 with all its devices, 63 as "pc").
 * With qboot it takes 30 ms, but qboot leaves the PCI devices without addresses; so does microvm,
 * at 27.
 */
#include "emulator.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "path.h"
#include "report.h"
#include "text.h"

#define MACHINE "q35,sata=off,smbus=off,i8042=off,vmport=off,graphics=off"
/* erms and pku: off, as in the figures that ours are compared with. la57: no need of ours. */
#define PROCESSOR "max,-erms,-pku,-la57"
#define LOG_PORT "0xe9"
#define END_PORT "0xf4"
/* The date at which a deterministic run starts. */
#define FIXED_DATE "2026-01-01T00:00:00"
#define KEPT_MAX 4

/* A command line that is being put together. */
struct words {
    char **words;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void words_add(struct words *words, const char *format,
                                                            ...)
{
    struct text text = {0};
    va_list list;

    va_start(list, format);
    text_print_list(&text, format, list);
    va_end(list);
    words->words = memory_grow(words->words, words->count, sizeof(char *));
    words->words[words->count++] = text.bytes;
}

/* An option of QEMU's and its value. */
#define words_pair(words, option, ...)  \
    do {                                \
        words_add(words, "%s", option); \
        words_add(words, __VA_ARGS__);  \
    } while (0)

static void words_end(struct words *words)
{
    words->words = memory_grow(words->words, words->count, sizeof(char *));
    words->words[words->count] = NULL;
}

static void words_drop(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
}

/* The ends that the machine gets. */
struct machine_ends {
    int channel;
    int log;
    int complaints;
};

static void machine_words(struct words *words, const struct options *options)
{
    const char *program = getenv("CHORUS_QEMU");

    words_add(words, "%s", program != NULL ? program : "qemu-system-x86_64");
    words_pair(words, "-M", MACHINE);
    if (options->icount) {
        words_pair(words, "-accel", "tcg,thread=single");
        words_pair(words, "-icount", "shift=0,sleep=off");
        words_pair(words, "-rtc", "clock=vm,base=" FIXED_DATE);
        words_pair(words, "-seed", "1");
    } else {
        words_pair(words, "-accel", options->kvm ? "kvm" : "tcg");
        words_pair(words, "-rtc", "base=utc");
    }
    words_pair(words, "-cpu", PROCESSOR);
    words_pair(words, "-smp", "1");
    words_pair(words, "-m", "%llu", (unsigned long long)options->memory_mib);
    words_add(words, "-nodefaults");
    words_add(words, "-no-user-config");
    words_pair(words, "-display", "none");
    words_add(words, "-no-reboot");
}

static void device_words(struct words *words, const struct options *options,
                         const struct root *root, const struct machine_ends *ends)
{
    /* In the deterministic mode nothing of the host may decide when a device acts: notifications
     * are handled by the processor's own thread, and what the channel carries goes to a file. */
    const char *notify = options->icount ? ",ioeventfd=off" : "";

    words_pair(words, "-device", "isa-debug-exit,iobase=" END_PORT ",iosize=4");
    words_pair(words, "-chardev", "file,id=log,path=/proc/self/fd/%d", ends->log);
    words_pair(words, "-device", "isa-debugcon,iobase=" LOG_PORT ",chardev=log");
    if (options->icount)
        words_pair(words, "-chardev", "file,id=ch,path=/proc/self/fd/%d", ends->channel);
    else
        words_pair(words, "-chardev", "socket,id=ch,fd=%d", ends->channel);
    words_pair(words, "-device", "virtio-serial-pci,id=serial,max_ports=2,disable-legacy=on%s",
               notify);
    words_pair(words, "-device", "virtserialport,bus=serial.0,nr=%d,chardev=ch,name=%s",
               CHANNEL_PORT_NUMBER, CHANNEL_PORT_NAME);
    if (root->kind == ROOT_TMPFS)
        return;
    /* What is forgotten after the run need not be safe from the host's power cut. */
    words_pair(words, "-drive", "if=none,id=root,format=raw,file=/proc/self/fd/%d,cache=%s",
               root->image, root->kind == ROOT_IMAGE ? "writeback" : "unsafe");
    words_pair(words, "-device", "virtio-blk-pci,drive=root,disable-legacy=on");
}

static void boot_words(struct words *words, const struct options *options, const struct root *root,
                       const char *kernel, int archive)
{
    words_pair(words, "-kernel", "%s", kernel);
    words_pair(words, "-initrd", "/proc/self/fd/%d", archive);
    words_pair(words, "-append", "site=1 domain=1 root=%s%s",
               root->kind == ROOT_TMPFS ? "tmpfs" : "ext2", options->icount ? " icount=1" : "");
}

/* Makes both ends of all that joins the launcher and the machine. */
static bool ends_make(struct emulator *emulator, struct machine_ends *ends, bool icount)
{
    int channel[2];
    int log[2];
    int complaints[2];

    if (pipe2(log, O_CLOEXEC) < 0 || pipe2(complaints, O_CLOEXEC) < 0)
        return false;
    if (icount) {
        channel[0] = file_unnamed();
        channel[1] = fcntl(channel[0], F_DUPFD_CLOEXEC, 0);
        if (channel[1] < 0)
            return false;
    } else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0) {
        return false;
    }
    emulator->channel = channel[0];
    emulator->log = log[0];
    emulator->complaints = complaints[0];
    *ends = (struct machine_ends){
        .channel = channel[1],
        .log = log[1],
        .complaints = complaints[1],
    };
    return fcntl(log[0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(complaints[0], F_SETFL, O_NONBLOCK) == 0 &&
           (icount || fcntl(channel[0], F_SETFL, O_NONBLOCK) == 0);
}

static bool machine_start(struct emulator *emulator, const struct words *words,
                          const struct root *root, int archive, const struct machine_ends *ends)
{
    int kept[KEPT_MAX] = {archive, ends->channel, ends->log};
    size_t kept_count = 3;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (root->image >= 0)
        kept[kept_count++] = root->image;
    assert(kept_count <= KEPT_MAX);
    if (nothing < 0) {
        report("/dev/null: %s", strerror(errno));
        return false;
    }
    struct child child = {
        .words = words->words,
        .input = nothing,
        .output = nothing,
        .error = ends->complaints,
        .kept = kept,
        .kept_count = kept_count,
    };
    pid_t pid = child_start(&child);
    close(nothing);
    emulator->pid = pid > 0 ? pid : 0;
    return pid > 0;
}

bool emulator_start(struct emulator *emulator, const struct options *options,
                    const struct root *root, int archive)
{
    struct machine_ends ends;
    struct words words = {0};
    char *kernel = path_house("build/x86_64/chorus.elf");
    bool done = false;

    *emulator = (struct emulator){.channel = -1, .log = -1, .complaints = -1};
    if (access(kernel, R_OK) < 0) {
        report("%s: %s; has everything been built, by make?", kernel, strerror(errno));
    } else if (!ends_make(emulator, &ends, options->icount)) {
        report("pipes to the machine: %s", strerror(errno));
    } else {
        machine_words(&words, options);
        device_words(&words, options, root, &ends);
        boot_words(&words, options, root, kernel, archive);
        words_end(&words);
        done = machine_start(emulator, &words, root, archive, &ends);
        close(ends.channel);
        close(ends.log);
        close(ends.complaints);
    }
    words_drop(&words);
    free(kernel);
    return done;
}

void emulator_drop(struct emulator *emulator)
{
    if (emulator->pid > 0) {
        kill(emulator->pid, SIGKILL);
        child_wait(emulator->pid);
    }
    if (emulator->log >= 0)
        close(emulator->log);
    if (emulator->complaints >= 0)
        close(emulator->complaints);
    if (emulator->channel >= 0)
        close(emulator->channel);
    *emulator = (struct emulator){.channel = -1, .log = -1, .complaints = -1};
}

int emulator_end_value(int status)
{
    /* QEMU's exit status is then 2 * value + 1. */
    if (!WIFEXITED(status) || WEXITSTATUS(status) % 2 == 0 || WEXITSTATUS(status) == 1)
        return -1;
    return WEXITSTATUS(status) / 2;
}
