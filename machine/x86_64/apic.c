/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local interrupt controller (Intel SDM volume 3, chapter 11), in its memory-mapped form; its
 * timer is the alarm. The old controllers' lines are shut.
 */
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/pc.h"

#define APIC_ID 0x20
#define APIC_TASK_PRIORITY 0x80
#define APIC_END 0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_COUNTERS 0x340
#define APIC_LVT_LINE0 0x350
#define APIC_LVT_LINE1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_START 0x380
#define APIC_TIMER_COUNT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define ENABLED 0x100u
#define MASKED 0x10000u
#define DELIVER_NMI 0x400u
#define DIVIDE_BY_1 0xbu

#define BASE_ENABLED (UINT64_C(1) << 11)
#define BASE_X2APIC (UINT64_C(1) << 10)

#define PIC_COMMAND(n) ((uint16_t)((n) == 0 ? 0x20 : 0xa0))
#define PIC_DATA(n) ((uint16_t)((n) == 0 ? 0x21 : 0xa1))

static volatile uint32_t *apic_register(uint32_t offset)
{
    return (volatile uint32_t *)(DEVICES_ADDRESS + (pc.acpi.local_apic & 0xfff) + offset);
}

/* They can raise spurious interrupts even with every line shut: these go where they are ignored. */
static void shut_old_controllers(void)
{
    for (uint8_t n = 0; n < 2; n++) {
        outb(PIC_COMMAND(n), 0x11); /* initialise: edge, cascaded, four words */
        outb(PIC_DATA(n), (uint8_t)(VECTOR_PIC + 8 * n));
        outb(PIC_DATA(n), n == 0 ? 0x04 : 0x02); /* joined at line 2 */
        outb(PIC_DATA(n), 0x01);                 /* 8086 mode */
        outb(PIC_DATA(n), 0xff);                 /* all lines shut */
    }
}

void apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    shut_old_controllers();
    /* From the form without memory there is no way to this one but through "off". */
    if ((base & BASE_X2APIC) != 0)
        wrmsr(MSR_APIC_BASE, base & ~(BASE_ENABLED | BASE_X2APIC));
    wrmsr(MSR_APIC_BASE, (base & ~BASE_X2APIC) | BASE_ENABLED);

    pc.apic_id = *apic_register(APIC_ID) >> 24;
    *apic_register(APIC_TASK_PRIORITY) = 0;
    *apic_register(APIC_LVT_THERMAL) = MASKED;
    *apic_register(APIC_LVT_COUNTERS) = MASKED;
    *apic_register(APIC_LVT_ERROR) = MASKED;
    *apic_register(APIC_LVT_LINE0) = MASKED;
    *apic_register(APIC_LVT_LINE1) = DELIVER_NMI;
    *apic_register(APIC_TIMER_DIVIDE) = DIVIDE_BY_1;
    *apic_register(APIC_LVT_TIMER) = VECTOR_CLOCK; /* one shot */
    *apic_register(APIC_SPURIOUS) = ENABLED | VECTOR_SPURIOUS;
}

void apic_end_of_interrupt(void)
{
    *apic_register(APIC_END) = 0;
}

void apic_timer_start(uint32_t ticks)
{
    *apic_register(APIC_TIMER_START) = ticks;
}

uint32_t apic_timer_count(void)
{
    return *apic_register(APIC_TIMER_COUNT);
}
