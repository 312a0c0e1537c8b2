/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of epolls: what is told, once or again, what a wait ends with, and what goes away. */
#include "tests/unit/stm_host.h"

#define MOST 8

static uint64_t epoll, keys[2];
static uint64_t told[MOST]; /* what the last wait found: data */
static uint32_t told_events[MOST];

static long do_epoll(uint64_t *key)
{
    struct call *call = call_begin("", 0);
    struct stm_epoll_out out = {0};
    KnResult status = stm_operations.epoll(call, NULL, &out);

    *key = out.key;
    return call_end(call, status, 0);
}

static long control_fd(uint64_t key, uint32_t action, uint32_t fd, uint64_t stream, uint32_t events)
{
    struct call *call = call_begin("", 0);
    const struct stm_epoll_control_in in = {key, action, fd, stream, events, stream + 1};

    return call_end(call, stm_operations.epoll_control(call, NULL, &in), 0);
}

static long control(uint64_t key, uint32_t action, uint64_t stream, uint32_t events)
{
    return control_fd(key, action, 3, stream, events);
}

static long wait_most(uint64_t key, uint32_t most, int64_t timeout_ns)
{
    struct call *call = call_begin("", 0);
    const struct stm_epoll_wait_in in = {key, most, timeout_ns};
    struct stm_epoll_wait_out out = {.events_room = STM_EPOLL_WAIT_OUT_EVENTS_MAX};
    KnResult status = stm_operations.epoll_wait(call, NULL, &in, &out);
    uint32_t count = status == K_OK ? out.events_bytes / EPOLL_EVENT_BYTES : 0;

    assert_true(count <= MOST);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)out.events + (size_t)i * EPOLL_EVENT_BYTES;

        told_events[i] = le32_load(at);
        told[i] = le64_load(at + 4) - 1;
    }
    return call_end(call, status, count);
}

static long look(void)
{
    return wait_most(epoll, MOST, 0);
}

static int start(void **state)
{
    int status = host_start(state);

    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_epoll(&epoll), 0);
    return status;
}

static void put(const char *byte)
{
    assert_int_equal(do_write(keys[1], byte, 1, false), 1);
}

static void get(void)
{
    char byte;

    assert_int_equal(do_read(keys[0], &byte, 1, false), 1);
}

static void levels_are_told_again(void **state)
{
    (void)state;
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN), 0);
    assert_int_equal(look(), 0);
    put("x");
    assert_int_equal(look(), 1);
    assert_int_equal(told[0], keys[0]);
    assert_int_equal(told_events[0], POLLIN);
    assert_int_equal(events_of(epoll), POLLIN);
    assert_int_equal(look(), 1);
    get();
    assert_int_equal(look(), 0);
    assert_int_equal(events_of(epoll), 0);
}

static void edges_are_told_once(void **state)
{
    (void)state;
    put("x");
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN | EPOLLET), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    put("y");
    get(); /* makes room, which is no news to a reader */
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_MOD, keys[0], POLLIN | EPOLLONESHOT), 0);
    assert_int_equal(look(), 1);
    put("z");
    assert_int_equal(look(), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_MOD, keys[0], EPOLLET), 0);
    assert_int_equal(do_close(keys[1]), 0);
    assert_int_equal(look(), 1); /* the end, unasked */
    assert_int_equal(told_events[0], POLLHUP);
    assert_int_equal(look(), 0);
}

static void a_lost_reply_is_told_again(void **state)
{
    (void)state;
    put("x");
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN | EPOLLET | EPOLLONESHOT), 0);
    host.lose_reply = true;
    assert_int_equal(look(), -EINTR);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
}

static void all_have_their_turn(void **state)
{
    uint64_t first;

    (void)state;
    put("x");
    for (uint32_t fd = 0; fd < 2; fd++)
        assert_int_equal(control_fd(epoll, EPOLL_CTL_ADD, fd, keys[fd], POLLIN | POLLOUT), 0);
    assert_int_equal(wait_most(epoll, 1, 0), 1);
    first = told[0];
    assert_int_equal(wait_most(epoll, 1, 0), 1);
    assert_int_not_equal(told[0], first);
    assert_int_equal(wait_most(epoll, 1, 0), 1);
    assert_int_equal(told[0], first);
    assert_int_equal(wait_most(epoll, 0, 0), -EINVAL);
}

static KnResult something_comes(void)
{
    put("x");
    return K_OK;
}

static KnResult something_is_added(void)
{
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN), 0);
    return K_OK;
}

static KnResult the_epoll_is_closed(void)
{
    assert_int_equal(do_close(epoll), 0);
    return K_OK;
}

static KnResult time_passes(void)
{
    return K_ETIMEOUT;
}

static KnResult aborts(void)
{
    return K_EABORT;
}

static void waits(void **state)
{
    (void)state;
    host.on_wait = time_passes;
    assert_int_equal(wait_most(epoll, MOST, 500), 0);
    assert_int_equal(host.last_delay_ns, 500);
    put("x");
    host.on_wait = something_is_added;
    assert_int_equal(wait_most(epoll, MOST, K_NOTIMEOUT), 1);
    get();
    host.on_wait = something_comes;
    assert_int_equal(wait_most(epoll, MOST, K_NOTIMEOUT), 1);
    get();
    host.on_wait = aborts;
    assert_int_equal(wait_most(epoll, MOST, K_NOTIMEOUT), -EINTR);
    host.on_wait = the_epoll_is_closed;
    assert_int_equal(wait_most(epoll, MOST, K_NOTIMEOUT), -EBADF);
}

static void epolls_in_epolls(void **state)
{
    struct stm_watch item;
    uint64_t outer, third;

    (void)state;
    assert_int_equal(do_epoll(&outer), 0);
    assert_int_equal(do_epoll(&third), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN), 0);
    assert_int_equal(control(outer, EPOLL_CTL_ADD, epoll, POLLIN | EPOLLET), 0);
    item = (struct stm_watch){outer, POLLIN, 0};
    assert_int_equal(do_poll(&item, 1, 0), 0);
    host.on_wait = something_comes;
    assert_int_equal(do_poll(&item, 1, K_NOTIMEOUT), 1);
    assert_int_equal(wait_most(outer, MOST, 0), 1);
    assert_int_equal(told[0], epoll);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, third, POLLIN), -ELOOP);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, outer, POLLIN), -ELOOP);
    assert_int_equal(control(third, EPOLL_CTL_ADD, outer, POLLIN), -ELOOP);
    assert_int_equal(control(third, EPOLL_CTL_ADD, third, POLLIN), -EINVAL);
    assert_int_equal(do_close(outer), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, third, POLLIN), 0);
}

static void what_is_closed_is_forgotten(void **state)
{
    (void)state;
    put("x");
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[0], POLLIN), -EEXIST);
    assert_int_equal(do_close(keys[0]), 0);
    assert_int_equal(events_of(epoll), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(control(epoll, EPOLL_CTL_DEL, keys[0], 0), -EBADF);
    assert_int_equal(control(epoll, EPOLL_CTL_DEL, keys[1], 0), -ENOENT);
    assert_int_equal(control(epoll, 9, keys[1], 0), -ENOENT);
    assert_int_equal(control(keys[1], EPOLL_CTL_ADD, epoll, 0), -EINVAL);
    assert_int_equal(control(epoll, EPOLL_CTL_ADD, keys[1], 1u << 20), -EINVAL);
    assert_int_equal(wait_most(keys[1], 1, 0), -EINVAL);
    assert_int_equal(wait_most(12345, 1, 0), -EBADF);
}

static void there_are_so_many(void **state)
{
    uint64_t key, last = 0;

    (void)state;
    for (uint32_t fd = 0; fd < EPOLL_ITEMS_MOST; fd++)
        assert_int_equal(control_fd(epoll, EPOLL_CTL_ADD, fd, keys[0], POLLIN), 0);
    assert_int_equal(control_fd(epoll, EPOLL_CTL_ADD, 99999, keys[0], POLLIN), -ENOSPC);
    for (uint32_t i = 1; i < EPOLLS_MOST; i++)
        assert_int_equal(do_epoll(&last), 0);
    assert_int_equal(do_epoll(&key), -ENFILE);
    assert_int_equal(do_close(epoll), 0); /* with all its items */
    assert_int_equal(control_fd(last, EPOLL_CTL_ADD, 1, keys[0], POLLIN), 0);
    assert_int_equal(do_epoll(&epoll), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, host_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(levels_are_told_again),
        TEST(edges_are_told_once),
        TEST(a_lost_reply_is_told_again),
        TEST(all_have_their_turn),
        TEST(waits),
        TEST(epolls_in_epolls),
        TEST(what_is_closed_is_forgotten),
        TEST(there_are_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
