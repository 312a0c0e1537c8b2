/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Learning of an actor's end without asking again and again: a thread makes a call to a port in the
 * actor that the actor does not know of. It is never answered; it ends, with an error, when the
 * port goes with its actor.
 */
#include "boot.h"
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/thread.h"
#include "kit/assert.h"

static void ended(struct child *child)
{
    /* If it was starting, the one who starts it tells. */
    if (child_change(child, CHILD_STARTING, CHILD_ENDED) ||
        !child_change(child, CHILD_READY, CHILD_ENDED))
        return;
    log_print("boot: actor '%s' has ended%s\n", child->line->name,
              child->line->optional ? "" : "; the site cannot do without it");
    if (!child->line->optional)
        svShutdown(1);
}

static void watch(uintptr_t argument)
{
    struct child *child = (struct child *)argument;
    KnIpcDest destination = {.target = child->watched};
    KnMsgDesc request = {0}, reply = {0};
    KnResult status = ipcCall(&request, K_DEFAULTPORT, &destination, &reply, K_NOTIMEOUT);

    ASSERT(status < 0); /* nobody could answer */
    if (status == K_ENOMEM)
        log_print("boot: actor '%s' is not watched: %s\n", child->line->name, strSysError(status));
    else
        ended(child);
}

KnResult child_watch(struct child *child)
{
    KnResult status = portCreate(&child->actor, &child->watched);

    ASSERT(child->state == CHILD_STARTING);
    if (status < 0)
        return status;
    return thread_launch(NULL, watch, (uintptr_t)child, 0, &child->boot->sched);
}
