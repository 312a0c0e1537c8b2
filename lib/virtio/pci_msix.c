/* SPDX-License-Identifier: BSD-2-Clause */
/* Message-signalled interrupts of a function. See virtio/pci.h. */
#include "chorus/memory.h"
#include "kit/assert.h"
#include "lib/virtio/registers.h"
#include "virtio/pci.h"

KnResult pci_msix_read(pci_place place, const struct pci_bar bars[PCI_BARS], struct pci_msix *msix)
{
    struct pci_capability capability = {0};
    uint32_t table;

    do {
        if (!pci_capability_next(place, &capability))
            return K_EUNKNOWN;
    } while (capability.id != PCI_CAPABILITY_MSIX);
    if (capability.offset + MSIX_CAPABILITY_BYTES > PCI_CONFIG_BYTES)
        return K_EIO;
    table = pci_config_load(place, capability.offset + 4u);
    *msix = (struct pci_msix){
        .capability = capability.offset,
        .vectors = (uint16_t)((pci_config_load(place, capability.offset) >> 16 & MSIX_COUNT) + 1),
        .bar = (uint8_t)(table & MSIX_BAR),
        .offset = table & ~MSIX_BAR,
    };
    if (msix->bar >= PCI_BARS || bars[msix->bar].bytes < msix->offset ||
        bars[msix->bar].bytes - msix->offset < (uint64_t)msix->vectors * MSIX_ENTRY_BYTES)
        return K_EIO;
    return K_OK;
}

void pci_msix_set(VmAddr table, uint16_t vector, const KnItMessage *message)
{
    VmAddr entry = table + (VmAddr)vector * MSIX_ENTRY_BYTES;

    mem_store32(entry + MSIX_ENTRY_ADDRESS, (uint32_t)message->imAddress);
    mem_store32(entry + MSIX_ENTRY_ADDRESS + 4, (uint32_t)(message->imAddress >> 32));
    mem_store32(entry + MSIX_ENTRY_DATA, message->imData);
    mem_store32(entry + MSIX_ENTRY_CONTROL, 0);
}

void pci_msix_enable(pci_place place, const struct pci_msix *msix)
{
    uint32_t control = pci_config_load(place, msix->capability) >> 16;

    ASSERT(msix->capability >= PCI_CAPABILITIES_LOW);
    control = (control | MSIX_ENABLED) & ~MSIX_MASKED;
    pci_config_store(place, msix->capability, control << 16);
}
