/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as parts of actors: creating, finding, ending; and the thread* calls. How they run is the
 * executive's.
 *
 * A thread ends itself, at the exit of the Nucleus in its home actor, so that no handler of a
 * subsystem is cut short; somebody else frees what it ran on.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "nucleus/actor.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

static const KnSchedParms default_sched = {K_SCHED_RR, 128};

KnResult thread_create(struct actor *actor, const KnSchedParms *sched, const KnStartInfo *start,
                       struct thread **thread)
{
    struct actors *actors = &site_self()->actors;
    struct thread *created = slab_allocate(&actors->threads);
    KnResult status;

    if (created == NULL)
        return K_ENOMEM;
    thread_executive_init(created, sched);
    list_init(&created->in_actor);
    wait_queue_init(&created->rpc_end);
    created->home = created->execution = actor;
    created->privilege = start->dsPrivilege;
    created->soft_register = start->dsSoftRegister;
    created->space = actor->context->supervisor ? NULL : actor->context->space;
    status = context_create(created, start);
    if (status != K_OK) {
        slab_free(&actors->threads, created);
        return status;
    }
    actors->last_lid = actors->last_lid == INT32_MAX ? 1 : actors->last_lid + 1;
    created->lid = actors->last_lid;
    created->stops = actor->stopped ? THREAD_STOP_ACTOR : 0;
    list_add_tail(&actor->threads, &created->in_actor);
    actor->thread_count++;
    actors->thread_count++;
    *thread = created;
    return K_OK;
}

struct thread *thread_find(struct thread *self, struct actor *actor, KnThreadLid lid)
{
    struct thread *thread;

    if (lid == K_MYSELF)
        return self->home == actor || self->execution == actor ? self : NULL;
    LIST_FOR_EACH(thread, &actor->threads, in_actor) {
        if (thread->lid == lid)
            return thread;
    }
    return NULL;
}

/* ---- End --------------------------------------------------------------------------------- */

/* Off the actor's books and onto the list of what nucleus_reap frees. */
static void thread_retire(struct thread *thread)
{
    struct actor *actor = thread->home;
    struct actors *actors = &site_self()->actors;

    ASSERT(!list_is_linked(&thread->link) && !thread->timeout.set);
    thread->state = THREAD_DEAD;
    list_remove(&thread->in_actor);
    list_add_tail(&actors->dead, &thread->in_actor);
    ASSERT(actor->thread_count > 0);
    actor->thread_count--;
    actor_bury(actor);
}

void thread_kill(struct thread *thread)
{
    if (thread->dying)
        return;
    thread->dying = true;
    if (thread->state == THREAD_NEW) {
        thread_retire(thread);
        return;
    }
    if (thread->state == THREAD_WAITING)
        thread_wake(thread, K_EABORT);
    thread_start(thread, THREAD_STOP_SELF | THREAD_STOP_ACTOR);
    site_self()->cpu.reschedule = true;
}

void thread_exit(void)
{
    struct thread *self = thread_self();

    ASSERT(self->home == self->execution);
    ipc_thread_end(self);
    thread_retire(self);
    executive_exit_thread();
}

void threads_reap(void)
{
    struct actors *actors = &site_self()->actors;

    while (!list_is_empty(&actors->dead)) {
        struct thread *thread = LIST_ENTRY(list_first(&actors->dead), struct thread, in_actor);

        if (thread == thread_self())
            return; /* it is on its way out and still runs on its stack */
        list_remove(&thread->in_actor);
        context_destroy(thread);
        actors->thread_count--;
        slab_free(&actors->threads, thread);
    }
}

/* ---- Calls ------------------------------------------------------------------------------- */

static KnResult thread_argument(struct thread *self, VmAddr cap, KnThreadLid lid,
                                struct actor **actor, struct thread **thread)
{
    KnResult status = actor_argument(self, cap, actor);

    if (status != K_OK)
        return status;
    *thread = thread_find(self, *actor, lid);
    return *thread == NULL ? K_EUNKNOWN : K_OK;
}

KnResult call_threadCreate(struct thread *self, VmAddr cap, VmAddr lid, KnActorStatus status,
                           VmAddr sched, VmAddr start)
{
    struct actor *actor;
    struct thread *created;
    KnSchedParms parms = default_sched;
    KnStartInfo info;
    KnThreadLid none = 0;
    KnResult result = actor_argument(self, cap, &actor);

    if (result == K_OK)
        result = copy_in(&info, start, sizeof(info));
    if (result == K_OK && sched != 0)
        result = copy_in(&parms, sched, sizeof(parms));
    if (result == K_OK && lid != 0)
        result = copy_out(lid, &none, sizeof(none));
    if (result == K_OK)
        result = thread_schedule_check(&parms);
    if (result != K_OK)
        return result;
    if (status > K_STOPPED || info.dsPrivilege > K_SUPTHREAD)
        return K_EINVAL;
    if ((info.dsPrivilege == K_SUPTHREAD) != (actor->privilege == K_SUPACTOR))
        return actor->privilege == K_SUPACTOR ? K_EINVAL : K_EPRIV;
    result = thread_create(actor, &parms, &info, &created);
    if (result != K_OK)
        return result;
    if (lid != 0) {
        result = copy_out(lid, &created->lid, sizeof(created->lid));
        if (result != K_OK) {
            thread_kill(created);
            return result;
        }
    }
    if (status == K_ACTIVE)
        thread_activate(created);
    return created->lid;
}

KnResult call_threadDelete(struct thread *self, VmAddr cap, KnThreadLid lid)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status == K_OK)
        thread_kill(thread);
    return status;
}

KnResult call_threadSelf(struct thread *self)
{
    return self->lid;
}

KnResult call_threadActivate(struct thread *self, VmAddr cap, KnThreadLid lid)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status != K_OK)
        return status;
    if (thread->state != THREAD_NEW)
        return K_EBUSY;
    thread_activate(thread);
    return K_OK;
}

KnResult call_threadStop(struct thread *self, VmAddr cap, KnThreadLid lid)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status == K_OK)
        thread_stop(thread, THREAD_STOP_SELF);
    return status;
}

KnResult call_threadStart(struct thread *self, VmAddr cap, KnThreadLid lid)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status == K_OK)
        thread_start(thread, THREAD_STOP_SELF);
    return status;
}

KnResult call_threadAbort(struct thread *self, VmAddr cap, KnThreadLid lid)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status == K_OK)
        thread_abort(thread);
    return status;
}

KnResult call_threadAborted(struct thread *self)
{
    bool aborted = self->aborted;

    self->aborted = false;
    return aborted;
}

KnResult call_threadDelay(struct thread *self, int64_t delay_ns)
{
    KnResult status;

    if (delay_ns == 0) {
        executive_yield();
        return K_OK;
    }
    status = thread_wait(NULL, call_deadline(self, delay_ns), true);
    return status == K_ETIMEOUT ? K_OK : status;
}

KnResult call_threadScheduler(struct thread *self, VmAddr cap, KnThreadLid lid, VmAddr old,
                              VmAddr new)
{
    struct actor *actor;
    struct thread *thread;
    KnSchedParms parms;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status == K_OK && new != 0)
        status = copy_in(&parms, new, sizeof(parms));
    if (status == K_OK && new != 0)
        status = thread_schedule_check(&parms);
    if (status == K_OK && old != 0) {
        KnSchedParms present = {thread->class, thread->priority};

        status = copy_out(old, &present, sizeof(present));
    }
    if (status == K_OK && new != 0)
        thread_schedule_set(thread, &parms);
    return status;
}

/* Registers, or the vector state, can be had of the caller and of threads that do not run. */
static bool is_at_rest(const struct thread *self, const struct thread *thread)
{
    return thread == self || thread->state == THREAD_NEW || thread->stops != 0 ||
           thread->state == THREAD_WAITING;
}

KnResult call_threadContext(struct thread *self, VmAddr cap, KnThreadLid lid, VmAddr old,
                            VmAddr new)
{
    struct actor *actor;
    struct thread *thread;
    KnThreadCtx registers;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    if (status != K_OK)
        return status;
    KnThreadCtx *frame = context_frame(thread);

    if (frame == NULL)
        return K_EINVAL;
    if (!is_at_rest(self, thread))
        return K_EBUSY;
    if (new != 0) {
        status = copy_in(&registers, new, sizeof(registers));
        if (status == K_OK)
            status = context_sanitise(&registers);
    }
    if (status == K_OK && old != 0)
        status = copy_out(old, frame, sizeof(*frame));
    if (status == K_OK && new != 0)
        *frame = registers;
    return status;
}

KnResult call_threadExtended(struct thread *self, VmAddr cap, KnThreadLid lid, VmAddr old,
                             VmAddr new, VmSize bytes)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);
    size_t image_bytes = context_extended_bytes();

    if (status != K_OK)
        return status;
    if (context_frame(thread) == NULL || bytes < image_bytes)
        return K_EINVAL;
    if (bytes > PAGE_BYTES)
        return K_ETOOMUCH;
    if (!is_at_rest(self, thread))
        return K_EBUSY;
    if (old == 0 && new == 0)
        return (KnResult)image_bytes;
    struct frame *scratch;

    status = frame_allocate(&scratch, FRAME_KERNEL);
    if (status != K_OK)
        return status;
    if (old != 0) {
        context_extended_save(thread, frame_address(scratch));
        status = copy_out(old, frame_address(scratch), image_bytes);
    }
    if (status == K_OK && new != 0)
        status = copy_in(frame_address(scratch), new, image_bytes);
    if (status == K_OK && new != 0)
        status = context_extended_load(thread, frame_address(scratch));
    frame_free(scratch);
    return status == K_OK ? (KnResult)image_bytes : status;
}

/* By address: any word may be in the register, also one that looks like an error. */
KnResult call_threadLoadR(struct thread *self, VmAddr value)
{
    return copy_out(value, &self->soft_register, sizeof(self->soft_register));
}

KnResult call_threadStoreR(struct thread *self, uintptr_t value)
{
    self->soft_register = value;
    return K_OK;
}

KnResult call_threadName(struct thread *self, VmAddr cap, KnThreadLid lid, VmAddr old, VmAddr new)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = thread_argument(self, cap, lid, &actor, &thread);

    return status == K_OK ? name_exchange(thread->name, old, new) : status;
}

static int32_t visible_state(const struct thread *thread)
{
    if (thread->stops != 0 || thread->state == THREAD_NEW)
        return 2;
    return thread->state == THREAD_WAITING;
}

KnResult call_threadStat(struct thread *self, VmAddr cap, uint32_t index, VmAddr stat)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    LIST_FOR_EACH(thread, &actor->threads, in_actor) {
        if (index-- > 0)
            continue;
        uint64_t running_ns = thread == self ? clock_now_ns() - thread->resumed_ns : 0;
        KnThreadStat result = {
            .tsLid = thread->lid,
            .tsState = visible_state(thread),
            .tsSched = {thread->class, thread->priority},
            .tsUsedNs = thread->used_ns + running_ns,
        };
        strlcpy(result.tsName, thread->name, sizeof(result.tsName));
        return copy_out(stat, &result, sizeof(result));
    }
    return K_EEND;
}
