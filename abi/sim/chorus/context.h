/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The "registers" of a simulated user thread: what a handler may see and change of a call it
 * trapped. Of a thread that has not started, `number` is the address where it will, and words[0]
 * its argument.
 */
#ifndef CHORUS_CONTEXT_H
#define CHORUS_CONTEXT_H

#include <stdint.h>

#include "chorus/types.h"

struct KnThreadCtx {
    uintptr_t number;   /* of the trap */
    uintptr_t words[6]; /* its arguments */
    uintptr_t result;   /* what the trap returns */
};

#endif
