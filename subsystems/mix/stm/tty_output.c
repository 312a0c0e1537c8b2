/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written to a terminal, and the ring of what goes there. See tty.h. */
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/tty.h"

#define TAB_COLUMNS 8u
#define PROCESSED_MOST TAB_COLUMNS /* what one byte can become */

STATIC_ASSERT(IS_POWER_OF_TWO(TTY_OUTPUT_BYTES), "indices wrap in the ring");

static uint32_t output_room(const struct tty *tty)
{
    uint32_t used = tty_output_bytes(tty);

    ASSERT(used <= TTY_OUTPUT_BYTES && tty->out_lent <= used);
    return TTY_OUTPUT_BYTES - used;
}

void tty_put(struct tty *tty, uint8_t byte)
{
    if (output_room(tty) > 0)
        tty->output[tty->out_head++ % TTY_OUTPUT_BYTES] = byte;
}

bool tty_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

bool tty_is_continuation(const struct tty *tty, uint8_t byte)
{
    return (tty->termios.iflag & IUTF8) != 0 && (byte & 0xc0) == 0x80;
}

/* ---- Processing ------------------------------------------------------------------------------ */

static void put_newline(struct tty *tty, uint32_t oflag)
{
    if ((oflag & ONLRET) != 0)
        tty->column = 0;
    if ((oflag & ONLCR) != 0) {
        tty->column = 0;
        tty_put(tty, '\r');
    }
    tty->line_column = tty->column;
    tty_put(tty, '\n');
}

static void put_return(struct tty *tty, uint32_t oflag)
{
    if ((oflag & ONOCR) != 0 && tty->column == 0)
        return;
    if ((oflag & OCRNL) != 0) {
        if ((oflag & ONLRET) != 0)
            tty->line_column = tty->column = 0;
        tty_put(tty, '\n');
        return;
    }
    tty->line_column = tty->column = 0;
    tty_put(tty, '\r');
}

static void put_tab(struct tty *tty, uint32_t oflag)
{
    uint32_t spaces = TAB_COLUMNS - tty->column % TAB_COLUMNS;

    tty->column += spaces;
    if ((oflag & TABDLY) != XTABS) {
        tty_put(tty, '\t');
        return;
    }
    for (uint32_t i = 0; i < spaces; i++)
        tty_put(tty, ' ');
}

void tty_put_processed(struct tty *tty, uint8_t byte)
{
    uint32_t oflag = tty->termios.oflag;

    if ((oflag & OPOST) == 0) {
        tty_put(tty, byte);
        return;
    }
    switch (byte) {
    case '\n':
        put_newline(tty, oflag);
        return;
    case '\r':
        put_return(tty, oflag);
        return;
    case '\t':
        put_tab(tty, oflag);
        return;
    case '\b':
        if (tty->column > 0)
            tty->column--;
        break;
    default:
        if (!tty_is_control(byte) && !tty_is_continuation(tty, byte))
            tty->column++;
        break;
    }
    tty_put(tty, byte);
}

/* ---- Programs' output ------------------------------------------------------------------------ */

bool tty_is_writable(const struct tty *tty)
{
    return !tty_is_stopped(tty) && output_room(tty) >= TTY_ECHO_RESERVE + PROCESSED_MOST;
}

uint32_t tty_write(struct tty *tty, const uint8_t *bytes, uint32_t count)
{
    uint32_t done;

    for (done = 0; done < count && tty_is_writable(tty); done++)
        tty_put_processed(tty, bytes[done]);
    return done;
}

struct tty_written tty_written_save(const struct tty *tty)
{
    return (struct tty_written){tty->out_head, tty->column, tty->line_column};
}

void tty_written_undo(struct tty *tty, const struct tty_written *before)
{
    ASSERT(before->out_head - tty->out_tail >= tty->out_lent &&
           before->out_head - tty->out_tail <= TTY_OUTPUT_BYTES);
    tty->out_head = before->out_head;
    tty->column = before->column;
    tty->line_column = before->line_column;
}

/* ---- To the terminal ------------------------------------------------------------------------- */

uint32_t tty_lend(struct tty *tty, uint32_t most, const uint8_t **bytes)
{
    uint32_t at = tty->out_tail % TTY_OUTPUT_BYTES;

    ASSERT(tty->out_lent == 0);
    tty->out_lent = MIN(MIN(tty_output_bytes(tty), most), TTY_OUTPUT_BYTES - at);
    *bytes = &tty->output[at];
    return tty->out_lent;
}

/* An empty ring begins anew, so that one little used keeps to its first page. */
void tty_returned(struct tty *tty)
{
    ASSERT(tty->out_lent > 0 && tty->out_lent <= tty_output_bytes(tty));
    tty->out_tail += tty->out_lent;
    tty->out_lent = 0;
    if (tty->out_tail == tty->out_head)
        tty->out_tail = tty->out_head = 0;
}

void tty_hold(struct tty *tty, bool hold)
{
    tty->held = hold;
    if (!hold)
        tty->stopped = false;
}

void tty_output_flush(struct tty *tty)
{
    tty->out_head = tty->out_tail + tty->out_lent;
}
