/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes, semaphores and event sets: plain structures in their users' memory. The Nucleus keeps
 * nothing of them, so there is no limit and no destroying; getting and releasing what nobody
 * contends for does not enter it. Who must wait does so by syncWait on the structure's word: one
 * that lies in a segment mapped by several actors works between them.
 *
 * Delays are nanoseconds, or K_NOTIMEOUT, or K_NOBLOCK.
 */
#ifndef CHORUS_SYNC_H
#define CHORUS_SYNC_H

#include <stdint.h>

#include "chorus/types.h"

/* ---- Mutex: a lock that its holder may sleep with -------------------------------------------- */

typedef struct {
    uint32_t mtState; /* 0 free, 1 held, 2 held and somebody may wait */
} KnMutex;

KnResult mutexInit(KnMutex *mutex);

/* Waits until the mutex is the caller's. Not abortable, and not for a holder to call again. */
KnResult mutexGet(KnMutex *mutex);

/* K_OK: it is the caller's; K_EBUSY: somebody holds it. */
KnResult mutexTry(KnMutex *mutex);

/* The first of those who wait is woken. K_EINVAL: it was not held. */
KnResult mutexRel(KnMutex *mutex);

/* ---- Semaphore ------------------------------------------------------------------------------- */

typedef struct {
    uint32_t smCount;
    uint32_t smWaiters; /* threads that wait, or are about to */
} KnSem;

KnResult semInit(KnSem *sem, uint32_t count);

/* Takes one. Abortable. Errors: K_ETIMEOUT, K_EABORT. */
KnResult semP(KnSem *sem, int64_t delay_ns);

/* Gives one; may be called by an interrupt handler. K_ETOOMUCH: the count cannot grow further. */
KnResult semV(KnSem *sem);

/* ---- Event set: flags that stay posted until they are cleared -------------------------------- */

typedef struct {
    uint32_t evFlags;
    uint32_t evWaiters;
} KnEventSet;

typedef enum { K_EVENT_ANY = 0, K_EVENT_ALL = 1 } KnEventMode;

KnResult eventInit(KnEventSet *set);

/* Posts flags; may be called by an interrupt handler. */
KnResult eventPost(KnEventSet *set, uint32_t flags);
KnResult eventClear(KnEventSet *set, uint32_t flags);

/* Waits until any, or all, of `flags` are posted; *posted (unless NULL) becomes those of `flags`
 * that are. Abortable. Errors: K_EINVAL (no flags), K_ETIMEOUT, K_EABORT. */
KnResult eventWait(KnEventSet *set, uint32_t flags, KnEventMode mode, uint32_t *posted,
                   int64_t delay_ns);

#endif
