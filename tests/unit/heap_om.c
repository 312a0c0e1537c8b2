/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of OM's heap: blocks do not overlap, what was freed serves again, the bound holds. */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/random.h"
#include "subsystems/mix/om/heap.h"

#define LIMIT (1u << 20)
#define BLOCKS 500
#define STEPS 20000

struct block {
    uint8_t *memory;
    size_t bytes;
    uint8_t mark;
};

KnResult syncWait(VmAddr word, uint32_t expected, int64_t delay_ns, uint32_t flags)
{
    (void)word, (void)expected, (void)delay_ns, (void)flags;
    fail_msg("a lock is taken twice");
    return K_EINVAL;
}

KnResult syncWake(VmAddr word, uint32_t count)
{
    (void)word, (void)count;
    return K_OK;
}

static uint8_t *new_heap(struct heap *heap, size_t limit)
{
    uint8_t *memory = aligned_alloc(16, limit);

    assert_non_null(memory);
    heap_init(heap, memory, limit, NULL);
    return memory;
}

static void give(struct heap *heap, struct block *block)
{
    for (size_t i = 0; i < block->bytes; i++)
        assert_int_equal(block->memory[i], block->mark);
    heap_free(heap, block->memory, block->bytes);
    block->memory = NULL;
}

static void blocks_are_apart(void **state)
{
    struct block block[BLOCKS] = {{NULL, 0, 0}};
    struct random random;
    struct heap heap;
    uint8_t *memory = new_heap(&heap, LIMIT);
    uint32_t refused = 0;

    (void)state;
    random_init(&random, 1);
    for (int i = 0; i < STEPS; i++) {
        struct block *one = &block[random_below(&random, BLOCKS)];

        if (one->memory != NULL) {
            give(&heap, one);
            continue;
        }
        one->bytes = (size_t)random_below(&random, random_below(&random, 10) == 0 ? 20000 : 300);
        one->mark = (uint8_t)i;
        one->memory = heap_allocate(&heap, one->bytes);
        if (one->memory == NULL) {
            refused++;
            continue;
        }
        assert_true(IS_ALIGNED((uintptr_t)one->memory, 16));
        assert_true(one->memory >= memory && one->memory + one->bytes <= memory + LIMIT);
        memset(one->memory, one->mark, one->bytes);
    }
    assert_true(refused < STEPS / 2);
    for (int i = 0; i < BLOCKS; i++) {
        if (block[i].memory != NULL)
            give(&heap, &block[i]);
    }
    assert_int_equal(heap.in_use, 0);
    assert_true(heap.top <= heap.limit);
    free(memory);
}

/* Each class takes what it gave: two rounds need no more than one. */
static void freed_serves_again(void **state)
{
    struct heap heap;
    uint8_t *memory = new_heap(&heap, HEAP_LARGEST * 3);
    size_t top = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t bytes = 1; bytes <= HEAP_LARGEST; bytes = bytes * 3 / 2 + 1) {
            uint8_t *block = heap_allocate_zeroed(&heap, bytes);

            assert_non_null(block);
            for (size_t i = 0; i < bytes; i += 100)
                assert_int_equal(block[i], 0);
            memset(block, 1, bytes);
            heap_free(&heap, block, bytes);
        }
        if (round > 0)
            assert_int_equal(heap.top, top);
        top = heap.top;
    }
    free(memory);
}

static void bounds(void **state)
{
    struct heap heap;
    uint8_t *memory = new_heap(&heap, 4096);
    void *first, *second;

    (void)state;
    assert_null(heap_allocate(&heap, HEAP_LARGEST + 1));
    assert_null(heap_allocate(&heap, 4097));
    first = heap_allocate(&heap, 2048);
    second = heap_allocate(&heap, 2000);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(heap_allocate(&heap, 1));
    heap_free(&heap, NULL, 100);
    heap_free(&heap, second, 2000);
    assert_null(heap_allocate(&heap, 1)); /* it stays with its class */
    assert_ptr_equal(heap_allocate(&heap, 1025), second);
    expect_assert_failure(heap_free(&heap, memory + 4096, 16));
    free(memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_apart),
        cmocka_unit_test(freed_serves_again),
        cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
