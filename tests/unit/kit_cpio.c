/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of kit/cpio.h. Every archive that is read lies in heap memory of just its size, so that the
 * sanitizer sees a byte read too far.
 */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/base.h"
#include "kit/cpio.h"
#include "kit/random.h"

#define ARCHIVE_LIMIT 2048
#define HEADER_BYTES 110
#define NAME_BYTES_AT (6 + 11 * 8)
#define FILE_BYTES_AT (6 + 6 * 8)

/* ---- Writing archives ------------------------------------------------------------------------ */

struct writer {
    uint8_t bytes[ARCHIVE_LIMIT];
    size_t length;
};

static void write_bytes(struct writer *writer, const void *bytes, size_t count)
{
    assert_true(count <= ARCHIVE_LIMIT - writer->length);
    memcpy(writer->bytes + writer->length, bytes, count);
    writer->length += count;
}

static void write_padding(struct writer *writer)
{
    while (writer->length % 4 != 0)
        write_bytes(writer, "", 1);
}

/* The fields that a test does not look at are numbered, so that none can stand for another. */
static void write_entry(struct writer *writer, const char *name, const void *data,
                        size_t data_bytes)
{
    const unsigned int fields[] = {
        0x1001,     /* ino */
        0100644,    /* mode */
        0x1003,     /* uid */
        0x1004,     /* gid */
        0x1005,     /* nlink */
        0xa1b2c3d4, /* mtime */
        (unsigned int)data_bytes,
        0x1008, /* dev_major */
        0x1009, /* dev_minor */
        0x100a, /* rdev_major */
        0x100b, /* rdev_minor */
        (unsigned int)strlen(name) + 1,
        0, /* check */
    };

    write_bytes(writer, "070701", 6);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char digits[9];

        /* Both cases of hexadecimal digits are met. */
        (void)snprintf(digits, sizeof(digits), i % 2 == 0 ? "%08x" : "%08X", fields[i]);
        write_bytes(writer, digits, 8);
    }
    write_bytes(writer, name, strlen(name) + 1);
    write_padding(writer);
    write_bytes(writer, data, data_bytes);
    write_padding(writer);
}

static const char *const names[] = {"bin/boot.user", "conf/default.conf", "empty", "a", "bin/boot"};
static const char *const contents[] = {"\177ELF and so on", "actor boot\n", "", "b", "12345678"};

#define ENTRIES ARRAY_SIZE(names)

static void write_archive(struct writer *writer)
{
    writer->length = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        write_entry(writer, names[i], contents[i], strlen(contents[i]));
    write_entry(writer, "TRAILER!!!", "", 0);
}

/* ---- Reading them ---------------------------------------------------------------------------- */

/* A copy of just this size, `shift` bytes off the alignment of malloc. */
static uint8_t *copy_of(const uint8_t *bytes, size_t count, size_t shift)
{
    uint8_t *copy = malloc(shift + count + (count == 0));

    memcpy(copy + shift, bytes, count);
    return copy;
}

static bool within(const struct cpio *cpio, const void *from, size_t bytes)
{
    const uint8_t *first = from;

    return first >= cpio->archive && bytes <= cpio->bytes &&
           first <= cpio->archive + cpio->bytes - bytes;
}

/* Reads all entries; each lies within the archive, and can be found by its name. Returns the
 * last status. */
static int read_all(const uint8_t *bytes, size_t count, size_t *entries)
{
    struct cpio cpio;
    struct cpio_entry entry, found;
    int status;

    *entries = 0;
    cpio_open(&cpio, bytes, count);
    while ((status = cpio_next(&cpio, &entry)) == 1) {
        assert_true(within(&cpio, entry.name, entry.name_bytes + 1));
        assert_true(within(&cpio, entry.data, entry.data_bytes));
        assert_true(entry.name_bytes > 0 && strlen(entry.name) == entry.name_bytes);
        assert_int_equal(cpio_find(&cpio, entry.name, &found), 1);
        assert_string_equal(found.name, entry.name);
        assert_true(++*entries <= ARCHIVE_LIMIT / HEADER_BYTES);
    }
    assert_int_equal(cpio_next(&cpio, &entry), status); /* and it stays so */
    return status;
}

static void check_entry(const struct cpio_entry *entry, size_t number)
{
    assert_string_equal(entry->name, names[number]);
    assert_int_equal(entry->name_bytes, strlen(names[number]));
    assert_int_equal(entry->data_bytes, strlen(contents[number]));
    assert_memory_equal(entry->data, contents[number], entry->data_bytes);
    assert_int_equal(entry->ino, 0x1001);
    assert_int_equal(entry->mode, 0100644);
    assert_int_equal(entry->uid, 0x1003);
    assert_int_equal(entry->gid, 0x1004);
    assert_int_equal(entry->nlink, 0x1005);
    assert_int_equal(entry->mtime, 0xa1b2c3d4);
    assert_int_equal(entry->rdev_major, 0x100a);
    assert_int_equal(entry->rdev_minor, 0x100b);
}

static void entries_are_read_at_any_address(void **state)
{
    struct writer writer;

    (void)state;
    write_archive(&writer);
    for (size_t shift = 0; shift < 8; shift++) {
        uint8_t *copy = copy_of(writer.bytes, writer.length, shift);
        struct cpio cpio;
        struct cpio_entry entry;

        cpio_open(&cpio, copy + shift, writer.length);
        for (size_t i = 0; i < ENTRIES; i++) {
            assert_int_equal(cpio_next(&cpio, &entry), 1);
            check_entry(&entry, i);
        }
        assert_int_equal(cpio_next(&cpio, &entry), 0);
        assert_int_equal(cpio_next(&cpio, &entry), 0);
        free(copy);
    }
}

static void entries_are_found_by_name(void **state)
{
    struct writer writer;
    struct cpio cpio;
    struct cpio_entry entry;

    (void)state;
    write_archive(&writer);
    cpio_open(&cpio, writer.bytes, writer.length);
    for (size_t i = ENTRIES; i-- > 0;) {
        assert_int_equal(cpio_find(&cpio, names[i], &entry), 1);
        check_entry(&entry, i);
    }
    check_entry(&entry, 0);
    assert_int_equal(cpio_find(&cpio, "bin", &entry), 0);
    assert_int_equal(cpio_find(&cpio, "bin/boot.userx", &entry), 0);
    assert_int_equal(cpio_find(&cpio, "", &entry), 0);
    assert_int_equal(cpio_find(&cpio, "TRAILER!!!", &entry), 0);
    check_entry(&entry, 0); /* as it was */
    writer.bytes[writer.length / 2] = 'x';
    cpio.bytes -= 40;
    assert_int_equal(cpio_find(&cpio, "nowhere", &entry), CPIO_DAMAGED);
    assert_int_equal(cpio_find(&cpio, names[0], &entry), 1);
}

/* What follows the trailer belongs to nobody: cpio pads archives to blocks. */
static void archive_ends_at_its_trailer(void **state)
{
    struct writer writer;
    size_t entries;

    (void)state;
    write_archive(&writer);
    memset(writer.bytes + writer.length, 'x', 100);
    assert_int_equal(read_all(writer.bytes, writer.length + 100, &entries), 0);
    assert_int_equal(entries, ENTRIES);
    memcpy(writer.bytes, "070702", 6);
    assert_int_equal(read_all(writer.bytes, writer.length, &entries), 0);
    assert_int_equal(entries, ENTRIES);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void every_truncation_is_damage(void **state)
{
    struct writer writer;
    size_t end[ENTRIES]; /* of each entry */
    size_t trailer_end;

    (void)state;
    writer.length = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        write_entry(&writer, names[i], contents[i], strlen(contents[i]));
        end[i] = writer.length;
    }
    write_entry(&writer, "TRAILER!!!", "", 0);
    trailer_end = end[ENTRIES - 1] + HEADER_BYTES + sizeof("TRAILER!!!");
    for (size_t length = 0; length <= writer.length; length++) {
        uint8_t *copy = copy_of(writer.bytes, length, 0);
        size_t expected = 0;
        size_t entries;

        while (expected < ENTRIES && end[expected] <= length)
            expected++;
        assert_int_equal(read_all(copy, length, &entries), length < trailer_end ? CPIO_DAMAGED : 0);
        assert_int_equal(entries, expected);
        free(copy);
    }
}

/* Writes digits over the header of the first entry: that is damage, at once. */
static void check_field(size_t at, const char *digits)
{
    struct writer writer;
    uint8_t *copy;
    size_t entries;

    write_archive(&writer);
    copy = copy_of(writer.bytes, writer.length, 0);
    for (size_t i = 0; digits[i] != '\0'; i++)
        copy[at + i] = (uint8_t)digits[i];
    assert_int_equal(read_all(copy, writer.length, &entries), CPIO_DAMAGED);
    assert_int_equal(entries, 0);
    free(copy);
}

static void wrong_fields_are_damage(void **state)
{
    (void)state;
    check_field(0, "070707"); /* the old portable format */
    check_field(0, "170701");
    check_field(NAME_BYTES_AT, "00000000");
    check_field(NAME_BYTES_AT, "00000001"); /* "b" without its NUL */
    check_field(NAME_BYTES_AT, "0000000d"); /* the name without its NUL */
    check_field(NAME_BYTES_AT, "0000000f"); /* two NULs */
    check_field(NAME_BYTES_AT, "ffffffff");
    check_field(NAME_BYTES_AT, "7fffffff");
    check_field(FILE_BYTES_AT, "ffffffff");
    check_field(FILE_BYTES_AT, "fffffffd");
    check_field(FILE_BYTES_AT, "00000800");
    check_field(HEADER_BYTES, "\1\1\1\1\1\1\1\1\1\1\1\1\1\1");
    for (size_t at = 6; at < HEADER_BYTES; at++) {
        static const char *const no_digits[] = {"g", "G", "/", ":", "@",
                                                "`", " ", "-", "x", "\xb0"};

        for (size_t i = 0; i < ARRAY_SIZE(no_digits); i++)
            check_field(at, no_digits[i]);
    }
}

static void empty_name_is_damage(void **state)
{
    struct writer writer = {.length = 0};
    size_t entries;

    (void)state;
    write_entry(&writer, "", "data", 4);
    write_entry(&writer, "TRAILER!!!", "", 0);
    assert_int_equal(read_all(writer.bytes, writer.length, &entries), CPIO_DAMAGED);
    assert_int_equal(entries, 0);
}

static void mutations_never_lead_outside(void **state)
{
    static const uint8_t likely_bytes[] = "0123456789abcdefABCDEF\0TRAILER!!!7f";
    struct writer writer;
    struct random random;
    size_t damaged = 0, entries;

    (void)state;
    random_init(&random, 1);
    write_archive(&writer);
    for (int i = 0; i < 20000; i++) {
        uint8_t *copy = copy_of(writer.bytes, writer.length, 0);

        for (uint64_t j = 1 + random_below(&random, 4); j > 0; j--) {
            uint64_t at = random_below(&random, writer.length);

            if (random_below(&random, 2) == 0)
                copy[at] = (uint8_t)random_next(&random);
            else
                copy[at] = likely_bytes[random_below(&random, sizeof(likely_bytes))];
        }
        damaged += read_all(copy, writer.length, &entries) == CPIO_DAMAGED;
        free(copy);
    }
    assert_in_range(damaged, 5000, 19999); /* else the mutations did not test much */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_at_any_address),
        cmocka_unit_test(entries_are_found_by_name),
        cmocka_unit_test(archive_ends_at_its_trailer),
        cmocka_unit_test(every_truncation_is_damage),
        cmocka_unit_test(wrong_fields_are_damage),
        cmocka_unit_test(empty_name_is_damage),
        cmocka_unit_test(mutations_never_lead_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
