/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/executive/ui.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "nucleus/site.h"

#define UI_DOMAIN 1u
#define UI_COUNTER_BITS 32
#define UI_STAMP_MASK ((UINT64_C(1) << K_UISTAMP_BITS) - 1)

void ui_table_init(struct ui_table *table, uint32_t site, uint32_t epoch)
{
    hash_init(&table->hash, table->bucket, UI_BUCKETS);
    table->site = site;
    table->epoch = epoch & ((1u << (K_UISTAMP_BITS - UI_COUNTER_BITS)) - 1);
    table->counter = 0;
}

KnUniqueId ui_new(struct ui_table *table, KnUiType type)
{
    /* After 2^32 names the stamps go on in the next epoch's, which nobody else uses before this
     * site has started again that often. */
    uint64_t stamp = ((uint64_t)table->epoch << UI_COUNTER_BITS) + ++table->counter;

    return (KnUniqueId){
        .uiHead = (uint64_t)UI_DOMAIN << 32 | table->site,
        .uiTail = (uint64_t)type << K_UISTAMP_BITS | (stamp & UI_STAMP_MASK),
    };
}

void ui_enter(struct ui_table *table, struct ui_entry *entry, KnUniqueId ui)
{
    ASSERT(!ui_is_none(ui) && ui_is_none(entry->ui));
    entry->ui = ui;
    hash_insert(&table->hash, &entry->node, hash_u64(ui.uiHead ^ ui.uiTail));
}

void ui_leave(struct ui_table *table, struct ui_entry *entry)
{
    ASSERT(!ui_is_none(entry->ui));
    hash_remove(&table->hash, &entry->node, hash_u64(entry->ui.uiHead ^ entry->ui.uiTail));
    entry->ui = (KnUniqueId){0, 0};
}

struct ui_entry *ui_find(struct ui_table *table, KnUniqueId ui)
{
    struct ui_entry *entry;

    HASH_FOR_EACH(entry, &table->hash, hash_u64(ui.uiHead ^ ui.uiTail), node) {
        if (ui_equal(entry->ui, ui))
            return entry;
    }
    return NULL;
}
