/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues. The interface and the invariants stand in virtio/queue.h.
 *
 * The memory that both sides see:
 *
 *     descriptors   size times: physical address 64, bytes 32, flags 16, next 16
 *     available     flags 16, index 16, then size heads of chains, 16 each: what the driver lends
 *     used          flags 16, index 16, then size times head 32, bytes written 32: what the device
 *                   returns
 */
#include "virtio/queue.h"

#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"

#define DESCRIPTOR_BYTES 16
#define DESCRIPTOR_LENGTH 8
#define DESCRIPTOR_FLAGS 12
#define DESCRIPTOR_NEXT 14
#define FLAG_NEXT 1u
#define FLAG_WRITE 2u

#define RING_FLAGS 0
#define RING_INDEX 2
#define RING_ENTRIES 4
#define AVAILABLE_ENTRY_BYTES 2
#define USED_ENTRY_BYTES 8
#define AVAILABLE_NO_INTERRUPT 1u
#define USED_NO_NOTIFY 1u

/* ---- Memory ---------------------------------------------------------------------------------- */

uint32_t virtqueue_available_offset(uint16_t size)
{
    return (uint32_t)size * DESCRIPTOR_BYTES;
}

/* Behind the ring of heads there is room for one more number, which we do not use. */
uint32_t virtqueue_used_offset(uint16_t size)
{
    uint32_t end =
        virtqueue_available_offset(size) + RING_ENTRIES + (size + 1u) * AVAILABLE_ENTRY_BYTES;

    return ALIGN_UP(end, 4);
}

uint32_t virtqueue_bytes(uint16_t size)
{
    return virtqueue_used_offset(size) + RING_ENTRIES + (uint32_t)size * USED_ENTRY_BYTES + 2;
}

static VmAddr descriptor_of(const struct virtqueue *queue, uint16_t number)
{
    return queue->memory + (VmAddr)number * DESCRIPTOR_BYTES;
}

static VmAddr available_of(const struct virtqueue *queue)
{
    return queue->memory + virtqueue_available_offset(queue->size);
}

static VmAddr used_of(const struct virtqueue *queue)
{
    return queue->memory + virtqueue_used_offset(queue->size);
}

void virtqueue_init(struct virtqueue *queue, uint16_t size, VmAddr memory, uint64_t physical)
{
    ASSERT(IS_POWER_OF_TWO(size) && size <= VIRTQUEUE_SIZE_MAX);
    ASSERT(IS_ALIGNED(memory, DESCRIPTOR_BYTES) && IS_ALIGNED(physical, DESCRIPTOR_BYTES));
    *queue = (struct virtqueue){.memory = memory,
                                .physical = physical,
                                .size = size,
                                .free_count = size};
    for (uint16_t i = 0; i < size; i++)
        queue->next[i] = (uint16_t)(i + 1);
}

/* ---- Lending --------------------------------------------------------------------------------- */

static void descriptor_store(struct virtqueue *queue, uint16_t number,
                             const struct virtqueue_piece *piece, bool last)
{
    VmAddr descriptor = descriptor_of(queue, number);
    uint32_t flags = (piece->device_writes ? FLAG_WRITE : 0) | (last ? 0 : FLAG_NEXT);

    mem_store64(descriptor, piece->physical);
    mem_store32(descriptor + DESCRIPTOR_LENGTH, piece->bytes);
    mem_store16(descriptor + DESCRIPTOR_FLAGS, (uint16_t)flags);
    mem_store16(descriptor + DESCRIPTOR_NEXT, last ? 0 : queue->next[number]);
}

/* The device may look at any moment: the chain is whole before its head is in the ring, and the
 * head is there before the index says so. */
static void publish(struct virtqueue *queue, uint16_t head)
{
    VmAddr available = available_of(queue);
    uint32_t slot = queue->published % queue->size;

    mem_store16(available + RING_ENTRIES + slot * AVAILABLE_ENTRY_BYTES, head);
    queue->published++;
    queue->lent++;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    mem_store16(available + RING_INDEX, queue->published);
}

KnResult virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces,
                       uint16_t count, uint32_t token)
{
    uint16_t head = queue->free_head, at = head;
    uint32_t room_bytes = 0;

    ASSERT(count > 0 && count <= queue->size);
    if (queue->broken)
        return K_EIO;
    if (count > queue->free_count)
        return K_EFULL;
    for (uint16_t i = 0; i < count; i++) {
        ASSERT(i == 0 || pieces[i].device_writes || !pieces[i - 1].device_writes);
        ASSERT(pieces[i].bytes <= UINT32_MAX - room_bytes);
        if (pieces[i].device_writes)
            room_bytes += pieces[i].bytes;
        descriptor_store(queue, at, &pieces[i], i + 1 == count);
        at = queue->next[at];
    }
    queue->free_head = at;
    queue->free_count = (uint16_t)(queue->free_count - count);
    queue->chain[head] = (struct virtqueue_chain){token, room_bytes, count};
    publish(queue, head);
    return K_OK;
}

/* The index must be visible before the device's wish is read: it writes its wish and then reads the
 * index, so one of the two sees the other. */
void virtqueue_notify(struct virtqueue *queue)
{
    ASSERT(queue->doorbell != 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if ((mem_load16(used_of(queue) + RING_FLAGS) & USED_NO_NOTIFY) == 0)
        mem_store16(queue->doorbell, queue->index);
}

/* ---- Taking back ----------------------------------------------------------------------------- */

static KnResult broken(struct virtqueue *queue)
{
    queue->broken = true;
    return K_EIO;
}

static void chain_free(struct virtqueue *queue, uint16_t head)
{
    uint16_t last = head;

    for (uint16_t i = 1; i < queue->chain[head].pieces; i++)
        last = queue->next[last];
    queue->next[last] = queue->free_head;
    queue->free_head = head;
    queue->free_count = (uint16_t)(queue->free_count + queue->chain[head].pieces);
    queue->chain[head].pieces = 0;
    queue->lent--;
}

KnResult virtqueue_take(struct virtqueue *queue, uint32_t *token, uint32_t *bytes)
{
    VmAddr used = used_of(queue);
    uint16_t waiting;

    if (queue->broken)
        return K_EIO;
    waiting = (uint16_t)(mem_load16(used + RING_INDEX) - queue->taken);
    if (waiting == 0)
        return K_EAGAIN;
    if (waiting > queue->lent)
        return broken(queue);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    VmAddr entry = used + RING_ENTRIES + (VmAddr)(queue->taken % queue->size) * USED_ENTRY_BYTES;
    uint32_t head = mem_load32(entry);
    uint32_t written = mem_load32(entry + 4);

    if (head >= queue->size || queue->chain[head].pieces == 0 ||
        written > queue->chain[head].room_bytes)
        return broken(queue);
    *token = queue->chain[head].token;
    *bytes = written;
    queue->taken++;
    chain_free(queue, (uint16_t)head);
    return K_OK;
}

void virtqueue_interrupts(struct virtqueue *queue, bool wanted)
{
    mem_store16(available_of(queue) + RING_FLAGS, wanted ? 0 : AVAILABLE_NO_INTERRUPT);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- For tests ------------------------------------------------------------------------------- */

bool virtqueue_verify(const struct virtqueue *queue)
{
    bool seen[VIRTQUEUE_SIZE_MAX] = {false};
    uint32_t total = 0, lent = 0;
    uint16_t at = queue->free_head;

    for (uint16_t i = 0; i < queue->free_count; i++, at = queue->next[at]) {
        if (at >= queue->size || seen[at])
            return false;
        seen[at] = true;
        total++;
    }
    for (uint16_t head = 0; head < queue->size; head++) {
        lent += queue->chain[head].pieces > 0;
        at = head;
        for (uint16_t i = 0; i < queue->chain[head].pieces; i++, at = queue->next[at]) {
            if (at >= queue->size || seen[at])
                return false;
            seen[at] = true;
            total++;
        }
    }
    return total == queue->size && lent == queue->lent;
}
