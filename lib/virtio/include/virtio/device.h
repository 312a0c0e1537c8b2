/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device behind PCI in its modern form (Virtual I/O Device 1.2, sections 3.1 and 4.1), as
 * a driver brings it up:
 *
 *     virtio_open(&device, VIRTIO_BLOCK, index)     finds it, claims it, maps its registers
 *     virtio_negotiate(&device, wanted)             resets it; device.features is what both know
 *     virtio_interrupt_open(&device, &interrupt)    any number of them; a queue may share one
 *     virtio_queue_open(&device, &queue, ...)       each queue that is used
 *     virtio_start(&device)
 *
 * For supervisor actors. Everything is in the driver's state struct, and the Nucleus takes it back
 * when the actor ends; a driver that ends by itself says virtio_close first, so that the device
 * lets go of memory that will be another's.
 *
 * I1 What the device says is bounded before it is used: its tables lie in its own memory, no number
 *    of its leads outside what was mapped, and it is never waited for without a bound.
 */
#ifndef VIRTIO_DEVICE_H
#define VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "virtio/pci.h"
#include "virtio/queue.h"

/* Kinds of device. */
#define VIRTIO_BLOCK 2u
#define VIRTIO_CONSOLE 3u

#define VIRTIO_FEATURE(bit) (UINT64_C(1) << (bit))
#define VIRTIO_VERSION_1 VIRTIO_FEATURE(32)

/* Memory that a device may be told of: without holes, zeroed, never taken away. */
struct dma {
    VmAddr address;
    uint64_t physical;
    VmSize bytes;
};

/* At most K_CMSGBODYMAX bytes. Errors: those of svPagesAllocate. */
KnResult dma_allocate(struct dma *dma, VmSize bytes);

struct virtio_device {
    pci_place place;
    uint64_t features; /* negotiated */
    VmAddr common;     /* the registers every device has */
    VmAddr notify;     /* doorbells of the queues */
    uint32_t notify_bytes;
    uint32_t notify_multiplier;
    VmAddr config; /* the registers of its kind; 0: it has none */
    uint32_t config_bytes;
    VmAddr vectors; /* the table of its interrupts */
    struct pci_msix msix;
    uint16_t next_vector;
    VmSize page_bytes;
};

/* Takes the `index`-th device of the kind, from 0, in the order of their places. Errors:
 * K_EUNKNOWN (there is none), K_EBUSY (another actor has it), K_EIO (it is no sound modern
 * device), K_EPRIV, K_ENOMEM, K_ENOSPC (no addresses for its registers). After an error the
 * caller's actor should end. */
KnResult virtio_open(struct virtio_device *device, uint32_t kind, uint32_t index);

/* Stops the device: it forgets all queues. */
void virtio_close(struct virtio_device *device);

/* VIRTIO_VERSION_1 is always wanted and must be there. K_EIO: the device does not agree. */
KnResult virtio_negotiate(struct virtio_device *device, uint64_t wanted);

/* The device's own registers, as they were at one moment. K_EIO: they do not reach so far, or
 * change without end. */
KnResult virtio_config_read(const struct virtio_device *device, uint32_t offset, void *to,
                            uint32_t bytes);

/* An interrupt of the device's: it counts, in memory that is always there, for it may come at any
 * time. */
struct virtio_interrupt {
    VmAddr count; /* 32 bits */
    uint16_t vector;
};

/* For as long as the actor lives. K_ENOMEM: the site, or the device, has no more. */
KnResult virtio_interrupt_open(struct virtio_device *device, struct virtio_interrupt *interrupt);

uint32_t virtio_interrupt_count(const struct virtio_interrupt *interrupt);

/* Waits until the count is another than `seen`. Read the count, then look for what the device
 * may have done, then wait: nothing is missed. `flags` as syncWait has them; K_EABORT. */
KnResult virtio_interrupt_wait(struct virtio_interrupt *interrupt, uint32_t seen, uint32_t flags);

/* As if the device had interrupted: everybody who waits looks again. */
void virtio_interrupt_raise(struct virtio_interrupt *interrupt);

/* Prepares the device's queue `index` with at most `size` descriptors, whose memory is
 * allocated, and has it interrupt by `interrupt`. K_EUNKNOWN: the device has no such queue;
 * K_EIO; K_ENOMEM. */
KnResult virtio_queue_open(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
                           uint16_t size, const struct virtio_interrupt *interrupt);

/* From here on the device looks at its queues. K_EIO: it is not ready to. */
KnResult virtio_start(struct virtio_device *device);

#endif
