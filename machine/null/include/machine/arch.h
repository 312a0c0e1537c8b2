/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that is none: the smallest folder with which the Nucleus links. It shows a porter all
 * there is to write; each file says what belongs in its functions. No address space is switched, no
 * interrupt comes, and the site ends where a real machine would have to act.
 */
#ifndef MACHINE_ARCH_H
#define MACHINE_ARCH_H

#include <stdint.h>

#include "chorus/types.h"

/* The size of a page: any power of two from 4 KiB up. */
#define MACHINE_PAGE_SHIFT 12

/* Where regions of user actors and of supervisor actors may lie. The two do not meet. */
#define MACHINE_USER_LOW ((VmAddr)0x10000)
#define MACHINE_USER_HIGH ((VmAddr)0x40000000)
#define MACHINE_SUPERVISOR_LOW ((VmAddr)0x80000000)
#define MACHINE_SUPERVISOR_HIGH ((VmAddr)0xc0000000)
#define MACHINE_NAMED_HIGH MACHINE_SUPERVISOR_HIGH

struct cpu;

/* The root of a space's page tables. */
struct machine_space {
    uint64_t root;
};

/* The saved stack pointer, the supervisor stack, vector registers. */
struct machine_thread {
    void *stack_pointer;
};

/* What the entry code keeps a processor. */
struct machine_cpu {
    struct machine_space supervisor;
};

/* The processor that runs: a register that user code cannot change holds it, where there is one. */
extern struct cpu *null_cpu;

static inline struct cpu *cpu_self(void)
{
    return null_cpu;
}

#endif
