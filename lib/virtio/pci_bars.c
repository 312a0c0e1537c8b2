/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function's ranges of memory: how large they are, where they are, and addresses for those that
 * have none. See virtio/pci.h.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "lib/virtio/registers.h"
#include "virtio/pci.h"

#define ADDRESS_LIMIT (UINT64_C(1) << 52)

/* A base address register, or two that hold one address. */
struct bar {
    uint32_t offset;
    bool wide;
    uint64_t base;
    uint64_t bytes; /* 0: nothing there */
};

static uint64_t base_load(pci_place place, const struct bar *bar)
{
    uint64_t base = pci_config_load(place, bar->offset) & ~PCI_BAR_FLAGS;

    if (bar->wide)
        base |= (uint64_t)pci_config_load(place, bar->offset + 4) << 32;
    return base;
}

static void base_store(pci_place place, const struct bar *bar, uint64_t base)
{
    pci_config_store(place, bar->offset, (uint32_t)base);
    if (bar->wide)
        pci_config_store(place, bar->offset + 4, (uint32_t)(base >> 32));
}

/* What of all ones stays is the mask of the address. The device does not answer meanwhile. */
static void bar_measure(pci_place place, struct bar *bar)
{
    uint64_t mask;

    bar->base = base_load(place, bar);
    base_store(place, bar, UINT64_MAX);
    mask = base_load(place, bar);
    base_store(place, bar, bar->base);
    if (!bar->wide && mask != 0)
        mask |= (uint64_t)UINT32_MAX << 32;
    bar->bytes = ~mask + 1; /* 0 where the mask is */
}

/* Reads register `index`. It may be I/O, or empty: then bytes is 0. */
static KnResult bar_read(pci_place place, uint32_t index, struct bar *bar)
{
    uint32_t low = pci_config_load(place, PCI_BAR_0 + 4 * index);

    *bar = (struct bar){.offset = PCI_BAR_0 + 4 * index};
    if ((low & PCI_BAR_IO) != 0)
        return K_OK;
    bar->wide = (low & PCI_BAR_WIDTH) == PCI_BAR_64;
    if ((!bar->wide && (low & PCI_BAR_WIDTH) != PCI_BAR_32) || (bar->wide && index + 1 == PCI_BARS))
        return K_EIO;
    bar_measure(place, bar);
    if (bar->bytes == 0)
        return K_OK;
    if (!IS_POWER_OF_TWO(bar->bytes) || !IS_ALIGNED(bar->base, bar->bytes) ||
        bar->base >= ADDRESS_LIMIT || bar->bytes > ADDRESS_LIMIT - bar->base)
        return K_EIO;
    return K_OK;
}

/* ---- Addresses where the firmware gave none -------------------------------------------------- */

/* Whether all memory of a function lies where pci_place_memory would put it. */
static bool is_ours_or_none(pci_place place)
{
    uint32_t kind = pci_config_load(place, PCI_HEADER) >> 16 & PCI_HEADER_KIND;
    uint32_t bars = kind == PCI_HEADER_PLAIN    ? PCI_BARS
                    : kind == PCI_HEADER_BRIDGE ? PCI_BRIDGE_BARS
                                                : 0;
    uint64_t slot, slot_bytes;

    pci_place_memory(place, &slot, &slot_bytes);
    for (uint32_t index = 0; index < bars; index++) {
        uint32_t low = pci_config_load(place, PCI_BAR_0 + 4 * index);
        struct bar bar = {.offset = PCI_BAR_0 + 4 * index};

        if ((low & PCI_BAR_IO) != 0)
            continue;
        bar.wide = (low & PCI_BAR_WIDTH) == PCI_BAR_64 && index + 1 < bars;
        bar.base = base_load(place, &bar);
        if (bar.base != 0 && (bar.base < slot || bar.base - slot >= slot_bytes))
            return false;
        index += bar.wide;
    }
    return true;
}

static bool firmware_gave_addresses(void)
{
    struct pci_scan scan;
    pci_place place;

    pci_scan_open(&scan);
    while (pci_scan_next(&scan, &place))
        if (!is_ours_or_none(place))
            return true;
    return false;
}

/* Places a range at or above *next, which goes on behind it. */
static KnResult bar_place(pci_place place, struct bar *bar, uint64_t *next)
{
    uint64_t slot, slot_bytes, base;

    pci_place_memory(place, &slot, &slot_bytes);
    base = ALIGN_UP(MAX(*next, slot), bar->bytes);
    if (bar->bytes > slot_bytes || base - slot > slot_bytes - bar->bytes)
        return K_ENOSPC;
    bar->base = base;
    *next = base + bar->bytes;
    base_store(place, bar, base);
    return base_load(place, bar) == base ? K_OK : K_EIO;
}

/* ---- All of a function ----------------------------------------------------------------------- */

static KnResult bars_measure(pci_place place, struct pci_bar bars[PCI_BARS])
{
    uint64_t next = 0;
    bool may_place = false;

    for (uint32_t index = 0; index < PCI_BARS; index++) {
        struct bar bar;
        KnResult status = bar_read(place, index, &bar);

        if (status == K_OK && bar.bytes != 0 && bar.base == 0) {
            may_place = may_place || !firmware_gave_addresses();
            status = may_place ? bar_place(place, &bar, &next) : K_ENOSPC;
        }
        if (status != K_OK)
            return status;
        bars[index] = (struct pci_bar){bar.base, bar.bytes};
        index += bar.wide;
    }
    return K_OK;
}

KnResult pci_bars_read(pci_place place, struct pci_bar bars[PCI_BARS])
{
    uint32_t command = pci_config_load(place, PCI_COMMAND) & 0xffff;
    KnResult status;

    for (uint32_t index = 0; index < PCI_BARS; index++)
        bars[index] = (struct pci_bar){0, 0};
    if ((pci_config_load(place, PCI_HEADER) >> 16 & PCI_HEADER_KIND) != PCI_HEADER_PLAIN)
        return K_EIO;
    pci_config_store(place, PCI_COMMAND,
                     command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
    status = bars_measure(place, bars);
    pci_config_store(place, PCI_COMMAND, command);
    return status;
}
