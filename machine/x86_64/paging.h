/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page table entries.
 *
 * I1 An entry that points to a table holds in its ignored bits how many entries of that table are
 *    present. mmu.c frees a table when the count falls to zero; tables made at boot start at one,
 *    so they stay.
 */
#ifndef X86_64_PAGING_H
#define X86_64_PAGING_H

#include <stdint.h>

#define ENTRY_PRESENT (UINT64_C(1) << 0)
#define ENTRY_WRITE (UINT64_C(1) << 1)
#define ENTRY_USER (UINT64_C(1) << 2)
#define ENTRY_WRITE_THROUGH (UINT64_C(1) << 3)
#define ENTRY_CACHE_DISABLE (UINT64_C(1) << 4)
#define ENTRY_ACCESSED (UINT64_C(1) << 5)
#define ENTRY_DIRTY (UINT64_C(1) << 6)
#define ENTRY_LARGE (UINT64_C(1) << 7) /* above the last level: maps 2 MiB */
#define ENTRY_GLOBAL (UINT64_C(1) << 8)
#define ENTRY_COUNT_SHIFT 52
#define ENTRY_COUNT_ONE (UINT64_C(1) << ENTRY_COUNT_SHIFT)
#define ENTRY_COUNT_MASK (UINT64_C(0x3ff) << ENTRY_COUNT_SHIFT)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

#define PAGING_LEVELS 4 /* 3: the top table; 0: the table of pages */
#define TABLE_ENTRIES 512u
#define SMALL_PAGE UINT64_C(4096)
#define LARGE_PAGE UINT64_C(0x200000)

/* What one entry of a table at `level` spans. */
static inline uint64_t paging_span(unsigned level)
{
    return SMALL_PAGE << (9 * level);
}

static inline unsigned paging_index(uint64_t address, unsigned level)
{
    return (unsigned)(address >> (12 + 9 * level)) & (TABLE_ENTRIES - 1);
}

#endif
