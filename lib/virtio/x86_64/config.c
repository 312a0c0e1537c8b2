/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space of a PC, by the two ports that every PC has ("configuration mechanism #1").
 * The pair of accesses is not one step: see I1 of virtio/pci.h.
 */
#include "kit/assert.h"
#include "virtio/pci.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define ADDRESS_ENABLE 0x80000000u

/*
 * Below the interrupt controllers lies nothing but devices: a PC with memory up to here puts the
 * rest above 4 GiB. A MiB for each function of bus 0. What is behind a bridge gets none, since the
 * bridge would have to be told too.
 */
#define PLACE_MEMORY UINT64_C(0xe0000000)
#define PLACE_MEMORY_BYTES UINT64_C(0x100000)
#define PLACES_WITH_MEMORY 256

static void port_store(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint32_t port_load(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static void select_register(pci_place place, uint32_t offset)
{
    ASSERT(offset < 256 && offset % 4 == 0);
    port_store(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)place << 8 | offset);
}

uint32_t pci_config_load(pci_place place, uint32_t offset)
{
    select_register(place, offset);
    return port_load(PORT_DATA);
}

void pci_config_store(pci_place place, uint32_t offset, uint32_t value)
{
    select_register(place, offset);
    port_store(PORT_DATA, value);
}

void pci_place_memory(pci_place place, uint64_t *base, uint64_t *bytes)
{
    *base = PLACE_MEMORY + place * PLACE_MEMORY_BYTES;
    *bytes = place < PLACES_WITH_MEMORY ? PLACE_MEMORY_BYTES : 0;
}
