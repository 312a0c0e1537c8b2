/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's processor state. Each thread has a supervisor stack with a guard below it; the Nucleus
 * runs on it with interrupts off, supervisor actors and trap handlers with interrupts on.
 *
 * I1 context_switch is called by the executive only, with interrupts off, and returns when the
 *    thread that called it is switched to again.
 * I2 A user thread's frame (KnThreadCtx) lies at the top of its supervisor stack while it is in the
 *    Nucleus, so context_frame() finds it without being told.
 */
#ifndef MACHINE_CONTEXT_H
#define MACHINE_CONTEXT_H

#include "chorus/context.h"
#include "chorus/types.h"
#include "machine/arch.h"

struct thread;

/* Prepares `thread->machine` so that the first switch to it starts at `start->dsEntry` with
 * dsArgument, in user or supervisor mode as dsPrivilege says. Takes a supervisor stack.
 * Errors: K_ENOMEM, K_EINVAL (an entry or stack a user thread may not have). */
KnResult context_create(struct thread *thread, const KnStartInfo *start);

/* Gives the stack back. The thread is not running on it. */
void context_destroy(struct thread *thread);

void context_switch(struct thread *from, struct thread *to);

/* The idle thread is the boot stack itself: adopts what runs now as `thread`. */
void context_adopt(struct thread *thread);

/* The user registers of a thread that is in the Nucleus or has not started; NULL for a
 * supervisor thread. */
KnThreadCtx *context_frame(struct thread *thread);

/* Makes hostile or impossible register values harmless (flags, selectors, non-canonical addresses)
 * before `context` is installed in a user frame. Returns K_EINVAL if it cannot. */
KnResult context_sanitise(KnThreadCtx *context);

/* The floating-point and vector state: an opaque image of this many bytes (0: the machine has
 * none), read from and put into a thread that is the caller or is not running. Loading checks
 * that the image is harmless: K_EINVAL. */
size_t context_extended_bytes(void);
void context_extended_save(struct thread *thread, void *image);
KnResult context_extended_load(struct thread *thread, const void *image);

/* Calls a supervisor actor's routine with interrupts on, on the current supervisor stack, and
 * returns with interrupts off. */
typedef uintptr_t (*context_routine)(uintptr_t, uintptr_t, uintptr_t);
uintptr_t context_upcall(context_routine routine, uintptr_t a, uintptr_t b, uintptr_t c);

/* For a panic: return addresses of the current thread, innermost first; how many. */
size_t context_backtrace(uintptr_t *address, size_t limit);

#endif
