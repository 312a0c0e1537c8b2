/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/list.h: random operations on some lists against arrays that hold the same order.
 */
#include "tests/unit/support.h"

#include <string.h>

#include "kit/list.h"
#include "kit/random.h"

#define LISTS 3
#define ELEMENTS 24
#define NOWHERE (-1)

struct element {
    int number;
    struct list link;
    int list; /* NOWHERE: in none */
};

struct model {
    struct list head[LISTS];
    struct element element[ELEMENTS];
    int order[LISTS][ELEMENTS]; /* numbers of elements */
    int length[LISTS];
};

static void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    for (int i = 0; i < LISTS; i++)
        list_init(&model->head[i]);
    for (int i = 0; i < ELEMENTS; i++) {
        model->element[i].number = i;
        model->element[i].list = NOWHERE;
        list_init(&model->element[i].link);
    }
}

static void model_insert(struct model *model, int list, int position, int number)
{
    int *order = model->order[list];

    memmove(order + position + 1, order + position,
            (size_t)(model->length[list] - position) * sizeof(int));
    order[position] = number;
    model->length[list]++;
    model->element[number].list = list;
}

static int model_position(const struct model *model, int number)
{
    int position = 0;

    while (model->order[model->element[number].list][position] != number)
        position++;
    return position;
}

static void model_remove(struct model *model, int number)
{
    int list = model->element[number].list;
    int position = model_position(model, number);
    int *order = model->order[list];

    model->length[list]--;
    memmove(order + position, order + position + 1,
            (size_t)(model->length[list] - position) * sizeof(int));
    model->element[number].list = NOWHERE;
}

static void check_list(struct model *model, int list)
{
    struct list *head = &model->head[list];
    int length = model->length[list];
    struct element *element;
    int position = 0;

    LIST_FOR_EACH(element, head, link) {
        assert_true(position < length);
        assert_int_equal(element->number, model->order[list][position]);
        assert_ptr_equal(element->link.next->prev, &element->link);
        assert_ptr_equal(element->link.prev->next, &element->link);
        position++;
    }
    assert_int_equal(position, length);
    assert_int_equal(list_is_empty(head), length == 0);
    if (length == 0) {
        assert_null(list_first(head));
        assert_null(list_last(head));
        return;
    }
    assert_int_equal(LIST_ENTRY(list_first(head), struct element, link)->number,
                     model->order[list][0]);
    assert_int_equal(LIST_ENTRY(list_last(head), struct element, link)->number,
                     model->order[list][length - 1]);
}

static void check_model(struct model *model)
{
    for (int i = 0; i < LISTS; i++)
        check_list(model, i);
    for (int i = 0; i < ELEMENTS; i++) {
        bool linked = list_is_linked(&model->element[i].link);

        assert_int_equal(linked, model->element[i].list != NOWHERE);
    }
}

static void add_somewhere(struct model *model, struct random *random, int number)
{
    int list = (int)random_below(random, LISTS);
    int position = (int)random_below(random, (uint64_t)model->length[list] + 1);
    struct list *node = &model->element[number].link;

    if (position == 0 && random_below(random, 2) == 0)
        list_add_head(&model->head[list], node);
    else if (position == model->length[list])
        list_add_tail(&model->head[list], node);
    else
        list_insert_before(&model->element[model->order[list][position]].link, node);
    model_insert(model, list, position, number);
}

static void pop_one(struct model *model, int list)
{
    struct list *node = list_pop_head(&model->head[list]);

    if (model->length[list] == 0) {
        assert_null(node);
        return;
    }
    assert_int_equal(LIST_ENTRY(node, struct element, link)->number, model->order[list][0]);
    model_remove(model, model->order[list][0]);
}

static void splice_one(struct model *model, int list, int from)
{
    list_splice_tail(&model->head[list], &model->head[from]);
    while (model->length[from] > 0) {
        int number = model->order[from][0];

        model_remove(model, number);
        model_insert(model, list, model->length[list], number);
    }
}

/* Removes every third element while walking. */
static void thin_out(struct model *model, int list)
{
    struct element *element;
    int position = 0;

    LIST_FOR_EACH_SAFE(element, &model->head[list], link) {
        if (position++ % 3 != 0)
            continue;
        list_remove(&element->link);
        model_remove(model, element->number);
    }
}

static void random_operations_keep_the_order(void **state)
{
    struct model model;
    struct random random;

    (void)state;
    model_init(&model);
    random_init(&random, 1);
    for (int i = 0; i < 20000; i++) {
        int number = (int)random_below(&random, ELEMENTS);
        int list = (int)random_below(&random, LISTS);

        if (random_below(&random, 100) == 0) {
            thin_out(&model, list);
        } else if (random_below(&random, 50) == 0) {
            splice_one(&model, list, (list + 1) % LISTS);
        } else if (random_below(&random, 8) == 0) {
            pop_one(&model, list);
        } else if (model.element[number].list == NOWHERE) {
            add_somewhere(&model, &random, number);
        } else {
            list_remove(&model.element[number].link);
            model_remove(&model, number);
        }
        check_model(&model);
    }
}

static void removing_twice_is_harmless(void **state)
{
    struct list head, node;

    (void)state;
    list_init(&head);
    list_init(&node);
    list_remove(&node);
    list_add_tail(&head, &node);
    list_remove(&node);
    list_remove(&node);
    assert_true(list_is_empty(&head));
    assert_false(list_is_linked(&node));
}

static void misuse_is_caught(void **state)
{
    struct list head, node, other;

    (void)state;
    list_init(&head);
    list_init(&node);
    list_init(&other);
    list_add_tail(&head, &node);
    list_add_tail(&head, &other);
    expect_assert_failure(list_add_head(&head, &node));
    expect_assert_failure(list_splice_tail(&head, &head));
    list_remove(&other);
    expect_assert_failure(list_insert_before(&other, &other));
    node.prev = &other;
    expect_assert_failure(list_remove(&node));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_keep_the_order),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(misuse_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
