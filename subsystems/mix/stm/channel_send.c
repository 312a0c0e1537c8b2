/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the streams to the launcher. One thread sends all of it, since the driver takes one frame at
 * a time; it sleeps while there is nothing to send, or no credit. While a frame is on its way the
 * lock is free, and what has been lent stays where it is. See channel.h.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/channel.h"
#include "subsystems/mix/stm/stm.h"

void channel_kick(struct stm *stm)
{
    struct waiter *sender = &stm->channel.sender;
    KnResult status;

    if (__atomic_exchange_n(&sender->woken, 1, __ATOMIC_RELEASE) != 0)
        return;
    status = syncWake((VmAddr)&sender->woken, 1);
    ASSERT(status >= 0);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

void channel_outlet_end(struct stm *stm, uint32_t index, int error)
{
    struct outlet *outlet = &stm->channel.outlet[index];

    if (outlet->ended)
        return;
    outlet->ended = true;
    if (outlet->kind == OUTLET_TERMINAL)
        terminal_hang_up(stm);
    if (outlet->kind == OUTLET_PIPE)
        pipe_break(outlet->pipe, error == 0 ? EPIPE : error);
    channel_kick(stm);
}

void channel_lose(struct stm *stm, KnResult why)
{
    struct channel *channel = &stm->channel;

    if (why != K_EEND)
        log_print("stm: the launcher's channel fails: %s\n", strSysError(why));
    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++)
        channel_outlet_end(stm, i, EPIPE);
    terminal_hang_up(stm);
    if (channel->input != NULL && !channel->input_ended)
        pipe_end(channel->input, 0);
    channel->input_ended = true;
}

static bool outlet_is_empty(const struct stm *stm, const struct outlet *outlet)
{
    switch (outlet->kind) {
    case OUTLET_PIPE:
        return outlet->ended || outlet->pipe->used == 0;
    case OUTLET_TERMINAL:
        return outlet->ended || tty_output_bytes(&stm->terminal.tty) == 0;
    default:
        return true;
    }
}

bool channel_is_drained(const struct stm *stm)
{
    if (stm->channel.sending)
        return false;
    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++) {
        if (!outlet_is_empty(stm, &stm->channel.outlet[i]))
            return false;
    }
    return true;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

/* The lock is free meanwhile. False: the channel is lost. */
static bool frame_send(struct stm *stm, const struct console_write_in *in)
{
    KnResult status;

    stm->channel.sending = true;
    lock_give(&stm->lock);
    status = console_write(&stm->channel.console, in);
    lock_take(&stm->lock);
    stm->channel.sending = false;
    if (status != K_OK)
        channel_lose(stm, status);
    return status == K_OK;
}

/* Asks the launcher for the input that is wanted. Whether it did. */
static bool credit_send(struct stm *stm)
{
    struct channel *channel = &stm->channel;
    uint8_t payload[sizeof(struct channel_credit)];
    const struct console_write_in in = {.type = CHANNEL_CREDIT,
                                        .stream = CHANNEL_STDIN,
                                        .payload = payload,
                                        .payload_bytes = sizeof(payload)};

    if (channel->input_ended || channel->launch.input_is_archive)
        return false;
    if (channel->input == NULL)
        channel_want(stm, TTY_INPUT_BYTES);
    if (channel->in_wanted == 0)
        return false;
    le32_store(payload, channel->in_wanted);
    channel->in_credit += channel->in_wanted;
    channel->in_wanted = 0;
    return frame_send(stm, &in);
}

/* The next bytes of a stream that may go out. */
static uint32_t outlet_peek(struct stm *stm, const struct outlet *outlet, const void **bytes)
{
    uint32_t most = (uint32_t)MIN(outlet->credit, CHANNEL_PAYLOAD_MAX);
    struct tty *tty = &stm->terminal.tty;
    const uint8_t *lent = NULL;
    VmAddr address = 0;
    uint32_t count = 0;

    if (most == 0 || outlet->ended)
        return 0;
    if (outlet->kind == OUTLET_PIPE) {
        count = pipe_peek(outlet->pipe, most, &address);
        *bytes = (const void *)address;
    } else if (outlet->kind == OUTLET_TERMINAL &&
               (!tty_is_stopped(tty) || stm->channel.finishing)) {
        count = tty_lend(tty, most, &lent);
        *bytes = lent;
    }
    return count;
}

/* They have gone out, or are lost with the stream. */
static void outlet_sent(struct stm *stm, struct outlet *outlet, uint32_t count)
{
    if (outlet->kind == OUTLET_TERMINAL) {
        tty_returned(&stm->terminal.tty);
        terminal_sent(stm);
    } else if (!outlet->ended) {
        pipe_skip(outlet->pipe, count);
    }
}

/* Sends a frame of a stream's output. Whether it did. */
static bool outlet_send(struct stm *stm, uint32_t index)
{
    struct outlet *outlet = &stm->channel.outlet[index];
    struct console_write_in in = {.type = CHANNEL_OUT, .stream = CHANNEL_STDOUT + index};

    in.payload_bytes = outlet_peek(stm, outlet, &in.payload);
    if (in.payload_bytes == 0)
        return false;
    if (!stm->channel.launch.icount)
        outlet->credit -= in.payload_bytes;
    (void)frame_send(stm, &in); /* a channel that is lost has ended the stream */
    outlet_sent(stm, outlet, in.payload_bytes);
    return true;
}

/* Everything takes its turn. Whether there was anything. */
static bool send_round(struct stm *stm)
{
    bool sent = credit_send(stm);

    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++)
        sent = outlet_send(stm, i) || sent;
    return sent;
}

/* The sender waits as a reader of each outlet's pipe does. */
static void outlets_watch(struct stm *stm)
{
    struct channel *channel = &stm->channel;

    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++) {
        struct outlet *outlet = &channel->outlet[i];

        if (outlet->kind == OUTLET_PIPE)
            wait_link_enter(&outlet->link, &outlet->pipe->object.readers, &channel->sender);
    }
}

static void outlets_leave(struct stm *stm)
{
    for (uint32_t i = 0; i < CHANNEL_OUTLETS; i++) {
        if (stm->channel.outlet[i].kind == OUTLET_PIPE)
            wait_link_leave(&stm->channel.outlet[i].link);
    }
}

void channel_send_all(struct stm *stm)
{
    struct channel *channel = &stm->channel;

    lock_take(&stm->lock);
    for (;;) {
        channel->sender.woken = 0;
        while (channel->present && !channel->finished && send_round(stm))
            continue;
        if (channel_is_drained(stm))
            wait_queue_wake_all(&channel->drained);
        outlets_watch(stm);
        lock_give(&stm->lock);
        (void)syncWait((VmAddr)&channel->sender.woken, 0, K_NOTIMEOUT, 0);
        lock_take(&stm->lock);
        outlets_leave(stm);
    }
}
