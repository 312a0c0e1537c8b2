/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's end of the channel: frames out of bytes, and bytes out of frames.
 *
 * It knows the format of chorus/channel.h and nothing of what frames do.
 */
#ifndef LAUNCHER_CHANNEL_H
#define LAUNCHER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/channel.h"

#define CHANNEL_FRAME_MAX (sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX)
#define CHANNEL_QUEUE_BYTES (8 * CHANNEL_FRAME_MAX)

/* A frame as it came in. The payload lies in the channel until the next frame is read. */
struct channel_frame {
    uint8_t type;
    uint8_t stream;
    uint32_t payload_bytes;
    const uint8_t *payload;
};

enum channel_result {
    CHANNEL_FRAME,  /* a frame was read */
    CHANNEL_WAIT,   /* no whole frame is there yet */
    CHANNEL_CLOSED, /* the other end is gone, after a whole frame */
    CHANNEL_BROKEN, /* no frame has this form, or the end came within one */
};

struct channel {
    int fd;       /* a socket; or a plain file, when a machine has ended; owned */
    bool is_file; /* nothing is sent, and its end is the end */
    bool ended;   /* nothing more can be read */
    uint8_t input[2 * CHANNEL_FRAME_MAX];
    size_t input_start;
    size_t input_count;
    uint8_t output[CHANNEL_QUEUE_BYTES];
    size_t output_count; /* from the start of output */
};

void channel_create(struct channel *channel, int fd, bool is_file);
void channel_drop(struct channel *channel);

/* Reads what is there. */
void channel_fill(struct channel *channel);

/* Takes the next frame out of what was read. */
enum channel_result channel_next(struct channel *channel, struct channel_frame *frame);

/* Whether a frame of this payload can be queued. */
bool channel_has_room(const struct channel *channel, size_t payload_bytes);

/* Queues a frame; there is room. */
void channel_send(struct channel *channel, enum channel_type type, enum channel_stream stream,
                  const void *payload, size_t payload_bytes);

/* Sends as much of the queue as goes without waiting. When the other end is gone, all. */
void channel_flush(struct channel *channel);

/* Little-endian numbers. */
uint16_t little16_get(const uint8_t *bytes);
uint32_t little32_get(const uint8_t *bytes);
uint64_t little64_get(const uint8_t *bytes);
void little16_put(uint8_t *bytes, uint16_t value);
void little32_put(uint8_t *bytes, uint32_t value);

#endif
