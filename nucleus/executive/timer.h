/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a tree ordered by deadline over the machine's one-shot alarm. A timer is a part of the
 * object that waits, so setting one allocates nothing and cannot fail.
 */
#ifndef NUCLEUS_TIMER_H
#define NUCLEUS_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/tree.h"

#define TIMER_NEVER UINT64_MAX

struct timer {
    struct tree_node node;
    uint64_t deadline_ns;
    void (*expire)(struct timer *timer); /* interrupts off; the timer is already out of the tree */
    bool set;
};

struct timers {
    struct tree tree;
    uint64_t armed_ns; /* what the alarm stands at */
    uint32_t count;
};

void timers_init(struct timers *timers);
void timer_init(struct timer *timer, void (*expire)(struct timer *));
void timer_set(struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct timer *timer);

/* Expires what is due and arms the alarm for the next. */
void timers_run(struct timers *timers, uint64_t now_ns);

/* Now plus a delay in ns; a negative delay is never; saturates. */
uint64_t deadline_after(int64_t delay_ns);

#endif
