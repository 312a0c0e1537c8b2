/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffer cache and the operations over it, without a file system: who may be evicted, in which
 * order dirty buffers go out, and what one operation sees of another's transfers.
 */
#include "tests/unit/ext2_host.h"

#include <string.h>

#define BLOCK_BYTES 64u
#define CAPACITY (2 * FS_OPERATION_FRAMES)

struct fixture {
    struct buffer_cache cache;
    struct fs_operation a;
    struct fs_operation b;
    uint8_t copy[BLOCK_BYTES];
};

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static const struct fs_memory memory = {allocate, release, NULL};
static const struct fs_time now = {1, 0};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_int_equal(buffer_cache_create(&fixture->cache, BLOCK_BYTES, CAPACITY, &memory), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    assert_null(buffer_cache_verify(&fixture->cache));
    assert_int_equal(fixture->cache.promised, 0);
    buffer_cache_destroy(&fixture->cache);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture, struct fs_operation *op)
{
    assert_int_equal(fs_operation_begin(op, &fixture->cache, 0, 0, now), 0);
    fs_operation_pass(op);
}

/* Finds a block, reading it if needed: its bytes are the low byte of its number. */
static struct buffer *get(struct fs_operation *op, uint32_t block, bool keep)
{
    struct buffer *buffer = NULL;
    int status = fs_operation_find(op, block, 1, keep, &buffer);

    if (status == FS_NEED_BLOCK) {
        assert_int_equal(op->need[0], block);
        assert_int_equal(fs_operation_read_begin(op, 0, &buffer), 0);
        memset(buffer->data, (int)block, BLOCK_BYTES);
        buffer_read_end(op->cache, buffer, true);
        status = fs_operation_find(op, block, 1, keep, &buffer);
        op->need_count = 0;
    }
    assert_int_equal(status, 0);
    assert_int_equal(buffer->data[0], (uint8_t)block);
    return buffer;
}

/* Changes nothing in blocks, but says so. */
static void change(struct fixture *fixture, uint32_t first, uint32_t count)
{
    struct buffer *buffers[8];

    begin(fixture, &fixture->a);
    for (uint32_t i = 0; i < count; i++)
        buffers[i] = get(&fixture->a, first + i, true);
    fs_operation_commit(&fixture->a);
    for (uint32_t i = 0; i < count; i++)
        fs_operation_dirty(&fixture->a, buffers[i]);
    assert_int_equal(fixture->a.dirty_count, count);
    fs_operation_end(&fixture->a);
}

static void expect_write(struct fixture *fixture, uint32_t block, bool is_good)
{
    struct buffer *buffer = buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy);

    assert_non_null(buffer);
    assert_int_equal(buffer->block, block);
    assert_int_equal(fixture->copy[0], (uint8_t)block);
    buffer_write_end(&fixture->cache, buffer, is_good);
}

static void oldest_operation_goes_out_first(void **state)
{
    struct fixture *fixture = *state;

    change(fixture, 40, 2);
    change(fixture, 30, 1);
    change(fixture, 40, 1);
    change(fixture, 20, 1);
    assert_int_equal(fixture->cache.dirty_count, 4);
    expect_write(fixture, 40, true);
    expect_write(fixture, 41, true);
    expect_write(fixture, 30, true);
    expect_write(fixture, 20, true);
    assert_null(buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy));
}

static void limit_leaves_younger_operations(void **state)
{
    struct fixture *fixture = *state;
    uint64_t limit = 0;

    change(fixture, 1, 1);
    limit = fixture->cache.last_operation;
    change(fixture, 2, 1);
    struct buffer *buffer = buffer_write_begin(&fixture->cache, limit, fixture->copy);

    assert_int_equal(buffer->block, 1);
    buffer_write_end(&fixture->cache, buffer, true);
    assert_null(buffer_write_begin(&fixture->cache, limit, fixture->copy));
    assert_int_equal(fixture->cache.dirty_count, 1);
}

static void failed_write_stays_dirty_and_first(void **state)
{
    struct fixture *fixture = *state;

    change(fixture, 5, 1);
    change(fixture, 6, 1);
    expect_write(fixture, 5, false);
    assert_int_equal(fixture->cache.dirty_count, 2);
    expect_write(fixture, 5, true);
    expect_write(fixture, 6, true);
}

/* A change during the transfer makes the buffer dirty again; the transfer carries the old bytes. */
static void change_during_write(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *writing = NULL;

    change(fixture, 7, 1);
    writing = buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy);
    assert_int_equal(fixture->cache.writing_count, 1);
    change(fixture, 7, 1);
    assert_null(buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy));
    assert_int_equal(fixture->cache.dirty_count, 1);
    buffer_write_end(&fixture->cache, writing, true);
    expect_write(fixture, 7, true);
}

static void eviction_takes_idle_buffers_only(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *kept = NULL;

    change(fixture, 1, 1);
    begin(fixture, &fixture->b);
    kept = get(&fixture->b, 2, true);
    for (uint32_t block = 100; block < 100 + 3 * CAPACITY; block++) {
        begin(fixture, &fixture->a);
        get(&fixture->a, block, false);
        fs_operation_end(&fixture->a);
        assert_null(buffer_cache_verify(&fixture->cache));
    }
    assert_non_null(buffer_find(&fixture->cache, 1));
    assert_ptr_equal(buffer_find(&fixture->cache, 2), kept);
    assert_null(buffer_find(&fixture->cache, 100));
    assert_non_null(buffer_find(&fixture->cache, 100 + 3 * CAPACITY - 1));
    fs_operation_end(&fixture->b);
}

static void cache_full_of_dirty_buffers_needs_room(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *buffer = NULL;

    for (uint32_t block = 0; block < CAPACITY; block += 2)
        change(fixture, block, 2);
    assert_int_equal(fixture->cache.dirty_count, CAPACITY);
    begin(fixture, &fixture->a);
    assert_int_equal(fs_operation_find(&fixture->a, 999, 1, true, &buffer), FS_NEED_BLOCK);
    assert_int_equal(fs_operation_read_begin(&fixture->a, 0, &buffer), FS_NEED_ROOM);
    expect_write(fixture, 0, true);
    get(&fixture->a, 999, true);
    assert_null(buffer_find(&fixture->cache, 0));
    /* One that is still being written is room to wait for. */
    struct buffer *writing = buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy);

    for (uint32_t i = 2; i < CAPACITY; i++)
        expect_write(fixture, i, true);
    for (uint32_t i = 2; i < CAPACITY; i++)
        buffer_pin(&fixture->cache, buffer_find(&fixture->cache, i));
    fs_operation_pass(&fixture->a);
    assert_int_equal(fs_operation_find(&fixture->a, 998, 1, true, &buffer), FS_NEED_BLOCK);
    assert_int_equal(fs_operation_read_begin(&fixture->a, 0, &buffer), FS_NEED_ROOM);
    buffer_write_end(&fixture->cache, writing, true);
    assert_int_equal(fs_operation_read_begin(&fixture->a, 0, &buffer), 0);
    buffer_read_end(&fixture->cache, buffer, true);
    for (uint32_t i = 2; i < CAPACITY; i++)
        buffer_unpin(&fixture->cache, buffer_find(&fixture->cache, i));
    fs_operation_end(&fixture->a);
}

static void promises_bound_operations(void **state)
{
    struct fixture *fixture = *state;
    struct fs_operation third;

    begin(fixture, &fixture->a);
    begin(fixture, &fixture->b);
    assert_int_equal(fs_operation_begin(&third, &fixture->cache, 0, 0, now), FS_WAIT);
    fs_operation_end(&fixture->b);
    assert_int_equal(fs_operation_begin(&third, &fixture->cache, 0, 0, now), 0);
    fs_operation_end(&third);
    fs_operation_end(&fixture->a);
}

/* Two operations need one block: one reads it, the other waits; both get it, or both fail. */
static void one_read_serves_two_operations(void **state)
{
    struct fixture *fixture = *state;

    for (int is_good = 0; is_good < 2; is_good++) {
        struct buffer *reading = NULL;
        struct buffer *buffer = NULL;

        begin(fixture, &fixture->a);
        begin(fixture, &fixture->b);
        assert_int_equal(fs_operation_find(&fixture->a, 50, 1, true, &buffer), FS_NEED_BLOCK);
        assert_int_equal(fs_operation_find(&fixture->b, 50, 1, true, &buffer), FS_NEED_BLOCK);
        assert_int_equal(fs_operation_read_begin(&fixture->a, 0, &reading), 0);
        assert_int_equal(fs_operation_read_begin(&fixture->b, 0, &buffer), FS_WAIT);
        fs_operation_pass(&fixture->b);
        assert_int_equal(fs_operation_find(&fixture->b, 50, 1, true, &buffer), FS_WAIT);
        buffer_read_end(&fixture->cache, reading, is_good);
        fs_operation_pass(&fixture->b);
        assert_int_equal(fs_operation_find(&fixture->a, 50, 1, true, &buffer), is_good ? 0 : -EIO);
        assert_int_equal(fs_operation_find(&fixture->b, 50, 1, true, &buffer), is_good ? 0 : -EIO);
        fs_operation_end(&fixture->a);
        fs_operation_end(&fixture->b);
        assert_int_equal(buffer_find(&fixture->cache, 50) != NULL, is_good);
    }
}

static void reader_may_leave_before_its_read_ends(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *buffer = NULL;

    begin(fixture, &fixture->a);
    assert_int_equal(fs_operation_find(&fixture->a, 3, 1, true, &buffer), FS_NEED_BLOCK);
    assert_int_equal(fs_operation_read_begin(&fixture->a, 0, &buffer), 0);
    fs_operation_end(&fixture->a);
    assert_null(buffer_cache_verify(&fixture->cache));
    buffer_forget(&fixture->cache, buffer);
    assert_null(buffer_cache_verify(&fixture->cache));
    assert_null(buffer_find(&fixture->cache, 3));
    buffer_read_end(&fixture->cache, buffer, true);
    assert_int_equal(buffer->state, BUFFER_FREE);
}

static void forgotten_while_another_pins_it(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *pinned = NULL;

    change(fixture, 9, 1);
    begin(fixture, &fixture->b);
    pinned = get(&fixture->b, 9, true);
    begin(fixture, &fixture->a);
    assert_int_equal(fs_operation_check_forget(&fixture->a, 9), 0);
    fs_operation_commit(&fixture->a);
    fs_operation_forget(&fixture->a, 9);
    fs_operation_end(&fixture->a);
    assert_null(buffer_find(&fixture->cache, 9));
    assert_int_equal(fixture->cache.dirty_count, 0);
    assert_null(buffer_cache_verify(&fixture->cache));
    assert_ptr_not_equal(get(&fixture->b, 9, true), pinned);
    fs_operation_end(&fixture->b);
    assert_int_equal(pinned->state, BUFFER_FREE);
}

static void forgetting_waits_for_a_write(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *writing = NULL;

    change(fixture, 9, 1);
    writing = buffer_write_begin(&fixture->cache, UINT64_MAX, fixture->copy);
    begin(fixture, &fixture->a);
    assert_int_equal(fs_operation_check_forget(&fixture->a, 9), FS_WAIT);
    buffer_write_end(&fixture->cache, writing, true);
    assert_int_equal(fs_operation_check_forget(&fixture->a, 9), 0);
    fs_operation_end(&fixture->a);
}

static void one_block_as_two_kinds(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *buffer = NULL;

    begin(fixture, &fixture->a);
    get(&fixture->a, 4, true);
    assert_int_equal(fs_operation_find(&fixture->a, 4, 2, false, &buffer), -EUCLEAN);
    assert_int_equal(fs_operation_check_forget(&fixture->a, 4), -EUCLEAN);
    fs_operation_pass(&fixture->a);
    assert_int_equal(fs_operation_find(&fixture->a, 4, 2, false, &buffer), 0);
    assert_int_equal(fs_operation_check_forget(&fixture->a, 4), 0);
    fs_operation_end(&fixture->a);
}

/* What was looked at is displaced when the table is full, what was kept is not. */
static void kept_pins_outlast_looks(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *kept = NULL;

    begin(fixture, &fixture->a);
    kept = get(&fixture->a, 1, true);
    for (uint32_t block = 100; block < 100 + 2 * FS_OPERATION_PINS; block++)
        get(&fixture->a, block, false);
    buffer_cache_chill(&fixture->cache);
    assert_ptr_equal(buffer_find(&fixture->cache, 1), kept);
    assert_null(buffer_find(&fixture->cache, 100));
    fs_operation_commit(&fixture->a);
    assert_ptr_equal(fs_operation_kept(&fixture->a, 1), kept);
    fs_operation_end(&fixture->a);
}

static void new_blocks_come_from_spares(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *buffer = NULL;

    begin(fixture, &fixture->a);
    get(&fixture->a, 77, false);
    assert_int_equal(fs_operation_spare(&fixture->a), 0);
    fs_operation_pass(&fixture->a);
    assert_int_equal(fs_operation_spare(&fixture->a), 0);
    assert_int_equal(fixture->a.spare_count, 1);
    fs_operation_commit(&fixture->a);
    buffer = fs_operation_new(&fixture->a, 77, 1);
    assert_int_equal(buffer->data[0], 0);
    assert_ptr_equal(buffer_find(&fixture->cache, 77), buffer);
    buffer->data[0] = 77;
    fs_operation_dirty(&fixture->a, buffer);
    fs_operation_end(&fixture->a);
    assert_null(buffer_cache_verify(&fixture->cache));
    expect_write(fixture, 77, true);
}

static void advice_is_bounded_and_optional(void **state)
{
    struct fixture *fixture = *state;
    struct buffer *buffer = NULL;

    begin(fixture, &fixture->a);
    fs_operation_advise(&fixture->a, 1);
    assert_int_equal(fixture->a.need_count, 0);
    assert_int_equal(fs_operation_find(&fixture->a, 200, 1, true, &buffer), FS_NEED_BLOCK);
    for (uint32_t block = 201; block < 300; block++)
        fs_operation_advise(&fixture->a, block);
    assert_int_equal(fixture->a.need_count, FS_OPERATION_NEEDS);
    fs_operation_end(&fixture->a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(oldest_operation_goes_out_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_leaves_younger_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_write_stays_dirty_and_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(change_during_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(eviction_takes_idle_buffers_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cache_full_of_dirty_buffers_needs_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(promises_bound_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_read_serves_two_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reader_may_leave_before_its_read_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_while_another_pins_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgetting_waits_for_a_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_block_as_two_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_pins_outlast_looks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_blocks_come_from_spares, set_up, tear_down),
        cmocka_unit_test_setup_teardown(advice_is_bounded_and_optional, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
