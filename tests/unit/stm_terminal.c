/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the console: who may read and write it, who gets its signals, how long reads wait, what
 * its requests do, and its end. The line discipline has tests of its own.
 */
#include "tests/unit/stm_host.h"

static uint64_t key;
static uint8_t buffer[8192];

/* A terminal of session 10, whose group 10 is in the foreground, and which the caller is in. */
static int start(void **state)
{
    int status = host_start(state);

    host.stm->terminal.present = true;
    assert_int_equal(do_tty(0, 0, &key), 0);
    assert_int_equal(host.stm->terminal.session, 10);
    return status;
}

static void type_text(const char *text)
{
    lock_take(&host.stm->lock);
    terminal_input(host.stm, (const uint8_t *)text, (uint32_t)strlen(text));
    lock_give(&host.stm->lock);
    signals_send(host.stm);
}

static void expect_signal(uint32_t index, uint32_t group, uint32_t signal)
{
    assert_true(index < host.signal_count);
    assert_int_equal(host.signal[index].group, group);
    assert_int_equal(host.signal[index].signal, signal);
}

static void termios_get(struct linux_termios *termios)
{
    assert_int_equal(do_ioctl(key, TCGETS, 0, "", 0, termios, sizeof(*termios)), sizeof(*termios));
}

static long termios_put(uint32_t request, const struct linux_termios *termios)
{
    return do_ioctl(key, request, 0, termios, sizeof(*termios), NULL, 0);
}

static void raw_set(uint8_t least, uint8_t time)
{
    struct linux_termios termios = {0};

    termios_get(&termios);
    termios.lflag &= ~ICANON;
    termios.cc[VMIN] = least;
    termios.cc[VTIME] = time;
    assert_int_equal(termios_put(TCSETS, &termios), 0);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static KnResult type_line(void)
{
    type_text(host.waits == 1 ? "ab" : "c\r");
    return K_OK;
}

static void read_waits_for_a_line(void **state)
{
    (void)state;
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);
    host.on_wait = type_line;
    assert_int_equal(do_read(key, buffer, 100, true), 4);
    assert_memory_equal(buffer, "abc\n", 4);
    assert_int_equal(host.last_delay_ns, K_NOTIMEOUT);
    type_text("\x04");
    assert_int_equal(events_of(key) & POLLIN, POLLIN);
    assert_int_equal(do_read(key, buffer, 100, true), 0);
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);
}

static void lost_reply_loses_no_line(void **state)
{
    (void)state;
    type_text("abc\r\x04");
    for (int i = 0; i < 2; i++) {
        host.lose_reply = true;
        assert_int_equal(do_read(key, buffer, 100, true), -EINTR);
    }
    assert_int_equal(do_read(key, buffer, 100, true), 4);
    host.lose_reply = true;
    assert_int_equal(do_read(key, buffer, 100, true), -EINTR); /* the end of file */
    assert_int_equal(do_read(key, buffer, 100, true), 0);
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);
}

static KnResult type_x(void)
{
    type_text("x");
    return K_OK;
}

static KnResult time_passes(void)
{
    return K_ETIMEOUT;
}

static KnResult type_x_then_time_passes(void)
{
    return host.waits <= 2 ? type_x() : K_ETIMEOUT;
}

static void raw_reads_wait_by_min_and_time(void **state)
{
    (void)state;
    raw_set(3, 0); /* three bytes, or as many as wanted */
    host.on_wait = type_x;
    assert_int_equal(do_read(key, buffer, 100, true), 3);
    assert_int_equal(do_read(key, buffer, 2, true), 2);
    assert_int_equal(host.waits, 5);
    type_text("x");
    assert_int_equal(do_read(key, buffer, 100, false), 1);
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);

    raw_set(0, 2); /* whatever comes within 0.2 s */
    host.on_wait = time_passes;
    assert_int_equal(do_read(key, buffer, 100, true), 0);
    assert_int_equal(host.last_delay_ns, 200000000);
    host.on_wait = type_x;
    assert_int_equal(do_read(key, buffer, 100, true), 1);

    raw_set(0, 0); /* whatever is there */
    host.on_wait = NULL;
    assert_int_equal(do_read(key, buffer, 100, true), 0);

    raw_set(5, 1); /* five bytes, or until none comes for 0.1 s */
    host.waits = 0;
    host.on_wait = type_x_then_time_passes;
    assert_int_equal(do_read(key, buffer, 100, true), 2);
    assert_int_equal(host.waits, 3);
    assert_int_equal(host.last_delay_ns, 100000000);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* The sender takes all there is. */
static KnResult all_goes_out(void)
{
    struct tty *tty = &host.stm->terminal.tty;
    const uint8_t *bytes;

    lock_take(&host.stm->lock);
    while (tty_lend(tty, TTY_OUTPUT_BYTES, &bytes) > 0)
        tty_returned(tty);
    terminal_sent(host.stm);
    lock_give(&host.stm->lock);
    return K_OK;
}

static void write_waits_for_room(void **state)
{
    uint32_t total = 0;
    long result;

    (void)state;
    while ((result = do_write(key, buffer, sizeof(buffer), false)) > 0)
        total += (uint32_t)result;
    assert_int_equal(result, -EAGAIN);
    assert_in_range(total, TTY_OUTPUT_BYTES / 2, TTY_OUTPUT_BYTES);
    assert_int_equal(events_of(key) & POLLOUT, 0);
    host.on_wait = all_goes_out;
    assert_int_equal(do_write(key, "abc", 3, true), 3);
    assert_int_equal(host.waits, 1);
    assert_int_equal(do_ioctl(key, TIOCOUTQ, 0, "", 0, buffer, 100), 4);
    assert_int_equal(le32_load(buffer), 3);
}

static void lost_reply_writes_nothing(void **state)
{
    (void)state;
    host.lose_reply = true;
    assert_int_equal(do_write(key, "abc", 3, false), -EINTR);
    assert_int_equal(tty_output_bytes(&host.stm->terminal.tty), 0);
    host.no_frames = true;
    assert_int_equal(do_write(key, buffer, 1000, false), -ENOMEM);
    assert_int_equal(tty_output_bytes(&host.stm->terminal.tty), 0);
}

static void stopped_output_waits(void **state)
{
    (void)state;
    type_text("\x13");
    assert_int_equal(do_write(key, "abc", 3, false), -EAGAIN);
    type_text("\x11");
    assert_int_equal(do_write(key, "abc", 3, false), 3);
    assert_int_equal(do_ioctl(key, TCXONC, TCOOFF, "", 0, NULL, 0), 0);
    assert_int_equal(do_write(key, "abc", 3, false), -EAGAIN);
    assert_int_equal(do_ioctl(key, TCXONC, TCOON, "", 0, NULL, 0), 0);
    assert_int_equal(do_write(key, "abc", 3, false), 3);
    assert_int_equal(do_ioctl(key, TCXONC, 4, "", 0, NULL, 0), -EINVAL);
}

/* ---- Job control ----------------------------------------------------------------------------- */

static void keys_signal_the_foreground(void **state)
{
    uint8_t group[4];

    (void)state;
    type_text("\x03\x1c");
    expect_signal(0, 10, SIGINT);
    expect_signal(1, 10, SIGQUIT);
    le32_store(group, 20);
    assert_int_equal(do_ioctl(key, TIOCSPGRP, 0, group, 4, NULL, 0), 0);
    type_text("\x1a");
    expect_signal(2, 20, SIGTSTP);
    assert_int_equal(do_ioctl(key, TIOCGPGRP, 0, "", 0, buffer, 100), 4);
    assert_int_equal(le32_load(buffer), 20);
}

static void background_may_not_read(void **state)
{
    (void)state;
    type_text("abc\r");
    host.who.group = 20;
    assert_int_equal(do_read(key, buffer, 100, true), -EINTR);
    expect_signal(0, 20, SIGTTIN);
    host.signal_status = idl_errno(EIO); /* PM: nobody could let it go on */
    assert_int_equal(do_read(key, buffer, 100, true), -EIO);
    host.who.blocked_ttin = 1;
    assert_int_equal(do_read(key, buffer, 100, true), -EIO);
    assert_int_equal(host.signal_count, 2);
    host.who.group = 10;
    assert_int_equal(do_read(key, buffer, 100, true), 4);
}

static void background_writes_unless_tostop(void **state)
{
    struct linux_termios termios = {0};

    (void)state;
    termios_get(&termios);
    termios.lflag |= TOSTOP;
    host.who.group = 20;
    assert_int_equal(do_write(key, "a", 1, true), 1);
    assert_int_equal(termios_put(TCSETS, &termios), -EINTR);
    expect_signal(0, 20, SIGTTOU);
    host.who.blocked_ttou = 1;
    assert_int_equal(termios_put(TCSETS, &termios), 0);
    assert_int_equal(do_write(key, "a", 1, true), 1);
    host.who.blocked_ttou = 0;
    assert_int_equal(do_write(key, "a", 1, true), -EINTR);
    expect_signal(1, 20, SIGTTOU);
    host.who.session = 30; /* of another session it is not the terminal */
    assert_int_equal(do_write(key, "a", 1, true), 1);
    assert_int_equal(host.signal_count, 2);
}

static void sessions_take_and_leave(void **state)
{
    uint64_t again;

    (void)state;
    assert_int_equal(do_tty(TERMINAL_CURRENT, 0, &again), 0);
    assert_int_equal(do_tty(1, 0, &again), -ENXIO);
    host.who = (struct stm_who){.pid = 40, .group = 40, .session = 40};
    assert_int_equal(do_tty(TERMINAL_CURRENT, 0, &again), -ENXIO);
    assert_int_equal(do_tty(0, 0, &again), 0);
    assert_int_equal(host.stm->terminal.session, 10);
    assert_int_equal(do_ioctl(key, TIOCGSID, 0, "", 0, buffer, 100), -ENOTTY);
    assert_int_equal(do_ioctl(key, TIOCSPGRP, 0, "\x28\0\0\0", 4, NULL, 0), -ENOTTY);
    assert_int_equal(do_ioctl(key, TIOCSCTTY, 0, "", 0, NULL, 0), -EPERM);
    assert_int_equal(do_ioctl(key, TIOCNOTTY, 0, "", 0, NULL, 0), -ENOTTY);

    host.who = (struct stm_who){.pid = 10, .group = 10, .session = 10};
    assert_int_equal(do_ioctl(key, TIOCNOTTY, 0, "", 0, NULL, 0), 0);
    signals_send(host.stm);
    expect_signal(0, 10, SIGHUP);
    expect_signal(1, 10, SIGCONT);

    host.who = (struct stm_who){.pid = 41, .group = 40, .session = 40};
    assert_int_equal(do_ioctl(key, TIOCSCTTY, 0, "", 0, NULL, 0), -EPERM); /* no leader */
    assert_int_equal(do_tty(0, 0, &again), 0);
    assert_int_equal(host.stm->terminal.session, 0);
    host.who.pid = 40;
    assert_int_equal(do_tty(0, O_NOCTTY, &again), 0);
    assert_int_equal(host.stm->terminal.session, 0);
    assert_int_equal(do_ioctl(key, TIOCSCTTY, 0, "", 0, NULL, 0), 0);
    assert_int_equal(do_ioctl(key, TIOCSCTTY, 0, "", 0, NULL, 0), 0); /* it has it */
    assert_int_equal(do_ioctl(key, TIOCGSID, 0, "", 0, buffer, 100), 4);
    assert_int_equal(le32_load(buffer), 40);
}

static void session_end_frees_the_terminal(void **state)
{
    struct call *call = call_begin("", 0);
    struct stm_session_end_in in = {99};

    (void)state;
    assert_int_equal(call_end(call, stm_operations.session_end(call, NULL, &in), 0), 0);
    assert_int_equal(host.stm->terminal.session, 10);
    call = call_begin("", 0);
    in.session = 10;
    assert_int_equal(call_end(call, stm_operations.session_end(call, NULL, &in), 0), 0);
    signals_send(host.stm);
    assert_int_equal(host.signal_count, 2);
    assert_int_equal(host.stm->terminal.session, 0);
    assert_int_equal(host.stm->terminal.foreground, 0);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void window_sizes(void **state)
{
    struct linux_winsize window = {24, 80, 0, 0};

    (void)state;
    assert_int_equal(do_ioctl(key, TIOCSWINSZ, 0, &window, sizeof(window), NULL, 0), 0);
    assert_int_equal(do_ioctl(key, TIOCSWINSZ, 0, &window, sizeof(window), NULL, 0), 0);
    signals_send(host.stm);
    expect_signal(0, 10, SIGWINCH);
    assert_int_equal(host.signal_count, 1); /* the second time nothing changed */
    memset(&window, 0, sizeof(window));
    assert_int_equal(do_ioctl(key, TIOCGWINSZ, 0, "", 0, &window, sizeof(window)), 8);
    assert_int_equal(window.columns, 80);
    assert_int_equal(do_ioctl(key, TIOCSWINSZ, 0, &window, 7, NULL, 0), -EINVAL);
    assert_int_equal(do_ioctl(key, TIOCGWINSZ, 0, "", 0, &window, 7), -EINVAL);
}

static void drains_and_flushes(void **state)
{
    struct linux_termios termios = {0};

    (void)state;
    termios_get(&termios);
    type_text("typed\r");
    assert_int_equal(do_write(key, "abc", 3, true), 3);
    host.on_wait = all_goes_out;
    assert_int_equal(termios_put(TCSETSW, &termios), 0);
    assert_int_equal(host.waits, 1);
    assert_int_equal(do_ioctl(key, FIONREAD, 0, "", 0, buffer, 100), 4);
    assert_int_equal(le32_load(buffer), 6);
    assert_int_equal(termios_put(TCSETSF, &termios), 0);
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);

    assert_int_equal(do_write(key, "abc", 3, true), 3);
    assert_int_equal(do_ioctl(key, TCSBRK, 1, "", 0, NULL, 0), 0); /* tcdrain */
    assert_int_equal(host.waits, 2);
    type_text("typed\r");
    assert_int_equal(do_ioctl(key, TCFLSH, TCIFLUSH, "", 0, NULL, 0), 0);
    assert_int_equal(do_read(key, buffer, 100, false), -EAGAIN);
    assert_true(tty_output_bytes(&host.stm->terminal.tty) > 0); /* the echo */
    assert_int_equal(do_ioctl(key, TCFLSH, TCOFLUSH, "", 0, NULL, 0), 0);
    assert_int_equal(tty_output_bytes(&host.stm->terminal.tty), 0);
    assert_int_equal(do_ioctl(key, TCFLSH, 3, "", 0, NULL, 0), -EINVAL);
    assert_int_equal(do_ioctl(key, 0x1234, 0, "", 0, NULL, 0), -ENOTTY);
    assert_int_equal(do_ioctl(1, TCGETS, 0, "", 0, NULL, 0), -EBADF);
    assert_int_equal(do_ioctl(key, TCSETS, 0, &termios, 35, NULL, 0), -EINVAL);
}

static void is_a_character_device(void **state)
{
    struct call *call = call_begin("", 0);
    const struct stm_stat_in in = {key};
    struct stm_stat_out out;

    (void)state;
    assert_int_equal(call_end(call, stm_operations.stat(call, NULL, &in, &out), 0), 0);
    assert_int_equal(out.mode & S_IFMT, S_IFCHR);
    assert_int_equal(out.rdev, 0x501);
}

/* ---- Its end --------------------------------------------------------------------------------- */

static KnResult hangs_up(void)
{
    lock_take(&host.stm->lock);
    terminal_hang_up(host.stm);
    lock_give(&host.stm->lock);
    signals_send(host.stm);
    return K_OK;
}

static void hang_up(void **state)
{
    uint8_t group[4];

    (void)state;
    le32_store(group, 20);
    assert_int_equal(do_ioctl(key, TIOCSPGRP, 0, group, 4, NULL, 0), 0);
    host.on_wait = hangs_up;
    host.who.group = 20;
    assert_int_equal(do_read(key, buffer, 100, true), 0);
    expect_signal(0, 10, SIGHUP); /* the session's leader */
    expect_signal(1, 20, SIGHUP); /* and the foreground */
    expect_signal(2, 20, SIGCONT);
    assert_int_equal(do_write(key, "a", 1, true), -EIO);
    assert_int_equal(do_ioctl(key, TCGETS, 0, "", 0, buffer, 100), -EIO);
    assert_int_equal(events_of(key), POLLIN | POLLOUT | POLLHUP | POLLERR);
    assert_int_equal(do_close(key), 0);
}

static void no_terminal_outside(void **state)
{
    (void)state;
    host.stm->terminal.present = false;
    assert_int_equal(do_tty(0, 0, &key), -ENXIO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, host_end)
    const struct CMUnitTest tests[] = {
        TEST(read_waits_for_a_line),
        TEST(lost_reply_loses_no_line),
        TEST(raw_reads_wait_by_min_and_time),
        TEST(write_waits_for_room),
        TEST(lost_reply_writes_nothing),
        TEST(stopped_output_waits),
        TEST(keys_signal_the_foreground),
        TEST(background_may_not_read),
        TEST(background_writes_unless_tostop),
        TEST(sessions_take_and_leave),
        TEST(session_end_frees_the_terminal),
        TEST(window_sizes),
        TEST(drains_and_flushes),
        TEST(is_a_character_device),
        TEST(hang_up),
        TEST(no_terminal_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
