/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listing directories: the file system's entries, then the mounts in the directory that the file
 * system has no entry for. Cursors of the latter lie above all that a file system gives out.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

#define CURSOR_MOUNTS (UINT64_C(1) << 62)
#define RECORD_ALIGN 8u

struct listing {
    uint8_t *entries;
    uint32_t room;
    uint32_t used;
    uint64_t cursor;
    bool is_full;
};

static uint8_t type_of(uint32_t mode_type)
{
    return (uint8_t)(mode_type >> 12); /* Linux' DT_* are the type bits of the mode, shifted */
}

static bool emit(void *context, const struct fs_entry *entry)
{
    struct listing *listing = context;
    uint32_t bytes = ALIGN_UP(LINUX_DIRENT_NAME_OFFSET + entry->name.bytes + 1, RECORD_ALIGN);
    uint8_t *record = listing->entries + listing->used;

    ASSERT(listing->used <= listing->room);
    if (listing->is_full || bytes > listing->room - listing->used) {
        listing->is_full = true;
        return false;
    }
    memset(record, 0, bytes);
    le64_store(record, entry->number);
    le64_store(record + 8, entry->next);
    le16_store(record + 16, (uint16_t)bytes);
    record[18] = type_of(entry->type);
    memcpy(record + LINUX_DIRENT_NAME_OFFSET, entry->name.text, entry->name.bytes);
    listing->used += bytes;
    listing->cursor = entry->next;
    return true;
}

/* Lists a mount unless the covered name was listed by the file system. */
static bool emit_mount(struct node *directory, const struct mount *mount, uint64_t next,
                       struct listing *listing)
{
    struct fs_entry entry = {
        .name = {mount->name, (uint32_t)strlen(mount->name)},
        .number = mount->fs == NULL ? mount->number : mount->fs->root->number,
        .type = S_IFDIR,
        .next = next,
    };
    struct node *there;

    if (directory->fs->operations->lookup(directory, entry.name, &there) == 0) {
        node_drop(there);
        return true;
    }
    return emit(listing, &entry);
}

static void emit_mounts(struct om *om, struct node *directory, struct listing *listing)
{
    uint32_t index =
        listing->cursor < CURSOR_MOUNTS ? 0 : (uint32_t)(listing->cursor - CURSOR_MOUNTS);
    struct mount mount;
    bool more = directory->mounts > 0;

    while (more && mount_next(&om->mounts, &index, &mount)) {
        if (mount.directory == directory)
            more = emit_mount(directory, &mount, CURSOR_MOUNTS + index, listing);
        node_drop(mount.directory);
    }
}

int directory_list(struct om *om, struct node *directory, uint64_t *cursor, uint8_t *entries,
                   uint32_t room, uint32_t *bytes)
{
    struct listing listing = {.room = room, .cursor = *cursor};
    int status = 0;

    listing.entries = entries;
    if (directory->type != S_IFDIR)
        return -ENOTDIR;
    if (*cursor < CURSOR_MOUNTS)
        status = directory->fs->operations->readdir(directory, *cursor, emit, &listing);
    if (status == 0 && !listing.is_full)
        emit_mounts(om, directory, &listing);
    if (status == 0 && listing.is_full && listing.used == 0)
        status = -EINVAL; /* not even one record fits */
    *cursor = listing.cursor;
    *bytes = listing.used;
    return listing.used > 0 ? 0 : status;
}
