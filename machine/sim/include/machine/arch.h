/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine: what portable code must know of it at compile time.
 *
 * A space is a table of pages whose addresses are pretended: no pointer of the simulator's own ever
 * reads them, the table is walked instead. User addresses lie below those that Linux gives to
 * programs, so no region meets a window (window.c); supervisor addresses lie where the host's
 * kernel lives, so that code which follows one by mistake dies at once.
 */
#ifndef MACHINE_ARCH_H
#define MACHINE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/context.h"
#include "chorus/types.h"

#ifndef SIM_PAGE_SHIFT
#define SIM_PAGE_SHIFT 12
#endif
#define MACHINE_PAGE_SHIFT SIM_PAGE_SHIFT

#define MACHINE_USER_LOW ((VmAddr)0x10000)
#define MACHINE_USER_HIGH ((VmAddr)0x400000000000)
#define MACHINE_SUPERVISOR_LOW ((VmAddr)0xffff900000000000)
#define MACHINE_SUPERVISOR_HIGH ((VmAddr)0xffffa00000000000)
#define MACHINE_NAMED_HIGH MACHINE_SUPERVISOR_HIGH /* copy_outside_regions knows the stacks */

struct cpu;
struct native;

struct machine_space {
    uint64_t *root; /* a table of mmu.c, NULL while nothing is mapped */
};

struct machine_thread {
    void *stack_pointer; /* while it does not run */
    char *stack;         /* lowest address; the boot stack's for the idle thread */
    size_t stack_bytes;
    char *
        window_low; /* from here up the stack is the actor's own; below it the Nucleus is at work */
    void *fiber;    /* what the sanitizer keeps of a stack that rests */
    KnThreadCtx *frame; /* of a user thread that is in the Nucleus or has not started, else NULL */
    KnThreadCtx first;  /* the frame of a thread that has not started */
    bool user_mode;     /* runs the code of its own user actor */
};

#define MACHINE_PENDING_WORDS 2

struct machine_cpu {
    char *arena; /* host memory that stands for physical memory from arena_base up */
    uint64_t arena_base, arena_bytes;
    char *boot_stack;
    size_t boot_stack_bytes;
    struct machine_space supervisor;
    struct machine_space *user; /* the active one */
    struct native *natives;     /* programs in actors, image.c */
    bool masked;                /* interrupts are off */
    uint64_t pending[MACHINE_PENDING_WORDS], enabled[MACHINE_PENDING_WORDS]; /* interrupt sources */
};

/* The processor that runs: the world sets it when it lets a site run. */
extern struct cpu *sim_cpu;

static inline struct cpu *cpu_self(void)
{
    return sim_cpu;
}

#endif
