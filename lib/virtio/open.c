/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding a virtio device and mapping its registers. In configuration space it lists, in
 * capabilities, where in its memory they lie; of each kind the first that can be right is taken.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "lib/virtio/registers.h"
#include "virtio/device.h"

#define RANGE_BYTES_MAX 65536u
#define RANGE_KINDS (VIRTIO_CONFIG + 1)

/* A part of a function's memory. */
struct range {
    uint64_t physical;
    uint32_t bytes; /* 0: there is none */
};

/* All that is learnt in configuration space. */
struct layout {
    struct pci_bar bars[PCI_BARS];
    struct range range[RANGE_KINDS]; /* by enum virtio_capability_kind */
};

/* ---- Searching ------------------------------------------------------------------------------- */

static bool is_of_kind(pci_place place, uint32_t kind)
{
    uint32_t id = pci_config_load(place, PCI_ID);
    uint32_t device = id >> 16;

    if ((id & 0xffff) != VIRTIO_VENDOR)
        return false;
    if (device >= VIRTIO_ID_FIRST && device < VIRTIO_ID_MODERN)
        return pci_config_load(place, PCI_SUBSYSTEM) >> 16 == kind;
    return device == VIRTIO_ID_MODERN + kind;
}

static KnResult find(uint32_t kind, uint32_t index, pci_place *place)
{
    struct pci_scan scan;

    pci_scan_open(&scan);
    while (pci_scan_next(&scan, place))
        if (is_of_kind(*place, kind) && index-- == 0)
            return K_OK;
    return K_EUNKNOWN;
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static const struct {
    uint32_t bytes_min;
    uint32_t align;
} range_rules[RANGE_KINDS] = {
    [VIRTIO_COMMON] = {COMMON_BYTES, 4},
    [VIRTIO_NOTIFY] = {2, 2},
    [VIRTIO_CONFIG] = {1, 4},
};

/* Notes the range that a capability tells of, if it is a part of the function's memory. */
static void range_read(struct virtio_device *device, struct layout *layout, uint32_t capability)
{
    uint32_t head = pci_config_load(device->place, capability);
    uint32_t kind = head >> 24, capability_bytes = head >> 16 & 0xff;
    uint32_t needed_bytes = VIRTIO_CAPABILITY_BYTES + (kind == VIRTIO_NOTIFY ? 4 : 0);

    if (kind >= RANGE_KINDS || range_rules[kind].align == 0 || layout->range[kind].bytes != 0)
        return;
    if (capability_bytes < needed_bytes || capability + needed_bytes > PCI_CONFIG_BYTES)
        return;
    uint32_t bar = pci_config_load(device->place, capability + VIRTIO_CAPABILITY_BAR) & 0xff;
    uint32_t offset = pci_config_load(device->place, capability + VIRTIO_CAPABILITY_OFFSET);
    uint32_t bytes = pci_config_load(device->place, capability + VIRTIO_CAPABILITY_LENGTH);

    if (bar >= PCI_BARS || offset > layout->bars[bar].bytes ||
        bytes > layout->bars[bar].bytes - offset || bytes < range_rules[kind].bytes_min ||
        !IS_ALIGNED(offset, range_rules[kind].align))
        return;
    layout->range[kind] =
        (struct range){layout->bars[bar].base + offset, MIN(bytes, RANGE_BYTES_MAX)};
    if (kind == VIRTIO_NOTIFY)
        device->notify_multiplier =
            pci_config_load(device->place, capability + VIRTIO_CAPABILITY_MULTIPLIER);
}

static KnResult ranges_read(struct virtio_device *device, struct layout *layout)
{
    struct pci_capability capability = {0};

    while (pci_capability_next(device->place, &capability))
        if (capability.id == PCI_CAPABILITY_VENDOR)
            range_read(device, layout, capability.offset);
    if (layout->range[VIRTIO_COMMON].bytes == 0 || layout->range[VIRTIO_NOTIFY].bytes == 0)
        return K_EIO;
    return K_OK;
}

/* ---- Configuration space --------------------------------------------------------------------- */

static KnResult function_prepare(struct virtio_device *device, struct layout *layout, uint32_t kind,
                                 uint32_t index)
{
    KnResult status = find(kind, index, &device->place);

    if (status == K_OK)
        status = pci_function_claim(device->place);
    if (status == K_OK)
        status = pci_bars_read(device->place, layout->bars);
    if (status == K_OK)
        status = ranges_read(device, layout);
    if (status != K_OK)
        return status;
    if (pci_msix_read(device->place, layout->bars, &device->msix) != K_OK)
        return K_EIO; /* nothing else tells us when it has done something */
    pci_msix_enable(device->place, &device->msix);
    pci_enable(device->place);
    return K_OK;
}

/* As function_prepare, while nobody else is at it. */
static KnResult function_take(struct virtio_device *device, struct layout *layout, uint32_t kind,
                              uint32_t index)
{
    KnResult space = pci_space_take();

    if (space < 0)
        return space;
    KnResult status = function_prepare(device, layout, kind, index);
    KnResult given = pci_space_give((int32_t)space);

    return status == K_OK ? given : status;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static KnResult range_map(const struct virtio_device *device, const struct range *range,
                          VmAddr *address)
{
    uint64_t first = ALIGN_DOWN(range->physical, device->page_bytes);
    VmSize skip = (VmSize)(range->physical - first);
    KnRgnDesc region = {.size = ALIGN_UP(skip + range->bytes, device->page_bytes),
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE};
    KnResult status = svPhysMap(&region, first, 1);

    if (status == K_OK)
        *address = region.startAddr + skip;
    return status;
}

static KnResult registers_map(struct virtio_device *device, const struct layout *layout)
{
    const struct range *config = &layout->range[VIRTIO_CONFIG];
    const struct range vectors = {layout->bars[device->msix.bar].base + device->msix.offset,
                                  (uint32_t)device->msix.vectors * MSIX_ENTRY_BYTES};
    KnResult status = range_map(device, &layout->range[VIRTIO_COMMON], &device->common);

    device->notify_bytes = layout->range[VIRTIO_NOTIFY].bytes;
    device->config_bytes = config->bytes;
    if (status == K_OK)
        status = range_map(device, &layout->range[VIRTIO_NOTIFY], &device->notify);
    if (status == K_OK && config->bytes > 0)
        status = range_map(device, config, &device->config);
    if (status == K_OK)
        status = range_map(device, &vectors, &device->vectors);
    return status;
}

KnResult virtio_open(struct virtio_device *device, uint32_t kind, uint32_t index)
{
    struct layout layout = {0};
    KnSiteStat site;
    KnResult status = siteStat(&site);

    *device = (struct virtio_device){0};
    if (status != K_OK)
        return status;
    ASSERT(IS_POWER_OF_TWO(site.ssPageBytes));
    device->page_bytes = site.ssPageBytes;
    status = function_take(device, &layout, kind, index);
    return status == K_OK ? registers_map(device, &layout) : status;
}
