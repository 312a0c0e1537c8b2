/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of OM's keys: that each opens what it was made for, as long as it is held, and nothing
 * else opens anything. */
#include "tests/unit/om_host.h"

#include <stdlib.h>

static int setup(void **state)
{
    (void)state;
    host_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_end();
    return 0;
}

static uint64_t new_key(void)
{
    uint64_t key = 0;

    node_hold(host.om->root);
    assert_int_equal(key_create(&host.om->keys, host.om->root, KEY_LOOKS, &key), 0);
    assert_int_not_equal(key, 0);
    return key;
}

static bool opens(uint64_t key)
{
    struct node *node = key_node(&host.om->keys, key);

    node_drop(node);
    return node != NULL;
}

static void references(void **state)
{
    uint64_t key = new_key();

    (void)state;
    assert_true(opens(key));
    assert_int_equal(key_hold(&host.om->keys, key), 0);
    assert_int_equal(key_close(&host.om->keys, key), 0);
    assert_true(opens(key));
    assert_int_equal(key_close(&host.om->keys, key), 0);
    assert_false(opens(key));
    assert_int_equal(key_close(&host.om->keys, key), -EBADF);
    assert_int_equal(key_hold(&host.om->keys, key), -EBADF);
}

/* Not the place alone, nor an old key of it, nor a key with a bit turned. */
static void guesses(void **state)
{
    uint64_t old = new_key();

    (void)state;
    assert_int_equal(key_close(&host.om->keys, old), 0);
    uint64_t key = new_key();

    assert_int_equal(key & 0xffff, old & 0xffff);
    assert_int_not_equal(key, old);
    assert_false(opens(old));
    assert_false(opens(0));
    assert_false(opens(key & 0xffff));
    assert_false(opens(UINT64_MAX));
    for (int bit = 0; bit < 64; bit++)
        assert_false(opens(key ^ (uint64_t)1 << bit));
    assert_int_equal(key_close(&host.om->keys, key), 0);
}

static void bounded(void **state)
{
    uint64_t *keys = calloc(KEY_LIMIT, sizeof(*keys));
    struct opened opened;

    (void)state;
    assert_non_null(keys);
    for (uint32_t i = 0; i < KEY_LIMIT; i++)
        keys[i] = new_key();
    assert_int_equal(host_open("/", O_RDONLY, 0, &opened), -ENFILE);
    assert_int_equal(key_close(&host.om->keys, keys[77]), 0);
    keys[77] = new_key();
    for (uint32_t i = 0; i < KEY_LIMIT; i++)
        assert_int_equal(key_close(&host.om->keys, keys[i]), 0);
    free(keys);
}

/* What is run is not written, and what is written is not run. */
static void runs_and_writes(void **state)
{
    const uint32_t run = O_RDONLY | OM_OPEN_TO_RUN;
    struct opened first, second, other;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0755, &first), 0);
    assert_int_equal(host_open("/f", run, 0, &other), -ETXTBSY);
    assert_int_equal(host_open("/f", O_WRONLY, 0, &second), 0);
    host_close(first.key);
    assert_int_equal(host_open("/f", run, 0, &other), -ETXTBSY);
    host_close(second.key);
    assert_int_equal(host_open("/f", run, 0, &first), 0);
    assert_int_equal(host_open("/f", run, 0, &second), 0);
    assert_int_equal(key_hold(&host.om->keys, first.key), 0);
    host_close(first.key);
    host_close(second.key);
    assert_int_equal(host_open("/f", O_RDWR, 0, &other), -ETXTBSY);
    assert_int_equal(host_open("/f", O_RDONLY | O_TRUNC, 0, &other), -ETXTBSY);
    assert_int_equal(host_open("/f", O_RDONLY, 0, &other), 0);
    host_close(other.key);
    host_close(first.key);
    assert_int_equal(host_open("/f", O_WRONLY | O_TRUNC, 0, &other), 0);
    host_close(other.key);
    assert_int_equal(host_open("/", run, 0, &other), 0); /* not a file: nothing to keep from */
    host_close(other.key);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(references),
        TEST(guesses),
        TEST(bounded),
        TEST(runs_and_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
