/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores. Who waits is counted before it looks at the count for the last time, and who gives
 * looks at the waiters after it has changed the count; so one of the two sees the other.
 */
#include "chorus/calls.h"
#include "chorus/sync.h"
#include "lib/chorus/deadline.h"

KnResult semInit(KnSem *sem, uint32_t count)
{
    *sem = (KnSem){count, 0};
    return K_OK;
}

static bool take(KnSem *sem)
{
    uint32_t count = __atomic_load_n(&sem->smCount, __ATOMIC_RELAXED);

    while (count > 0)
        if (__atomic_compare_exchange_n(&sem->smCount, &count, count - 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

KnResult semP(KnSem *sem, int64_t delay_ns)
{
    struct deadline deadline = {.delay_ns = delay_ns};
    KnResult status = K_OK;

    if (take(sem))
        return K_OK;
    __atomic_add_fetch(&sem->smWaiters, 1, __ATOMIC_SEQ_CST);
    while (status == K_OK && !take(sem))
        status = deadline_wait(&deadline, &sem->smCount, 0);
    __atomic_sub_fetch(&sem->smWaiters, 1, __ATOMIC_SEQ_CST);
    return status;
}

KnResult semV(KnSem *sem)
{
    uint32_t count = __atomic_load_n(&sem->smCount, __ATOMIC_RELAXED);
    KnResult woken = K_OK;

    do {
        if (count == UINT32_MAX)
            return K_ETOOMUCH;
    } while (!__atomic_compare_exchange_n(&sem->smCount, &count, count + 1, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    if (__atomic_load_n(&sem->smWaiters, __ATOMIC_SEQ_CST) > 0)
        woken = syncWake((VmAddr)&sem->smCount, 1);
    return woken < 0 ? woken : K_OK;
}
