/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of a virtio block device (Virtual I/O Device 1.2, section 5.2). Each client's request
 * is served by a thread of its own: it takes a place, waits its turn for the device, and sleeps
 * until the device has done. So many requests are on their way at once.
 *
 *   schedule.c  which request goes next
 *   disk.c      the device and its requests
 *   main.c      the program and its protocol (idl/disk.idl)
 *
 * I1 `lock` is held wherever the queue is touched, or a request that is not at rest, and never
 *    while waiting.
 * I2 A request in flight is not given up, whatever happens to its client: the device may write its
 *    memory until it says that it has done.
 * I3 in_flight is the number of requests in that state, and at most DISK_IN_FLIGHT.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "idl/disk.h"
#include "schedule.h"
#include "virtio/device.h"

#define DISK_IN_FLIGHT 4u
#define DISK_PIECES 3u /* of a request: what it is, its data, how it went */

struct disk {
    struct virtio_device device;
    struct virtio_interrupt interrupt;
    KnMutex lock;
    struct virtqueue queue;
    struct dma control; /* of each request what it is and how it went */

    uint64_t sectors;
    uint32_t block_bytes; /* what the medium likes to be written by */
    bool read_only;
    bool has_flush; /* what is written may be lost until a flush */

    struct schedule schedule;
    struct dma data[DISK_REQUESTS]; /* of each request, DISK_TRANSFER_BYTES */
    uint32_t in_flight;
    bool broken; /* the device cannot be relied on: everything is K_EIO */
};

/* Finds device `index` and starts it. Errors: those of virtio_open. */
KnResult disk_open(struct disk *disk, uint32_t index);

/* Checks a request and does it; its data is, or will be, in disk->data of its tag. K_EINVAL: no
 * whole sectors, or none; K_ETOOMUCH; K_EEND: beyond the medium; K_EPROT: it cannot be written;
 * K_EIO. */
KnResult disk_run(struct disk *disk, struct request *request);

#endif
