/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AVL trees (Adelson-Velsky and Landis, 1962). The two sides are indices, so each case is written
 * once and serves its mirror image too. The interface and the invariants stand in kit/tree.h.
 */
#include "kit/tree.h"

#include "kit/assert.h"

/* Above what memory can hold: by I3 a tree of 2^62 nodes is 90 high at most. */
#define HEIGHT_LIMIT 96

static enum tree_side opposite(enum tree_side side)
{
    return side == TREE_LEFT ? TREE_RIGHT : TREE_LEFT;
}

static uint32_t height_of(const struct tree_node *node)
{
    return node == NULL ? 0 : node->height;
}

static void measure(struct tree_node *node)
{
    node->height = 1 + MAX(height_of(node->child[TREE_LEFT]), height_of(node->child[TREE_RIGHT]));
}

/* Where the pointer to `node` stands. */
static struct tree_node **link_of(struct tree *tree, const struct tree_node *node)
{
    struct tree_node *parent = node->parent;

    if (parent == NULL)
        return &tree->root;
    return &parent->child[parent->child[TREE_LEFT] == node ? TREE_LEFT : TREE_RIGHT];
}

/* Puts `new`, which may be NULL, where `old` stands below its parent. */
static void replace(struct tree *tree, struct tree_node *old, struct tree_node *new)
{
    *link_of(tree, old) = new;
    if (new != NULL)
        new->parent = old->parent;
}

static void adopt(struct tree_node *parent, enum tree_side side, struct tree_node *child)
{
    parent->child[side] = child;
    if (child != NULL)
        child->parent = parent;
}

/* Lifts the child on `side` above `node`; returns it.
 *
 *        node            child
 *       /    \          /     \
 *      a    child  ->  node    c      (side: right)
 *           /   \     /   \
 *          b     c   a     b
 */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node, enum tree_side side)
{
    struct tree_node *child = node->child[side];

    replace(tree, node, child);
    adopt(node, side, child->child[opposite(side)]);
    adopt(child, opposite(side), node);
    measure(node);
    measure(child);
    return child;
}

/* Restores I3 for a node whose child on `side` is higher by 2; returns what stands in its place. */
static struct tree_node *lower(struct tree *tree, struct tree_node *node, enum tree_side side)
{
    struct tree_node *child = node->child[side];

    /* A child that leans inward would, lifted, lean too far the other way: its inner child comes
     * first. */
    if (height_of(child->child[opposite(side)]) > height_of(child->child[side]))
        rotate(tree, child, opposite(side));
    return rotate(tree, node, side);
}

/* Restores I2 and I3 from `node` up, where only the heights below it have changed. */
static void rebalance(struct tree *tree, struct tree_node *node)
{
    for (; node != NULL; node = node->parent) {
        uint32_t before = node->height;
        uint32_t left = height_of(node->child[TREE_LEFT]);
        uint32_t right = height_of(node->child[TREE_RIGHT]);

        ASSERT(left <= right + 2 && right <= left + 2);
        if (left > right + 1)
            node = lower(tree, node, TREE_LEFT);
        else if (right > left + 1)
            node = lower(tree, node, TREE_RIGHT);
        else
            measure(node);
        if (node->height == before)
            return;
    }
}

void tree_insert_at(struct tree *tree, struct tree_node *node, struct tree_node *parent,
                    struct tree_node **link)
{
    ASSERT(*link == NULL);
    ASSERT(parent != NULL || link == &tree->root);
    *node = (struct tree_node){.parent = parent, .height = 1};
    *link = node;
    rebalance(tree, parent);
}

void tree_insert(struct tree *tree, struct tree_node *node, const void *key, tree_compare *compare)
{
    struct tree_node **link = &tree->root;
    struct tree_node *parent = NULL;

    while (*link != NULL) {
        parent = *link;
        int order = compare(key, parent);

        ASSERT(order != 0);
        link = &parent->child[order < 0 ? TREE_LEFT : TREE_RIGHT];
    }
    tree_insert_at(tree, node, parent, link);
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *changed = node->parent; /* the lowest node whose children change */

    ASSERT(*link_of(tree, node) == node);
    if (node->child[TREE_LEFT] == NULL) {
        replace(tree, node, node->child[TREE_RIGHT]);
    } else if (node->child[TREE_RIGHT] == NULL) {
        replace(tree, node, node->child[TREE_LEFT]);
    } else {
        /* The next node has no left child: it leaves its place and takes this one. */
        struct tree_node *next = tree_next(node);

        changed = next->parent == node ? next : next->parent;
        replace(tree, next, next->child[TREE_RIGHT]);
        replace(tree, node, next);
        adopt(next, TREE_LEFT, node->child[TREE_LEFT]);
        adopt(next, TREE_RIGHT, node->child[TREE_RIGHT]);
        next->height = node->height;
    }
    rebalance(tree, changed);
}

struct tree_node *tree_find(const struct tree *tree, const void *key, tree_compare *compare)
{
    struct tree_node *node = tree->root;
    int order;

    while (node != NULL && (order = compare(key, node)) != 0)
        node = node->child[order < 0 ? TREE_LEFT : TREE_RIGHT];
    return node;
}

/* The node at the key, or else the nearest one that has the key on `side` of it. */
static struct tree_node *find_near(const struct tree *tree, const void *key, tree_compare *compare,
                                   enum tree_side side)
{
    struct tree_node *node = tree->root;
    struct tree_node *best = NULL;

    while (node != NULL) {
        int order = compare(key, node);
        enum tree_side key_side = order < 0 ? TREE_LEFT : TREE_RIGHT;

        if (order == 0)
            return node;
        if (key_side == side)
            best = node;
        node = node->child[key_side];
    }
    return best;
}

struct tree_node *tree_find_le(const struct tree *tree, const void *key, tree_compare *compare)
{
    return find_near(tree, key, compare, TREE_RIGHT);
}

struct tree_node *tree_find_ge(const struct tree *tree, const void *key, tree_compare *compare)
{
    return find_near(tree, key, compare, TREE_LEFT);
}

static struct tree_node *outermost(struct tree_node *node, enum tree_side side)
{
    while (node != NULL && node->child[side] != NULL)
        node = node->child[side];
    return node;
}

/* The neighbour in order: the innermost node below on that side, or the first above that has us
 * on the other. */
static struct tree_node *neighbour(const struct tree_node *node, enum tree_side side)
{
    struct tree_node *parent;

    if (node->child[side] != NULL)
        return outermost(node->child[side], opposite(side));
    while ((parent = node->parent) != NULL && parent->child[side] == node)
        node = parent;
    return parent;
}

struct tree_node *tree_first(const struct tree *tree)
{
    return outermost(tree->root, TREE_LEFT);
}

struct tree_node *tree_last(const struct tree *tree)
{
    return outermost(tree->root, TREE_RIGHT);
}

struct tree_node *tree_next(const struct tree_node *node)
{
    return neighbour(node, TREE_RIGHT);
}

struct tree_node *tree_prev(const struct tree_node *node)
{
    return neighbour(node, TREE_LEFT);
}

/* Heights must fall on the way down: that bounds the recursion in a damaged tree too. */
static bool verify_below(const struct tree_node *node)
{
    uint32_t height[2];

    for (enum tree_side side = TREE_LEFT; side <= TREE_RIGHT; side++) {
        const struct tree_node *child = node->child[side];

        height[side] = height_of(child);
        if (child == NULL)
            continue;
        if (child->parent != node || child->height >= node->height || !verify_below(child))
            return false;
    }
    return node->height == 1 + MAX(height[TREE_LEFT], height[TREE_RIGHT]) &&
           height[TREE_LEFT] <= height[TREE_RIGHT] + 1 &&
           height[TREE_RIGHT] <= height[TREE_LEFT] + 1;
}

static bool verify_order(const struct tree *tree, tree_order *order)
{
    const struct tree_node *node = tree_first(tree);
    const struct tree_node *next;

    for (; (next = tree_next(node)) != NULL; node = next) {
        if (order(node, next) >= 0)
            return false;
    }
    return true;
}

bool tree_verify(const struct tree *tree, tree_order *order)
{
    const struct tree_node *root = tree->root;

    if (root == NULL)
        return true;
    if (root->parent != NULL || root->height > HEIGHT_LIMIT || !verify_below(root))
        return false;
    return order == NULL || verify_order(tree, order);
}
