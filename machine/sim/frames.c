/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: an arena of host memory at a pretended base. Holes between the ranges of the
 * boot record are part of the arena, and nobody touches them.
 */
#include "machine/frames.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "machine/sim/internal.h"
#include "machine/sim_host.h"
#include "nucleus/site.h"

char *arena_at(uint64_t physical)
{
    const struct machine_cpu *machine = &cpu_self()->machine;

    if (physical < machine->arena_base || physical - machine->arena_base >= machine->arena_bytes)
        return NULL;
    return machine->arena + (physical - machine->arena_base);
}

void *physical_to_address(uint64_t physical)
{
    char *address = arena_at(physical);

    ASSERT(address != NULL);
    return address;
}

uint64_t address_to_physical(const void *address)
{
    const struct machine_cpu *machine = &cpu_self()->machine;
    uint64_t offset = (uint64_t)((uintptr_t)address - (uintptr_t)machine->arena);

    ASSERT(offset < machine->arena_bytes);
    return machine->arena_base + offset;
}

void page_copy(void *to, const void *from)
{
    memcpy(to, from, (size_t)1 << MACHINE_PAGE_SHIFT);
}

void page_zero(void *page)
{
    memset(page, 0, (size_t)1 << MACHINE_PAGE_SHIFT);
}

void memory_poison(void *address, size_t bytes)
{
    sim_host_poison(address, bytes);
}

void memory_unpoison(void *address, size_t bytes)
{
    sim_host_unpoison(address, bytes);
}
