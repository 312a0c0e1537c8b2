/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio device whose registers are mapped: its status, its features, its queues. See
 * virtio/device.h. */
#include "virtio/device.h"

#include "chorus/calls.h"
#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "lib/virtio/registers.h"

#define RESET_POLLS_MAX 1000
#define RESET_POLL_NS ((int64_t)1000000)
#define CONFIG_TRIES_MAX 16

static uint8_t status_load(const struct virtio_device *device)
{
    return mem_load8(device->common + COMMON_STATUS);
}

static void status_add(struct virtio_device *device, uint32_t bits)
{
    mem_store8(device->common + COMMON_STATUS, (uint8_t)(status_load(device) | bits));
}

/* ---- Bringing up ----------------------------------------------------------------------------- */

static KnResult reset(struct virtio_device *device)
{
    mem_store8(device->common + COMMON_STATUS, 0);
    for (uint32_t polls = 0; status_load(device) != 0; polls++) {
        KnResult status;

        if (polls == RESET_POLLS_MAX)
            return K_EIO;
        status = threadDelay(RESET_POLL_NS);
        if (status != K_OK)
            return status;
    }
    return K_OK;
}

void virtio_close(struct virtio_device *device)
{
    if (device->common != 0)
        mem_store8(device->common + COMMON_STATUS, 0);
}

static uint64_t offered(const struct virtio_device *device)
{
    uint64_t features = 0;

    for (uint32_t half = 0; half < 2; half++) {
        mem_store32(device->common + COMMON_DEVICE_FEATURE_SELECT, half);
        features |= (uint64_t)mem_load32(device->common + COMMON_DEVICE_FEATURE) << 32 * half;
    }
    return features;
}

KnResult virtio_negotiate(struct virtio_device *device, uint64_t wanted)
{
    KnResult status = reset(device);

    if (status != K_OK)
        return status;
    status_add(device, STATUS_ACKNOWLEDGE);
    status_add(device, STATUS_DRIVER);
    device->features = offered(device) & (wanted | VIRTIO_VERSION_1);
    for (uint32_t half = 0; half < 2; half++) {
        mem_store32(device->common + COMMON_DRIVER_FEATURE_SELECT, half);
        mem_store32(device->common + COMMON_DRIVER_FEATURE,
                    (uint32_t)(device->features >> 32 * half));
    }
    status_add(device, STATUS_FEATURES_OK);
    if ((device->features & VIRTIO_VERSION_1) == 0 ||
        (status_load(device) & STATUS_FEATURES_OK) == 0) {
        status_add(device, STATUS_FAILED);
        return K_EIO;
    }
    /* A change of its configuration interrupts nobody. */
    mem_store16(device->common + COMMON_CONFIG_VECTOR, VECTOR_NONE);
    return K_OK;
}

KnResult virtio_start(struct virtio_device *device)
{
    status_add(device, STATUS_DRIVER_OK);
    return (status_load(device) & (STATUS_NEEDS_RESET | STATUS_DRIVER_OK)) == STATUS_DRIVER_OK
               ? K_OK
               : K_EIO;
}

KnResult virtio_config_read(const struct virtio_device *device, uint32_t offset, void *to,
                            uint32_t bytes)
{
    if (offset > device->config_bytes || bytes > device->config_bytes - offset)
        return K_EIO;
    for (uint32_t tries = 0; tries < CONFIG_TRIES_MAX; tries++) {
        uint8_t generation = mem_load8(device->common + COMMON_GENERATION);

        for (uint32_t i = 0; i < bytes; i++)
            ((uint8_t *)to)[i] = mem_load8(device->config + offset + i);
        if (mem_load8(device->common + COMMON_GENERATION) == generation)
            return K_OK;
    }
    return K_EIO;
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* A wake cannot fail on a word of our own. */
static void count_up(uint32_t *count)
{
    __atomic_add_fetch(count, 1, __ATOMIC_RELEASE);
    (void)syncWake((VmAddr)count, UINT32_MAX);
}

/* Runs with interrupts off in whatever thread was running. */
static KnItResult interrupted(void *cookie)
{
    count_up(cookie);
    return K_IT_CONTINUE;
}

KnResult virtio_interrupt_open(struct virtio_device *device, struct virtio_interrupt *interrupt)
{
    KnItMessage message;
    struct dma memory;
    KnResult status;

    if (device->next_vector == device->msix.vectors)
        return K_ENOMEM;
    status = dma_allocate(&memory, sizeof(uint32_t));
    if (status == K_OK)
        status = svItMessage(&message);
    if (status == K_OK)
        status = svItConnect(message.imSource, interrupted, (void *)memory.address, 0);
    if (status != K_OK)
        return status;
    *interrupt = (struct virtio_interrupt){memory.address, device->next_vector++};
    pci_msix_set(device->vectors, interrupt->vector, &message);
    return K_OK;
}

uint32_t virtio_interrupt_count(const struct virtio_interrupt *interrupt)
{
    return __atomic_load_n((const uint32_t *)interrupt->count, __ATOMIC_ACQUIRE);
}

KnResult virtio_interrupt_wait(struct virtio_interrupt *interrupt, uint32_t seen, uint32_t flags)
{
    KnResult status = syncWait(interrupt->count, seen, K_NOTIMEOUT, flags);

    return status == K_EAGAIN ? K_OK : status;
}

void virtio_interrupt_raise(struct virtio_interrupt *interrupt)
{
    count_up((uint32_t *)interrupt->count);
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static void address_store(struct virtio_device *device, uint32_t offset, uint64_t physical)
{
    mem_store32(device->common + offset, (uint32_t)physical);
    mem_store32(device->common + offset + 4, (uint32_t)(physical >> 32));
}

/* The largest power of two that both sides can have; 0: the device has no such queue. */
static uint16_t size_choose(const struct virtio_device *device, uint16_t wanted)
{
    uint16_t size = (uint16_t)MIN(mem_load16(device->common + COMMON_QUEUE_SIZE),
                                  MIN((uint32_t)wanted, VIRTQUEUE_SIZE_MAX));

    while (!IS_POWER_OF_TWO(size) && size != 0)
        size &= (uint16_t)(size - 1);
    return size;
}

/* Where the device wants to be told of the selected queue. */
static KnResult doorbell_find(const struct virtio_device *device, VmAddr *doorbell)
{
    uint64_t offset =
        (uint64_t)mem_load16(device->common + COMMON_QUEUE_NOTIFY) * device->notify_multiplier;

    if (offset % 2 != 0 || offset + 2 > device->notify_bytes)
        return K_EIO;
    *doorbell = device->notify + (VmAddr)offset;
    return K_OK;
}

static KnResult queue_commit(struct virtio_device *device, const struct virtqueue *queue,
                             uint16_t vector)
{
    mem_store16(device->common + COMMON_QUEUE_SIZE, queue->size);
    address_store(device, COMMON_QUEUE_DESCRIPTORS, queue->physical);
    address_store(device, COMMON_QUEUE_AVAILABLE,
                  queue->physical + virtqueue_available_offset(queue->size));
    address_store(device, COMMON_QUEUE_USED, queue->physical + virtqueue_used_offset(queue->size));
    mem_store16(device->common + COMMON_QUEUE_VECTOR, vector);
    if (mem_load16(device->common + COMMON_QUEUE_VECTOR) != vector)
        return K_ENOMEM; /* the device has no room for the vector */
    mem_store16(device->common + COMMON_QUEUE_ENABLE, 1);
    return K_OK;
}

KnResult virtio_queue_open(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
                           uint16_t size, const struct virtio_interrupt *interrupt)
{
    VmAddr doorbell = 0;
    struct dma dma;
    KnResult status;

    ASSERT(size > 0);
    if (index >= mem_load16(device->common + COMMON_QUEUES))
        return K_EUNKNOWN;
    mem_store16(device->common + COMMON_QUEUE_SELECT, index);
    size = size_choose(device, size);
    if (size == 0)
        return K_EUNKNOWN;
    status = doorbell_find(device, &doorbell);
    if (status == K_OK)
        status = dma_allocate(&dma, virtqueue_bytes(size));
    if (status != K_OK)
        return status;
    virtqueue_init(queue, size, dma.address, dma.physical);
    queue->index = index;
    queue->doorbell = doorbell;
    return queue_commit(device, queue, interrupt->vector);
}
