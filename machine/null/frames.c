/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.h. Physical memory is mapped at one place, so an address is a sum; here the sum is with
 * zero. */
#include "machine/frames.h"

#include "kit/string.h"
#include "machine/arch.h"

void *physical_to_address(uint64_t physical)
{
    return (void *)(uintptr_t)physical;
}

uint64_t address_to_physical(const void *address)
{
    return (uintptr_t)address;
}

void page_copy(void *to, const void *from)
{
    memcpy(to, from, (size_t)1 << MACHINE_PAGE_SHIFT);
}

void page_zero(void *page)
{
    memset(page, 0, (size_t)1 << MACHINE_PAGE_SHIFT);
}

/* Nobody watches. */
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
