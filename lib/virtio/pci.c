/* SPDX-License-Identifier: BSD-2-Clause */
/* Ownership of the bus and of functions, the search, capabilities, enabling. See virtio/pci.h. */
#include "virtio/pci.h"

#include "chorus/calls.h"
#include "chorus/services.h"
#include "chorus/ui.h"
#include "kit/assert.h"
#include "lib/virtio/registers.h"

#define SPACE_POLL_NS ((int64_t)1000000)
#define SPACE_POLLS_MAX 10000

/* ---- Ownership ------------------------------------------------------------------------------- */

/* Declaring a port is an atomic step of the Nucleus, and its end is the holder's end: a lock
 * that no dead driver keeps. */
static KnResult hold(uint64_t stamp)
{
    KnUniqueId ui;
    KnResult status = uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), stamp);

    return status == K_OK ? portDeclare(K_MYACTOR, &ui) : status;
}

KnResult pci_space_take(void)
{
    KnResult status = hold(SERVICE_PCI_SPACE);

    for (uint32_t polls = 0; status == K_EEXIST && polls < SPACE_POLLS_MAX; polls++) {
        status = threadDelay(SPACE_POLL_NS);
        if (status != K_OK)
            return status;
        status = hold(SERVICE_PCI_SPACE);
    }
    return status == K_EEXIST ? K_EBUSY : status;
}

KnResult pci_space_give(int32_t port)
{
    return portDelete(K_MYACTOR, port);
}

KnResult pci_function_claim(pci_place place)
{
    KnResult status = hold(SERVICE_PCI_FUNCTION(place));

    if (status == K_EEXIST)
        return K_EBUSY;
    return status < 0 ? status : K_OK;
}

/* ---- Searching ------------------------------------------------------------------------------- */

static void reach(struct pci_scan *scan, uint32_t bus)
{
    ASSERT(bus < PCI_BUSES);
    scan->reachable[bus / 64] |= UINT64_C(1) << bus % 64;
}

static bool is_reachable(const struct pci_scan *scan, uint32_t bus)
{
    return (scan->reachable[bus / 64] >> bus % 64 & 1) != 0;
}

void pci_scan_open(struct pci_scan *scan)
{
    *scan = (struct pci_scan){0};
    reach(scan, 0);
}

/* A bridge leads to a bus of a higher number, so the walk comes there later, and once. */
static void bridge_follow(struct pci_scan *scan, pci_place place)
{
    uint32_t bus = place / PCI_BUS_PLACES;
    uint32_t secondary = pci_config_load(place, PCI_BRIDGE_BUSES) >> 8 & 0xff;

    if (secondary > bus)
        reach(scan, secondary);
}

bool pci_scan_next(struct pci_scan *scan, pci_place *place)
{
    while (scan->next < PCI_BUSES * PCI_BUS_PLACES) {
        pci_place here = (pci_place)scan->next;
        bool first = here % PCI_DEVICE_PLACES == 0;

        if (!is_reachable(scan, here / PCI_BUS_PLACES)) {
            scan->next += PCI_BUS_PLACES;
            continue;
        }
        if ((pci_config_load(here, PCI_ID) & 0xffff) == PCI_VENDOR_NONE) {
            scan->next += first ? PCI_DEVICE_PLACES : 1;
            continue;
        }
        uint32_t header = pci_config_load(here, PCI_HEADER) >> 16 & 0xff;

        scan->next += first && (header & PCI_HEADER_FUNCTIONS) == 0 ? PCI_DEVICE_PLACES : 1;
        if ((header & PCI_HEADER_KIND) == PCI_HEADER_BRIDGE)
            bridge_follow(scan, here);
        *place = here;
        return true;
    }
    return false;
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

bool pci_capability_next(pci_place place, struct pci_capability *capability)
{
    uint32_t offset;

    if (capability->offset == 0) {
        if ((pci_config_load(place, PCI_COMMAND) >> 16 & PCI_STATUS_CAPABILITIES) == 0)
            return false;
        capability->left = (PCI_CONFIG_BYTES - PCI_CAPABILITIES_LOW) / 4;
        offset = pci_config_load(place, PCI_CAPABILITIES) & 0xff;
    } else {
        offset = pci_config_load(place, capability->offset) >> 8 & 0xff;
    }
    offset &= ~(uint32_t)3;
    if (offset < PCI_CAPABILITIES_LOW || capability->left == 0)
        return false;
    capability->left--;
    capability->offset = (uint8_t)offset;
    capability->id = (uint8_t)pci_config_load(place, offset);
    return true;
}

/* ---- Enabling -------------------------------------------------------------------------------- */

/* The upper half of the register holds marks that writing a one clears: zeros leave them alone. */
void pci_enable(pci_place place)
{
    uint32_t command = pci_config_load(place, PCI_COMMAND) & 0xffff;

    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_LINE;
    pci_config_store(place, PCI_COMMAND, command);
}
