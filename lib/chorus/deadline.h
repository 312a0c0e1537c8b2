/* SPDX-License-Identifier: BSD-2-Clause */
/* A wait that is tried several times keeps the deadline of the first. */
#ifndef LIB_CHORUS_DEADLINE_H
#define LIB_CHORUS_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/calls.h"

struct deadline {
    int64_t delay_ns; /* as the caller gave it */
    uint64_t end_ns;  /* of the time base; known from the first wait on */
    bool known;
};

/* Waits on `word` as long as the deadline allows. K_OK: look again; or what ends the wait. */
static inline KnResult deadline_wait(struct deadline *deadline, uint32_t *word, uint32_t expected)
{
    int64_t left_ns = deadline->delay_ns;
    uint64_t now_ns;
    KnResult status;

    if (deadline->delay_ns > 0) {
        status = sysTime(&now_ns);
        if (status != K_OK)
            return status;
        if (!deadline->known)
            deadline->end_ns = now_ns + (uint64_t)deadline->delay_ns;
        deadline->known = true;
        left_ns = now_ns < deadline->end_ns ? (int64_t)(deadline->end_ns - now_ns) : 0;
    }
    if (left_ns == 0)
        return K_ETIMEOUT;
    status = syncWait((VmAddr)word, expected, left_ns, K_ABORTABLE);
    return status == K_EAGAIN ? K_OK : status;
}

#endif
