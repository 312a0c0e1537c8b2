/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unique identifiers and the site's table of named objects. Every actor, port, group and local
 * cache has an entry; the table finds the object of an identifier in constant time.
 *
 * I1 A stamp never repeats: boot epoch (24 bits, random where nothing better is known) | counter
 *    (32 bits).
 * I2 An entry is in the table exactly while its identifier is not zero.
 */
#ifndef NUCLEUS_UI_H
#define NUCLEUS_UI_H

#include <stdbool.h>

#include "chorus/types.h"
#include "kit/hash.h"
#include "kit/list.h"

#define UI_BUCKETS 1024

struct ui_entry {
    struct hash_node node;
    KnUniqueId ui;
};

struct ui_table {
    struct hash hash;
    struct hash_node *bucket[UI_BUCKETS];
    uint32_t site;
    uint32_t epoch;
    uint32_t counter;
};

void ui_table_init(struct ui_table *table, uint32_t site, uint32_t epoch);

/* A new identifier of this site. */
KnUniqueId ui_new(struct ui_table *table, KnUiType type);

void ui_enter(struct ui_table *table, struct ui_entry *entry, KnUniqueId ui);
void ui_leave(struct ui_table *table, struct ui_entry *entry);
struct ui_entry *ui_find(struct ui_table *table, KnUniqueId ui);

static inline bool ui_equal(KnUniqueId a, KnUniqueId b)
{
    return a.uiHead == b.uiHead && a.uiTail == b.uiTail;
}

static inline bool ui_is_none(KnUniqueId ui)
{
    return ui.uiHead == 0 && ui.uiTail == 0;
}

static inline KnUiType ui_type(KnUniqueId ui)
{
    return (KnUiType)(ui.uiTail >> K_UISTAMP_BITS);
}

#endif
