/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the system archive; see archive.h. A member is a header of text, its name with a NUL,
 * and its data; name and data are padded to 4 bytes from the archive's beginning. */
#include "archive.h"

#include "chorus/calls.h"
#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"

#define HEADER_BYTES 110
#define FIELD_DIGITS 8
#define MODE_AT 14
#define DATA_BYTES_AT 54
#define NAME_BYTES_AT 94 /* with the NUL */
#define TRAILER "TRAILER!!!"

KnResult archive_open(struct archive *archive)
{
    KnBootInfo info;
    KnSiteStat site;
    KnResult status = svBootInfo(&info);

    if (status == K_OK)
        status = siteStat(&site);
    if (status != K_OK)
        return status;
    if (info.biArchiveBytes > UINT64_MAX - info.biArchive)
        return K_EIO;
    *archive = (struct archive){info.biArchive, info.biArchiveBytes, site.ssPageBytes};
    return K_OK;
}

KnResult archive_read(const struct archive *archive, uint64_t offset, void *to, uint64_t bytes)
{
    KnResult status;

    if (offset > archive->bytes || bytes > archive->bytes - offset)
        return K_EEND;
    if (bytes > ARCHIVE_READ_BYTES)
        return K_ETOOMUCH;
    if (bytes == 0)
        return K_OK;
    uint64_t first = ALIGN_DOWN(archive->physical + offset, archive->page_bytes);
    VmSize skip = (VmSize)(archive->physical + offset - first);
    KnRgnDesc region = {.size = ALIGN_UP(skip + (VmSize)bytes, archive->page_bytes),
                        .options = K_ANYWHERE | K_READABLE};

    status = svPhysMap(&region, first, 0);
    if (status != K_OK)
        return status;
    mem_read(to, region.startAddr + skip, (size_t)bytes);
    return rgnFree(K_MYACTOR, &region);
}

/* ---- Members --------------------------------------------------------------------------------- */

static bool field_read(const char *header, size_t at, uint32_t *value)
{
    *value = 0;
    for (size_t i = 0; i < FIELD_DIGITS; i++) {
        char c = header[at + i];

        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            *value = *value << 4 | (uint32_t)(c - 'A' + 10);
        else
            return false;
    }
    return true;
}

/* Whether a range lies in the archive; then *at goes behind it. */
static bool go_past(const struct archive *archive, uint64_t *at, uint64_t bytes)
{
    if (*at > archive->bytes || bytes > archive->bytes - *at)
        return false;
    *at += bytes;
    return true;
}

static bool pad(const struct archive *archive, uint64_t *at)
{
    return go_past(archive, at, ALIGN_UP(*at, 4) - *at);
}

/* Takes the header at *at, which goes to the next one. A name that is too long is cut off. */
static KnResult member_take(const struct archive *archive, uint64_t *at,
                            struct archive_member *member, char name[ARCHIVE_NAME_BYTES])
{
    char head[HEADER_BYTES + ARCHIVE_NAME_BYTES];
    uint64_t head_bytes = MIN(archive->bytes - *at, (uint64_t)sizeof(head));
    uint32_t data_bytes, name_bytes;
    KnResult status = archive_read(archive, *at, head, head_bytes);

    if (status != K_OK)
        return status;
    if (head_bytes < HEADER_BYTES || memcmp(head, "07070", 5) != 0 ||
        !field_read(head, MODE_AT, &member->mode) ||
        !field_read(head, DATA_BYTES_AT, &data_bytes) ||
        !field_read(head, NAME_BYTES_AT, &name_bytes) || name_bytes == 0 ||
        !go_past(archive, at, HEADER_BYTES) || !go_past(archive, at, name_bytes) ||
        !pad(archive, at))
        return K_EIO;
    name_bytes = MIN(name_bytes, (uint32_t)ARCHIVE_NAME_BYTES);
    memcpy(name, head + HEADER_BYTES, name_bytes);
    name[name_bytes - 1] = '\0';
    member->offset = *at;
    member->bytes = data_bytes;
    return go_past(archive, at, data_bytes) && pad(archive, at) ? K_OK : K_EIO;
}

/* A header takes more than 100 bytes, so the walk ends with the archive at the latest. */
KnResult archive_find(const struct archive *archive, const char *name,
                      struct archive_member *member)
{
    char found[ARCHIVE_NAME_BYTES];
    uint64_t at = 0;
    KnResult status;

    ASSERT(strlen(name) > 0);
    while ((status = member_take(archive, &at, member, found)) == K_OK) {
        if (strcmp(found, name) == 0)
            return K_OK;
        if (strcmp(found, TRAILER) == 0)
            return K_EUNKNOWN;
    }
    return status;
}
