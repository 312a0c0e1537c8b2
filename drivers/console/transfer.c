/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing frames. Each is an attempt under the lock, made again after each interrupt
 * until it does not have to wait. See console.h.
 */
#include "chorus/calls.h"
#include "chorus/memory.h"
#include "console.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"

/* What an attempt works on; it returns K_EAGAIN to be made again. */
struct transfer {
    struct console *console;
    struct channel_header header;
    void *into;       /* reading: where the payload goes */
    const void *from; /* writing: where it comes from */
    uint64_t target;  /* draining: how many frames must be back; at most those sent when it began */
};

typedef KnResult transfer_attempt(struct transfer *transfer);

/* The count is read before the attempt, so no interrupt after it is missed. */
static KnResult transfer_run(struct transfer *transfer, transfer_attempt *attempt)
{
    struct console *console = transfer->console;

    for (;;) {
        uint32_t seen = virtio_interrupt_count(&console->interrupt);
        KnResult status = mutexGet(&console->lock), released;

        if (status != K_OK)
            return status;
        status = attempt(transfer);
        released = mutexRel(&console->lock);
        ASSERT(released == K_OK);
        if (status != K_EAGAIN)
            return status;
        status = virtio_interrupt_wait(&console->interrupt, seen, K_ABORTABLE);
        if (status != K_OK)
            return status;
    }
}

/* A launcher that has closed its end still takes and has sent what is under way. */
static bool channel_is_broken(const struct console *console)
{
    return console->ended != K_OK && console->ended != K_EEND;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Gives a buffer back to the device whose bytes are all taken. */
static KnResult piece_lend(struct console *console)
{
    struct piece *piece = &console->piece;
    const struct virtqueue_piece lent = {console->in_memory.physical +
                                             piece->buffer * IN_BUFFER_BYTES,
                                         IN_BUFFER_BYTES, true};
    KnResult status = virtqueue_add(&console->in, &lent, 1, piece->buffer);

    ASSERT(piece->taken == piece->bytes && piece->buffer < IN_BUFFERS);
    piece->bytes = piece->taken = 0;
    if (status == K_OK)
        virtqueue_notify(&console->in);
    return status;
}

/* Makes `piece` hold bytes. K_EAGAIN: the device has none. */
static KnResult piece_fill(struct console *console)
{
    struct piece *piece = &console->piece;
    KnResult status = K_OK;

    while (piece->taken == piece->bytes) {
        if (piece->bytes > 0)
            status = piece_lend(console);
        if (status == K_OK)
            status = virtqueue_take(&console->in, &piece->buffer, &piece->bytes);
        if (status != K_OK) {
            piece->bytes = 0;
            return status;
        }
        ASSERT(piece->buffer < IN_BUFFERS && piece->bytes <= IN_BUFFER_BYTES);
        piece->taken = 0;
        if (piece->bytes == 0)
            return K_EIO; /* a buffer given back empty would come and go for ever */
    }
    return K_OK;
}

/* Bytes until a frame is whole: at most one frame's worth of them. */
static KnResult frame_take(struct console *console)
{
    struct piece *piece = &console->piece;

    for (;;) {
        KnResult status = piece_fill(console);
        uint32_t taken;

        if (status != K_OK)
            return status;
        VmAddr from = console->in_memory.address + piece->buffer * IN_BUFFER_BYTES + piece->taken;
        enum frames_result result =
            frames_take(&console->frames, from, piece->bytes - piece->taken, &taken);

        piece->taken += taken;
        ASSERT(piece->taken <= piece->bytes);
        if (result != FRAMES_MORE)
            return result == FRAMES_WHOLE ? K_OK : K_EIO;
    }
}

/* Frames that came before the end are read before the end is told. */
static KnResult read_attempt(struct transfer *transfer)
{
    struct console *console = transfer->console;
    KnResult status = channel_is_broken(console) ? console->ended : frame_take(console);

    if (status == K_EAGAIN) {
        channel_control(console);
        return console->ended != K_OK ? console->ended : K_EAGAIN;
    }
    if (status != K_OK) {
        channel_end(console, status);
        return status;
    }
    ASSERT(console->frames.header.payload_bytes <= CHANNEL_PAYLOAD_MAX);
    transfer->header = console->frames.header;
    memcpy(transfer->into, console->frames.payload, transfer->header.payload_bytes);
    return K_OK;
}

KnResult channel_read(struct console *console, struct channel_header *header, void *payload)
{
    struct transfer transfer = {.console = console, .into = payload};
    KnResult status;

    if (__atomic_exchange_n(&console->reading, true, __ATOMIC_ACQUIRE))
        return K_EBUSY;
    status = transfer_run(&transfer, read_attempt);
    *header = transfer.header;
    __atomic_store_n(&console->reading, false, __ATOMIC_RELEASE);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Takes back what the device has done with. */
static KnResult slots_collect(struct console *console)
{
    uint32_t slot, bytes;
    KnResult status;

    while ((status = virtqueue_take(&console->out, &slot, &bytes)) == K_OK) {
        ASSERT(slot < OUT_SLOTS && (console->out_free & UINT32_C(1) << slot) == 0);
        console->out_free |= UINT32_C(1) << slot;
        console->out_given++;
        ASSERT(console->out_given <= console->out_sent);
    }
    return status == K_EAGAIN ? K_OK : status;
}

/* Interrupts are wanted from when somebody waits until nobody can be waiting any more, since
 * nothing is under way. The device may have missed that they were wanted when it gave the last
 * one back: so whoever does wait is woken from here. */
static void slots_interrupt(struct console *console, bool wanted)
{
    if (console->out_interrupts == wanted)
        return;
    console->out_interrupts = wanted;
    virtqueue_interrupts(&console->out, wanted);
    if (!wanted)
        virtio_interrupt_raise(&console->interrupt);
}

/* Takes back until `target` frames of all that were ever sent are back. K_EAGAIN: they are not, and
 * the device will interrupt when it gives the next one back. */
static KnResult slots_await(struct console *console, uint64_t target)
{
    KnResult status = slots_collect(console);

    ASSERT(target <= console->out_sent);
    if (status == K_OK && console->out_given < target) {
        slots_interrupt(console, true);
        status = slots_collect(console);
    }
    if (status != K_OK) {
        channel_end(console, status);
        return status;
    }
    if (console->out_given == console->out_sent)
        slots_interrupt(console, false);
    return console->out_given < target ? K_EAGAIN : K_OK;
}

/* Puts the frame into a free slot, and hands it to the device. */
static KnResult slot_send(struct console *console, const struct transfer *transfer)
{
    uint32_t slot = (uint32_t)__builtin_ctz(console->out_free);
    uint32_t head_at = OUT_SLOTS * CHANNEL_PAYLOAD_MAX + slot * CHANNEL_HEADER_BYTES;
    uint32_t payload_at = slot * CHANNEL_PAYLOAD_MAX,
             payload_bytes = transfer->header.payload_bytes;
    const struct virtqueue_piece pieces[] = {
        {console->out_memory.physical + head_at, CHANNEL_HEADER_BYTES, false},
        {console->out_memory.physical + payload_at, payload_bytes, false},
    };
    uint8_t head[CHANNEL_HEADER_BYTES];
    KnResult status;

    ASSERT(slot < OUT_SLOTS && console->out_sent - console->out_given < OUT_SLOTS);
    frames_head(head, transfer->header.type, transfer->header.stream, payload_bytes);
    mem_write(console->out_memory.address + head_at, head, sizeof(head));
    mem_write(console->out_memory.address + payload_at, transfer->from, payload_bytes);
    status = virtqueue_add(&console->out, pieces, payload_bytes > 0 ? 2 : 1, slot);
    if (status != K_OK) {
        channel_end(console, status);
        return status;
    }
    console->out_free &= ~(UINT32_C(1) << slot);
    console->out_sent++;
    virtqueue_notify(&console->out);
    return K_OK;
}

static KnResult write_attempt(struct transfer *transfer)
{
    struct console *console = transfer->console;
    uint64_t sent = console->out_sent;
    KnResult status = console->ended;

    if (status == K_OK) /* one slot at least must be free */
        status = slots_await(console, sent < OUT_SLOTS ? 0 : sent - (OUT_SLOTS - 1));
    return status == K_OK ? slot_send(console, transfer) : status;
}

KnResult channel_write(struct console *console, uint8_t type, uint8_t stream, const void *payload,
                       uint32_t payload_bytes)
{
    struct transfer transfer = {
        .console = console,
        .header = {.payload_bytes = payload_bytes, .type = type, .stream = stream},
        .from = payload,
    };

    if (payload_bytes > CHANNEL_PAYLOAD_MAX)
        return K_ETOOMUCH;
    return transfer_run(&transfer, write_attempt);
}

static KnResult drain_attempt(struct transfer *transfer)
{
    struct console *console = transfer->console;

    if (channel_is_broken(console))
        return console->ended;
    transfer->target = MIN(transfer->target, console->out_sent);
    return slots_await(console, transfer->target);
}

KnResult channel_drain(struct console *console)
{
    struct transfer transfer = {.console = console, .target = UINT64_MAX};

    return transfer_run(&transfer, drain_attempt);
}
