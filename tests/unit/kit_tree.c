/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/tree.h: every way to build and empty a tree of up to five
 * nodes, and random operations against a sorted array.
 */
#include "tests/unit/support.h"

#include "kit/base.h"
#include "kit/random.h"
#include "kit/tree.h"

#define KEYS 1024
#define SMALL 5

struct element {
    int key;
    struct tree_node node;
};

static int key_of(const struct tree_node *node)
{
    return TREE_ENTRY(node, struct element, node)->key;
}

static int compare(const void *key, const struct tree_node *node)
{
    return *(const int *)key - key_of(node);
}

static int order(const struct tree_node *a, const struct tree_node *b)
{
    return key_of(a) - key_of(b);
}

static void insert(struct tree *tree, struct element *element)
{
    tree_insert(tree, &element->node, &element->key, compare);
}

/* ---- Small trees: every order of inserting, with every order of removing --------------------- */

/* Turns the permutation into the next one in order; false: it was the last. */
static bool next_permutation(int *items, int count)
{
    int i = count - 1;
    int j = count - 1;

    while (i > 0 && items[i - 1] > items[i])
        i--;
    if (i == 0)
        return false;
    while (items[j] < items[i - 1])
        j--;

    int swapped = items[j];

    items[j] = items[i - 1];
    items[i - 1] = swapped;
    for (j = count - 1; i < j; i++, j--) {
        swapped = items[i];
        items[i] = items[j];
        items[j] = swapped;
    }
    return true;
}

static void check_small(const int *inserted, const int *removed, int count)
{
    struct element element[SMALL];
    struct tree tree;

    tree_init(&tree);
    for (int i = 0; i < count; i++) {
        element[inserted[i]].key = inserted[i];
        insert(&tree, &element[inserted[i]]);
        assert_true(tree_verify(&tree, order));
    }
    for (int i = 0; i < count; i++) {
        tree_remove(&tree, &element[removed[i]].node);
        assert_true(tree_verify(&tree, order));
        for (int j = 0; j < count; j++) {
            bool left = false;

            for (int k = i + 1; k < count; k++)
                left = left || removed[k] == j;
            assert_ptr_equal(tree_find(&tree, &j, compare), left ? &element[j].node : NULL);
        }
    }
    assert_true(tree_is_empty(&tree));
}

static void every_small_tree_is_right(void **state)
{
    (void)state;
    for (int count = 1; count <= SMALL; count++) {
        int inserted[SMALL] = {0, 1, 2, 3, 4};

        do {
            int removed[SMALL] = {0, 1, 2, 3, 4};

            do
                check_small(inserted, removed, count);
            while (next_permutation(removed, count));
        } while (next_permutation(inserted, count));
    }
}

/* ---- Great trees, against an array ----------------------------------------------------------- */

struct model {
    struct tree tree;
    struct element element[KEYS]; /* element[k] has key 2 * k: so there are keys between */
    bool present[KEYS];
    int count;
};

/* The present element at `index` or the nearest one in that direction; NULL: none. */
static struct tree_node *expected(struct model *model, int index, int step)
{
    for (; index >= 0 && index < KEYS; index += step) {
        if (model->present[index])
            return &model->element[index].node;
    }
    return NULL;
}

static void check_around(struct model *model, int index)
{
    struct tree_node *node = &model->element[index].node;
    int key = 2 * index;
    int between = key + 1;
    struct tree_node *le = expected(model, index, -1);
    struct tree_node *ge = expected(model, index, 1);

    assert_ptr_equal(tree_find(&model->tree, &key, compare), model->present[index] ? node : NULL);
    assert_ptr_equal(tree_find_le(&model->tree, &key, compare), le);
    assert_ptr_equal(tree_find_ge(&model->tree, &key, compare), ge);
    assert_null(tree_find(&model->tree, &between, compare));
    assert_ptr_equal(tree_find_le(&model->tree, &between, compare), le);
    assert_ptr_equal(tree_find_ge(&model->tree, &between, compare), expected(model, index + 1, 1));
    if (model->present[index]) {
        assert_ptr_equal(tree_next(node), expected(model, index + 1, 1));
        assert_ptr_equal(tree_prev(node), expected(model, index - 1, -1));
    }
}

static void check_whole(struct model *model)
{
    struct element *element;
    int count = 0;
    int last = -1;

    assert_true(tree_verify(&model->tree, order));
    assert_int_equal(tree_is_empty(&model->tree), model->count == 0);
    assert_ptr_equal(tree_first(&model->tree), expected(model, 0, 1));
    assert_ptr_equal(tree_last(&model->tree), expected(model, KEYS - 1, -1));
    TREE_FOR_EACH(element, &model->tree, node) {
        assert_true(element->key > last && model->present[element->key / 2]);
        last = element->key;
        count++;
    }
    assert_int_equal(count, model->count);
}

static void toggle(struct model *model, int index)
{
    struct element *element = &model->element[index];

    if (model->present[index])
        tree_remove(&model->tree, &element->node);
    else
        insert(&model->tree, element);
    model->present[index] = !model->present[index];
    model->count += model->present[index] ? 1 : -1;
}

static void random_operations_keep_order_and_balance(void **state)
{
    static struct model model;
    struct random random;

    (void)state;
    random_init(&random, 1);
    tree_init(&model.tree);
    for (int i = 0; i < KEYS; i++)
        model.element[i].key = 2 * i;
    for (int i = 0; i < 100000; i++) {
        /* The range wanders between narrow and wide, so the tree does between empty and full. */
        uint64_t range = i / 10000 % 2 == 0 ? KEYS : 16;
        int index = (int)random_below(&random, range);

        toggle(&model, index);
        if (i % 4 == 0)
            check_around(&model, (int)random_below(&random, KEYS));
        if (i % 500 == 0)
            check_whole(&model);
    }
    for (int i = 0; i < KEYS; i++) {
        if (model.present[i])
            toggle(&model, i);
    }
    check_whole(&model);
}

/* The least number of nodes in a tree of a height, by I3, is that of Fibonacci. */
static uint64_t least_nodes(uint32_t height)
{
    uint64_t less = 0, least = 1;

    for (uint32_t i = 1; i < height; i++) {
        uint64_t next = least + less + 1;

        less = least;
        least = next;
    }
    return least;
}

static void rising_keys_do_not_unbalance(void **state)
{
    static struct element element[4 * KEYS];
    struct tree tree;

    (void)state;
    tree_init(&tree);
    for (int i = 0; i < (int)ARRAY_SIZE(element); i++) {
        element[i].key = i;
        insert(&tree, &element[i]);
        assert_true(least_nodes(tree.root->height) <= (uint64_t)i + 1);
    }
    assert_int_equal(tree.root->height, 13);
    assert_true(tree_verify(&tree, order));
}

/* ---- What must be noticed -------------------------------------------------------------------- */

static void fill(struct tree *tree, struct element *element, int count)
{
    tree_init(tree);
    for (int i = 0; i < count; i++) {
        element[i].key = i;
        insert(tree, &element[i]);
    }
}

static void damage_is_noticed(void **state)
{
    struct element element[7];
    struct tree tree;
    struct tree_node *root;

    (void)state;
    fill(&tree, element, 7);
    root = tree.root;
    assert_true(tree_verify(&tree, order));

    element[2].key = 9;
    assert_false(tree_verify(&tree, order));
    element[2].key = 3; /* as its neighbour's */
    assert_false(tree_verify(&tree, order));
    assert_true(tree_verify(&tree, NULL));
    element[2].key = 2;

    element[0].node.height = 2;
    assert_false(tree_verify(&tree, order));
    element[0].node.height = 1;

    element[0].node.parent = root;
    assert_false(tree_verify(&tree, order));
    element[0].node.parent = &element[1].node;

    root->child[TREE_LEFT] = NULL;
    assert_false(tree_verify(&tree, order));
    root->height = 3;
    assert_false(tree_verify(&tree, order));
    root->child[TREE_LEFT] = &element[1].node;

    element[0].node.child[TREE_LEFT] = root;
    assert_false(tree_verify(&tree, order));
    element[0].node.child[TREE_LEFT] = NULL;

    root->parent = &element[0].node;
    assert_false(tree_verify(&tree, NULL));
    root->parent = NULL;
    assert_true(tree_verify(&tree, order));
}

static void misuse_is_caught(void **state)
{
    struct element element[4];
    struct element twin = {.key = 1};
    struct tree tree;

    (void)state;
    fill(&tree, element, 3);
    expect_assert_failure(insert(&tree, &twin));
    expect_assert_failure(tree_insert_at(&tree, &twin.node, NULL, &tree.root));

    struct tree_node *link = NULL;

    expect_assert_failure(tree_insert_at(&tree, &twin.node, NULL, &link));
    element[3] = element[0];
    expect_assert_failure(tree_remove(&tree, &element[3].node));
    assert_true(tree_verify(&tree, order));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_tree_is_right),
        cmocka_unit_test(random_operations_keep_order_and_balance),
        cmocka_unit_test(rising_keys_do_not_unbalance),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(misuse_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
