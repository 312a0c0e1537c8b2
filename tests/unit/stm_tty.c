/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the line discipline. The golden cases say what Linux' n_tty does with the same bytes,
 * found out by giving them to a pseudo-terminal of the host. Random input then holds the module's
 * invariants against a plain account of what it is given and gives.
 */
#include "tests/unit/support.h"

#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"
/* The files under test. */
#include "subsystems/mix/stm/tty.c"        // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_echo.c"   // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_input.c"  // NOLINT(bugprone-suspicious-include)
#include "subsystems/mix/stm/tty_output.c" // NOLINT(bugprone-suspicious-include)

#define IFLAG (ICRNL | IXON | IUTF8)
#define OFLAG (OPOST | ONLCR)
#define LFLAG (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)
#define TEXT_BYTES 128

/* The terminal starts as tty_init leaves it; then these flags change. What is typed is shown as
 * `echo`; reads of 100 bytes then return `reads`, with a | behind each: an empty one is an end of
 * file. */
struct golden {
    const char *name;
    uint32_t iflag, oflag, lflag; /* that change */
    const char *typed;
    uint32_t typed_bytes;
    const char *echo, *reads;
    uint32_t signals;
};

#define TYPED(text) text, sizeof(text) - 1
#define SIGNAL(number) TTY_SIGNAL(number)

static const struct golden goldens[] = {
    {"line", 0, 0, 0, TYPED("ls -l\r"), "ls -l\r\n", "ls -l\n|", 0},
    {"two lines, one begun", 0, 0, 0, TYPED("a\rb\nc"), "a\r\nb\r\nc", "a\n|b\n|", 0},
    {"erase", 0, 0, 0, TYPED("abc\x7f\x7fX\r"), "abc\b \b\b \bX\r\n", "aX\n|", 0},
    {"erase an empty line", 0, 0, 0, TYPED("\x7f\x7f"), "", "", 0},
    {"erase stops at the line before", 0, 0, 0, TYPED("a\r\x7f\r"), "a\r\n\r\n", "a\n|\n|", 0},
    {"erase a control character", 0, 0, 0, TYPED("a\x01\x7f\r"), "a^A\b \b\b \b\r\n", "a\n|", 0},
    {"erase one of two bytes", 0, 0, 0, TYPED("\xc3\xa9\x7f\r"), "\xc3\xa9\b \b\r\n", "\n|", 0},
    {"erase bytes without IUTF8", IUTF8, 0, 0, TYPED("\xc3\xa9\x7f\r"), "\xc3\xa9\b \b\r\n",
     "\xc3\n|", 0},
    {"erase a tab", 0, 0, 0, TYPED("ab\tc\x7f\x7f\r"), "ab\tc\b \b\b\b\b\b\b\b\r\n", "ab\n|", 0},
    {"erase a tab behind a tab", 0, 0, 0, TYPED("\t\t\x7f\r"), "\t\t\b\b\b\b\b\b\b\b\r\n", "\t\n|",
     0},
    {"erase without ECHOE", 0, 0, ECHOE, TYPED("ab\x7f\r"), "ab^?\r\n", "a\n|", 0},
    {"erase with ECHOPRT", 0, 0, ECHOPRT,
     TYPED("abc\x7f\x7f"
           "d\r"),
     "abc\\cb/d\r\n", "ad\n|", 0},
    {"kill", 0, 0, 0,
     TYPED("abc\x15"
           "d\r"),
     "abc\b \b\b \b\b \bd\r\n", "d\n|", 0},
    {"kill without ECHOKE", 0, 0, ECHOKE,
     TYPED("abc\x15"
           "d\r"),
     "abc^U\r\nd\r\n", "d\n|", 0},
    {"kill without ECHOK", 0, 0, ECHOK,
     TYPED("abc\x15"
           "d\r"),
     "abc^Ud\r\n", "d\n|", 0},
    {"word erase", 0, 0, 0, TYPED("ls foo_1  \x17x\r"),
     "ls foo_1  \b \b\b \b\b \b\b \b\b \b\b \b\b \bx\r\n", "ls x\n|", 0},
    {"word erase without IEXTEN", 0, 0, IEXTEN, TYPED("ab\x17\r"), "ab^W\r\n", "ab\x17\n|", 0},
    {"reprint", 0, 0, 0,
     TYPED("ab\x12"
           "c\r"),
     "ab^R\r\nabc\r\n", "abc\n|", 0},
    {"literal next", 0, 0, 0, TYPED("\x16\x03x\x16\x7f\r"), "^\b^Cx^\b^?\r\n", "\x03x\x7f\n|", 0},
    {"literal newline", 0, 0, 0, TYPED("a\x16\nb\r"), "a^\b^Jb\r\n", "a\nb\n|", 0},
    {"end of file", 0, 0, 0, TYPED("\x04"), "", "|", 0},
    {"end of file behind text", 0, 0, 0,
     TYPED("ab\x04"
           "cd\r"),
     "abcd\r\n", "ab|cd\n|", 0},
    {"end of file twice", 0, 0, 0, TYPED("ab\x04\x04"), "ab", "ab||", 0},
    {"interrupt", 0, 0, 0,
     TYPED("ab\x03"
           "cd\r"),
     "^Ccd\r\n", "cd\n|", SIGNAL(SIGINT)},
    {"quit", 0, 0, 0, TYPED("\x1c"), "^\\", "", SIGNAL(SIGQUIT)},
    {"suspend", 0, 0, 0, TYPED("\x1a"), "^Z", "", SIGNAL(SIGTSTP)},
    {"interrupt without ISIG", 0, 0, ISIG, TYPED("\x03\r"), "^C\r\n", "\x03\n|", 0},
    {"interrupt with NOFLSH", 0, 0, NOFLSH,
     TYPED("ab\x03"
           "cd\r"),
     "ab^Ccd\r\n", "abcd\n|", SIGNAL(SIGINT)},
    {"no echo", 0, 0, ECHO, TYPED("secret\r"), "", "secret\n|", 0},
    {"no echo but the newline", 0, 0, ECHO | ECHONL, TYPED("secret\r"), "\r\n", "secret\n|", 0},
    {"control characters as they are", 0, 0, ECHOCTL, TYPED("\x01\x07\r"), "\x01\x07\r\n",
     "\x01\x07\n|", 0},
    {"return stays", ICRNL, 0, 0, TYPED("a\rb\n"), "a^Mb\r\n", "a\rb\n|", 0},
    {"return goes", IGNCR, 0, 0, TYPED("a\rb\n"), "ab\r\n", "ab\n|", 0},
    {"newline becomes return", ICRNL | INLCR, 0, 0, TYPED("a\nb"), "a^Mb", "", 0},
    {"strip", ISTRIP, 0, 0, TYPED("\xe1\r"), "a\r\n", "a\n|", 0},
    {"newline alone", 0, ONLCR, 0, TYPED("a\r"), "a\n", "a\n|", 0},
    {"return becomes newline", ICRNL, OCRNL, ECHOCTL, TYPED("\r"), "\n", "", 0},
    {"no processing", 0, OPOST, 0, TYPED("a\tb\r"), "a\tb\n", "a\tb\n|", 0},
    {"tabs as spaces", 0, XTABS, 0, TYPED("ab\tc\r"), "ab      c\r\n", "ab\tc\n|", 0},
    {"raw", ICRNL | IXON, OPOST, ICANON | ECHO | ISIG | IEXTEN, TYPED("a\r\x03\x13\x04\x7f"), "",
     "a\r\x03\x13\x04\x7f|", 0},
    {"raw with echo", 0, 0, ICANON, TYPED("a\x7f\r"), "a^?\r\n", "a\x7f\n|", 0},
    {"raw with echo of a newline", 0, 0, ICANON, TYPED("\n"), "^J", "\n|", 0},
};

/* ---- Golden cases ---------------------------------------------------------------------------- */

/* All that goes to the terminal. */
static uint32_t output_take(struct tty *tty, uint8_t *to)
{
    const uint8_t *bytes;
    uint32_t total = 0, count;

    while ((count = tty_lend(tty, TTY_OUTPUT_BYTES, &bytes)) > 0) {
        memcpy(to + total, bytes, count);
        total += count;
        tty_returned(tty);
    }
    return total;
}

static uint32_t read_line(struct tty *tty, uint8_t *to, uint32_t room)
{
    uint32_t taken, count = tty_peek(tty, to, room, &taken);

    tty_take(tty, taken);
    return count;
}

static uint32_t reads_take(struct tty *tty, uint8_t *to)
{
    uint32_t total = 0;

    while (tty_is_readable(tty)) {
        total += read_line(tty, to + total, 100);
        to[total++] = '|';
    }
    return total;
}

static void flags_change(struct tty *tty, const struct golden *golden)
{
    struct linux_termios termios = tty->termios;

    termios.iflag ^= golden->iflag;
    termios.oflag ^= golden->oflag;
    termios.lflag ^= golden->lflag;
    tty_termios_set(tty, &termios);
}

static void expect_text(const char *name, const char *what, const uint8_t *actual, uint32_t bytes,
                        const char *expected)
{
    if (bytes == strlen(expected) && memcmp(actual, expected, bytes) == 0)
        return;
    print_error("%s: %s is '%.*s'\n", name, what, (int)bytes, (const char *)actual);
    fail();
}

static void golden_cases(void **state)
{
    static struct tty tty;
    uint8_t text[TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
        const struct golden *golden = &goldens[i];

        tty_init(&tty);
        assert_int_equal(tty.termios.iflag, IFLAG);
        assert_int_equal(tty.termios.oflag, OFLAG);
        assert_int_equal(tty.termios.lflag, LFLAG);
        flags_change(&tty, golden);
        assert_int_equal(tty_input(&tty, (const uint8_t *)golden->typed, golden->typed_bytes),
                         golden->signals);
        expect_text(golden->name, "the echo", text, output_take(&tty, text), golden->echo);
        expect_text(golden->name, "what is read", text, reads_take(&tty, text), golden->reads);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void type_text(struct tty *tty, const char *text)
{
    (void)tty_input(tty, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void set_raw(struct tty *tty, uint8_t least, uint8_t time)
{
    struct linux_termios termios = tty->termios;

    termios.lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
    termios.iflag = 0;
    termios.cc[VMIN] = least;
    termios.cc[VTIME] = time;
    tty_termios_set(tty, &termios);
}

static void set_canonical(struct tty *tty)
{
    struct linux_termios termios = tty->termios;

    termios.lflag |= ICANON;
    tty_termios_set(tty, &termios);
}

static void lines_in_pieces(void **state)
{
    static struct tty tty;
    uint8_t text[TEXT_BYTES];

    (void)state;
    tty_init(&tty);
    type_text(&tty, "abcd\nef\x04\x04");
    assert_int_equal(tty_readable_bytes(&tty), 7); /* ends of file are no bytes */
    assert_int_equal(read_line(&tty, text, 3), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(read_line(&tty, text, 3), 2);
    assert_memory_equal(text, "d\n", 2);
    /* Two bytes fit exactly, and take the end of file behind them along. */
    assert_int_equal(read_line(&tty, text, 2), 2);
    assert_memory_equal(text, "ef", 2);
    assert_true(tty_is_readable(&tty));
    assert_int_equal(read_line(&tty, text, 2), 0);
    assert_false(tty_is_readable(&tty));
}

/* What is looked at and not taken is still there. */
static void peek_takes_nothing(void **state)
{
    static struct tty tty;
    uint8_t text[TEXT_BYTES];
    uint32_t taken;

    (void)state;
    tty_init(&tty);
    type_text(&tty, "ab\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tty_peek(&tty, text, sizeof(text), &taken), 3);
        assert_int_equal(taken, 3);
    }
    tty_take(&tty, taken);
    assert_false(tty_has_input(&tty));
}

static void long_line(void **state)
{
    static struct tty tty;
    static uint8_t text[TTY_LINE_BYTES + 2];

    (void)state;
    tty_init(&tty);
    for (int i = 0; i < 10000; i++)
        type_text(&tty, i < (int)TTY_LINE_BYTES ? "x" : "y");
    assert_false(tty_is_readable(&tty));
    type_text(&tty, "\n");
    assert_int_equal(read_line(&tty, text, sizeof(text)), TTY_LINE_BYTES + 1);
    assert_int_equal(text[0], 'x');
    assert_int_equal(text[TTY_LINE_BYTES - 1], 'x');
    assert_int_equal(text[TTY_LINE_BYTES], '\n');
}

static void mode_changes(void **state)
{
    static struct tty tty;
    uint8_t text[TEXT_BYTES];

    (void)state;
    tty_init(&tty);
    type_text(&tty, "ab\ncd");
    set_raw(&tty, 1, 0);
    assert_int_equal(read_line(&tty, text, 4), 4); /* the line, and what was begun */
    assert_memory_equal(text, "ab\nc", 4);
    set_canonical(&tty);
    type_text(&tty, "e\n");
    assert_int_equal(read_line(&tty, text, 10), 1); /* what was raw is a line of its own */
    assert_int_equal(read_line(&tty, text, 10), 2);
    assert_memory_equal(text, "e\n", 2);
}

static void raw_readiness(void **state)
{
    static struct tty tty;

    (void)state;
    tty_init(&tty);
    set_raw(&tty, 3, 0);
    type_text(&tty, "ab");
    assert_true(tty_has_input(&tty));
    assert_false(tty_is_readable(&tty));
    type_text(&tty, "c");
    assert_true(tty_is_readable(&tty));
    set_raw(&tty, 9, 1);
    assert_true(tty_is_readable(&tty));
    tty_input_flush(&tty);
    set_raw(&tty, 0, 0);
    assert_false(tty_is_readable(&tty));
}

static void full_ring_loses_bytes(void **state)
{
    static struct tty tty;
    static uint8_t text[TTY_INPUT_BYTES];

    (void)state;
    tty_init(&tty);
    set_raw(&tty, 1, 0);
    for (uint32_t i = 0; i < TTY_INPUT_BYTES + 100; i++)
        (void)tty_input(&tty, (const uint8_t *)"x", 1);
    assert_int_equal(tty_input_room(&tty), 0);
    assert_int_equal(read_line(&tty, text, sizeof(text)), TTY_INPUT_BYTES - 1);
    assert_int_equal(tty_input_room(&tty), TTY_INPUT_BYTES - 1);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void flow_control(void **state)
{
    static struct tty tty;
    uint8_t text[TEXT_BYTES];

    (void)state;
    tty_init(&tty);
    type_text(&tty, "\x13");
    assert_true(tty_is_stopped(&tty));
    assert_int_equal(tty_write(&tty, (const uint8_t *)"a", 1), 0);
    type_text(&tty, "b"); /* IXANY is not set */
    assert_true(tty_is_stopped(&tty));
    type_text(&tty, "\x11");
    assert_int_equal(tty_write(&tty, (const uint8_t *)"a", 1), 1);
    tty_hold(&tty, true);
    type_text(&tty, "\x11"); /* does not end what TCOOFF began */
    assert_true(tty_is_stopped(&tty));
    tty_hold(&tty, false);
    assert_false(tty_is_stopped(&tty));
    type_text(&tty, "\x13");
    set_raw(&tty, 1, 0); /* without IXON nobody could go on */
    assert_false(tty_is_stopped(&tty));
    expect_text("flow control", "output", text, output_take(&tty, text), "ba");
}

static void write_is_undone(void **state)
{
    static struct tty tty;
    struct tty_written before;
    uint8_t text[TEXT_BYTES];

    (void)state;
    tty_init(&tty);
    assert_int_equal(tty_write(&tty, (const uint8_t *)"ab", 2), 2);
    before = tty_written_save(&tty);
    assert_int_equal(tty_write(&tty, (const uint8_t *)"\tc\n", 3), 3);
    tty_written_undo(&tty, &before);
    type_text(&tty, "\t\x7f"); /* the column is that of before, too */
    expect_text("undo", "output", text, output_take(&tty, text), "ab\t\b\b\b\b\b\b");
}

static void write_leaves_room_for_echo(void **state)
{
    static struct tty tty;
    static uint8_t text[2 * TTY_OUTPUT_BYTES];
    uint32_t written;

    (void)state;
    tty_init(&tty);
    memset(text, '\n', sizeof(text));
    written = tty_write(&tty, text, sizeof(text));
    assert_true(written > 0 && written < TTY_OUTPUT_BYTES / 2);
    assert_false(tty_is_writable(&tty));
    type_text(&tty, "abc");
    assert_int_equal(output_take(&tty, text), 2 * written + 3);
    assert_memory_equal(text + 2 * written, "abc", 3);
    assert_true(tty_is_writable(&tty));
}

/* What is lent outlives a flush: it may be on its way. */
static void flush_spares_what_is_lent(void **state)
{
    static struct tty tty;
    const uint8_t *bytes;

    (void)state;
    tty_init(&tty);
    assert_int_equal(tty_write(&tty, (const uint8_t *)"abcdef", 6), 6);
    assert_int_equal(tty_lend(&tty, 4, &bytes), 4);
    type_text(&tty, "\x03");
    assert_memory_equal(bytes, "abcd", 4);
    tty_returned(&tty);
    assert_int_equal(tty_lend(&tty, 100, &bytes), 2);
    assert_memory_equal(bytes, "^C", 2);
    tty_returned(&tty);
    assert_int_equal(tty_output_bytes(&tty), 0);
}

/* ---- At random ------------------------------------------------------------------------------- */

static void invariants_hold(const struct tty *tty)
{
    assert_true(tty->head - tty->tail <= TTY_INPUT_BYTES);
    assert_true(tty->head - tty->line <= tty->head - tty->tail);
    assert_true(tty_is_canonical(tty) || tty->line == tty->head);
    assert_true(tty_output_bytes(tty) <= TTY_OUTPUT_BYTES);
    assert_true(tty->out_lent <= tty_output_bytes(tty));
    if (tty_is_canonical(tty) && tty_has_input(tty))
        assert_true(mark_get(tty, tty->line - 1));
    for (uint32_t at = tty->line; at != tty->head; at++)
        assert_false(mark_get(tty, at));
}

static void flags_random(struct tty *tty, struct random *random)
{
    static const uint32_t iflags[] = {ISTRIP, INLCR, IGNCR, ICRNL, IXON, IXANY, IUTF8};
    static const uint32_t oflags[] = {OPOST, ONLCR, OCRNL, ONOCR, ONLRET, XTABS};
    static const uint32_t lflags[] = {ISIG,   ICANON,  ECHO,    ECHOE,  ECHOK, ECHONL,
                                      NOFLSH, ECHOCTL, ECHOPRT, ECHOKE, IEXTEN};
    struct linux_termios termios = tty->termios;

    termios.iflag ^= iflags[random_below(random, ARRAY_SIZE(iflags))];
    termios.oflag ^= oflags[random_below(random, ARRAY_SIZE(oflags))];
    termios.lflag ^= lflags[random_below(random, ARRAY_SIZE(lflags))];
    tty_termios_set(tty, &termios);
}

/* Mostly what is special, in bursts of which some are longer than the rings. */
static void type_random(struct tty *tty, struct random *random)
{
    static const uint8_t special[] =
        "ab \t\r\n\x7f\x15\x17\x16\x12\x04\x03\x1a\x11\x13\x00\xc3\xa9";
    uint32_t count = 1 + (uint32_t)random_below(random, random_below(random, 50) == 0 ? 9000 : 12);

    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = random_below(random, 4) == 0
                           ? (uint8_t)random_next(random)
                           : special[random_below(random, sizeof(special) - 1)];

        (void)tty_input(tty, &byte, 1);
    }
}

static void random_steps(void **state)
{
    static struct tty tty;
    static uint8_t text[TTY_OUTPUT_BYTES];
    struct random random;
    uint32_t taken;

    (void)state;
    random_init(&random, 1);
    tty_init(&tty);
    for (uint32_t step = 0; step < 20000; step++) {
        switch (random_below(&random, 10)) {
        case 0:
            flags_random(&tty, &random);
            break;
        case 1:
            (void)tty_write(&tty, (const uint8_t *)"x\ty\n\r\b\xc3\xa9", 8);
            break;
        case 2:
        case 3:
            (void)output_take(&tty, text);
            break;
        case 4:
        case 5: {
            uint32_t room = 1 + (uint32_t)random_below(&random, 5000);

            if (tty_is_readable(&tty)) {
                uint32_t count = tty_peek(&tty, text, room, &taken);

                assert_true(count <= room && taken >= count && taken <= count + 1 && taken > 0);
                tty_take(&tty, taken);
            }
            break;
        }
        default:
            type_random(&tty, &random);
            break;
        }
        invariants_hold(&tty);
    }
}

/* In raw mode nothing is lost, added or changed, as long as there is room. */
static void raw_bytes_pass(void **state)
{
    static struct tty tty;
    struct random random;
    uint64_t typed = 0, read = 0;

    (void)state;
    random_init(&random, 2);
    tty_init(&tty);
    set_raw(&tty, 1, 0);
    for (uint32_t step = 0; step < 3000; step++) {
        uint32_t count =
            (uint32_t)random_below(&random, MIN(tty_input_room(&tty), UINT32_C(600)) + 1);
        uint8_t bytes[700];

        for (uint32_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)((typed + i) * 7 >> 3);
        assert_int_equal(tty_input(&tty, bytes, count), 0);
        typed += count;
        count = read_line(&tty, bytes, (uint32_t)random_below(&random, sizeof(bytes)));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(bytes[i], (uint8_t)((read + i) * 7 >> 3));
        read += count;
        assert_int_equal(tty_readable_bytes(&tty), typed - read);
    }
    assert_true(read > 100 * TTY_INPUT_BYTES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test(lines_in_pieces),
        cmocka_unit_test(peek_takes_nothing),
        cmocka_unit_test(long_line),
        cmocka_unit_test(mode_changes),
        cmocka_unit_test(raw_readiness),
        cmocka_unit_test(full_ring_loses_bytes),
        cmocka_unit_test(flow_control),
        cmocka_unit_test(write_is_undone),
        cmocka_unit_test(write_leaves_room_for_echo),
        cmocka_unit_test(flush_spares_what_is_lent),
        cmocka_unit_test(random_steps),
        cmocka_unit_test(raw_bytes_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
