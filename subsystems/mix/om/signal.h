/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting, under a lock, for something that changes under that lock. Who waits looks again at what
 * he waits for; everybody is woken.
 */
#ifndef OM_SIGNAL_H
#define OM_SIGNAL_H

#include <stdint.h>

#include "chorus/calls.h"
#include "subsystems/mix/om/lock.h"

struct signal {
    uint32_t changes; /* both guarded by the lock */
    uint32_t waiters;
};

/* Gives the lock while it waits, no longer than `delay_ns` or, with K_NOTIMEOUT, as long as it
 * takes. */
static inline void signal_wait_for(struct signal *signal, KnMutex *lock, int64_t delay_ns)
{
    uint32_t seen = signal->changes;
    KnResult status;

    signal->waiters++;
    lock_give(lock);
    status = syncWait((VmAddr)&signal->changes, seen, delay_ns, 0);
    ASSERT(status == K_OK || status == K_EAGAIN || status == K_ETIMEOUT);
    lock_take(lock);
    signal->waiters--;
}

static inline void signal_wait(struct signal *signal, KnMutex *lock)
{
    signal_wait_for(signal, lock, K_NOTIMEOUT);
}

/* The lock is held. */
static inline void signal_all(struct signal *signal)
{
    KnResult status;

    if (signal->waiters == 0)
        return;
    __atomic_add_fetch(&signal->changes, 1, __ATOMIC_RELEASE);
    status = syncWake((VmAddr)&signal->changes, UINT32_MAX);
    ASSERT(status >= 0);
}

#endif
