/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/pool.h. The memory of the pools is heap memory of just its size, and what the
 * sanitizer would report is asked of it beforehand.
 */
#include "tests/unit/support.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/poison.h"
#include "kit/pool.h"
#include "kit/random.h"

#define OBJECTS_LIMIT 64

struct fixture {
    struct pool pool;
    uint8_t *memory;
    size_t bytes;
    uint8_t *object[OBJECTS_LIMIT]; /* those that are used */
    size_t count;
};

static void start(struct fixture *fixture, size_t bytes, size_t object_bytes, size_t align)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->memory = malloc(bytes);
    fixture->bytes = bytes;
    pool_init(&fixture->pool, fixture->memory, bytes, object_bytes, align);
}

static void finish(struct fixture *fixture)
{
    memory_unpoison(fixture->memory, fixture->bytes);
    free(fixture->memory);
}

static bool contains(const struct fixture *fixture, const uint8_t *object)
{
    return object >= fixture->memory &&
           object + fixture->pool.object_bytes <= fixture->memory + fixture->bytes;
}

static void allocate_all(struct fixture *fixture)
{
    uint8_t *object;

    while ((object = pool_allocate(&fixture->pool)) != NULL) {
        assert_true(fixture->count < OBJECTS_LIMIT);
        fixture->object[fixture->count++] = object;
    }
}

/* ---- Layout ---------------------------------------------------------------------------------- */

static void check_layout(size_t bytes, size_t object_bytes, size_t align)
{
    struct fixture fixture;

    start(&fixture, bytes, object_bytes, align);
    allocate_all(&fixture);
    assert_true(fixture.count > 0);
    assert_int_equal(fixture.count, pool_capacity(&fixture.pool));
    assert_int_equal(fixture.count, pool_used(&fixture.pool));
    for (size_t i = 0; i < fixture.count; i++) {
        uint8_t *object = fixture.object[i];

        assert_true(contains(&fixture, object));
        assert_true(IS_ALIGNED((uintptr_t)object, align) && IS_ALIGNED((uintptr_t)object, 8));
        memset(object, (int)i, object_bytes);
    }
    for (size_t i = 0; i < fixture.count; i++) {
        for (size_t j = 0; j < object_bytes; j++)
            assert_int_equal(fixture.object[i][j], i);
        pool_free(&fixture.pool, fixture.object[i]);
    }
    assert_int_equal(pool_used(&fixture.pool), 0);
    finish(&fixture);
}

static void objects_are_aligned_and_apart(void **state)
{
    static const size_t object_bytes[] = {1, 7, 8, 9, 24, 100};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(object_bytes); i++) {
        for (size_t align = 1; align <= 64; align *= 2)
            check_layout(1000, object_bytes[i], align);
    }
}

/* The least memory holds one object; one byte less is refused. */
static void memory_must_hold_an_object(void **state)
{
    size_t least = 8 + 24 + KIT_POOL_RED_ZONE_BYTES;
    _Alignas(8) uint8_t memory[128];
    struct pool pool;

    (void)state;
    assert_true(least <= sizeof(memory));
    pool_init(&pool, memory, least, 24, 8);
    assert_int_equal(pool_capacity(&pool), 1);
    memory_unpoison(memory, sizeof(memory));
    expect_assert_failure(pool_init(&pool, memory, least - 1, 24, 8));
    expect_assert_failure(pool_init(&pool, memory, sizeof(memory), 24, 24));
    expect_assert_failure(pool_init(&pool, memory, sizeof(memory), 0, 8));
}

static void pool_without_memory_grows(void **state)
{
    struct fixture fixture;
    uint8_t *more = malloc(500);
    size_t capacity;

    (void)state;
    start(&fixture, 500, 40, 8);
    capacity = pool_capacity(&fixture.pool);
    pool_init(&fixture.pool, NULL, 0, 40, 8);
    assert_int_equal(pool_capacity(&fixture.pool), 0);
    assert_null(pool_allocate(&fixture.pool));

    pool_add(&fixture.pool, fixture.memory, fixture.bytes);
    allocate_all(&fixture);
    assert_int_equal(fixture.count, capacity);
    pool_add(&fixture.pool, more, 500);
    assert_int_equal(pool_capacity(&fixture.pool), 2 * capacity);
    assert_int_equal(pool_used(&fixture.pool), capacity);
    allocate_all(&fixture);
    assert_int_equal(fixture.count, 2 * capacity);
    for (size_t i = 0; i < fixture.count; i++)
        pool_free(&fixture.pool, fixture.object[i]);
    assert_int_equal(pool_used(&fixture.pool), 0);
    finish(&fixture);
    memory_unpoison(more, 500);
    free(more);
}

/* ---- Use over time --------------------------------------------------------------------------- */

static void take_one(struct fixture *fixture)
{
    uint8_t *object = pool_allocate(&fixture->pool);

    assert_int_equal(object == NULL, fixture->count == pool_capacity(&fixture->pool));
    if (object == NULL)
        return;
    for (size_t i = 0; i < fixture->count; i++)
        assert_ptr_not_equal(object, fixture->object[i]);
    memset(object, (int)((uintptr_t)object >> 3 & 0xff), fixture->pool.object_bytes);
    fixture->object[fixture->count++] = object;
}

static void give_one(struct fixture *fixture, size_t which)
{
    uint8_t *object = fixture->object[which];

    for (size_t i = 0; i < fixture->pool.object_bytes; i++)
        assert_int_equal(object[i], (uintptr_t)object >> 3 & 0xff);
    pool_free(&fixture->pool, object);
    fixture->object[which] = fixture->object[--fixture->count];
}

static void random_use_mixes_nothing_up(void **state)
{
    struct fixture fixture;
    struct random random;

    (void)state;
    random_init(&random, 1);
    start(&fixture, 2000, 44, 4);
    for (int i = 0; i < 50000; i++) {
        /* Now it fills, now it empties. */
        uint64_t chance = i / 1000 % 2 == 0 ? 60 : 40;

        if (random_below(&random, 100) < chance)
            take_one(&fixture);
        else if (fixture.count > 0)
            give_one(&fixture, (size_t)random_below(&random, fixture.count));
        assert_int_equal(pool_used(&fixture.pool), fixture.count);
    }
    finish(&fixture);
}

/* ---- What must be noticed -------------------------------------------------------------------- */

static void bad_frees_are_caught(void **state)
{
    struct fixture fixture, other;
    uint64_t outside[4] = {0};
    uint8_t *object;

    (void)state;
    start(&fixture, 1000, 40, 8);
    start(&other, 1000, 40, 8);
    object = pool_allocate(&fixture.pool);
    memset(object, 0, 40);
    expect_assert_failure(pool_free(&fixture.pool, NULL));
    expect_assert_failure(pool_free(&fixture.pool, &outside[2]));
    expect_assert_failure(pool_free(&fixture.pool, object + 1));
    expect_assert_failure(pool_free(&fixture.pool, object + 8));
    expect_assert_failure(pool_free(&other.pool, object));
    assert_int_equal(pool_used(&fixture.pool), 1);
    pool_free(&fixture.pool, object);
    expect_assert_failure(pool_free(&fixture.pool, object));
    assert_int_equal(pool_used(&fixture.pool), 0);
    finish(&fixture);
    finish(&other);
}

/* Even where the pool's memory lies around it: here one pool has the first and the last third of
 * some memory, another pool the middle. */
static void pointer_between_slabs_is_caught(void **state)
{
    struct fixture fixture;
    struct pool other;
    uint64_t *object;

    (void)state;
    start(&fixture, 900, 40, 8);
    pool_init(&fixture.pool, fixture.memory, 300, 40, 8);
    pool_add(&fixture.pool, fixture.memory + 600, 300);
    pool_init(&other, fixture.memory + 304, 296, 40, 8);
    assert_non_null(pool_allocate(&fixture.pool));
    object = pool_allocate(&other);
    memset(object, 0x5a, 40);
    expect_assert_failure(pool_free(&fixture.pool, object));
    expect_assert_failure(pool_free(&fixture.pool, object + 2));
    pool_free(&other, object);
    expect_assert_failure(pool_free(&fixture.pool, object));
    finish(&fixture);
}

static bool poisoned(const uint8_t *byte)
{
    return __asan_address_is_poisoned(byte) != 0;
}

static void only_used_objects_may_be_touched(void **state)
{
    struct fixture fixture;
    uint8_t *object;

    (void)state;
    start(&fixture, 400, 20, 8);
    for (size_t i = 0; i < fixture.bytes; i++)
        assert_true(poisoned(fixture.memory + i));
    object = pool_allocate(&fixture.pool);
    for (size_t i = 0; i < fixture.bytes; i++) {
        const uint8_t *byte = fixture.memory + i;

        assert_int_equal(poisoned(byte), byte < object || byte >= object + 20);
    }
    pool_free(&fixture.pool, object);
    for (size_t i = 0; i < fixture.bytes; i++)
        assert_true(poisoned(fixture.memory + i));
    finish(&fixture);
}

/* Behind each object lie a red zone and the next one's tag, before it its own tag. */
static void objects_have_red_zones(void **state)
{
    size_t red_zone_bytes = KIT_POOL_RED_ZONE_BYTES;
    struct fixture fixture;

    (void)state;
    start(&fixture, 1000, 24, 8);
    allocate_all(&fixture);
    for (size_t i = 0; i < fixture.count; i++) {
        for (size_t j = 1; j <= 8; j++)
            assert_true(poisoned(fixture.object[i] - j));
        for (size_t j = 0; j < red_zone_bytes; j++)
            assert_true(poisoned(fixture.object[i] + 24 + j));
        assert_false(poisoned(fixture.object[i]) || poisoned(fixture.object[i] + 23));
    }
    finish(&fixture);
}

static void freed_object_is_kept_from_use(void **state)
{
    struct fixture fixture;
    uint8_t *freed;

    (void)state;
    start(&fixture, 1000, 24, 8);
    freed = pool_allocate(&fixture.pool);
    pool_free(&fixture.pool, freed);
    for (size_t i = 1; i <= pool_capacity(&fixture.pool); i++) {
        bool due = KIT_POOL_RED_ZONE_BYTES == 0 ? i == 1 : i == pool_capacity(&fixture.pool);

        assert_int_equal(pool_allocate(&fixture.pool) == freed, due);
    }
    finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_aligned_and_apart),
        cmocka_unit_test(memory_must_hold_an_object),
        cmocka_unit_test(pool_without_memory_grows),
        cmocka_unit_test(random_use_mixes_nothing_up),
        cmocka_unit_test(bad_frees_are_caught),
        cmocka_unit_test(pointer_between_slabs_is_caught),
        cmocka_unit_test(only_used_objects_may_be_touched),
        cmocka_unit_test(objects_have_red_zones),
        cmocka_unit_test(freed_object_is_kept_from_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
