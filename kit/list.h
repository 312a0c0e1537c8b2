/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked circular lists through a member of their elements. Head and member have one type.
 * Everything takes constant time. Lists own nothing: an element is removed before its memory goes.
 *
 * I1 For every node, node->next->prev == node and node->prev->next == node.
 * I2 A node in no list, and the head of an empty list, points to itself. So every node is
 *    initialised before its first use, and list_is_linked can tell.
 */
#ifndef KIT_LIST_H
#define KIT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "kit/assert.h"
#include "kit/base.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_ENTRY(node, type, member) container_of(node, type, member)

/* The body runs for each element. `pos`, a plain variable of a pointer type, is the element;
 * after the loop it means nothing. The body may not remove `pos`; with _SAFE it may remove
 * `pos`, but not the next one. */
#define LIST_FOR_EACH(pos, head, member)                                     \
    for (struct list *pos##_node = (head)->next;                             \
         pos##_node != (head) &&                                             \
         ((pos) = LIST_ENTRY(pos##_node, __typeof__(*(pos)), member), true); \
         pos##_node = pos##_node->next)

#define LIST_FOR_EACH_SAFE(pos, head, member)                                    \
    for (struct list *pos##_node = (head)->next, *pos##_next = pos##_node->next; \
         pos##_node != (head) &&                                                 \
         ((pos) = LIST_ENTRY(pos##_node, __typeof__(*(pos)), member), true);     \
         pos##_node = pos##_next, pos##_next = pos##_node->next)

static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Whether a node, not a head, is in some list. */
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}

static inline void list_insert_before(struct list *position, struct list *node)
{
    ASSERT(!list_is_linked(node) && node != position);
    ASSERT(position->prev->next == position);
    node->next = position;
    node->prev = position->prev;
    position->prev->next = node;
    position->prev = node;
}

static inline void list_add_head(struct list *list, struct list *node)
{
    list_insert_before(list->next, node);
}

static inline void list_add_tail(struct list *list, struct list *node)
{
    list_insert_before(list, node);
}

/* Takes the node out of its list, if it is in one. */
static inline void list_remove(struct list *node)
{
    ASSERT(node->prev->next == node && node->next->prev == node);
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* NULL: the list is empty. */
static inline struct list *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->next;
}

static inline struct list *list_last(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->prev;
}

static inline struct list *list_pop_head(struct list *list)
{
    struct list *node = list_first(list);

    if (node != NULL)
        list_remove(node);
    return node;
}

/* Moves all elements of `from` behind those of `list`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list *list, struct list *from)
{
    ASSERT(list != from);
    if (list_is_empty(from))
        return;
    ASSERT(list->prev->next == list && from->prev->next == from);
    from->next->prev = list->prev;
    from->prev->next = list;
    list->prev->next = from->next;
    list->prev = from->prev;
    list_init(from);
}

#endif
