/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces. One supervisor space, seen by every user space in the supervisor's address range,
 * and a user space for each user actor. Tables come from frame_take_table()/frame_give_table()
 * (nucleus/vm/frame.c).
 *
 * I1 Never writable and executable at once in the supervisor space; in a user space only as asked.
 * I2 mmu_map never fails half-way: the page is mapped or the tables are as before.
 */
#ifndef MACHINE_MMU_H
#define MACHINE_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "machine/arch.h"

#define MMU_READ 1u
#define MMU_WRITE 2u
#define MMU_EXECUTE 4u
#define MMU_USER 8u      /* reachable in user mode */
#define MMU_UNCACHED 16u /* device memory */

struct mmu_entry {
    uint64_t physical;
    uint32_t access;
    bool used;     /* referenced since the mark was cleared */
    bool modified; /* written since the mark was cleared */
};

KnResult mmu_space_create(struct machine_space *space);
/* of a space that maps nothing; frees tables */
void mmu_space_destroy(struct machine_space *space);
struct machine_space *mmu_supervisor_space(void);

/* Replaces what the page mapped. Errors: K_ENOMEM (no frame for a table). */
KnResult mmu_map(struct machine_space *space, VmAddr page, uint64_t physical, uint32_t access);

/* Ranges are whole pages; holes are skipped quickly. */
void mmu_unmap(struct machine_space *space, VmAddr start, VmSize bytes);
void mmu_protect(struct machine_space *space, VmAddr start, VmSize bytes, uint32_t access);

/* What a page maps; false if nothing. */
bool mmu_query(struct machine_space *space, VmAddr page, struct mmu_entry *entry);

/* Clears the marks of a page and says what they were; false if nothing is mapped. */
bool mmu_clear_marks(struct machine_space *space, VmAddr page, struct mmu_entry *before);

/* First mapped page at or above `start` and below `end`, to walk large sparse ranges; false if
 * none. */
bool mmu_next(struct machine_space *space, VmAddr start, VmAddr end, VmAddr *page);

/* Makes `space` the current user space; NULL: none. The executive calls it only on a change. */
void mmu_activate(struct machine_space *space);

#endif
