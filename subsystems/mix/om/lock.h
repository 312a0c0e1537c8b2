/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes that are taken and given back without fail: neither is abortable, and nobody gives
 * what he has not. */
#ifndef OM_LOCK_H
#define OM_LOCK_H

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
