/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's end of the channel. See channel.h.
 *
 * I1  input_start + input_count <= sizeof(input), with room for a whole frame after channel_fill()
 *     has moved what is left to the start.
 */
#include "channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES sizeof(struct channel_header)

uint16_t little16_get(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t little32_get(const uint8_t *bytes)
{
    return little16_get(bytes) | (uint32_t)little16_get(bytes + 2) << 16;
}

uint64_t little64_get(const uint8_t *bytes)
{
    return little32_get(bytes) | (uint64_t)little32_get(bytes + 4) << 32;
}

void little16_put(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

void little32_put(uint8_t *bytes, uint32_t value)
{
    little16_put(bytes, (uint16_t)value);
    little16_put(bytes + 2, (uint16_t)(value >> 16));
}

void channel_create(struct channel *channel, int fd, bool is_file)
{
    memset(channel, 0, sizeof(*channel));
    channel->fd = fd;
    channel->is_file = is_file;
}

void channel_drop(struct channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}

void channel_fill(struct channel *channel)
{
    if (channel->input_start > 0)
        memmove(channel->input, channel->input + channel->input_start, channel->input_count);
    channel->input_start = 0;
    size_t room = sizeof(channel->input) - channel->input_count;
    if (room == 0 || channel->ended)
        return;
    ssize_t count = read(channel->fd, channel->input + channel->input_count, room);
    if (count > 0)
        channel->input_count += (size_t)count;
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        channel->ended = true; /* a reset says the same as an end: nobody is there any more */
}

enum channel_result channel_next(struct channel *channel, struct channel_frame *frame)
{
    const uint8_t *header = channel->input + channel->input_start;
    size_t count = channel->input_count;

    if (count < HEADER_BYTES) {
        if (channel->ended)
            return count == 0 ? CHANNEL_CLOSED : CHANNEL_BROKEN;
        return CHANNEL_WAIT;
    }
    uint32_t payload_bytes = little32_get(header);
    if (payload_bytes > CHANNEL_PAYLOAD_MAX || little16_get(header + 6) != 0)
        return CHANNEL_BROKEN;
    if (count < HEADER_BYTES + payload_bytes)
        return channel->ended ? CHANNEL_BROKEN : CHANNEL_WAIT;
    *frame = (struct channel_frame){
        .type = header[4],
        .stream = header[5],
        .payload_bytes = payload_bytes,
        .payload = header + HEADER_BYTES,
    };
    channel->input_start += HEADER_BYTES + payload_bytes;
    channel->input_count -= HEADER_BYTES + payload_bytes;
    return CHANNEL_FRAME;
}

bool channel_has_room(const struct channel *channel, size_t payload_bytes)
{
    return CHANNEL_QUEUE_BYTES - channel->output_count >= HEADER_BYTES + payload_bytes;
}

void channel_send(struct channel *channel, enum channel_type type, enum channel_stream stream,
                  const void *payload, size_t payload_bytes)
{
    uint8_t *header = channel->output + channel->output_count;

    assert(payload_bytes <= CHANNEL_PAYLOAD_MAX && channel_has_room(channel, payload_bytes));
    if (channel->is_file || channel->ended)
        return;
    little32_put(header, (uint32_t)payload_bytes);
    header[4] = (uint8_t)type;
    header[5] = (uint8_t)stream;
    little16_put(header + 6, 0);
    if (payload_bytes > 0)
        memcpy(header + HEADER_BYTES, payload, payload_bytes);
    channel->output_count += HEADER_BYTES + payload_bytes;
}

void channel_flush(struct channel *channel)
{
    while (channel->output_count > 0) {
        ssize_t count =
            send(channel->fd, channel->output, channel->output_count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0)
            count = (ssize_t)channel->output_count; /* reading tells that nobody is there */
        channel->output_count -= (size_t)count;
        memmove(channel->output, channel->output + count, channel->output_count);
    }
}
