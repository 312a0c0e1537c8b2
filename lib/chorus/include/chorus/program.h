/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program: what an actor runs. Each defines itself once, in the file of its main function:
 *
 *     struct clock_state { ... };                          all its writable data
 *     static void clock_main(struct clock_state *state, uintptr_t argument) { ... }
 *     ACTOR_PROGRAM(clock, struct clock_state, clock_main);
 *
 * NAME is that of the program's folder, or of its one file. `state` is zeroed and lives as long as
 * the actor; `argument` is dsArgument of the thread the actor was started with. When main returns
 * the actor ends.
 *
 * On x86-64 the start code (lib/chorus/x86_64) allocates the state as a region and calls main. In
 * the simulator the program is entered in a table by its name, and the state is a window of host
 * memory.
 */
#ifndef CHORUS_PROGRAM_H
#define CHORUS_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

struct actor_program {
    const char *name;
    void (*main)(void *state, uintptr_t argument);
    size_t state_bytes;
};

/* Two names for one object: the start code of a program linked alone finds actor_program, the
 * simulator, where many programs meet, program_NAME. */
#define ACTOR_PROGRAM(NAME, STATE, MAIN)                                                      \
    static void program_main_##NAME(void *state, uintptr_t argument)                          \
    {                                                                                         \
        MAIN((STATE *)state, argument);                                                       \
    }                                                                                         \
    extern const struct actor_program program_##NAME;                                         \
    extern const struct actor_program actor_program __attribute__((alias("program_" #NAME))); \
    const struct actor_program program_##NAME = {#NAME, program_main_##NAME, sizeof(STATE)}

#endif
