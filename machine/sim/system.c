/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, chance, names of addresses and the end: all the world's. */
#include "machine/system.h"

#include "machine/sim_host.h"

void machine_log(const char *text, size_t bytes)
{
    sim_host_log(text, bytes);
}

uint64_t machine_random(void)
{
    return sim_host_random();
}

void machine_end(int status)
{
    sim_host_end(status);
}

const char *machine_symbol(uintptr_t address, uintptr_t *offset)
{
    return sim_host_symbol(address, offset);
}
