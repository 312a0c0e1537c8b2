/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repeatable random numbers for tests and the simulator: xoshiro256** (Blackman and Vigna, 2018),
 * its state filled by splitmix64. One seed gives one sequence on every machine. Not for secrets.
 *
 * I1 The state is never all zero: splitmix64 gives no two equal numbers in a row.
 */
#ifndef KIT_RANDOM_H
#define KIT_RANDOM_H

#include <stdint.h>

#include "kit/assert.h"

struct random {
    uint64_t state[4];
};

static inline void random_init(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t mixed = seed += UINT64_C(0x9e3779b97f4a7c15);

        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = mixed ^ mixed >> 31;
    }
}

static inline uint64_t random_rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = random_rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = random_rotate(s[3], 45);
    return result;
}

/* Each of 0 to bound - 1 with the same chance. Numbers below 2^64 mod bound are drawn again,
 * since they would make small results likelier: less than one draw in two, whatever the bound. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t unfair = (0 - bound) % bound;
    uint64_t drawn;

    do
        drawn = random_next(random);
    while (drawn < unfair);
    return drawn % bound;
}

#endif
