/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: what portable code must know of this machine at compile time.
 *
 *   0000000000010000  user spaces, up to the last page of the lower half: a `syscall` at its end
 *                     would return to an address that is not canonical
 *   ffff800000000000  direct map: all usable memory and the archive, never executable; as many
 *                     entries of the top table as the memory needs
 *   ffffc00000000000  supervisor actors, one entry
 *   ffffc08000000000  supervisor stacks, one entry: slots with unmapped pages between the stacks
 *   ffffc10000000000  the interrupt controllers' registers, one entry
 *   ffffffff80000000  the Nucleus' image (gate.h)
 *
 * I1 Every entry of the top table that the upper half will ever use is made at boot, so a user
 *    space sees all of it by copying those entries once.
 * I2 The processor's GS base is its struct cpu whenever the Nucleus or a supervisor actor runs.
 */
#ifndef MACHINE_ARCH_H
#define MACHINE_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define MACHINE_PAGE_SHIFT 12

#define MACHINE_USER_LOW UINT64_C(0x0000000000010000)
#define MACHINE_USER_HIGH UINT64_C(0x00007ffffffff000)
#define MACHINE_SUPERVISOR_LOW UINT64_C(0xffffc00000000000)
#define MACHINE_SUPERVISOR_HIGH UINT64_C(0xffffc08000000000)

/* A thread's supervisor stack is the upper part of a slot; the rest of the slot guards it. */
#define MACHINE_STACKS_LOW MACHINE_SUPERVISOR_HIGH
#define MACHINE_STACK_BYTES UINT64_C(16384)
#define MACHINE_STACK_SLOT_BYTES UINT64_C(32768)
#define MACHINE_STACK_SLOTS 16384u
#define MACHINE_STACKS_HIGH (MACHINE_STACKS_LOW + MACHINE_STACK_SLOTS * MACHINE_STACK_SLOT_BYTES)

/* What supervisor code may name: regions, and the stacks that follow them. */
#define MACHINE_NAMED_HIGH MACHINE_STACKS_HIGH

struct cpu;
struct thread;

/* A tree of page tables. */
struct machine_space {
    uint64_t root; /* physical address of the top table; 0: none */
};

/* Of a thread; entry.S knows the place of rsp. */
struct machine_thread {
    uint64_t rsp; /* while it does not run: its stack, on which the switch left its registers */
    uint64_t stack_top; /* of its supervisor stack; 0: none */
    void *extended;     /* a user thread's x87 and vector registers while no processor has them */
};

/* Of a processor; entry.S knows the first three. */
struct machine_cpu {
    struct cpu *self;
    uint64_t stack;    /* where the frame of the current thread's user registers is pushed */
    uint64_t user_rsp; /* for a few instructions of the system call entry */
    struct thread *user_thread; /* whose extended state, bases and selectors are loaded; or NULL */
    uint64_t fs_base, gs_base;  /* of user_thread, as loaded */
    uint64_t space_root;        /* what CR3 holds */
    uint64_t alarm_ns;          /* what clock_arm asked for; UINT64_MAX: nothing */
    bool in_window;             /* it is the Nucleus that lets interrupts in, and looks for more */
    uint64_t nmi_count;
};

/* The processor that runs. Read anew at each use: a thread may go on elsewhere than where it
 * stopped. */
static inline struct cpu *cpu_self(void)
{
    struct cpu *self;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

#endif
