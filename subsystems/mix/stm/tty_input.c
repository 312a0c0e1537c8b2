/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is typed. Each byte is flow control, a signal, editing of the line or its end, or input; the
 * first of these that its value and the mode make it. See tty.h.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/tty.h"

STATIC_ASSERT(IS_POWER_OF_TWO(TTY_INPUT_BYTES), "indices wrap in the ring");

/* A control character that is 0 is switched off. */
static bool is_char(const struct tty *tty, uint8_t byte, unsigned which)
{
    return byte != 0 && byte == tty->termios.cc[which];
}

static bool has_local(const struct tty *tty, uint32_t flags)
{
    return (tty->termios.lflag & flags) == flags;
}

/* ---- Into the ring --------------------------------------------------------------------------- */

static uint32_t input_used(const struct tty *tty)
{
    uint32_t used = tty->head - tty->tail;

    ASSERT(used <= TTY_INPUT_BYTES && tty->head - tty->line <= used);
    return used;
}

/* One place of the ring is used by nothing but the end of a line. */
static void take(struct tty *tty, uint8_t byte)
{
    if (input_used(tty) >= TTY_INPUT_BYTES - 1)
        return;
    *tty_input_at(tty, tty->head++) = byte;
    if (!tty_is_canonical(tty))
        tty->line = tty->head;
}

static void take_end(struct tty *tty, uint8_t byte)
{
    uint32_t at = tty->head % TTY_INPUT_BYTES;

    if (input_used(tty) == TTY_INPUT_BYTES)
        return;
    *tty_input_at(tty, tty->head++) = byte;
    tty->mark[at / 32] |= UINT32_C(1) << at % 32;
    tty->line = tty->head;
}

uint32_t tty_input_room(const struct tty *tty)
{
    uint32_t used = input_used(tty);

    return used < TTY_INPUT_BYTES - 1 ? TTY_INPUT_BYTES - 1 - used : 0;
}

void tty_input_flush(struct tty *tty)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(tty->mark); i++)
        tty->mark[i] = 0;
    tty->tail = tty->line = tty->head = 0;
    tty->literal = tty->erasing = false;
}

/* ---- Kinds of bytes: each returns whether it was one ----------------------------------------- */

static bool input_flow(struct tty *tty, uint8_t byte)
{
    if ((tty->termios.iflag & IXON) == 0)
        return false;
    if (is_char(tty, byte, VSTART))
        tty->stopped = false;
    else if (is_char(tty, byte, VSTOP))
        tty->stopped = true;
    else
        return false;
    return true;
}

static bool input_signal(struct tty *tty, uint8_t byte, uint32_t *signals)
{
    int signal = is_char(tty, byte, VINTR)   ? SIGINT
                 : is_char(tty, byte, VQUIT) ? SIGQUIT
                 : is_char(tty, byte, VSUSP) ? SIGTSTP
                                             : 0;

    if (signal == 0 || !has_local(tty, ISIG))
        return false;
    *signals |= TTY_SIGNAL(signal);
    if (!has_local(tty, NOFLSH)) {
        tty_input_flush(tty);
        tty_output_flush(tty);
    }
    if ((tty->termios.iflag & IXON) != 0)
        tty->stopped = false;
    if (has_local(tty, ECHO))
        tty_echo(tty, byte);
    return true;
}

/* Shows the line anew, below. */
static void reprint(struct tty *tty, uint8_t byte)
{
    tty_erasing_end(tty);
    tty_echo(tty, byte);
    tty_put_processed(tty, '\n');
    for (uint32_t at = tty->line; at != tty->head; at++)
        tty_echo(tty, *tty_input_at(tty, at));
}

static bool input_edit(struct tty *tty, uint8_t byte)
{
    bool extended = has_local(tty, IEXTEN);

    if (is_char(tty, byte, VERASE) || is_char(tty, byte, VKILL) ||
        (is_char(tty, byte, VWERASE) && extended)) {
        tty_erase(tty, byte);
        return true;
    }
    if (is_char(tty, byte, VLNEXT) && extended) {
        tty->literal = true;
        if (has_local(tty, ECHO))
            tty_erasing_end(tty);
        if (has_local(tty, ECHO | ECHOCTL)) {
            tty_put_processed(tty, '^');
            tty_put_processed(tty, '\b');
        }
        return true;
    }
    if (is_char(tty, byte, VREPRINT) && extended && has_local(tty, ECHO)) {
        reprint(tty, byte);
        return true;
    }
    return false;
}

static void echo_of_line(struct tty *tty, uint8_t byte)
{
    if (tty->line == tty->head)
        tty->line_column = tty->column;
    tty_echo(tty, byte);
}

static bool input_line_end(struct tty *tty, uint8_t byte)
{
    if (byte == '\n') {
        if ((tty->termios.lflag & (ECHO | ECHONL)) != 0)
            tty_put_processed(tty, '\n');
        take_end(tty, byte);
        return true;
    }
    if (is_char(tty, byte, VEOF)) {
        take_end(tty, 0);
        return true;
    }
    if (is_char(tty, byte, VEOL) || (is_char(tty, byte, VEOL2) && has_local(tty, IEXTEN))) {
        if (has_local(tty, ECHO))
            echo_of_line(tty, byte);
        take_end(tty, byte);
        return true;
    }
    return false;
}

static void input_plain(struct tty *tty, uint8_t byte)
{
    if (has_local(tty, ECHO)) {
        tty_erasing_end(tty);
        echo_of_line(tty, byte);
    }
    take(tty, byte);
}

/* A carriage return that was made a newline is shown as one, which a newline typed as such is only
 * where it ends a line. */
static void input_made_newline(struct tty *tty)
{
    if (has_local(tty, ECHO)) {
        tty_erasing_end(tty);
        tty_put_processed(tty, '\n');
    }
    take(tty, '\n');
}

/* ---- A byte ---------------------------------------------------------------------------------- */

/* A line that is full makes room for its end: from then on each byte takes the place of the
 * last. */
static void line_limit(struct tty *tty)
{
    if (tty_is_canonical(tty) && tty->head - tty->line > TTY_LINE_BYTES)
        tty->head--;
}

static void input_byte(struct tty *tty, uint8_t byte, uint32_t *signals)
{
    uint32_t iflag = tty->termios.iflag;
    bool made = false;

    line_limit(tty);
    if ((iflag & ISTRIP) != 0)
        byte &= 0x7f;
    if (tty->literal) {
        tty->literal = false;
        input_plain(tty, byte);
        return;
    }
    if (input_flow(tty, byte) || input_signal(tty, byte, signals))
        return;
    if ((iflag & IXON) != 0 && (iflag & IXANY) != 0)
        tty->stopped = false;
    if (byte == '\r') {
        if ((iflag & IGNCR) != 0)
            return;
        made = (iflag & ICRNL) != 0;
        byte = made ? '\n' : '\r';
    } else if (byte == '\n' && (iflag & INLCR) != 0) {
        byte = '\r';
    }
    if (tty_is_canonical(tty) && (input_edit(tty, byte) || input_line_end(tty, byte)))
        return;
    if (made)
        input_made_newline(tty);
    else
        input_plain(tty, byte);
}

uint32_t tty_input(struct tty *tty, const uint8_t *bytes, uint32_t count)
{
    uint32_t signals = 0;

    for (uint32_t i = 0; i < count; i++)
        input_byte(tty, bytes[i], &signals);
    return signals;
}
