/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering and leaving the Nucleus: calls, traps, faults. Everything a processor would interrupt
 * between two instructions of an actor is delivered here, right after the entry and right before
 * the exit.
 *
 * I1 Interrupts are off in the Nucleus; an entry that finds them off comes from an interrupt
 *    handler, and then nothing is delivered and no other thread is picked.
 * I2 While a user thread is inside, its frame is at machine.frame and user_mode is false; both are
 *    put back at the exit.
 */
#include "machine/sim_gate.h"

#include "kit/assert.h"
#include "kit/format.h"
#include "kit/string.h"
#include "machine/copy.h"
#include "machine/mmu.h"
#include "machine/sim/internal.h"
#include "machine/sim_host.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

/* ---- A stay in the Nucleus --------------------------------------------------------------- */

KnThreadCtx *stay_frame(struct stay *stay)
{
    return stay->user_mode ? &stay->frame : NULL;
}

static void deliver(struct stay *stay)
{
    if (!stay->masked && interrupts_deliver())
        nucleus_leave(stay_frame(stay));
}

void stay_enter(struct stay *stay, void *top, uint32_t cost_ns)
{
    struct cpu *cpu = cpu_self();
    struct machine_thread *machine = &cpu->current->machine;

    stay->thread = cpu->current;
    stay->masked = cpu->machine.masked;
    stay->window_low = machine->window_low;
    stay->user_mode = machine->user_mode;
    stay->outer = machine->frame;
    cpu->machine.masked = true;
    machine->window_low = top;
    if (stay->user_mode) {
        ASSERT(!stay->masked);
        stay->frame = (KnThreadCtx){0};
        machine->frame = &stay->frame;
        machine->user_mode = false;
    }
    sim_host_advance(cost_ns);
    deliver(stay);
}

void stay_leave(struct stay *stay)
{
    struct machine_thread *machine = &stay->thread->machine;

    deliver(stay);
    ASSERT(thread_self() == stay->thread && cpu_self()->machine.masked);
    machine->window_low = stay->window_low;
    machine->user_mode = stay->user_mode;
    machine->frame = stay->outer;
    cpu_self()->machine.masked = stay->masked;
}

/* ---- The doors --------------------------------------------------------------------------- */

static void frame_set(struct stay *stay, uintptr_t number, const uintptr_t *words)
{
    stay->frame.number = number;
    memcpy(stay->frame.words, words, sizeof(stay->frame.words));
}

KnResult sim_gate(uint32_t number, const uintptr_t *words)
{
    struct stay stay;
    KnResult result;

    stay_enter(&stay, __builtin_frame_address(0), SIM_CALL_NS);
    sim_host_trace(SIM_TRACE_CALL, stay.thread->lid, number, 0);
    if (stay.user_mode)
        frame_set(&stay, K_CALLBASE + number, words);
    result = nucleus_call(number, words);
    sim_host_trace(SIM_TRACE_RETURN, stay.thread->lid, number, result);
    if (stay.user_mode) {
        stay.frame.result = (uintptr_t)result;
        nucleus_leave(&stay.frame); /* where an abort handler may change the result */
        result = (KnResult)stay.frame.result;
    }
    stay_leave(&stay);
    return result;
}

uintptr_t sim_trap(uintptr_t number, const uintptr_t *words)
{
    struct stay stay;

    ASSERT(cpu_self()->current->machine.user_mode);
    stay_enter(&stay, __builtin_frame_address(0), SIM_CALL_NS);
    sim_host_trace(SIM_TRACE_TRAP, stay.thread->lid, (uint32_t)number, 0);
    frame_set(&stay, number, words);
    nucleus_trap(&stay.frame);
    nucleus_leave(&stay.frame);
    stay_leave(&stay);
    return stay.frame.result;
}

static void fault(VmAddr address, uint32_t access, void *top)
{
    KnExcInfo info = {.excCause = K_EXC_PAGE, .excAccess = access, .excAddress = address};
    struct stay stay;

    stay_enter(&stay, top, SIM_FAULT_NS);
    ASSERT(!stay.masked); /* an interrupt handler may not touch what can be missing */
    sim_host_trace(SIM_TRACE_FAULT, stay.thread->lid, access, 0);
    nucleus_exception(stay_frame(&stay), &info);
    nucleus_leave(stay_frame(&stay));
    stay_leave(&stay);
}

KnThreadPrivilege sim_privilege(void)
{
    return cpu_self()->current->machine.user_mode ? K_USERTHREAD : K_SUPTHREAD;
}

/* ---- Loads and stores -------------------------------------------------------------------- */

/* What the running code may touch at `address` itself: a user actor its user pages, supervisor
 * code supervisor pages and nobody else's (SMAP). NULL: a fault. */
static char *reach(VmAddr address, uint32_t access, size_t bytes, size_t *room)
{
    struct cpu *cpu = cpu_self();
    bool user = cpu->current->machine.user_mode;
    size_t page_room =
        ((size_t)1 << MACHINE_PAGE_SHIFT) - (address & (((size_t)1 << MACHINE_PAGE_SHIFT) - 1));
    struct machine_space *space = user ? cpu->machine.user : &cpu->machine.supervisor;
    size_t window = window_room(address, access == MMU_WRITE);

    *room = window != 0 ? window : page_room;
    if (*room > bytes)
        *room = bytes;
    if (window != 0)
        return (char *)address;
    return space == NULL ? NULL : mmu_walk(space, address, user ? access | MMU_USER : access);
}

void sim_load(void *to, VmAddr from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t room;
        const char *at = reach(from + done, MMU_READ, bytes - done, &room);

        if (at == NULL) {
            fault(from + done, K_READABLE, __builtin_frame_address(0));
            continue;
        }
        memcpy((char *)to + done, at, room);
        done += room;
    }
}

void sim_store(VmAddr to, const void *from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t room;
        char *at = reach(to + done, MMU_WRITE, bytes - done, &room);

        if (at == NULL) {
            fault(to + done, K_WRITABLE, __builtin_frame_address(0));
            continue;
        }
        memcpy(at, (const char *)from + done, room);
        done += room;
    }
}

/* ---- The watchdog's question ------------------------------------------------------------- */

void sim_describe(char *line, size_t line_bytes)
{
    struct cpu *cpu = cpu_self();
    const struct thread *self = cpu == NULL ? NULL : cpu->current;
    const char *actor = self == NULL || self->home == NULL ? "none" : self->home->name;

    format(line, line_bytes, "actor \"%s\", thread %d \"%s\"%s", actor,
           self == NULL ? 0 : (int)self->lid, self == NULL ? "" : self->name,
           cpu != NULL && cpu->machine.masked ? ", in the Nucleus" : "");
}
