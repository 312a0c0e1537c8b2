/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes, after "Futexes are tricky" (Drepper 2005), second design: the word tells whether the
 * holder must wake somebody. Who had to wait takes the mutex as contended, since others may wait
 * still.
 */
#include "chorus/calls.h"
#include "chorus/sync.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2 };

KnResult mutexInit(KnMutex *mutex)
{
    mutex->mtState = FREE;
    return K_OK;
}

KnResult mutexTry(KnMutex *mutex)
{
    uint32_t state = FREE;

    return __atomic_compare_exchange_n(&mutex->mtState, &state, HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED)
               ? K_OK
               : K_EBUSY;
}

KnResult mutexGet(KnMutex *mutex)
{
    if (mutexTry(mutex) == K_OK)
        return K_OK;
    while (__atomic_exchange_n(&mutex->mtState, CONTENDED, __ATOMIC_ACQUIRE) != FREE) {
        KnResult status = syncWait((VmAddr)&mutex->mtState, CONTENDED, K_NOTIMEOUT, 0);

        if (status < 0 && status != K_EAGAIN)
            return status;
    }
    return K_OK;
}

KnResult mutexRel(KnMutex *mutex)
{
    uint32_t state = __atomic_exchange_n(&mutex->mtState, FREE, __ATOMIC_RELEASE);
    KnResult woken;

    if (state == FREE)
        return K_EINVAL;
    if (state == HELD)
        return K_OK;
    woken = syncWake((VmAddr)&mutex->mtState, 1);
    return woken < 0 ? woken : K_OK;
}
