/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot record: lists of memory ranges, and the words of the command line that are the
 * machine's:
 *
 *   mem=SIZE@BASE   use no other memory (SIZE and BASE in bytes, or with K, M, G behind)
 *   site=N          this site's number
 *
 * I1 memory[] is ascending, disjoint and page-aligned inward: a page is listed only if all of it
 *    is usable.
 * I2 reserved[] is page-aligned outward, and lists only what lies in memory[].
 */
#include "kit/base.h"
#include "kit/string.h"
#include "machine/x86_64/paging.h"
#include "machine/x86_64/pc.h"

/* ---- Ranges ---------------------------------------------------------------------------------- */

static void insert(struct boot_range *list, uint32_t *count, uint64_t base, uint64_t bytes)
{
    uint32_t place = *count;

    if (*count == BOOT_RANGES)
        boot_die("the memory map has too many ranges");
    while (place > 0 && list[place - 1].base > base) {
        list[place] = list[place - 1];
        place--;
    }
    list[place] = (struct boot_range){base, bytes};
    (*count)++;
}

/* Ranges that touch become one; of two that overlap the lower wins. */
static void join(struct boot_range *list, uint32_t *count)
{
    uint32_t kept = 0;

    for (uint32_t i = 1; i < *count; i++) {
        uint64_t end = list[kept].base + list[kept].bytes;

        if (list[i].base <= end)
            list[kept].bytes = MAX(end, list[i].base + list[i].bytes) - list[kept].base;
        else
            list[++kept] = list[i];
    }
    if (*count > 0)
        *count = kept + 1;
}

void record_add_memory(struct boot_record *record, uint64_t base, uint64_t bytes)
{
    uint64_t start = ALIGN_UP(base, SMALL_PAGE);
    uint64_t end = ALIGN_DOWN(base + bytes, SMALL_PAGE);

    /* The first page stays unused: a physical address of zero means "none". */
    if (start == 0)
        start = SMALL_PAGE;
    if (base + bytes < base || start >= end)
        return;
    insert(record->memory, &record->memory_count, start, end - start);
    join(record->memory, &record->memory_count);
}

/* Drops what lies outside [base, base + bytes). */
static void cut_memory(struct boot_record *record, uint64_t base, uint64_t bytes)
{
    struct boot_range range[BOOT_RANGES];
    uint32_t count = record->memory_count;

    memcpy(range, record->memory, sizeof(range));
    record->memory_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = MAX(range[i].base, base);
        uint64_t end = MIN(range[i].base + range[i].bytes, base + bytes);

        if (start < end)
            record_add_memory(record, start, end - start);
    }
}

const struct boot_range *record_range_of(const struct boot_record *record, uint64_t base,
                                         uint64_t bytes)
{
    for (uint32_t i = 0; i < record->memory_count; i++) {
        const struct boot_range *range = &record->memory[i];

        if (base >= range->base && base < range->base + range->bytes &&
            bytes <= range->base + range->bytes - base)
            return range;
    }
    return NULL;
}

void record_reserve(struct boot_record *record, uint64_t base, uint64_t bytes)
{
    uint64_t start = ALIGN_DOWN(base, SMALL_PAGE);
    uint64_t end = ALIGN_UP(base + bytes, SMALL_PAGE);

    for (uint32_t i = 0; i < record->memory_count; i++) {
        const struct boot_range *range = &record->memory[i];
        uint64_t low = MAX(start, range->base);
        uint64_t high = MIN(end, range->base + range->bytes);

        if (low < high)
            insert(record->reserved, &record->reserved_count, low, high - low);
    }
}

/* ---- Command line ---------------------------------------------------------------------------- */

/* Reads a number with an optional K, M or G; leaves *text behind it. */
static bool read_size(const char **text, uint64_t *value)
{
    const char *at = *text;
    uint64_t number = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (number > (UINT64_MAX >> 30) / 10 - 1)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (at == *text)
        return false;
    static const char units[] = "KMG";
    const char *unit = *at == '\0' ? NULL : strchr(units, *at);

    if (unit != NULL) {
        number <<= 10 * (unit - units + 1);
        at++;
    }
    *text = at;
    *value = number;
    return true;
}

/* Whether the word at `text` begins with `name`; then *value is what follows. */
static bool word_is(const char *text, const char *name, const char **value)
{
    size_t length = strlen(name);

    if (strncmp(text, name, length) != 0)
        return false;
    *value = text + length;
    return true;
}

static bool at_end_of_word(const char *text)
{
    return *text == '\0' || *text == ' ';
}

static void apply_word(struct boot_record *record, const char *word)
{
    const char *value;
    uint64_t bytes, base = 0, site;

    if (word_is(word, "mem=", &value)) {
        if (!read_size(&value, &bytes))
            boot_die("mem= wants SIZE@BASE");
        if (*value == '@') {
            value++;
            if (!read_size(&value, &base))
                boot_die("mem= wants SIZE@BASE");
        }
        if (!at_end_of_word(value) || base + bytes < base)
            boot_die("mem= wants SIZE@BASE");
        cut_memory(record, base, bytes);
    } else if (word_is(word, "site=", &value)) {
        if (!read_size(&value, &site) || !at_end_of_word(value) || site == 0 || site > UINT32_MAX)
            boot_die("site= wants a number from 1 to 4294967295");
        record->site = (uint32_t)site;
    }
}

void record_set_command_line(struct boot_record *record, const char *text)
{
    size_t length = strnlen(text, K_CMDLINEMAX + 1);

    if (length > K_CMDLINEMAX)
        boot_die("the command line is too long");
    (void)strlcpy(record->command_line, text, sizeof(record->command_line));
    for (const char *word = record->command_line; *word != '\0';) {
        if (*word != ' ')
            apply_word(record, word);
        while (!at_end_of_word(word))
            word++;
        while (*word == ' ')
            word++;
    }
}
