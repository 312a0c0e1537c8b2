/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: the alarm of the world, and sources that simulated devices raise. A source stays
 * pending until it is unmasked and delivered, once however often it was raised.
 */
#include "machine/interrupt.h"

#include "kit/assert.h"
#include "machine/sim/internal.h"
#include "machine/sim_host.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define WORD_BITS 64
#define FIRST_MESSAGE 64 /* sources from here up are message-signalled */

_Static_assert(INTERRUPT_SOURCES == MACHINE_PENDING_WORDS * WORD_BITS, "one bit a source");

static uint64_t bit_of(uint32_t source)
{
    return UINT64_C(1) << source % WORD_BITS;
}

void interrupt_unmask(uint32_t source)
{
    ASSERT(source < INTERRUPT_SOURCES);
    cpu_self()->machine.enabled[source / WORD_BITS] |= bit_of(source);
}

void interrupt_mask(uint32_t source)
{
    ASSERT(source < INTERRUPT_SOURCES);
    cpu_self()->machine.enabled[source / WORD_BITS] &= ~bit_of(source);
}

/* A device that writes imData to imAddress raises the source: the world's devices take imData
 * for its number. */
bool interrupt_message(KnItMessage *message)
{
    message->imData = message->imSource;
    message->imAddress = 0;
    return message->imSource >= FIRST_MESSAGE;
}

void sim_raise(uint32_t source)
{
    ASSERT(source < INTERRUPT_SOURCES);
    cpu_self()->machine.pending[source / WORD_BITS] |= bit_of(source);
}

/* ---- Delivery ---------------------------------------------------------------------------- */

static bool deliver_sources(uint32_t word)
{
    struct machine_cpu *machine = &cpu_self()->machine;
    uint64_t due = machine->pending[word] & machine->enabled[word];

    machine->pending[word] &= ~due;
    for (uint64_t left = due; left != 0; left &= left - 1) {
        uint32_t source = word * WORD_BITS + (uint32_t)__builtin_ctzll(left);

        sim_host_trace(SIM_TRACE_SOURCE, thread_self()->lid, source, 0);
        nucleus_interrupt(source);
    }
    return due != 0;
}

bool interrupts_deliver(void)
{
    bool any = sim_host_alarm_take();

    ASSERT(cpu_self()->machine.masked);
    if (any) {
        sim_host_trace(SIM_TRACE_CLOCK, thread_self()->lid, 0, 0);
        nucleus_clock();
    }
    for (uint32_t word = 0; word < MACHINE_PENDING_WORDS; word++)
        any |= deliver_sources(word);
    return any;
}

void interrupt_window(void)
{
    interrupts_deliver();
}

void interrupt_wait(void)
{
    if (interrupts_deliver())
        return;
    sim_host_idle();
    interrupts_deliver();
}
