/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sparse maps from a 64-bit index to a pointer that is not NULL: a trie of nodes with 64 slots, as
 * high as its greatest index needs. Slots of the lowest nodes hold the caller's pointers, of which
 * the map never looks at the target; all others hold nodes. Every operation but radix_destroy takes
 * at most as many steps as the map is high, 11 at most, plus, in radix_next, one for each node that
 * a reservation left empty.
 *
 * I1 A map of height h has indices below 64^h. Height 0 has no node: the root is the pointer of
 *    index 0.
 * I2 Bit s of a node's `used` is set if and only if slot[s] is not NULL.
 * I3 No node is empty, save those that a reservation made and nobody has used yet.
 * I4 A clear never leaves a root that uses slot 0 alone: what stands there becomes the root. So a
 *    map that holds index 0 only, or nothing, has no node.
 */
#ifndef KIT_RADIX_H
#define KIT_RADIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIX_SLOT_BITS 6
#define RADIX_SLOTS (1u << RADIX_SLOT_BITS)
#define RADIX_HEIGHT_LIMIT 11u /* 64^11 is more than 2^64 */

struct radix_node {
    uint64_t used;
    void *slot[RADIX_SLOTS];
};

#define RADIX_NODE_BYTES sizeof(struct radix_node)

/* Where nodes come from: RADIX_NODE_BYTES bytes, aligned for a uint64_t, content undefined;
 * NULL: none. */
struct radix_memory {
    void *(*allocate)(void *self);
    void (*free)(void *self, void *node);
    void *self;
};

struct radix {
    const struct radix_memory *memory; /* the caller's, outlives the map */
    void *root;
    uint64_t count;
    unsigned int height;
};

void radix_init(struct radix *map, const struct radix_memory *memory);

/* NULL: nothing is set at the index. */
void *radix_get(const struct radix *map, uint64_t index);

/* Sets a pointer, which is not NULL, in place of what was there. false: no memory, and nothing
 * changed. It cannot fail where something is set already. */
bool radix_set(struct radix *map, uint64_t index, void *item);

/* Makes sure that radix_set at the index will not fail, until another index of the map is set or
 * cleared. radix_clear at the index gives back what a reservation took. false: no memory, and
 * nothing changed. */
bool radix_reserve(struct radix *map, uint64_t index);

/* Returns what was set, or NULL, and frees the nodes that are empty now. */
void *radix_clear(struct radix *map, uint64_t index);

/* The first pointer at or above `from`, and its index; NULL: there is none, and *index stays as
 * it was. */
void *radix_next(const struct radix *map, uint64_t from, uint64_t *index);

/* How many indices are set. */
static inline uint64_t radix_count(const struct radix *map)
{
    return map->count;
}

/* Frees every node; the map is empty afterwards. Takes time in proportion to the nodes. */
void radix_destroy(struct radix *map);

/* Checks I1, I2 and the count; for tests and checkers: it visits every node. */
bool radix_verify(const struct radix *map);

#endif
