/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls by which supervisor actors take interrupts, traps, exceptions and aborts. */
#include "machine/interrupt.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus_calls.h"

KnResult call_svItConnect(struct thread *self, uint32_t source, KnItHdl routine, VmAddr cookie,
                          uint32_t priority)
{
    const struct interrupt_handler model = {.actor = self->execution,
                                            .routine = routine,
                                            .cookie = (void *)cookie,
                                            .source = source,
                                            .priority = priority};

    if (source >= INTERRUPT_SOURCES || routine == NULL)
        return K_EINVAL;
    return supervisor_connect(&site_self()->supervisor, &model);
}

KnResult call_svItDisconnect(struct thread *self, uint32_t source, KnItHdl routine, VmAddr cookie)
{
    const struct interrupt_handler model = {.actor = self->execution,
                                            .routine = routine,
                                            .cookie = (void *)cookie,
                                            .source = source};

    if (source >= INTERRUPT_SOURCES)
        return K_EUNKNOWN;
    return supervisor_disconnect(&site_self()->supervisor, &model);
}

KnResult call_svItMessage(struct thread *self, VmAddr message)
{
    KnItMessage result = {0, 0, 0};
    KnResult status = copy_out(message, &result, sizeof(result));

    if (status == K_OK)
        status = supervisor_message(&site_self()->supervisor, self->execution, &result);
    return status == K_OK ? copy_out(message, &result, sizeof(result)) : status;
}

static KnResult set_handler(struct thread *self, struct actor_handler *handler, uintptr_t routine,
                            VmAddr cookie)
{
    if (routine == 0)
        *handler = (struct actor_handler){NULL, 0, NULL};
    else
        *handler = (struct actor_handler){self->execution, routine, (void *)cookie};
    return K_OK;
}

KnResult call_svTrapConnect(struct thread *self, VmAddr cap, KnTrapHdl routine, VmAddr cookie)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    if (actor->trap.owner != NULL && actor->trap.owner != self->execution)
        return K_EBUSY;
    return set_handler(self, &actor->trap, (uintptr_t)routine, cookie);
}

KnResult call_svExcHandler(struct thread *self, VmAddr cap, KnExcHdl routine, VmAddr cookie)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    return status == K_OK ? set_handler(self, &actor->exception, (uintptr_t)routine, cookie)
                          : status;
}

KnResult call_svAbortHandler(struct thread *self, VmAddr cap, KnAbortHdl routine, VmAddr cookie)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    return status == K_OK ? set_handler(self, &actor->abort, (uintptr_t)routine, cookie) : status;
}
