/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors of the Nucleus: dispatch of calls with their restarts, traps to their owners,
 * exceptions to their handlers, interrupts to their sequences, and the one exit.
 */
#include "nucleus/calls.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

uint64_t call_deadline_settle(struct thread *self, int64_t delay_ns)
{
    if (self->call_deadline_ns == 0)
        self->call_deadline_ns = deadline_after(delay_ns);
    return self->call_deadline_ns;
}

/* Does what a call needs before it is started again. K_OK: start it again. */
static KnResult settle(KnResult status)
{
    switch (status) {
    case STATUS_FAULT:
        status = context_resolve();
        break;
    case STATUS_MEMORY:
        return frame_wait();
    default:
        ASSERT(status == STATUS_AGAIN);
        status = K_OK;
        break;
    }
    executive_preemption_point();
    return status;
}

/* An error of settling as the caller of a Nucleus call sees it. */
static KnResult settle_error(KnResult status)
{
    switch (status) {
    case K_ENOMEM:
    case K_EABORT:
        return status;
    default:
        return K_EFAULT; /* the page's data cannot be had */
    }
}

static KnResult run(struct thread *self, const struct call_entry *entry, const uintptr_t *words)
{
    const struct frames *frames = &site_self()->vm.frames;

    for (;;) {
        uint64_t refusals = frames->refusals;
        KnResult status = entry->handler(self, words);

        /* A table or a pool that could not grow may, when push-outs have made room. */
        if (unlikely(status == K_ENOMEM) && frames->refusals != refusals)
            status = frame_shortage();
        if (likely(!status_is_internal(status)))
            return status;
        status = settle(status);
        if (status == K_OK && self->dying)
            status = K_EABORT;
        if (status != K_OK)
            return self->call_partial > 0 ? self->call_partial : settle_error(status);
    }
}

/* What the call's page tells of, and what any call with an address may meet while the page there is
 * brought in. */
static bool may_give(const struct call_entry *entry, KnResult error)
{
    if (error == K_ENOMEM || error == K_EABORT)
        return (entry->errors & (CALL_ERROR(error) | CALL_ERROR(K_EFAULT))) != 0;
    return (entry->errors & CALL_ERROR(error)) != 0;
}

/* Keeps what errors each call has given. The first that a call may not give is told on the log. */
static void error_given(struct site *site, uint32_t number, KnResult error)
{
    ASSERT(error < 0 && error > -32);
    site->errors_given[number] |= CALL_ERROR(error);
    if (!may_give(&call_table[number], error) && site->stray_errors++ == 0)
        site_log("nucleus: %s gave error %d, which is not in its list\n", call_names[number],
                 (int)error);
}

static inline bool something_to_reap(const struct site *site)
{
    return !list_is_empty(&site->actors.dead) || !list_is_empty(&site->actors.dying) ||
           !list_is_empty(&site->vm.caches.dying);
}

/* The exit: what has ended is freed, a better thread gets the processor, a dying one ends. */
static void leave(struct thread *self)
{
    struct site *site = site_self();

    if (unlikely(something_to_reap(site)))
        nucleus_reap();
    if (site->cpu.reschedule)
        executive_preempt();
    if (unlikely(self->dying) && self->home == self->execution)
        thread_exit();
}

static void call_end(struct thread *self)
{
    self->call_progress = 0;
    self->call_partial = 0;
    self->call_deadline_ns = 0;
    if (unlikely(self->draft != NULL || self->arrived != NULL ||
                 self->rpc.state != TRANSACTION_IDLE))
        ipc_call_end(self);
    self->replied = false;
}

/* In an interrupt handler: only what neither waits nor touches a caller's memory. */
static KnResult call_from_interrupt(uint32_t number, const uintptr_t *words)
{
    if (number != K_CALL_syncWake && number != K_CALL_sysTime)
        return K_EBUSY;
    KnResult status = call_table[number].handler(thread_self(), words);

    return status_is_internal(status) ? K_EFAULT : status; /* nobody brings a page in from here */
}

KnResult nucleus_call(uint32_t number, const uintptr_t *words)
{
    struct site *site = site_self();
    struct thread *self = site->cpu.current;
    KnResult result;

    if (unlikely(number >= K_CALL_LIMIT || call_table[number].handler == NULL))
        return K_ENOTIMP;
    const struct call_entry *entry = &call_table[number];

    /* The thread that was interrupted, maybe the idle one, says nothing about who calls. */
    if (unlikely(site->cpu.interrupt_depth > 0))
        return call_from_interrupt(number, words);
    if (unlikely(self->execution->privilege < entry->least || !self->execution->calls_granted)) {
        site->errors_given[number] |= CALL_ERROR(K_EPRIV);
        return K_EPRIV;
    }
    site->calls++;
    trace_add(&site->trace, TRACE_CALL, (uint32_t)self->lid, number, words[0], words[1]);
    result = run(self, entry, words);
    if (unlikely(result < 0) && !self->dying)
        error_given(site, number, result);
    call_end(self);
    trace_add(&site->trace, TRACE_RETURN, (uint32_t)self->lid, number, (uintptr_t)result, 0);
    leave(self);
    return result;
}

/* ---- Handlers of subsystems -------------------------------------------------------------- */

/* Runs a handler in the current thread, with the handler's actor as execution actor. */
static uintptr_t upcall(struct thread *self, const struct actor_handler *handler, uintptr_t a,
                        uintptr_t b)
{
    struct actor *former = self->execution;
    struct actor *owner = handler->owner;
    uintptr_t result;

    self->execution = owner;
    actor_enter(owner);
    result = context_upcall((context_routine)handler->routine, a, b, (uintptr_t)handler->cookie);
    self->execution = former;
    actor_leave(owner);
    return result;
}

void nucleus_trap(KnThreadCtx *context)
{
    struct thread *self = thread_self();
    const struct actor_handler *handler = &self->home->trap;

    if (unlikely(handler->owner == NULL)) {
        const KnExcInfo info = {.excCause = K_EXC_CALL};

        nucleus_exception(context, &info);
        return;
    }
    (void)upcall(self, handler, (uintptr_t)context, self->soft_register);
}

static const char *const cause_names[] = {
    [K_EXC_PAGE] = "no access",        [K_EXC_MAPPER] = "data not to be had",
    [K_EXC_MEMORY] = "no memory",      [K_EXC_ILLEGAL] = "illegal instruction",
    [K_EXC_ARITHMETIC] = "arithmetic", [K_EXC_FLOAT] = "floating point",
    [K_EXC_ALIGN] = "alignment",       [K_EXC_BREAKPOINT] = "breakpoint",
    [K_EXC_STEP] = "single step",      [K_EXC_CALL] = "system call without an owner",
    [K_EXC_OTHER] = "other",
};

static void report_death(const struct thread *self, const struct actor *actor,
                         const KnExcInfo *info)
{
    site_log("actor %s ended: %s at address %#lx, pc %#lx, thread %d, code %u\n",
             actor->name[0] != '\0' ? actor->name : "(unnamed)", cause_names[info->excCause],
             (unsigned long)info->excAddress, (unsigned long)info->excPc, (int)self->lid,
             info->excCode);
}

/* An abort ends the wait for the page only where a handler is told of it; else it is for the
 * thread's next wait, and the page comes first. */
static KnResult fault_in(struct thread *self, const KnExcInfo *info)
{
    bool aborted = false;
    KnResult status;

    for (;;) {
        status = context_fault(self->home->context, info->excAddress, info->excAccess);
        if (status != K_EABORT || self->dying || self->home->abort.owner != NULL)
            break;
        aborted = true;
    }
    self->aborted |= aborted;
    return status;
}

/* Resolves a fault in the home actor's memory. false: it is an exception, and `info` says which. */
static bool resolve_fault(struct thread *self, KnExcInfo *info)
{
    KnResult status = fault_in(self, info);

    switch (status) {
    case K_OK:
        return true;
    case K_EABORT:
        /* the abort handler runs at the exit, then the access is tried again */
        self->aborted = true;
        return true;
    case K_EFAULT:
        return false;
    case K_ENOMEM:
        info->excCause = K_EXC_MEMORY;
        return false;
    default:
        info->excCause = K_EXC_MAPPER;
        return false;
    }
}

/* Supervisor memory comes by demand, like any; what a handler of interrupts touches must have
 * been touched before. */
static bool resolve_supervisor_fault(const KnExcInfo *info)
{
    struct site *site = site_self();

    return info->excCause == K_EXC_PAGE && site->cpu.interrupt_depth == 0 &&
           context_fault(&site->vm.contexts.supervisor, info->excAddress, info->excAccess) == K_OK;
}

/* Supervisor code failed. Its actor ends, where it runs in a thread of its own; in a thread of
 * another there is no way back through what it had begun. */
static void supervisor_exception(struct thread *self, const KnExcInfo *info)
{
    struct actor *actor = self->execution;

    if (!actor->context->supervisor || self->home != actor || site_self()->cpu.interrupt_depth > 0)
        panic("exception in supervisor code: %s, address %#lx, pc %#lx, actor %s",
              cause_names[info->excCause], (unsigned long)info->excAddress,
              (unsigned long)info->excPc, actor->name);
    report_death(self, actor, info);
    actor_kill(actor);
    thread_exit();
}

void nucleus_exception(KnThreadCtx *context, const KnExcInfo *cause)
{
    struct site *site = site_self();
    struct thread *self = site->cpu.current;
    KnExcInfo info = *cause;

    ASSERT(info.excCause >= K_EXC_PAGE && info.excCause <= K_EXC_OTHER);
    trace_add(&site->trace, info.excCause == K_EXC_PAGE ? TRACE_FAULT : TRACE_EXCEPTION,
              (uint32_t)self->lid, info.excCause, info.excAddress, info.excPc);
    if (context == NULL) {
        if (resolve_supervisor_fault(&info))
            return;
        supervisor_exception(self, &info);
        return;
    }
    if (info.excCause == K_EXC_PAGE && resolve_fault(self, &info))
        return;
    const struct actor_handler *handler = &self->home->exception;

    if (handler->owner != NULL &&
        upcall(self, handler, (uintptr_t)context, (uintptr_t)&info) == (uintptr_t)K_EXC_RESUME)
        return;
    report_death(self, self->home, &info);
    actor_kill(self->home);
}

/* ---- Interrupts and the exit ------------------------------------------------------------- */

void nucleus_interrupt(uint32_t source)
{
    struct site *site = site_self();

    trace_add(&site->trace, TRACE_INTERRUPT, (uint32_t)site->cpu.current->lid, source, 0, 0);
    site->cpu.interrupt_depth++;
    supervisor_interrupt(&site->supervisor, source);
    site->cpu.interrupt_depth--;
}

void nucleus_clock(void)
{
    executive_clock();
}

void nucleus_leave(KnThreadCtx *context)
{
    struct thread *self = thread_self();

    leave(self);
    while (context != NULL && self->aborted && self->home->abort.owner != NULL) {
        const struct actor_handler *handler = &self->home->abort;

        self->aborted = false;
        (void)upcall(self, handler, (uintptr_t)context, self->soft_register);
        leave(self);
    }
}
