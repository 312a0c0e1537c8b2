/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What frames do in a session. See session_frames.h.
 *
 * A site that breaks the protocol is dead for the launcher: guessing what it meant could only
 * corrupt the user's streams. Nothing is queued for the site without room; what has to be told
 * waits as a flag or a count, so no amount of it needs memory.
 */
#include "session_frames.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

/* Credit goes back in pieces of at least this, or when all is out. */
#define CREDIT_PIECE_BYTES 16384
/* Room in the queue that input leaves to everything else. */
#define QUEUE_RESERVE_BYTES 512

static void protocol_broken(struct session *session, const char *why)
{
    if (session->why[0] == '\0')
        snprintf(session->why, sizeof(session->why), "it broke the channel's protocol: %s", why);
    session->channel.ended = true;
    session->channel.input_count = 0;
    session_end(session, END_DIED, STATUS_NO_DOMAIN);
}

static void out_take(struct session *session, const struct channel_frame *frame)
{
    if ((frame->stream != CHANNEL_STDOUT && frame->stream != CHANNEL_STDERR) ||
        frame->payload_bytes == 0) {
        protocol_broken(session, "output without a stream or without bytes");
        return;
    }
    struct outlet *outlet = &session->outlets[frame->stream - CHANNEL_STDOUT];
    if (outlet->error == 0 && frame->payload_bytes > outlet_room(outlet)) {
        protocol_broken(session, "more output than it had credit for");
        return;
    }
    outlet_add(outlet, frame->payload, frame->payload_bytes);
    outlet_flush(outlet);
}

static void exit_take(struct session *session, const struct channel_frame *frame)
{
    uint32_t status = little32_get(frame->payload);

    if (status > 255) {
        protocol_broken(session, "an exit status above 255");
        return;
    }
    session->end_instructions = little64_get(frame->payload + 8);
    session_end(session, END_PROGRAM, (int)status);
}

static void fail_take(struct session *session, const struct channel_frame *frame)
{
    size_t length = frame->payload_bytes - sizeof(struct channel_fail);
    uint32_t status = little32_get(frame->payload);

    if (status < 125 || status > 127) {
        protocol_broken(session, "a failure that is none");
        return;
    }
    if (length > sizeof(session->why) - 1)
        length = sizeof(session->why) - 1;
    memcpy(session->why, frame->payload + sizeof(struct channel_fail), length);
    session->why[length] = '\0';
    session_end(session, END_FAIL, (int)status);
}

static void frame_take(struct session *session, const struct channel_frame *frame)
{
    static const struct {
        uint8_t type;
        uint32_t least_bytes;
        uint32_t most_bytes;
    } sizes[] = {
        {CHANNEL_OUT, 1, CHANNEL_PAYLOAD_MAX},
        {CHANNEL_CREDIT, sizeof(struct channel_credit), sizeof(struct channel_credit)},
        {CHANNEL_STARTED, sizeof(struct channel_started), sizeof(struct channel_started)},
        {CHANNEL_EXIT, sizeof(struct channel_exit), sizeof(struct channel_exit)},
        {CHANNEL_FAIL, sizeof(struct channel_fail), CHANNEL_PAYLOAD_MAX},
    };
    bool known = false;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        known = known ||
                (sizes[i].type == frame->type && frame->payload_bytes >= sizes[i].least_bytes &&
                 frame->payload_bytes <= sizes[i].most_bytes);
    if (!known) {
        protocol_broken(session, "a frame of no known type and size");
        return;
    }
    if (session->end == END_PROGRAM || session->end == END_FAIL) {
        protocol_broken(session, "a frame after the last");
        return;
    }
    switch (frame->type) {
    case CHANNEL_OUT:
        out_take(session, frame);
        return;
    case CHANNEL_CREDIT:
        session->inlet.credit += little32_get(frame->payload);
        return;
    case CHANNEL_STARTED:
        session->started = true;
        session->start_instructions = little64_get(frame->payload);
        return;
    case CHANNEL_EXIT:
        exit_take(session, frame);
        return;
    default:
        fail_take(session, frame);
        return;
    }
}

void frames_take(struct session *session)
{
    struct channel_frame frame;

    for (;;) {
        switch (channel_next(&session->channel, &frame)) {
        case CHANNEL_FRAME:
            frame_take(session, &frame);
            continue;
        case CHANNEL_BROKEN:
            protocol_broken(session, "bytes that are no frame");
            return;
        case CHANNEL_WAIT:
        case CHANNEL_CLOSED:
            return;
        }
    }
}

static void credit_send(struct session *session, int i)
{
    struct outlet *outlet = &session->outlets[i];
    uint8_t payload[4];

    if (outlet->credit_due == 0 || !channel_has_room(&session->channel, sizeof(payload)))
        return;
    if (outlet->credit_due < CREDIT_PIECE_BYTES && outlet->count > 0)
        return;
    little32_put(payload, outlet->credit_due);
    channel_send(&session->channel, CHANNEL_OUT_CREDIT, (enum channel_stream)(CHANNEL_STDOUT + i),
                 payload, sizeof(payload));
    outlet->credit_due = 0;
}

static void out_end_send(struct session *session, int i)
{
    uint8_t payload[4];

    if (session->outlets[i].error == 0 || session->told_end[i] ||
        !channel_has_room(&session->channel, sizeof(payload)))
        return;
    little32_put(payload, (uint32_t)session->outlets[i].error);
    channel_send(&session->channel, CHANNEL_OUT_END, (enum channel_stream)(CHANNEL_STDOUT + i),
                 payload, sizeof(payload));
    session->told_end[i] = true;
}

static void window_send(struct session *session)
{
    struct terminal_size size;
    uint8_t payload[8];

    if (!session->pending_window || !channel_has_room(&session->channel, sizeof(payload)))
        return;
    session->pending_window = false;
    if (session->terminal.count == 0 || !terminal_size_read(session->terminal.used[0].fd, &size))
        return;
    little16_put(payload, size.rows);
    little16_put(payload + 2, size.columns);
    little16_put(payload + 4, size.x_pixels);
    little16_put(payload + 6, size.y_pixels);
    channel_send(&session->channel, CHANNEL_WINDOW, CHANNEL_STDIN, payload, sizeof(payload));
}

static void signals_send(struct session *session)
{
    uint8_t payload[4];

    for (uint32_t number = 1; number <= 32 && session->pending_signals != 0; number++) {
        uint32_t bit = UINT32_C(1) << (number - 1);
        if ((session->pending_signals & bit) == 0)
            continue;
        if (!channel_has_room(&session->channel, sizeof(payload)))
            return;
        little32_put(payload, number);
        channel_send(&session->channel, CHANNEL_SIGNAL, CHANNEL_STDIN, payload, sizeof(payload));
        session->pending_signals &= ~bit;
    }
}

static void input_send(struct session *session)
{
    struct inlet *inlet = &session->inlet;
    size_t count = inlet_ready(inlet);

    if (count > 0 && channel_has_room(&session->channel, count + QUEUE_RESERVE_BYTES)) {
        channel_send(&session->channel, CHANNEL_IN, CHANNEL_STDIN, inlet->bytes, count);
        inlet_sent(inlet, count);
    }
    uint8_t payload[4];
    if (!inlet->ended || inlet->end_is_told || inlet->count > 0 ||
        !channel_has_room(&session->channel, sizeof(payload)))
        return;
    little32_put(payload, (uint32_t)inlet->error);
    channel_send(&session->channel, CHANNEL_IN_END, CHANNEL_STDIN, payload, sizeof(payload));
    inlet->end_is_told = true;
}

void frames_send(struct session *session)
{
    if (session->channel.is_file)
        return;
    for (int i = 0; i < 2; i++) {
        credit_send(session, i);
        out_end_send(session, i);
    }
    window_send(session);
    signals_send(session);
    if (session->pending_halt && channel_has_room(&session->channel, 0)) {
        channel_send(&session->channel, CHANNEL_HALT, CHANNEL_STDIN, NULL, 0);
        session->pending_halt = false;
    }
    if (session->end == END_NONE)
        input_send(session);
    channel_flush(&session->channel);
}
