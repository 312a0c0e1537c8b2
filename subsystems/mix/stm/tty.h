/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline of a terminal: what is typed becomes input for programs, echo and signals;
 * what programs write becomes output for the terminal. It follows Linux' n_tty, so that programs
 * meet what they know, and knows neither processes nor threads: bytes in, bytes out.
 *
 *   tty.c         settings, and what programs read
 *   tty_input.c   what is typed
 *   tty_echo.c    what of it is shown, and shown as erased
 *   tty_output.c  what is written, and the ring of what goes to the terminal
 *
 * Indices count for ever and wrap; a ring holds them modulo its size.
 *
 * I1 tail - line - head: input is [tail, head) and at most TTY_INPUT_BYTES long. [line, head) is
 *    being edited and nobody's yet; it is empty where the terminal is not in canonical mode.
 * I2 A mark stands at each byte of [tail, line) that ends a line. A marked NUL is an end of file.
 * I3 out_tail - out_head: output is [out_tail, out_head); its first out_lent bytes are on their way
 *    and stay where they are.
 */
#ifndef STM_TTY_H
#define STM_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "mix/linux.h"
#include "subsystems/mix/stm/termios.h"

#define TTY_INPUT_BYTES 16384u
#define TTY_OUTPUT_BYTES 16384u
#define TTY_LINE_BYTES 4095u   /* of a line, its end not counted; what is beyond is lost */
#define TTY_ECHO_RESERVE 1024u /* of the output ring, which programs do not fill */

/* A set of signals that a terminal raises. */
#define TTY_SIGNAL(number) (UINT32_C(1) << (number))

struct tty {
    struct linux_termios termios;
    struct linux_winsize window;

    uint32_t tail, line, head;
    bool literal; /* the next byte is taken as it is: VLNEXT was typed */
    bool erasing; /* within what ECHOPRT shows between \ and / */

    uint32_t out_tail, out_head, out_lent;
    uint32_t column;      /* where the cursor is */
    uint32_t line_column; /* where it was when the line that is edited began */
    bool stopped;         /* VSTOP was typed */
    bool held;            /* TCOOFF was asked for, which only TCOON ends */

    uint32_t mark[TTY_INPUT_BYTES / 32];
    uint8_t input[TTY_INPUT_BYTES];
    uint8_t output[TTY_OUTPUT_BYTES];
};

void tty_init(struct tty *tty);

/* ---- What is typed --------------------------------------------------------------------------- */

/* Takes bytes from the terminal; returns the signals that they raise. What has no room is lost. */
uint32_t tty_input(struct tty *tty, const uint8_t *bytes, uint32_t count);

/* How many bytes tty_input can take so that none is lost for want of room. */
uint32_t tty_input_room(const struct tty *tty);

/* ---- What programs read ---------------------------------------------------------------------- */

/* Whether poll is to tell a reader: there is a line or its end, or VMIN bytes (VTIME: one). */
bool tty_is_readable(const struct tty *tty);

/* Whether a read that waits is to look: there is a line, or in raw mode a byte. */
static inline bool tty_has_input(const struct tty *tty)
{
    return tty->line != tty->tail;
}

/* Bytes for a read of `room` bytes as the mode has it: up to the end of a line in canonical mode.
 * Nothing is taken; *taken is what tty_take is to be given then. */
uint32_t tty_peek(const struct tty *tty, uint8_t *to, uint32_t room, uint32_t *taken);
void tty_take(struct tty *tty, uint32_t taken);

/* Bytes that reads would return (FIONREAD). */
uint32_t tty_readable_bytes(const struct tty *tty);

/* ---- What programs write --------------------------------------------------------------------- */

/* Whether a program's byte has room now. */
bool tty_is_writable(const struct tty *tty);

/* Writes as much as has room; returns how much. */
uint32_t tty_write(struct tty *tty, const uint8_t *bytes, uint32_t count);

/* What tty_write changes, for undoing it while nothing else was done to the tty. */
struct tty_written {
    uint32_t out_head, column, line_column;
};

struct tty_written tty_written_save(const struct tty *tty);
void tty_written_undo(struct tty *tty, const struct tty_written *before);

/* ---- What goes to the terminal --------------------------------------------------------------- */

static inline uint32_t tty_output_bytes(const struct tty *tty)
{
    return tty->out_head - tty->out_tail;
}

static inline bool tty_is_stopped(const struct tty *tty)
{
    return tty->stopped || tty->held;
}

/* Lends the first bytes of the output, at most `most` and without a gap: they stay as they are
 * until tty_returned. 0: there are none. */
uint32_t tty_lend(struct tty *tty, uint32_t most, const uint8_t **bytes);

/* What was lent has gone out. */
void tty_returned(struct tty *tty);

/* ---- Settings -------------------------------------------------------------------------------- */

void tty_termios_set(struct tty *tty, const struct linux_termios *termios);

/* TCOOFF and TCOON: nothing goes to the terminal while its output is held. */
void tty_hold(struct tty *tty, bool hold);
void tty_input_flush(struct tty *tty);
void tty_output_flush(struct tty *tty);

/* ---- Between the parts ----------------------------------------------------------------------- */

static inline bool tty_is_canonical(const struct tty *tty)
{
    return (tty->termios.lflag & ICANON) != 0;
}

static inline uint8_t *tty_input_at(struct tty *tty, uint32_t index)
{
    return &tty->input[index % TTY_INPUT_BYTES];
}

/* A byte to the output ring, as it is; lost if there is no room. */
void tty_put(struct tty *tty, uint8_t byte);

/* The same, by way of the output flags. */
void tty_put_processed(struct tty *tty, uint8_t byte);

bool tty_is_control(uint8_t byte);
bool tty_is_continuation(const struct tty *tty, uint8_t byte); /* of a UTF-8 character */

/* Shows a typed byte: a control character as ^X where ECHOCTL is set. */
void tty_echo(struct tty *tty, uint8_t byte);

/* Ends what ECHOPRT began. */
void tty_erasing_end(struct tty *tty);

/* Takes back what an erase, word erase or kill character says. */
void tty_erase(struct tty *tty, uint8_t byte);

#endif
