/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device and its port. With several ports a device tells of each on a control queue: that it is
 * there, how it is called, that the other end is open; the driver answers that it is ready, and
 * opens its own end. See console.h.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "console.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"

#define FEATURE_SEVERAL_PORTS VIRTIO_FEATURE(1)

#define CONFIG_PORTS 4 /* offset of the number of ports, 32 bits */

#define QUEUE_CONTROL_IN 2
#define QUEUE_CONTROL_OUT 3
#define QUEUE_IN(port) ((uint16_t)(2 + 2 * (port)))
#define QUEUE_OUT(port) ((uint16_t)(3 + 2 * (port)))
_Static_assert(CHANNEL_PORT_NUMBER > 0, "port 0 has its queues in another place");

/* A control message: port 32, event 16, value 16, then perhaps text. */
#define MESSAGE_EVENT 4
#define MESSAGE_VALUE 6
#define MESSAGE_BYTES 8

enum control_event {
    CONTROL_DEVICE_READY = 0, /* from the driver */
    CONTROL_PORT_ADD = 1,
    CONTROL_PORT_REMOVE = 2,
    CONTROL_PORT_READY = 3, /* from the driver */
    CONTROL_PORT_OPEN = 6,  /* from either */
    CONTROL_PORT_NAME = 7,
};

void channel_end(struct console *console, KnResult why)
{
    ASSERT(why != K_OK && why != K_EAGAIN);
    if (console->ended != K_OK)
        return;
    console->ended = why;
    virtio_interrupt_raise(&console->interrupt);
    if (why != K_EEND)
        log_print("console: the channel is out of order: %s\n", strSysError(why));
}

/* ---- Control messages ------------------------------------------------------------------------ */

/* Every message has memory of its own, for they are few. */
static KnResult control_send(struct console *console, enum control_event event)
{
    uint32_t at = CONTROL_BUFFERS * CONTROL_BUFFER_BYTES + console->control_sent * MESSAGE_BYTES;
    const struct virtqueue_piece piece = {console->control_memory.physical + at, MESSAGE_BYTES,
                                          false};
    uint8_t message[MESSAGE_BYTES];
    KnResult status;

    if (console->control_sent == CONTROL_MESSAGES)
        return K_EIO; /* the device says things twice */
    le32_store(message, event == CONTROL_DEVICE_READY ? 0 : CHANNEL_PORT_NUMBER);
    le16_store(&message[MESSAGE_EVENT], event);
    le16_store(&message[MESSAGE_VALUE], 1);
    mem_write(console->control_memory.address + at, message, sizeof(message));
    status = virtqueue_add(&console->control_out, &piece, 1, 0);
    if (status != K_OK)
        return status;
    console->control_sent++;
    virtqueue_notify(&console->control_out);
    return K_OK;
}

static KnResult control_lend(struct console *console, uint32_t buffer)
{
    ASSERT(buffer < CONTROL_BUFFERS);
    const struct virtqueue_piece piece = {console->control_memory.physical +
                                              buffer * CONTROL_BUFFER_BYTES,
                                          CONTROL_BUFFER_BYTES, true};

    return virtqueue_add(&console->control_in, &piece, 1, buffer);
}

/* The name may be followed by a NUL. */
static KnResult name_take(struct console *console, const uint8_t *name, uint32_t bytes)
{
    uint32_t expected = sizeof(CHANNEL_PORT_NAME) - 1;

    if (bytes > 0 && name[bytes - 1] == '\0')
        bytes--;
    if (bytes != expected || memcmp(name, CHANNEL_PORT_NAME, expected) != 0) {
        log_print("console: port %d is not called %s\n", CHANNEL_PORT_NUMBER, CHANNEL_PORT_NAME);
        return K_EUNKNOWN;
    }
    console->named = true;
    return control_send(console, CONTROL_PORT_OPEN);
}

static KnResult message_take(struct console *console, const uint8_t *message, uint32_t bytes)
{
    if (bytes < MESSAGE_BYTES)
        return K_EIO;
    if (le32_load(message) != CHANNEL_PORT_NUMBER)
        return K_OK;
    switch (le16_load(&message[MESSAGE_EVENT])) {
    case CONTROL_PORT_ADD:
        console->present = true;
        return control_send(console, CONTROL_PORT_READY);
    case CONTROL_PORT_NAME:
        return name_take(console, message + MESSAGE_BYTES, bytes - MESSAGE_BYTES);
    case CONTROL_PORT_OPEN:
        console->opened = le16_load(&message[MESSAGE_VALUE]) != 0;
        return console->opened ? K_OK : K_EEND;
    case CONTROL_PORT_REMOVE:
        return K_EEND;
    default:
        return K_OK; /* sizes of consoles, say */
    }
}

/* Takes the messages that are there. */
static KnResult messages_take(struct console *console)
{
    KnResult status = K_OK;
    uint32_t buffer, bytes;

    for (uint32_t taken = 0; status == K_OK && taken < CONTROL_BUFFERS; taken++) {
        uint8_t message[CONTROL_BUFFER_BYTES];

        status = virtqueue_take(&console->control_in, &buffer, &bytes);
        if (status != K_OK)
            break;
        ASSERT(buffer < CONTROL_BUFFERS && bytes <= sizeof(message));
        mem_read(message, console->control_memory.address + buffer * CONTROL_BUFFER_BYTES, bytes);
        status = message_take(console, message, bytes);
        if (status == K_OK)
            status = control_lend(console, buffer);
    }
    return status == K_EAGAIN ? K_OK : status;
}

void channel_control(struct console *console)
{
    KnResult status;

    if (console->ended != K_OK)
        return;
    status = messages_take(console);
    virtqueue_notify(&console->control_in);
    if (status != K_OK)
        channel_end(console, status);
}

/* ---- Bringing up ----------------------------------------------------------------------------- */

static KnResult memory_allocate(struct console *console)
{
    KnResult status = dma_allocate(&console->in_memory, (VmSize)IN_BUFFERS * IN_BUFFER_BYTES);

    /* A slot is a payload; the headers follow behind all of them. */
    if (status == K_OK)
        status = dma_allocate(&console->out_memory,
                              (VmSize)OUT_SLOTS * (CHANNEL_PAYLOAD_MAX + CHANNEL_HEADER_BYTES));
    if (status == K_OK)
        status =
            dma_allocate(&console->control_memory, (VmSize)CONTROL_BUFFERS * CONTROL_BUFFER_BYTES +
                                                       CONTROL_MESSAGES * MESSAGE_BYTES);
    console->out_free = (UINT32_C(1) << OUT_SLOTS) - 1;
    return status;
}

/* A queue that takes as many descriptors as we ever use. */
static KnResult queue_open(struct console *console, struct virtqueue *queue, uint16_t index,
                           uint16_t size)
{
    KnResult status = virtio_queue_open(&console->device, queue, index, size, &console->interrupt);

    ASSERT(IS_POWER_OF_TWO(size)); /* else the device would never have as many */
    return status == K_OK && queue->size < size ? K_EIO : status;
}

static KnResult queues_open(struct console *console)
{
    KnResult status = queue_open(console, &console->control_in, QUEUE_CONTROL_IN, CONTROL_BUFFERS);

    if (status == K_OK)
        status = queue_open(console, &console->control_out, QUEUE_CONTROL_OUT, CONTROL_MESSAGES);
    if (status == K_OK)
        status = queue_open(console, &console->in, QUEUE_IN(CHANNEL_PORT_NUMBER), IN_BUFFERS);
    if (status == K_OK)
        status = queue_open(console, &console->out, QUEUE_OUT(CHANNEL_PORT_NUMBER), 2 * OUT_SLOTS);
    return status;
}

static KnResult buffers_lend(struct console *console)
{
    KnResult status = K_OK;

    for (uint32_t buffer = 0; buffer < CONTROL_BUFFERS && status == K_OK; buffer++)
        status = control_lend(console, buffer);
    for (uint32_t buffer = 0; buffer < IN_BUFFERS && status == K_OK; buffer++) {
        const struct virtqueue_piece piece = {console->in_memory.physical +
                                                  buffer * IN_BUFFER_BYTES,
                                              IN_BUFFER_BYTES, true};

        status = virtqueue_add(&console->in, &piece, 1, buffer);
    }
    virtqueue_interrupts(&console->control_out, false);
    virtqueue_interrupts(&console->out, false);
    return status;
}

static KnResult device_open(struct console *console, uint32_t index)
{
    KnResult status = virtio_open(&console->device, VIRTIO_CONSOLE, index);
    uint8_t ports[4];

    if (status == K_OK)
        status = virtio_negotiate(&console->device, FEATURE_SEVERAL_PORTS);
    if (status == K_OK && (console->device.features & FEATURE_SEVERAL_PORTS) == 0)
        status = K_EIO;
    if (status == K_OK)
        status = virtio_config_read(&console->device, CONFIG_PORTS, ports, sizeof(ports));
    if (status == K_OK && le32_load(ports) <= CHANNEL_PORT_NUMBER)
        status = K_EUNKNOWN;
    if (status == K_OK)
        status = virtio_interrupt_open(&console->device, &console->interrupt);
    return status;
}

/* What a device needs to say comes soon or, if it is broken, never: who started us has a bound. */
static KnResult port_await(struct console *console)
{
    KnResult status = control_send(console, CONTROL_DEVICE_READY);

    virtqueue_notify(&console->control_in);
    while (status == K_OK && !(console->present && console->named && console->opened)) {
        uint32_t seen = virtio_interrupt_count(&console->interrupt);

        channel_control(console);
        if (console->ended != K_OK)
            return console->ended;
        if (!(console->present && console->named && console->opened))
            status = virtio_interrupt_wait(&console->interrupt, seen, 0);
    }
    return status;
}

KnResult channel_open(struct console *console, uint32_t index)
{
    KnResult status = mutexInit(&console->lock);

    if (status == K_OK)
        status = device_open(console, index);
    if (status == K_OK)
        status = memory_allocate(console);
    if (status == K_OK)
        status = queues_open(console);
    if (status == K_OK)
        status = buffers_lend(console);
    if (status == K_OK)
        status = virtio_start(&console->device);
    if (status == K_OK)
        status = port_await(console);
    if (status == K_OK)
        virtqueue_notify(&console->in);
    else
        virtio_close(&console->device);
    return status;
}
