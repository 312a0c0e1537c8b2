/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results that never leave the Nucleus: what a call must wait for, with nothing held, before it is
 * started again. They lie below every K_E* value. The dispatcher in calls.c acts on them.
 */
#ifndef NUCLEUS_STATUS_H
#define NUCLEUS_STATUS_H

#include "chorus/types.h"

enum {
    STATUS_FAULT = -1001,  /* a page of the caller's memory is missing: see thread->fault */
    STATUS_MEMORY = -1002, /* no free frame now; push-outs are under way */
    STATUS_AGAIN = -1003,  /* a wait happened: check everything again */
};

static inline bool status_is_internal(KnResult status)
{
    return status <= STATUS_FAULT;
}

#endif
