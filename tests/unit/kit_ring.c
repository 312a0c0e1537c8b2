/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/ring.h: random reads and writes against a plain queue, across the wrap of the
 * indices, and one producer with one consumer in threads of their own.
 */
#include "tests/unit/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/random.h"
#include "kit/ring.h"

#define SIZE 16
#define CHUNK_LIMIT 20

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* The queue is the numbers from `read` to `written`, cut to bytes. */
struct model {
    struct ring ring;
    uint64_t written;
    uint64_t read;
};

static void write_some(struct model *model, size_t bytes)
{
    size_t expected = MIN(bytes, SIZE - (size_t)(model->written - model->read));
    uint8_t *from = malloc(bytes + 1);

    for (size_t i = 0; i < bytes; i++)
        from[i] = (uint8_t)(model->written + i);
    assert_int_equal(ring_write(&model->ring, from, bytes), expected);
    model->written += expected;
    free(from);
}

static void read_some(struct model *model, size_t bytes, bool stay)
{
    size_t expected = MIN(bytes, (size_t)(model->written - model->read));
    uint8_t *to = malloc(bytes + 1);

    memset(to, 0xee, bytes + 1);
    if (stay)
        assert_int_equal(ring_peek(&model->ring, to, bytes), expected);
    else
        assert_int_equal(ring_read(&model->ring, to, bytes), expected);
    for (size_t i = 0; i < bytes + 1; i++)
        assert_int_equal(to[i], i < expected ? (uint8_t)(model->read + i) : 0xee);
    model->read += stay ? 0 : expected;
    free(to);
}

static void skip_some(struct model *model, size_t bytes)
{
    size_t expected = MIN(bytes, (size_t)(model->written - model->read));

    assert_int_equal(ring_skip(&model->ring, bytes), expected);
    model->read += expected;
}

static void random_use_keeps_the_order(void **state)
{
    struct model model = {.written = 0};
    struct random random;
    uint8_t *memory = malloc(SIZE);

    (void)state;
    random_init(&random, 1);
    ring_init(&model.ring, memory, SIZE);
    model.ring.written = model.ring.read = UINT32_MAX - 1000; /* they wrap soon */
    for (int i = 0; i < 20000; i++) {
        size_t bytes = (size_t)random_below(&random, CHUNK_LIMIT);
        uint64_t what = random_below(&random, 8);

        if (what < 4)
            write_some(&model, bytes);
        else if (what < 7)
            read_some(&model, bytes, what == 6);
        else
            skip_some(&model, bytes / 4);
        assert_int_equal(ring_used(&model.ring), model.written - model.read);
        assert_int_equal(ring_free(&model.ring), SIZE - (model.written - model.read));
    }
    assert_true(model.ring.written < UINT32_MAX / 2);
    free(memory);
}

static void bad_sizes_are_caught(void **state)
{
    uint8_t memory[24];
    struct ring ring;
    struct record_ring records;

    (void)state;
    expect_assert_failure(ring_init(&ring, memory, 24));
    expect_assert_failure(ring_init(&ring, memory, 0));
    expect_assert_failure(record_ring_init(&records, memory, 3, 8));
    expect_assert_failure(record_ring_init(&records, memory, 2, 0));
    ring_init(&ring, memory, 16);
    ring.written = 17;
    expect_assert_failure((void)ring_used(&ring));
}

/* ---- Records --------------------------------------------------------------------------------- */

struct record {
    uint64_t number;
    uint8_t odd[5];
};

static void check_records(struct record_ring *ring, uint64_t written, uint64_t read)
{
    struct record *oldest = record_ring_peek(ring);

    assert_int_equal(record_ring_used(ring), written - read);
    assert_int_equal(record_ring_free(ring), SIZE - (written - read));
    assert_int_equal(oldest == NULL, written == read);
    if (oldest != NULL)
        assert_int_equal(oldest->number, read);
}

static void records_keep_their_order(void **state)
{
    struct record_ring ring;
    struct random random;
    struct record *memory = calloc(SIZE, sizeof(*memory));
    uint64_t written = 0, read = 0;

    (void)state;
    random_init(&random, 2);
    record_ring_init(&ring, memory, SIZE, sizeof(*memory));
    ring.written = ring.read = UINT32_MAX - 100;
    for (int i = 0; i < 20000; i++) {
        uint64_t what = random_below(&random, i / 100 % 2 == 0 ? 3 : 6);
        struct record record = {.number = written};

        if (what < 2) {
            bool room = written - read < SIZE;

            assert_int_equal(record_ring_write(&ring, &record), room);
            written += room;
        } else if (what < 5) {
            bool some = written > read;

            assert_int_equal(record_ring_read(&ring, &record), some);
            assert_int_equal(record.number, some ? read : written);
            read += some;
        } else {
            bool some = written > read;

            assert_int_equal(record_ring_skip(&ring), some);
            read += some;
        }
        check_records(&ring, written, read);
    }
    free(memory);
}

/* ---- Two at a time --------------------------------------------------------------------------- */

#define STREAM_BYTES 100000u

static void *produce(void *argument)
{
    struct ring *ring = argument;
    uint32_t sent = 0;

    while (sent < STREAM_BYTES) {
        uint8_t chunk[7];
        size_t bytes = MIN(sizeof(chunk), (size_t)(STREAM_BYTES - sent));

        for (size_t i = 0; i < bytes; i++)
            chunk[i] = (uint8_t)((sent + i) * 31 >> 3);

        size_t written = ring_write(ring, chunk, bytes);

        if (written == 0)
            sched_yield();
        sent += (uint32_t)written;
    }
    return NULL;
}

static void producer_and_consumer_need_no_lock(void **state)
{
    uint8_t memory[64];
    struct ring ring;
    pthread_t producer;
    uint32_t received = 0;

    (void)state;
    ring_init(&ring, memory, sizeof(memory));
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    while (received < STREAM_BYTES) {
        uint8_t chunk[11];
        size_t bytes = ring_read(&ring, chunk, sizeof(chunk));

        if (bytes == 0)
            sched_yield();
        for (size_t i = 0; i < bytes; i++, received++)
            assert_int_equal(chunk[i], (uint8_t)(received * 31 >> 3));
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(ring_used(&ring), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_keeps_the_order),
        cmocka_unit_test(bad_sizes_are_caught),
        cmocka_unit_test(records_keep_their_order),
        cmocka_unit_test(producer_and_consumer_need_no_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
