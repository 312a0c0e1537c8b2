/* SPDX-License-Identifier: BSD-2-Clause */
/* What a failed ASSERT does in an actor: a line on the log, and the actor ends. */
#include "kit/assert.h"

#include "chorus/calls.h"
#include "chorus/log.h"

void assert_fail(const char *expr, const char *file, int line)
{
    log_print("assertion failed: %s:%d: %s\n", file, line, expr);
    actorDelete(K_MYACTOR);
    for (;;)
        threadDelete(K_MYACTOR,
                     K_MYSELF); /* a thread that serves another actor's call goes home first */
}
