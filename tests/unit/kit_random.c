/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/random.h: against the published sequences, and for fairness.
 */
#include "tests/unit/support.h"

#include "kit/base.h"
#include "kit/random.h"

/* What the authors' xoshiro256starstar.c gives from state 1, 2, 3, 4. */
static void sequence_is_that_of_its_authors(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct random random = {.state = {1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_int_equal(random_next(&random), expected[i]);
}

/* What the authors' splitmix64.c gives from seed 1234567. */
static void seed_is_spread_by_splitmix64(void **state)
{
    static const uint64_t expected[4] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    struct random random;

    (void)state;
    random_init(&random, 1234567);
    assert_memory_equal(random.state, expected, sizeof(expected));
    random_init(&random, 0);
    assert_int_equal(random.state[0], UINT64_C(0xe220a8397b1dcdaf));
}

static void every_result_has_the_same_chance(void **state)
{
    enum { BOUND = 7, DRAWS = 70000 };
    int drawn[BOUND] = {0};
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (int i = 0; i < DRAWS; i++)
        drawn[random_below(&random, BOUND)]++;

    /* Five standard deviations, which are 93 each. */
    for (int i = 0; i < BOUND; i++)
        assert_in_range(drawn[i], DRAWS / BOUND - 465, DRAWS / BOUND + 465);
}

/* Without drawing again, the lower third of the results would come twice as often. */
static void great_bounds_are_fair_too(void **state)
{
    enum { DRAWS = 30000 };
    uint64_t third = UINT64_C(1) << 62;
    int below = 0;
    struct random random;

    (void)state;
    random_init(&random, 2);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = random_below(&random, 3 * third);

        assert_true(drawn < 3 * third);
        below += drawn < third;
    }
    /* Five standard deviations, which are 82 each. */
    assert_in_range(below, DRAWS / 3 - 410, DRAWS / 3 + 410);
}

static void bounds_are_checked(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(random_below(&random, 1), 0);
    expect_assert_failure((void)random_below(&random, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_is_that_of_its_authors),
        cmocka_unit_test(seed_is_spread_by_splitmix64),
        cmocka_unit_test(every_result_has_the_same_chance),
        cmocka_unit_test(great_bounds_are_fair_too),
        cmocka_unit_test(bounds_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
