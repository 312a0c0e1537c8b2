/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes of operations on a file system: how each begins and ends, and how it gets at metadata.
 *
 * The bytes of a block are checked once for each kind of metadata that it is used as, when it is
 * first used so after it was read; a buffer remembers the kind. Afterwards only commits change it,
 * and they keep it well-formed. Pointers to other blocks and inode numbers are checked where they
 * are used.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/endian.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2/bits.h"

int ext2_enter(struct fs_operation *op, struct ext2 *fs, bool changes)
{
    ASSERT(fs->is_mounted && op->cache == fs->cache);
    fs_operation_pass(op);
    return changes && fs->is_read_only ? -EROFS : 0;
}

int ext2_leave(struct fs_operation *op, struct ext2 *fs, int status)
{
    ASSERT(op->sequence == 0 || status == FS_DONE || status == FS_MORE);
    while (op->inode_count > 0)
        (void)ext2_inode_release(fs, op->inodes[--op->inode_count]);
    return status;
}

/* A group's own metadata must be marked as used, else it would be given to files. */
static bool is_block_bitmap(const struct ext2 *fs, uint32_t block, const uint8_t *map)
{
    uint32_t index = ext2_group_of_block(fs, block);
    uint32_t first = ext2_group_first(fs, index);
    const struct ext2_group *group = &fs->groups[index];

    ASSERT(block == group->block_bitmap);
    if (index == 0 && !bits_are_set(map, 0, 1 + fs->descriptor_blocks))
        return false;
    return bits_test(map, group->block_bitmap - first) &&
           bits_test(map, group->inode_bitmap - first) &&
           bits_are_set(map, group->inode_table - first, fs->table_blocks);
}

static bool is_inode_bitmap(const struct ext2 *fs, uint32_t block, const uint8_t *map)
{
    return ext2_group_of_block(fs, block) != 0 || bits_are_set(map, 0, fs->first_inode - 1);
}

static bool is_xattr(const uint8_t *data)
{
    const struct ext2_disk_xattr *xattr = (const void *)data;

    return le32_load(xattr->magic) == EXT2_XATTR_MAGIC && le32_load(xattr->references) > 0 &&
           le32_load(xattr->blocks) == 1;
}

static const char *find_fault(const struct ext2 *fs, uint32_t block, enum ext2_kind kind,
                              const uint8_t *data)
{
    switch (kind) {
    case KIND_BLOCK_BITMAP:
        return is_block_bitmap(fs, block, data) ? NULL : "a block bitmap is damaged";
    case KIND_INODE_BITMAP:
        return is_inode_bitmap(fs, block, data) ? NULL : "an inode bitmap is damaged";
    case KIND_DIRECTORY:
        return ext2_entries_are_sound(fs, data) ? NULL : "a directory is damaged";
    case KIND_XATTR:
        return is_xattr(data) ? NULL : "a block of extended attributes is damaged";
    default:
        return NULL;
    }
}

int ext2_find(struct fs_operation *op, struct ext2 *fs, uint32_t block, enum ext2_kind kind,
              bool keep, struct buffer **out)
{
    struct buffer *buffer = NULL;
    int status = fs_operation_find(op, block, (uint8_t)kind, keep, &buffer);

    if (status == -EUCLEAN)
        return ext2_damaged(fs, "a block of metadata belongs to two owners");
    if (status != 0)
        return status;
    if (buffer->kind != kind) {
        const char *fault = find_fault(fs, block, kind, buffer->data);

        if (fault != NULL)
            return ext2_damaged(fs, fault);
        buffer->kind = (uint8_t)kind;
    }
    *out = buffer;
    return 0;
}

int ext2_check_forget(struct fs_operation *op, struct ext2 *fs, uint32_t block)
{
    int status = fs_operation_check_forget(op, block);

    return status == -EUCLEAN ? ext2_damaged(fs, "a block of metadata belongs to two owners")
                              : status;
}
