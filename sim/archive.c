/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system archive of a simulated site (newc, as cpio writes it): the same members as on a
 * machine, but that a program's file holds its name alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chorus/program.h"
#include "sim/world.h"

#define NAME_BYTES 128
#define HEADER_BYTES 110

struct archive {
    char *data;
    size_t bytes, room;
    bool failed;
};

static void append(struct archive *archive, const void *data, size_t bytes)
{
    if (archive->failed)
        return;
    if (archive->room - archive->bytes < bytes) {
        size_t room = (archive->bytes + bytes) * 2;
        char *larger = realloc(archive->data, room);

        if (larger == NULL) {
            archive->failed = true;
            return;
        }
        archive->data = larger;
        archive->room = room;
    }
    memcpy(archive->data + archive->bytes, data, bytes);
    archive->bytes += bytes;
}

static void pad(struct archive *archive)
{
    append(archive, "\0\0\0", (4 - archive->bytes % 4) % 4);
}

static void member_add(struct archive *archive, const char *name, const char *text, unsigned mode)
{
    char header[HEADER_BYTES + 1];
    unsigned text_bytes = (unsigned)strlen(text), name_bytes = (unsigned)strlen(name) + 1;

    /* inode, mode, uid, gid, links, time, size, device numbers, length of the name, checksum */
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             0U, mode, 0U, 0U, 1U, 0U, text_bytes, 0U, 0U, 0U, 0U, name_bytes, 0U);
    append(archive, header, HEADER_BYTES);
    append(archive, name, name_bytes);
    pad(archive);
    append(archive, text, text_bytes);
    pad(archive);
}

/* Both flavours have one text: in the simulator one program serves user and supervisor space. */
static void program_add(struct archive *archive, const struct linked_program *linked)
{
    const char *folder = linked->is_case ? "case" : "bin", *user = linked->is_case ? "" : ".user";
    const char *program = linked->program->name;
    char name[NAME_BYTES], text[NAME_BYTES];

    snprintf(text, sizeof(text), "native %s\n", program);
    snprintf(name, sizeof(name), "%s/%s%s", folder, program, user);
    member_add(archive, name, text, 0100755);
    snprintf(name, sizeof(name), "%s/%s.supervisor", folder, program);
    member_add(archive, name, text, 0100755);
}

char *archive_make(const char *boot_program, size_t *bytes)
{
    struct archive archive = {0};
    const struct linked_program *linked;
    char text[NAME_BYTES];

    snprintf(text, sizeof(text), "native %s\n", boot_program);
    member_add(&archive, "boot", text, 0100755);
    for (size_t i = 0; (linked = program_at(i)) != NULL; i++)
        program_add(&archive, linked);
    member_add(&archive, "conf/plain.conf", "# no program\n", 0100644); /* for the guest cases */
    member_add(&archive, "TRAILER!!!", "", 0);
    if (archive.failed) {
        free(archive.data);
        return NULL;
    }
    *bytes = archive.bytes;
    return archive.data;
}
