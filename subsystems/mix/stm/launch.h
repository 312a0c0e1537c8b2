/* SPDX-License-Identifier: BSD-2-Clause */
/* What the launch record (chorus/channel.h) says of the launcher's streams. */
#ifndef STM_LAUNCH_H
#define STM_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "mix/linux.h"

struct launch {
    bool icount;           /* no credit is waited for, and no frame comes */
    bool input_is_archive; /* standard input is the archive's member "stdin" */
    bool is_tty[3];        /* by stream */
    bool same_out;         /* standard output and error are one open file */
    struct linux_winsize window;
};

/* Reads a record, or as much of one as there is. What is not about streams is others' business.
 * False: it is no launch record, or of another version. */
bool launch_parse(struct launch *launch, const char *text, uint32_t bytes);

#endif
