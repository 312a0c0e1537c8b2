/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of drivers/console/frames.c: random frames cut into random pieces come out whole and in
 * order; headers that cannot be end the stream; random bytes do no harm.
 */
#include "tests/unit/support.h"

#include <stdlib.h>

#include "chorus/memory.h"
#include "drivers/console/frames.c" // NOLINT(bugprone-suspicious-include): the file under test
#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"

#define FRAMES_COUNT 300
#define STREAM_BYTES ((size_t)FRAMES_COUNT * (CHANNEL_PAYLOAD_MAX + 8))

void mem_read(void *to, VmAddr from, size_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

/* What a frame of this number is. */
static uint32_t payload_bytes_of(uint32_t number)
{
    static const uint32_t sizes[] = {0, 1,  CHANNEL_PAYLOAD_MAX, CHANNEL_PAYLOAD_MAX - 1, 7, 8,
                                     9, 100};

    return sizes[number % ARRAY_SIZE(sizes)];
}

static uint8_t byte_of(uint32_t number, uint32_t at)
{
    return (uint8_t)(number * 7 + at);
}

static size_t stream_make(uint8_t *stream)
{
    size_t bytes = 0;

    for (uint32_t number = 0; number < FRAMES_COUNT; number++) {
        uint32_t payload_bytes = payload_bytes_of(number);

        frames_head(stream + bytes, (uint8_t)number, (uint8_t)(number % 3), payload_bytes);
        bytes += CHANNEL_HEADER_BYTES;
        for (uint32_t at = 0; at < payload_bytes; at++)
            stream[bytes++] = byte_of(number, at);
    }
    return bytes;
}

static void expect_frame(const struct frames *frames, uint32_t number)
{
    assert_int_equal(frames->header.type, (uint8_t)number);
    assert_int_equal(frames->header.stream, number % 3);
    assert_int_equal(frames->header.payload_bytes, payload_bytes_of(number));
    for (uint32_t at = 0; at < frames->header.payload_bytes; at++)
        assert_int_equal(frames->payload[at], byte_of(number, at));
}

/* One piece, in memory of its very size. Returns how many frames came out. */
static uint32_t piece_take(struct frames *frames, const uint8_t *from, uint32_t bytes,
                           uint32_t number)
{
    uint8_t *piece = malloc(MAX(bytes, 1u));
    uint32_t at = 0, found = 0, taken;
    enum frames_result result;

    memcpy(piece, from, bytes);
    do {
        result = frames_take(frames, (VmAddr)piece + at, bytes - at, &taken);
        assert_int_not_equal(result, FRAMES_BROKEN);
        at += taken;
        assert_true(at <= bytes);
        if (result == FRAMES_WHOLE)
            expect_frame(frames, number + found++);
        else
            assert_int_equal(at, bytes);
    } while (result == FRAMES_WHOLE);
    free(piece);
    return found;
}

static void frames_come_out_as_they_went_in(void **state)
{
    uint8_t *stream = malloc(STREAM_BYTES);
    struct frames *frames = malloc(sizeof(*frames));
    size_t bytes = stream_make(stream);
    static const uint32_t piece_max[] = {1, 9, 300, 5000, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(piece_max); i++) {
        struct random random;
        uint32_t found = 0;

        random_init(&random, i);
        frames_init(frames);
        for (size_t at = 0; at < bytes;) {
            uint32_t piece = (uint32_t)MIN(random_below(&random, piece_max[i] + 1), bytes - at);

            found += piece_take(frames, stream + at, piece, found);
            at += piece;
        }
        assert_int_equal(found, FRAMES_COUNT);
    }
    free(frames);
    free(stream);
}

static void expect_broken(uint32_t payload_bytes, uint8_t zero)
{
    struct frames *frames = malloc(sizeof(*frames));
    uint8_t head[CHANNEL_HEADER_BYTES] = {0};
    uint32_t taken;

    le32_store(head, payload_bytes);
    head[7] = zero;
    frames_init(frames);
    assert_int_equal(frames_take(frames, (VmAddr)head, 5, &taken), FRAMES_MORE);
    assert_int_equal(frames_take(frames, (VmAddr)head + 5, 3, &taken), FRAMES_BROKEN);
    frames_head(head, 1, 1, 0);
    assert_int_equal(frames_take(frames, (VmAddr)head, sizeof(head), &taken), FRAMES_BROKEN);
    assert_int_equal(taken, 0);
    free(frames);
}

static void impossible_headers_end_the_stream(void **state)
{
    (void)state;
    expect_broken(CHANNEL_PAYLOAD_MAX + 1, 0);
    expect_broken(UINT32_MAX, 0);
    expect_broken(UINT32_MAX - 7, 0);
    expect_broken(0, 1);
}

static void random_bytes_do_no_harm(void **state)
{
    struct frames *frames = malloc(sizeof(*frames));
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (int round = 0; round < 2000; round++) {
        uint8_t piece[64];
        uint32_t taken;

        frames_init(frames);
        for (int i = 0; i < 200; i++) {
            for (size_t at = 0; at < sizeof(piece); at++)
                piece[at] = random_below(&random, 3) == 0 ? (uint8_t)random_next(&random) : 0;
            uint32_t bytes = (uint32_t)random_below(&random, sizeof(piece) + 1);

            if (frames_take(frames, (VmAddr)piece, bytes, &taken) == FRAMES_BROKEN)
                break;
            assert_true(taken <= bytes &&
                        frames->have <= CHANNEL_HEADER_BYTES + CHANNEL_PAYLOAD_MAX);
        }
    }
    free(frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(impossible_headers_end_the_stream),
        cmocka_unit_test(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
