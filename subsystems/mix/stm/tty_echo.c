/* SPDX-License-Identifier: BSD-2-Clause */
/* Echo: what is shown of what is typed, and how it is taken back. See tty.h. */
#include "kit/assert.h"
#include "subsystems/mix/stm/tty.h"

#define TAB_COLUMNS 8u

void tty_echo(struct tty *tty, uint8_t byte)
{
    if ((tty->termios.lflag & ECHOCTL) == 0 || !tty_is_control(byte) || byte == '\t') {
        tty_put_processed(tty, byte);
        return;
    }
    tty_put(tty, '^');
    tty_put(tty, byte ^ 0x40);
    tty->column += 2;
}

void tty_erasing_end(struct tty *tty)
{
    if (!tty->erasing)
        return;
    tty->erasing = false;
    tty_put_processed(tty, '/');
}

static void echo_backspace(struct tty *tty)
{
    tty_put_processed(tty, '\b');
    tty_put_processed(tty, ' ');
    tty_put_processed(tty, '\b');
}

static void column_back(struct tty *tty)
{
    if (tty->column > 0)
        tty->column--;
}

/* ---- Erasing --------------------------------------------------------------------------------- */

/* How far the cursor goes back over a tab depends on what stands before it, back to the tab before
 * or to where the line began. */
static void unshow_tab(struct tty *tty)
{
    uint32_t columns = 0, at = tty->head;
    bool after_tab = false;

    while (at != tty->line && !after_tab) {
        uint8_t byte = *tty_input_at(tty, --at);

        if (byte == '\t')
            after_tab = true;
        else if (tty_is_control(byte))
            columns += (tty->termios.lflag & ECHOCTL) != 0 ? 2 : 0;
        else if (!tty_is_continuation(tty, byte))
            columns++;
    }
    if (!after_tab)
        columns += tty->line_column;
    for (uint32_t steps = TAB_COLUMNS - columns % TAB_COLUMNS; steps > 0; steps--) {
        tty_put(tty, '\b');
        column_back(tty);
    }
}

/* Shows that the character of `count` bytes, now behind tty->head, is gone. */
static void unshow(struct tty *tty, uint32_t count, bool is_erase)
{
    uint32_t lflag = tty->termios.lflag;
    uint8_t byte = *tty_input_at(tty, tty->head);

    if ((lflag & ECHOPRT) != 0) {
        if (!tty->erasing)
            tty_put_processed(tty, '\\');
        tty->erasing = true;
        tty_echo(tty, byte);
        for (uint32_t i = 1; i < count; i++) {
            tty_put_processed(tty, *tty_input_at(tty, tty->head + i));
            column_back(tty);
        }
    } else if (is_erase && (lflag & ECHOE) == 0) {
        tty_echo(tty, tty->termios.cc[VERASE]);
    } else if (byte == '\t') {
        unshow_tab(tty);
    } else {
        if (tty_is_control(byte) && (lflag & ECHOCTL) != 0)
            echo_backspace(tty);
        if (!tty_is_control(byte) || (lflag & ECHOCTL) != 0)
            echo_backspace(tty);
    }
}

/* Of a word, for VWERASE. From 0xc0 on Linux goes by Latin-1, which makes the first byte of each
 * UTF-8 character a letter too. */
static bool is_of_word(uint8_t byte)
{
    if (byte >= 0xc0)
        return byte != 0xd7 && byte != 0xf7;
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_';
}

/* The character before the head: how many bytes it has, 0 if its beginning is not in the line. */
static uint32_t last_character(struct tty *tty, uint8_t *first)
{
    uint32_t at = tty->head;

    ASSERT(at != tty->line);
    do
        *first = *tty_input_at(tty, --at);
    while (tty_is_continuation(tty, *first) && at != tty->line);
    return tty_is_continuation(tty, *first) ? 0 : tty->head - at;
}

static void kill_unshown(struct tty *tty)
{
    tty->head = tty->line;
    if ((tty->termios.lflag & ECHO) == 0)
        return;
    tty_erasing_end(tty);
    tty_echo(tty, tty->termios.cc[VKILL]);
    if ((tty->termios.lflag & ECHOK) != 0)
        tty_put_processed(tty, '\n');
}

void tty_erase(struct tty *tty, uint8_t byte)
{
    const uint32_t visibly = ECHO | ECHOE | ECHOK | ECHOKE;
    uint32_t lflag = tty->termios.lflag;
    bool is_erase = byte == tty->termios.cc[VERASE];
    bool is_word = !is_erase && byte == tty->termios.cc[VWERASE] && (lflag & IEXTEN) != 0;
    bool in_word = false;

    if (tty->head == tty->line)
        return;
    if (!is_erase && !is_word && (lflag & visibly) != visibly) {
        kill_unshown(tty);
        return;
    }
    while (tty->head != tty->line) {
        uint8_t first;
        uint32_t count = last_character(tty, &first);

        if (count == 0 || (is_word && in_word && !is_of_word(first)))
            break;
        in_word = in_word || is_of_word(first);
        tty->head -= count;
        if ((lflag & ECHO) != 0)
            unshow(tty, count, is_erase);
        if (is_erase)
            break;
    }
    if (tty->head == tty->line && (lflag & ECHO) != 0)
        tty_erasing_end(tty);
}
