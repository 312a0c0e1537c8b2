/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt sources: the first 24 are lines of the I/O interrupt controller (the old ISA numbers,
 * then PCI's lines), the rest are message-signalled. Source n raises vector 32 + n. An unmask of
 * a message-signalled source has nothing to do: it is the device that is told to send, or not.
 */
#include "kit/assert.h"
#include "machine/interrupt.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/paging.h"
#include "machine/x86_64/pc.h"
#include "nucleus/site.h"

#define REGISTER_SELECT 0x00
#define REGISTER_DATA 0x10
#define INDEX_VERSION 1
#define INDEX_LINE(input) (0x10 + 2 * (input))

#define LINE_LOW 0x2000u
#define LINE_LEVEL 0x8000u
#define LINE_MASKED 0x10000u

#define MESSAGE_ADDRESS 0xfee00000u

static volatile uint32_t *ioapic_register(uint32_t offset)
{
    return (volatile uint32_t *)(DEVICES_ADDRESS + SMALL_PAGE + (pc.acpi.io_apic & 0xfff) + offset);
}

static uint32_t ioapic_read(uint32_t index)
{
    *ioapic_register(REGISTER_SELECT) = index;
    return *ioapic_register(REGISTER_DATA);
}

static void ioapic_write(uint32_t index, uint32_t value)
{
    *ioapic_register(REGISTER_SELECT) = index;
    *ioapic_register(REGISTER_DATA) = value;
}

void ioapic_init(void)
{
    pc.lines = (ioapic_read(INDEX_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t input = 0; input < pc.lines; input++)
        ioapic_write(INDEX_LINE(input), LINE_MASKED);
}

static void set_line(uint32_t source, uint32_t masked)
{
    const struct line *line = &pc.acpi.line[source];
    uint32_t entry = (VECTOR_SOURCE_0 + source) | masked;

    if (line->input >= pc.lines)
        return;
    if (line->active_low)
        entry |= LINE_LOW;
    if (line->level)
        entry |= LINE_LEVEL;
    ioapic_write(INDEX_LINE(line->input) + 1, pc.apic_id << 24);
    ioapic_write(INDEX_LINE(line->input), entry);
}

void interrupt_unmask(uint32_t source)
{
    ASSERT(source < INTERRUPT_SOURCES);
    if (source < LINES)
        set_line(source, 0);
}

void interrupt_mask(uint32_t source)
{
    ASSERT(source < INTERRUPT_SOURCES);
    if (source < LINES)
        set_line(source, LINE_MASKED);
}

bool interrupt_message(KnItMessage *message)
{
    message->imData = VECTOR_SOURCE_0 + message->imSource;
    message->imAddress = MESSAGE_ADDRESS | (uint64_t)pc.apic_id << 12;
    return message->imSource >= LINES;
}

/* What arrives here leaves by itself: the Nucleus looks for its effects when it goes on. */
void interrupt_window(void)
{
    struct machine_cpu *cpu = &cpu_self()->machine;

    cpu->in_window = true;
    __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
    cpu->in_window = false;
}

/* The processor lets nothing in between `sti` and the next instruction, so no wake-up is lost. */
void interrupt_wait(void)
{
    struct machine_cpu *cpu = &cpu_self()->machine;

    cpu->in_window = true;
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
    cpu->in_window = false;
}
