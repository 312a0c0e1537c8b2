/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: their blocks of entries, searching them, and changing them.
 *
 * Entries fill each block exactly: an entry's record reaches to the next one, and what it does not
 * need for its own name is room for another. Entries never move, so a byte offset into the
 * directory is a lasting cursor. A directory with a hash tree is read like any other, since the
 * tree hides in records that look empty; the first change takes its flag away, and the tree is then
 * just room.
 *
 * I1 Whoever looks at the entries of a block got it by ext2_find as KIND_DIRECTORY, so they are
 *    sound.
 * I2 A search remembers the version of the contents that it saw, and starts anew if that changed.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

static uint32_t record_bytes(const struct ext2_disk_entry *entry)
{
    return le16_load(entry->record_bytes);
}

/* What an entry with a name of so many bytes needs. */
static uint32_t needed_bytes(uint32_t name_bytes)
{
    return ALIGN_UP(EXT2_ENTRY_HEAD_BYTES + name_bytes, EXT2_ENTRY_ALIGN);
}

/* What is in use of an entry's record. */
static uint32_t used_bytes(const struct ext2_disk_entry *entry)
{
    return le32_load(entry->inode) == 0 ? 0 : needed_bytes(entry->name_bytes[0]);
}

static struct ext2_disk_entry *entry_at(uint8_t *data, uint32_t offset)
{
    return (void *)(data + offset);
}

static const struct ext2_disk_entry *entry_in(const uint8_t *data, uint32_t offset)
{
    return (const void *)(data + offset);
}

static const char *text_of(const struct ext2_disk_entry *entry)
{
    return (const char *)entry + EXT2_ENTRY_HEAD_BYTES;
}

static bool is_dots(const struct ext2_disk_entry *entry)
{
    const char *text = text_of(entry);
    uint32_t bytes = entry->name_bytes[0];

    return text[0] == '.' && (bytes == 1 || (bytes == 2 && text[1] == '.'));
}

bool ext2_entries_are_sound(const struct ext2 *fs, const uint8_t *data)
{
    uint32_t least = needed_bytes(1);
    uint32_t offset = 0;

    while (offset < fs->block_bytes) {
        const struct ext2_disk_entry *entry = entry_in(data, offset);
        uint32_t left = fs->block_bytes - offset;

        if (left < least || record_bytes(entry) < least || record_bytes(entry) > left ||
            record_bytes(entry) % EXT2_ENTRY_ALIGN != 0)
            return false;
        if (le32_load(entry->inode) > fs->inodes_count || used_bytes(entry) > record_bytes(entry))
            return false;
        if (le32_load(entry->inode) != 0 &&
            (entry->name_bytes[0] == 0 || memchr(text_of(entry), '/', entry->name_bytes[0]) ||
             memchr(text_of(entry), 0, entry->name_bytes[0])))
            return false;
        offset += record_bytes(entry);
    }
    return true;
}

/* ---- Searching ------------------------------------------------------------------------------- */

/* Finds block `index` of a directory; if it must be read, so will probably those behind it. */
static int find_block(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                      uint32_t index, struct ext2_cursor *cursor, bool keep, struct buffer **out)
{
    struct ext2_extent extent;
    uint32_t blocks = (uint32_t)(directory->size_bytes >> fs->block_shift);
    int status;

    ASSERT(index < blocks);
    status = ext2_map_blocks(op, fs, directory, index, blocks - index, cursor, &extent);
    if (status != 0)
        return status;
    if (extent.disk_block == 0)
        return ext2_damaged(fs, "a directory has a hole");
    status = ext2_find(op, fs, extent.disk_block, KIND_DIRECTORY, keep, out);
    for (uint32_t i = 1; status == FS_NEED_BLOCK && i < MIN(extent.count, FS_OPERATION_NEEDS); i++)
        fs_operation_advise(op, extent.disk_block + i);
    return status;
}

static bool is_match(const struct ext2_disk_entry *entry, struct ext2_name name)
{
    if (le32_load(entry->inode) == 0)
        return false;
    if (name.text == NULL)
        return !is_dots(entry);
    return entry->name_bytes[0] == name.bytes && memcmp(text_of(entry), name.text, name.bytes) == 0;
}

/* Searches one block. True if it holds the name. */
static bool scan_block(const struct ext2 *fs, struct ext2_scan *scan, const struct buffer *buffer,
                       struct ext2_name name, uint32_t room_bytes)
{
    uint32_t offset = 0;

    while (offset < fs->block_bytes) {
        const struct ext2_disk_entry *entry = entry_in(buffer->data, offset);

        if (is_match(entry, name)) {
            scan->inode = le32_load(entry->inode);
            scan->disk_block = buffer->block;
            scan->offset = offset;
            return true;
        }
        if (room_bytes > 0 && scan->slack_disk_block == 0 &&
            record_bytes(entry) - used_bytes(entry) >= room_bytes) {
            scan->slack_disk_block = buffer->block;
            scan->slack_offset = offset;
        }
        offset += record_bytes(entry);
    }
    return false;
}

int ext2_scan_name(struct fs_operation *op, struct ext2 *fs, struct ext2_scan *scan,
                   struct ext2_inode *directory, struct ext2_name name, bool wants_room)
{
    uint32_t room_bytes = wants_room ? needed_bytes(name.bytes) : 0;
    uint32_t blocks = (uint32_t)(directory->size_bytes >> fs->block_shift);

    if (scan->version != directory->contents_version || scan->directory != directory->number) {
        memset(scan, 0, sizeof(*scan));
        scan->version = directory->contents_version;
        scan->directory = directory->number;
    }
    while (!scan->is_done && scan->next < blocks) {
        struct buffer *buffer = NULL;
        int status = find_block(op, fs, directory, scan->next, &scan->cursor, false, &buffer);

        if (status != 0)
            return status;
        scan->is_done = scan_block(fs, scan, buffer, name, room_bytes);
        scan->next++;
    }
    scan->is_done = true;
    return 0;
}

int ext2_scan_any(struct fs_operation *op, struct ext2 *fs, struct ext2_scan *scan,
                  struct ext2_inode *directory)
{
    return ext2_scan_name(op, fs, scan, directory, (struct ext2_name){NULL, 0}, false);
}

/* True if an entry begins at `offset`. A block read once more may differ from what was searched. */
static bool is_entry(const struct ext2 *fs, const uint8_t *data, uint32_t offset)
{
    uint32_t at = 0;

    while (at < offset && at < fs->block_bytes)
        at += record_bytes(entry_in(data, at));
    return at == offset && offset < fs->block_bytes;
}

int ext2_scan_keep(struct fs_operation *op, struct ext2 *fs, const struct ext2_scan *scan,
                   struct ext2_name name)
{
    struct buffer *buffer = NULL;
    int status = ext2_find(op, fs, scan->disk_block, KIND_DIRECTORY, true, &buffer);

    if (status != 0)
        return status;
    if (!is_entry(fs, buffer->data, scan->offset) ||
        !is_match(entry_in(buffer->data, scan->offset), name))
        return ext2_damaged(fs, "a directory block changed on the disk");
    return 0;
}

int ext2_dotdot_find(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                     bool keep, struct ext2_dotdot *dotdot)
{
    struct ext2_cursor cursor = {0};
    struct buffer *buffer = NULL;
    int status = find_block(op, fs, directory, 0, &cursor, keep, &buffer);

    if (status != 0)
        return status;

    const struct ext2_disk_entry *dot = entry_in(buffer->data, 0);
    uint32_t offset = record_bytes(dot);

    if (le32_load(dot->inode) != directory->number || !is_dots(dot) || dot->name_bytes[0] != 1 ||
        offset >= fs->block_bytes)
        return ext2_damaged(fs, "a directory does not begin with itself");
    dot = entry_in(buffer->data, offset);
    if (le32_load(dot->inode) == 0 || !is_dots(dot) || dot->name_bytes[0] != 2)
        return ext2_damaged(fs, "a directory does not name its parent");
    *dotdot = (struct ext2_dotdot){buffer->block, offset, le32_load(dot->inode)};
    return 0;
}

/* ---- Changing -------------------------------------------------------------------------------- */

static uint8_t type_of(const struct ext2 *fs, uint32_t mode)
{
    if (!fs->has_file_types)
        return EXT2_ENTRY_UNKNOWN;
    switch (mode & EXT2_TYPE_MASK) {
    case EXT2_TYPE_REGULAR:
        return EXT2_ENTRY_REGULAR;
    case EXT2_TYPE_DIRECTORY:
        return EXT2_ENTRY_DIRECTORY;
    case EXT2_TYPE_CHARACTER:
        return EXT2_ENTRY_CHARACTER;
    case EXT2_TYPE_BLOCK:
        return EXT2_ENTRY_BLOCK;
    case EXT2_TYPE_FIFO:
        return EXT2_ENTRY_FIFO;
    case EXT2_TYPE_SOCKET:
        return EXT2_ENTRY_SOCKET;
    case EXT2_TYPE_SYMLINK:
        return EXT2_ENTRY_SYMLINK;
    default:
        return EXT2_ENTRY_UNKNOWN;
    }
}

/* Puts an entry into the unused part of the record at `offset`, which has room for it. */
static void insert(uint8_t *data, uint32_t offset, uint32_t number, uint8_t type,
                   struct ext2_name name)
{
    struct ext2_disk_entry *entry = entry_at(data, offset);
    uint32_t used = used_bytes(entry);
    uint32_t room = record_bytes(entry) - used;

    ASSERT(number != 0 && room >= needed_bytes(name.bytes));
    if (used > 0) {
        le16_store(entry->record_bytes, (uint16_t)used);
        entry = entry_at(data, offset + used);
        le16_store(entry->record_bytes, (uint16_t)room);
    }
    le32_store(entry->inode, number);
    entry->name_bytes[0] = (uint8_t)name.bytes;
    entry->file_type[0] = type;
    memcpy((char *)entry + EXT2_ENTRY_HEAD_BYTES, name.text, name.bytes);
}

void ext2_entry_remove(struct fs_operation *op, const struct ext2_scan *scan)
{
    struct buffer *buffer = fs_operation_kept(op, scan->disk_block);
    struct ext2_disk_entry *entry = entry_at(buffer->data, scan->offset);
    struct ext2_disk_entry *before = NULL;
    uint32_t at = 0;

    while (at < scan->offset) {
        before = entry_at(buffer->data, at);
        at += record_bytes(before);
    }
    ASSERT(at == scan->offset && le32_load(entry->inode) != 0);
    le32_store(entry->inode, 0);
    if (before != NULL)
        le16_store(before->record_bytes, (uint16_t)(record_bytes(before) + record_bytes(entry)));
    fs_operation_dirty(op, buffer);
}

void ext2_entry_redirect(struct fs_operation *op, struct ext2 *fs, uint32_t disk_block,
                         uint32_t offset, const struct ext2_inode *inode)
{
    struct buffer *buffer = fs_operation_kept(op, disk_block);
    struct ext2_disk_entry *entry = entry_at(buffer->data, offset);

    ASSERT(le32_load(entry->inode) != 0);
    le32_store(entry->inode, inode->number);
    entry->file_type[0] = type_of(fs, inode->mode);
    fs_operation_dirty(op, buffer);
}

int ext2_slot_plan(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                   const struct ext2_scan *scan, struct ext2_name name, struct ext2_slot *slot)
{
    struct buffer *buffer = NULL;
    uint32_t blocks = (uint32_t)(directory->size_bytes >> fs->block_shift);
    int status;

    slot->disk_block = scan->slack_disk_block;
    slot->offset = scan->slack_offset;
    if (slot->disk_block == 0) {
        if (directory->size_bytes + fs->block_bytes > INT32_MAX)
            return -EFBIG;
        return ext2_growth_plan(op, fs, directory, blocks, 1, true, &slot->growth);
    }
    status = ext2_find(op, fs, slot->disk_block, KIND_DIRECTORY, true, &buffer);
    if (status != 0)
        return status;
    if (!is_entry(fs, buffer->data, slot->offset) ||
        record_bytes(entry_in(buffer->data, slot->offset)) -
                used_bytes(entry_in(buffer->data, slot->offset)) <
            needed_bytes(name.bytes))
        return ext2_damaged(fs, "a directory block changed on the disk");
    return ext2_inode_keep(op, fs, directory);
}

void ext2_slot_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                     const struct ext2_slot *slot, struct ext2_name name,
                     const struct ext2_inode *inode)
{
    struct buffer *buffer = NULL;

    if (slot->disk_block != 0) {
        buffer = fs_operation_kept(op, slot->disk_block);
    } else {
        ext2_growth_apply(op, fs, directory, &slot->growth);
        directory->size_bytes += fs->block_bytes;
        buffer = fs_operation_new(op, slot->growth.data.first, KIND_DIRECTORY);
        le16_store(entry_at(buffer->data, 0)->record_bytes, (uint16_t)fs->block_bytes);
    }
    insert(buffer->data, slot->offset, inode->number, type_of(fs, inode->mode), name);
    fs_operation_dirty(op, buffer);
}

void ext2_directory_fill(struct fs_operation *op, struct ext2 *fs, uint32_t disk_block,
                         const struct ext2_inode *directory, const struct ext2_inode *parent)
{
    struct buffer *buffer = fs_operation_new(op, disk_block, KIND_DIRECTORY);
    uint8_t type = type_of(fs, EXT2_TYPE_DIRECTORY);

    le16_store(entry_at(buffer->data, 0)->record_bytes, (uint16_t)fs->block_bytes);
    insert(buffer->data, 0, directory->number, type, (struct ext2_name){".", 1});
    insert(buffer->data, 0, parent->number, type, (struct ext2_name){"..", 2});
    fs_operation_dirty(op, buffer);
}

void ext2_directory_touch(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory)
{
    directory->flags &= ~EXT2_FLAG_INDEX;
    directory->modify_time = op->now;
    directory->change_time = op->now;
    directory->contents_version = ++fs->stamp;
    ext2_inode_store(op, fs, directory);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Hands out the entries of one block from `*cursor` on. False if one was not taken. */
static bool emit_block(const struct ext2 *fs, const uint8_t *data, uint64_t base, uint64_t *cursor,
                       ext2_emit *emit, void *context, bool *has_emitted)
{
    uint32_t offset = 0;

    while (offset < fs->block_bytes) {
        const struct ext2_disk_entry *entry = entry_in(data, offset);
        uint64_t position = base + offset;

        offset += record_bytes(entry);
        if (position < *cursor || le32_load(entry->inode) == 0)
            continue;

        struct ext2_entry out = {
            .inode = le32_load(entry->inode),
            .file_type = fs->has_file_types ? entry->file_type[0] : EXT2_ENTRY_UNKNOWN,
            .name = {text_of(entry), entry->name_bytes[0]},
            .next = base + offset,
        };

        *has_emitted = true;
        if (!emit(context, &out))
            return false;
        *cursor = base + offset;
    }
    return true;
}

int ext2_readdir(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                 uint64_t *cursor, ext2_emit *emit, void *context)
{
    struct ext2_cursor map_cursor = {0};
    bool has_emitted = false;
    int status = ext2_enter(op, fs, false);

    if (status == 0 && (directory->mode & EXT2_TYPE_MASK) != EXT2_TYPE_DIRECTORY)
        status = -ENOTDIR;
    while (status == 0 && directory->links > 0 && *cursor < directory->size_bytes) {
        uint32_t index = (uint32_t)(*cursor >> fs->block_shift);
        uint64_t base = (uint64_t)index << fs->block_shift;
        struct buffer *buffer = NULL;

        status = find_block(op, fs, directory, index, &map_cursor, false, &buffer);
        if (status != 0)
            return ext2_leave(op, fs, has_emitted ? 0 : status);
        ASSERT(buffer != NULL);
        if (!emit_block(fs, buffer->data, base, cursor, emit, context, &has_emitted))
            break;
        *cursor = base + fs->block_bytes;
    }
    return ext2_leave(op, fs, status);
}
