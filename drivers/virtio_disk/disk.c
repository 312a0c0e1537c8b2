/* SPDX-License-Identifier: BSD-2-Clause */
/* The device and its requests; see disk.h. */
#include "disk.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"

#define FEATURE_READ_ONLY VIRTIO_FEATURE(5)
#define FEATURE_BLOCK_SIZE VIRTIO_FEATURE(6)
#define FEATURE_FLUSH VIRTIO_FEATURE(9)

/* The device's registers. */
#define CONFIG_CAPACITY 0    /* in sectors, 64 bits */
#define CONFIG_BLOCK_SIZE 20 /* bytes, 32 bits */
#define BLOCK_BYTES_MAX 65536u

/* What a request is: kind 32, unused 32, sector 64; its answer is a byte. */
#define HEAD_SECTOR 8
#define HEAD_BYTES 16
#define ANSWER_BYTES 1
#define CONTROL_BYTES 32 /* of a request, both */

#define KIND_READ 0u
#define KIND_WRITE 1u
#define KIND_FLUSH 4u

#define ANSWER_OK 0
#define ANSWER_NONE 0xff /* the device writes another one */

/* ---- Bringing up ----------------------------------------------------------------------------- */

/* Whole sectors, and no number of bytes that 64 bits cannot hold. */
static KnResult geometry_read(struct disk *disk)
{
    const struct virtio_device *device = &disk->device;
    uint8_t capacity[8], block[4];
    KnResult status = virtio_config_read(device, CONFIG_CAPACITY, capacity, sizeof(capacity));

    if (status != K_OK)
        return status;
    disk->sectors = le64_load(capacity);
    if (disk->sectors > INT64_MAX / DISK_SECTOR_BYTES)
        return K_EIO;
    disk->block_bytes = DISK_SECTOR_BYTES;
    if ((device->features & FEATURE_BLOCK_SIZE) != 0) {
        status = virtio_config_read(device, CONFIG_BLOCK_SIZE, block, sizeof(block));
        if (status != K_OK)
            return status;
        disk->block_bytes = le32_load(block);
    }
    if (!IS_POWER_OF_TWO(disk->block_bytes) || disk->block_bytes < DISK_SECTOR_BYTES ||
        disk->block_bytes > BLOCK_BYTES_MAX)
        return K_EIO;
    disk->read_only = (device->features & FEATURE_READ_ONLY) != 0;
    disk->has_flush = (device->features & FEATURE_FLUSH) != 0;
    return K_OK;
}

static KnResult memory_allocate(struct disk *disk)
{
    KnResult status = dma_allocate(&disk->control, (VmSize)DISK_REQUESTS * CONTROL_BYTES);

    for (uint32_t tag = 0; tag < DISK_REQUESTS && status == K_OK; tag++)
        status = dma_allocate(&disk->data[tag], DISK_TRANSFER_BYTES);
    return status;
}

static KnResult queue_open(struct disk *disk)
{
    KnResult status = virtio_interrupt_open(&disk->device, &disk->interrupt);

    if (status == K_OK)
        status =
            virtio_queue_open(&disk->device, &disk->queue, 0, DISK_IN_FLIGHT * 4, &disk->interrupt);
    if (status == K_OK && disk->queue.size < DISK_IN_FLIGHT * DISK_PIECES)
        status = K_EIO;
    return status;
}

KnResult disk_open(struct disk *disk, uint32_t index)
{
    KnResult status = mutexInit(&disk->lock);

    schedule_init(&disk->schedule);
    if (status == K_OK)
        status = virtio_open(&disk->device, VIRTIO_BLOCK, index);
    if (status == K_OK)
        status =
            virtio_negotiate(&disk->device, FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH);
    if (status == K_OK)
        status = geometry_read(disk);
    if (status == K_OK)
        status = memory_allocate(disk);
    if (status == K_OK)
        status = queue_open(disk);
    if (status == K_OK)
        status = virtio_start(&disk->device);
    if (status != K_OK)
        virtio_close(&disk->device);
    return status;
}

/* ---- The device ------------------------------------------------------------------------------ */

static void lock(struct disk *disk)
{
    KnResult status = mutexGet(&disk->lock);

    ASSERT(status == K_OK);
}

static void unlock(struct disk *disk)
{
    KnResult status = mutexRel(&disk->lock);

    ASSERT(status == K_OK);
}

static uint32_t control_at(const struct request *request)
{
    return request->tag * CONTROL_BYTES;
}

/* Gives a request to the device. */
static KnResult lend(struct disk *disk, const struct request *request)
{
    static const uint32_t kinds[] = {
        [REQUEST_READ] = KIND_READ, [REQUEST_WRITE] = KIND_WRITE, [REQUEST_FLUSH] = KIND_FLUSH};
    uint64_t control = disk->control.physical + control_at(request);
    struct virtqueue_piece pieces[DISK_PIECES] = {{control, HEAD_BYTES, false}};
    uint8_t head[HEAD_BYTES + ANSWER_BYTES] = {[HEAD_BYTES] = ANSWER_NONE};
    uint16_t count = 1;

    ASSERT(request->state == REQUEST_WAITING && request->bytes <= DISK_TRANSFER_BYTES);
    ASSERT((request->kind == REQUEST_FLUSH) == (request->bytes == 0));
    le32_store(head, kinds[request->kind]);
    le64_store(&head[HEAD_SECTOR], request->sector);
    mem_write(disk->control.address + control_at(request), head, sizeof(head));
    if (request->bytes > 0)
        pieces[count++] = (struct virtqueue_piece){disk->data[request->tag].physical,
                                                   request->bytes, request->kind == REQUEST_READ};
    pieces[count++] = (struct virtqueue_piece){control + HEAD_BYTES, ANSWER_BYTES, true};
    return virtqueue_add(&disk->queue, pieces, count, request->tag);
}

/* How it went: by the device's answer, and for data by the bytes that it says it wrote. */
static KnResult answer_read(const struct disk *disk, const struct request *request, uint32_t bytes)
{
    uint8_t answer = mem_load8(disk->control.address + control_at(request) + HEAD_BYTES);

    if (answer != ANSWER_OK || (request->kind == REQUEST_READ && bytes < request->bytes))
        return K_EIO;
    return K_OK;
}

/* Nothing comes back from a device that broke the rules: all are told. */
static void give_up(struct disk *disk)
{
    if (!disk->broken)
        log_print("virtio_disk: the device broke the rules; it is not used any more\n");
    disk->broken = true;
    virtio_close(&disk->device);
    for (uint32_t tag = 0; tag < DISK_REQUESTS; tag++) {
        struct request *request = &disk->schedule.request[tag];

        if (request->state == REQUEST_AT_REST)
            continue;
        request->status = K_EIO;
        request->state = REQUEST_AT_REST;
    }
    disk->in_flight = 0;
    virtio_interrupt_raise(&disk->interrupt);
}

/* Takes back what the device has done. Everybody who waits for an interrupt looks for his own. */
static void collect(struct disk *disk)
{
    uint32_t tag, bytes;
    KnResult status;

    while ((status = virtqueue_take(&disk->queue, &tag, &bytes)) == K_OK) {
        struct request *request = &disk->schedule.request[tag];

        ASSERT(tag < DISK_REQUESTS && request->state == REQUEST_IN_FLIGHT);
        ASSERT(disk->in_flight > 0);
        request->status = answer_read(disk, request, bytes);
        request->state = REQUEST_AT_REST;
        disk->in_flight--;
    }
    if (status != K_EAGAIN)
        give_up(disk);
}

/* Fills the device with what waits. */
static void feed(struct disk *disk)
{
    bool any = false;
    struct request *request;

    while (!disk->broken && disk->in_flight < DISK_IN_FLIGHT &&
           (request = schedule_next(&disk->schedule)) != NULL) {
        if (lend(disk, request) != K_OK) {
            give_up(disk);
            return;
        }
        request->state = REQUEST_IN_FLIGHT;
        disk->in_flight++;
        any = true;
    }
    ASSERT(disk->in_flight <= DISK_IN_FLIGHT);
    if (any)
        virtqueue_notify(&disk->queue);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static KnResult request_check(const struct disk *disk, const struct request *request)
{
    uint64_t sectors = request->bytes / DISK_SECTOR_BYTES;

    if (request->kind == REQUEST_FLUSH)
        return K_OK;
    if (request->bytes == 0 || request->bytes % DISK_SECTOR_BYTES != 0)
        return K_EINVAL;
    if (request->bytes > DISK_TRANSFER_BYTES)
        return K_ETOOMUCH;
    if (request->sector > disk->sectors || sectors > disk->sectors - request->sector)
        return K_EEND;
    return request->kind == REQUEST_WRITE && disk->read_only ? K_EPROT : K_OK;
}

/* One look at the device. true: the request is done. */
static bool look(struct disk *disk, const struct request *request)
{
    bool done;

    lock(disk);
    if (!disk->broken)
        collect(disk);
    feed(disk);
    done = request->state == REQUEST_AT_REST;
    unlock(disk);
    return done;
}

KnResult disk_run(struct disk *disk, struct request *request)
{
    KnResult status = request_check(disk, request);
    uint64_t now_ns;

    ASSERT(request->state == REQUEST_AT_REST);
    ASSERT(request == &disk->schedule.request[request->tag]);
    /* Without a cache that could lose it, what is written is safe when the write is done. */
    if (status != K_OK || (request->kind == REQUEST_FLUSH && !disk->has_flush))
        return status;
    status = sysTime(&now_ns);
    if (status != K_OK)
        return status;
    lock(disk);
    if (!disk->broken)
        schedule_add(&disk->schedule, request, now_ns);
    else
        status = K_EIO;
    unlock(disk);
    if (status != K_OK)
        return status;
    for (;;) {
        uint32_t seen = virtio_interrupt_count(&disk->interrupt);

        if (look(disk, request))
            return request->status;
        status = virtio_interrupt_wait(&disk->interrupt, seen, 0);
        ASSERT(status == K_OK);
    }
}
