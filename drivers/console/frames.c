/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames from bytes; see frames.h. */
#include "frames.h"

#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"

#define AT_TYPE 4
#define AT_STREAM 5
#define AT_ZERO 6

void frames_init(struct frames *frames)
{
    frames->have = 0;
    frames->broken = false;
}

static bool header_read(struct frames *frames)
{
    frames->header = (struct channel_header){
        .payload_bytes = le32_load(frames->head),
        .type = frames->head[AT_TYPE],
        .stream = frames->head[AT_STREAM],
        .zero = le16_load(&frames->head[AT_ZERO]),
    };
    return frames->header.payload_bytes <= CHANNEL_PAYLOAD_MAX && frames->header.zero == 0;
}

/* Bytes from the piece to a part of the frame that ends at `end`; the part begins at `begin`. */
static void part_take(struct frames *frames, uint8_t *part, uint32_t begin, uint32_t end,
                      VmAddr from, uint32_t bytes, uint32_t *taken)
{
    uint32_t count = MIN(end - frames->have, bytes - *taken);

    ASSERT(frames->have >= begin && frames->have <= end);
    mem_read(part + (frames->have - begin), from + *taken, count);
    frames->have += count;
    *taken += count;
}

enum frames_result frames_take(struct frames *frames, VmAddr from, uint32_t bytes, uint32_t *taken)
{
    uint32_t whole;

    *taken = 0;
    if (frames->broken)
        return FRAMES_BROKEN;
    if (frames->have < CHANNEL_HEADER_BYTES) {
        part_take(frames, frames->head, 0, CHANNEL_HEADER_BYTES, from, bytes, taken);
        if (frames->have < CHANNEL_HEADER_BYTES)
            return FRAMES_MORE;
        frames->broken = !header_read(frames);
        if (frames->broken)
            return FRAMES_BROKEN;
    }
    whole = CHANNEL_HEADER_BYTES + frames->header.payload_bytes;
    part_take(frames, frames->payload, CHANNEL_HEADER_BYTES, whole, from, bytes, taken);
    if (frames->have < whole)
        return FRAMES_MORE;
    frames->have = 0;
    return FRAMES_WHOLE;
}

void frames_head(uint8_t head[sizeof(struct channel_header)], uint8_t type, uint8_t stream,
                 uint32_t payload_bytes)
{
    ASSERT(payload_bytes <= CHANNEL_PAYLOAD_MAX);
    le32_store(head, payload_bytes);
    head[AT_TYPE] = type;
    head[AT_STREAM] = stream;
    le16_store(&head[AT_ZERO], 0);
}
