/* SPDX-License-Identifier: BSD-2-Clause */
/* What the launcher itself says. See report.h. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LINE_BYTES 8192 /* a path may be half as long */
#define PROGRESS_FIRST_NS 500000000
#define PROGRESS_EACH_NS 200000000

/* Writes all of it to standard error. A failure has nowhere to be told. */
static void standard_error_write(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(STDERR_FILENO, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return;
        bytes += count;
        length -= (size_t)count;
    }
}

void printable_make(char *bytes, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            bytes[i] = '?';
    }
}

void report(const char *format, ...)
{
    static const char name[] = "chorus: ";
    const size_t name_length = sizeof(name) - 1;
    char line[LINE_BYTES];
    va_list list;

    memcpy(line, name, name_length);
    va_start(list, format);
    int count = vsnprintf(line + name_length, LINE_BYTES - name_length - 1, format, list);
    va_end(list);
    if (count < 0)
        return;
    size_t length = strlen(line);
    printable_make(line, length);
    line[length] = '\n';
    standard_error_write(line, length + 1);
}

void progress_start(struct progress *progress, const char *what, uint64_t total)
{
    progress->what = what;
    progress->total = total;
    progress->next_ns = clock_now_ns() + PROGRESS_FIRST_NS;
    progress->shown = 0;
    progress->terminal = isatty(STDERR_FILENO);
}

void progress_show(struct progress *progress, uint64_t done)
{
    if (!progress->terminal)
        return;
    int64_t now_ns = clock_now_ns();
    if (now_ns < progress->next_ns)
        return;
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof(line), "\rchorus: %s: %llu of %llu\033[K", progress->what,
                          (unsigned long long)done, (unsigned long long)progress->total);
    if (length < 0)
        return;
    standard_error_write(line, strlen(line));
    progress->shown = 1;
    progress->next_ns = now_ns + PROGRESS_EACH_NS;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        standard_error_write("\r\033[K", 4);
    progress->shown = 0;
}
