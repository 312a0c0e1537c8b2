/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/radix.h: random operations against an array, with indices in clusters from 0 to 2^64
 * - 1, and every allocation made to fail once.
 */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/radix.h"
#include "kit/random.h"

/* ---- Memory that counts, and fails ----------------------------------------------------------- */

struct memory {
    struct radix_memory memory;
    size_t nodes;     /* that the map has now */
    uint64_t fail_at; /* the Nth allocation from now fails, and all behind it; 0: none */
};

static void *node_allocate(void *self)
{
    struct memory *memory = self;
    void *node;

    if (memory->fail_at == 1)
        return NULL;
    memory->fail_at -= memory->fail_at > 0;
    memory->nodes++;
    node = malloc(RADIX_NODE_BYTES);
    memset(node, 0xff, RADIX_NODE_BYTES);
    return node;
}

static void node_free(void *self, void *node)
{
    struct memory *memory = self;

    assert_true(memory->nodes > 0);
    memory->nodes--;
    free(node);
}

static void memory_init(struct memory *memory)
{
    *memory = (struct memory){.memory = {node_allocate, node_free, memory}};
}

/* ---- A model: clusters of indices ------------------------------------------------------------ */

#define CLUSTER 96
#define CLUSTERS 8
#define INDICES (CLUSTER * CLUSTERS)

/* Ascending, and a cluster apart at least; most lie across the boundary of a node. */
static const uint64_t cluster_start[CLUSTERS] = {
    0,
    4096 - 40,
    UINT64_C(1) << 18,
    (UINT64_C(1) << 36) - 50,
    (UINT64_C(1) << 36) + 1000,
    (UINT64_C(1) << 60) - 30,
    UINT64_C(1) << 63,
    UINT64_MAX - (CLUSTER - 1),
};

struct model {
    struct memory memory;
    struct radix map;
    void *item[INDICES];
    uint64_t count;
};

static uint64_t index_of(int place)
{
    return cluster_start[place / CLUSTER] + (uint64_t)(place % CLUSTER);
}

/* Some pointer, which nobody follows; a map must take odd ones too. */
static void *some_item(struct random *random)
{
    return (void *)(uintptr_t)(1 + random_below(random, 1000000));
}

static void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    memory_init(&model->memory);
    radix_init(&model->map, &model->memory.memory);
}

static void model_set(struct model *model, int place, void *item)
{
    assert_true(radix_set(&model->map, index_of(place), item));
    model->count += model->item[place] == NULL;
    model->item[place] = item;
}

static void model_clear(struct model *model, int place)
{
    assert_ptr_equal(radix_clear(&model->map, index_of(place)), model->item[place]);
    model->count -= model->item[place] != NULL;
    model->item[place] = NULL;
}

static void check_next(const struct model *model, int place)
{
    uint64_t found = 12345;
    void *item = radix_next(&model->map, index_of(place), &found);
    int expected = place;

    while (expected < INDICES && model->item[expected] == NULL)
        expected++;
    assert_ptr_equal(item, expected < INDICES ? model->item[expected] : NULL);
    assert_int_equal(found, expected < INDICES ? index_of(expected) : 12345);
}

static void check_whole(const struct model *model)
{
    uint64_t at = 0;
    uint64_t count = 0;
    void *item;

    assert_true(radix_verify(&model->map));
    assert_int_equal(radix_count(&model->map), model->count);
    for (int i = 0; i < INDICES; i++)
        assert_ptr_equal(radix_get(&model->map, index_of(i)), model->item[i]);
    for (; (item = radix_next(&model->map, at, &at)) != NULL; at++) {
        assert_ptr_equal(radix_get(&model->map, at), item);
        count++;
        if (at == UINT64_MAX)
            break;
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
    for (int i = 0; i < 60000; i++) {
        int clusters = 1 + i / 3000 % CLUSTERS;
        int place = (int)random_below(&random, (uint64_t)clusters * CLUSTER);
        int looked_at = (int)random_below(&random, INDICES);

        /* Now it fills, now it empties. */
        if (random_below(&random, 10) < (i / 1500 % 2 == 0 ? 7u : 2u))
            model_set(&model, place, some_item(&random));
        else
            model_clear(&model, place);
        assert_ptr_equal(radix_get(&model.map, index_of(looked_at)), model.item[looked_at]);
        check_next(&model, looked_at);
        if (i % 300 == 0)
            check_whole(&model);
    }
    for (int i = 0; i < INDICES; i++)
        model_clear(&model, i);
    check_whole(&model);
    assert_int_equal(model.memory.nodes, 0);
}

/* Four of five places, all over: radix_destroy must find every node. */
static void destroy_frees_every_node(void **state)
{
    static struct model model;

    (void)state;
    model_init(&model);
    for (int i = 0; i < INDICES; i++) {
        if (i % 5 != 0)
            model_set(&model, i, &model);
    }
    assert_true(model.memory.nodes > 20);
    radix_destroy(&model.map);
    assert_int_equal(model.memory.nodes, 0);
    assert_int_equal(radix_count(&model.map), 0);
    assert_null(radix_get(&model.map, 1));
    assert_true(radix_set(&model.map, 1, &model));
    radix_destroy(&model.map);
    assert_int_equal(model.memory.nodes, 0);
}

static void maps_take_as_few_nodes_as_promised(void **state)
{
    struct memory memory;
    struct radix map;
    uint64_t none = 7;

    (void)state;
    memory_init(&memory);
    radix_init(&map, &memory.memory);
    assert_null(radix_next(&map, 0, &none));
    assert_int_equal(none, 7);
    assert_true(radix_set(&map, 0, &map));
    assert_int_equal(memory.nodes, 0);
    assert_true(radix_set(&map, 63, &map));
    assert_int_equal(memory.nodes, 1);
    assert_true(radix_set(&map, 64, &map));
    assert_int_equal(memory.nodes, 3);
    assert_true(radix_set(&map, UINT64_MAX, &map));
    assert_int_equal(memory.nodes, 3 + 9 + 10); /* up to height 11, and a way down */
    assert_ptr_equal(radix_clear(&map, UINT64_MAX), &map);
    assert_int_equal(memory.nodes, 3);
    assert_ptr_equal(radix_clear(&map, 64), &map);
    assert_int_equal(memory.nodes, 1);
    assert_ptr_equal(radix_clear(&map, 63), &map);
    assert_int_equal(memory.nodes, 0);
    assert_ptr_equal(radix_get(&map, 0), &map);
    assert_ptr_equal(radix_clear(&map, 0), &map);
    assert_null(radix_clear(&map, 0));
    assert_null(radix_clear(&map, UINT64_MAX));
    assert_true(radix_verify(&map));
}

/* ---- No memory ------------------------------------------------------------------------------- */

/* Fails each allocation in turn until the operation gets through, and finds nothing changed
 * until then. */
static void set_against_failures(struct model *model, int place, void *item)
{
    size_t nodes = model->memory.nodes;
    unsigned int height = model->map.height;

    for (uint64_t chosen = 1;; chosen++) {
        model->memory.fail_at = chosen;
        if (radix_set(&model->map, index_of(place), item))
            break;
        assert_true(chosen <= 2u * RADIX_HEIGHT_LIMIT);
        assert_int_equal(model->memory.nodes, nodes);
        assert_int_equal(model->map.height, height);
        check_whole(model);
    }
    model->memory.fail_at = 0;
    model->count += model->item[place] == NULL;
    model->item[place] = item;
}

static void set_without_memory_changes_nothing(void **state)
{
    static struct model model;
    struct random random;

    (void)state;
    random_init(&random, 2);
    model_init(&model);
    for (int i = 0; i < 300; i++) {
        int place = (int)random_below(&random, INDICES);

        if (random_below(&random, 2) == 0)
            set_against_failures(&model, place, some_item(&random));
        else
            model_clear(&model, place);
        if (i % 40 == 0) {
            radix_destroy(&model.map);
            memset(model.item, 0, sizeof(model.item));
            model.count = 0;
        }
    }
    check_whole(&model);
    radix_destroy(&model.map);
    assert_int_equal(model.memory.nodes, 0);
}

/* What is set can be set anew without memory. */
static void replacing_takes_no_memory(void **state)
{
    static struct model model;

    (void)state;
    model_init(&model);
    for (int i = 0; i < INDICES; i += 7)
        model_set(&model, i, &model);
    model.memory.fail_at = 1;
    for (int i = 0; i < INDICES; i += 7)
        model_set(&model, i, &model.map);
    check_whole(&model);
    radix_destroy(&model.map);
}

/* ---- Reservations ---------------------------------------------------------------------------- */

static void reserved_index_is_set_without_memory(void **state)
{
    static struct model model;
    struct random random;

    (void)state;
    random_init(&random, 3);
    model_init(&model);
    for (int i = 0; i < 2000; i++) {
        int place = (int)random_below(&random, INDICES);

        model.memory.fail_at = random_below(&random, 4);
        if (radix_reserve(&model.map, index_of(place))) {
            model.memory.fail_at = 1;
            assert_ptr_equal(radix_get(&model.map, index_of(place)), model.item[place]);
            model_set(&model, place, some_item(&random));
        }
        model.memory.fail_at = 0;
        for (int j = 0; j < 2; j++)
            model_clear(&model, (int)random_below(&random, INDICES));
        if (i % 50 == 0)
            check_whole(&model);
    }
    for (int i = 0; i < INDICES; i++)
        model_clear(&model, i);
    assert_int_equal(model.memory.nodes, 0);
}

static void unused_reservations_do_no_harm(void **state)
{
    static struct model model;

    (void)state;
    model_init(&model);
    for (int i = 0; i < INDICES; i += 11)
        assert_true(radix_reserve(&model.map, index_of(i)));
    check_whole(&model);
    for (int i = 5; i < INDICES; i += 200)
        model_set(&model, i, &model);
    check_whole(&model);
    for (int i = 0; i < INDICES; i++)
        check_next(&model, i);
    for (int i = 0; i < INDICES; i++)
        model_clear(&model, i);
    assert_int_equal(model.memory.nodes, 0);
    assert_true(radix_reserve(&model.map, UINT64_MAX));
    radix_destroy(&model.map);
    assert_int_equal(model.memory.nodes, 0);
}

/* ---- What must be noticed -------------------------------------------------------------------- */

static void damage_is_noticed(void **state)
{
    struct memory memory;
    struct radix map;
    struct radix_node *root;

    (void)state;
    memory_init(&memory);
    radix_init(&map, &memory.memory);
    expect_assert_failure((void)radix_set(&map, 1, NULL));
    assert_true(radix_set(&map, 1, &map) && radix_set(&map, 100, &map));
    root = map.root;
    assert_true(radix_verify(&map));
    map.count++;
    assert_false(radix_verify(&map));
    map.count--;
    root->used |= 1u << 5;
    assert_false(radix_verify(&map));
    root->used = 1;
    assert_false(radix_verify(&map));
    root->used = 3;
    assert_true(radix_verify(&map));
    radix_destroy(&map);
    assert_int_equal(memory.nodes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_an_array),
        cmocka_unit_test(destroy_frees_every_node),
        cmocka_unit_test(maps_take_as_few_nodes_as_promised),
        cmocka_unit_test(set_without_memory_changes_nothing),
        cmocka_unit_test(replacing_takes_no_memory),
        cmocka_unit_test(reserved_index_is_set_without_memory),
        cmocka_unit_test(unused_reservations_do_no_harm),
        cmocka_unit_test(damage_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
