/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers of a process. The thread that sends SIGALRM posts their signals too.
 *
 * I1 Of a timer at most one signal waits; what expires meanwhile is counted in it.
 *
 * All is guarded by pm->lock.
 */
#ifndef PM_TIMER_H
#define PM_TIMER_H

#include <stdint.h>

#include "kit/list.h"
#include "mix/linux.h"

struct process;

#define TIMERS_MAX 256u /* of one process */

struct timers {
    struct list all; /* struct timer, by `link` */
    uint32_t count;
    int32_t last_id;
};

struct timer {
    struct list link;
    int32_t id;
    uint32_t clock;
    int32_t signal;                /* 0: none is sent */
    int32_t tid;                   /* the task that gets it; 0: the process */
    uint64_t value;                /* what the signal carries */
    uint64_t next_ns, interval_ns; /* by sysTime; 0: not armed, not again */
    int32_t overrun;               /* of the signal that was delivered last */
};

void timers_init(struct timers *timers);

/* exec, and the process' end. */
void timers_end(struct process *process);

/* Posts the signals of what has expired; when the next does: UINT64_MAX if none. */
uint64_t timers_send(struct process *process, uint64_t now_ns);

/* A timer's signal was taken, and tells how often it has expired since it was sent. */
void timer_delivered(struct process *process, const struct linux_siginfo *info);

#endif
