/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: what ties threads, ports, a context and handlers together.
 *
 * I1 An actor that dies gives back everything: threads, ports, regions, interrupt routines, and the
 *    handlers it had installed for others.
 * I2 The handlers of an actor are routines of supervisor actors; they are called with that actor as
 *    execution actor.
 */
#ifndef NUCLEUS_ACTOR_H
#define NUCLEUS_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"
#include "nucleus/executive/executive.h"
#include "nucleus/vm/frame.h"

struct context;

struct actor_handler {
    struct actor *owner; /* NULL: none */
    uintptr_t routine;
    void *cookie;
};

struct actor {
    struct ui_entry name_entry; /* first */
    KnKey key;
    struct list in_site;
    struct list in_dying;
    KnActorPrivilege privilege;
    KnProtId pi;
    bool calls_granted; /* may make Nucleus calls */
    bool stopped;
    struct context *context;
    struct list threads;
    uint32_t thread_count;
    uint32_t visitors;    /* threads that run its handlers, or wait for its memory */
    bool killed;          /* nucleus_reap takes it apart when threads and visitors are gone */
    struct list segments; /* temporary ones, which end with it */
    struct list ports;
    uint32_t port_count;
    int32_t next_li;
    struct wait_queue any_receivers; /* threads that wait for any enabled port */
    struct actor_handler trap, exception, abort;
    struct wait_queue death;
    char name[K_NAMEMAX + 1];
};

#define ACTOR_LIMIT 4096
#define THREAD_LIMIT 4096

struct actors {
    struct slab_pool pool;
    struct slab_pool threads;
    struct list all;
    struct list dying; /* without threads: to be taken apart */
    struct list dead;  /* threads to be freed by somebody else than themselves */
    uint32_t count, thread_count;
    KnThreadLid last_lid;
};

void actors_init(struct actors *actors);

/* With a default port and an empty context. NULL: no memory. */
struct actor *actor_create(KnActorPrivilege privilege);

/* The actor a call names: K_MYACTOR or a capability in the caller's memory. K_EFAULT, K_EUNKNOWN
 * (not here), K_EINVAL (wrong key), STATUS_FAULT. */
KnResult actor_argument(struct thread *self, VmAddr cap, struct actor **actor);

/* Ends an actor: its ports at once, its threads at their next exit from the Nucleus, the rest
 * after them. */
void actor_kill(struct actor *actor);

/* Queues a killed actor for nucleus_reap, once its last thread and visitor have gone. */
void actor_bury(struct actor *actor);

/* A visitor of an actor keeps it, so that it may wait. */
static inline void actor_enter(struct actor *actor)
{
    actor->visitors++;
}

static inline void actor_leave(struct actor *actor)
{
    if (--actor->visitors == 0 && unlikely(actor->killed))
        actor_bury(actor);
}

/* Gets and sets a name of up to K_NAMEMAX characters, as actorName and threadName do; addresses
 * may be 0. */
KnResult name_exchange(char *name, VmAddr old, VmAddr new);

/* ---- thread.c ------------------------------------------------------------------------------ */

/* A new thread, THREAD_NEW. K_ENOMEM, K_EINVAL. */
KnResult thread_create(struct actor *actor, const KnSchedParms *sched, const KnStartInfo *start,
                       struct thread **thread);

/* The thread of `actor` with identifier `lid`, or the caller for K_MYSELF; NULL: none. */
struct thread *thread_find(struct thread *self, struct actor *actor, KnThreadLid lid);

/* Marks a thread's end: it comes at its next exit from the Nucleus in its home actor. */
void thread_kill(struct thread *thread);

/* The end of the current thread. */
_Noreturn void thread_exit(void);

/* Frees threads that have ended. */
void threads_reap(void);

/* Frees what has ended: dead threads, dying actors, dying caches; with preemption points. */
void nucleus_reap(void);

#endif
