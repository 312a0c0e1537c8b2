/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start: from the loader's information to site_start().
 *
 *   boot_start   under the tables of start.S, image writable: boot record, firmware's tables,
 *                descriptors; builds the final tables
 *   boot_finish  under the final tables, on the stack that becomes the idle thread's: processor
 *                features, interrupt controllers, clock
 */
#include "machine/x86_64/boot.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "machine/clock.h"
#include "machine/frames.h"
#include "machine/system.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"
#include "nucleus/site.h"

#define CPUID_MAX_STANDARD 0x0
#define CPUID_FEATURES 0x1
#define CPUID_EXTENDED_FEATURES 0x7
#define CPUID_1_ECX_RANDOM (1u << 30)
#define CPUID_7_EBX_SMEP (1u << 7)
#define CPUID_7_EBX_SEED (1u << 18)
#define CPUID_7_EBX_SMAP (1u << 20)
#define CPUID_7_ECX_UMIP (1u << 2)

extern const char text_start[], image_end[];
extern uint8_t *const smap_sites_start[], *const smap_sites_end[];

_Noreturn void boot_start(uint32_t protocol, uint32_t information, uint32_t image_base);

struct pc pc;

/* The site's state, and with it the processor's. One object, because the machine must have it
 * before there is anybody to allocate from. */
static struct site boot_site;

_Noreturn void boot_die(const char *why)
{
    machine_log("boot: ", 6);
    machine_log(why, strlen(why));
    machine_log("\n", 1);
    machine_end(1);
}

/* ---- Under the first tables ---------------------------------------------------------------- */

static void adopt_processor(void)
{
    struct cpu *cpu = &boot_site.cpu;

    cpu->machine.self = cpu;
    cpu->machine.alarm_ns = UINT64_MAX;
    cpu->site = &boot_site;
    wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
}

static struct cpuid extended_features(void)
{
    if (cpuid(CPUID_MAX_STANDARD, 0).eax < CPUID_EXTENDED_FEATURES)
        return (struct cpuid){0};
    return cpuid(CPUID_EXTENDED_FEATURES, 0);
}

static void find_features(void)
{
    struct cpuid seven = extended_features();

    pc.has_smap = (seven.ebx & CPUID_7_EBX_SMAP) != 0;
    pc.has_seed = (seven.ebx & CPUID_7_EBX_SEED) != 0;
    pc.has_random = (cpuid(CPUID_FEATURES, 0).ecx & CPUID_1_ECX_RANDOM) != 0;
}

/* `stac` and `clac` are illegal on a processor without SMAP. */
static void erase_smap_sites(void)
{
    static const uint8_t no_operation[3] = {0x0f, 0x1f, 0x00};

    for (uint8_t *const *site = smap_sites_start; site < smap_sites_end; site++)
        memcpy(*site, no_operation, sizeof(no_operation));
}

static void reserve_image(uint64_t image_base)
{
    uint64_t bytes = (uint64_t)(image_end - text_start);

    if (record_range_of(&pc.record, image_base, bytes) == NULL)
        boot_die("the image does not lie in usable memory");
    record_reserve(&pc.record, image_base, bytes);
}

static void boot_finish(void);

_Noreturn void boot_start(uint32_t protocol, uint32_t information, uint32_t image_base)
{
    uint64_t entry_ticks = rdtsc();
    uint64_t root_pointer;

    adopt_processor();
    if (protocol != BOOT_PVH)
        boot_die("unknown boot protocol");
    root_pointer = pvh_read(information, &pc.record);
    pc.record.start_ns = entry_ticks;
    reserve_image(image_base);
    if (pc.record.archive.bytes != 0)
        record_reserve(&pc.record, pc.record.archive.base, pc.record.archive.bytes);
    find_features();
    if (!pc.has_smap)
        erase_smap_sites();
    acpi_read(root_pointer);
    descriptors_load();
    boot_site.cpu.machine.space_root = tables_build(&pc.record, image_base);
    boot_switch(boot_site.cpu.machine.space_root, stack_top_of(STACK_BOOT), boot_finish);
}

/* ---- Under the final tables ---------------------------------------------------------------- */

static void set_control_registers(void)
{
    struct cpuid seven = extended_features();
    uint64_t cr0 = read_cr0() & ~(CR0_EMULATION | CR0_TASK_SWITCHED);
    uint64_t cr4 = CR4_PAE | CR4_MACHINE_CHECK | CR4_GLOBAL_PAGES | CR4_FXSR | CR4_SIMD_EXCEPTIONS;

    if ((seven.ebx & CPUID_7_EBX_SMEP) != 0)
        cr4 |= CR4_SMEP;
    if ((seven.ebx & CPUID_7_EBX_SMAP) != 0)
        cr4 |= CR4_SMAP;
    if ((seven.ecx & CPUID_7_ECX_UMIP) != 0)
        cr4 |= CR4_UMIP;
    write_cr0(cr0 | CR0_MONITOR_COPROCESSOR | CR0_NUMERIC_ERROR | CR0_WRITE_PROTECT |
              CR0_ALIGNMENT_MASK);
    write_cr4(cr4);
}

static void boot_finish(void)
{
    set_control_registers();
    extended_init();
    entropy_init();
    apic_init();
    ioapic_init();
    clock_init();
    pc.record.start_ns = clock_from_ticks(pc.record.start_ns);
    site_start(&pc.record);
}
