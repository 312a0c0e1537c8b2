/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The final page tables of the supervisor space, built under the first ones from memory above the
 * image.
 *
 * I1 Nothing is writable and executable, the direct map included: it shows text and constants
 *    read-only.
 * I2 The top table's entries for all the upper half's ranges exist when this is done (arch.h,
 *    I1).
 * I3 Tables made here are never freed (paging.h, I1).
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "machine/frames.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/paging.h"
#include "machine/x86_64/pc.h"

extern const char text_start[], text_end[], rodata_end[], image_end[], boot_end[];

#define READ_ONLY (ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE)
#define READ_WRITE (READ_ONLY | ENTRY_WRITE)
#define READ_EXECUTE (ENTRY_PRESENT | ENTRY_GLOBAL)
#define DEVICE (READ_WRITE | ENTRY_CACHE_DISABLE | ENTRY_WRITE_THROUGH)

/* A panic may print from the double fault's and machine check's stacks; the others only count. */
#define BIG_STACK_PAGES 4
#define SMALL_STACK_PAGES 1

struct builder {
    uint64_t root;
    uint64_t next, end; /* free memory */
};

static uint64_t take_page(struct builder *builder)
{
    uint64_t page = builder->next;

    if (page >= builder->end)
        boot_die("no memory for page tables");
    builder->next += SMALL_PAGE;
    page_zero(physical_to_address(page));
    return page;
}

/* The entry of `address` at `level`, making the tables above it. */
static uint64_t *entry_of(struct builder *builder, uint64_t address, unsigned level)
{
    uint64_t table = builder->root;

    for (unsigned at = PAGING_LEVELS - 1; at > level; at--) {
        uint64_t *entry = (uint64_t *)physical_to_address(table) + paging_index(address, at);

        if (*entry == 0)
            *entry = take_page(builder) | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_COUNT_ONE;
        ASSERT((*entry & ENTRY_LARGE) == 0);
        table = *entry & ENTRY_ADDRESS;
    }
    return (uint64_t *)physical_to_address(table) + paging_index(address, level);
}

static void map(struct builder *builder, uint64_t address, uint64_t physical, uint64_t bytes,
                uint64_t flags)
{
    ASSERT(IS_ALIGNED(address | physical | bytes, SMALL_PAGE));
    while (bytes > 0) {
        if (IS_ALIGNED(address | physical, LARGE_PAGE) && bytes >= LARGE_PAGE) {
            *entry_of(builder, address, 1) = physical | flags | ENTRY_LARGE;
            address += LARGE_PAGE, physical += LARGE_PAGE, bytes -= LARGE_PAGE;
        } else {
            *entry_of(builder, address, 0) = physical | flags;
            address += SMALL_PAGE, physical += SMALL_PAGE, bytes -= SMALL_PAGE;
        }
    }
}

static void map_direct(struct builder *builder, uint64_t base, uint64_t end, uint64_t flags)
{
    if (base < end)
        map(builder, DIRECT_MAP_ADDRESS + base, base, end - base, flags);
}

static void map_memory(struct builder *builder, const struct boot_record *record,
                       uint64_t image_base)
{
    uint64_t constant_end = image_base + (uint64_t)(rodata_end - text_start);

    for (uint32_t i = 0; i < record->memory_count; i++) {
        uint64_t base = record->memory[i].base;
        uint64_t end = base + record->memory[i].bytes;

        map_direct(builder, base, MIN(end, image_base), READ_WRITE);
        map_direct(builder, MAX(base, image_base), MIN(end, constant_end), READ_ONLY);
        map_direct(builder, MAX(base, constant_end), end, READ_WRITE);
    }
}

/* The archive may lie, wholly or in part, where there is no memory for us. */
static void map_archive(struct builder *builder, const struct boot_record *record)
{
    const struct boot_range *archive = &record->archive;
    uint64_t end = ALIGN_UP(archive->base + archive->bytes, SMALL_PAGE);

    for (uint64_t page = ALIGN_DOWN(archive->base, SMALL_PAGE); page < end; page += SMALL_PAGE) {
        if (record_range_of(record, page, SMALL_PAGE) == NULL)
            map(builder, DIRECT_MAP_ADDRESS + page, page, SMALL_PAGE, READ_ONLY);
    }
}

static void map_image(struct builder *builder, uint64_t image_base)
{
    uint64_t text = (uint64_t)(text_end - text_start);
    uint64_t constant = (uint64_t)(rodata_end - text_end);
    uint64_t data = (uint64_t)(image_end - rodata_end);

    map(builder, IMAGE_ADDRESS, image_base, text, READ_EXECUTE);
    map(builder, IMAGE_ADDRESS + text, image_base + text, constant, READ_ONLY);
    map(builder, IMAGE_ADDRESS + text + constant, image_base + text + constant, data, READ_WRITE);
}

static void map_stack(struct builder *builder, uint32_t slot, unsigned pages)
{
    uint64_t top = stack_top_of(slot);

    for (unsigned i = 1; i <= pages; i++)
        map(builder, top - i * SMALL_PAGE, take_page(builder), SMALL_PAGE, READ_WRITE);
    stack_reserve(slot);
}

/* Free memory for the tables: above the image, in the same range, and not in the archive. */
static void find_memory(struct builder *builder, const struct boot_record *record,
                        uint64_t image_base)
{
    uint64_t start = image_base + (uint64_t)(boot_end - text_start);
    const struct boot_range *range = record_range_of(record, image_base, start - image_base);
    uint64_t archive = ALIGN_DOWN(record->archive.base, SMALL_PAGE);
    uint64_t archive_end = ALIGN_UP(record->archive.base + record->archive.bytes, SMALL_PAGE);

    if (range == NULL)
        boot_die("no memory above the image");
    builder->next = start;
    builder->end = range->base + range->bytes;
    if (archive_end <= start || archive >= builder->end)
        return;
    if (archive > start && archive - start >= builder->end - MIN(archive_end, builder->end))
        builder->end = archive;
    else
        builder->next = MIN(archive_end, builder->end);
}

uint64_t tables_build(struct boot_record *record, uint64_t image_base)
{
    struct builder builder;
    uint64_t start;

    find_memory(&builder, record, image_base);
    start = builder.next;
    builder.root = take_page(&builder);
    map_memory(&builder, record, image_base);
    map_archive(&builder, record);
    map_image(&builder, image_base);
    entry_of(&builder, MACHINE_SUPERVISOR_LOW, PAGING_LEVELS - 2);
    map_stack(&builder, STACK_BOOT, BIG_STACK_PAGES);
    map_stack(&builder, STACK_DOUBLE_FAULT, BIG_STACK_PAGES);
    map_stack(&builder, STACK_NMI, SMALL_STACK_PAGES);
    map_stack(&builder, STACK_MACHINE_CHECK, BIG_STACK_PAGES);
    map_stack(&builder, STACK_DEBUG, SMALL_STACK_PAGES);
    map(&builder, DEVICES_ADDRESS, ALIGN_DOWN(pc.acpi.local_apic, SMALL_PAGE), SMALL_PAGE, DEVICE);
    map(&builder, DEVICES_ADDRESS + SMALL_PAGE, ALIGN_DOWN(pc.acpi.io_apic, SMALL_PAGE), SMALL_PAGE,
        DEVICE);
    record_reserve(record, start, builder.next - start);
    pc.supervisor_space.root = builder.root;
    return builder.root;
}
