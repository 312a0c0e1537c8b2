/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's half of the simulator: a world in which a site runs on virtual time. It gives what
 * machine/sim_host.h promises to the Nucleus' half.
 *
 *   world.c      time, the alarm, chance, start and end of the site
 *   memory.c     host memory for physical memory and for actors; what is text
 *   stack.c      coroutines' stacks, and their switches as the sanitizer must see them
 *   log.c        the site's log        trace.c     the trace file
 *   archive.c    the system archive    programs.c  what is linked in
 *   watchdog.c   who makes no progress
 *
 * I1 One world at a time runs; world_self() finds it. Nothing else is kept outside struct world.
 * I2 The same options give the same run: nothing in a world depends on the host's time or
 *    addresses.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/sim_host.h"

#define WORLD_NEVER UINT64_MAX
#define WORLD_LINE_BYTES 1024
#define WORLD_COMMAND_BYTES 256
#define WORLD_STACKS_KEPT 64

struct world_options {
    uint64_t seed;
    uint64_t tick_ns; /* granularity of the alarm; 0: exact */
    struct sim_range memory[SIM_RANGES];
    uint32_t memory_count;
    const char *trace_path;   /* NULL: no trace */
    const char *boot_program; /* the first actor's */
    const char *canary;       /* for the program "canary" */
    char command_line[WORLD_COMMAND_BYTES];
    bool verbose; /* the whole log, not the verdicts alone */
};

struct world_stack {
    char *stack;
    size_t bytes;
};

struct world {
    const struct world_options *options;
    uint64_t now_ns;
    uint64_t ring_ns;  /* when the alarm rings */
    uint64_t random;   /* state of the generator */
    uint64_t progress; /* grows whenever the site does anything */
    FILE *trace;

    char *arena;
    size_t arena_bytes;
    struct sim_range archive;
    struct world_stack boot, kept[WORLD_STACKS_KEPT];
    uint32_t kept_count;

    void *host_pointer; /* the host's own stack while the site runs */
    void *host_fiber;
    const void *host_stack;
    size_t host_stack_bytes;

    char line[WORLD_LINE_BYTES]; /* of the log, until its end comes */
    size_t line_bytes;
    uint64_t passed, failed; /* verdicts seen on the log */
    bool counted;            /* the runner told its own count, and it agrees */
    int status;
};

struct world *world_self(void);

/* Runs a site until it ends; its status, 0 where it ended in an orderly way. */
int world_run(struct world *world, const struct world_options *options);

/* memory.c: memory for the arena, not yet touched. */
char *memory_reserve(size_t bytes);
size_t memory_page_round(size_t bytes);

/* stack.c */
void stacks_release(struct world *world);
void stack_switch_end(void *fiber, const void **from, size_t *from_bytes);

/* log.c: what is left of an unfinished line. */
void log_flush(struct world *world);

/* archive.c: the archive of linked-in programs, in malloc's memory. */
char *archive_make(const char *boot_program, size_t *bytes);

/* programs.c: the linked-in programs one by one; NULL after the last. */
struct linked_program {
    const struct actor_program *program;
    bool is_case;
};
const struct linked_program *program_at(size_t index);

/* watchdog.c: reports and ends the process if `world` stands still for two seconds of processor
 * time. */
void watchdog_start(struct world *world);
void watchdog_stop(void);

/* sanitizer.c: whether there is one; a backtrace on standard error if so. */
bool sanitizer_present(void);
void sanitizer_backtrace(void);

#endif
