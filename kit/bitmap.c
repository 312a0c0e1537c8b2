/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What works on many bits of a bitmap: a word at a time. The interface stands in kit/bitmap.h.
 */
#include "kit/bitmap.h"

#include <stdint.h>

#include "kit/base.h"

void bitmap_init(struct bitmap *bitmap, unsigned long *words, size_t bits)
{
    bitmap->words = words;
    bitmap->bits = bits;
    for (size_t i = 0; i < BITMAP_WORDS(bits); i++)
        words[i] = 0;
}

/* Those bits of word `index` that lie in [first, limit), where the word and the range meet. */
static unsigned long range_mask(size_t index, size_t first, size_t limit)
{
    size_t base = index * BITMAP_WORD_BITS;
    unsigned long mask = ~0ul;

    if (first > base)
        mask &= ~0ul << (first - base);
    if (limit - base < BITMAP_WORD_BITS)
        mask &= ~(~0ul << (limit - base));
    return mask;
}

void bitmap_set_range(struct bitmap *bitmap, size_t first, size_t count)
{
    ASSERT(first <= bitmap->bits && count <= bitmap->bits - first);
    size_t limit = first + count;

    for (size_t i = first / BITMAP_WORD_BITS; i < BITMAP_WORDS(limit); i++)
        bitmap->words[i] |= range_mask(i, first, limit);
}

void bitmap_clear_range(struct bitmap *bitmap, size_t first, size_t count)
{
    ASSERT(first <= bitmap->bits && count <= bitmap->bits - first);
    size_t limit = first + count;

    for (size_t i = first / BITMAP_WORD_BITS; i < BITMAP_WORDS(limit); i++)
        bitmap->words[i] &= ~range_mask(i, first, limit);
}

/* The first bit at or above `from` that is set after each word was xor-ed with `flip`. */
static size_t find_from(const struct bitmap *bitmap, size_t from, unsigned long flip)
{
    ASSERT(from <= bitmap->bits);
    for (size_t i = from / BITMAP_WORD_BITS; i < BITMAP_WORDS(bitmap->bits); i++) {
        unsigned long found = (bitmap->words[i] ^ flip) & range_mask(i, from, bitmap->bits);

        if (found != 0)
            return i * BITMAP_WORD_BITS + (size_t)__builtin_ctzl(found);
    }
    return bitmap->bits;
}

size_t bitmap_find_first_set_from(const struct bitmap *bitmap, size_t from)
{
    return find_from(bitmap, from, 0);
}

size_t bitmap_find_first_zero_from(const struct bitmap *bitmap, size_t from)
{
    return find_from(bitmap, from, ~0ul);
}

/* Sums in place bits, pairs, fours, bytes. The compiler's own may be a call into a library we
 * lack. */
static size_t count_word(unsigned long word)
{
    word -= word >> 1 & ~0ul / 3;
    word = (word & ~0ul / 5) + (word >> 2 & ~0ul / 5);
    word = (word + (word >> 4)) & ~0ul / 17;
    return (word * (~0ul / UINT8_MAX)) >> (BITMAP_WORD_BITS - CHAR_BIT);
}

size_t bitmap_count(const struct bitmap *bitmap)
{
    size_t count = 0;

    for (size_t i = 0; i < BITMAP_WORDS(bitmap->bits); i++)
        count += count_word(bitmap->words[i]);
    return count;
}
