/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers, the end, busy work. */
#include "machine/system.h"

#include "kit/base.h"
#include "machine/clock.h"
#include "machine/x86_64/boot.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"

#define TRIES 16 /* the hardware may run dry for a moment */
#define WORK_SLICE_NS UINT64_C(1000000)

#define TEST_DEVICE 0xf4 /* QEMU's isa-debug-exit */

/* ---- Random numbers -------------------------------------------------------------------------- */

static bool hardware_random(uint64_t *value)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t bits;
        bool ok;

        if (pc.has_random)
            __asm__ volatile("rdrand %0" : "=r"(bits), "=@ccc"(ok));
        else
            __asm__ volatile("rdseed %0" : "=r"(bits), "=@ccc"(ok));
        *value = bits;
        if (ok)
            return true;
    }
    return false;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

void entropy_init(void)
{
    pc.random_state = rdtsc();
}

uint64_t machine_random(void)
{
    static const char warning[] = "random: no hardware source, keys can be guessed\n";
    uint64_t value;

    if ((pc.has_random || pc.has_seed) && hardware_random(&value))
        return value;
    if (!pc.random_told) {
        pc.random_told = true;
        machine_log(warning, sizeof(warning) - 1);
    }
    pc.random_state = mix(pc.random_state + rdtsc() + UINT64_C(0x9e3779b97f4a7c15));
    return pc.random_state;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* QEMU's test device ends it with a status; a PC is switched off; else it stops. */
_Noreturn void machine_end(int status)
{
    interrupts_off();
    outb(TEST_DEVICE, status == 0 ? BOOT_END_STATUS : BOOT_DIED_STATUS);
    for (int i = 0; i < 2; i++) {
        if (pc.acpi.power_port[i] != 0)
            outw(pc.acpi.power_port[i], pc.acpi.power_value[i]);
    }
    for (;;)
        __asm__ volatile("hlt");
}

/* ---- Work ------------------------------------------------------------------------------------ */

void machine_work(uint64_t work_ns)
{
    uint64_t start_ns = clock_now_ns();

    work_ns = MIN(work_ns, WORK_SLICE_NS);
    while (clock_now_ns() - start_ns < work_ns)
        __asm__ volatile("pause");
}
