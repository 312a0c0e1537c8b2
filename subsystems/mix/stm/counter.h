/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: streams of one number. A plain one is what its users have written, added up, and a
 * reader takes all of it, or one at a time; a timer counts how often it has expired.
 *
 * I1 A plain counter's value is below COUNTER_END. A timer's is not kept: it follows from the time.
 */
#ifndef STM_COUNTER_H
#define STM_COUNTER_H

#include "kit/places.h"
#include "subsystems/mix/stm/stream.h"

#define COUNTERS_MOST 2048u
#define COUNTER_END UINT64_MAX
#define COUNTER_BYTES 8u /* of a transfer; native, as programs have it */

struct counter {
    struct stream_object object;
    bool is_timer;
    bool by_one; /* a reader takes 1 */
    uint64_t value;
    uint64_t next_ns, interval_ns; /* by sysTime; 0: not set, not again */
    uint64_t taken;                /* by the read that is to be settled */
    bool is_noticed;               /* by a poll: the timer has expired */
    uint64_t number;               /* st_ino */
};

struct counters {
    struct places places;
    uint64_t last_number;
    struct counter counter[COUNTERS_MOST];
};

extern const struct stream_operations counter_operations;

/* Opens a new one with call->opened[0]. 0 or a negated errno. */
int counter_open(struct call *call, const struct stm_counter_in *in);

/* Sets a timer, if `in` says so; tells what it was. -EBADF, -EINVAL: no timer. */
int counter_timer(struct stm *stm, const struct stm_timer_in *in, struct stm_timer_out *out);

#endif
