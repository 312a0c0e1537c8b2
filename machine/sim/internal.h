/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the simulated machine share. */
#ifndef MACHINE_SIM_INTERNAL_H
#define MACHINE_SIM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/context.h"
#include "chorus/types.h"
#include "machine/arch.h"

struct actor;
struct thread;

/* What things cost in virtual time. The figures are those of a quiet processor, and fixed: so
 * that runs repeat. */
#define SIM_CALL_NS 250
#define SIM_FAULT_NS 600
#define SIM_SWITCH_NS 150

/* A program in an actor (image.c). */
struct native {
    struct native *next;
    struct actor *actor;
    const struct actor_program *program;
    char *state; /* the window */
    size_t state_bytes;
    size_t block_bytes; /* of host memory, this header included */
};

/* A stay in the Nucleus, from entry to exit (gate.c). */
struct stay {
    struct thread *thread;
    char *window_low; /* before the entry */
    bool masked;      /* before the entry: an interrupt handler calls */
    bool user_mode;
    KnThreadCtx *outer; /* frame before the entry */
    KnThreadCtx frame;  /* of a user thread */
};

/* `top`: from here up the stack is the caller's. */
void stay_enter(struct stay *stay, void *top, uint32_t cost_ns);
void stay_leave(struct stay *stay);
KnThreadCtx *stay_frame(struct stay *stay); /* NULL: supervisor code was interrupted */

/* Delivers what is pending, interrupts off; whether there was anything. */
bool interrupts_deliver(void);

/* The host address behind an address of a space, up to the end of its page, marking the page
 * used, and modified for MMU_WRITE; NULL: not mapped so. */
char *mmu_walk(struct machine_space *space, VmAddr address, uint32_t access);

/* The host address behind a physical one; NULL: no memory there. */
char *arena_at(uint64_t physical);

/* How many bytes from `address` on lie in a window that the current thread's code may use; 0:
 * none. */
size_t window_room(VmAddr address, bool write);

struct native *native_of(const struct actor *actor);

#endif
