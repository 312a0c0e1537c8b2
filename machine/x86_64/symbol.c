/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For a panic: names of code addresses, from the table that the build makes of the image itself
 * (tools/gen_symbols.py), and the chain of calls.
 */
#include "machine/context.h"
#include "machine/mmu.h"
#include "machine/system.h"
#include "machine/x86_64/pc.h"

struct symbol {
    uint32_t offset; /* from text_start; ascending */
    uint32_t name;   /* offset in symbols_names */
};

extern const struct symbol symbols_start[];
extern const uint32_t symbols_count;
extern const char symbols_names[];
extern const char text_start[], text_end[];

const char *machine_symbol(uintptr_t address, uintptr_t *offset)
{
    uint32_t low = 0, high = symbols_count;
    uintptr_t wanted = address - (uintptr_t)text_start;

    if (address < (uintptr_t)text_start || address >= (uintptr_t)text_end)
        return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symbols_start[middle].offset <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = wanted - symbols_start[low - 1].offset;
    return symbols_names + symbols_start[low - 1].name;
}

/* Both words of a frame lie on a mapped page of some supervisor stack. */
static bool is_frame(uintptr_t frame)
{
    struct mmu_entry entry;

    return frame % sizeof(uintptr_t) == 0 && frame >= MACHINE_STACKS_LOW &&
           frame < MACHINE_STACKS_HIGH &&
           mmu_query(mmu_supervisor_space(), frame & ~(uintptr_t)0xfff, &entry) &&
           mmu_query(mmu_supervisor_space(), (frame + sizeof(uintptr_t)) & ~(uintptr_t)0xfff,
                     &entry);
}

size_t context_backtrace(uintptr_t *address, size_t limit)
{
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    size_t count = 0;

    for (; count < limit && is_frame(frame); count++) {
        const uintptr_t *word = (const uintptr_t *)frame;

        if (word[1] == 0)
            break;
        address[count] = word[1];
        frame = word[0];
    }
    return count;
}
