/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/endian.h: against bytes written out, at every alignment.
 */
#include "tests/unit/support.h"

#include <string.h>

#include "kit/endian.h"

#define ALIGNMENTS 8

static const uint8_t rising[8] = {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8};

static void bytes_are_loaded_in_order(void **state)
{
    uint8_t memory[ALIGNMENTS + sizeof(rising)];

    (void)state;
    for (size_t at = 0; at < ALIGNMENTS; at++) {
        memcpy(memory + at, rising, sizeof(rising));
        assert_int_equal(le16_load(memory + at), 0x9281);
        assert_int_equal(be16_load(memory + at), 0x8192);
        assert_int_equal(le32_load(memory + at), 0xb4a39281u);
        assert_int_equal(be32_load(memory + at), 0x8192a3b4u);
        assert_int_equal(le64_load(memory + at), UINT64_C(0xf8e7d6c5b4a39281));
        assert_int_equal(be64_load(memory + at), UINT64_C(0x8192a3b4c5d6e7f8));
    }
}

/* The stored bytes are `rising`, in `bytes` bytes, with nothing changed on either side. */
static void check_stored(const uint8_t *memory, size_t memory_bytes, size_t at, size_t bytes)
{
    for (size_t i = 0; i < memory_bytes; i++) {
        bool stored = i >= at && i < at + bytes;

        assert_int_equal(memory[i], stored ? rising[i - at] : 0);
    }
}

#define CHECK_STORE(store, value, bytes)                 \
    do {                                                 \
        uint8_t memory[ALIGNMENTS + 16] = {0};           \
        store(memory + at, value);                       \
        check_stored(memory, sizeof(memory), at, bytes); \
    } while (0)

static void bytes_are_stored_in_order(void **state)
{
    (void)state;
    for (size_t at = 0; at < ALIGNMENTS; at++) {
        CHECK_STORE(le16_store, 0x9281, 2);
        CHECK_STORE(be16_store, 0x8192, 2);
        CHECK_STORE(le32_store, 0xb4a39281u, 4);
        CHECK_STORE(be32_store, 0x8192a3b4u, 4);
        CHECK_STORE(le64_store, UINT64_C(0xf8e7d6c5b4a39281), 8);
        CHECK_STORE(be64_store, UINT64_C(0x8192a3b4c5d6e7f8), 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_loaded_in_order),
        cmocka_unit_test(bytes_are_stored_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
