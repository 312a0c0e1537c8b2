/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisor stacks: slots of 32 KiB, of which the upper 16 KiB are mapped. Making a thread must
 * be quick, so a few stacks that are given back stay mapped for the next.
 *
 * I1 A slot's bit is set exactly while pages are mapped in it.
 * I2 Below each stack lies an unmapped page: the rest of its own slot.
 */
#include "kit/assert.h"
#include "machine/frames.h"
#include "machine/mmu.h"
#include "machine/x86_64/pc.h"
#include "nucleus/vm/frame.h"

#define STACKS_KEPT 16
#define STACK_PAGES (MACHINE_STACK_BYTES >> MACHINE_PAGE_SHIFT)
#define WORDS (MACHINE_STACK_SLOTS / 64)

uint64_t stack_top_of(uint32_t slot)
{
    ASSERT(slot < MACHINE_STACK_SLOTS);
    return MACHINE_STACKS_LOW + (slot + 1) * MACHINE_STACK_SLOT_BYTES;
}

void stack_reserve(uint32_t slot)
{
    ASSERT((pc.stacks.taken[slot / 64] >> slot % 64 & 1) == 0);
    pc.stacks.taken[slot / 64] |= UINT64_C(1) << slot % 64;
}

static uint32_t slot_of(uint64_t top)
{
    return (uint32_t)((top - MACHINE_STACKS_LOW) / MACHINE_STACK_SLOT_BYTES) - 1;
}

static void unmap(uint64_t top)
{
    struct machine_space *space = mmu_supervisor_space();
    struct mmu_entry entry;

    for (uint64_t page = top - MACHINE_STACK_BYTES; page < top; page += PAGE_BYTES) {
        if (!mmu_query(space, page, &entry))
            continue;
        mmu_unmap(space, page, PAGE_BYTES);
        frame_give_table(physical_to_address(entry.physical));
    }
}

static bool map(uint64_t top)
{
    for (uint64_t page = top - MACHINE_STACK_BYTES; page < top; page += PAGE_BYTES) {
        void *frame = frame_take_table();

        if (frame == NULL)
            return false;
        if (mmu_map(mmu_supervisor_space(), page, address_to_physical(frame),
                    MMU_READ | MMU_WRITE) != K_OK) {
            frame_give_table(frame);
            return false;
        }
    }
    return true;
}

/* The word at the top of a stack that is kept: the next one's top. */
static uint64_t *next_of(uint64_t top)
{
    return (uint64_t *)top - 1;
}

uint64_t stack_take(void)
{
    struct stacks *stacks = &pc.stacks;
    uint64_t top = stacks->kept;

    if (top != 0) {
        stacks->kept = *next_of(top);
        stacks->kept_count--;
        return top;
    }
    for (uint32_t word = 0; word < WORDS; word++) {
        if (stacks->taken[word] == UINT64_MAX)
            continue;
        uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(~stacks->taken[word]);

        top = stack_top_of(slot);
        stack_reserve(slot);
        if (map(top))
            return top;
        unmap(top);
        stacks->taken[word] &= ~(UINT64_C(1) << slot % 64);
        return 0;
    }
    return 0;
}

void stack_give(uint64_t top)
{
    struct stacks *stacks = &pc.stacks;
    uint32_t slot = slot_of(top);

    ASSERT(slot >= STACK_FIRST_FREE && (stacks->taken[slot / 64] >> slot % 64 & 1) != 0);
    if (stacks->kept_count < STACKS_KEPT) {
        *next_of(top) = stacks->kept;
        stacks->kept = top;
        stacks->kept_count++;
        return;
    }
    unmap(top);
    stacks->taken[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}
