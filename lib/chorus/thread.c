/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Launching threads. The new thread finds its function in its soft register, so launching needs no
 * memory that both threads would have to agree on when to free.
 */
#include "chorus/thread.h"

#include "chorus/calls.h"
#include "lib/chorus/stack.h"

#define DEFAULT_STACK_BYTES 16384

static void launched(uintptr_t argument)
{
    uintptr_t entry;

    if (threadLoadR(&entry) == K_OK)
        ((void (*)(uintptr_t))entry)(argument);
    thread_finish();
}

KnResult thread_launch(KnThreadLid *lid, void (*entry)(uintptr_t argument), uintptr_t argument,
                       VmSize stack_bytes, KnSchedParms *sched)
{
    KnStartInfo start = {.dsEntry = (VmAddr)launched,
                         .dsArgument = argument,
                         .dsPrivilege = stack_privilege(),
                         .dsSoftRegister = (uintptr_t)entry};
    KnThreadLid created;
    KnResult status;

    status =
        stack_take(stack_bytes == 0 ? DEFAULT_STACK_BYTES : stack_bytes, &start.dsUserStackPointer);
    if (status != K_OK)
        return status;
    status = threadCreate(K_MYACTOR, lid == NULL ? &created : lid, K_ACTIVE, sched, &start);
    if (status < 0)
        stack_give(start.dsUserStackPointer);
    return status < 0 ? status : K_OK;
}

void thread_finish(void)
{
    stack_leave();
}
