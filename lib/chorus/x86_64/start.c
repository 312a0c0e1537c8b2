/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a program starts on x86-64: its first thread comes here with the argument it was created
 * with. The state struct is a region, so it is zeroed, and freed with the actor.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"

extern const struct actor_program actor_program;

_Noreturn void _start(uintptr_t argument);

_Noreturn static void end(void)
{
    actorDelete(K_MYACTOR);
    for (;;)
        threadDelete(K_MYACTOR, K_MYSELF);
}

void _start(uintptr_t argument)
{
    KnRgnDesc region = {.size = actor_program.state_bytes,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    KnResult status = rgnAllocate(K_MYACTOR, &region);

    if (status != K_OK) {
        log_print("%s: no memory for its state: %s\n", actor_program.name, strSysError(status));
        end();
    }
    actor_program.main((void *)region.startAddr, argument);
    end();
}
