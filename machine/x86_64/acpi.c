/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's tables (ACPI 6.4, chapter 5): where the interrupt controllers are, how the old
 * interrupts are wired to them, and how to switch the machine off. Read once, at boot, under the
 * tables of start.S.
 *
 * I1 A table is used only if all of it can be read and its bytes add up to zero. What cannot be
 *    learnt keeps its default.
 */
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/x86_64/pc.h"

#define READABLE_END (UINT64_C(1) << 32) /* start.S maps no more */
#define TABLE_BYTES_MAX (UINT32_C(1) << 20)
#define TABLES_MAX 64

#define LOCAL_APIC_DEFAULT 0xfee00000
#define IO_APIC_DEFAULT 0xfec00000
#define ISA_LINES 16

/* Offsets in tables, and lengths of their fixed parts. */
#define ROOT_REVISION 15
#define ROOT_SHORT 16
#define ROOT_LONG 24
#define HEADER_LENGTH 4
#define HEADER_BYTES 36
#define MADT_LOCAL_APIC 36
#define MADT_ENTRIES 44
#define FADT_DSDT 40
#define FADT_PM1A 64
#define FADT_PM1B 68
#define FADT_BYTES 116

#define MADT_IO_APIC 1
#define MADT_OVERRIDE 2
#define MADT_LOCAL_APIC_64 5

#define POLARITY_LOW 0x3u
#define TRIGGER_LEVEL 0xcu
#define SLEEP_ENABLE 0x2000u

/* ---- Finding tables -------------------------------------------------------------------------- */

static bool sums_to_zero(const uint8_t *table, uint32_t bytes)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + table[i]);
    return sum == 0;
}

static const uint8_t *table_at(uint64_t physical, uint32_t *bytes)
{
    const uint8_t *table = physical_to_address(physical);

    if (physical == 0 || physical > READABLE_END - HEADER_BYTES)
        return NULL;
    *bytes = le32_load(table + HEADER_LENGTH);
    if (*bytes < HEADER_BYTES || *bytes > TABLE_BYTES_MAX || physical > READABLE_END - *bytes)
        return NULL;
    return sums_to_zero(table, *bytes) ? table : NULL;
}

static const uint8_t *find_table(uint64_t root_pointer, const char *signature, uint32_t *bytes)
{
    const uint8_t *root = physical_to_address(root_pointer);
    uint32_t root_bytes;

    if (root_pointer == 0 || root_pointer > READABLE_END - HEADER_BYTES ||
        memcmp(root, "RSD PTR ", 8) != 0)
        return NULL;
    bool wide = root[ROOT_REVISION] >= 2 && le64_load(root + ROOT_LONG) != 0;
    uint32_t step = wide ? 8 : 4;
    const uint8_t *list =
        table_at(wide ? le64_load(root + ROOT_LONG) : le32_load(root + ROOT_SHORT), &root_bytes);

    if (list == NULL)
        return NULL;
    for (uint32_t i = 0, at = HEADER_BYTES; i < TABLES_MAX && at + step <= root_bytes;
         i++, at += step) {
        const uint8_t *table = table_at(wide ? le64_load(list + at) : le32_load(list + at), bytes);

        if (table != NULL && memcmp(table, signature, 4) == 0)
            return table;
    }
    return NULL;
}

/* ---- Interrupt controllers ------------------------------------------------------------------- */

static void read_override(const uint8_t *entry)
{
    uint32_t source = entry[3];
    uint32_t flags = le16_load(entry + 8);

    if (source >= ISA_LINES)
        return;
    pc.acpi.line[source] = (struct line){
        .input = le32_load(entry + 4),
        .active_low = (flags & POLARITY_LOW) == POLARITY_LOW,
        .level = (flags & TRIGGER_LEVEL) == TRIGGER_LEVEL,
    };
}

static void read_controllers(const uint8_t *table, uint32_t bytes)
{
    if (bytes < MADT_ENTRIES)
        return;
    pc.acpi.local_apic = le32_load(table + MADT_LOCAL_APIC);
    for (uint32_t at = MADT_ENTRIES; at + 2 <= bytes;) {
        const uint8_t *entry = table + at;
        uint32_t length = entry[1];

        if (length < 2 || at + length > bytes)
            return;
        if (entry[0] == MADT_IO_APIC && length >= 12 && le32_load(entry + 8) == 0)
            pc.acpi.io_apic = le32_load(entry + 4);
        else if (entry[0] == MADT_OVERRIDE && length >= 10)
            read_override(entry);
        else if (entry[0] == MADT_LOCAL_APIC_64 && length >= 12)
            pc.acpi.local_apic = le64_load(entry + 4);
        at += length;
    }
}

/* Old devices' lines are raised by an edge; those behind them are PCI's. */
static void set_defaults(void)
{
    pc.acpi.local_apic = LOCAL_APIC_DEFAULT;
    pc.acpi.io_apic = IO_APIC_DEFAULT;
    for (uint32_t i = 0; i < LINES; i++)
        pc.acpi.line[i] =
            (struct line){.input = i, .active_low = i >= ISA_LINES, .level = i >= ISA_LINES};
}

/* ---- Switching off --------------------------------------------------------------------------- */

/* The state "off" is an object named _S5_ in the firmware's byte code: a package of small
 * numbers, of which the first two go to the two power registers. It is looked for as bytes; there
 * is no interpreter here. */
static bool find_off_state(const uint8_t *code, uint32_t bytes, uint8_t *type)
{
    enum { PACKAGE = 0x12, BYTE = 0x0a, NAME_BYTES = 4, LONGEST = 10 };

    for (uint32_t at = HEADER_BYTES; at + NAME_BYTES + LONGEST <= bytes; at++) {
        const uint8_t *next = code + at + NAME_BYTES;

        if (memcmp(code + at, "_S5_", NAME_BYTES) != 0 || *next != PACKAGE)
            continue;
        next += 2 + (next[1] >> 6) + 1; /* the package's length, in one byte or more; its count */
        for (int i = 0; i < 2; i++) {
            if (*next == BYTE)
                next++;
            type[i] = *next++ & 7;
        }
        return true;
    }
    return false;
}

static void read_power(const uint8_t *table, uint32_t bytes)
{
    uint32_t code_bytes;
    const uint8_t *code;
    uint8_t type[2];

    if (bytes < FADT_BYTES)
        return;
    code = table_at(le32_load(table + FADT_DSDT), &code_bytes);
    if (code == NULL || !find_off_state(code, code_bytes, type))
        return;
    pc.acpi.power_port[0] = (uint16_t)le32_load(table + FADT_PM1A);
    pc.acpi.power_port[1] = (uint16_t)le32_load(table + FADT_PM1B);
    for (int i = 0; i < 2; i++)
        pc.acpi.power_value[i] = (uint16_t)(type[i] << 10 | SLEEP_ENABLE);
}

void acpi_read(uint64_t root_pointer)
{
    uint32_t bytes;
    const uint8_t *table;

    set_defaults();
    table = find_table(root_pointer, "APIC", &bytes);
    if (table != NULL)
        read_controllers(table, bytes);
    table = find_table(root_pointer, "FACP", &bytes);
    if (table != NULL)
        read_power(table, bytes);
}
