/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of counters and timers: what is added and taken, what waits and for how long, and that a
 * reply that is lost takes nothing. */
#include "tests/unit/stm_host.h"

static long do_counter(uint64_t value, bool by_one, bool is_timer, uint64_t *key)
{
    struct call *call = call_begin("", 0);
    const struct stm_counter_in in = {value, by_one, is_timer};
    struct stm_counter_out out = {0};
    KnResult status = stm_operations.counter(call, NULL, &in, &out);

    *key = out.key;
    return call_end(call, status, 0);
}

static long do_timer(uint64_t key, bool set, uint64_t next_ns, uint64_t interval_ns,
                     struct stm_timer_out *out)
{
    struct call *call = call_begin("", 0);
    const struct stm_timer_in in = {key, set, next_ns, interval_ns};

    return call_end(call, stm_operations.timer(call, NULL, &in, out), 0);
}

static long add_value(uint64_t key, uint64_t more, bool wait)
{
    return do_write(key, &more, sizeof(more), wait);
}

/* What is read, or the error. */
static int64_t take_value(uint64_t key, bool wait)
{
    uint64_t value = 0;
    long result = do_read(key, &value, sizeof(value), wait);

    return result == sizeof(value) ? (int64_t)value : result;
}

static uint64_t key;

static void adds_up(void **state)
{
    char large[16] = {0};

    (void)state;
    assert_int_equal(do_counter(2, false, false, &key), 0);
    assert_int_equal(events_of(key), POLLIN | POLLOUT);
    assert_int_equal(add_value(key, 3, false), 8);
    assert_int_equal(do_read(key, large, sizeof(large), false), 8);
    assert_int_equal(large[0], 5);
    assert_int_equal(events_of(key), POLLOUT);
    assert_int_equal(take_value(key, false), -EAGAIN);
    assert_int_equal(add_value(key, UINT64_MAX, false), -EINVAL);
    assert_int_equal(do_write(key, large, 7, false), -EINVAL);
    assert_int_equal(do_read(key, large, 7, false), -EINVAL);
    assert_int_equal(add_value(key, UINT64_MAX - 1, false), 8);
    assert_int_equal(events_of(key), POLLIN);
    assert_int_equal(add_value(key, 1, false), -EAGAIN);
    assert_int_equal(do_counter(UINT64_MAX, false, false, &key), -EINVAL);
}

static void goes_by_one(void **state)
{
    (void)state;
    assert_int_equal(do_counter(2, true, false, &key), 0);
    assert_int_equal(take_value(key, false), 1);
    assert_int_equal(take_value(key, false), 1);
    assert_int_equal(take_value(key, false), -EAGAIN);
}

static void a_lost_reply_moves_nothing(void **state)
{
    (void)state;
    assert_int_equal(do_counter(2, false, false, &key), 0);
    host.lose_reply = true;
    assert_int_equal(take_value(key, false), -EINTR);
    host.lose_reply = true;
    assert_int_equal(add_value(key, 5, false), -EINTR);
    assert_int_equal(take_value(key, false), 2);
    host.lose_reply = true;
    assert_int_equal(do_counter(2, false, false, &key), -EINTR);
    assert_non_null(host.stm->counters.places.free);
}

static KnResult somebody_adds(void)
{
    assert_int_equal(add_value(key, 4, false), 8);
    return K_OK;
}

static KnResult somebody_takes(void)
{
    assert_int_equal(take_value(key, false), (int64_t)(UINT64_MAX - 1));
    return K_OK;
}

static KnResult somebody_closes(void)
{
    assert_int_equal(do_close(key), 0);
    return K_OK;
}

static void waits(void **state)
{
    struct stm_watch item;

    (void)state;
    assert_int_equal(do_counter(0, false, false, &key), 0);
    host.on_wait = somebody_adds;
    assert_int_equal(take_value(key, true), 4);
    item = (struct stm_watch){key, POLLIN, 0};
    assert_int_equal(do_poll(&item, 1, K_NOTIMEOUT), 1);
    assert_int_equal(take_value(key, false), 4);
    assert_int_equal(add_value(key, UINT64_MAX - 1, false), 8);
    host.on_wait = somebody_takes;
    assert_int_equal(add_value(key, 4, true), 8);
    assert_int_equal(take_value(key, false), 4);
    host.on_wait = somebody_closes;
    assert_int_equal(take_value(key, true), -EBADF);
}

static KnResult time_passes(void)
{
    return K_ETIMEOUT;
}

static void timers_expire(void **state)
{
    struct stm_timer_out was = {0};

    (void)state;
    host.now_ns = 1000;
    assert_int_equal(do_counter(0, false, true, &key), 0);
    assert_int_equal(take_value(key, false), -EAGAIN);
    assert_int_equal(add_value(key, 1, false), -EINVAL);
    assert_int_equal(do_timer(key, true, 1500, 0, &was), 0);
    assert_int_equal(was.left_ns, 0);
    assert_int_equal(events_of(key), 0);
    host.on_wait = time_passes;
    assert_int_equal(take_value(key, true), 1);
    assert_int_equal(host.last_delay_ns, 500);
    assert_int_equal(take_value(key, false), -EAGAIN);
    assert_int_equal(do_timer(key, true, 1600, 100, &was), 0);
    host.now_ns = 1950;
    assert_int_equal(do_timer(key, false, 0, 0, &was), 0);
    assert_int_equal(was.left_ns, 50);
    assert_int_equal(was.interval_ns, 100);
    host.lose_reply = true;
    assert_int_equal(take_value(key, false), -EINTR);
    assert_int_equal(take_value(key, false), 4);
    assert_int_equal(take_value(key, false), -EAGAIN);
    host.now_ns = 2000;
    assert_int_equal(take_value(key, false), 1);
}

static void polls_wait_for_timers(void **state)
{
    struct stm_timer_out was = {0};
    struct stm_watch items[2];
    uint64_t second;

    (void)state;
    host.on_wait = time_passes;
    assert_int_equal(do_counter(0, false, true, &key), 0);
    assert_int_equal(do_counter(0, false, true, &second), 0);
    assert_int_equal(do_timer(key, true, 700, 0, &was), 0);
    assert_int_equal(do_timer(second, true, 300, 0, &was), 0);
    items[0] = (struct stm_watch){key, POLLIN, 0};
    items[1] = (struct stm_watch){second, POLLIN, 0};
    assert_int_equal(do_poll(items, 2, 100), 0); /* the poll's own time is less */
    assert_int_equal(host.last_delay_ns, 100);
    assert_int_equal(do_poll(items, 2, K_NOTIMEOUT), 1);
    assert_int_equal(host.now_ns, 300);
    assert_int_equal(items[1].revents, POLLIN);
    items[1].events = POLLOUT; /* which it never is: its time ends no wait */
    assert_int_equal(do_poll(items + 1, 1, 5000), 0);
    assert_int_equal(host.waits, 3);
}

static void only_timers_are_timers(void **state)
{
    struct stm_timer_out was = {0};
    uint64_t pipe[2];

    (void)state;
    assert_int_equal(do_pipe(pipe), 0);
    assert_int_equal(do_timer(pipe[0], false, 0, 0, &was), -EINVAL);
    assert_int_equal(do_timer(12345, false, 0, 0, &was), -EBADF);
    assert_int_equal(do_counter(0, false, false, &key), 0);
    assert_int_equal(do_timer(key, false, 0, 0, &was), -EINVAL);
    assert_int_equal(do_ioctl(key, FIONREAD, 0, "", 0, NULL, 4), -ENOTTY);
}

static void there_are_so_many(void **state)
{
    uint64_t last = 0;

    (void)state;
    for (uint32_t i = 0; i < COUNTERS_MOST; i++)
        assert_int_equal(do_counter(0, false, false, &last), 0);
    assert_int_equal(do_counter(0, false, false, &key), -ENFILE);
    assert_int_equal(do_close(last), 0);
    assert_int_equal(do_counter(7, false, false, &key), 0);
    assert_int_equal(take_value(key, false), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_start, host_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(adds_up),
        TEST(goes_by_one),
        TEST(a_lost_reply_moves_nothing),
        TEST(waits),
        TEST(timers_expire),
        TEST(polls_wait_for_timers),
        TEST(only_timers_are_timers),
        TEST(there_are_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
