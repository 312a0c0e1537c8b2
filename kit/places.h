/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places for objects of one size in an array of the caller: taken and given back in constant time.
 * Those that were never taken are never touched, so a large array costs memory only as far as it is
 * used. Who wants misuse to be noticed takes kit/pool.h.
 *
 * I1 Each place below `used` is taken, or on the list of free ones by its first bytes.
 */
#ifndef KIT_PLACES_H
#define KIT_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "kit/assert.h"

struct free_place {
    struct free_place *next;
};

struct places {
    struct free_place *free;
    uint32_t used; /* that were ever taken */
};

/* For an array that is a member beside its places: NULL when all are taken. */
#define PLACES_TAKE(places, array) \
    places_take((places), (array), sizeof((array)[0]), sizeof(array) / sizeof((array)[0]))

static inline void *places_take(struct places *places, void *array, size_t object_bytes,
                                size_t count)
{
    struct free_place *place = places->free;

    ASSERT(object_bytes >= sizeof(struct free_place));
    if (place != NULL) {
        places->free = place->next;
        return place;
    }
    return places->used < count ? (char *)array + places->used++ * object_bytes : NULL;
}

/* The content is lost. */
static inline void places_give(struct places *places, void *object)
{
    struct free_place *place = object;

    ASSERT(place != NULL);
    place->next = places->free;
    places->free = place;
}

#endif
