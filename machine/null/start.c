/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h. A boot loader leaves the processor here. A port sets up its stack, the supervisor space
 * and the direct map, finds out what memory there is, and makes the boot record of it; a struct
 * site, zeroed, stands in the image.
 *
 * Entry code besides: system calls whose number is from K_CALLBASE up go to nucleus_call, others to
 * nucleus_trap; faults to nucleus_exception; the clock to nucleus_clock, other sources to
 * nucleus_interrupt; and all of them end with nucleus_leave.
 */
#include "machine/boot.h"

#include "nucleus/site.h"

#define MEMORY_BYTES (4u << 20)

_Noreturn void _start(void);

struct cpu *null_cpu;

static struct site site;

/* Stands for physical memory. */
static _Alignas(1 << MACHINE_PAGE_SHIFT) char memory[MEMORY_BYTES];

void _start(void)
{
    struct boot_record record = {
        .memory = {{(uintptr_t)memory, sizeof(memory)}},
        .memory_count = 1,
        .site = 1,
    };

    null_cpu = &site.cpu;
    site.cpu.site = &site;
    site_start(&record);
}
