/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot record: what a machine tells the Nucleus when it starts it. No physical base and no size
 * is assumed anywhere else; 24 MiB at address 64 MiB is legal memory.
 */
#ifndef MACHINE_BOOT_H
#define MACHINE_BOOT_H

#include <stdint.h>

#include "chorus/types.h"

#define BOOT_RANGES 16

struct boot_range {
    uint64_t base;  /* physical address, page-aligned */
    uint64_t bytes; /* whole pages */
};

struct boot_record {
    struct boot_range memory[BOOT_RANGES]; /* usable memory, ascending, disjoint */
    uint32_t memory_count;
    struct boot_range reserved[BOOT_RANGES]; /* inside memory[] but taken: image, tables, archive */
    uint32_t reserved_count;
    /* system archive; base need not be page-aligned; may be outside memory[] */
    struct boot_range archive;
    uint32_t site;     /* 0: choose at random */
    uint64_t start_ns; /* clock_now_ns() at the Nucleus' entry */
    char command_line[K_CMDLINEMAX + 1];
};

/* Portable, nucleus/site.c: called once by the machine on its boot stack, interrupts off, with the
 * supervisor space and the direct map in place, and cpu_self() the processor of a struct site that
 * the machine provides, zeroed but for cpu.machine and cpu.site. Does not return: ends in the idle
 * thread. */
_Noreturn void site_start(const struct boot_record *record);

#endif
