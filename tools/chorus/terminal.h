/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's terminal. While PROGRAM runs, the line discipline is MiX's: the host's passes bytes
 * through unchanged, and is put back as it was however the launcher ends.
 *
 * A terminal that only output goes to keeps its input side, and with it Ctrl-C as a signal: only
 * its output is passed through. A guardian process waits for the launcher's end, for one that is
 * killed restores nothing itself.
 */
#ifndef LAUNCHER_TERMINAL_H
#define LAUNCHER_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct terminal_size {
    uint16_t rows;
    uint16_t columns;
    uint16_t x_pixels;
    uint16_t y_pixels;
};

struct terminal {
    struct {
        int fd; /* one of 0, 1, 2 */
        struct termios before;
        struct termios during;
    } used[3]; /* each terminal once */
    size_t count;
    bool raw;
    pid_t guardian; /* 0: none */
    int leash;      /* a pipe to the guardian, which ends with the launcher */
};

bool terminal_size_read(int fd, struct terminal_size *size);

/* Looks at the three standard streams; changes nothing. */
void terminal_create(struct terminal *terminal);

/* Passes bytes through, with a guardian that is started first. False after one line. */
bool terminal_enter(struct terminal *terminal);

/* Puts it back, for a while or for good. Both may be called at any time. */
void terminal_leave(struct terminal *terminal);
void terminal_drop(struct terminal *terminal);

#endif
