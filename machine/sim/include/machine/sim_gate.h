/* SPDX-License-Identifier: BSD-2-Clause */
/* Where simulated actors enter the Nucleus: what would be instructions on a processor. */
#ifndef MACHINE_SIM_GATE_H
#define MACHINE_SIM_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "chorus/types.h"

#define SIM_GATE_WORDS 6

/* A Nucleus call. `number` is without K_CALLBASE. */
KnResult sim_gate(uint32_t number, const uintptr_t *words);

/* A trap with a number that is not the Nucleus': what the trap owner of the actor answers. User
 * actors only. */
uintptr_t sim_trap(uintptr_t number, const uintptr_t *words);

/* What the simulator's one flavour of libchorus serves just now: user or supervisor code. */
KnThreadPrivilege sim_privilege(void);

/* Loads and stores: a page that is missing or forbidden raises an exception, and they return
 * once it is there. */
void sim_load(void *to, VmAddr from, size_t bytes);
void sim_store(VmAddr to, const void *from, size_t bytes);

#endif
