/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/chacha.h: the block function against RFC 8439, and what the generator does with it.
 */
#include "tests/unit/support.h"

#include "kit/base.h"
#include "kit/chacha.h"
#include "kit/endian.h"
#include "kit/string.h"

/* RFC 8439, section 2.3.2. */
static void block_is_that_of_the_rfc(void **state)
{
    static const uint8_t expected[CHACHA_BLOCK_BYTES] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
    };
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint32_t key[CHACHA_KEY_WORDS];
    uint8_t block[CHACHA_BLOCK_BYTES];

    (void)state;
    for (uint32_t i = 0; i < CHACHA_KEY_WORDS; i++)
        key[i] = 0x03020100 + i * 0x04040404;
    chacha_block(block, key, 1, nonce);
    assert_memory_equal(block, expected, sizeof(block));
}

/* RFC 8439, appendix A.1, vectors 1 and 2: a zero key and nonce, counters 0 and 1. */
static void blocks_of_zeros_are_those_of_the_rfc(void **state)
{
    static const uint8_t first[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                    0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                     0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    static const uint32_t zeros[CHACHA_KEY_WORDS];
    uint8_t block[CHACHA_BLOCK_BYTES];

    (void)state;
    chacha_block(block, zeros, 0, zeros);
    assert_memory_equal(block, first, sizeof(first));
    chacha_block(block, zeros, 1, zeros);
    assert_memory_equal(block, second, sizeof(second));
}

/* What is given out is the key stream, but for the first half block, which is the next key. */
static void draws_erase_the_key(void **state)
{
    static const uint32_t nonce[3];
    uint8_t stream[4 * CHACHA_BLOCK_BYTES], drawn[200];

    (void)state;
    for (size_t bytes = 0; bytes <= sizeof(drawn); bytes++) {
        struct chacha chacha = {0}, before;

        chacha_stir(&chacha, 77);
        before = chacha;
        for (uint32_t i = 0; i < 4; i++)
            chacha_block(stream + i * sizeof(stream) / 4, chacha.key, i, nonce);
        memset(drawn, 0xee, sizeof(drawn));
        chacha_draw(&chacha, drawn, bytes);
        assert_memory_equal(drawn, stream + 32, bytes);
        for (size_t i = bytes; i < sizeof(drawn); i++)
            assert_int_equal(drawn[i], 0xee);
        for (size_t i = 0; i < CHACHA_KEY_WORDS; i++)
            assert_int_equal(chacha.key[i], le32_load(stream + 4 * i));
        assert_memory_not_equal(&before, &chacha, sizeof(chacha));
    }
}

/* Each seed counts, and so does their order; one seed twice is not as if it had not been. */
static void all_seeds_count(void **state)
{
    static const uint64_t seeds[][3] = {{1, 2, 3},
                                        {1, 2, 4},
                                        {1, 3, 2},
                                        {2, 2, 3},
                                        {1, 1, 1},
                                        {0, 0, 0},
                                        {0, 0, UINT64_C(1) << 63}};
    uint64_t drawn[ARRAY_SIZE(seeds)];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
        struct chacha chacha = {0};

        for (size_t j = 0; j < ARRAY_SIZE(seeds[i]); j++)
            chacha_stir(&chacha, seeds[i][j]);
        chacha_draw(&chacha, &drawn[i], sizeof(drawn[i]));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(drawn[i], drawn[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_that_of_the_rfc),
        cmocka_unit_test(blocks_of_zeros_are_those_of_the_rfc),
        cmocka_unit_test(draws_erase_the_key),
        cmocka_unit_test(all_seeds_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
