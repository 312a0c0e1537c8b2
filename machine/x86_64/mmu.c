/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: four levels of tables. See paging.h for entries and for when a table is freed.
 *
 * I1 Only pages of 4 KiB lie in the ranges that mmu_* are called for.
 * I2 The upper halves of all top tables are equal (arch.h, I1): the supervisor space's is the
 *    master, and only in it are the counts of those entries kept.
 * I3 When a function returns, the processor remembers nothing of what it took away. A space that
 *    is not loaded has nothing to be remembered: loading CR3 forgets all but global pages, which
 *    only the supervisor space has.
 */
#include "machine/mmu.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/paging.h"
#include "machine/x86_64/pc.h"
#include "nucleus/site.h"
#include "nucleus/vm/frame.h"

#define UPPER_HALF (TABLE_ENTRIES / 2)
#define TABLES_BELOW_TOP (PAGING_LEVELS - 1)
#define SINGLE_FLUSHES 32 /* above that, everything is forgotten at once */

/* The entries on the way to a page: [3] in the top table, [0] the page's own. */
struct walk {
    uint64_t *entry[PAGING_LEVELS];
    unsigned level; /* the lowest that was reached: 0 unless a table is missing */
};

struct flush {
    bool loaded; /* the space is one the processor uses */
    bool global;
    uint32_t count;
};

/* ---- Forgetting translations ----------------------------------------------------------------- */

static struct flush flush_begin(const struct machine_space *space)
{
    bool global = space == &pc.supervisor_space;

    return (struct flush){.loaded = global || cpu_self()->machine.space_root == space->root,
                          .global = global};
}

static void flush_page(struct flush *flush, VmAddr page)
{
    if (flush->loaded && flush->count++ < SINGLE_FLUSHES)
        invlpg(page);
}

static void flush_end(const struct flush *flush)
{
    if (flush->count <= SINGLE_FLUSHES)
        return;
    if (flush->global) {
        write_cr4(read_cr4() & ~CR4_GLOBAL_PAGES);
        write_cr4(read_cr4() | CR4_GLOBAL_PAGES);
    } else {
        write_cr3(cpu_self()->machine.space_root);
    }
}

/* ---- Walking --------------------------------------------------------------------------------- */

static uint64_t *table_of(uint64_t entry)
{
    return physical_to_address(entry & ENTRY_ADDRESS);
}

/* Down to the page's entry, or to the first entry on the way that is empty. */
static void walk_to(const struct machine_space *space, VmAddr page, struct walk *walk)
{
    uint64_t *table = physical_to_address(space->root);

    for (unsigned level = PAGING_LEVELS - 1;; level--) {
        uint64_t *entry = &table[paging_index(page, level)];

        walk->entry[level] = entry;
        walk->level = level;
        if (level == 0 || (*entry & ENTRY_PRESENT) == 0)
            return;
        ASSERT((*entry & ENTRY_LARGE) == 0);
        table = table_of(*entry);
    }
}

/* Where the pages end that the table of *page covers, or the range ends. */
static VmAddr table_end(VmAddr page, VmAddr end)
{
    VmAddr limit = ALIGN_DOWN(page, paging_span(1)) + (paging_span(1) - SMALL_PAGE);

    return end - SMALL_PAGE < limit ? end : limit + SMALL_PAGE;
}

/* The first present entry of the table from walk->entry[0] on; false: there is none before
 * `limit`. */
static bool scan_table(VmAddr *page, VmAddr limit, struct walk *walk)
{
    uint64_t *entry = walk->entry[0];

    for (; *page < limit && (*entry & ENTRY_PRESENT) == 0; *page += SMALL_PAGE)
        entry++;
    walk->entry[0] = entry;
    return *page < limit;
}

/* The first mapped page at or above *page and below `end`. */
static bool walk_next(const struct machine_space *space, VmAddr *page, VmAddr end,
                      struct walk *walk)
{
    while (*page < end) {
        walk_to(space, *page, walk);
        if (walk->level == 0) {
            if (scan_table(page, table_end(*page, end), walk))
                return true;
            continue;
        }

        uint64_t span = paging_span(walk->level);

        if (*page > UINTPTR_MAX - span)
            return false;
        *page = ALIGN_DOWN(*page, span) + span;
    }
    return false;
}

/* ---- Counts of tables ------------------------------------------------------------------------ */

/* `removed` entries of the table below walk->entry[1] became empty. Tables left empty are freed. */
static void drop_entries(struct walk *walk, uint32_t removed)
{
    for (unsigned level = 1; level < PAGING_LEVELS && removed > 0; level++) {
        uint64_t *entry = walk->entry[level];

        ASSERT((*entry & ENTRY_COUNT_MASK) >> ENTRY_COUNT_SHIFT >= removed);
        *entry -= removed * ENTRY_COUNT_ONE;
        if ((*entry & ENTRY_COUNT_MASK) != 0)
            return;
        frame_give_table(table_of(*entry));
        *entry = 0;
        removed = 1;
    }
}

/* Makes `count` tables, one below the other, from the empty entry at walk->level down. */
static void link_tables(struct walk *walk, VmAddr page, void *const *tables, uint64_t user)
{
    for (unsigned i = 0; walk->level > 0; i++) {
        unsigned level = walk->level;

        *walk->entry[level] = address_to_physical(tables[i]) | ENTRY_PRESENT | ENTRY_WRITE | user;
        if (level + 1 < PAGING_LEVELS)
            *walk->entry[level + 1] += ENTRY_COUNT_ONE;
        walk->level = level - 1;
        walk->entry[level - 1] = (uint64_t *)tables[i] + paging_index(page, level - 1);
    }
}

/* ---- Spaces ---------------------------------------------------------------------------------- */

struct machine_space *mmu_supervisor_space(void)
{
    return &pc.supervisor_space;
}

KnResult mmu_space_create(struct machine_space *space)
{
    uint64_t *top = frame_take_table();
    const uint64_t *master = physical_to_address(pc.supervisor_space.root);

    if (top == NULL)
        return K_ENOMEM;
    memset(top, 0, UPPER_HALF * sizeof(*top));
    memcpy(top + UPPER_HALF, master + UPPER_HALF, UPPER_HALF * sizeof(*top));
    space->root = address_to_physical(top);
    return K_OK;
}

void mmu_space_destroy(struct machine_space *space)
{
    const uint64_t *top = physical_to_address(space->root);
    VmAddr page = 0;

    ASSERT(space != &pc.supervisor_space && space->root != 0);
    ASSERT(!mmu_next(space, page, MACHINE_USER_HIGH, &page));
    if (cpu_self()->machine.space_root == space->root) {
        cpu_self()->machine.space_root = pc.supervisor_space.root;
        write_cr3(pc.supervisor_space.root);
    }
    frame_give_table((void *)(uintptr_t)top);
    space->root = 0;
}

/* Without a space any will do, so what is loaded stays: supervisor code cannot reach user pages
 * (SMAP), and a call from a user actor to a supervisor actor and back costs no translation. */
void mmu_activate(struct machine_space *space)
{
    struct machine_cpu *cpu = &cpu_self()->machine;

    if (space == NULL || space->root == cpu->space_root)
        return;
    cpu->space_root = space->root;
    write_cr3(space->root);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static uint64_t flags_of(const struct machine_space *space, uint32_t access)
{
    uint64_t flags = ENTRY_PRESENT;

    ASSERT((access & MMU_USER) == 0 || space != &pc.supervisor_space);
    ASSERT((access & (MMU_WRITE | MMU_EXECUTE)) != (MMU_WRITE | MMU_EXECUTE) ||
           space != &pc.supervisor_space);
    if (space == &pc.supervisor_space)
        flags |= ENTRY_GLOBAL;
    if ((access & MMU_WRITE) != 0)
        flags |= ENTRY_WRITE;
    if ((access & MMU_USER) != 0)
        flags |= ENTRY_USER;
    if ((access & MMU_EXECUTE) == 0)
        flags |= ENTRY_NO_EXECUTE;
    if ((access & MMU_UNCACHED) != 0)
        flags |= ENTRY_CACHE_DISABLE | ENTRY_WRITE_THROUGH;
    return flags;
}

static uint32_t access_of(uint64_t entry)
{
    uint32_t access = MMU_READ;

    if ((entry & ENTRY_WRITE) != 0)
        access |= MMU_WRITE;
    if ((entry & ENTRY_USER) != 0)
        access |= MMU_USER;
    if ((entry & ENTRY_NO_EXECUTE) == 0)
        access |= MMU_EXECUTE;
    if ((entry & ENTRY_CACHE_DISABLE) != 0)
        access |= MMU_UNCACHED;
    return access;
}

KnResult mmu_map(struct machine_space *space, VmAddr page, uint64_t physical, uint32_t access)
{
    uint64_t flags = flags_of(space, access);
    void *tables[TABLES_BELOW_TOP];
    unsigned count = 0;
    struct walk walk;

    ASSERT(IS_ALIGNED(page | physical, SMALL_PAGE));
    /* Taking a frame may unmap pages elsewhere, and with them free tables: look again each time. */
    for (walk_to(space, page, &walk); walk.level > count; walk_to(space, page, &walk)) {
        tables[count] = frame_take_table();
        if (tables[count] == NULL)
            break;
        page_zero(tables[count++]);
    }
    if (walk.level > count) {
        while (count > 0)
            frame_give_table(tables[--count]);
        return K_ENOMEM;
    }
    while (count > walk.level)
        frame_give_table(tables[--count]);
    link_tables(&walk, page, tables, space == &pc.supervisor_space ? 0 : ENTRY_USER);

    uint64_t before = *walk.entry[0];

    *walk.entry[0] = physical | flags;
    if ((before & ENTRY_PRESENT) == 0) {
        *walk.entry[1] += ENTRY_COUNT_ONE;
    } else {
        struct flush flush = flush_begin(space);

        flush_page(&flush, page);
    }
    return K_OK;
}

void mmu_unmap(struct machine_space *space, VmAddr start, VmSize bytes)
{
    struct flush flush = flush_begin(space);
    VmAddr page = start, end = start + bytes;
    struct walk walk;

    while (walk_next(space, &page, end, &walk)) {
        VmAddr limit = table_end(page, end);
        uint32_t removed = 0;

        for (uint64_t *entry = walk.entry[0]; page < limit; page += SMALL_PAGE, entry++) {
            if ((*entry & ENTRY_PRESENT) == 0)
                continue;
            *entry = 0;
            removed++;
            flush_page(&flush, page);
        }
        drop_entries(&walk, removed);
    }
    flush_end(&flush);
}

void mmu_protect(struct machine_space *space, VmAddr start, VmSize bytes, uint32_t access)
{
    const uint64_t kept = ENTRY_ADDRESS | ENTRY_ACCESSED | ENTRY_DIRTY;
    uint64_t flags = flags_of(space, access);
    struct flush flush = flush_begin(space);
    VmAddr page = start, end = start + bytes;
    struct walk walk;

    while (walk_next(space, &page, end, &walk)) {
        VmAddr limit = table_end(page, end);

        for (uint64_t *entry = walk.entry[0]; page < limit; page += SMALL_PAGE, entry++) {
            if ((*entry & ENTRY_PRESENT) == 0)
                continue;
            *entry = (*entry & kept) | flags;
            flush_page(&flush, page);
        }
    }
    flush_end(&flush);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static uint64_t *find_page(struct machine_space *space, VmAddr page)
{
    struct walk walk;

    walk_to(space, page, &walk);
    if (walk.level > 0 || (*walk.entry[0] & ENTRY_PRESENT) == 0)
        return NULL;
    return walk.entry[0];
}

static void describe(uint64_t entry, struct mmu_entry *out)
{
    *out = (struct mmu_entry){
        .physical = entry & ENTRY_ADDRESS,
        .access = access_of(entry),
        .used = (entry & ENTRY_ACCESSED) != 0,
        .modified = (entry & ENTRY_DIRTY) != 0,
    };
}

bool mmu_query(struct machine_space *space, VmAddr page, struct mmu_entry *entry)
{
    const uint64_t *found = find_page(space, page);

    if (found == NULL)
        return false;
    describe(*found, entry);
    return true;
}

bool mmu_clear_marks(struct machine_space *space, VmAddr page, struct mmu_entry *before)
{
    struct flush flush = flush_begin(space);
    uint64_t *found = find_page(space, page);

    if (found == NULL)
        return false;
    describe(*found, before);
    if (before->used || before->modified) {
        *found &= ~(ENTRY_ACCESSED | ENTRY_DIRTY);
        flush_page(&flush, page);
    }
    return true;
}

bool mmu_next(struct machine_space *space, VmAddr start, VmAddr end, VmAddr *page)
{
    struct walk walk;

    *page = ALIGN_DOWN(start, SMALL_PAGE);
    return walk_next(space, page, end, &walk);
}
