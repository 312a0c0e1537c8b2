/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sparse maps. Level 1 nodes hold the caller's pointers, a node of level n + 1 holds nodes of level
 * n, the root is of the level that is the map's height; the pointers themselves count as level 0.
 * The interface and the invariants stand in kit/radix.h.
 */
#include "kit/radix.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"

STATIC_ASSERT(RADIX_SLOTS == 64, "one bit of `used` a slot");

/* By how many bits an index is shifted right to leave a slot of a node of this level, 1 or more,
 * at its low end. */
static unsigned int shift_of(unsigned int level)
{
    return (level - 1) * RADIX_SLOT_BITS;
}

static unsigned int slot_of(uint64_t index, unsigned int level)
{
    return (index >> shift_of(level)) & (RADIX_SLOTS - 1);
}

static uint64_t bit_of(uint64_t index, unsigned int level)
{
    return UINT64_C(1) << slot_of(index, level);
}

/* Whether a map of this height has the index. */
static bool covers(unsigned int height, uint64_t index)
{
    return height == RADIX_HEIGHT_LIMIT || index >> (height * RADIX_SLOT_BITS) == 0;
}

void radix_init(struct radix *map, const struct radix_memory *memory)
{
    *map = (struct radix){.memory = memory};
}

void *radix_get(const struct radix *map, uint64_t index)
{
    void *item = map->root;

    if (!covers(map->height, index))
        return NULL;
    for (unsigned int level = map->height; level > 0 && item != NULL; level--)
        item = ((struct radix_node *)item)->slot[slot_of(index, level)];
    return item;
}

/* ---- Setting: count the nodes that lack, get them all, put them in --------------------------- */

static unsigned int height_wanted(const struct radix *map, uint64_t index)
{
    unsigned int height = map->height;

    while (!covers(height, index))
        height++;
    return height;
}

/* How many nodes lack on the way to an index in a map that is to be `height` high. */
static unsigned int nodes_lacking(const struct radix *map, uint64_t index, unsigned int height)
{
    void *item = map->root;
    unsigned int level = height;

    /* A map that grows gets its old root below slot 0 of the new ones. The index stands under
     * another slot of the topmost, or the map would not have to grow, and has its whole way
     * below to itself. */
    if (item != NULL && height > map->height)
        return (height - map->height) + (height - 1);
    for (; level > 0 && item != NULL; level--)
        item = ((struct radix_node *)item)->slot[slot_of(index, level)];
    return level;
}

static void free_chain(struct radix *map, struct radix_node *chain)
{
    while (chain != NULL) {
        struct radix_node *next = chain->slot[0];

        map->memory->free(map->memory->self, chain);
        chain = next;
    }
}

/* So many empty nodes, chained by slot 0; false: there is no memory for all of them, and none
 * was taken. */
static bool allocate_chain(struct radix *map, unsigned int count, struct radix_node **chain)
{
    *chain = NULL;
    for (; count > 0; count--) {
        struct radix_node *node = map->memory->allocate(map->memory->self);

        if (node == NULL) {
            free_chain(map, *chain);
            return false;
        }
        memset(node, 0, sizeof(*node));
        node->slot[0] = *chain;
        *chain = node;
    }
    return true;
}

static struct radix_node *take_from_chain(struct radix_node **chain)
{
    struct radix_node *node = *chain;

    ASSERT(node != NULL);
    *chain = node->slot[0];
    node->slot[0] = NULL;
    return node;
}

bool radix_reserve(struct radix *map, uint64_t index)
{
    unsigned int height = height_wanted(map, index);
    void **link = &map->root;
    struct radix_node *chain;

    if (!allocate_chain(map, nodes_lacking(map, index, height), &chain))
        return false;
    for (; map->root != NULL && map->height < height; map->height++) {
        struct radix_node *root = take_from_chain(&chain);

        root->slot[0] = map->root;
        root->used = 1;
        map->root = root;
    }
    map->height = height;
    for (unsigned int level = height; level > 0; level--) {
        if (*link == NULL)
            *link = take_from_chain(&chain);
        struct radix_node *node = *link;

        link = &node->slot[slot_of(index, level)];
        if (level > 1)
            node->used |= bit_of(index, level);
    }
    ASSERT(chain == NULL);
    return true;
}

bool radix_set(struct radix *map, uint64_t index, void *item)
{
    void **link = &map->root;

    ASSERT(item != NULL);
    if (!radix_reserve(map, index))
        return false;
    for (unsigned int level = map->height; level > 0; level--) {
        struct radix_node *node = *link;

        node->used |= bit_of(index, level);
        link = &node->slot[slot_of(index, level)];
    }
    if (*link == NULL)
        map->count++;
    *link = item;
    return true;
}

/* ---- Clearing -------------------------------------------------------------------------------- */

/* Replaces a root that uses slot 0 alone by what stands there (I4). */
static void shrink(struct radix *map)
{
    for (; map->height > 0; map->height--) {
        struct radix_node *root = map->root;

        ASSERT(root != NULL);
        if (root->used != 1)
            break;
        map->root = root->slot[0];
        map->memory->free(map->memory->self, root);
    }
}

/* Frees what is empty on the way to the index, from `level` up. way[l] is where the pointer to the
 * node of level l stands; way[0] is the index's own slot. */
static void prune(struct radix *map, uint64_t index, void **const *way, unsigned int level)
{
    for (; level <= map->height; level++) {
        struct radix_node *node = level > 0 ? *way[level] : NULL;

        if (node != NULL && node->used != 0)
            return;
        if (node != NULL)
            map->memory->free(map->memory->self, node);
        *way[level] = NULL;
        if (level < map->height) {
            struct radix_node *above = *way[level + 1];

            above->used &= ~bit_of(index, level + 1);
        }
    }
    map->height = 0; /* the root went */
}

void *radix_clear(struct radix *map, uint64_t index)
{
    void **way[RADIX_HEIGHT_LIMIT + 1];
    unsigned int level = map->height;

    if (!covers(level, index))
        return NULL;
    way[level] = &map->root;
    for (; level > 0 && *way[level] != NULL; level--)
        way[level - 1] = &((struct radix_node *)*way[level])->slot[slot_of(index, level)];

    void *item = *way[level]; /* NULL where the way ends above level 0 */

    if (item != NULL)
        map->count--;
    prune(map, index, way, level);
    shrink(map);
    return item;
}

static void free_below(struct radix *map, struct radix_node *node, unsigned int level)
{
    if (level > 1) {
        for (uint64_t left = node->used; left != 0; left &= left - 1)
            free_below(map, node->slot[__builtin_ctzll(left)], level - 1);
    }
    map->memory->free(map->memory->self, node);
}

void radix_destroy(struct radix *map)
{
    if (map->height > 0)
        free_below(map, map->root, map->height);
    radix_init(map, map->memory);
}

/* ---- Walking --------------------------------------------------------------------------------- */

/* The first index that is `slots` slots of a node of this level behind the one of `index`. */
static uint64_t advance(uint64_t index, unsigned int level, unsigned int slots)
{
    return ((index >> shift_of(level)) + slots) << shift_of(level);
}

void *radix_next(const struct radix *map, uint64_t from, uint64_t *index)
{
    uint64_t at = from;

    while (map->root != NULL && covers(map->height, at)) {
        void *item = map->root;
        unsigned int level = map->height;

        for (; level > 0; level--) {
            struct radix_node *node = item;
            uint64_t ahead = node->used >> slot_of(at, level);

            if (ahead == 0)
                break;
            if ((ahead & 1) == 0) /* the first way on is not ours: take it from its beginning */
                at = advance(at, level, (unsigned int)__builtin_ctzll(ahead));
            item = node->slot[slot_of(at, level)];
        }
        if (level == 0) {
            *index = at;
            return item;
        }
        if (level == map->height)
            break;
        /* Go on behind this node; behind the last index of all there is nothing. */
        at = advance(at, level + 1, 1);
        if (at == 0)
            break;
    }
    return NULL;
}

/* Adds to *count what is set below; false: I2 does not hold somewhere. */
static bool verify_below(const struct radix_node *node, unsigned int level, uint64_t *count)
{
    for (unsigned int i = 0; i < RADIX_SLOTS; i++) {
        bool used = (node->used >> i & 1) != 0;

        if (used != (node->slot[i] != NULL))
            return false;
        if (used && level > 1 && !verify_below(node->slot[i], level - 1, count))
            return false;
        if (used && level == 1)
            ++*count;
    }
    return true;
}

bool radix_verify(const struct radix *map)
{
    uint64_t count = 0;

    if (map->height > RADIX_HEIGHT_LIMIT || (map->height > 0 && map->root == NULL))
        return false;
    if (map->height == 0)
        count = map->root != NULL;
    else if (!verify_below(map->root, map->height, &count))
        return false;
    return count == map->count;
}
