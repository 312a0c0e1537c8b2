/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of pipes: against a plain model at random, with clients that go before their reply and
 * memory that runs out; and what waits, and what ends a wait, one by one.
 */
#include "tests/unit/stm_host.h"

#define BUFFER_BYTES STM_WRITE_IN_DATA_MAX

static uint8_t buffer[BUFFER_BYTES];

/* ---- Against a model ------------------------------------------------------------------------- */

#define MODELS 4

struct model {
    uint64_t key[2]; /* 0: closed */
    uint32_t holders[2];
    uint64_t written, read; /* bytes; the byte at n is byte_at(n) */
};

static uint8_t byte_at(uint64_t index)
{
    return (uint8_t)(index ^ index >> 8 ^ index >> 16);
}

static uint32_t model_used(const struct model *model)
{
    return (uint32_t)(model->written - model->read);
}

static void model_open(struct model *model)
{
    host.lose_reply = false;
    *model = (struct model){.holders = {1, 1}};
    assert_int_equal(do_pipe(model->key), 0);
    assert_int_not_equal(model->key[0], model->key[1]);
}

/* Sizes around what matters, and others. */
static uint32_t size_random(struct random *random)
{
    static const uint32_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65535, 65536};

    if (random_below(random, 2) == 0)
        return sizes[random_below(random, ARRAY_SIZE(sizes))];
    return (uint32_t)random_below(random, random_below(random, 4) == 0 ? BUFFER_BYTES : 3000);
}

static long write_expected(const struct model *model, uint32_t bytes)
{
    uint32_t room = PIPE_BYTES - model_used(model);

    if (model->key[1] == 0)
        return -EBADF;
    if (bytes == 0)
        return 0;
    if (model->key[0] == 0)
        return -EPIPE;
    if (bytes <= PIPE_ATOMIC_BYTES && bytes > room)
        return -EAGAIN;
    return room == 0 ? -EAGAIN : (long)MIN(bytes, room);
}

static void model_write(struct model *model, struct random *random)
{
    uint32_t bytes = size_random(random);
    bool lose = random_below(random, 8) == 0;
    long expected = write_expected(model, bytes), result;

    for (uint32_t i = 0; i < bytes; i++)
        buffer[i] = byte_at(model->written + i);
    host.lose_reply = lose;
    host.no_frames = random_below(random, 16) == 0;
    result = do_write(model->key[1], buffer, bytes, false);
    if (host.no_frames && result == -ENOMEM)
        assert_true(expected > 0);
    else if (lose && expected >= 0)
        assert_int_equal(result, -EINTR);
    else
        assert_int_equal(result, expected);
    host.no_frames = false;
    if (result > 0)
        model->written += (uint64_t)result;
}

static void model_read(struct model *model, struct random *random)
{
    uint32_t bytes = size_random(random), used = model_used(model);
    bool lose = random_below(random, 8) == 0;
    long expected = MIN(bytes, used), result;

    if (bytes > 0 && used == 0 && model->key[1] != 0)
        expected = -EAGAIN;
    if (model->key[0] == 0)
        expected = -EBADF;
    host.lose_reply = lose;
    result = do_read(model->key[0], buffer, bytes, false);
    assert_int_equal(result, lose && expected >= 0 ? -EINTR : expected);
    for (long i = 0; i < result; i++)
        assert_int_equal(buffer[i], byte_at(model->read + (uint64_t)i));
    if (result > 0)
        model->read += (uint64_t)result;
}

static void model_poll(const struct model *model)
{
    uint32_t used = model_used(model), expected;

    if (model->key[0] != 0) {
        expected = (used > 0 ? POLLIN : 0) | (model->key[1] == 0 ? POLLHUP : 0);
        assert_int_equal(events_of(model->key[0]), expected);
    }
    if (model->key[1] != 0) {
        expected = (PIPE_BYTES - used >= PIPE_ATOMIC_BYTES ? POLLOUT : 0) |
                   (model->key[0] == 0 ? POLLERR : 0);
        assert_int_equal(events_of(model->key[1]), expected);
    }
}

static void model_holders(struct model *model, struct random *random)
{
    uint32_t end = (uint32_t)random_below(random, 2);
    bool lose = random_below(random, 4) == 0;

    if (model->key[end] == 0)
        return;
    if (random_below(random, 3) == 0) {
        host.lose_reply = lose;
        assert_int_equal(do_hold(model->key[end]), lose ? -EINTR : 0);
        model->holders[end] += lose ? 0 : 1;
        return;
    }
    uint64_t key = model->key[end];

    assert_int_equal(do_close(key), 0);
    if (--model->holders[end] > 0)
        return;
    model->key[end] = 0;
    assert_int_equal(do_close(key), -EBADF);
    assert_int_equal(do_hold(key), -EBADF);
    if (model->key[1 - end] == 0)
        model_open(model);
}

static void random_steps(void **state)
{
    struct model models[MODELS];
    struct random random;
    uint64_t moved = 0;

    (void)state;
    random_init(&random, 7);
    for (uint32_t i = 0; i < MODELS; i++)
        model_open(&models[i]);
    for (uint32_t step = 0; step < 20000; step++) {
        struct model *model = &models[random_below(&random, MODELS)];
        uint64_t before = model->read;

        switch (random_below(&random, 20)) {
        case 0:
            model_holders(model, &random);
            break;
        case 1:
        case 2:
            model_poll(model);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
        case 9:
        case 10:
            model_write(model, &random);
            break;
        default:
            model_read(model, &random);
            moved += model->read > before ? model->read - before : 0;
            break;
        }
        assert_true(host.regions <= MODELS);
    }
    assert_true(moved > 20 * PIPE_BYTES);
    assert_true(host.stm->pipes.places.used <= MODELS + 1); /* pipes are used again */
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static uint64_t keys[2];

static KnResult write_meanwhile(void)
{
    assert_int_equal(do_write(keys[1], "abc", 3, false), 3);
    return K_OK;
}

static void read_waits_for_a_write(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.on_wait = write_meanwhile;
    assert_int_equal(do_read(keys[0], buffer, 10, true), 3);
    assert_memory_equal(buffer, "abc", 3);
    assert_int_equal(host.waits, 1);
    assert_int_equal(host.wakes, 1);
    assert_int_equal(do_read(keys[0], buffer, 10, false), -EAGAIN);
}

static KnResult close_writer_meanwhile(void)
{
    assert_int_equal(do_close(keys[1]), 0);
    return K_OK;
}

static void read_waits_for_the_end(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.on_wait = close_writer_meanwhile;
    assert_int_equal(do_read(keys[0], buffer, 10, true), 0);
    assert_int_equal(host.waits, 1);
}

static KnResult read_meanwhile(void)
{
    assert_int_equal(do_read(keys[0], buffer, 5000, false), 5000);
    return K_OK;
}

static void write_waits_for_room(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_write(keys[1], buffer, PIPE_BYTES, true), PIPE_BYTES);
    host.on_wait = read_meanwhile;
    assert_int_equal(do_write(keys[1], buffer, 10, true), 10);
    assert_int_equal(host.waits, 1);
    assert_int_equal(do_write(keys[1], buffer, 4990, true), 4990); /* exactly full again */
    assert_int_equal(do_write(keys[1], buffer, 1, false), -EAGAIN);
    assert_int_equal(do_write(keys[1], buffer, 30000, true), 5000); /* a part, after a wait */
    assert_int_equal(host.waits, 2);
}

static KnResult read_little_meanwhile(void)
{
    assert_int_equal(do_read(keys[0], buffer, 1000, false), 1000);
    return K_EAGAIN; /* as syncWait says if it was woken before it slept */
}

/* A long write that may wait is not woken for each byte that a reader takes. */
static void long_write_takes_long_steps(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_write(keys[1], buffer, PIPE_BYTES, true), PIPE_BYTES);
    host.on_wait = read_little_meanwhile;
    assert_int_equal(do_write(keys[1], buffer, 30000, true), 5000);
    assert_int_equal(host.waits, 5);
    assert_int_equal(host.wakes, 1);
}

static KnResult close_reader_meanwhile(void)
{
    assert_int_equal(do_close(keys[0]), 0);
    return K_OK;
}

static void write_waits_and_pipe_breaks(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_write(keys[1], buffer, PIPE_BYTES, true), PIPE_BYTES);
    host.on_wait = close_reader_meanwhile;
    assert_int_equal(do_write(keys[1], buffer, 10, true), -EPIPE);
    assert_int_equal(do_close(keys[1]), 0);
    assert_int_equal(host.regions, 0);
}

static KnResult abort_meanwhile(void)
{
    return K_EABORT;
}

static void aborted_calls_move_nothing(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.on_wait = abort_meanwhile;
    assert_int_equal(do_read(keys[0], buffer, 10, true), -EINTR);
    assert_int_equal(do_write(keys[1], buffer, PIPE_BYTES, true), PIPE_BYTES);
    assert_int_equal(do_write(keys[1], buffer, 10, true), -EINTR);
    assert_int_equal(do_read(keys[0], buffer, PIPE_BYTES, true), PIPE_BYTES);
    assert_int_equal(do_read(keys[0], buffer, 1, false), -EAGAIN);
    assert_true(wait_queue_is_empty(&host.stm->pipes.pipe[0].object.readers));
    assert_true(wait_queue_is_empty(&host.stm->pipes.pipe[0].object.writers));
}

/* The stream goes while a read of it waits: whoever has its key may close it. */
static KnResult close_all_meanwhile(void)
{
    assert_int_equal(do_close(keys[0]), 0);
    assert_int_equal(do_close(keys[1]), 0);
    return K_OK;
}

static void closed_while_it_waits(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.on_wait = close_all_meanwhile;
    assert_int_equal(do_read(keys[0], buffer, 10, true), -EBADF);
}

static void no_thread_to_wait_with(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.no_threads = true;
    assert_int_equal(do_read(keys[0], buffer, 10, true), -ENOMEM);
    assert_int_equal(do_read(keys[0], buffer, 10, false), -EAGAIN);
}

/* Two readers wait; the first is woken, and aborted before it could look: the second must be woken
 * in its place. */
static struct waiter other;
static struct wait_link other_link;

static KnResult second_waits_first_aborts(void)
{
    lock_take(&host.stm->lock);
    wait_link_enter(&other_link, &host.stm->pipes.pipe[0].object.readers, &other);
    lock_give(&host.stm->lock);
    assert_int_equal(do_write(keys[1], "x", 1, false), 1);
    assert_int_equal(other.woken, 0);
    return K_EABORT;
}

static void wake_is_passed_on(void **state)
{
    (void)state;
    other.woken = 0;
    assert_int_equal(do_pipe(keys), 0);
    host.on_wait = second_waits_first_aborts;
    assert_int_equal(do_read(keys[0], buffer, 10, true), -EINTR);
    assert_int_equal(other.woken, 1);
}

/* What a reader leaves is for the next. */
static void rest_wakes_the_next(void **state)
{
    (void)state;
    other.woken = 0;
    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_write(keys[1], "abc", 3, false), 3);
    wait_link_enter(&other_link, &host.stm->pipes.pipe[0].object.readers, &other);
    assert_int_equal(do_read(keys[0], buffer, 2, false), 2);
    assert_int_equal(other.woken, 1);
}

/* ---- Ends and tables ------------------------------------------------------------------------- */

static void ends_are_kept_apart(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    assert_int_equal(do_read(keys[1], buffer, 1, false), -EBADF);
    assert_int_equal(do_write(keys[0], buffer, 1, false), -EBADF);
    assert_int_equal(do_read(keys[0] ^ 1 << 20, buffer, 1, false), -EBADF);
    assert_int_equal(do_read(0, buffer, 1, false), -EBADF);
    assert_int_equal(do_ioctl(keys[0], TCGETS, 0, "", 0, buffer, 100), -ENOTTY);
    assert_int_equal(do_write(keys[1], buffer, 700, false), 700);
    assert_int_equal(do_ioctl(keys[0], FIONREAD, 0, "", 0, buffer, 100), 4);
    assert_int_equal(le32_load(buffer), 700);
}

/* A pipe whose keys nobody got does not stay. */
static void lost_keys_are_closed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2 * PIPES_MOST; i++) {
        host.lose_reply = true;
        assert_int_equal(do_pipe(keys), -EINTR);
    }
    assert_int_equal(host.stm->pipes.places.used, 1);
    assert_int_equal(host.stm->streams.used, 2);
}

static void pipes_run_out(void **state)
{
    static uint64_t made[PIPES_MOST][2];

    (void)state;
    for (uint32_t i = 0; i < PIPES_MOST; i++)
        assert_int_equal(do_pipe(made[i]), 0);
    assert_int_equal(do_pipe(keys), -ENFILE);
    assert_int_equal(host.regions, 0); /* none costs a ring before it is written to */
    for (uint32_t i = 0; i < PIPES_MOST; i++) {
        assert_int_equal(do_close(made[i][0]), 0);
        assert_int_equal(do_close(made[i][1]), 0);
    }
    assert_int_equal(do_pipe(keys), 0);
}

static void streams_run_out(void **state)
{
    uint64_t key;
    uint32_t count = 0;

    (void)state;
    while (do_fifo(1, 3, false, &key) == 0)
        count++;
    assert_int_equal(count, STREAMS_MOST);
    assert_int_equal(do_pipe(keys), -ENFILE);
    assert_int_equal(do_close(key), -EBADF);
    assert_int_equal(do_fifo(2, 3, false, &key), -ENFILE);
    assert_int_equal(host.stm->pipes.places.used, 2); /* what could not be opened was given back */
}

static void no_memory_for_a_ring(void **state)
{
    (void)state;
    assert_int_equal(do_pipe(keys), 0);
    host.no_regions = true;
    assert_int_equal(do_write(keys[1], buffer, 1, false), -ENOMEM);
    host.no_regions = false;
    assert_int_equal(do_write(keys[1], buffer, 1, false), 1);
}

/* ---- Named pipes ----------------------------------------------------------------------------- */

static uint64_t other_key;

static KnResult open_writer_meanwhile(void)
{
    assert_int_equal(do_fifo(5, 2, true, &other_key), 0);
    return K_OK;
}

static void fifo_reader_waits_for_a_writer(void **state)
{
    uint64_t key;

    (void)state;
    host.on_wait = open_writer_meanwhile;
    assert_int_equal(do_fifo(5, 1, true, &key), 0);
    assert_int_equal(host.waits, 1);
    assert_int_equal(do_write(other_key, "hi", 2, true), 2);
    assert_int_equal(do_read(key, buffer, 10, true), 2);
    assert_int_equal(do_close(other_key), 0);
    assert_int_equal(events_of(key), POLLHUP);
    assert_int_equal(do_read(key, buffer, 10, true), 0);
    assert_int_equal(do_close(key), 0);
    assert_int_equal(host.regions, 0);
}

/* A writer that came and went while the reader slept was there. */
static KnResult writer_comes_and_goes(void)
{
    assert_int_equal(do_fifo(5, 2, true, &other_key), 0);
    assert_int_equal(do_write(other_key, "hi", 2, true), 2);
    assert_int_equal(do_close(other_key), 0);
    return K_OK;
}

static void fifo_writer_may_be_gone(void **state)
{
    uint64_t key;

    (void)state;
    host.on_wait = writer_comes_and_goes;
    assert_int_equal(do_fifo(5, 1, true, &key), 0);
    assert_int_equal(do_read(key, buffer, 10, true), 2);
    assert_int_equal(do_read(key, buffer, 10, true), 0);
}

static void fifo_without_waiting(void **state)
{
    uint64_t key;

    (void)state;
    assert_int_equal(do_fifo(5, 2, false, &key), -ENXIO);
    assert_int_equal(do_fifo(5, 1, false, &key), 0);
    assert_int_equal(events_of(key), 0); /* no writer has been there whose end it could see */
    assert_int_equal(do_read(key, buffer, 10, false), 0);
    assert_int_equal(do_fifo(5, 2, false, &other_key), 0);
    assert_int_equal(do_read(key, buffer, 10, false), -EAGAIN);
    assert_int_equal(do_fifo(6, 2, false, &other_key), -ENXIO); /* another file */
    assert_int_equal(do_fifo(5, 0, false, &other_key), -EINVAL);
    assert_int_equal(do_fifo(5, 4, false, &other_key), -EINVAL);
}

static void fifo_open_is_aborted(void **state)
{
    uint64_t key;

    (void)state;
    host.on_wait = abort_meanwhile;
    assert_int_equal(do_fifo(5, 1, true, &key), -EINTR);
    assert_int_equal(do_fifo(5, 2, false, &key), -ENXIO); /* no reader was left behind */
    assert_int_equal(do_fifo(5, 3, true, &key), 0);       /* both sides: nothing to wait for */
    assert_int_equal(do_write(key, "x", 1, true), 1);
    assert_int_equal(do_read(key, buffer, 10, true), 1);
    assert_int_equal(do_close(key), 0);
    assert_ptr_equal(host.stm->pipes.places.free, &host.stm->pipes.pipe[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_start, host_end)
    const struct CMUnitTest tests[] = {
        TEST(random_steps),
        TEST(read_waits_for_a_write),
        TEST(read_waits_for_the_end),
        TEST(write_waits_for_room),
        TEST(long_write_takes_long_steps),
        TEST(write_waits_and_pipe_breaks),
        TEST(aborted_calls_move_nothing),
        TEST(closed_while_it_waits),
        TEST(no_thread_to_wait_with),
        TEST(wake_is_passed_on),
        TEST(rest_wakes_the_next),
        TEST(ends_are_kept_apart),
        TEST(lost_keys_are_closed),
        TEST(pipes_run_out),
        TEST(streams_run_out),
        TEST(no_memory_for_a_ring),
        TEST(fifo_reader_waits_for_a_writer),
        TEST(fifo_writer_may_be_gone),
        TEST(fifo_without_waiting),
        TEST(fifo_open_is_aborted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
