/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs linked into the simulator: servers, guest cases, the runner of the cases, and the
 * canaries. */
#include <string.h>

#include "chorus/program.h"
#include "sim/world.h"

#define SIM_SERVER(NAME) extern const struct actor_program program_##NAME;
#define SIM_CASE(NAME) extern const struct actor_program program_##NAME;
#include "build/gen/sim_programs.def"
#undef SIM_SERVER
#undef SIM_CASE
extern const struct actor_program program_runner;
extern const struct actor_program program_canary;

#define SIM_SERVER(NAME) {&program_##NAME, false},
#define SIM_CASE(NAME) {&program_##NAME, true},
static const struct linked_program linked[] = {
#include "build/gen/sim_programs.def"
    {&program_runner, false},
    {&program_canary, false},
};

const struct linked_program *program_at(size_t index)
{
    return index < sizeof(linked) / sizeof(linked[0]) ? &linked[index] : NULL;
}

const struct actor_program *sim_host_program(const char *name)
{
    const struct linked_program *entry;

    for (size_t i = 0; (entry = program_at(i)) != NULL; i++)
        if (strcmp(entry->program->name, name) == 0)
            return entry->program;
    return NULL;
}
