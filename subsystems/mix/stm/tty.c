/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of a terminal, and what programs read from it. See tty.h. */
#include "subsystems/mix/stm/tty.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"

/* As Linux sets up a terminal, on an UTF-8 system. */
static const struct linux_termios initial_termios = {
    .iflag = ICRNL | IXON | IUTF8,
    .oflag = OPOST | ONLCR,
    .cflag = B38400 | CS8 | CREAD | HUPCL,
    .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .cc = {[VINTR] = 0x03,
           [VQUIT] = 0x1c,
           [VERASE] = 0x7f,
           [VKILL] = 0x15,
           [VEOF] = 0x04,
           [VMIN] = 1,
           [VSTART] = 0x11,
           [VSTOP] = 0x13,
           [VSUSP] = 0x1a,
           [VREPRINT] = 0x12,
           [VDISCARD] = 0x0f,
           [VWERASE] = 0x17,
           [VLNEXT] = 0x16},
};

void tty_init(struct tty *tty)
{
    memset(tty, 0, sizeof(*tty));
    tty->termios = initial_termios;
}

/* ---- Settings -------------------------------------------------------------------------------- */

static void mark_set(struct tty *tty, uint32_t index)
{
    uint32_t at = index % TTY_INPUT_BYTES;

    tty->mark[at / 32] |= UINT32_C(1) << at % 32;
}

static bool mark_get(const struct tty *tty, uint32_t index)
{
    uint32_t at = index % TTY_INPUT_BYTES;

    return (tty->mark[at / 32] >> at % 32 & 1) != 0;
}

/* What was typed before is input as it stands, in the new mode: without marks, or one line. */
static void mode_change(struct tty *tty)
{
    memset(tty->mark, 0, sizeof(tty->mark));
    tty->line = tty->head;
    if (tty_is_canonical(tty) && tty->head != tty->tail)
        mark_set(tty, tty->head - 1);
    tty->literal = tty->erasing = false;
}

void tty_termios_set(struct tty *tty, const struct linux_termios *termios)
{
    bool was_canonical = tty_is_canonical(tty);
    bool had_flow = (tty->termios.iflag & IXON) != 0;

    tty->termios = *termios;
    if (tty_is_canonical(tty) != was_canonical)
        mode_change(tty);
    if (had_flow && (tty->termios.iflag & IXON) == 0)
        tty->stopped = false;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool is_end_of_file(const struct tty *tty, uint32_t index)
{
    return mark_get(tty, index) && tty->input[index % TTY_INPUT_BYTES] == 0;
}

bool tty_is_readable(const struct tty *tty)
{
    uint32_t least = tty->termios.cc[VMIN];

    if (tty_is_canonical(tty))
        return tty_has_input(tty);
    if (least == 0 || tty->termios.cc[VTIME] != 0)
        least = 1;
    return tty->head - tty->tail >= least;
}

static void copy_out(const struct tty *tty, uint8_t *to, uint32_t count)
{
    uint32_t at = tty->tail % TTY_INPUT_BYTES;
    uint32_t first = MIN(count, TTY_INPUT_BYTES - at);

    memcpy(to, &tty->input[at], first);
    memcpy(to + first, tty->input, count - first);
}

/* A line that fits exactly takes an end of file behind it along: the next read is not to find it
 * and think that the input ended. */
static uint32_t peek_line(const struct tty *tty, uint32_t room, uint32_t *taken)
{
    uint32_t most = MIN(room, tty->line - tty->tail), count = 0;

    while (count < most && !mark_get(tty, tty->tail + count))
        count++;
    *taken = count;
    if (count < tty->line - tty->tail && is_end_of_file(tty, tty->tail + count))
        *taken = count + 1;
    else if (count < most)
        *taken = ++count;
    return count;
}

uint32_t tty_peek(const struct tty *tty, uint8_t *to, uint32_t room, uint32_t *taken)
{
    uint32_t count;

    if (tty_is_canonical(tty))
        count = peek_line(tty, room, taken);
    else
        *taken = count = MIN(room, tty->head - tty->tail);
    copy_out(tty, to, count);
    return count;
}

/* An empty ring begins anew, so that one little used keeps to its first page. */
void tty_take(struct tty *tty, uint32_t taken)
{
    ASSERT(taken <= tty->line - tty->tail);
    for (uint32_t i = 0; i < taken && tty_is_canonical(tty); i++) {
        uint32_t at = (tty->tail + i) % TTY_INPUT_BYTES;

        tty->mark[at / 32] &= ~(UINT32_C(1) << at % 32);
    }
    tty->tail += taken;
    if (tty->tail == tty->head)
        tty->tail = tty->line = tty->head = 0;
}

uint32_t tty_readable_bytes(const struct tty *tty)
{
    uint32_t bytes = tty->line - tty->tail;

    for (uint32_t at = tty->tail; at != tty->line && tty_is_canonical(tty); at++)
        bytes -= is_end_of_file(tty, at) ? 1 : 0;
    return bytes;
}
