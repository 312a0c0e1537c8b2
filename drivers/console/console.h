/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of the channel: port "org.chorus.channel" of a virtio-serial device (Virtual I/O
 * Device 1.2, section 5.3). It moves frames; what they mean is its client's business.
 *
 *   frames.c   frames from bytes
 *   port.c     the device and the port: bringing up, and what the device says on its control queue
 *   transfer.c reading and writing frames
 *   main.c     the program and its protocol (idl/console.idl)
 *
 * I1 `lock` is held wherever a queue or `frames` is touched, and never while waiting.
 * I2 An incoming buffer is lent to the device, or it is `piece`, whose bytes are not all taken yet.
 *    So what nobody reads stays with the device, and then with the launcher.
 * I3 An outgoing slot is lent to the device, or its bit in `out_free` is set.
 * I4 `ended` is set once and stays: K_EEND, the launcher closed its end; K_EIO, the device, or what
 *    comes from it, cannot be relied on.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "frames.h"
#include "virtio/device.h"

#define IN_BUFFERS 8u
#define IN_BUFFER_BYTES 4096u
#define OUT_SLOTS 8u
#define CONTROL_BUFFERS 8u
#define CONTROL_BUFFER_BYTES 128u
#define CONTROL_MESSAGES 4u /* that are sent in the life of the driver, at most */

/* Bytes of the device that wait to be taken. */
struct piece {
    uint32_t buffer;
    uint32_t bytes; /* 0: there are none */
    uint32_t taken;
};

struct console {
    struct virtio_device device;
    struct virtio_interrupt interrupt;
    KnMutex lock;
    struct virtqueue control_in, control_out, in, out;
    struct dma in_memory, out_memory, control_memory;

    bool present, named, opened; /* what the device has said of the port */
    uint32_t control_sent;
    KnResult ended;

    struct piece piece;
    struct frames frames;
    bool reading; /* somebody reads */

    uint32_t out_free;            /* a bit a slot */
    bool out_interrupts;          /* wanted when the device gives a slot back */
    uint64_t out_sent, out_given; /* frames handed to the device, and given back by it */
};

/* Finds device `index`, and waits until its port is open at both ends. Errors: those of
 * virtio_open; K_EUNKNOWN too if the port has another name. */
KnResult channel_open(struct console *console, uint32_t index);

/* Looks at what the device has said on its control queue. Under the lock. */
void channel_control(struct console *console);

/* Notes why the channel has ended, and tells the log. Under the lock. */
void channel_end(struct console *console, KnResult why);

/* Waits for a frame; `payload` has CHANNEL_PAYLOAD_MAX bytes. K_EBUSY: somebody else reads; K_EEND,
 * K_EIO; K_EABORT. */
KnResult channel_read(struct console *console, struct channel_header *header, void *payload);

/* Sends a frame: it is with the device when the call returns, or the error says that it never was.
 * K_ETOOMUCH; K_EEND, K_EIO; K_EABORT. */
KnResult channel_write(struct console *console, uint8_t type, uint8_t stream, const void *payload,
                       uint32_t payload_bytes);

/* Waits until the device has given back every frame sent before. K_EIO; K_EABORT. */
KnResult channel_drain(struct console *console);

#endif
