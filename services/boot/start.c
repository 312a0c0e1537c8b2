/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting one actor; see boot.h. */
#include "boot.h"
#include "chorus/calls.h"
#include "chorus/services.h"
#include "kit/assert.h"
#include "kit/format.h"

bool child_change(struct child *child, enum child_state from, enum child_state to)
{
    uint32_t expected = from;
    KnResult status;

    ASSERT(to > from); /* nobody lives again */
    if (!__atomic_compare_exchange_n(&child->state, &expected, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return false;
    status = eventPost(&child->changed, to != CHILD_STARTING ? CHILD_CHANGED : 0);
    ASSERT(status == K_OK);
    return true;
}

static KnResult program_load(struct child *child, KnStartInfo *start)
{
    const struct composition_actor *line = child->line;
    char member[K_NAMEMAX + 1];
    int length = format(member, sizeof(member), "bin/%s.%s", line->program,
                        line->supervisor ? "supervisor" : "user");

    ASSERT(length > 0 && length <= K_NAMEMAX);
    start->dsArgument = 0;
    return svActorLoad(&child->actor, member, start);
}

static KnResult thread_start(struct child *child, KnStartInfo *start)
{
    KnSchedParms sched = {K_SCHED_RR, (int32_t)child->line->priority};
    KnResult status;

    ASSERT(sched.schedPriority >= K_PRIO_MAX && sched.schedPriority <= K_PRIO_MIN);
    start->dsArgument = SERVICE_ARGUMENT(child->line->threads, child->line->device);
    status = threadCreate(&child->actor, NULL, K_ACTIVE, &sched, start);
    return status < 0 ? status : K_OK;
}

/* Its name, its authority and its program, before it has a thread. */
static KnResult actor_prepare(struct child *child, KnStartInfo *start, const char **doing)
{
    KnResult status = actorName(&child->actor, NULL, (char *)child->line->name);

    if (status == K_OK)
        status = svActorCalls(&child->actor, child->line->calls);
    *doing = "load its program";
    if (status == K_OK)
        status = program_load(child, start);
    if (status != K_OK)
        return status;
    *doing = "watch it";
    status = child_watch(child);
    if (status != K_OK)
        return status;
    *doing = "start it";
    return thread_start(child, start);
}

/* Whoever changes the state first decides. */
static KnResult ready_await(struct child *child, int64_t ready_ns)
{
    KnResult status = eventWait(&child->changed, CHILD_CHANGED, K_EVENT_ANY, NULL, ready_ns);

    if (status != K_OK && child_change(child, CHILD_STARTING, CHILD_ENDED))
        return status;
    return __atomic_load_n(&child->state, __ATOMIC_ACQUIRE) == CHILD_READY ? K_OK : K_ELOST;
}

static KnResult child_try(struct child *child, int64_t ready_ns, const char **doing)
{
    KnStartInfo start;
    KnResult status = actor_prepare(child, &start, doing), gone;

    if (status == K_OK) {
        *doing = "wait until it is ready";
        status = ready_await(child, ready_ns);
    }
    if (status == K_OK)
        return K_OK;
    gone = actorDelete(&child->actor);
    ASSERT(gone == K_OK || gone == K_EUNKNOWN);
    return status;
}

KnResult child_start(struct child *child, int64_t ready_ns, const char **doing)
{
    KnResult status = eventInit(&child->changed);
    bool first = child_change(child, CHILD_NONE, CHILD_STARTING);

    ASSERT(status == K_OK && first);
    *doing = "create it";
    status = actorCreate(K_MYACTOR, &child->actor, composition_privilege(child->line), K_ACTIVE);
    if (status == K_OK)
        status = child_try(child, ready_ns, doing);
    if (status != K_OK)
        (void)child_change(child, CHILD_STARTING, CHILD_ENDED); /* unless that is known */
    return status;
}
