/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting programs: execve, and the first program of the domain. */
#ifndef PM_EXEC_H
#define PM_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "chorus/context.h"

struct task;

/* Arguments and environment: strings one after the other, each with its NUL, first all
 * arguments. */
struct exec_texts {
    char *bytes; /* on PM's heap */
    size_t room_bytes;
    size_t used_bytes;
    uint32_t argument_count;
    uint32_t environment_count;
};

/* Makes `path`, opened with `flags`, the program of the calling task's process; fills `context` for
 * its first instruction. 0, or the errno while the old program still stands; after the point of no
 * return a failure kills the process. */
long exec_program(struct task *task, KnThreadCtx *context, const char *path, uint32_t flags,
                  struct exec_texts *texts);

#endif
