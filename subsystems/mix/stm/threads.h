/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that serve. A call that has to wait keeps its thread, so there are as many as calls
 * that wait, and a few that are free to serve those which end the waits: threads are started as
 * calls wait, up to a bound, and end when too many are free.
 *
 * The receive loop is STM's own, for two reasons beside the number of threads. A reply is sent
 * under the lock, straight from a pipe's ring, and what it carries is taken out of the ring when it
 * is known to have arrived. And a body stays in the Nucleus until it is known where it goes.
 *
 * I1 At least one thread is free at any time: a call that would take the last one gets -ENOMEM.
 */
#ifndef STM_THREADS_H
#define STM_THREADS_H

#include <stdint.h>

#include "chorus/types.h"

/* More than MiX has tasks that could wait. */
#define THREADS_MOST 1100u
/* Between these many are free, as long as there is memory; no further one is started, and none
 * ends. */
#define THREADS_FREE_LEAST 2u
#define THREADS_FREE_MOST 8u
#define THREADS_STACK_BYTES 8192u

struct stm;

struct threads {
    int32_t port;
    KnSchedParms sched; /* of all */
    uint32_t most;
    uint32_t count;  /* that serve */
    uint32_t parked; /* of them, in calls that wait */
};

/* Starts the first ones; they serve requests to the port `li`. `most` 0: THREADS_MOST. */
KnResult threads_start(struct stm *stm, int32_t li, uint32_t most);

/* The calling thread is about to wait in a call, and has done so. Under the lock. */
int threads_park(struct stm *stm);
void threads_unpark(struct stm *stm);

#endif
