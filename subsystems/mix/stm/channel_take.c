/* SPDX-License-Identifier: BSD-2-Clause */
/* From the launcher, or from the archive, to the streams. See channel.h. */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "idl/boot.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "service/service.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/channel.h"
#include "subsystems/mix/stm/stm.h"

/* A poll does not say how much its process will read. */
#define POLLED_BYTES CHANNEL_PAYLOAD_MAX

/* ---- Standard input that is no terminal ------------------------------------------------------ */

/* What is there, or under way, counts. */
void channel_want(struct stm *stm, uint32_t bytes)
{
    struct channel *channel = &stm->channel;
    uint32_t room =
        channel->input != NULL ? pipe_room(channel->input) : tty_input_room(&stm->terminal.tty);
    uint32_t under_way = channel->in_credit + channel->in_wanted;

    if (channel->input_ended || MIN(bytes, room) <= under_way)
        return;
    channel->in_wanted += MIN(bytes, room) - under_way;
    if (channel->launch.input_is_archive)
        wait_queue_wake_all(&channel->input_wanted);
    else
        channel_kick(stm);
}

static long input_read(struct call *call, struct transfer *transfer)
{
    long result = pipe_read(call, transfer);

    if (result == -EAGAIN)
        channel_want(call->stm, transfer->bytes);
    return result;
}

static uint32_t input_poll(struct stm *stm, struct stream *stream, uint32_t wanted)
{
    uint32_t events = pipe_poll(stm, stream, wanted);

    if ((wanted & (POLLIN | POLLRDNORM)) != 0 && (events & POLLIN) == 0)
        channel_want(stm, POLLED_BYTES);
    return events;
}

const struct stream_operations input_operations = {
    .read = input_read,
    .write = pipe_write,
    .read_settle = pipe_read_settle,
    .write_settle = pipe_write_settle,
    .poll = input_poll,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .close = pipe_close,
};

/* ---- Frames ---------------------------------------------------------------------------------- */

/* More than there was credit for is lost: the launcher is at fault. */
static void in_take(struct stm *stm, uint32_t bytes)
{
    struct channel *channel = &stm->channel;
    uint32_t taken = MIN(bytes, channel->in_credit);

    channel->in_credit -= taken;
    if (taken < bytes)
        log_print("stm: %u bytes of input without credit are lost\n", bytes - taken);
    if (taken == 0 || channel->input_ended)
        return;
    if (channel->input == NULL)
        terminal_input(stm, channel->payload, taken);
    else
        pipe_put(channel->input, channel->payload, taken);
}

static void in_end_take(struct stm *stm, uint32_t error)
{
    struct channel *channel = &stm->channel;

    if (channel->input_ended)
        return;
    channel->input_ended = true;
    if (channel->input == NULL)
        terminal_hang_up(stm);
    else
        pipe_end(channel->input, (int)MIN(error, UINT8_MAX));
}

static void window_take(struct stm *stm, const uint8_t *payload)
{
    const struct linux_winsize window = {
        .rows = le16_load(payload + offsetof(struct channel_window, rows)),
        .columns = le16_load(payload + offsetof(struct channel_window, columns)),
        .x_pixels = le16_load(payload + offsetof(struct channel_window, x_pixels)),
        .y_pixels = le16_load(payload + offsetof(struct channel_window, y_pixels)),
    };

    if (stm->terminal.present && !stm->terminal.hung_up)
        terminal_resize(stm, &window);
}

static bool is_outlet(uint32_t stream)
{
    return stream >= CHANNEL_STDOUT && stream < CHANNEL_STDOUT + CHANNEL_OUTLETS;
}

static void frame_take(struct stm *stm, uint32_t type, uint32_t stream, uint32_t bytes)
{
    struct channel *channel = &stm->channel;
    const uint8_t *payload = channel->payload;

    if (type == CHANNEL_IN && stream == CHANNEL_STDIN) {
        in_take(stm, bytes);
    } else if (type == CHANNEL_IN_END && bytes == sizeof(struct channel_end)) {
        in_end_take(stm, le32_load(payload));
    } else if (type == CHANNEL_WINDOW && bytes == sizeof(struct channel_window)) {
        window_take(stm, payload);
    } else if (type == CHANNEL_SIGNAL && bytes == sizeof(struct channel_signal) &&
               le32_load(payload) > 0 && le32_load(payload) <= SIGNAL_COUNT) {
        signals_post(stm, 0, le32_load(payload));
    } else if (type == CHANNEL_OUT_CREDIT && bytes == sizeof(struct channel_credit) &&
               is_outlet(stream)) {
        channel->outlet[stream - CHANNEL_STDOUT].credit += le32_load(payload);
        channel_kick(stm);
    } else if (type == CHANNEL_OUT_END && bytes == sizeof(struct channel_end) &&
               is_outlet(stream)) {
        channel_outlet_end(stm, stream - CHANNEL_STDOUT, (int)MIN(le32_load(payload), UINT8_MAX));
    } else if (type == CHANNEL_HALT) {
        signals_post_halt(stm);
    } else {
        log_print("stm: the launcher sent a frame of type %u that makes no sense\n", type);
    }
}

static void take_from_launcher(struct stm *stm)
{
    struct channel *channel = &stm->channel;
    struct console_read_out frame = {.payload = channel->payload,
                                     .payload_room = sizeof(channel->payload)};
    KnResult status;

    do {
        status = console_read(&channel->console, &frame);
        lock_take(&stm->lock);
        if (status == K_OK)
            frame_take(stm, frame.type, frame.stream, frame.payload_bytes);
        else
            channel_lose(stm, status);
        lock_give(&stm->lock);
        signals_send(stm);
    } while (status == K_OK);
}

/* ---- The archive ----------------------------------------------------------------------------- */

/* The next piece of member "stdin" into the payload. */
static KnResult archive_read(struct stm *stm, const struct idl_client *boot, uint32_t bytes,
                             uint32_t *got)
{
    struct channel *channel = &stm->channel;
    const struct boot_read_in in = {channel->archive_offset, bytes};
    struct boot_read_out out = {.data = channel->payload, .data_room = bytes};
    KnResult status;

    lock_give(&stm->lock);
    status = boot_read(boot, &in, &out);
    lock_take(&stm->lock);
    *got = status == K_OK ? out.data_bytes : 0;
    return status;
}

static void wanted_wait(struct stm *stm)
{
    struct waiter waiter = {0};
    struct wait_link link;

    wait_link_enter(&link, &stm->channel.input_wanted, &waiter);
    (void)waiter_sleep(&waiter, &stm->lock, 0);
    wait_link_leave(&link);
}

static void take_from_archive(struct stm *stm)
{
    struct channel *channel = &stm->channel;
    struct idl_client boot;
    KnResult status = service_client(&boot, SERVICE_BOOT, NULL, 0);

    lock_take(&stm->lock);
    while (status == K_OK && channel->archive_left > 0) {
        uint32_t bytes = MIN(channel->in_wanted, CHANNEL_PAYLOAD_MAX), got;

        if (bytes == 0) {
            wanted_wait(stm);
            continue;
        }
        bytes = (uint32_t)MIN(bytes, channel->archive_left);
        status = archive_read(stm, &boot, bytes, &got);
        channel->archive_offset += got;
        channel->archive_left -= got;
        channel->in_wanted -= MIN(channel->in_wanted, got);
        pipe_put(channel->input, channel->payload, got);
    }
    channel->input_ended = true;
    pipe_end(channel->input, status == K_OK ? 0 : EIO);
    lock_give(&stm->lock);
}

void channel_take_all(uintptr_t argument)
{
    struct stm *stm = (struct stm *)argument;

    if (stm->channel.launch.input_is_archive)
        take_from_archive(stm);
    else
        take_from_launcher(stm);
}
