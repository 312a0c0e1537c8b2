/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What STM tells the Process Manager: signals that terminals and the launcher raise. They are
 * noted under the lock, and sent without it: PM may abort the very thread that sends one.
 */
#ifndef STM_SIGNALS_H
#define STM_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/idl.h"

/* Different ones that can be on their way at once; of two equal ones the second adds nothing. */
#define SIGNALS_MOST 16u

struct call;
struct stm;

struct signal_post {
    uint32_t group;  /* 0: that of the program that the launcher asked for */
    uint32_t signal; /* 0: the launcher asks for the end of the domain */
};

struct signals {
    struct idl_client pm;
    uint32_t count;
    struct signal_post post[SIGNALS_MOST];
};

KnResult signals_init(struct signals *signals);

/* Notes a signal for a group. Under the lock. */
void signals_post(struct stm *stm, uint32_t group, uint32_t signal);
void signals_post_halt(struct stm *stm);
bool signals_are_pending(const struct stm *stm);

/* Sends what is noted. Without the lock. */
void signals_send(struct stm *stm);

/* Sends a signal to the caller's own group, because of what the call wants to do: -EINTR, it has
 * it; -EIO, nobody would let it go on again. */
int signals_stop_caller(struct call *call, uint32_t group, uint32_t signal);

#endif
