/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues: how a driver lends buffers to a device and gets them back (Virtual I/O Device
 * 1.2, section 2.7). A buffer is a chain of pieces of physical memory; a token of the driver's own
 * names it.
 *
 *     virtqueue_add(queue, pieces, 3, token);      any number of times
 *     virtqueue_notify(queue);
 *     ...
 *     while (virtqueue_take(queue, &token, &bytes) == K_OK)
 *
 * Nothing here locks: who has several threads serialises them.
 *
 * I1 The device is not trusted. What this side needs to go on is kept where the device cannot write
 *    (`next`, `chain`), and what the device says is checked against it: an index beyond what it was
 *    lent, a chain that is not lent, more bytes than fit. The first lie breaks the queue for good.
 * I2 A descriptor is either in the free list, which has free_count of them, or in one lent chain.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define VIRTQUEUE_SIZE_MAX 128u /* descriptors; a power of two */

struct virtqueue_piece {
    uint64_t physical;
    uint32_t bytes;
    bool device_writes;
};

struct virtqueue_chain {
    uint32_t token;
    uint32_t room_bytes; /* that the device may write */
    uint16_t pieces;     /* 0: it is not lent, or not a chain's first */
};

struct virtqueue {
    VmAddr memory; /* of the three parts */
    uint64_t physical;
    VmAddr doorbell; /* where the device is told; 0: nowhere yet */
    uint16_t index;  /* which of the device's queues */
    uint16_t size;   /* descriptors; a power of two */
    uint16_t free_head;
    uint16_t free_count;
    uint16_t published; /* chains lent so far; wraps, as the device's counters do */
    uint16_t taken;     /* chains taken back so far */
    uint16_t lent;      /* chains the device holds */
    bool broken;
    uint16_t next[VIRTQUEUE_SIZE_MAX]; /* the descriptor behind one, free or in a chain */
    struct virtqueue_chain chain[VIRTQUEUE_SIZE_MAX];
};

/* Bytes of memory for a queue, and where its parts lie in it. */
uint32_t virtqueue_bytes(uint16_t size);
uint32_t virtqueue_available_offset(uint16_t size);
uint32_t virtqueue_used_offset(uint16_t size);

/* `memory` holds virtqueue_bytes(size) zero bytes, and is aligned to 16. */
void virtqueue_init(struct virtqueue *queue, uint16_t size, VmAddr memory, uint64_t physical);

/* Lends a buffer: first what the device reads, then what it writes. K_EFULL: not enough descriptors
 * are free; K_EIO: the queue is broken. */
KnResult virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces,
                       uint16_t count, uint32_t token);

/* Tells the device of what was added, if it wants to be told. */
void virtqueue_notify(struct virtqueue *queue);

/* Takes back a buffer: its token, and how many bytes the device says it wrote (never more than had
 * room). K_EAGAIN: there is none now; K_EIO: the queue is broken. */
KnResult virtqueue_take(struct virtqueue *queue, uint32_t *token, uint32_t *bytes);

/* Whether the device should interrupt when it gives buffers back; it may do so all the same. At
 * first it should. Who turns that on looks once more for buffers before it waits. */
void virtqueue_interrupts(struct virtqueue *queue, bool wanted);

/* Checks I2; for tests. */
bool virtqueue_verify(const struct virtqueue *queue);

#endif
