/* SPDX-License-Identifier: BSD-2-Clause */
/* Event sets. A waiter sleeps on the very flags it found wanting, so a post in between wakes it. */
#include "chorus/calls.h"
#include "chorus/sync.h"
#include "lib/chorus/deadline.h"

KnResult eventInit(KnEventSet *set)
{
    *set = (KnEventSet){0, 0};
    return K_OK;
}

KnResult eventPost(KnEventSet *set, uint32_t flags)
{
    KnResult woken = K_OK;

    __atomic_or_fetch(&set->evFlags, flags, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&set->evWaiters, __ATOMIC_SEQ_CST) > 0)
        woken = syncWake((VmAddr)&set->evFlags, UINT32_MAX);
    return woken < 0 ? woken : K_OK;
}

KnResult eventClear(KnEventSet *set, uint32_t flags)
{
    __atomic_and_fetch(&set->evFlags, ~flags, __ATOMIC_SEQ_CST);
    return K_OK;
}

static bool satisfied(uint32_t posted, uint32_t flags, KnEventMode mode)
{
    return mode == K_EVENT_ALL ? (posted & flags) == flags : (posted & flags) != 0;
}

KnResult eventWait(KnEventSet *set, uint32_t flags, KnEventMode mode, uint32_t *posted,
                   int64_t delay_ns)
{
    struct deadline deadline = {.delay_ns = delay_ns};
    KnResult status = K_OK;
    uint32_t now;

    if (flags == 0 || (mode != K_EVENT_ANY && mode != K_EVENT_ALL))
        return K_EINVAL;
    __atomic_add_fetch(&set->evWaiters, 1, __ATOMIC_SEQ_CST);
    now = __atomic_load_n(&set->evFlags, __ATOMIC_SEQ_CST);
    while (status == K_OK && !satisfied(now, flags, mode)) {
        status = deadline_wait(&deadline, &set->evFlags, now);
        now = __atomic_load_n(&set->evFlags, __ATOMIC_SEQ_CST);
    }
    __atomic_sub_fetch(&set->evWaiters, 1, __ATOMIC_SEQ_CST);
    if (status == K_OK && posted != NULL)
        *posted = now & flags;
    return status;
}
