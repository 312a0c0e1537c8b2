/* SPDX-License-Identifier: BSD-2-Clause */
/* The log. See log.h. */
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "path.h"
#include "report.h"
#include "text.h"

#define SITE 1
#define PREFIX_BYTES 48 /* at most, before each line */
#define OWN_LOG "build/log/run.log"

/* Makes the file under a name of this run alone, then gives it its name. */
static int log_open_own(const char *path)
{
    char *name = text_format("%s.XXXXXX", path);
    char *slash = strrchr(name, '/');

    *slash = '\0';
    if (mkdir(name, 0777) < 0 && errno != EEXIST) {
        *slash = '/';
        free(name);
        return -1;
    }
    *slash = '/';
    int fd = mkostemp(name, O_APPEND | O_CLOEXEC);
    if (fd >= 0 && (fchmod(fd, 0644) < 0 || rename(name, path) < 0)) {
        int error = errno;
        unlink(name);
        close(fd);
        fd = -1;
        errno = error;
    }
    free(name);
    return fd;
}

bool log_create(struct log *log, const char *path, bool own_time)
{
    *log = (struct log){.own_time = own_time, .start_ns = clock_now_ns(), .stamp = "0.000000"};
    if (path != NULL) {
        log->path = text_format("%s", path);
        log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    } else {
        log->path = path_house(OWN_LOG);
        log->fd = log_open_own(log->path);
    }
    if (log->fd < 0)
        report("the log, '%s': %s", log->path, strerror(errno));
    return log->fd >= 0;
}

void log_drop(struct log *log)
{
    if (log->error != 0)
        report("the log, '%s': %s", log->path, strerror(log->error));
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    log->path = NULL;
    log->fd = -1;
}

/* "[S.UUUUUU] ", as the site writes it before a line. Its length, or 0 where there is none. */
static size_t stamp_length(const char *line)
{
    size_t length = strspn(line + (line[0] == '['), " ") + 1;
    size_t seconds = strspn(line + length, "0123456789");

    if (line[0] != '[' || seconds == 0 || seconds > 12 || line[length + seconds] != '.')
        return 0;
    length += seconds + 1;
    size_t micros = strspn(line + length, "0123456789");
    if (micros != 6 || line[length + micros] != ']' || line[length + micros + 1] != ' ')
        return 0;
    return length + micros + 2;
}

static void log_write(struct log *log, char *line)
{
    char whole[PREFIX_BYTES + LOG_LINE_BYTES + 2];

    if (log->own_time) {
        size_t length = stamp_length(line);
        if (length > 0) {
            size_t blanks = 1 + strspn(line + 1, " ");
            snprintf(log->stamp, sizeof(log->stamp), "%.*s", (int)(length - 2 - blanks),
                     line + blanks);
            line += length;
        }
    } else {
        int64_t time_us = (clock_now_ns() - log->start_ns) / 1000;
        snprintf(log->stamp, sizeof(log->stamp), "%lld.%06lld", (long long)(time_us / 1000000),
                 (long long)(time_us % 1000000));
    }
    printable_make(line, strlen(line));
    int length = snprintf(whole, sizeof(whole) - 2, "[%d %s] %s", SITE, log->stamp, line);
    assert(length > 0 && (size_t)length < sizeof(whole) - 2);
    whole[length] = '\n';
    if (!file_write(log->fd, whole, (size_t)length + 1) && log->error == 0)
        log->error = errno;
    if (log->copy == NULL || outlet_room(log->copy) < (size_t)length + 2)
        return; /* without room only for lines of the launcher's own: the file has them */
    if (log->copy_raw)
        whole[length++] = '\r';
    whole[length] = '\n';
    outlet_add(log->copy, whole, (size_t)length + 1);
}

/* A whole line of the site. */
static void site_line(struct log *log, char *line)
{
    static const char mark[] = "panic:";
    const char *text = line + stamp_length(line);

    if (log->panic[0] == '\0' && strncmp(text, mark, sizeof(mark) - 1) == 0) {
        snprintf(log->panic, sizeof(log->panic), "%.*s", LOG_WHY_BYTES - 1, text);
        printable_make(log->panic, strlen(log->panic));
    }
    log_write(log, line);
}

static void emulator_line(struct log *log, char *line)
{
    snprintf(log->complaint, sizeof(log->complaint), "%.*s", LOG_WHY_BYTES - 1, line);
    log_write(log, line);
}

static void origin_end(struct log *log, struct log_origin *origin)
{
    origin->line[origin->length] = '\0';
    origin->length = 0;
    if (origin == &log->site)
        site_line(log, origin->line);
    else
        emulator_line(log, origin->line);
}

static void origin_take(struct log *log, struct log_origin *origin, const char *bytes,
                        size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\r')
            continue;
        if (bytes[i] == '\n') {
            origin_end(log, origin);
            continue;
        }
        if (origin->length == sizeof(origin->line) - 1)
            origin_end(log, origin);
        /* A NUL byte would hide the rest of its line. */
        origin->line[origin->length++] = bytes[i] != '\0' ? bytes[i] : '?';
    }
}

void log_site(struct log *log, const char *bytes, size_t length)
{
    origin_take(log, &log->site, bytes, length);
}

void log_emulator(struct log *log, const char *bytes, size_t length)
{
    origin_take(log, &log->emulator, bytes, length);
}

void log_finish(struct log *log)
{
    if (log->site.length > 0)
        origin_end(log, &log->site);
    if (log->emulator.length > 0)
        origin_end(log, &log->emulator);
}

void log_print(struct log *log, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    va_list list;

    va_start(list, format);
    vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    log_write(log, line);
}

bool log_has_room(const struct log *log, size_t length)
{
    /* In the worst case each byte is a line's end, and each line gets a prefix. */
    return log->copy == NULL ||
           outlet_room(log->copy) >= (length + 1) * (PREFIX_BYTES + 2) + LOG_LINE_BYTES;
}
