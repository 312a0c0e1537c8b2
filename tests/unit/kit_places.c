/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of kit/places.h: places are the array's, differ, come back, and run out. */
#include "tests/unit/support.h"

#include <string.h>

#include "kit/places.h"
#include "kit/random.h"

#define COUNT 50u

struct object {
    uint64_t words[3];
};

struct table {
    struct places places;
    struct object object[COUNT];
};

static void all_are_given_and_no_more(void **state)
{
    struct table table = {0};
    bool seen[COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct object *object = PLACES_TAKE(&table.places, table.object);

        assert_true(object >= table.object && object < table.object + COUNT);
        assert_false(seen[object - table.object]);
        seen[object - table.object] = true;
    }
    assert_null(PLACES_TAKE(&table.places, table.object));
    places_give(&table.places, &table.object[7]);
    assert_ptr_equal(PLACES_TAKE(&table.places, table.object), &table.object[7]);
    assert_null(PLACES_TAKE(&table.places, table.object));
}

static void what_was_never_taken_is_untouched(void **state)
{
    struct table table;
    struct object untouched;

    (void)state;
    memset(&table, 0xa5, sizeof(table));
    memset(&untouched, 0xa5, sizeof(untouched));
    table.places = (struct places){0};
    for (int i = 0; i < 100; i++)
        places_give(&table.places, PLACES_TAKE(&table.places, table.object));
    assert_int_equal(table.places.used, 1);
    assert_memory_equal(&table.object[1], &untouched, sizeof(untouched));
}

/* Against an array of who has what: a place is never given to two. */
static void random_use(void **state)
{
    struct object *taken[COUNT] = {NULL};
    struct table table = {0};
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t at = random_below(&random, COUNT);

        if (taken[at] != NULL) {
            assert_int_equal(taken[at]->words[1], at);
            places_give(&table.places, taken[at]);
            taken[at] = NULL;
        } else {
            taken[at] = PLACES_TAKE(&table.places, table.object);
            assert_non_null(taken[at]);
            *taken[at] = (struct object){{i, at, i}};
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_given_and_no_more),
        cmocka_unit_test(what_was_never_taken_is_untouched),
        cmocka_unit_test(random_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
