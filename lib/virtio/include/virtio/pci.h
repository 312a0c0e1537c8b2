/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of a PCI bus, for the drivers that own them (PCI Local Bus 3.0).
 *
 * A driver takes a function while it holds the configuration space: it searches, claims, finds out
 * what the function has, enables it, and gives the space back. From then on it works with the
 * function's own registers alone. What configuration space says comes from a device and may be
 * hostile: every number is checked before it is used, every walk has a bound.
 *
 * I1 Only the holder of the port SERVICE_PCI_SPACE touches configuration space; only the holder of
 *    SERVICE_PCI_FUNCTION(place) drives that function. Both are given back by the Nucleus when the
 *    holder dies.
 * I2 A range of memory has a power of two of bytes, is aligned to it and does not wrap.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define PCI_BUSES 256
#define PCI_BARS 6

/* A function's place: bus 8 bits, device 5, function 3. */
typedef uint16_t pci_place;

/* ---- Configuration space: one file a machine ------------------------------------------------- */

/* `offset` is a multiple of 4 below 256. What is not there reads as all ones. */
uint32_t pci_config_load(pci_place place, uint32_t offset);
void pci_config_store(pci_place place, uint32_t offset, uint32_t value);

/* Addresses that are the function's to have where a firmware gave it none; no two functions'
 * overlap. */
void pci_place_memory(pci_place place, uint64_t *base, uint64_t *bytes);

/* ---- Ownership ------------------------------------------------------------------------------- */

/* Waits until nobody else holds the configuration space. K_EBUSY: somebody does for too long;
 * K_EPRIV: the caller is no trusted actor; K_ENOMEM. Returns the port that stands for it. */
KnResult pci_space_take(void);
KnResult pci_space_give(int32_t port);

/* Makes the function the calling actor's. K_EBUSY: it is another one's. */
KnResult pci_function_claim(pci_place place);

/* ---- Searching ------------------------------------------------------------------------------- */

/* A walk over all functions, bus by bus: bus 0, and each behind a bridge that the firmware set
 * up. */
struct pci_scan {
    uint32_t next; /* the place that is looked at next */
    uint64_t reachable[PCI_BUSES / 64];
};

void pci_scan_open(struct pci_scan *scan);

/* false: there is no further function. */
bool pci_scan_next(struct pci_scan *scan, pci_place *place);

/* ---- What a function has --------------------------------------------------------------------- */

struct pci_bar {
    uint64_t base;  /* physical address */
    uint64_t bytes; /* 0: no memory there */
};

/*
 * Finds out the function's ranges of memory, which takes them off the bus for a moment. One that
 * the firmware left without an address gets one, if no other function has a firmware's: there is no
 * saying then what is free. K_EIO: what the function says cannot be; K_ENOSPC: it needs an address
 * and there is none to give.
 */
KnResult pci_bars_read(pci_place place, struct pci_bar bars[PCI_BARS]);

struct pci_capability {
    uint8_t offset;
    uint8_t id;
    uint8_t left; /* how many more a list can hold */
};

/* The capabilities one by one: start with zeros. false: there is no further one. A list that
 * leads in a circle, or out of its range, ends. */
bool pci_capability_next(pci_place place, struct pci_capability *capability);

/* Lets the function answer in memory and start transfers; its interrupt line is shut. */
void pci_enable(pci_place place);

/* ---- Message-signalled interrupts (MSI-X) ---------------------------------------------------- */

struct pci_msix {
    uint8_t capability;
    uint16_t vectors;
    uint8_t bar;
    uint32_t offset; /* of the table, in the bar */
};

/* K_EUNKNOWN: it has none; K_EIO: what it says of its table cannot be. */
KnResult pci_msix_read(pci_place place, const struct pci_bar bars[PCI_BARS], struct pci_msix *msix);

/* Writes one entry of the mapped table, and lets it through. */
void pci_msix_set(VmAddr table, uint16_t vector, const KnItMessage *message);

void pci_msix_enable(pci_place place, const struct pci_msix *msix);

#endif
