/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/bitmap.h: random operations on bitmaps of many sizes, and on the map of priorities,
 * against arrays of bool.
 */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/bitmap.h"
#include "kit/random.h"

#define BITS_LIMIT 200

struct model {
    struct bitmap bitmap;
    bool set[BITS_LIMIT];
};

static size_t expected_from(const struct model *model, size_t from, bool set)
{
    while (from < model->bitmap.bits && model->set[from] != set)
        from++;
    return from;
}

static void check_model(const struct model *model)
{
    size_t bits = model->bitmap.bits;
    size_t count = 0;

    for (size_t i = 0; i < bits; i++) {
        assert_int_equal(bitmap_test(&model->bitmap, i), model->set[i]);
        count += model->set[i];
    }
    assert_int_equal(bitmap_count(&model->bitmap), count);
    for (size_t from = 0; from <= bits; from++) {
        assert_int_equal(bitmap_find_first_set_from(&model->bitmap, from),
                         expected_from(model, from, true));
        assert_int_equal(bitmap_find_first_zero_from(&model->bitmap, from),
                         expected_from(model, from, false));
    }
}

static void change_range(struct model *model, struct random *random, bool set)
{
    size_t first = random_below(random, model->bitmap.bits + 1);
    size_t count = random_below(random, model->bitmap.bits - first + 1);

    if (set)
        bitmap_set_range(&model->bitmap, first, count);
    else
        bitmap_clear_range(&model->bitmap, first, count);
    for (size_t i = 0; i < count; i++)
        model->set[first + i] = set;
}

static void change_bit(struct model *model, struct random *random, bool set)
{
    size_t bit = random_below(random, model->bitmap.bits);

    if (set)
        bitmap_set(&model->bitmap, bit);
    else
        bitmap_clear(&model->bitmap, bit);
    model->set[bit] = set;
}

/* The words lie in heap memory of their size and hold rubbish before. */
static void check_size(size_t bits, struct random *random)
{
    size_t bytes = BITMAP_WORDS(bits) * sizeof(unsigned long);
    unsigned long *words = malloc(MAX(bytes, (size_t)1));
    struct model model = {.set = {false}};

    memset(words, 0xff, bytes);
    bitmap_init(&model.bitmap, words, bits);
    check_model(&model);
    for (int i = 0; bits > 0 && i < 100; i++) {
        bool set = random_below(random, 2) == 0;

        if (random_below(random, 3) == 0)
            change_range(&model, random, set);
        else
            change_bit(&model, random, set);
        check_model(&model);
    }
    free(words);
}

static void random_operations_agree_with_an_array(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, BITS_LIMIT};
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        check_size(sizes[i], &random);
}

static void every_range_is_exact(void **state)
{
    enum { BITS = 130 };
    unsigned long words[BITMAP_WORDS(BITS)];
    struct bitmap bitmap;

    (void)state;
    for (size_t first = 0; first <= BITS; first++) {
        for (size_t count = 0; count <= BITS - first; count++) {
            bitmap_init(&bitmap, words, BITS);
            bitmap_set_range(&bitmap, first, count);
            assert_int_equal(bitmap_count(&bitmap), count);
            assert_int_equal(bitmap_find_first_set_from(&bitmap, 0), count > 0 ? first : BITS);
            assert_int_equal(bitmap_find_first_zero_from(&bitmap, first), first + count);
        }
    }
}

static void bounds_are_checked(void **state)
{
    unsigned long words[BITMAP_WORDS(40)];
    struct bitmap bitmap;

    (void)state;
    bitmap_init(&bitmap, words, 40);
    expect_assert_failure(bitmap_set(&bitmap, 40));
    expect_assert_failure(bitmap_clear(&bitmap, 40));
    expect_assert_failure((void)bitmap_test(&bitmap, 40));
    expect_assert_failure(bitmap_set_range(&bitmap, 1, 40));
    expect_assert_failure(bitmap_clear_range(&bitmap, 2, SIZE_MAX));
    expect_assert_failure(bitmap_set_range(&bitmap, 41, 0));
    expect_assert_failure((void)bitmap_find_first_set_from(&bitmap, 41));
    assert_int_equal(bitmap_count(&bitmap), 0);
}

/* ---- Priorities ------------------------------------------------------------------------------ */

static int expected_first(const bool *set)
{
    for (int i = 0; i < PRIOMAP_BITS; i++) {
        if (set[i])
            return i;
    }
    return -1;
}

static void priorities_agree_with_an_array(void **state)
{
    bool set[PRIOMAP_BITS] = {false};
    struct priomap map;
    struct random random;

    (void)state;
    random_init(&random, 2);
    memset(&map, 0xff, sizeof(map));
    priomap_init(&map);
    for (int i = 0; i < 100000; i++) {
        unsigned int priority = (unsigned int)random_below(&random, PRIOMAP_BITS);

        /* Mostly few are set, as in a scheduler; at times many. */
        set[priority] = random_below(&random, i / 10000 % 2 == 0 ? 40 : 2) == 0;
        if (set[priority])
            priomap_set(&map, priority);
        else
            priomap_clear(&map, priority);
        assert_int_equal(priomap_test(&map, priority), set[priority]);
        assert_int_equal(priomap_first(&map), expected_first(set));
        assert_int_equal(priomap_is_empty(&map), expected_first(set) < 0);
    }
}

static void every_priority_is_found_alone(void **state)
{
    struct priomap map;

    (void)state;
    priomap_init(&map);
    for (unsigned int i = 0; i < PRIOMAP_BITS; i++) {
        priomap_set(&map, i);
        assert_int_equal(priomap_first(&map), i);
        priomap_clear(&map, i);
        assert_true(priomap_is_empty(&map));
    }
    expect_assert_failure(priomap_set(&map, PRIOMAP_BITS));
    expect_assert_failure(priomap_clear(&map, PRIOMAP_BITS));
    expect_assert_failure((void)priomap_test(&map, PRIOMAP_BITS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_an_array),
        cmocka_unit_test(every_range_is_exact),
        cmocka_unit_test(bounds_are_checked),
        cmocka_unit_test(priorities_agree_with_an_array),
        cmocka_unit_test(every_priority_is_found_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
