/* SPDX-License-Identifier: BSD-2-Clause */
/* STM's lock is taken and given back without fail: neither is abortable. */
#ifndef STM_LOCK_H
#define STM_LOCK_H

#include "chorus/sync.h"
#include "kit/assert.h"

static inline void lock_take(KnMutex *mutex)
{
    KnResult status = mutexGet(mutex);

    ASSERT(status == K_OK);
}

static inline void lock_give(KnMutex *mutex)
{
    KnResult status = mutexRel(mutex);

    ASSERT(status == K_OK);
}

#endif
