/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/format.h against the C library's snprintf: every mixture of flags, width, precision
 * and size with telling values, and every length of the buffer.
 */
#include "tests/unit/support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/format.h"

#define TEXT_BYTES 200

/* One call of each, in buffers of n bytes and a byte more; the texts, the lengths and that byte
 * agree. */
#define CHECK_IN(n, ...)                                            \
    do {                                                            \
        char *ours = malloc((n) + 1);                               \
        char *theirs = malloc((n) + 1);                             \
        memset(ours, '#', (n) + 1);                                 \
        memset(theirs, '#', (n) + 1);                               \
        int length = format(ours, n, __VA_ARGS__);                  \
        assert_int_equal(length, snprintf(theirs, n, __VA_ARGS__)); \
        assert_memory_equal(ours, theirs, (n) + 1);                 \
        free(ours);                                                 \
        free(theirs);                                               \
    } while (0)

#define CHECK(...) CHECK_IN((size_t)TEXT_BYTES, __VA_ARGS__)

static const char *const flags[] = {"", "-", "0", "-0"};
static const char *const widths[] = {"", "1", "5", "20", "70"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".7", ".25"};

/* Calls check with every mixture of flags, widths and precisions before the conversion. */
static void for_each_spec(const char *conversion, void (*check)(const char *fmt))
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(widths); j++) {
            for (size_t k = 0; k < ARRAY_SIZE(precisions); k++) {
                char fmt[40];

                (void)snprintf(fmt, sizeof(fmt), "<%%%s%s%s%s>", flags[i], widths[j], precisions[k],
                               conversion);
                check(fmt);
            }
        }
    }
}

/* The compiler cannot check formats made at run time: these calls do what those tests intend. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void check_int(const char *fmt)
{
    static const int values[] = {0, 1, -1, 9, 10, -10, 255, 4096, -123456789, INT_MAX, INT_MIN};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(fmt, values[i]);
}

static void check_long(const char *fmt)
{
    static const long values[] = {0, -1, 10, LONG_MAX, LONG_MIN};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(fmt, values[i]);
}

static void check_long_long(const char *fmt)
{
    static const long long values[] = {0, -1, 10, 0x123456789abcdef, LLONG_MAX, LLONG_MIN};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(fmt, values[i]);
}

static void check_size(const char *fmt)
{
    static const size_t values[] = {0, 1, 10, SIZE_MAX / 2, SIZE_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(fmt, values[i]);
}

static void check_string(const char *fmt)
{
    static const char *const values[] = {"", "a", "Chorus", "a string longer than some widths"};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(fmt, values[i]);
}

#pragma GCC diagnostic pop

static void numbers_are_as_in_the_library(void **state)
{
    static const char *const of_int[] = {"d", "i", "u", "x", "X"};
    static const char *const of_long[] = {"ld", "li", "lu", "lx", "lX"};
    static const char *const of_long_long[] = {"lld", "lli", "llu", "llx", "llX"};
    static const char *const of_size[] = {"zd", "zi", "zu", "zx", "zX"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for_each_spec(of_int[i], check_int);
        for_each_spec(of_long[i], check_long);
        for_each_spec(of_long_long[i], check_long_long);
        for_each_spec(of_size[i], check_size);
    }
    CHECK("%#x %#X %#x", 0xbeefu, 0xbeefu, 0u);
    CHECK("%#010x %#-10x| %0#10x", 0xbeefu, 0xbeefu, 0xbeefu);
}

/* 0 means nothing for a string, and the library may do what it likes with it. */
static void strings_are_as_in_the_library(void **state)
{
    static const char unterminated[3] = {'a', 'b', 'c'};
    const char *volatile nothing = NULL;
    char text[16];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(widths); j++) {
            for (size_t k = 0; k < ARRAY_SIZE(precisions); k++) {
                char fmt[40];

                (void)snprintf(fmt, sizeof(fmt), "<%%%s%s%ss>", flags[i], widths[j], precisions[k]);
                check_string(fmt);
            }
        }
    }
    CHECK("[%.*s] [%.*s] [%.*s]", 3, unterminated, 2, "xyz", -1, "all");
    assert_int_equal(format(text, sizeof(text), "%s", nothing), 6);
    assert_string_equal(text, "(null)");
}

static void characters_and_counts_from_arguments(void **state)
{
    (void)state;
    CHECK("%c%5c%-5c|%c", 'a', 'b', 'c', '\0');
    CHECK("%*d|%-*d|%*d|%0*d", 6, 42, 6, 42, -6, 42, 6, -42);
    CHECK("%.*d|%.*d|%*.*d", 4, 42, -4, 42, 8, 4, 42);
    CHECK("100%% of %u%%", 7u);
    CHECK("%s", "");
    CHECK("no conversion at all");
}

static void pointers_are_as_in_the_library(void **state)
{
    char text[32];

    (void)state;
    CHECK("%p", (void *)text);
    CHECK("%20p|%-20p|", (void *)text, (void *)text);
    CHECK("%p", (void *)UINTPTR_MAX);
    assert_int_equal(format(text, sizeof(text), "%p", (void *)NULL), 3);
    assert_string_equal(text, "0x0");
}

static void every_buffer_is_respected(void **state)
{
    (void)state;
    for (size_t n = 0; n < 60; n++)
        CHECK_IN(n, "site %u: %-12s|%08x|%12s|%5c%%", 17u, "port", 0xbeefu, "actor", 'x');
    assert_int_equal(format(NULL, 0, "%d and %s", 12, "text"), 11);
}

static void great_widths_are_counted_not_written(void **state)
{
    volatile int greatest = INT_MAX; /* volatile: the compiler would refuse what it can foresee */
    volatile int least = INT_MIN;
    char text[8];

    (void)state;
    assert_int_equal(format(text, sizeof(text), "%*d", 100000000, 7), 100000000);
    assert_string_equal(text, "       ");
    assert_int_equal(format(text, sizeof(text), "%0*d", 100000000, 7), 100000000);
    assert_string_equal(text, "0000000");
    assert_int_equal(format(text, sizeof(text), "%*s%*s", greatest, "a", least, "b"), INT_MAX);
    assert_string_equal(text, "       ");
    assert_int_equal(format(text, sizeof(text), "%.*d", 100, 7), 100);
    assert_string_equal(text, "0000000");
}

/* A format at run time again: the compiler would refuse these. */
static void unknown_conversions_end_it(void **state)
{
    static const char *const unknown[] = {"%y", "%5", "%", "%l", "%-08.3q!", "%hhd", "%f", "%n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        char fmt[40], expected[40], text[40];

        (void)snprintf(fmt, sizeof(fmt), "%%d %s %%s", unknown[i]);
        (void)snprintf(expected, sizeof(expected), "12 %s %%s", unknown[i]);
        assert_int_equal(format(text, sizeof(text), fmt, 12), strlen(expected));
        assert_string_equal(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_in_the_library),
        cmocka_unit_test(strings_are_as_in_the_library),
        cmocka_unit_test(characters_and_counts_from_arguments),
        cmocka_unit_test(pointers_are_as_in_the_library),
        cmocka_unit_test(every_buffer_is_respected),
        cmocka_unit_test(great_widths_are_counted_not_written),
        cmocka_unit_test(unknown_conversions_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
