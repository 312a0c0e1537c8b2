/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: a tree of four levels of tables, each one frame, as on many processors; walked by
 * copies and accessors instead of by hardware.
 *
 * entry: physical address | marks, or 0. In the lowest level the marks are the access granted, USED
 * and MODIFIED; above it PRESENT alone.
 *
 * I1 A table that holds nothing is given back at once, so a space that maps nothing has no table.
 * I2 mmu_map leaves no empty table behind when it fails.
 */
#include "machine/mmu.h"

#include "kit/assert.h"
#include "machine/frames.h"
#include "machine/sim/internal.h"
#include "nucleus/site.h"

#define LEVELS 4 /* the lowest is level 0 */
#define INDEX_BITS (MACHINE_PAGE_SHIFT - 3)
#define ENTRIES ((size_t)1 << INDEX_BITS)

#define ACCESS_MASK UINT64_C(0x1f)
#define USED UINT64_C(0x20)
#define MODIFIED UINT64_C(0x40)
#define PRESENT UINT64_C(0x80)
#define PHYSICAL_MASK (~((UINT64_C(1) << MACHINE_PAGE_SHIFT) - 1))

static unsigned shift_of(int level)
{
    return MACHINE_PAGE_SHIFT + (unsigned)level * INDEX_BITS;
}

static size_t index_of(VmAddr address, int level)
{
    return (address >> shift_of(level)) & (ENTRIES - 1);
}

/* The last address below `address`'s entry in a table of `level`. */
static VmAddr last_of(VmAddr address, int level)
{
    return address | (((VmAddr)1 << shift_of(level)) - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return physical_to_address(entry & PHYSICAL_MASK);
}

static bool table_is_empty(const uint64_t *table)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (table[i] != 0)
            return false;
    return true;
}

/* ---- Spaces ------------------------------------------------------------------------------ */

KnResult mmu_space_create(struct machine_space *space)
{
    space->root = NULL;
    return K_OK;
}

void mmu_space_destroy(struct machine_space *space)
{
    ASSERT(space->root == NULL);
    ASSERT(cpu_self()->machine.user != space);
}

struct machine_space *mmu_supervisor_space(void)
{
    return &cpu_self()->machine.supervisor;
}

void mmu_activate(struct machine_space *space)
{
    cpu_self()->machine.user = space;
}

/* ---- One page ---------------------------------------------------------------------------- */

static uint64_t *entry_find(struct machine_space *space, VmAddr page)
{
    uint64_t *table = space->root;

    for (int level = LEVELS - 1; table != NULL; level--) {
        uint64_t *entry = &table[index_of(page, level)];

        if (*entry == 0)
            return NULL;
        if (level == 0)
            return entry;
        table = table_of(*entry);
    }
    return NULL;
}

static uint64_t *table_new(void)
{
    uint64_t *table = frame_take_table();

    if (table != NULL)
        page_zero(table);
    return table;
}

KnResult mmu_map(struct machine_space *space, VmAddr page, uint64_t physical, uint32_t access)
{
    uint64_t *table;

    ASSERT((page & ~PHYSICAL_MASK) == 0 && (physical & ~PHYSICAL_MASK) == 0 &&
           access <= ACCESS_MASK);
    if (space->root == NULL)
        space->root = table_new();
    table = space->root;
    for (int level = LEVELS - 1; table != NULL && level > 0; level--) {
        uint64_t *entry = &table[index_of(page, level)];

        if (*entry == 0) {
            uint64_t *below = table_new();

            if (below != NULL)
                *entry = address_to_physical(below) | PRESENT;
        }
        table = *entry == 0 ? NULL : table_of(*entry);
    }
    if (table == NULL) {
        mmu_unmap(space, page,
                  (VmSize)1 << MACHINE_PAGE_SHIFT); /* gives the new tables back (I2) */
        return K_ENOMEM;
    }
    table[index_of(page, 0)] = physical | access | PRESENT;
    return K_OK;
}

static void entry_describe(uint64_t found, struct mmu_entry *entry)
{
    entry->physical = found & PHYSICAL_MASK;
    entry->access = (uint32_t)(found & ACCESS_MASK);
    entry->used = (found & USED) != 0;
    entry->modified = (found & MODIFIED) != 0;
}

bool mmu_query(struct machine_space *space, VmAddr page, struct mmu_entry *entry)
{
    const uint64_t *found = entry_find(space, page);

    if (found == NULL)
        return false;
    entry_describe(*found, entry);
    return true;
}

bool mmu_clear_marks(struct machine_space *space, VmAddr page, struct mmu_entry *before)
{
    uint64_t *found = entry_find(space, page);

    if (found == NULL)
        return false;
    entry_describe(*found, before);
    *found &= ~(USED | MODIFIED);
    return true;
}

char *mmu_walk(struct machine_space *space, VmAddr address, uint32_t access)
{
    VmAddr page = address & (VmAddr)PHYSICAL_MASK;
    uint64_t *found = entry_find(space, page);
    char *frame;

    if (found == NULL || (*found & access) != access)
        return NULL;
    frame = arena_at(*found & PHYSICAL_MASK);
    if (frame == NULL)
        return NULL;
    *found |= (access & MMU_WRITE) != 0 ? USED | MODIFIED : USED;
    return frame + (address - page);
}

/* ---- Ranges ------------------------------------------------------------------------------ */

/* Unmaps [first, last] below `table`, and gives back the tables this empties; whether `table`
 * itself is empty. */
static bool unmap_in(uint64_t *table, int level, VmAddr first, VmAddr last)
{
    for (VmAddr at = first;; at = last_of(at, level) + 1) {
        uint64_t *entry = &table[index_of(at, level)];
        VmAddr end = last_of(at, level) < last ? last_of(at, level) : last;

        if (*entry != 0 && (level == 0 || unmap_in(table_of(*entry), level - 1, at, end))) {
            if (level > 0)
                frame_give_table(table_of(*entry));
            *entry = 0;
        }
        if (end == last)
            return table_is_empty(table);
    }
}

void mmu_unmap(struct machine_space *space, VmAddr start, VmSize bytes)
{
    ASSERT(bytes == 0 || start + (bytes - 1) >= start);
    if (bytes == 0 || space->root == NULL)
        return;
    if (unmap_in(space->root, LEVELS - 1, start, start + (bytes - 1))) {
        frame_give_table(space->root);
        space->root = NULL;
    }
}

/* The first entry of level 0 in [*at, last]; *at becomes its page. */
static uint64_t *entry_next(uint64_t *table, int level, VmAddr *at, VmAddr last)
{
    for (;;) {
        uint64_t *entry = &table[index_of(*at, level)];
        VmAddr end = last_of(*at, level) < last ? last_of(*at, level) : last;

        if (*entry != 0) {
            uint64_t *found = level == 0 ? entry : entry_next(table_of(*entry), level - 1, at, end);

            if (found != NULL)
                return found;
        }
        if (end == last)
            return NULL;
        *at = end + 1;
    }
}

void mmu_protect(struct machine_space *space, VmAddr start, VmSize bytes, uint32_t access)
{
    VmAddr at = start, last = start + (bytes - 1);
    uint64_t *entry;

    ASSERT(access <= ACCESS_MASK && (bytes == 0 || last >= start));
    if (bytes == 0 || space->root == NULL)
        return;
    while ((entry = entry_next(space->root, LEVELS - 1, &at, last)) != NULL) {
        *entry = (*entry & ~ACCESS_MASK) | access;
        if (last_of(at, 0) >= last)
            break;
        at = last_of(at, 0) + 1;
    }
}

bool mmu_next(struct machine_space *space, VmAddr start, VmAddr end, VmAddr *page)
{
    VmAddr at = start;

    ASSERT(start <= end);
    if (start == end || space->root == NULL)
        return false;
    if (entry_next(space->root, LEVELS - 1, &at, end - 1) == NULL)
        return false;
    *page = at;
    return true;
}
