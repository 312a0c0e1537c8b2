/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balanced search trees (AVL) through a member of their elements. The caller's comparison gives the
 * order: negative, 0 or positive as the key stands before, at or behind the node. No two nodes
 * compare equal. Searching, inserting and removing take logarithmic time, a whole walk linear time.
 * Trees own nothing.
 *
 * I1 Left descendants stand before a node, right ones behind it.
 * I2 A node's height is 1 + that of its higher child; a missing child has height 0.
 * I3 The heights of two siblings differ by 1 at most, so n nodes are at most 1.45 log2(n + 2) high.
 * I4 A child's parent is its parent; the root's is NULL.
 */
#ifndef KIT_TREE_H
#define KIT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/base.h"

enum tree_side { TREE_LEFT, TREE_RIGHT };

struct tree_node {
    struct tree_node *parent;
    struct tree_node *child[2]; /* by enum tree_side */
    uint32_t height;
};

struct tree {
    struct tree_node *root;
};

typedef int tree_compare(const void *key, const struct tree_node *node);
typedef int tree_order(const struct tree_node *a, const struct tree_node *b);

#define TREE_ENTRY(node, type, member) container_of(node, type, member)

/* The body runs for each element, in order. `pos`, a plain variable of a pointer type, is the
 * element; after the loop it means nothing. The body may not change the tree. */
#define TREE_FOR_EACH(pos, tree, member)                                                           \
    for (struct tree_node *pos##_node = tree_first(tree);                                          \
         pos##_node != NULL && ((pos) = TREE_ENTRY(pos##_node, __typeof__(*(pos)), member), true); \
         pos##_node = tree_next(pos##_node))

static inline void tree_init(struct tree *tree)
{
    tree->root = NULL;
}

static inline bool tree_is_empty(const struct tree *tree)
{
    return tree->root == NULL;
}

/* Puts `node`, whose key is `key`, into its place. An equal key must not be there. */
void tree_insert(struct tree *tree, struct tree_node *node, const void *key, tree_compare *compare);

/* The same for a caller that searched itself: `link` is the NULL pointer to fill, &tree->root or
 * a child pointer of `parent` (NULL for the root). Restores the balance. */
void tree_insert_at(struct tree *tree, struct tree_node *node, struct tree_node *parent,
                    struct tree_node **link);

void tree_remove(struct tree *tree, struct tree_node *node);

/* The node at the key; the last one at or before it (floor); the first one at or behind it
 * (ceiling). NULL: there is none. */
struct tree_node *tree_find(const struct tree *tree, const void *key, tree_compare *compare);
struct tree_node *tree_find_le(const struct tree *tree, const void *key, tree_compare *compare);
struct tree_node *tree_find_ge(const struct tree *tree, const void *key, tree_compare *compare);

/* NULL: the tree, or the way in that direction, is at its end. */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

/* Checks I1 to I4; with `order` NULL, I2 to I4. For tests and checkers: it visits every node. */
bool tree_verify(const struct tree *tree, tree_order *order);

#endif
