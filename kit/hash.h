/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash tables through a member of their elements, with chains from an array of buckets of the
 * caller. The table knows no keys: the caller hashes, and compares while it walks a chain.
 *
 *      HASH_FOR_EACH(entry, &table, hash_u64(key), node)
 *          if (entry->key == key)
 *              return entry;
 *
 * I1 The number of buckets is a power of two.
 * I2 An element stands in the chain of bucket (hash mod buckets) once, newest first.
 */
#ifndef KIT_HASH_H
#define KIT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/assert.h"
#include "kit/base.h"

struct hash_node {
    struct hash_node *next;
};

struct hash {
    struct hash_node **bucket; /* the caller's */
    size_t bucket_count;
};

/* The body runs for each element in the chain of `hash`. `pos`, a plain variable of a pointer
 * type, is the element; after the loop it means nothing. The body may remove `pos` if it then
 * leaves the loop; with _SAFE it may go on. The chains of hashes 0 to bucket_count - 1 are the
 * whole table. */
#define HASH_FOR_EACH(pos, table, hash, member)                                \
    for (struct hash_node *pos##_node = hash_first(table, hash);               \
         pos##_node != NULL &&                                                 \
         ((pos) = container_of(pos##_node, __typeof__(*(pos)), member), true); \
         pos##_node = pos##_node->next)

#define HASH_FOR_EACH_SAFE(pos, table, hash, member)                                          \
    for (struct hash_node *pos##_node = hash_first(table, hash), *pos##_next;                 \
         pos##_node != NULL && ((pos) = container_of(pos##_node, __typeof__(*(pos)), member), \
                               pos##_next = pos##_node->next, true);                          \
         pos##_node = pos##_next)

static inline void hash_init(struct hash *table, struct hash_node **bucket, size_t bucket_count)
{
    ASSERT(IS_POWER_OF_TWO(bucket_count));
    table->bucket = bucket;
    table->bucket_count = bucket_count;
    for (size_t i = 0; i < bucket_count; i++)
        bucket[i] = NULL;
}

static inline struct hash_node **hash_chain(const struct hash *table, uint64_t hash)
{
    return &table->bucket[(size_t)hash & (table->bucket_count - 1)];
}

static inline struct hash_node *hash_first(const struct hash *table, uint64_t hash)
{
    return *hash_chain(table, hash);
}

static inline void hash_insert(struct hash *table, struct hash_node *node, uint64_t hash)
{
    struct hash_node **chain = hash_chain(table, hash);

    ASSERT(*chain != node);
    node->next = *chain;
    *chain = node;
}

/* Takes out an element that is in the table under this hash. */
static inline void hash_remove(struct hash *table, struct hash_node *node, uint64_t hash)
{
    struct hash_node **link = hash_chain(table, hash);

    while (*link != node) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
}

/* Every bit of the value changes about half of the bits of its hash (the finaliser of
 * splitmix64). */
static inline uint64_t hash_u64(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* FNV-1a with the above behind it, since the low bits of FNV-1a alone depend on few bits of the
 * key. It has no secret: who chooses the keys can make them collide. */
static inline uint64_t hash_bytes(const void *bytes, size_t count)
{
    const uint8_t *byte = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash_u64(hash);
}

#endif
