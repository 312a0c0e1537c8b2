/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/base.h and kit/assert.h.
 */
#include "tests/unit/support.h"

#include "kit/assert.h"
#include "kit/base.h"

struct inner {
    int value;
};

struct outer {
    char before[3];
    struct inner inner;
    struct {
        struct inner deep[2];
    } nested;
};

/* What must work where the compiler needs a constant. */
STATIC_ASSERT(ARRAY_SIZE(((struct outer *)0)->nested.deep) == 2, "size of an array");
STATIC_ASSERT(ALIGN_UP(4097, 4096) == 8192 && ALIGN_DOWN(8191, 4096) == 4096, "alignment");
STATIC_ASSERT(IS_POWER_OF_TWO(64) && !IS_POWER_OF_TWO(0) && !IS_POWER_OF_TWO(65), "powers");
STATIC_ASSERT(IS_ALIGNED(48, 16) && !IS_ALIGNED(56, 16), "aligned");
STATIC_ASSERT(DIV_ROUND_UP(0, 8) == 0 && DIV_ROUND_UP(1, 8) == 1 && DIV_ROUND_UP(8, 8) == 1, "up");

static void container_is_found(void **state)
{
    struct outer outer;
    const struct inner *inner = &outer.inner;

    (void)state;
    assert_ptr_equal(container_of(inner, struct outer, inner), &outer);
    assert_ptr_equal(container_of(&outer.nested.deep[1], struct outer, nested.deep[1]), &outer);
}

static void alignment_keeps_the_width_of_its_value(void **state)
{
    uint64_t wide = UINT64_C(0x123456789abc);
    uint32_t narrow = 4096;
    int sign = 4096;

    (void)state;
    assert_int_equal(ALIGN_DOWN(wide, narrow), UINT64_C(0x123456789000));
    assert_int_equal(ALIGN_UP(wide, narrow), UINT64_C(0x12345678a000));
    assert_int_equal(ALIGN_UP(wide, sign), UINT64_C(0x12345678a000));
    assert_false(IS_ALIGNED(wide, narrow));
    assert_true(IS_ALIGNED(UINT64_C(0x100000000), narrow));
    assert_int_equal(sizeof(ALIGN_UP(wide, narrow)), 8);
}

static void rounding_up_does_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(DIV_ROUND_UP(UINT64_MAX, UINT64_C(4096)), UINT64_C(1) << 52);
    assert_int_equal(DIV_ROUND_UP(UINT64_MAX, UINT64_C(1)), UINT64_MAX);
}

static void least_and_greatest(void **state)
{
    int calls = 0;
    uint64_t wide = UINT64_C(1) << 40;
    uint8_t byte = 200;

    (void)state;
    assert_int_equal(MIN(-3, 4), -3);
    assert_int_equal(MAX(-3, 4), 4);
    assert_int_equal(MIN(wide, byte), 200);
    assert_int_equal(MAX(wide, byte), wide);
    assert_int_equal(MAX(7, wide), wide);
    assert_int_equal(MIN(MAX(1, 5), MIN(9, MAX(3, 4))), 4);
    assert_int_equal(MIN(++calls, 10), 1);
    assert_int_equal(MAX(0, ++calls), 2);
}

static void assertions_stay_on(void **state)
{
    volatile int calls = 0; /* expect_assert_failure is a setjmp */

    (void)state;
    ASSERT(++calls == 1);
    ASSERT(state != NULL);
    assert_int_equal(calls, 1);
    expect_assert_failure(ASSERT(++calls == 1));
    assert_int_equal(calls, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(container_is_found),
        cmocka_unit_test(alignment_keeps_the_width_of_its_value),
        cmocka_unit_test(rounding_up_does_not_overflow),
        cmocka_unit_test(least_and_greatest),
        cmocka_unit_test(assertions_stay_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
