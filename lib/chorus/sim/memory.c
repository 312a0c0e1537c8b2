/* SPDX-License-Identifier: BSD-2-Clause */
/* Accessors of region memory, by the software walk of machine/sim. */
#include "chorus/memory.h"

#include "kit/base.h"
#include "kit/string.h"
#include "machine/sim_gate.h"

uint8_t mem_load8(VmAddr from)
{
    uint8_t value;

    sim_load(&value, from, sizeof(value));
    return value;
}

uint16_t mem_load16(VmAddr from)
{
    uint16_t value;

    sim_load(&value, from, sizeof(value));
    return value;
}

uint32_t mem_load32(VmAddr from)
{
    uint32_t value;

    sim_load(&value, from, sizeof(value));
    return value;
}

uint64_t mem_load64(VmAddr from)
{
    uint64_t value;

    sim_load(&value, from, sizeof(value));
    return value;
}

void mem_store8(VmAddr to, uint8_t value)
{
    sim_store(to, &value, sizeof(value));
}

void mem_store16(VmAddr to, uint16_t value)
{
    sim_store(to, &value, sizeof(value));
}

void mem_store32(VmAddr to, uint32_t value)
{
    sim_store(to, &value, sizeof(value));
}

void mem_store64(VmAddr to, uint64_t value)
{
    sim_store(to, &value, sizeof(value));
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    sim_load(to, from, bytes);
}

void mem_write(VmAddr to, const void *from, size_t bytes)
{
    sim_store(to, from, bytes);
}

void mem_fill(VmAddr to, uint8_t value, size_t bytes)
{
    uint8_t pattern[256];

    memset(pattern, value, sizeof(pattern));
    for (size_t done = 0; done < bytes; done += sizeof(pattern))
        sim_store(to + done, pattern, MIN(sizeof(pattern), bytes - done));
}
