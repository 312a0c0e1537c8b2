/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulated threads run on the coroutine's stack that the machine gives each. */
#include "lib/chorus/stack.h"

#include "chorus/calls.h"
#include "machine/sim_gate.h"

KnThreadPrivilege stack_privilege(void)
{
    return sim_privilege();
}

KnResult stack_take(VmSize bytes, VmAddr *top)
{
    (void)bytes;
    *top = 0;
    return K_OK;
}

KnResult stack_give(VmAddr top)
{
    (void)top;
    return K_OK;
}

void stack_leave(void)
{
    for (;;)
        threadDelete(K_MYACTOR, K_MYSELF);
}
