/* SPDX-License-Identifier: BSD-2-Clause */
/* Supervisor threads run on the stack that the Nucleus gives each thread. */
#include "lib/chorus/stack.h"

#include "chorus/calls.h"

KnThreadPrivilege stack_privilege(void)
{
    return K_SUPTHREAD;
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
