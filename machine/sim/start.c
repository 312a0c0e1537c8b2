/* SPDX-License-Identifier: BSD-2-Clause */
/* How a simulated machine starts: it makes the boot record of what the world tells, and its
 * struct site. */
#include "kit/assert.h"
#include "kit/string.h"
#include "machine/boot.h"
#include "machine/sim/internal.h"
#include "machine/sim_host.h"
#include "machine/system.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define PAGE ((uint64_t)1 << MACHINE_PAGE_SHIFT)

_Static_assert(SIM_RANGES <= BOOT_RANGES, "the boot record has room for the world's ranges");

static void record_make(struct boot_record *record, const struct sim_start *start)
{
    const struct sim_range *archive = &start->archive;
    uint64_t first = archive->base & ~(PAGE - 1);
    uint64_t end = (archive->base + archive->bytes + PAGE - 1) & ~(PAGE - 1);

    for (uint32_t i = 0; i < start->memory_count; i++)
        record->memory[i] = (struct boot_range){start->memory[i].base, start->memory[i].bytes};
    record->memory_count = start->memory_count;
    record->reserved[0] = (struct boot_range){first, end - first};
    record->reserved_count = 1;
    record->archive = (struct boot_range){archive->base, archive->bytes};
    record->site = start->site;
    record->start_ns = sim_host_now_ns();
    strlcpy(record->command_line, start->command_line, sizeof(record->command_line));
}

void sim_site_start(const struct sim_start *start)
{
    const struct sim_range *last = &start->memory[start->memory_count - 1];
    struct site *site = sim_host_memory_take(sizeof(struct site));
    struct boot_record record = {0};

    if (site == NULL)
        sim_host_end(1);
    ASSERT(start->memory_count >= 1 && start->memory_count <= SIM_RANGES);
    sim_cpu = &site->cpu;
    site->cpu.site = site;
    site->cpu.machine =
        (struct machine_cpu){.arena = start->arena,
                             .arena_base = start->memory[0].base,
                             .arena_bytes = last->base + last->bytes - start->memory[0].base,
                             .boot_stack = start->stack,
                             .boot_stack_bytes = start->stack_bytes,
                             .masked = true};
    record_make(&record, start);
    site_start(&record);
}
