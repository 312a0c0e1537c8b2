/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of lib/virtio/queue.c against a model of a device: an honest one, which takes buffers in
 * any order and fills them as it likes, and hostile ones. Physical addresses are addresses here.
 */
#include "tests/unit/support.h"

#include <stdlib.h>

#include "chorus/memory.h"
#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"
#include "lib/virtio/queue.c" // NOLINT(bugprone-suspicious-include): the one file under test

#define SIZE 16
#define PIECES_MAX 5
#define STEPS 20000

/* ---- Memory ---------------------------------------------------------------------------------- */

uint16_t mem_load16(VmAddr from)
{
    return *(const volatile uint16_t *)from;
}

uint32_t mem_load32(VmAddr from)
{
    return *(const volatile uint32_t *)from;
}

void mem_store16(VmAddr to, uint16_t value)
{
    *(volatile uint16_t *)to = value;
}

void mem_store32(VmAddr to, uint32_t value)
{
    *(volatile uint32_t *)to = value;
}

void mem_store64(VmAddr to, uint64_t value)
{
    *(volatile uint64_t *)to = value;
}

/* ---- The device ------------------------------------------------------------------------------ */

/* What one token stands for, as the driver lent it. */
struct lending {
    struct virtqueue_piece piece[PIECES_MAX];
    uint16_t pieces;
    uint32_t room_bytes, written_bytes;
    bool lent, returned;
};

struct model {
    struct virtqueue queue;
    uint8_t *memory;
    uint16_t doorbell;
    struct random random;
    struct lending lending[SIZE]; /* by token */
    uint32_t lent;
    /* The device's side. */
    uint16_t seen; /* in the available ring */
    uint16_t returned;
    uint16_t held[SIZE]; /* heads it has taken */
    uint32_t held_count;
};

/* Its index is a queue's of a device that has worked long: it wraps soon. */
static void model_make(struct model *model, uint64_t seed, uint16_t start)
{
    uint32_t bytes = virtqueue_bytes(SIZE);

    *model = (struct model){.seen = start, .returned = start};
    model->memory = aligned_alloc(16, ALIGN_UP(bytes, 16));
    memset(model->memory, 0, bytes);
    random_init(&model->random, seed);
    virtqueue_init(&model->queue, SIZE, (VmAddr)model->memory, (uint64_t)(uintptr_t)model->memory);
    model->queue.doorbell = (VmAddr)&model->doorbell;
    model->queue.index = 7;
    model->queue.published = model->queue.taken = start;
    mem_store16(available_of(&model->queue) + RING_INDEX, start);
    mem_store16(used_of(&model->queue) + RING_INDEX, start);
}

static void model_free(struct model *model)
{
    free(model->memory);
}

static uint16_t device_next_head(struct model *model)
{
    VmAddr available = available_of(&model->queue);
    uint16_t head =
        mem_load16(available + RING_ENTRIES + (VmAddr)(model->seen % SIZE) * AVAILABLE_ENTRY_BYTES);

    model->seen++;
    return head;
}

/* Takes what was lent; the chain in memory must be the one that the driver meant. */
static void device_look(struct model *model)
{
    while (mem_load16(available_of(&model->queue) + RING_INDEX) != model->seen) {
        uint16_t head = device_next_head(model), at = head;
        const struct lending *lending = &model->lending[model->queue.chain[head].token];

        for (uint16_t i = 0; i < lending->pieces; i++) {
            VmAddr descriptor = descriptor_of(&model->queue, at);
            uint16_t flags = mem_load16(descriptor + DESCRIPTOR_FLAGS);

            assert_int_equal(*(uint64_t *)descriptor, lending->piece[i].physical);
            assert_int_equal(mem_load32(descriptor + DESCRIPTOR_LENGTH), lending->piece[i].bytes);
            assert_int_equal((flags & FLAG_WRITE) != 0, lending->piece[i].device_writes);
            assert_int_equal((flags & FLAG_NEXT) != 0, i + 1 < lending->pieces);
            at = mem_load16(descriptor + DESCRIPTOR_NEXT);
        }
        model->held[model->held_count++] = head;
    }
}

static void device_used_store(struct model *model, uint32_t head, uint32_t written_bytes)
{
    VmAddr used = used_of(&model->queue);
    VmAddr entry = used + RING_ENTRIES + (VmAddr)(model->returned % SIZE) * USED_ENTRY_BYTES;

    mem_store32(entry, head);
    mem_store32(entry + 4, written_bytes);
    model->returned++;
    mem_store16(used + RING_INDEX, model->returned);
}

static void device_return_some(struct model *model)
{
    uint32_t which;

    if (model->held_count == 0)
        return;
    which = (uint32_t)random_below(&model->random, model->held_count);
    uint16_t head = model->held[which];
    struct lending *lending = &model->lending[model->queue.chain[head].token];

    model->held[which] = model->held[--model->held_count];
    lending->written_bytes = (uint32_t)random_below(&model->random, lending->room_bytes + 1);
    lending->returned = true;
    device_used_store(model, head, lending->written_bytes);
}

/* ---- The driver ------------------------------------------------------------------------------ */

static void driver_lend(struct model *model)
{
    uint32_t token = 0, writes_from;
    struct lending lending = {.lent = true};
    KnResult expected;

    while (token < SIZE && model->lending[token].lent)
        token++;
    if (token == SIZE)
        return;
    lending.pieces = (uint16_t)(1 + random_below(&model->random, PIECES_MAX));
    writes_from = (uint32_t)random_below(&model->random, lending.pieces + 1u);
    for (uint16_t i = 0; i < lending.pieces; i++) {
        struct virtqueue_piece *piece = &lending.piece[i];

        piece->physical = random_next(&model->random);
        piece->bytes = (uint32_t)random_below(&model->random, 70000);
        piece->device_writes = i >= writes_from;
        lending.room_bytes += piece->device_writes ? piece->bytes : 0;
    }
    expected = lending.pieces <= model->queue.free_count ? K_OK : K_EFULL;
    if (expected == K_OK)
        model->lending[token] = lending;
    assert_int_equal(virtqueue_add(&model->queue, lending.piece, lending.pieces, token), expected);
    model->lent += expected == K_OK;
}

static void driver_take(struct model *model)
{
    uint32_t token = 0, bytes = 0;
    KnResult status = virtqueue_take(&model->queue, &token, &bytes);

    if (status == K_EAGAIN) {
        assert_int_equal(model->queue.taken, model->returned);
        return;
    }
    assert_int_equal(status, K_OK);
    assert_true(token < SIZE && model->lending[token].lent && model->lending[token].returned);
    assert_int_equal(bytes, model->lending[token].written_bytes);
    model->lending[token].lent = false;
    model->lent--;
}

static void every_buffer_comes_back_once(void **state)
{
    static const uint16_t starts[] = {0, UINT16_MAX - 40};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        struct model model;

        model_make(&model, 1 + i, starts[i]);
        for (int step = 0; step < STEPS; step++) {
            switch (random_below(&model.random, 4)) {
            case 0:
                driver_lend(&model);
                break;
            case 1:
                device_look(&model);
                break;
            case 2:
                device_return_some(&model);
                break;
            default:
                driver_take(&model);
                break;
            }
            assert_true(virtqueue_verify(&model.queue));
            assert_int_equal(model.queue.lent, model.lent);
        }
        assert_true((uint16_t)(model.queue.published - starts[i]) > SIZE);
        model_free(&model);
    }
}

static void a_full_queue_refuses_and_changes_nothing(void **state)
{
    struct virtqueue_piece piece[4] = {{1, 1, false}, {2, 2, false}, {3, 3, true}, {4, 4, true}};
    struct model model;

    (void)state;
    model_make(&model, 1, 0);
    for (uint32_t i = 0; i < SIZE / 4; i++)
        assert_int_equal(virtqueue_add(&model.queue, piece, 4, i), K_OK);
    assert_int_equal(virtqueue_add(&model.queue, piece, 1, 0), K_EFULL);
    assert_int_equal(mem_load16(available_of(&model.queue) + RING_INDEX), SIZE / 4);
    assert_true(virtqueue_verify(&model.queue));
    model_free(&model);
}

static void the_device_is_told_unless_it_does_not_want_to_be(void **state)
{
    struct model model;

    (void)state;
    model_make(&model, 1, 0);
    virtqueue_notify(&model.queue);
    assert_int_equal(model.doorbell, 7);
    model.doorbell = 0;
    mem_store16(used_of(&model.queue) + RING_FLAGS, USED_NO_NOTIFY);
    virtqueue_notify(&model.queue);
    assert_int_equal(model.doorbell, 0);
    virtqueue_interrupts(&model.queue, false);
    assert_int_equal(mem_load16(available_of(&model.queue) + RING_FLAGS), AVAILABLE_NO_INTERRUPT);
    virtqueue_interrupts(&model.queue, true);
    assert_int_equal(mem_load16(available_of(&model.queue) + RING_FLAGS), 0);
    model_free(&model);
}

/* ---- Hostile devices ------------------------------------------------------------------------- */

/* Lends one chain, with 10 bytes of room, whose head is 0. */
static void lend_one(struct model *model)
{
    struct virtqueue_piece piece[2] = {{1, 5, false}, {2, 10, true}};

    model_make(model, 1, 0);
    assert_int_equal(virtqueue_add(&model->queue, piece, 2, 3), K_OK);
}

static void expect_broken(struct model *model)
{
    struct virtqueue_piece piece = {1, 1, false};
    uint32_t token = 0, bytes = 0;

    assert_int_equal(virtqueue_take(&model->queue, &token, &bytes), K_EIO);
    assert_int_equal(virtqueue_take(&model->queue, &token, &bytes), K_EIO);
    assert_int_equal(virtqueue_add(&model->queue, &piece, 1, 0), K_EIO);
    assert_true(virtqueue_verify(&model->queue));
    model_free(model);
}

static void each_lie_breaks_the_queue(void **state)
{
    struct model model;

    (void)state;
    lend_one(&model); /* more was returned than lent */
    mem_store16(used_of(&model.queue) + RING_INDEX, 2);
    expect_broken(&model);
    lend_one(&model); /* the index went back */
    mem_store16(used_of(&model.queue) + RING_INDEX, UINT16_MAX);
    expect_broken(&model);
    lend_one(&model); /* no such descriptor */
    device_used_store(&model, SIZE, 0);
    expect_broken(&model);
    lend_one(&model);
    device_used_store(&model, UINT32_MAX, 0);
    expect_broken(&model);
    lend_one(&model); /* a descriptor that is in the middle of a chain */
    device_used_store(&model, 1, 0);
    expect_broken(&model);
    lend_one(&model); /* a free one */
    device_used_store(&model, 2, 0);
    expect_broken(&model);
    lend_one(&model); /* more bytes than had room */
    device_used_store(&model, 0, 11);
    expect_broken(&model);
}

static void a_chain_that_came_back_does_not_come_twice(void **state)
{
    struct virtqueue_piece piece = {1, 1, false};
    struct model model;
    uint32_t token = 0, bytes = 0;

    (void)state;
    lend_one(&model);
    assert_int_equal(virtqueue_add(&model.queue, &piece, 1, 4), K_OK);
    device_used_store(&model, 0, 10);
    assert_int_equal(virtqueue_take(&model.queue, &token, &bytes), K_OK);
    assert_int_equal(token, 3);
    assert_int_equal(bytes, 10);
    device_used_store(&model, 0, 0);
    expect_broken(&model);
}

/* Whatever it writes where it may write, the driver's own books stay right. */
static void a_device_that_scribbles_harms_nobody_else(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct model model;

        model_make(&model, seed, 0);
        for (int step = 0; step < 200; step++) {
            uint32_t token = 0, bytes = 0;
            size_t at = (size_t)random_below(&model.random, virtqueue_bytes(SIZE));
            struct virtqueue_piece piece = {1, (uint32_t)random_below(&model.random, 100), true};

            if (random_below(&model.random, 3) == 0)
                model.memory[at] = (uint8_t)random_next(&model.random);
            if (random_below(&model.random, 8) == 0) /* a lie that may pass */
                device_used_store(&model, (uint32_t)random_below(&model.random, SIZE + 2),
                                  (uint32_t)random_below(&model.random, 120));
            (void)virtqueue_add(&model.queue, &piece, 1, (uint32_t)step);
            virtqueue_notify(&model.queue);
            (void)virtqueue_take(&model.queue, &token, &bytes);
            assert_true(virtqueue_verify(&model.queue));
        }
        model_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_buffer_comes_back_once),
        cmocka_unit_test(a_full_queue_refuses_and_changes_nothing),
        cmocka_unit_test(the_device_is_told_unless_it_does_not_want_to_be),
        cmocka_unit_test(each_lie_breaks_the_queue),
        cmocka_unit_test(a_chain_that_came_back_does_not_come_twice),
        cmocka_unit_test(a_device_that_scribbles_harms_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
