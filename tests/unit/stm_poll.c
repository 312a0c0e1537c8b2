/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of polling: what is ready, what a wait ends with, and that nothing of a poll stays
 * behind. */
#include "tests/unit/stm_host.h"

static uint64_t keys[2], second[2];

static int start(void **state)
{
    int status = host_start(state);

    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_pipe(second), 0);
    return status;
}

/* No queue holds a watch. */
static int end(void **state)
{
    struct stm *stm = host.stm;

    for (uint32_t i = 0; i < stm->pipes.places.used; i++)
        assert_true(wait_queue_is_empty(&stm->pipes.pipe[i].object.watchers));
    return host_end(state);
}

static void ready_at_once(void **state)
{
    struct stm_watch items[] = {{keys[0], POLLIN, 0},
                                {keys[1], POLLOUT, 0},
                                {second[0], POLLIN, 7},
                                {second[1], POLLIN, 0},
                                {12345, POLLIN, 0}};

    (void)state;
    assert_int_equal(do_write(keys[1], "x", 1, false), 1);
    assert_int_equal(do_poll(items, 5, K_NOTIMEOUT), 3);
    assert_int_equal(items[0].revents, POLLIN);
    assert_int_equal(items[1].revents, POLLOUT);
    assert_int_equal(items[2].revents, 0);
    assert_int_equal(items[3].revents, 0); /* writable, but that was not asked */
    assert_int_equal(items[4].revents, POLLNVAL);
    assert_int_equal(items[4].key, 12345);
}

static void ends_are_told_unasked(void **state)
{
    struct stm_watch items[] = {{keys[0], 0, 0}, {second[1], 0, 0}};

    (void)state;
    assert_int_equal(do_poll(items, 2, 0), 0);
    assert_int_equal(do_close(keys[1]), 0);
    assert_int_equal(do_close(second[0]), 0);
    assert_int_equal(do_poll(items, 2, K_NOTIMEOUT), 2);
    assert_int_equal(items[0].revents, POLLHUP);
    assert_int_equal(items[1].revents, POLLERR);
}

static void no_time_no_wait(void **state)
{
    struct stm_watch item = {keys[0], POLLIN, 0};

    (void)state;
    assert_int_equal(do_poll(&item, 1, 0), 0);
    assert_int_equal(host.waits, 0);
}

static KnResult time_passes(void)
{
    return K_ETIMEOUT;
}

static void time_runs_out(void **state)
{
    struct stm_watch item = {keys[0], POLLIN, 0};

    (void)state;
    host.on_wait = time_passes;
    assert_int_equal(do_poll(&item, 1, 5000), 0);
    assert_int_equal(host.waits, 1);
    assert_int_equal(host.last_delay_ns, 5000);
    assert_int_equal(do_poll(NULL, 0, 300), 0); /* a mere delay */
    assert_int_equal(host.last_delay_ns, 300);
}

/* Writes to the second pipe at the third wake; before that somebody else takes what came. */
static KnResult comes_third(void)
{
    char taken;

    host.now_ns += 1000;
    if (host.waits < 3) {
        assert_int_equal(do_write(keys[1], "x", 1, false), 1);
        assert_int_equal(do_read(keys[0], &taken, 1, false), 1);
    } else {
        assert_int_equal(do_write(second[1], "x", 1, false), 1);
    }
    return K_OK;
}

static void wakes_and_looks_again(void **state)
{
    struct stm_watch items[] = {{keys[0], POLLIN, 0}, {second[0], POLLIN, 0}};

    (void)state;
    host.on_wait = comes_third;
    assert_int_equal(do_poll(items, 2, 10000), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, POLLIN);
    assert_int_equal(host.waits, 3);
    assert_int_equal(host.last_delay_ns, 8000); /* what was left of it */
}

static KnResult closes(void)
{
    assert_int_equal(do_close(keys[0]), 0);
    return K_OK;
}

static void closed_while_it_waits(void **state)
{
    struct stm_watch items[] = {{keys[0], POLLIN, 0}, {second[0], POLLIN, 0}};

    (void)state;
    host.on_wait = closes;
    assert_int_equal(do_poll(items, 2, K_NOTIMEOUT), 1);
    assert_int_equal(items[0].revents, POLLNVAL);
}

static KnResult aborts(void)
{
    return K_EABORT;
}

static void aborted(void **state)
{
    struct stm_watch items[] = {{keys[0], POLLIN, 0}, {keys[0], POLLIN, 0}};

    (void)state;
    host.on_wait = aborts;
    assert_int_equal(do_poll(items, 2, K_NOTIMEOUT), -EINTR);
    host.no_threads = true;
    assert_int_equal(do_poll(items, 2, K_NOTIMEOUT), -ENOMEM);
}

/* More than comes with the request: they are fetched anew at each look, since the scratch is used
 * by others in between. */
static KnResult scratch_is_used(void)
{
    memset(host.stm->scratch, 0xee, SCRATCH_BYTES);
    assert_int_equal(do_write(keys[1], "x", 1, false), 1);
    return K_OK;
}

static void many_items(void **state)
{
    static struct stm_watch items[STM_POLL_IN_ITEMS_MAX / STM_WATCH_BYTES];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(items); i++)
        items[i] = (struct stm_watch){i % 2 == 0 ? keys[0] : second[0], POLLIN, 99};
    host.on_wait = scratch_is_used;
    assert_int_equal(do_poll(items, ARRAY_SIZE(items), K_NOTIMEOUT), ARRAY_SIZE(items) / 2);
    for (uint32_t i = 0; i < ARRAY_SIZE(items); i++)
        assert_int_equal(items[i].revents, i % 2 == 0 ? POLLIN : 0);
    host.no_frames = true;
    assert_int_equal(do_poll(items, ARRAY_SIZE(items), 0), -ENOMEM);
}

static void watches_run_out(void **state)
{
    struct stm_watch items[] = {{keys[0], POLLIN, 0}, {second[0], POLLIN, 0}};
    struct places *watches = &host.stm->watches.places;
    uint32_t used;

    (void)state;
    host.on_wait = time_passes;
    assert_int_equal(do_poll(items, 2, 10), 0);
    used = watches->used;
    struct free_place *others = watches->free->next;

    watches->free->next = NULL; /* one is left */
    watches->used = WATCHES_MOST;
    assert_int_equal(do_poll(items, 2, 10), -ENOMEM);
    assert_int_equal(do_poll(items, 1, 10), 0);
    watches->free->next = others;
    watches->used = used;
}

static void malformed(void **state)
{
    struct call *call = call_begin("1234567", 7);
    struct stm_poll_in in = {0, call->body, 7};
    struct stm_poll_out out = {.results_room = STM_POLL_OUT_RESULTS_MAX};

    (void)state;
    assert_int_equal(call_end(call, stm_operations.poll(call, NULL, &in, &out), 0), -EINVAL);
    call = call_begin("0123456789abcdef", 16);
    in = (struct stm_poll_in){0, call->body, 16};
    out.results_room = 15;
    assert_int_equal(call_end(call, stm_operations.poll(call, NULL, &in, &out), 0), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(ready_at_once),
        TEST(ends_are_told_unasked),
        TEST(no_time_no_wait),
        TEST(time_runs_out),
        TEST(wakes_and_looks_again),
        TEST(closed_while_it_waits),
        TEST(aborted),
        TEST(many_items),
        TEST(watches_run_out),
        TEST(malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
