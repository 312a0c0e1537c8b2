/* SPDX-License-Identifier: BSD-2-Clause */
/* Accessors of region memory: the address is the processor's own. */
#include "chorus/memory.h"

#include "kit/string.h"

uint8_t mem_load8(VmAddr from)
{
    return *(const volatile uint8_t *)from;
}

uint16_t mem_load16(VmAddr from)
{
    return *(const volatile uint16_t *)from;
}

uint32_t mem_load32(VmAddr from)
{
    return *(const volatile uint32_t *)from;
}

uint64_t mem_load64(VmAddr from)
{
    return *(const volatile uint64_t *)from;
}

void mem_store8(VmAddr to, uint8_t value)
{
    *(volatile uint8_t *)to = value;
}

void mem_store16(VmAddr to, uint16_t value)
{
    *(volatile uint16_t *)to = value;
}

void mem_store32(VmAddr to, uint32_t value)
{
    *(volatile uint32_t *)to = value;
}

void mem_store64(VmAddr to, uint64_t value)
{
    *(volatile uint64_t *)to = value;
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

void mem_write(VmAddr to, const void *from, size_t bytes)
{
    memcpy((void *)to, from, bytes);
}

void mem_fill(VmAddr to, uint8_t value, size_t bytes)
{
    memset((void *)to, value, bytes);
}
