/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that is being served: what its operation may ask for, and what is still to be settled
 * when its reply has been sent.
 *
 * I1 The thread that serves a call holds STM's lock from the moment the request is there until its
 *    reply is settled, except in call_wait and between call_leave and call_enter.
 */
#ifndef STM_CALL_H
#define STM_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/stm.h"
#include "subsystems/mix/stm/stream.h"

/* As much of a request's body is received with it; more is fetched when it is known where to. */
#define CALL_BODY_BYTES 512u
#define CALL_ANSWER_BYTES 256u

struct call {
    struct stm *stm;
    uint32_t body_bytes; /* of the whole body */

    /* What became of the reply; NULL: nobody wants to know. */
    void (*settle)(struct call *call, bool done);
    struct transfer transfer;
    struct stream *opened[2]; /* for nobody, if the reply does not arrive */

    uint8_t body[CALL_BODY_BYTES];
    uint8_t answer[CALL_ANSWER_BYTES];
};

/* Waits in a queue, at most `timeout_ns` (0: as long as it takes). 0: look again; -ETIMEDOUT;
 * -EINTR: the client has gone; -ENOMEM: no thread can be had that serves meanwhile. */
int call_wait(struct call *call, struct wait_queue *queue, uint64_t timeout_ns);

/* The same for a waiter whose links its owner has entered and takes out. */
int call_sleep(struct call *call, struct waiter *waiter, uint64_t timeout_ns);

/* The first bytes of the request's body to memory. `resident` tells that the memory has been
 * written to before: it can then be without the Nucleus. 0 or -ENOMEM. */
int call_fetch(struct call *call, VmAddr to, uint32_t bytes, bool resident);

/* The lock is given back, for a call to another server; what was looked up must be looked up
 * again. */
void call_leave(struct call *call);
void call_enter(struct call *call);

#endif
