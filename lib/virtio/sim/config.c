/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine has no PCI bus: every place is empty. */
#include "virtio/pci.h"

uint32_t pci_config_load(pci_place place, uint32_t offset)
{
    (void)place;
    (void)offset;
    return UINT32_MAX;
}

void pci_config_store(pci_place place, uint32_t offset, uint32_t value)
{
    (void)place;
    (void)offset;
    (void)value;
}

void pci_place_memory(pci_place place, uint64_t *base, uint64_t *bytes)
{
    (void)place;
    *base = 0;
    *bytes = 0;
}
