/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers are read by the accessors of region memory and not by kit/cpio.h, since the simulator
 * gives a mapped archive no address of the host's.
 */
#include "subsystems/mix/om/archive.h"

#include "chorus/calls.h"
#include "chorus/memory.h"
#include "chorus/services.h"
#include "chorus/ui.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/lock.h"

#define MAGIC_BYTES 6u
#define FIELD_DIGITS 8u
#define FIELDS 13u
#define HEADER_BYTES (MAGIC_BYTES + FIELDS * FIELD_DIGITS)
#define TRAILER "TRAILER!!!"

/* The header's fields of 8 hexadecimal digits, in their order. */
enum field {
    INODE,
    MODE,
    UID,
    GID,
    LINKS,
    MTIME,
    DATA_BYTES,
    DEV_MAJOR,
    DEV_MINOR,
    RDEV_MAJOR,
    RDEV_MINOR,
    NAME_BYTES,
    FIELDS_WANTED
};

/* ---- The member ------------------------------------------------------------------------------ */

static VmAddr member_map(const struct archive *archive)
{
    KnBootInfo boot;
    KnSiteStat site;

    if (svBootInfo(&boot) != K_OK || siteStat(&site) != K_OK)
        return 0;
    uint64_t physical = boot.biArchive + archive->offset;
    uint64_t first = ALIGN_DOWN(physical, site.ssPageBytes);
    KnRgnDesc region = {.size =
                            (VmSize)ALIGN_UP(physical - first + archive->bytes, site.ssPageBytes),
                        .options = K_ANYWHERE | K_READABLE};

    return svPhysMap(&region, first, 0) == K_OK ? region.startAddr + (VmAddr)(physical - first) : 0;
}

int archive_open(struct archive *archive, const char *member, bool map)
{
    const struct boot_find_in in = {.name = member};
    struct idl_client client;
    struct boot_find_out out;
    KnResult status;

    archive->mapped = 0;
    archive->window_bytes = 0;
    archive->lock = (KnMutex){0};
    status = uiBuild(&archive->boot, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVICE_BOOT);
    if (status != K_OK)
        return -EIO;
    idl_client_init(&client, &archive->boot, NULL, 0);
    status = boot_find(&client, &in, &out);
    if (status != K_OK)
        return status == K_EUNKNOWN ? -ENOENT : -EIO;
    archive->offset = out.offset;
    archive->bytes = out.bytes;
    if (map && out.bytes > 0)
        archive->mapped = member_map(archive); /* which user space may not do */
    return 0;
}

/* Brings the bytes from `at` on, as many as fit, into the window. */
static int window_load(struct archive *archive, uint64_t at)
{
    struct boot_read_in in = {archive->offset + at,
                              (uint32_t)MIN(archive->bytes - at,
                                            (uint64_t)sizeof(archive->window))};
    struct boot_read_out out = {.data = archive->window, .data_room = in.count};
    struct idl_client client;

    archive->window_bytes = 0;
    idl_client_init(&client, &archive->boot, NULL, 0);
    if (boot_read(&client, &in, &out) != K_OK || out.data_bytes != in.count)
        return -EIO;
    archive->window_at = at;
    archive->window_bytes = in.count;
    return 0;
}

/* How many bytes from `at` on the window has; it is loaded anew if there are none. Negative: an
 * error. */
static int64_t window_at(struct archive *archive, uint64_t at)
{
    if (at < archive->window_at || at - archive->window_at >= archive->window_bytes) {
        int status = window_load(archive, at);

        if (status != 0)
            return status;
    }
    return (int64_t)(archive->window_bytes - (at - archive->window_at));
}

static int window_read(struct archive *archive, uint64_t at, uint8_t *to, uint64_t bytes)
{
    while (bytes > 0) {
        int64_t there = window_at(archive, at);

        if (there <= 0)
            return -EIO;
        uint64_t piece = MIN(bytes, (uint64_t)there);

        memcpy(to, archive->window + (at - archive->window_at), (size_t)piece);
        to += piece;
        at += piece;
        bytes -= piece;
    }
    return 0;
}

static bool is_inside(const struct archive *archive, uint64_t at, uint64_t bytes)
{
    return at <= archive->bytes && bytes <= archive->bytes - at;
}

int archive_read(struct archive *archive, uint64_t at, void *to, uint64_t bytes)
{
    int status;

    if (!is_inside(archive, at, bytes))
        return -EIO;
    if (archive->mapped != 0) {
        mem_read(to, archive->mapped + (VmAddr)at, (size_t)bytes);
        return 0;
    }
    lock_take(&archive->lock);
    status = window_read(archive, at, to, bytes);
    lock_give(&archive->lock);
    return status;
}

/* One sgWrite of what is at hand; how much it moved. */
static KnResult fill_some(struct archive *archive, uint64_t at, const KnObjDesc *rest)
{
    KnObjDesc object = *rest;
    int64_t there;

    if (archive->mapped != 0)
        return sgWrite(&object, archive->mapped + (VmAddr)at, 0);
    there = window_at(archive, at);
    if (there <= 0)
        return K_EIO;
    object.size = MIN(object.size, (VmSize)there);
    return sgWrite(&object, (VmAddr)(archive->window + (at - archive->window_at)), 0);
}

KnResult archive_fill(struct archive *archive, uint64_t at, uint64_t bytes, const KnCap *segment)
{
    KnObjDesc rest = {.dataObject = *segment, .size = (VmSize)bytes};
    KnResult moved = 0;

    if (!is_inside(archive, at, bytes))
        return K_EIO;
    lock_take(&archive->lock);
    while (rest.size > 0 && moved >= 0) {
        moved = fill_some(archive, at + rest.startOffset, &rest);
        if (moved == 0)
            moved = K_EIO;
        if (moved > 0) {
            rest.startOffset += (VmOffset)moved;
            rest.size -= (VmSize)moved;
        }
    }
    lock_give(&archive->lock);
    return moved < 0 ? moved : K_OK;
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* Large archives have many headers, so digits are looked up. */
#define D 0x10 /* in the entries of digits */
static const uint8_t digit_value[UINT8_MAX + 1] = {
    ['0'] = D | 0,  ['1'] = D | 1,  ['2'] = D | 2,  ['3'] = D | 3,  ['4'] = D | 4,  ['5'] = D | 5,
    ['6'] = D | 6,  ['7'] = D | 7,  ['8'] = D | 8,  ['9'] = D | 9,  ['A'] = D | 10, ['B'] = D | 11,
    ['C'] = D | 12, ['D'] = D | 13, ['E'] = D | 14, ['F'] = D | 15, ['a'] = D | 10, ['b'] = D | 11,
    ['c'] = D | 12, ['d'] = D | 13, ['e'] = D | 14, ['f'] = D | 15};

static bool field_read(const uint8_t *digit, uint32_t *value)
{
    uint32_t number = 0, all = D;

    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        uint32_t found = digit_value[digit[i]];

        all &= found;
        number = number << 4 | (found & 0xf);
    }
    *value = number;
    return (all & D) != 0;
}

/* All but the numbers of the device that it stood on. */
static bool is_wanted(unsigned field)
{
    return field != DEV_MAJOR && field != DEV_MINOR;
}

static bool header_parse(const uint8_t header[HEADER_BYTES], uint32_t field[FIELDS_WANTED])
{
    if (memcmp(header, "070701", MAGIC_BYTES) != 0 && memcmp(header, "070702", MAGIC_BYTES) != 0)
        return false;
    for (unsigned i = 0; i < FIELDS_WANTED; i++) {
        if (is_wanted(i) && !field_read(header + MAGIC_BYTES + i * FIELD_DIGITS, &field[i]))
            return false;
    }
    return true;
}

int archive_next(struct archive *archive, uint64_t *at, struct archive_entry *entry,
                 char name[ARCHIVE_NAME_MAX + 1])
{
    uint8_t header[HEADER_BYTES];
    uint32_t field[FIELDS_WANTED];

    if (archive_read(archive, *at, header, sizeof(header)) != 0 || !header_parse(header, field) ||
        field[NAME_BYTES] == 0 || field[NAME_BYTES] > ARCHIVE_NAME_MAX + 1 ||
        archive_read(archive, *at + HEADER_BYTES, name, field[NAME_BYTES]) != 0)
        return -EIO;
    if (name[field[NAME_BYTES] - 1] != '\0' || strlen(name) != field[NAME_BYTES] - 1)
        return -EIO;
    if (strcmp(name, TRAILER) == 0)
        return 0;
    *entry = (struct archive_entry){
        .inode = field[INODE],
        .mode = field[MODE],
        .uid = field[UID],
        .gid = field[GID],
        .links = field[LINKS],
        .mtime = field[MTIME],
        .rdev_major = field[RDEV_MAJOR],
        .rdev_minor = field[RDEV_MINOR],
        .data_at = ALIGN_UP(*at + HEADER_BYTES + field[NAME_BYTES], 4),
        .data_bytes = field[DATA_BYTES],
    };
    if (!is_inside(archive, entry->data_at, entry->data_bytes))
        return -EIO;
    *at = ALIGN_UP(entry->data_at + entry->data_bytes, 4);
    return 1;
}
