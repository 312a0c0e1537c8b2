/* SPDX-License-Identifier: BSD-2-Clause */
/* mmu.h. Page tables, and telling the processor what changed in them. A space here maps nothing. */
#include "machine/mmu.h"

#include "nucleus/site.h"

KnResult mmu_space_create(struct machine_space *space)
{
    (void)space;
    return K_ENOMEM;
}

void mmu_space_destroy(struct machine_space *space)
{
    (void)space;
}

struct machine_space *mmu_supervisor_space(void)
{
    return &cpu_self()->machine.supervisor;
}

KnResult mmu_map(struct machine_space *space, VmAddr page, uint64_t physical, uint32_t access)
{
    (void)space;
    (void)page;
    (void)physical;
    (void)access;
    return K_ENOMEM;
}

void mmu_unmap(struct machine_space *space, VmAddr start, VmSize bytes)
{
    (void)space;
    (void)start;
    (void)bytes;
}

void mmu_protect(struct machine_space *space, VmAddr start, VmSize bytes, uint32_t access)
{
    (void)space;
    (void)start;
    (void)bytes;
    (void)access;
}

bool mmu_query(struct machine_space *space, VmAddr page, struct mmu_entry *entry)
{
    (void)space;
    (void)page;
    (void)entry;
    return false;
}

bool mmu_clear_marks(struct machine_space *space, VmAddr page, struct mmu_entry *before)
{
    (void)space;
    (void)page;
    (void)before;
    return false;
}

bool mmu_next(struct machine_space *space, VmAddr start, VmAddr end, VmAddr *page)
{
    (void)space;
    (void)start;
    (void)end;
    (void)page;
    return false;
}

void mmu_activate(struct machine_space *space)
{
    (void)space;
}
