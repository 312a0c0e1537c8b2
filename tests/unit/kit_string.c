/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/string.c and kit/strlcpy.c. The freestanding functions are compiled here under other
 * names, so that the C library's can judge them; every block lies in heap memory of just its size,
 * so that the sanitizer sees a byte read or written too far.
 */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#define memcpy kit_memcpy
#define memmove kit_memmove
#define memset kit_memset
#define memcmp kit_memcmp
#define memchr kit_memchr
#define strlen kit_strlen
#define strnlen kit_strnlen
#define strcmp kit_strcmp
#define strncmp kit_strncmp
#define strchr kit_strchr
#define strrchr kit_strrchr
#include "kit/string.c" /* NOLINT(bugprone-suspicious-include): see above */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#include "kit/random.h"

/* Enough to have a head, some words and a tail at every alignment. */
#define OFFSETS 16u
#define LENGTHS 50u

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void fill(uint8_t *bytes, size_t count, uint8_t first)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(first + 7 * i);
}

static void check_copy(size_t to_at, size_t from_at, size_t length)
{
    uint8_t *from = malloc(from_at + length + 1);
    uint8_t *to = malloc(to_at + length + 1);
    uint8_t *expected = malloc(to_at + length + 1);

    fill(from, from_at + length + 1, 1);
    fill(to, to_at + length + 1, 100);
    memcpy(expected, to, to_at + length + 1);
    memcpy(expected + to_at, from + from_at, length);
    assert_ptr_equal(kit_memcpy(to + to_at, from + from_at, length), to + to_at);
    assert_memory_equal(to, expected, to_at + length + 1);
    free(from);
    free(to);
    free(expected);
}

static void memory_is_copied(void **state)
{
    (void)state;
    for (size_t to_at = 0; to_at < OFFSETS; to_at++) {
        for (size_t from_at = 0; from_at < OFFSETS; from_at++) {
            for (size_t length = 0; length < LENGTHS; length++)
                check_copy(to_at, from_at, length);
        }
    }
}

static void memory_is_moved_over_itself(void **state)
{
    enum { BYTES = 44 };
    uint8_t *moved = malloc(BYTES);
    uint8_t expected[BYTES];

    (void)state;
    for (size_t to = 0; to < BYTES; to++) {
        for (size_t from = 0; from < BYTES; from++) {
            for (size_t length = 0; MAX(to, from) + length <= BYTES; length++) {
                fill(moved, BYTES, 1);
                memcpy(expected, moved, BYTES);
                memmove(expected + to, expected + from, length);
                assert_ptr_equal(kit_memmove(moved + to, moved + from, length), moved + to);
                assert_true(memcmp(moved, expected, BYTES) == 0);
            }
        }
    }
    free(moved);
}

static void memory_is_set(void **state)
{
    (void)state;
    for (size_t at = 0; at < OFFSETS; at++) {
        for (size_t length = 0; length < LENGTHS; length++) {
            uint8_t *set = malloc(at + length + 1);

            memset(set, 0x11, at + length + 1);
            assert_ptr_equal(kit_memset(set + at, 0x1f0, length), set + at);
            for (size_t i = 0; i < at + length + 1; i++)
                assert_int_equal(set[i], i < at || i == at + length ? 0x11 : 0xf0);
            free(set);
        }
    }
}

/* Two blocks of one length, different at one byte or nowhere. */
static void check_compare(size_t a_at, size_t b_at, size_t length, size_t different)
{
    uint8_t *a = malloc(a_at + length + 1);
    uint8_t *b = malloc(b_at + length + 1);

    fill(a + a_at, length + 1, 1);
    fill(b + b_at, length + 1, 1);
    a[a_at + different] ^= 0x80;
    assert_int_equal(sign(kit_memcmp(a + a_at, b + b_at, length)),
                     sign(memcmp(a + a_at, b + b_at, length)));
    assert_int_equal(sign(kit_memcmp(b + b_at, a + a_at, length)),
                     sign(memcmp(b + b_at, a + a_at, length)));
    free(a);
    free(b);
}

static void memory_is_compared(void **state)
{
    (void)state;
    for (size_t length = 0; length < 20; length++) {
        for (size_t different = 0; different <= length; different++) {
            for (size_t at = 0; at < 64; at++)
                check_compare(at / 8, at % 8, length, different);
        }
    }
}

/* The blocks differ at several bytes: the first one decides, whichever order the machine has in
 * a word. */
static void first_difference_decides(void **state)
{
    const uint64_t a[2] = {0, UINT64_C(0x0100000000000002)};
    const uint64_t b[2] = {0, UINT64_C(0x0200000000000001)};

    (void)state;
    assert_int_equal(sign(kit_memcmp(a, b, sizeof(a))), sign(memcmp(a, b, sizeof(a))));
}

static void memory_is_searched(void **state)
{
    uint8_t bytes[8] = {1, 2, 3, 0, 2, 5, 0xff, 7};

    (void)state;
    assert_ptr_equal(kit_memchr(bytes, 2, 8), bytes + 1);
    assert_ptr_equal(kit_memchr(bytes, 0x102, 8), bytes + 1);
    assert_ptr_equal(kit_memchr(bytes, -1, 8), bytes + 6);
    assert_ptr_equal(kit_memchr(bytes, 0, 8), bytes + 3);
    assert_null(kit_memchr(bytes, 7, 7));
    assert_null(kit_memchr(bytes, 1, 0));
}

/* ---- Strings: every one of up to 4 of three characters, in heap memory of its size ----------- */

#define ALPHABET 3u
#define STRINGS 121u /* 1 + 3 + 9 + 27 + 81 */

static char *numbered_string(unsigned int number)
{
    static const char alphabet[ALPHABET] = {'a', 'b', '\x80'};
    size_t length = 0;
    unsigned int of_length = 1;
    char *string;

    for (; number >= of_length; of_length *= ALPHABET, length++)
        number -= of_length;
    string = malloc(length + 1);
    for (size_t i = 0; i < length; i++, number /= ALPHABET)
        string[i] = alphabet[number % ALPHABET];
    string[length] = '\0';
    return string;
}

static void strings_are_measured_and_searched(void **state)
{
    static const char sought[] = {'a', 'b', '\x80', 'c', '\0'};

    (void)state;
    for (unsigned int number = 0; number < STRINGS; number++) {
        char *string = numbered_string(number);

        assert_int_equal(kit_strlen(string), strlen(string));
        for (size_t limit = 0; limit < 7; limit++)
            assert_int_equal(kit_strnlen(string, limit), strnlen(string, limit));
        for (size_t i = 0; i < ARRAY_SIZE(sought); i++) {
            assert_ptr_equal(kit_strchr(string, sought[i]), strchr(string, sought[i]));
            assert_ptr_equal(kit_strrchr(string, sought[i]), strrchr(string, sought[i]));
        }
        free(string);
    }
    assert_int_equal(kit_strnlen(sought, 3), 3); /* and no NUL needs be there */
}

static void strings_are_compared(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < STRINGS; i++) {
        char *a = numbered_string(i);

        for (unsigned int j = 0; j < STRINGS; j++) {
            char *b = numbered_string(j);

            assert_int_equal(sign(kit_strcmp(a, b)), sign(strcmp(a, b)));
            for (size_t limit = 0; limit < 6; limit++)
                assert_int_equal(sign(kit_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
            free(b);
        }
        free(a);
    }
}

/* ---- strlcpy, strlcat ------------------------------------------------------------------------ */

static void strings_are_copied_within_bounds(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 8; bytes++) {
        char *to = malloc(bytes + 1);

        memset(to, '#', bytes + 1);
        assert_int_equal(strlcpy(to, "abcde", bytes), 5);
        assert_int_equal(to[bytes], '#');
        if (bytes > 0) {
            assert_int_equal(strlen(to), MIN(bytes - 1, (size_t)5));
            assert_memory_equal(to, "abcde", strlen(to));
        }
        free(to);
    }
}

static void strings_are_appended_within_bounds(void **state)
{
    (void)state;
    for (size_t bytes = 4; bytes < 10; bytes++) {
        char *to = malloc(bytes + 1);

        memset(to, '#', bytes + 1);
        memcpy(to, "abc", 4);
        assert_int_equal(strlcat(to, "def", bytes), 6);
        assert_int_equal(to[bytes], '#');
        assert_int_equal(strlen(to), MIN(bytes - 1, (size_t)6));
        assert_memory_equal(to, "abcdef", strlen(to));
        free(to);
    }
}

static void nothing_is_appended_to_no_string(void **state)
{
    char to[4] = {'a', 'b', 'c', 'd'};

    (void)state;
    assert_int_equal(strlcat(to, "xy", 3), 5);
    assert_int_equal(strlcat(to, "xy", 0), 2);
    assert_memory_equal(to, "abcd", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_copied),
        cmocka_unit_test(memory_is_moved_over_itself),
        cmocka_unit_test(memory_is_set),
        cmocka_unit_test(memory_is_compared),
        cmocka_unit_test(first_difference_decides),
        cmocka_unit_test(memory_is_searched),
        cmocka_unit_test(strings_are_measured_and_searched),
        cmocka_unit_test(strings_are_compared),
        cmocka_unit_test(strings_are_copied_within_bounds),
        cmocka_unit_test(strings_are_appended_within_bounds),
        cmocka_unit_test(nothing_is_appended_to_no_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
