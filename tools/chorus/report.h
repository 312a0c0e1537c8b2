/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the launcher itself says: one line on standard error, and its exit statuses.
 */
#ifndef LAUNCHER_REPORT_H
#define LAUNCHER_REPORT_H

#include <stdint.h>

enum {
    STATUS_LOST_OUTPUT = 1, /* PROGRAM ended with 0, but its output could not be written */
    STATUS_BAD_USE = 2,
    STATUS_TIMEOUT = 124,
    STATUS_NO_DOMAIN = 125, /* the domain could not start, or died */
    STATUS_SIGNALLED = 128, /* plus the signal's number */
};

/* Writes "chorus: ", the line, and its end, in one piece. Control characters, which can only
 * come from a user's word or from a site, become '?'. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Replaces what could act on a terminal by '?': all control characters but a tab. */
void printable_make(char *bytes, uint64_t length);

/*
 * Progress of long work, as a line on standard error that is overwritten in place; only if that is
 * a terminal, and only once the work has taken half a second.
 */
struct progress {
    const char *what;
    uint64_t total; /* of anything countable */
    int64_t next_ns;
    int shown; /* whether a line has to be wiped */
    int terminal;
};

void progress_start(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress);

#endif
