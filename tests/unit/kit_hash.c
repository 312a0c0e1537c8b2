/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/hash.h: random operations against an array, and how well the hashes spread.
 */
#include "tests/unit/support.h"

#include <string.h>

#include "kit/base.h"
#include "kit/hash.h"
#include "kit/random.h"

#define KEYS 512
#define BUCKETS 64

struct element {
    uint64_t key;
    struct hash_node node;
};

struct model {
    struct hash table;
    struct hash_node *bucket[BUCKETS];
    struct element element[KEYS];
    bool present[KEYS];
    size_t count;
};

static struct element *find(const struct hash *table, uint64_t key)
{
    struct element *element;

    HASH_FOR_EACH(element, table, hash_u64(key), node) {
        if (element->key == key)
            return element;
    }
    return NULL;
}

static void model_init(struct model *model)
{
    memset(model, 0xff, sizeof(*model));
    hash_init(&model->table, model->bucket, BUCKETS);
    memset(model->present, 0, sizeof(model->present));
    model->count = 0;
    for (uint64_t i = 0; i < KEYS; i++)
        model->element[i].key = i << 32;
}

static void toggle(struct model *model, size_t index)
{
    struct element *element = &model->element[index];

    if (model->present[index])
        hash_remove(&model->table, &element->node, hash_u64(element->key));
    else
        hash_insert(&model->table, &element->node, hash_u64(element->key));
    model->present[index] = !model->present[index];
    model->count += model->present[index] ? 1 : (size_t)-1;
}

/* Walks the whole table, bucket by bucket. */
static void check_whole(const struct model *model)
{
    struct element *element;
    size_t count = 0;

    for (size_t i = 0; i < model->table.bucket_count; i++) {
        HASH_FOR_EACH(element, &model->table, i, node) {
            assert_true(model->present[element->key >> 32]);
            count++;
        }
    }
    assert_int_equal(count, model->count);
}

static void random_operations_agree_with_an_array(void **state)
{
    static struct model model;
    struct random random;

    (void)state;
    random_init(&random, 1);
    model_init(&model);
    check_whole(&model);
    for (int i = 0; i < 50000; i++) {
        size_t sought = (size_t)random_below(&random, KEYS);

        toggle(&model, (size_t)random_below(&random, KEYS));
        assert_ptr_equal(find(&model.table, model.element[sought].key),
                         model.present[sought] ? &model.element[sought] : NULL);
        if (i % 500 == 0)
            check_whole(&model);
    }
}

static void elements_may_go_while_walking(void **state)
{
    static struct model model;
    struct element *element;

    (void)state;
    model_init(&model);
    for (size_t i = 0; i < KEYS; i++)
        toggle(&model, i);
    for (size_t i = 0; i < BUCKETS; i++) {
        HASH_FOR_EACH_SAFE(element, &model.table, i, node) {
            if (element->key >> 32 < KEYS / 2)
                toggle(&model, element->key >> 32);
        }
    }
    assert_int_equal(model.count, KEYS / 2);
    check_whole(&model);
}

static void newest_comes_first(void **state)
{
    struct hash_node *bucket[1];
    struct element old = {.key = 5}, new = {.key = 5};
    struct hash table;

    (void)state;
    hash_init(&table, bucket, 1);
    hash_insert(&table, &old.node, hash_u64(5));
    hash_insert(&table, &new.node, hash_u64(5));
    assert_ptr_equal(find(&table, 5), &new);
    hash_remove(&table, &new.node, hash_u64(5));
    assert_ptr_equal(find(&table, 5), &old);
}

static void misuse_is_caught(void **state)
{
    struct hash_node *bucket[4];
    struct element element = {.key = 1};
    struct hash table;

    (void)state;
    expect_assert_failure(hash_init(&table, bucket, 3));
    expect_assert_failure(hash_init(&table, bucket, 0));
    hash_init(&table, bucket, 4);
    expect_assert_failure(hash_remove(&table, &element.node, 1));
    hash_insert(&table, &element.node, 1);
    expect_assert_failure(hash_insert(&table, &element.node, 1));
    expect_assert_failure(hash_remove(&table, &element.node, 2));
}

/* ---- The hashes themselves ------------------------------------------------------------------- */

static void hashes_are_the_published_ones(void **state)
{
    (void)state;
    /* The first number of splitmix64 from seed 0; FNV-1a of "foobar" and of nothing. */
    assert_int_equal(hash_u64(UINT64_C(0x9e3779b97f4a7c15)), UINT64_C(0xe220a8397b1dcdaf));
    assert_int_equal(hash_bytes("foobar", 6), hash_u64(UINT64_C(0x85944171f73967e8)));
    assert_int_equal(hash_bytes("", 0), hash_u64(UINT64_C(0xcbf29ce484222325)));
}

/* Each bit of the value turns each bit of the hash in about half of the cases. */
static void each_bit_matters(void **state)
{
    enum { TRIALS = 1000 };
    struct random random;

    (void)state;
    random_init(&random, 3);
    for (int bit = 0; bit < 64; bit++) {
        int turned[64] = {0};

        for (int i = 0; i < TRIALS; i++) {
            uint64_t value = random_next(&random);
            uint64_t changed = hash_u64(value) ^ hash_u64(value ^ UINT64_C(1) << bit);

            for (int j = 0; j < 64; j++)
                turned[j] += changed >> j & 1;
        }
        /* Six standard deviations, which are 16 each. */
        for (int j = 0; j < 64; j++)
            assert_in_range(turned[j], TRIALS / 2 - 96, TRIALS / 2 + 96);
    }
}

/* Names that differ little: no bucket gets more than chance would give it. */
static void names_spread_over_the_buckets(void **state)
{
    enum { NAMES = 8192 };
    int filled[BUCKETS] = {0};
    char name[] = "file00000.txt";

    (void)state;
    for (int i = 0; i < NAMES; i++) {
        for (int j = 0, left = i; j < 5; j++, left /= 10)
            name[8 - j] = (char)('0' + left % 10);
        filled[hash_bytes(name, sizeof(name) - 1) % BUCKETS]++;
    }
    /* Five standard deviations, which are 11 each. */
    for (int i = 0; i < BUCKETS; i++)
        assert_in_range(filled[i], NAMES / BUCKETS - 55, NAMES / BUCKETS + 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_an_array),
        cmocka_unit_test(elements_may_go_while_walking),
        cmocka_unit_test(newest_comes_first),
        cmocka_unit_test(misuse_is_caught),
        cmocka_unit_test(hashes_are_the_published_ones),
        cmocka_unit_test(each_bit_matters),
        cmocka_unit_test(names_spread_over_the_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
