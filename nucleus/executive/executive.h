/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time executive: 256 priorities, 0 highest; first in first out, round robin and time
 * sharing; waits with a deadline that an abort can end. One processor a site today: struct cpu
 * holds what is its own.
 *
 * I1 The highest run queue that is not empty has nobody above `current`, once reschedule was
 *    honoured.
 * I2 An unblocked thread goes to the tail of its queue, a preempted one to the head.
 * I3 A thread that was unblocked and is better than all that are queued is not queued but handed:
 *    as a rule whoever unblocked it waits next, as in an RPC, and it runs at once. Anything else
 *    that happens to the queues puts it into its own first.
 */
#ifndef NUCLEUS_EXECUTIVE_H
#define NUCLEUS_EXECUTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/bitmap.h"
#include "kit/list.h"
#include "nucleus/executive/thread.h"
#include "nucleus/executive/timer.h"
#include "nucleus/executive/ui.h"

#define EXECUTIVE_PRIORITIES 256
#define EXECUTIVE_QUANTUM_NS UINT64_C(10000000)

struct executive {
    struct priomap ready_map;
    struct list ready[EXECUTIVE_PRIORITIES];
    struct thread *handed; /* I3; NULL */
    struct timers timers;
    struct timer quantum; /* ends the current thread's turn */
    struct ui_table names;
    uint64_t universal_offset_ns; /* univTime minus sysTime */
    uint64_t switches;
};

void executive_init(struct executive *executive);

/* Gives a new thread scheduling parameters; checks them: K_EINVAL. */
KnResult thread_schedule_check(const KnSchedParms *parms);
void thread_schedule_set(struct thread *thread, const KnSchedParms *parms);
void thread_executive_init(struct thread *thread, const KnSchedParms *parms);

/* A new thread becomes eligible. */
void thread_activate(struct thread *thread);

/* Each reason (THREAD_STOP_*) on its own: the thread runs only while there is none. */
void thread_stop(struct thread *thread, uint32_t why);
void thread_start(struct thread *thread, uint32_t why);

/* The current thread waits in `queue` (NULL: only for the deadline, or for thread_wake). Returns
 * what it was woken with, K_ETIMEOUT, or K_EABORT if abortable. An abort that came before
 * counts. */
KnResult thread_wait(struct wait_queue *queue, uint64_t deadline_ns, bool abortable);

/* Ends the wait of `thread` with `status`. */
void thread_wake(struct thread *thread, KnResult status);

void wait_queue_init(struct wait_queue *queue);
struct thread *wait_queue_first(struct wait_queue *queue);
bool wait_queue_wake_one(struct wait_queue *queue, KnResult status);
uint32_t wait_queue_wake_all(struct wait_queue *queue, KnResult status);

/* threadAbort: ends an abortable wait with K_EABORT, else leaves the mark for the next. */
void thread_abort(struct thread *thread);

/* For wait.c: the current thread, which waits or is queued, gives the processor to the best
 * other; a woken thread joins its run queue unless it is stopped. */
void executive_switch_away(void);
void thread_make_ready(struct thread *thread);

/* Where the current thread stops being eligible for good (it is THREAD_DEAD). */
_Noreturn void executive_exit_thread(void);

/* Switches to the best thread if that is due. */
void executive_preempt(void);

/* The current thread goes behind its equals. */
void executive_yield(void);

/* In the middle of long work with nothing half made: lets interrupts and better threads in. */
void executive_preemption_point(void);

/* The machine's alarm: timers and quanta. */
void executive_clock(void);

#endif
