/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: how the users of OM name what they have open. A key is a place in the table and a secret,
 * so a key that was closed, or guessed, opens nothing.
 *
 * I1 A place in use has a node, held, and at least one reference; a free one is on the free list.
 * I2 node->uses is the sum of the uses of its keys, and no file has keys of KEY_WRITES and KEY_RUNS
 *    at the same time.
 */
#ifndef OM_KEYS_H
#define OM_KEYS_H

#include "kit/random.h"
#include "subsystems/mix/om/fs.h"

#define KEY_LIMIT 16384u
#define KEY_INDEX_BITS 16 /* of a key; the others are the secret */

enum key_use { KEY_RUNS = -1, KEY_LOOKS, KEY_WRITES };

struct key_slot {
    uint64_t key; /* 0: free */
    struct node *node;
    enum key_use use;
    uint32_t references;
    uint32_t next_free; /* index + 1; 0: no more */
};

struct keys {
    KnMutex lock;
    struct random random;
    uint32_t first_free; /* index + 1 */
    uint32_t used;       /* places that were ever in use */
    struct key_slot slot[KEY_LIMIT];
};

/* `seed`: from the Nucleus' random source. */
void keys_init(struct keys *keys, uint64_t seed);

/* Makes a key; the caller's hold of the node becomes the key's. -ENFILE: the table is full;
 * -ETXTBSY: it is run while it should be written, or the other way round. The hold is the caller's
 * then. */
int key_create(struct keys *keys, struct node *node, enum key_use use, uint64_t *key);

/* -ETXTBSY if the node is being run. */
int key_check_change(struct keys *keys, const struct node *node);

/* The node of a key, held for the caller; NULL: no such key. */
struct node *key_node(struct keys *keys, uint64_t key);

/* A number that nobody can guess who has seen no other one. */
uint64_t keys_random(struct keys *keys);

/* One reference more, one less; -EBADF. */
int key_hold(struct keys *keys, uint64_t key);
int key_close(struct keys *keys, uint64_t key);

#endif
