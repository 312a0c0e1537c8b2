/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals. A signal waits in the queue of a process or of one task until a task that does not block
 * it leaves the Nucleus; there PM delivers it: default action, or a frame on the user's stack and
 * the handler.
 *
 * I1 SIGKILL and SIGSTOP are never blocked, caught or ignored.
 * I2 Ordinary signals (below 32) are pending at most once a queue, but for those of timers; their
 *    siginfo is that of the first. Real-time signals are queued, and come out as they went in.
 */
#ifndef PM_SIGNAL_H
#define PM_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/context.h"
#include "kit/list.h"
#include "mix/linux.h"

struct pm;
struct process;
struct task;

#define SIGNAL_BIT(signal) (UINT64_C(1) << ((signal)-1))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

#define SIGNAL_REALTIME 32    /* the first that is queued each time it is sent */
#define SIGNAL_QUEUE_MAX 1000 /* real-time signals that wait in one queue with what they carry */

struct signal_queue {
    uint64_t set;
    struct list infos; /* struct pending_info, as they came; a signal of the set may have none */
    uint32_t count;    /* of them */
};

void signal_queue_init(struct signal_queue *queue);

/* Takes signals back that wait. */
void signal_queue_drop(struct pm *pm, struct signal_queue *queue, uint64_t signals);

/* What pending signals carry comes from here: nothing is allocated under pm->lock, which guards
 * it. */
struct signal_room {
    struct list spare; /* struct pending_info */
    uint32_t count;
};

/* Takes pm->lock when there is room for so many posts, as far as memory has it. */
void signal_lock(struct pm *pm, uint32_t posts);

/* Posts a signal to a process, or to one task of it; wakes who must act on it. pm->lock is held,
 * by signal_lock. false: the signal waits, but what `info` says more of it is lost for want of
 * room. */
bool signal_post(struct process *process, struct task *task, const struct linux_siginfo *info);

/* Where a signal of the same timer waits, what `info` says of overruns is added to it; false: none
 * does. pm->lock is held. */
bool signal_timer_again(struct process *process, struct task *task,
                        const struct linux_siginfo *info);

/* The same with an info of its own, taking the lock: `code` SI_KERNEL. */
void signal_raise(struct process *process, int32_t signal);

/* A signal's action has changed: if it is ignored now, it waits no more. pm->lock is held. */
void signal_drop_ignored(struct process *process, int32_t signal);

/* Whether a signal that is not blocked waits for the task: a wait must end. */
bool signal_is_pending(const struct task *task);

/* Whether nothing matters to the task any more, since a signal ends it, or its process does: so
 * even a wait for memory or a disk does. */
bool task_is_ending(const struct task *task);

/* Takes a pending signal that is in `wanted`; 0: none. */
int32_t signal_take(struct task *task, uint64_t wanted, struct linux_siginfo *info);

/* Delivers what is pending before the task goes back to user code. `result`: of the call
 * `number`, if a signal cut it short: is_cut_short; else 0. MIX_GONE: the task has ended. */
long signal_deliver(struct task *task, KnThreadCtx *context, long result, uintptr_t number);

/* A synchronous signal of the task itself: a fault, or a broken frame. */
void signal_fault(struct task *task, const struct linux_siginfo *info);

/* A call that waits with a mask of its own (sigsuspend, ppoll): the mask is put back after
 * delivery. */
void signal_mask_for_call(struct task *task, uint64_t mask);

/* A stopped process runs again; its parent is not told. pm->lock is held. */
void process_go_on(struct process *process);

/* Sleeps while the process is stopped. */
void stop_wait(struct process *process);

/* x86_64/sigframe.c: builds a handler's frame on the user's stack; false: the stack is bad. */
bool sigframe_push(struct task *task, KnThreadCtx *context, const struct linux_siginfo *info,
                   const struct linux_sigaction *action, uint64_t blocked_before);

/* rt_sigreturn: puts back what sigframe_push saved. */
long sigframe_pop(struct task *task, KnThreadCtx *context);

#endif
