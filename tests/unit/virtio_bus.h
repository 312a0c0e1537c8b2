/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of a PCI bus for the tests of lib/virtio: functions with configuration spaces of 256
 * bytes, whose base address registers keep what their masks let through. It defines pci_config_load
 * and pci_config_store; a test that includes it has one bus, at bus_self.
 */
#ifndef TESTS_UNIT_VIRTIO_BUS_H
#define TESTS_UNIT_VIRTIO_BUS_H

#include "tests/unit/support.h"

#include "kit/endian.h"
#include "kit/string.h"
#include "virtio/pci.h"

#define BUS_FUNCTIONS 12
#define BUS_SPACE 256

struct bus_function {
    pci_place place;
    uint8_t space[BUS_SPACE];
    uint32_t bar_mask[PCI_BARS]; /* bits that can be written */
};

struct bus {
    struct bus_function function[BUS_FUNCTIONS];
    uint32_t functions;
    uint64_t loads, stores;
    bool measured_in_the_open; /* a mask was asked for while the function answered */
};

static struct bus bus_self;

static struct bus_function *bus_find(pci_place place)
{
    for (uint32_t i = 0; i < bus_self.functions; i++)
        if (bus_self.function[i].place == place)
            return &bus_self.function[i];
    return NULL;
}

uint32_t pci_config_load(pci_place place, uint32_t offset)
{
    const struct bus_function *function = bus_find(place);

    assert_true(offset < BUS_SPACE && offset % 4 == 0);
    bus_self.loads++;
    return function == NULL ? UINT32_MAX : le32_load(&function->space[offset]);
}

void pci_config_store(pci_place place, uint32_t offset, uint32_t value)
{
    struct bus_function *function = bus_find(place);

    assert_true(offset < BUS_SPACE && offset % 4 == 0);
    bus_self.stores++;
    if (function == NULL)
        return;
    if (offset >= 0x10 && offset < 0x10 + 4 * PCI_BARS) {
        uint32_t mask = function->bar_mask[(offset - 0x10) / 4];

        if (value == UINT32_MAX && (function->space[4] & 2) != 0)
            bus_self.measured_in_the_open = true;
        value = (value & mask) | (le32_load(&function->space[offset]) & ~mask);
    } else if (offset == 4) {
        /* The status half clears where ones are written. */
        value = (value & 0xffff) | (le32_load(&function->space[4]) & ~value & 0xffff0000);
    }
    le32_store(&function->space[offset], value);
}

/* ---- Making one ------------------------------------------------------------------------------ */

static inline pci_place bus_place(uint32_t bus, uint32_t device, uint32_t function)
{
    return (pci_place)(bus << 8 | device << 3 | function);
}

static inline struct bus_function *bus_add(pci_place place, uint16_t vendor, uint16_t device)
{
    struct bus_function *function = &bus_self.function[bus_self.functions++];

    assert_true(bus_self.functions <= BUS_FUNCTIONS);
    *function = (struct bus_function){.place = place};
    le16_store(&function->space[0], vendor);
    le16_store(&function->space[2], device);
    return function;
}

static inline void bus_clear(void)
{
    memset(&bus_self, 0, sizeof(bus_self));
}

/* A range of memory: 64 bits wide if `wide`, a power of two of bytes. */
static inline void bus_bar(struct bus_function *function, uint32_t index, uint64_t base,
                           uint64_t bytes, bool wide)
{
    uint8_t *bar = &function->space[0x10 + 4 * index];
    uint64_t mask = ~(bytes - 1) & ~UINT64_C(0xf);

    le32_store(bar, (uint32_t)base | (wide ? 4 : 0));
    function->bar_mask[index] = (uint32_t)mask;
    if (wide) {
        le32_store(bar + 4, (uint32_t)(base >> 32));
        function->bar_mask[index + 1] = (uint32_t)(mask >> 32);
    }
}

/* Puts a capability in front of the list. */
static inline uint8_t *bus_capability(struct bus_function *function, uint8_t offset, uint8_t id)
{
    function->space[6] |= 0x10;
    function->space[offset] = id;
    function->space[offset + 1] = function->space[0x34];
    function->space[0x34] = offset;
    return &function->space[offset];
}

static inline void bus_msix(struct bus_function *function, uint8_t offset, uint16_t vectors,
                            uint8_t bar, uint32_t table)
{
    uint8_t *capability = bus_capability(function, offset, 0x11);

    le16_store(capability + 2, (uint16_t)(vectors - 1));
    le32_store(capability + 4, table | bar);
}

#endif
