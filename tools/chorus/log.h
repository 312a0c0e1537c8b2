/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: lines of the Nucleus, the servers, QEMU and the launcher, each with its site and time.
 *
 *     [1 0.012345] text
 *
 * The time is the host's, in seconds since the launcher started the domain. In the deterministic
 * mode no host time may appear: a line "[S.UUUUUU] text" of the site gives its own, and others have
 * that of the line before. --log FILE is added to; the house's own log is made anew for each run
 * and takes its name in one step, so runs side by side do not mix.
 */
#ifndef LAUNCHER_LOG_H
#define LAUNCHER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outlet.h"

#define LOG_LINE_BYTES 1024 /* a longer line is broken */
#define LOG_WHY_BYTES 256

/* Bytes of one origin that are no whole line yet. */
struct log_origin {
    char line[LOG_LINE_BYTES];
    size_t length;
};

struct log {
    char *path; /* for messages; owned */
    int fd;
    int error; /* of the first line that could not be written; 0: none */
    bool own_time;
    int64_t start_ns;
    char stamp[32]; /* the site's last own time */
    struct log_origin site;
    struct log_origin emulator;
    char panic[LOG_WHY_BYTES];     /* the site's first line that starts "panic:"; "" without */
    char complaint[LOG_WHY_BYTES]; /* the emulator's last line */
    struct outlet *copy;           /* where -v shows it; NULL: nowhere */
    bool copy_raw; /* it is a terminal that needs a CR before LF; follows the terminal */
};

/* Opens it. `path` is --log's, or NULL. False after one line. */
bool log_create(struct log *log, const char *path, bool own_time);
void log_drop(struct log *log);

/* Takes bytes of the site (or of the emulator) as they come. */
void log_site(struct log *log, const char *bytes, size_t length);
void log_emulator(struct log *log, const char *bytes, size_t length);

/* Ends lines that their origin left open. */
void log_finish(struct log *log);

/* A line of the launcher's own. */
void log_print(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the copy can take what comes of reading `length` bytes more. */
bool log_has_room(const struct log *log, size_t length);

#endif
