/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace: a line an event with virtual time, thread and what happened. No address and no host
 * time is in it, so the same run gives the same trace wherever the simulator was loaded. */
#include <inttypes.h>

#include "nucleus/calls.h"
#include "sim/world.h"

void sim_host_trace(enum sim_trace event, int32_t thread, uint32_t number, long value)
{
    struct world *world = world_self();
    const char *name =
        number < K_CALL_LIMIT && call_names[number] != NULL ? call_names[number] : "?";

    if (world->trace == NULL)
        return;
    fprintf(world->trace, "%" PRIu64 " %" PRId32 " ", world->now_ns, thread);
    switch (event) {
    case SIM_TRACE_CALL:
        fprintf(world->trace, "call %s\n", name);
        break;
    case SIM_TRACE_RETURN:
        if (value < INT32_MIN || value > INT32_MAX) /* a word of the caller's, maybe an address */
            fprintf(world->trace, "return %s\n", name);
        else
            fprintf(world->trace, "return %s %ld\n", name, value);
        break;
    case SIM_TRACE_TRAP:
        fprintf(world->trace, "trap %" PRIu32 "\n", number);
        break;
    case SIM_TRACE_FAULT:
        fprintf(world->trace, "fault %" PRIu32 "\n", number);
        break;
    case SIM_TRACE_SWITCH:
        fprintf(world->trace, "switch %ld\n", value);
        break;
    case SIM_TRACE_CLOCK:
        fprintf(world->trace, "clock\n");
        break;
    case SIM_TRACE_SOURCE:
        fprintf(world->trace, "source %" PRIu32 "\n", number);
        break;
    }
}

/* Names of addresses are left to the sanitizer's backtrace, which has lines too. */
const char *sim_host_symbol(uintptr_t address, uintptr_t *offset)
{
    (void)address;
    *offset = 0;
    return NULL;
}
