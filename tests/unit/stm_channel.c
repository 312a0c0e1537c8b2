/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the launcher's streams: the launch record, output within its credit, input that is asked
 * for, and how each of them ends.
 */
#include "tests/unit/stm_host.h"

#define PLAIN "channel=1\0stdin=channel\0tty0=0\0tty1=0\0tty2=0\0same12=0\0arg=ls\0"
#define TERMINAL \
    "channel=1\0stdin=channel\0tty0=1\0tty1=1\0tty2=1\0same12=1\0rows=24\0cols=80\0arg=sh\0"

static uint8_t buffer[65536];
static uint64_t keys[3];
static uint32_t is_tty[3];

/* Starts with a launch record, and opens all streams. */
static void channel_begin(const char *record, size_t bytes)
{
    host.launch = record;
    host.launch_bytes = (uint32_t)bytes;
    assert_int_equal(channel_start(host.stm), K_OK);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(do_stream(i, &keys[i], &is_tty[i]), 0);
}

static void send_all(void)
{
    lock_take(&host.stm->lock);
    while (send_round(host.stm))
        continue;
    lock_give(&host.stm->lock);
}

static void frame_come(uint32_t type, uint32_t stream, const void *payload, uint32_t bytes)
{
    lock_take(&host.stm->lock);
    memcpy(host.stm->channel.payload, payload, bytes);
    frame_take(host.stm, type, stream, bytes);
    lock_give(&host.stm->lock);
    signals_send(host.stm);
}

static void number_come(uint32_t type, uint32_t stream, uint32_t number)
{
    uint8_t payload[4];

    le32_store(payload, number);
    frame_come(type, stream, payload, sizeof(payload));
}

static void expect_frame(uint32_t index, uint32_t type, uint32_t stream, const void *payload,
                         uint32_t bytes)
{
    assert_true(index < host.frame_count);
    assert_int_equal(host.frame[index].type, type);
    assert_int_equal(host.frame[index].stream, stream);
    assert_int_equal(host.frame[index].bytes, bytes);
    assert_memory_equal(host.frame[index].payload, payload, bytes);
}

static void expect_credit(uint32_t index, uint32_t bytes)
{
    uint8_t payload[4];

    le32_store(payload, bytes);
    expect_frame(index, CHANNEL_CREDIT, CHANNEL_STDIN, payload, sizeof(payload));
}

/* ---- The launch record ----------------------------------------------------------------------- */

static void records(void **state)
{
    static const struct {
        const char *text;
        uint32_t bytes;
        bool is_good;
    } record[] = {
#define RECORD(text, good) {text, sizeof(text) - 1, good}
        RECORD("channel=1\0", true),
        RECORD("channel=1\0cut", true),
        RECORD("channel=1\0unknown=7\0=\0\0", true),
        RECORD("channel=1\0rows=65535\0", true),
        RECORD("", false),
        RECORD("channel=1", false),
        RECORD("channel=2\0", false),
        RECORD("channel=\0", false),
        RECORD("channel\0", false),
        RECORD("tty0=1\0channel=1\0", false),
        RECORD("channel=1\0rows=65536\0", false),
        RECORD("channel=1\0rows=99999999999\0", false),
        RECORD("channel=1\0cols=-1\0", false),
        RECORD("channel=1\0tty0=2\0", false),
        RECORD("channel=1\0tty0=\0", false),
        RECORD("channel=1\0stdin=file\0", false),
    };
    struct launch launch;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(record); i++)
        assert_int_equal(launch_parse(&launch, record[i].text, record[i].bytes), record[i].is_good);
    assert_true(
        launch_parse(&launch, TERMINAL "env=tty1=0\0", sizeof(TERMINAL "env=tty1=0\0") - 1));
    assert_true(launch.is_tty[0] && launch.is_tty[1] && launch.is_tty[2] && launch.same_out);
    assert_false(launch.icount || launch.input_is_archive);
    assert_int_equal(launch.window.rows, 24);
    assert_int_equal(launch.window.columns, 80);
}

static void no_launcher(void **state)
{
    struct call *call;
    uint64_t key;
    uint32_t tty;

    (void)state;
    assert_int_equal(channel_start(host.stm), K_OK);
    assert_int_equal(do_stream(STM_STDOUT, &key, &tty), -ENXIO);
    assert_int_equal(do_stream(3, &key, &tty), -EINVAL);
    assert_int_equal(do_tty(0, 0, &key), -ENXIO);
    call = call_begin("", 0);
    assert_int_equal(call_end(call, stm_operations.started(call, NULL), 0), -ENXIO);
}

static void broken_record(void **state)
{
    (void)state;
    host.launch = "channel=9\0";
    host.launch_bytes = 10;
    assert_int_equal(channel_start(host.stm), K_EINVAL);
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void output_goes_out(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(is_tty[0] | is_tty[1] | is_tty[2], 0);
    assert_int_equal(do_write(keys[1], "out", 3, true), 3);
    assert_int_equal(do_write(keys[2], "err", 3, true), 3);
    assert_int_equal(do_write(keys[1], "put", 3, true), 3);
    send_all();
    assert_int_equal(host.frame_count, 2);
    expect_frame(0, CHANNEL_OUT, CHANNEL_STDOUT, "output", 6);
    expect_frame(1, CHANNEL_OUT, CHANNEL_STDERR, "err", 3);
    assert_int_equal(do_read(keys[1], buffer, 1, false), -EBADF);
    assert_true(channel_is_drained(host.stm));
}

static void one_open_file_keeps_order(void **state)
{
    static const char record[] = "channel=1\0tty0=0\0tty1=0\0tty2=0\0same12=1\0";

    (void)state;
    channel_begin(record, sizeof(record) - 1);
    assert_int_equal(do_write(keys[1], "1", 1, true), 1);
    assert_int_equal(do_write(keys[2], "2", 1, true), 1);
    assert_int_equal(do_write(keys[1], "3", 1, true), 1);
    send_all();
    assert_int_equal(host.frame_count, 1);
    expect_frame(0, CHANNEL_OUT, CHANNEL_STDOUT, "123", 3);
}

/* Writes a pipe full; what is sent of it is what there is credit for. */
static uint32_t write_and_send(uint64_t key)
{
    uint32_t sent = 0;

    while (do_write(key, buffer, 4096, false) == 4096)
        continue;
    send_all();
    for (uint32_t i = 0; i < host.frame_count; i++)
        sent += host.frame[i].bytes;
    host.frame_count = 0;
    return sent;
}

static void output_keeps_to_its_credit(void **state)
{
    uint32_t sent = 0, now;

    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    while ((now = write_and_send(keys[1])) > 0)
        sent += now;
    assert_int_equal(sent, CHANNEL_OUT_CREDIT_INITIAL);
    assert_int_equal(do_write(keys[1], buffer, 1, false), -EAGAIN);
    assert_int_equal(do_write(keys[2], "err", 3, false), 3); /* has credit of its own */
    send_all();
    expect_frame(0, CHANNEL_OUT, CHANNEL_STDERR, "err", 3);
    host.frame_count = 0;
    number_come(CHANNEL_OUT_CREDIT, CHANNEL_STDOUT, 5000);
    assert_int_equal(write_and_send(keys[1]), 5000);
    assert_false(channel_is_drained(host.stm));
}

static void reader_outside_goes_away(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(do_write(keys[1], "gone", 4, true), 4);
    number_come(CHANNEL_OUT_END, CHANNEL_STDOUT, EPIPE);
    assert_int_equal(do_write(keys[1], "more", 4, true), -EPIPE);
    assert_int_equal(events_of(keys[1]) & POLLERR, POLLERR);
    number_come(CHANNEL_OUT_END, CHANNEL_STDERR, ENOSPC);
    assert_int_equal(do_write(keys[2], "more", 4, true), -ENOSPC);
    number_come(CHANNEL_OUT_END, CHANNEL_STDERR, EIO); /* once is enough */
    send_all();
    assert_int_equal(host.frame_count, 0);
    assert_true(channel_is_drained(host.stm));
}

/* The launcher's streams outlive both their ends. */
static void ended_streams_stay(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    outlets_watch(host.stm); /* the sender waits */
    number_come(CHANNEL_OUT_END, CHANNEL_STDOUT, EPIPE);
    outlets_leave(host.stm);
    outlets_watch(host.stm);
    number_come(CHANNEL_IN_END, CHANNEL_STDIN, 0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(do_close(keys[i]), 0);
    assert_int_equal(do_pipe(keys), 0); /* takes none of theirs */
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(do_stream(i, &keys[i], &is_tty[i]), 0);
    assert_int_equal(do_read(keys[0], buffer, 10, true), 0);
    assert_int_equal(do_write(keys[1], "x", 1, true), -EPIPE);
    assert_int_equal(do_write(keys[2], "x", 1, true), 1);
    outlets_leave(host.stm);
}

/* The stream ends while a frame of it is on its way. */
static void ends_while_it_is_sent(void **state)
{
    struct outlet *outlet;

    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(do_write(keys[1], "gone", 4, true), 4);
    outlet = &host.stm->channel.outlet[0];
    host.frame_status = K_EEND;
    send_all();
    assert_true(outlet->ended);
    assert_int_equal(do_write(keys[1], "more", 4, true), -EPIPE);
    assert_int_equal(do_read(keys[0], buffer, 1, true), 0);
}

/* ---- Input ----------------------------------------------------------------------------------- */

static void input_is_asked_for(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    send_all();
    assert_int_equal(host.frame_count, 0); /* nobody reads */
    assert_int_equal(do_read(keys[0], buffer, 100, false), -EAGAIN);
    assert_int_equal(do_read(keys[0], buffer, 60, false), -EAGAIN);
    send_all();
    assert_int_equal(host.frame_count, 1);
    expect_credit(0, 100);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "0123456789", 10);
    assert_int_equal(do_read(keys[0], buffer, 6, false), 6);
    assert_int_equal(do_read(keys[0], buffer, 6, false), 4);
    assert_int_equal(do_read(keys[0], buffer, 95, false), -EAGAIN);
    send_all();
    expect_credit(1, 5); /* 90 are still under way */
    number_come(CHANNEL_IN_END, CHANNEL_STDIN, 0);
    assert_int_equal(do_read(keys[0], buffer, 100, true), 0);
    assert_int_equal(do_read(keys[0], buffer, 100, true), 0);
    send_all();
    assert_int_equal(host.frame_count, 2); /* an end needs no credit */
}

static void poll_asks_too(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(events_of(keys[0]), 0);
    assert_int_equal(events_of(keys[0]), 0);
    send_all();
    assert_int_equal(host.frame_count, 1);
    expect_credit(0, CHANNEL_PAYLOAD_MAX);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "x", 1);
    assert_int_equal(events_of(keys[0]), POLLIN);
}

static void input_without_credit_is_lost(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "abc", 3);
    assert_int_equal(do_read(keys[0], buffer, 2, false), -EAGAIN);
    send_all();
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "abc", 3);
    assert_int_equal(do_read(keys[0], buffer, 100, false), 2);
}

static void input_ends_with_an_error(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(do_read(keys[0], buffer, 100, false), -EAGAIN);
    send_all();
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "abc", 3);
    number_come(CHANNEL_IN_END, CHANNEL_STDIN, EIO);
    assert_int_equal(do_read(keys[0], buffer, 100, false), 3);
    assert_int_equal(do_read(keys[0], buffer, 100, false), -EIO);
    assert_int_equal(events_of(keys[0]) & POLLHUP, POLLHUP);
}

/* The thread that reads the archive waits until somebody wants some. */
static uint32_t got;

static KnResult somebody_reads(void)
{
    long result = do_read(keys[0], buffer + got, 7, false);

    if (result > 0)
        got += (uint32_t)result;
    return K_OK;
}

static void input_from_the_archive(void **state)
{
    static const char record[] =
        "channel=1\0icount=1\0stdin=archive\0tty0=0\0tty1=0\0tty2=0\0same12=0\0";
    long result;

    (void)state;
    got = 0;
    host.archive = "all of standard input";
    channel_begin(record, sizeof(record) - 1);
    host.on_wait = somebody_reads;
    channel_take_all((uintptr_t)host.stm);
    assert_int_equal(host.frame_count, 0);
    while ((result = do_read(keys[0], buffer + got, 7, true)) > 0)
        got += (uint32_t)result;
    assert_int_equal(result, 0);
    assert_int_equal(got, strlen(host.archive));
    assert_memory_equal(buffer, host.archive, got);
    assert_true(host.waits >= 3);
}

/* ---- The terminal ---------------------------------------------------------------------------- */

static void terminal_both_ways(void **state)
{
    static const uint8_t window[] = {50, 0, 100, 0, 0, 0, 0, 0};
    uint64_t key;

    (void)state;
    channel_begin(TERMINAL, sizeof(TERMINAL) - 1);
    assert_int_equal(is_tty[0] & is_tty[1] & is_tty[2], 1);
    send_all();
    assert_int_equal(host.frame_count, 1);
    expect_credit(0, TTY_INPUT_BYTES - 1); /* without anybody who reads */
    assert_int_equal(do_tty(0, 0, &key), 0);
    assert_int_equal(host.stm->terminal.tty.window.rows, 24);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "ab\r\x03", 4);
    assert_int_equal(host.signal[0].group, 10);
    assert_int_equal(host.signal[0].signal, SIGINT);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "cd\r", 3);
    assert_int_equal(do_read(keys[0], buffer, 100, false), 3);
    assert_int_equal(do_write(keys[2], "x\n", 2, false), 2);
    send_all();
    expect_credit(1, 7);
    expect_frame(2, CHANNEL_OUT, CHANNEL_STDOUT, "^Ccd\r\nx\r\n", 9);
    frame_come(CHANNEL_WINDOW, CHANNEL_STDIN, window, sizeof(window));
    assert_int_equal(host.signal[1].signal, SIGWINCH);
    assert_int_equal(host.stm->terminal.tty.window.columns, 100);
    number_come(CHANNEL_IN_END, CHANNEL_STDIN, 0);
    assert_int_equal(do_read(keys[0], buffer, 100, true), 0);
    assert_int_equal(do_write(keys[1], "x", 1, true), -EIO);
}

static void terminal_on_standard_error(void **state)
{
    static const char record[] = "channel=1\0tty0=1\0tty1=0\0tty2=1\0same12=0\0";

    (void)state;
    channel_begin(record, sizeof(record) - 1);
    assert_int_equal(do_write(keys[0], "a", 1, false), 1);
    assert_int_equal(do_write(keys[1], "b", 1, false), 1);
    send_all();
    expect_frame(1, CHANNEL_OUT, CHANNEL_STDOUT, "b", 1);
    expect_frame(2, CHANNEL_OUT, CHANNEL_STDERR, "a", 1);
}

static void stopped_terminal(void **state)
{
    (void)state;
    channel_begin(TERMINAL, sizeof(TERMINAL) - 1);
    assert_int_equal(do_write(keys[1], "a", 1, false), 1);
    send_all();
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "\x13", 1);
    host.frame_count = 0;
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "b", 1);
    send_all();
    assert_int_equal(host.frame_count, 1); /* credit, and no echo */
    assert_int_equal(host.frame[0].type, CHANNEL_CREDIT);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "\x11", 1);
    send_all();
    expect_frame(2, CHANNEL_OUT, CHANNEL_STDOUT, "b", 1);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void launcher_asks(void **state)
{
    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    number_come(CHANNEL_SIGNAL, CHANNEL_STDIN, SIGTERM);
    assert_int_equal(host.signal_count, 1);
    assert_int_equal(host.signal[0].group, 0);
    assert_int_equal(host.signal[0].signal, SIGTERM);
    frame_come(CHANNEL_HALT, CHANNEL_STDIN, "", 0);
    assert_int_equal(host.halts, 1);
}

static void senseless_frames(void **state)
{
    static const uint8_t zeros[64];

    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    for (uint32_t type = 0; type < 256; type++) {
        if (type != CHANNEL_HALT)
            frame_come(type, 200, zeros, 63);
    }
    number_come(CHANNEL_SIGNAL, CHANNEL_STDIN, 0);
    number_come(CHANNEL_SIGNAL, CHANNEL_STDIN, SIGNAL_COUNT + 1);
    number_come(CHANNEL_OUT_CREDIT, CHANNEL_STDIN, 1);
    number_come(CHANNEL_OUT_END, 3, 1);
    frame_come(CHANNEL_IN, CHANNEL_STDOUT, "x", 1);
    assert_int_equal(host.signal_count, 0);
    assert_int_equal(do_write(keys[1], "ok", 2, true), 2);
    send_all();
    expect_frame(0, CHANNEL_OUT, CHANNEL_STDOUT, "ok", 2);
}

static long do_finish(uint32_t status, const char *failure, uint32_t code)
{
    struct call *call = call_begin("", 0);
    const struct stm_finish_in in = {status, failure, (uint32_t)strlen(failure), code};

    return call_end(call, stm_operations.finish(call, NULL, &in), 0);
}

static KnResult sender_runs(void)
{
    send_all();
    lock_take(&host.stm->lock);
    wait_queue_wake_all(&host.stm->channel.drained);
    lock_give(&host.stm->lock);
    return K_OK;
}

static void finish_comes_last(void **state)
{
    static const uint8_t status[16] = {42};

    (void)state;
    channel_begin(TERMINAL, sizeof(TERMINAL) - 1);
    assert_int_equal(do_write(keys[1], "last words", 10, true), 10);
    frame_come(CHANNEL_IN, CHANNEL_STDIN, "\x13", 1); /* a stopped terminal stops no end */
    host.on_wait = sender_runs;
    assert_int_equal(do_finish(42, "", 0), 0);
    assert_int_equal(host.waits, 1);
    assert_int_equal(host.frame[host.frame_count - 2].bytes, 10);
    expect_frame(host.frame_count - 1, CHANNEL_EXIT, 0, status, sizeof(status));
    assert_int_equal(host.drains, 1);
}

static void failures(void **state)
{
    static const uint8_t payload[] = {127, 0, 0, 0, 'n', 'o'};

    (void)state;
    channel_begin(PLAIN, sizeof(PLAIN) - 1);
    assert_int_equal(do_finish(256, "", 0), -EINVAL);
    assert_int_equal(do_finish(0, "no", 124), -EINVAL);
    assert_int_equal(do_finish(0, "no", 127), 0);
    assert_int_equal(host.frame_count, 1);
    expect_frame(0, CHANNEL_FAIL, 0, payload, sizeof(payload));
    host.frame_status = K_EEND;
    assert_int_equal(do_finish(0, "", 0), -EIO);
}

static void started_counts_instructions(void **state)
{
    static const char record[] = "channel=1\0icount=1\0stdin=archive\0tty0=0\0tty1=0\0tty2=0\0";
    struct call *call;
    uint8_t payload[8];

    (void)state;
    host.archive = "";
    channel_begin(record, sizeof(record) - 1);
    host.now_ns = 5000;
    call = call_begin("", 0);
    assert_int_equal(call_end(call, stm_operations.started(call, NULL), 0), 0);
    le64_store(payload, 4000);
    expect_frame(0, CHANNEL_STARTED, 0, payload, sizeof(payload));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_start, host_end)
    const struct CMUnitTest tests[] = {
        TEST(records),
        TEST(no_launcher),
        TEST(broken_record),
        TEST(output_goes_out),
        TEST(one_open_file_keeps_order),
        TEST(output_keeps_to_its_credit),
        TEST(reader_outside_goes_away),
        TEST(ended_streams_stay),
        TEST(ends_while_it_is_sent),
        TEST(input_is_asked_for),
        TEST(poll_asks_too),
        TEST(input_without_credit_is_lost),
        TEST(input_ends_with_an_error),
        TEST(input_from_the_archive),
        TEST(terminal_both_ways),
        TEST(terminal_on_standard_error),
        TEST(stopped_terminal),
        TEST(launcher_asks),
        TEST(senseless_frames),
        TEST(finish_comes_last),
        TEST(failures),
        TEST(started_counts_instructions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
