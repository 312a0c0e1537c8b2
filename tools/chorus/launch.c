/* SPDX-License-Identifier: BSD-2-Clause */
/* What to run, for the site. See launch.h. */
#include "launch.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chorus/channel.h"

/*
 * Whether writes to two descriptors must keep their order. So they must if the two are one open
 * file; and if they lead, however they were opened, to one pipe, socket or terminal, or append to
 * one file. Where the kernel cannot tell whether two descriptors of a plain file share their
 * offset, moving one shows it.
 */
static bool descriptors_are_one(int left, int right)
{
    struct stat a;
    struct stat b;

    if (fstat(left, &a) < 0 || fstat(right, &b) < 0)
        return false;
    if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
        return false;
    if (!S_ISREG(a.st_mode))
        return true;
    int left_flags = fcntl(left, F_GETFL);
    int right_flags = fcntl(right, F_GETFL);
    if (left_flags >= 0 && right_flags >= 0 && (left_flags & right_flags & O_APPEND) != 0)
        return true;
    long different = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, left, right);
    if (different >= 0)
        return different == 0;
    off_t before = lseek(right, 0, SEEK_CUR);
    if (lseek(left, 0, SEEK_CUR) != before || lseek(left, 1, SEEK_CUR) < 0)
        return false;
    bool moved = lseek(right, 0, SEEK_CUR) == before + 1;
    return lseek(left, before, SEEK_SET) == before && moved;
}

void streams_look(struct streams *streams)
{
    bool sized = false;

    *streams = (struct streams){0};
    for (int i = 0; i < 3; i++) {
        streams->terminal[i] = isatty(i);
        if (streams->terminal[i] && !sized)
            sized = terminal_size_read(i, &streams->size);
    }
    streams->same = descriptors_are_one(STDOUT_FILENO, STDERR_FILENO);
}

/* A record of the form KEY=VALUE, with its end. */
__attribute__((format(printf, 2, 3))) static void record_add(struct text *record,
                                                             const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_print_list(record, format, list);
    va_end(list);
    text_add(record, "", 1);
}

void launch_write(struct text *record, const struct options *options, const struct root *root,
                  const struct streams *streams)
{
    /* In the deterministic mode the input is a file, whatever it was outside. */
    bool input_is_terminal = streams->terminal[0] && !options->icount;

    record_add(record, "channel=%d", CHANNEL_VERSION);
    if (options->icount)
        record_add(record, "icount=1");
    record_add(record, "root=%s", root->kind == ROOT_TMPFS ? "tmpfs" : "ext2");
    record_add(record, "on=%llu", (unsigned long long)options->on);
    record_add(record, "cwd=%s", options->cwd);
    record_add(record, "umask=022");
    record_add(record, "stdin=%s", options->icount ? "archive" : "channel");
    record_add(record, "tty0=%d", input_is_terminal);
    record_add(record, "tty1=%d", streams->terminal[1]);
    record_add(record, "tty2=%d", streams->terminal[2]);
    record_add(record, "same12=%d", streams->same);
    if (input_is_terminal || streams->terminal[1] || streams->terminal[2]) {
        record_add(record, "rows=%u", streams->size.rows);
        record_add(record, "cols=%u", streams->size.columns);
        record_add(record, "xpixel=%u", streams->size.x_pixels);
        record_add(record, "ypixel=%u", streams->size.y_pixels);
    }
    for (size_t i = 0; i < options->environment_count; i++)
        record_add(record, "env=%s", options->environment[i]);
    for (char *const *word = options->program; *word != NULL; word++)
        record_add(record, "arg=%s", *word);
}
