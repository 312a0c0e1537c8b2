/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bitmaps over words of the caller, and the map of priorities of a scheduler.
 *
 *      unsigned long words[BITMAP_WORDS(BITS)];
 *      bitmap_init(&bitmap, words, BITS);
 *
 * I1 Bits of the last word beyond `bits` are 0.
 */
#ifndef KIT_BITMAP_H
#define KIT_BITMAP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "kit/assert.h"

#define BITMAP_WORD_BITS (sizeof(unsigned long) * CHAR_BIT)
#define BITMAP_WORDS(bits) (((bits) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

struct bitmap {
    unsigned long *words; /* BITMAP_WORDS(bits) of them, the caller's */
    size_t bits;
};

/* All bits are 0 afterwards. */
void bitmap_init(struct bitmap *bitmap, unsigned long *words, size_t bits);

static inline unsigned long bitmap_mask(size_t bit)
{
    return 1ul << (bit % BITMAP_WORD_BITS);
}

static inline bool bitmap_test(const struct bitmap *bitmap, size_t bit)
{
    ASSERT(bit < bitmap->bits);
    return (bitmap->words[bit / BITMAP_WORD_BITS] & bitmap_mask(bit)) != 0;
}

static inline void bitmap_set(struct bitmap *bitmap, size_t bit)
{
    ASSERT(bit < bitmap->bits);
    bitmap->words[bit / BITMAP_WORD_BITS] |= bitmap_mask(bit);
}

static inline void bitmap_clear(struct bitmap *bitmap, size_t bit)
{
    ASSERT(bit < bitmap->bits);
    bitmap->words[bit / BITMAP_WORD_BITS] &= ~bitmap_mask(bit);
}

/* Bits [first, first + count). */
void bitmap_set_range(struct bitmap *bitmap, size_t first, size_t count);
void bitmap_clear_range(struct bitmap *bitmap, size_t first, size_t count);

/* The first such bit at or above `from`; bitmap->bits: there is none. `from` may be
 * bitmap->bits. */
size_t bitmap_find_first_set_from(const struct bitmap *bitmap, size_t from);
size_t bitmap_find_first_zero_from(const struct bitmap *bitmap, size_t from);

/* How many bits are set. */
size_t bitmap_count(const struct bitmap *bitmap);

/* ---- Priorities ------------------------------------------------------------------------------ */

#define PRIOMAP_BITS 256
#define PRIOMAP_WORDS BITMAP_WORDS(PRIOMAP_BITS)

/* Which of 256 run queues have threads. Setting, clearing and finding the first take constant time.
 *
 * I2 Bit w of `summary` is set if and only if words[w] is not 0. */
struct priomap {
    unsigned long summary;
    unsigned long words[PRIOMAP_WORDS];
};

static inline void priomap_init(struct priomap *map)
{
    map->summary = 0;
    for (size_t i = 0; i < PRIOMAP_WORDS; i++)
        map->words[i] = 0;
}

static inline bool priomap_is_empty(const struct priomap *map)
{
    return map->summary == 0;
}

static inline bool priomap_test(const struct priomap *map, unsigned int priority)
{
    ASSERT(priority < PRIOMAP_BITS);
    return (map->words[priority / BITMAP_WORD_BITS] & bitmap_mask(priority)) != 0;
}

static inline void priomap_set(struct priomap *map, unsigned int priority)
{
    ASSERT(priority < PRIOMAP_BITS);
    map->words[priority / BITMAP_WORD_BITS] |= bitmap_mask(priority);
    map->summary |= 1ul << (priority / BITMAP_WORD_BITS);
}

static inline void priomap_clear(struct priomap *map, unsigned int priority)
{
    ASSERT(priority < PRIOMAP_BITS);
    map->words[priority / BITMAP_WORD_BITS] &= ~bitmap_mask(priority);
    if (map->words[priority / BITMAP_WORD_BITS] == 0)
        map->summary &= ~(1ul << (priority / BITMAP_WORD_BITS));
}

/* The least number that is set, which is the highest priority; -1: none is. */
static inline int priomap_first(const struct priomap *map)
{
    if (map->summary == 0)
        return -1;
    int word = __builtin_ctzl(map->summary);

    return word * (int)BITMAP_WORD_BITS + __builtin_ctzl(map->words[word]);
}

#endif
