/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads' processor state: making, switching, the user frame.
 *
 *   top - 192  KnThreadCtx of a user thread; a supervisor thread's stack begins at the top
 *   below      what the Nucleus and supervisor actors push
 */
#include "machine/context.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "machine/copy.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"
#include "machine/x86_64/return.h"
#include "nucleus/actor.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"
#include "nucleus/vm/frame.h"

/* What switch_stacks pops, on the stack of a thread that has not run. */
struct first_switch {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t rip;
};

/* ---- Making ---------------------------------------------------------------------------------- */

static bool start_is_sensible(const KnStartInfo *start)
{
    if (start->dsPrivilege == K_SUPTHREAD)
        return start->dsEntry >= MACHINE_SUPERVISOR_LOW && start->dsEntry < MACHINE_SUPERVISOR_HIGH;
    return start->dsPrivilege == K_USERTHREAD && start->dsEntry >= MACHINE_USER_LOW &&
           start->dsEntry < MACHINE_USER_HIGH && start->dsUserStackPointer <= MACHINE_USER_HIGH;
}

static void lay_user_start(struct thread *thread, const KnStartInfo *start)
{
    KnThreadCtx *context = context_frame(thread);
    struct first_switch *first = (struct first_switch *)(void *)context - 1;

    memset(context, 0, sizeof(*context));
    context->rip = start->dsEntry;
    context->rsp = start->dsUserStackPointer;
    context->rdi = start->dsArgument;
    context->cs = SELECTOR_USER_CODE;
    context->ss = SELECTOR_USER_DATA;
    context->rflags = RFLAGS_FIXED;
    *first = (struct first_switch){.rip = (uintptr_t)thread_begin_user};
    thread->machine.rsp = (uintptr_t)first;
}

static void lay_supervisor_start(struct thread *thread, const KnStartInfo *start)
{
    struct first_switch *first =
        (struct first_switch *)(thread->machine.stack_top - FRAME_BASES_BYTES) - 1;

    *first = (struct first_switch){
        .rip = (uintptr_t)thread_begin_supervisor,
        .r12 = start->dsEntry,
        .r13 = start->dsArgument,
    };
    thread->machine.rsp = (uintptr_t)first;
}

KnResult context_create(struct thread *thread, const KnStartInfo *start)
{
    struct machine_thread *machine = &thread->machine;

    if (!start_is_sensible(start))
        return K_EINVAL;
    *machine = (struct machine_thread){.stack_top = stack_take()};
    if (machine->stack_top == 0)
        return K_ENOMEM;
    if (start->dsPrivilege == K_SUPTHREAD) {
        lay_supervisor_start(thread, start);
        return K_OK;
    }
    machine->extended = frame_take_table();
    if (machine->extended == NULL) {
        stack_give(machine->stack_top);
        machine->stack_top = 0;
        return K_ENOMEM;
    }
    extended_prepare(machine->extended);
    lay_user_start(thread, start);
    return K_OK;
}

void context_destroy(struct thread *thread)
{
    struct machine_cpu *cpu = &cpu_self()->machine;

    ASSERT(thread != thread_self() && thread->machine.stack_top != 0);
    if (cpu->user_thread == thread)
        cpu->user_thread = NULL;
    if (thread->machine.extended != NULL)
        frame_give_table(thread->machine.extended);
    stack_give(thread->machine.stack_top);
    thread->machine = (struct machine_thread){0};
}

void context_adopt(struct thread *thread)
{
    thread->machine = (struct machine_thread){.stack_top = stack_top_of(STACK_BOOT)};
}

/* ---- Operating ------------------------------------------------------------------------------- */

void context_switch(struct thread *from, struct thread *to)
{
    uint64_t stack = to->machine.stack_top - FRAME_BASES_BYTES;

    ASSERT(to->machine.rsp < to->machine.stack_top &&
           to->machine.rsp >= to->machine.stack_top - MACHINE_STACK_BYTES);
    cpu_self()->machine.stack = stack;
    pc.task.stack[0] = stack;
    switch_stacks(from, to);
}

void context_begin_supervisor(uintptr_t entry, uintptr_t argument)
{
    nucleus_leave(NULL);
    (void)context_upcall((context_routine)entry, argument, 0, 0);
    thread_exit();
}

uintptr_t context_upcall(context_routine routine, uintptr_t a, uintptr_t b, uintptr_t c)
{
    uintptr_t result;

    interrupts_on();
    result = routine(a, b, c);
    interrupts_off();
    return result;
}

/* Arguments of supervisor code may lie on its stack. Which thread's does not matter: that code is
 * trusted, and a page that is not there faults in the copy. */
bool copy_outside_regions(VmAddr address, size_t bytes)
{
    const struct cpu *cpu = cpu_self();

    if (address < MACHINE_STACKS_LOW || address >= MACHINE_STACKS_HIGH ||
        bytes > MACHINE_STACKS_HIGH - address)
        return false;
    return cpu->interrupt_depth > 0 || cpu->current->execution->privilege == K_SUPACTOR;
}

/* ---- The user frame -------------------------------------------------------------------------- */

/* A supervisor thread has no extended state, and no frame. */
KnThreadCtx *context_frame(struct thread *thread)
{
    if (thread->machine.extended == NULL)
        return NULL;
    return (KnThreadCtx *)(thread->machine.stack_top - FRAME_BYTES);
}

KnResult context_sanitise(KnThreadCtx *context)
{
    return return_sanitise(context) ? K_OK : K_EINVAL;
}
