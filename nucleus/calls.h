/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors of the Nucleus: what machines call when a processor enters it, and the one way out.
 *
 * I1 Interrupts are off from the entry to the exit, but for interrupt_window() and upcalls.
 * I2 A call either returns a result for good or is started again from the beginning: after a page
 *    its arguments lie in was brought in, or after a wait.
 */
#ifndef NUCLEUS_CALLS_TABLE_H
#define NUCLEUS_CALLS_TABLE_H

#include <stdbool.h>

#include "chorus/calls.h"
#include "chorus/context.h"
#include "chorus/types.h"
#include "nucleus/executive/timer.h"

struct thread;

#define CALL_WORDS 6
#define CALL_ERROR(error) (UINT32_C(1) << -(error))

struct call_entry {
    KnResult (*handler)(struct thread *self, const uintptr_t *words);
    KnActorPrivilege least; /* privilege of the actor that calls */
    bool waits;
    uint32_t errors; /* those of abi/calls.tbl: CALL_ERROR of each */
};

extern const struct call_entry call_table[K_CALL_LIMIT];
extern const char *const call_names[K_CALL_LIMIT];

/* A Nucleus call by the current thread; number without K_CALLBASE. Picks the next thread on its
 * way out where that is due, so other threads may have run when it returns. */
KnResult nucleus_call(uint32_t number, const uintptr_t *words);

/* When the call in progress has waited long enough: settled at its first start. Negative delay:
 * never. */
uint64_t call_deadline_settle(struct thread *self, int64_t delay_ns);

static inline uint64_t call_deadline(struct thread *self, int64_t delay_ns)
{
    return delay_ns < 0 ? TIMER_NEVER : call_deadline_settle(self, delay_ns);
}

/* A system call of a user thread with a number that is not the Nucleus': its trap owner's. */
void nucleus_trap(KnThreadCtx *context);

/* An exception. `context` is NULL when supervisor code, not user code, was interrupted; the call
 * then returns only if the exception was resolved. */
void nucleus_exception(KnThreadCtx *context, const KnExcInfo *cause);

/* An interrupt source fired; the clock's alarm passed. */
void nucleus_interrupt(uint32_t source);
void nucleus_clock(void);

/* The exit of traps, exceptions and interrupts. `context`: the user frame about to be returned
 * to, else NULL. Switches threads where due and runs abort handlers. Machines call it last, only
 * where what was interrupted had interrupts on. */
void nucleus_leave(KnThreadCtx *context);

/* Prints why, a backtrace and the tail of the trace on the log, and ends the site. */
_Noreturn void panic(const char *text, ...) __attribute__((format(printf, 1, 2)));

#endif
