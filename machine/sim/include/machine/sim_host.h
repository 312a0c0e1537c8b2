/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The joint between the two halves of the simulator. machine/sim is the Nucleus' half and sees no
 * header of the host; sim is the host's half: a world with virtual time, memory, stacks, chance and
 * a log. Only plain C types pass.
 *
 * I1 The world calls sim_site_start once on a stack of its own; the site runs there and on the
 *    stacks it takes, and leaves by sim_host_end alone.
 * I2 Virtual time passes only in sim_host_advance and sim_host_idle. In a world of several sites
 *    these two are where another site may run in between.
 */
#ifndef MACHINE_SIM_HOST_H
#define MACHINE_SIM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct actor_program; /* chorus/program.h */

/* ---- What the host's half gives ---- */

/* Time, nanoseconds. */
uint64_t sim_host_now_ns(void);
uint64_t sim_host_universal_base_ns(void);
void sim_host_advance(uint64_t work_ns);

/* The site's one alarm. UINT64_MAX: none. It rings at its deadline, or at the next tick of a
 * coarse clock; sim_host_alarm_take tells once that it rang, sim_host_alarm_ns when it will. */
void sim_host_alarm(uint64_t deadline_ns);
uint64_t sim_host_alarm_ns(void);
bool sim_host_alarm_take(void);
uint64_t sim_host_resolution_ns(void);

/* Moves time to the site's next event. A site that no event can wake is ended by the world. */
void sim_host_idle(void);

/* The world's seeded chance. */
uint64_t sim_host_random(void);

/* Zeroed host memory that starts at a page and whose last page ends in poison; NULL: none. */
void *sim_host_memory_take(size_t bytes);
void sim_host_memory_give(void *memory, size_t bytes);

/* A coroutine's stack, its lowest address and its size, with a guard below; NULL: none. */
char *sim_host_stack_take(size_t *bytes);
void sim_host_stack_give(char *stack, size_t bytes);

/* Around a switch of stacks: begin names the stack that comes, end tells that it is there.
 * `fiber` is where what the sanitizer keeps of the leaving stack goes; NULL: that stack is left
 * for good. */
void sim_host_switch_begin(void **fiber, const void *stack, size_t bytes);
void sim_host_switch_end(void *fiber);

/* Tells the sanitizer which bytes may not be touched; nothing without one. */
void sim_host_poison(const void *memory, size_t bytes);
void sim_host_unpoison(const void *memory, size_t bytes);

/* How many bytes from an address on are code or constants of the simulator's program, which
 * holds its actors' too; 0: none. */
size_t sim_host_text_room(const void *address);
bool sim_host_is_code(uintptr_t address);

/* A program linked into the simulator; NULL: there is none. */
const struct actor_program *sim_host_program(const char *name);

/* What happened, for the trace file; no pointers, no host time. */
enum sim_trace {
    SIM_TRACE_CALL,   /* number */
    SIM_TRACE_RETURN, /* number, value */
    SIM_TRACE_TRAP,   /* number */
    SIM_TRACE_FAULT,  /* number: access */
    SIM_TRACE_SWITCH, /* value: lid of the thread that comes */
    SIM_TRACE_CLOCK,
    SIM_TRACE_SOURCE, /* number */
};
void sim_host_trace(enum sim_trace event, int32_t thread, uint32_t number, long value);

void sim_host_log(const char *text, size_t bytes);
const char *sim_host_symbol(uintptr_t address, uintptr_t *offset);
_Noreturn void sim_host_end(int status);

/* ---- What the Nucleus' half gives ---- */

#define SIM_RANGES 8

struct sim_range {
    uint64_t base, bytes;
};

/* What the world tells a site when it starts it: the boot record, and where its memory is in the
 * host. */
struct sim_start {
    char *
        /* host memory for physical memory from memory[0].base to the end of the last range */
        arena;
    struct sim_range memory[SIM_RANGES];
    uint32_t memory_count;
    struct sim_range archive; /* inside memory[], not page-aligned */
    char *stack;              /* the boot stack, which the site runs on */
    size_t stack_bytes;
    uint32_t site;
    const char *command_line;
};

_Noreturn void sim_site_start(const struct sim_start *start);

/* Saves the running stack in *from and goes on with the one whose pointer is `to`. */
void sim_switch(void **from, void *to);

/* Prepares a fresh stack so that the first switch to it calls entry(argument); the pointer to
 * switch to. */
void *sim_stack_prepare(char *stack, size_t bytes, void (*entry)(void *argument), void *argument);

/* Who runs, as one line of text, for the watchdog's report; usable at any moment. */
void sim_describe(char *line, size_t line_bytes);

/* An interrupt source of the running site fires. */
void sim_raise(uint32_t source);

#endif
