/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/keys.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"

#define INDEX_MASK ((UINT64_C(1) << KEY_INDEX_BITS) - 1)

STATIC_ASSERT(KEY_LIMIT <= INDEX_MASK, "an index fits its bits");

/* Only trusted actors get keys, so a generator that is seeded well is secret enough: who sees no
 * output cannot tell the next one. */
void keys_init(struct keys *keys, uint64_t seed)
{
    keys->lock = (KnMutex){0};
    keys->first_free = 0;
    keys->used = 0;
    random_init(&keys->random, seed);
}

static struct key_slot *find(struct keys *keys, uint64_t key)
{
    uint64_t index = key & INDEX_MASK;

    if (key == 0 || index >= keys->used || keys->slot[index].key != key)
        return NULL;
    ASSERT(keys->slot[index].references > 0 && keys->slot[index].node != NULL);
    return &keys->slot[index];
}

static bool is_in_the_way(const struct node *node, enum key_use use)
{
    return use == KEY_WRITES ? node->uses < 0 : use == KEY_RUNS && node->uses > 0;
}

static int place_take(struct keys *keys, uint32_t *index)
{
    if (keys->first_free != 0) {
        *index = keys->first_free - 1;
        keys->first_free = keys->slot[*index].next_free;
        return 0;
    }
    if (keys->used == KEY_LIMIT)
        return -ENFILE;
    *index = keys->used++;
    return 0;
}

int key_create(struct keys *keys, struct node *node, enum key_use use, uint64_t *key)
{
    uint32_t index;
    int status;

    ASSERT(node != NULL);
    lock_take(&keys->lock);
    status = is_in_the_way(node, use) ? -ETXTBSY : place_take(keys, &index);
    if (status == 0) {
        uint64_t secret;

        do
            secret = random_next(&keys->random) & ~INDEX_MASK;
        while (secret == 0);
        *key = secret | index;
        keys->slot[index] =
            (struct key_slot){.key = *key, .node = node, .use = use, .references = 1};
        node->uses += use;
    }
    lock_give(&keys->lock);
    return status;
}

int key_check_change(struct keys *keys, const struct node *node)
{
    bool is_run;

    lock_take(&keys->lock);
    is_run = node->uses < 0;
    lock_give(&keys->lock);
    return is_run ? -ETXTBSY : 0;
}

struct node *key_node(struct keys *keys, uint64_t key)
{
    struct node *node = NULL;
    struct key_slot *slot;

    lock_take(&keys->lock);
    slot = find(keys, key);
    if (slot != NULL) {
        node = slot->node;
        node_hold(node);
    }
    lock_give(&keys->lock);
    return node;
}

uint64_t keys_random(struct keys *keys)
{
    uint64_t value;

    lock_take(&keys->lock);
    value = random_next(&keys->random);
    lock_give(&keys->lock);
    return value;
}

int key_hold(struct keys *keys, uint64_t key)
{
    struct key_slot *slot;
    int status = -EBADF;

    lock_take(&keys->lock);
    slot = find(keys, key);
    if (slot != NULL) {
        status = slot->references < UINT32_MAX ? 0 : -ENFILE;
        if (status == 0)
            slot->references++;
    }
    lock_give(&keys->lock);
    return status;
}

/* The node is dropped outside the lock: its end may take a while. */
int key_close(struct keys *keys, uint64_t key)
{
    struct node *node = NULL;
    struct key_slot *slot;

    lock_take(&keys->lock);
    slot = find(keys, key);
    if (slot != NULL && --slot->references == 0) {
        node = slot->node;
        node->uses -= slot->use;
        *slot = (struct key_slot){.next_free = keys->first_free};
        keys->first_free = (uint32_t)(slot - keys->slot) + 1;
    }
    lock_give(&keys->lock);
    node_drop(node);
    return slot == NULL ? -EBADF : 0;
}
