/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH boot protocol: the start information that a loader (QEMU's -kernel, cloud virtual
 * machine monitors) leaves in memory. Layout: Xen's public header arch-x86/hvm/start_info.h.
 */
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/x86_64/pc.h"

#define PVH_MAGIC 0x336ec578u
#define PVH_VERSION_WITH_MEMORY 1
#define PVH_MEMORY_USABLE 1

#define FIRST_TABLES_END (UINT64_C(1) << 32) /* start.S maps no more */

struct pvh_information {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, root_pointer;
    uint64_t memory_map;
    uint32_t memory_entries, reserved;
};

struct pvh_module {
    uint64_t base, bytes, command_line, reserved;
};

struct pvh_memory {
    uint64_t base, bytes;
    uint32_t type, reserved;
};

static const void *readable(uint64_t physical, uint64_t bytes)
{
    if (physical == 0 || bytes > FIRST_TABLES_END || physical > FIRST_TABLES_END - bytes)
        boot_die("the loader's information lies where it cannot be read");
    return physical_to_address(physical);
}

uint64_t pvh_read(uint32_t information, struct boot_record *record)
{
    const struct pvh_information *start = readable(information, sizeof(*start));

    if (start->magic != PVH_MAGIC || start->version < PVH_VERSION_WITH_MEMORY)
        boot_die("the loader's information is not PVH, version 1");
    const struct pvh_memory *memory =
        readable(start->memory_map, (uint64_t)start->memory_entries * sizeof(*memory));

    for (uint32_t i = 0; i < start->memory_entries; i++) {
        if (memory[i].type == PVH_MEMORY_USABLE)
            record_add_memory(record, memory[i].base, memory[i].bytes);
    }
    if (start->modules > 0) {
        const struct pvh_module *module = readable(start->module_list, sizeof(*module));

        record->archive = (struct boot_range){module->base, module->bytes};
    }
    if (start->command_line != 0)
        record_set_command_line(record, readable(start->command_line, K_CMDLINEMAX + 1));
    return start->root_pointer;
}
