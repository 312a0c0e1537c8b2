/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of cases in the system archive (newc): members case/NAME. The archive is mapped
 * where the boot loader left it, and reached through the accessors.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/base.h"
#include "kit/string.h"
#include "tests/guest/runner/runner.h"

#define HEADER_BYTES 110
#define SIZE_AT 54      /* of the member's data, 8 hexadecimal digits */
#define NAME_SIZE_AT 94 /* with the NUL */

KnResult archive_open(struct runner *runner)
{
    KnSiteStat site;
    KnResult status = siteStat(&site);

    if (status != K_OK)
        return status;
    uint64_t first = ALIGN_DOWN(runner->boot.biArchive, site.ssPageBytes);
    uint64_t skip = runner->boot.biArchive - first;
    KnRgnDesc region = {.size = ALIGN_UP(skip + runner->boot.biArchiveBytes, site.ssPageBytes),
                        .options = K_ANYWHERE | K_READABLE};

    status = svPhysMap(&region, first, 0);
    if (status != K_OK)
        return status;
    runner->archive = region.startAddr + skip;
    runner->archive_at = 0;
    return K_OK;
}

static bool number_read(const char *digits, uint64_t *number)
{
    *number = 0;
    for (int i = 0; i < 8; i++) {
        char c = digits[i];

        if (c >= '0' && c <= '9')
            *number = *number << 4 | (uint64_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *number = *number << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* Reads the header at archive_at and goes past the member. A name that is too long is cut off. */
static bool member_read(struct runner *runner, char *name, size_t bytes)
{
    uint64_t left = runner->boot.biArchiveBytes - runner->archive_at;
    char header[HEADER_BYTES];
    uint64_t data_bytes, name_bytes, whole;

    if (left < HEADER_BYTES)
        return false;
    mem_read(header, runner->archive + runner->archive_at, HEADER_BYTES);
    if (memcmp(header, "07070", 5) != 0 || !number_read(&header[SIZE_AT], &data_bytes) ||
        !number_read(&header[NAME_SIZE_AT], &name_bytes) || name_bytes == 0)
        return false;
    whole = ALIGN_UP(HEADER_BYTES + name_bytes, 4) + ALIGN_UP(data_bytes, 4);
    if (whole > left)
        return false;
    bytes = MIN(bytes, (size_t)name_bytes);
    mem_read(name, runner->archive + runner->archive_at + HEADER_BYTES, bytes);
    name[bytes - 1] = '\0';
    runner->archive_at += whole;
    return true;
}

bool archive_next_program(struct runner *runner)
{
    static const char folder[] = "case/";
    char name[NAME_BYTES];

    while (member_read(runner, name, sizeof(name))) {
        if (strcmp(name, "TRAILER!!!") == 0)
            return false;
        if (strncmp(name, folder, sizeof(folder) - 1) != 0 || strchr(name, '.') != NULL)
            continue; /* case/NAME.supervisor is the same program */
        strlcpy(runner->program, name + sizeof(folder) - 1, sizeof(runner->program));
        return true;
    }
    log_print("the archive is damaged\n");
    runner->failed++;
    return false;
}
