/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory through the direct map. page_copy and page_zero are in copy.S. */
#include "machine/frames.h"

#include "kit/assert.h"
#include "machine/arch.h"
#include "machine/x86_64/layout.h"

void *physical_to_address(uint64_t physical)
{
    return (void *)(DIRECT_MAP_ADDRESS + physical);
}

uint64_t address_to_physical(const void *address)
{
    uint64_t offset = (uintptr_t)address - DIRECT_MAP_ADDRESS;

    ASSERT(offset < MACHINE_SUPERVISOR_LOW - DIRECT_MAP_ADDRESS);
    return offset;
}

/* There is no sanitizer on this machine. */
void memory_poison(void *address, size_t bytes)
{
    (void)address;
    (void)bytes;
}

void memory_unpoison(void *address, size_t bytes)
{
    (void)address;
    (void)bytes;
}
