/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time is the processor's time stamp counter, scaled; the alarm is the local interrupt
 * controller's timer. Both rates are measured at start against the PC's interval timer, whose
 * rate is known, or told by the processor.
 *
 * I1 The time base begins at zero when the counter does: at power-on.
 * I2 nucleus_clock() is not called before the time that clock_arm asked for.
 */
#include "machine/clock.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define HZ_PER_MHZ UINT64_C(1000000)

#define PIT_HZ UINT64_C(1193182)
#define PIT_DATA_2 0x42
#define PIT_COMMAND 0x43
#define PIT_CONTROL 0x61
#define PIT_GATE 0x01u
#define PIT_SPEAKER 0x02u
#define PIT_COUNT_2 0xb0 /* counter 2, low then high byte, counts down once */
#define PIT_LATCH_2 0x80

#define MEASURE_TICKS 1790 /* of the interval timer: 1.5 ms */
#define EDGES 4            /* looked at for each end of the measurement */
#define POLLS_MAX 1000000

#define CPUID_HYPERVISOR_RATE 0x40000010
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_COUNTER_RATE 0x15

/* ---- Measuring ------------------------------------------------------------------------------- */

/* The three counters at one moment. */
struct moment {
    uint16_t interval;
    uint32_t alarm;
    uint64_t ticks;
    uint64_t doubt; /* ticks since the interval timer was last seen before its change */
};

static uint16_t interval_count(void)
{
    uint8_t low;

    outb(PIT_COMMAND, PIT_LATCH_2);
    low = inb(PIT_DATA_2);
    return (uint16_t)(low | inb(PIT_DATA_2) << 8);
}

/* The next change of the interval timer. */
static struct moment next_edge(void)
{
    uint16_t before = interval_count();
    uint64_t seen = rdtsc();

    for (uint32_t polls = 0; polls < POLLS_MAX; polls++) {
        uint16_t now = interval_count();
        uint64_t ticks = rdtsc();

        if (now != before)
            return (struct moment){now, apic_timer_count(), ticks, ticks - seen};
        seen = ticks;
    }
    boot_die("the interval timer stands still");
}

/* Of a few edges the one that was seen the soonest: a host may have taken the processor away at
 * others. */
static struct moment best_edge(void)
{
    struct moment best = next_edge();

    for (int i = 1; i < EDGES; i++) {
        struct moment edge = next_edge();

        if (edge.doubt < best.doubt)
            best = edge;
    }
    return best;
}

static void measure(uint64_t *ticks_hz, uint64_t *alarm_hz)
{
    struct moment first, last;
    uint64_t elapsed;

    outb(PIT_CONTROL, (uint8_t)((inb(PIT_CONTROL) & ~PIT_SPEAKER) | PIT_GATE));
    outb(PIT_COMMAND, PIT_COUNT_2);
    outb(PIT_DATA_2, 0xff);
    outb(PIT_DATA_2, 0xff);
    apic_timer_start(UINT32_MAX);
    first = best_edge();
    for (uint32_t polls = 0; (uint16_t)(first.interval - interval_count()) < MEASURE_TICKS;
         polls++) {
        if (polls == POLLS_MAX)
            boot_die("the interval timer stands still");
    }
    last = best_edge();
    apic_timer_start(0);
    elapsed = (uint16_t)(first.interval - last.interval);
    *ticks_hz = (last.ticks - first.ticks) * PIT_HZ / elapsed;
    *alarm_hz = (uint64_t)(first.alarm - last.alarm) * PIT_HZ / elapsed;
}

/* What the processor or the hypervisor says of the counter's rate; 0: nothing. */
static uint64_t told_rate_hz(void)
{
    struct cpuid rate;

    if ((cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) != 0 &&
        cpuid(0x40000000, 0).eax >= CPUID_HYPERVISOR_RATE && cpuid(0x40000000, 0).eax < 0x40000100)
        return cpuid(CPUID_HYPERVISOR_RATE, 0).eax * UINT64_C(1000);
    if (cpuid(0, 0).eax < CPUID_COUNTER_RATE)
        return 0;
    rate = cpuid(CPUID_COUNTER_RATE, 0);
    if (rate.eax == 0 || rate.ebx == 0 || rate.ecx == 0)
        return 0;
    return (uint64_t)rate.ecx * rate.ebx / rate.eax;
}

void clock_init(void)
{
    uint64_t ticks_hz, alarm_hz;
    uint64_t told_hz = told_rate_hz();

    measure(&ticks_hz, &alarm_hz);
    /* A millisecond or two does not tell more than whole megahertz. */
    ticks_hz = told_hz != 0 ? told_hz : (ticks_hz + HZ_PER_MHZ / 2) / HZ_PER_MHZ * HZ_PER_MHZ;
    if (ticks_hz == 0 || alarm_hz == 0)
        boot_die("the processor's counter or its timer stands still");
    pc.ns_per_tick = (uint64_t)(((unsigned __int128)NS_PER_SECOND << 32) / ticks_hz);
    pc.alarms_per_ns = (alarm_hz << 32) / NS_PER_SECOND;

    uint64_t seconds = rtc_seconds();

    if (seconds != 0)
        pc.universal_base_ns = seconds * NS_PER_SECOND - clock_now_ns();
}

/* ---- The clock ------------------------------------------------------------------------------- */

uint64_t clock_from_ticks(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * pc.ns_per_tick >> 32);
}

uint64_t clock_now_ns(void)
{
    return clock_from_ticks(rdtsc());
}

uint64_t clock_resolution_ns(void)
{
    return MAX((UINT64_C(1) << 32) / pc.alarms_per_ns, UINT64_C(1));
}

uint64_t clock_universal_base_ns(void)
{
    return pc.universal_base_ns;
}

/* ---- The alarm ------------------------------------------------------------------------------- */

void clock_arm(uint64_t deadline_ns)
{
    uint64_t now_ns = clock_now_ns();
    unsigned __int128 ticks;

    cpu_self()->machine.alarm_ns = deadline_ns;
    if (deadline_ns == UINT64_MAX) {
        apic_timer_start(0);
        return;
    }
    ticks = 1;
    if (deadline_ns > now_ns)
        ticks += (unsigned __int128)(deadline_ns - now_ns) * pc.alarms_per_ns >> 32;
    /* The timer holds a few seconds; a later alarm is asked for again when it ends. */
    apic_timer_start((uint32_t)MIN(ticks, (unsigned __int128)UINT32_MAX));
}

void clock_alarm(void)
{
    struct machine_cpu *cpu = &cpu_self()->machine;

    if (cpu->alarm_ns == UINT64_MAX)
        return;
    if (clock_now_ns() < cpu->alarm_ns) {
        clock_arm(cpu->alarm_ns);
        return;
    }
    cpu->alarm_ns = UINT64_MAX;
    nucleus_clock();
}
