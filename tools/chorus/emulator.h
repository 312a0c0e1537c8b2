/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site's machine: QEMU, or whatever program CHORUS_QEMU names and that takes QEMU's words.
 */
#ifndef LAUNCHER_EMULATOR_H
#define LAUNCHER_EMULATOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "image.h"
#include "options.h"

struct emulator {
    pid_t pid;   /* 0: not running */
    int channel; /* a socket; or, in the deterministic mode, a plain file to read when it ended */
    int log;     /* a pipe from the site's log */
    int complaints; /* a pipe from its own standard error */
};

/* Starts the machine with the system archive in `archive`, and with the root's image if it has one.
 * False after one line. */
bool emulator_start(struct emulator *emulator, const struct options *options,
                    const struct root *root, int archive);

/* Kills it if it runs. */
void emulator_drop(struct emulator *emulator);

/* The value that the site wrote to end its machine, from waitpid()'s status; -1 where it did
 * not. */
int emulator_end_value(int status);

#endif
