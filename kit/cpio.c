/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading of newc archives. The interface and the invariants stand in kit/cpio.h; the format in
 * cpio(5). Each entry is a header of text, the name with its NUL, and the data; name and data are
 * padded so that what follows starts at a multiple of 4 from the archive's beginning.
 */
#include "kit/cpio.h"

#include <stdbool.h>

#include "kit/assert.h"
#include "kit/string.h"

#define MAGIC "070701"
#define MAGIC_CHECKSUM "070702"
#define MAGIC_BYTES 6
#define TRAILER "TRAILER!!!"

/* The header's fields behind the magic, each of 8 hexadecimal digits, in their order. */
enum field {
    INO,
    MODE,
    UID,
    GID,
    NLINK,
    MTIME,
    FILE_BYTES,
    DEV_MAJOR,
    DEV_MINOR,
    RDEV_MAJOR,
    RDEV_MINOR,
    NAME_BYTES, /* with the NUL */
    CHECKSUM,
    FIELDS
};

#define FIELD_DIGITS 8
#define HEADER_BYTES (MAGIC_BYTES + FIELDS * FIELD_DIGITS)

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* `header` has HEADER_BYTES bytes; false: they are no header. */
static bool parse_header(const uint8_t *header, uint32_t fields[FIELDS])
{
    const uint8_t *digit = header + MAGIC_BYTES;

    if (memcmp(header, MAGIC, MAGIC_BYTES) != 0 && memcmp(header, MAGIC_CHECKSUM, MAGIC_BYTES) != 0)
        return false;
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = 0;
        for (int j = 0; j < FIELD_DIGITS; j++, digit++) {
            int value = digit_value(*digit);

            if (value < 0)
                return false;
            fields[i] = fields[i] << 4 | (uint32_t)value;
        }
    }
    return true;
}

/* Takes `bytes` bytes from the archive at *at, without passing its end. */
static bool take(const struct cpio *cpio, size_t *at, size_t bytes)
{
    if (bytes > cpio->bytes - *at)
        return false;
    *at += bytes;
    return true;
}

static size_t padding_at(size_t at)
{
    return (0 - at) % 4;
}

/* A name of at least one character, with one NUL, at its end. */
static bool is_name(const uint8_t *name, size_t bytes)
{
    return bytes >= 2 && memchr(name, '\0', bytes) == name + bytes - 1;
}

void cpio_open(struct cpio *cpio, const void *archive, size_t bytes)
{
    ASSERT(archive != NULL || bytes == 0);
    *cpio = (struct cpio){.archive = archive, .bytes = bytes};
}

int cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
    uint32_t fields[FIELDS];
    size_t at = cpio->at;

    ASSERT(at <= cpio->bytes);
    if (!take(cpio, &at, HEADER_BYTES) || !parse_header(cpio->archive + cpio->at, fields))
        return CPIO_DAMAGED;

    const uint8_t *name = cpio->archive + at;

    if (!take(cpio, &at, fields[NAME_BYTES]) || !is_name(name, fields[NAME_BYTES]))
        return CPIO_DAMAGED;
    if (strcmp((const char *)name, TRAILER) == 0)
        return 0;
    if (!take(cpio, &at, padding_at(at)))
        return CPIO_DAMAGED;

    const uint8_t *data = cpio->archive + at;

    if (!take(cpio, &at, fields[FILE_BYTES]) || !take(cpio, &at, padding_at(at)))
        return CPIO_DAMAGED;
    cpio->at = at;
    *entry = (struct cpio_entry){
        .name = (const char *)name,
        .name_bytes = fields[NAME_BYTES] - 1,
        .data = data,
        .data_bytes = fields[FILE_BYTES],
        .mode = fields[MODE],
        .mtime = fields[MTIME],
        .ino = fields[INO],
        .nlink = fields[NLINK],
        .uid = fields[UID],
        .gid = fields[GID],
        .rdev_major = fields[RDEV_MAJOR],
        .rdev_minor = fields[RDEV_MINOR],
    };
    return 1;
}

int cpio_find(const struct cpio *cpio, const char *name, struct cpio_entry *entry)
{
    struct cpio reader;
    struct cpio_entry next;
    int status;

    cpio_open(&reader, cpio->archive, cpio->bytes);
    while ((status = cpio_next(&reader, &next)) == 1) {
        if (strcmp(next.name, name) == 0) {
            *entry = next;
            break;
        }
    }
    return status;
}
