/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each unit test includes first: cmocka with the headers it wants before it.
 * tests/unit/support.c defines what the kit asks of a program: a failed ASSERT fails the test that
 * runs, unless it stands within expect_assert_failure(), and poisoned memory is ASan's.
 */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
