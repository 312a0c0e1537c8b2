/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bitmaps of ext2 on the disk: bit n is bit n % 8 of byte n / 8, on every machine.
 */
#ifndef EXT2_BITS_H
#define EXT2_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bits_test(const uint8_t *map, uint32_t bit)
{
    return (map[bit / 8] >> (bit % 8) & 1) != 0;
}

static inline void bits_set(uint8_t *map, uint32_t first, uint32_t count)
{
    for (uint32_t bit = first; bit < first + count; bit++)
        map[bit / 8] |= (uint8_t)(1u << (bit % 8));
}

static inline void bits_clear(uint8_t *map, uint32_t first, uint32_t count)
{
    for (uint32_t bit = first; bit < first + count; bit++)
        map[bit / 8] &= (uint8_t) ~(1u << (bit % 8));
}

static inline bool bits_are_set(const uint8_t *map, uint32_t first, uint32_t count)
{
    for (uint32_t bit = first; bit < first + count; bit++)
        if (!bits_test(map, bit))
            return false;
    return true;
}

/* The first clear bit in [from, limit), or limit. */
static inline uint32_t bits_next_clear(const uint8_t *map, uint32_t from, uint32_t limit)
{
    uint32_t bit = from;

    while (bit < limit && bits_test(map, bit)) {
        bit++;
        while (bit % 8 == 0 && bit + 8 <= limit && map[bit / 8] == 0xff)
            bit += 8;
    }
    return bit;
}

/* The first bit of the first byte that is all clear and lies in [from, limit), or limit. */
static inline uint32_t bits_next_clear_byte(const uint8_t *map, uint32_t from, uint32_t limit)
{
    for (uint32_t bit = (from + 7) / 8 * 8; bit + 8 <= limit; bit += 8)
        if (map[bit / 8] == 0)
            return bit;
    return limit;
}

#endif
