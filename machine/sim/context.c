/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as coroutines. A thread has one stack for its actor's code and for the Nucleus' work on
 * its behalf; what on a processor is the boundary between two stacks is here the address window_low
 * in one.
 *
 * I1 A stack is on loan from the world from context_create to context_destroy.
 * I2 A thread that does not run has its registers on its stack, where stack_pointer tells.
 */
#include "machine/context.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "machine/sim/internal.h"
#include "machine/sim_gate.h"
#include "machine/sim_host.h"
#include "machine/system.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define SAVED_WORDS 7 /* of sim_switch: six registers and the return address */

void sim_stack_begin(void);

struct cpu *sim_cpu;

void *sim_stack_prepare(char *stack, size_t bytes, void (*entry)(void *argument), void *argument)
{
    char *top = stack + bytes - ((uintptr_t)stack + bytes) % 16;
    uintptr_t *saved = (uintptr_t *)(void *)top - SAVED_WORDS;

    ASSERT(bytes >= 4096);
    saved[0] = saved[1] = saved[2] = 0;    /* r15, r14, r13 */
    saved[3] = (uintptr_t)argument;        /* r12 */
    saved[4] = (uintptr_t)entry;           /* rbx */
    saved[5] = 0;                          /* rbp */
    saved[6] = (uintptr_t)sim_stack_begin; /* return address */
    return saved;
}

/* ---- Start ------------------------------------------------------------------------------- */

/* A user thread whose entry is no code meets what a processor would: a fault when it fetches
 * there. A handler may have changed the entry before it lets the thread go on. */
static void fetch(struct thread *self)
{
    KnThreadCtx *first = &self->machine.first;

    while (!sim_host_is_code(first->number)) {
        KnExcInfo info = {.excCause = K_EXC_PAGE,
                          .excAccess = K_EXECUTABLE,
                          .excAddress = first->number};

        sim_host_advance(SIM_FAULT_NS);
        nucleus_exception(self->machine.frame, &info);
        nucleus_leave(self->machine.frame);
    }
}

/* The first thing a thread does: it leaves the Nucleus, as if returning from a call. */
static void begin(void *argument)
{
    static const uintptr_t self_words[SIM_GATE_WORDS] = {(uintptr_t)K_MYACTOR, (uintptr_t)K_MYSELF};
    struct thread *self = argument;
    bool user = self->machine.frame != NULL;

    sim_host_switch_end(NULL);
    ASSERT(self == thread_self() && cpu_self()->machine.masked);
    nucleus_leave(self->machine.frame);
    if (user)
        fetch(self);
    self->machine.frame = NULL;
    self->machine.window_low = self->machine.stack;
    self->machine.user_mode = user;
    cpu_self()->machine.masked = false;
    ((void (*)(uintptr_t))self->machine.first.number)(self->machine.first.words[0]);
    sim_gate(K_CALL_threadDelete, self_words);
    panic("a thread lives on after its end");
}

/* A user entry is code of the simulator, or an address where the thread will fault. */
static bool may_start(const KnStartInfo *start, bool user)
{
    if (sim_host_is_code(start->dsEntry))
        return !user || start->dsUserStackPointer <= MACHINE_USER_HIGH;
    return user && start->dsEntry >= MACHINE_USER_LOW && start->dsEntry < MACHINE_USER_HIGH &&
           start->dsUserStackPointer <= MACHINE_USER_HIGH;
}

KnResult context_create(struct thread *thread, const KnStartInfo *start)
{
    struct machine_thread *machine = &thread->machine;
    bool user = start->dsPrivilege == K_USERTHREAD;

    if (!may_start(start, user))
        return K_EINVAL;
    machine->stack = sim_host_stack_take(&machine->stack_bytes);
    if (machine->stack == NULL)
        return K_ENOMEM;
    machine->window_low = machine->stack + machine->stack_bytes;
    machine->first = (KnThreadCtx){.number = start->dsEntry, .words = {start->dsArgument}};
    machine->frame = user ? &machine->first : NULL;
    machine->user_mode = false;
    machine->fiber = NULL;
    machine->stack_pointer = sim_stack_prepare(machine->stack, machine->stack_bytes, begin, thread);
    return K_OK;
}

void context_destroy(struct thread *thread)
{
    ASSERT(thread != thread_self() && thread->machine.stack != NULL);
    sim_host_stack_give(thread->machine.stack, thread->machine.stack_bytes);
    thread->machine.stack = NULL;
}

/* The boot stack is the world's and is never given back. */
void context_adopt(struct thread *thread)
{
    struct machine_thread *machine = &thread->machine;

    ASSERT(machine->stack == NULL);
    machine->stack = cpu_self()->machine.boot_stack;
    machine->stack_bytes = cpu_self()->machine.boot_stack_bytes;
    machine->window_low = machine->stack + machine->stack_bytes;
    machine->frame = NULL;
    machine->user_mode = false;
}

/* ---- Switch ------------------------------------------------------------------------------ */

void context_switch(struct thread *from, struct thread *to)
{
    ASSERT(from != to && cpu_self()->machine.masked);
    sim_host_advance(SIM_SWITCH_NS);
    sim_host_trace(SIM_TRACE_SWITCH, from->lid, 0, to->lid);
    sim_host_switch_begin(from->state == THREAD_DEAD ? NULL : &from->machine.fiber,
                          to->machine.stack, to->machine.stack_bytes);
    sim_switch(&from->machine.stack_pointer, to->machine.stack_pointer);
    sim_host_switch_end(from->machine.fiber);
    ASSERT(cpu_self()->machine.masked);
}

uintptr_t context_upcall(uintptr_t (*routine)(uintptr_t, uintptr_t, uintptr_t), uintptr_t a,
                         uintptr_t b, uintptr_t c)
{
    struct thread *self = thread_self();
    char *window_low = self->machine.window_low;
    uintptr_t result;

    ASSERT(cpu_self()->machine.masked && !self->machine.user_mode);
    self->machine.window_low = self->machine.stack;
    cpu_self()->machine.masked = false;
    result = routine(a, b, c);
    cpu_self()->machine.masked = true;
    self->machine.window_low = window_low;
    return result;
}

/* ---- Registers --------------------------------------------------------------------------- */

KnThreadCtx *context_frame(struct thread *thread)
{
    return thread->machine.frame;
}

/* Every value is harmless: words are the actor's own, and an entry is looked at before it is
 * jumped to. */
KnResult context_sanitise(KnThreadCtx *context)
{
    (void)context;
    return K_OK;
}

size_t context_extended_bytes(void)
{
    return 0;
}

void context_extended_save(struct thread *thread, void *image)
{
    (void)thread;
    (void)image;
}

KnResult context_extended_load(struct thread *thread, const void *image)
{
    (void)thread;
    (void)image;
    return K_OK;
}

size_t context_backtrace(uintptr_t *address, size_t limit)
{
    const struct machine_thread *machine = &thread_self()->machine;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    uintptr_t low = (uintptr_t)machine->stack;
    uintptr_t high = low + machine->stack_bytes;
    size_t count = 0;

    while (count < limit && frame >= low && frame + 2 * sizeof(uintptr_t) <= high) {
        const uintptr_t *words =
            (const uintptr_t *)frame; /* the caller's frame, the return address */

        address[count++] = words[1];
        if (words[0] <= frame)
            break;
        frame = words[0];
    }
    return count;
}
