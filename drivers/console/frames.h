/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of the channel (chorus/channel.h), put together from a stream of bytes that comes in
 * pieces of any size. The other side may be hostile: a header that cannot be is the end of the
 * stream, since nothing tells where the next one begins. What a frame means is not known here.
 *
 * I1 have <= CHANNEL_HEADER_BYTES + the payload's length, which is known once the header is whole
 *    and is at most CHANNEL_PAYLOAD_MAX.
 */
#ifndef CONSOLE_FRAMES_H
#define CONSOLE_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/channel.h"
#include "chorus/types.h"

#define CHANNEL_HEADER_BYTES ((uint32_t)sizeof(struct channel_header))

struct frames {
    uint32_t have; /* bytes of the frame so far, header included */
    bool broken;
    struct channel_header header; /* in the machine's byte order, once it is whole */
    uint8_t head[sizeof(struct channel_header)];
    uint8_t payload[CHANNEL_PAYLOAD_MAX];
};

enum frames_result {
    FRAMES_MORE,  /* all bytes were taken, and no frame is whole */
    FRAMES_WHOLE, /* header and payload hold a frame, until the next call */
    FRAMES_BROKEN /* for good */
};

void frames_init(struct frames *frames);

/* Takes bytes from a region up to the end of a frame; *taken is how many. */
enum frames_result frames_take(struct frames *frames, VmAddr from, uint32_t bytes, uint32_t *taken);

/* The header's bytes, for a frame that is sent. */
void frames_head(uint8_t head[sizeof(struct channel_header)], uint8_t type, uint8_t stream,
                 uint32_t payload_bytes);

#endif
