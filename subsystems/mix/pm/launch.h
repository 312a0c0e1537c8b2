/* SPDX-License-Identifier: BSD-2-Clause */
/* The launch record: what the launcher asked for, as chorus/channel.h describes it. */
#ifndef PM_LAUNCH_H
#define PM_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "subsystems/mix/pm/exec.h"

struct pm;

struct launch {
    uint32_t umask;
    bool same_output; /* standard output and error are one open file */
    bool tty[3];
    const char *directory; /* in `record` */
    const char *path;      /* value of PATH, or NULL */
    char *record;          /* on PM's heap */
    size_t record_bytes;
    struct exec_texts texts;
};

/* Reads and checks the record. 0, or an errno; EINVAL: a key that is not known, or a value that
 * is not understood. */
long launch_read(struct pm *pm, struct launch *launch);

#endif
