/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few macros that every file wants. Those that only compute (ARRAY_SIZE, ALIGN_*, IS_*,
 * DIV_ROUND_UP) are constant expressions when their arguments are; MIN and MAX evaluate each
 * argument once.
 */
#ifndef KIT_BASE_H
#define KIT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(cond) __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that holds `member` at `pointer`. The branch never taken is there for its type:
 * a pointer to anything else than the member does not compile. */
#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(1 ? (pointer) : &((type *)0)->member) - offsetof(type, member)))

#define IS_POWER_OF_TWO(x) ((x) != 0 && ((x) & ((x)-1)) == 0)

/* `align` is a power of two. The result has the type of x, so a narrow `align` cuts nothing off. */
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define ALIGN_UP(x, align) ALIGN_DOWN((x) + ((__typeof__(x))(align)-1), align)
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)

/* Does not overflow, so a length from outside may come as it is; evaluates its arguments twice. */
#define DIV_ROUND_UP(n, d) ((n) / (d) + ((n) % (d) != 0))

#define MIN(a, b) \
    KIT_CHOOSE(a, <, b, KIT_UNIQUE(first_, __COUNTER__), KIT_UNIQUE(second_, __COUNTER__))
#define MAX(a, b) \
    KIT_CHOOSE(a, >, b, KIT_UNIQUE(first_, __COUNTER__), KIT_UNIQUE(second_, __COUNTER__))

/* The names differ in each use, so that uses nest without shadowing. The result has the common
 * type of a and b; the comparison that is never made lets the compiler object where their signs
 * differ. */
#define KIT_UNIQUE(name, number) KIT_UNIQUE_PASTE(name, number)
#define KIT_UNIQUE_PASTE(name, number) name##number
#define KIT_CHOOSE(a, relation, b, first, second)                  \
    ({                                                             \
        if (0)                                                     \
            (void)((a)relation(b));                                \
        const __typeof__(1 ? (a) : (b)) first = (a), second = (b); \
        first relation second ? first : second;                    \
    })

#endif
