/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block map: where on the disk a file's blocks are.
 *
 * Twelve blocks are named by the inode; the others hang from its last three pointers over one, two
 * and three levels of indirect blocks. An indirect block at the lowest level is called a leaf: its
 * entries name data. A cursor remembers the leaf met last, so that who maps a file in order looks
 * at each leaf once, and once a leaf at the blocks above it.
 *
 * I1 A path has as many steps as there are levels, so a walk ends however damaged the pointers are.
 * I2 Blocks from the inode's `cut` on count as holes: they are being freed.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "mix/errno.h"

uint32_t ext2_blocks_max(const struct ext2 *fs)
{
    uint64_t pointers = 1u << fs->pointer_shift;
    uint64_t blocks =
        EXT2_DIRECT_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers;

    ASSERT(blocks < EXT2_NOTHING_CUT);
    return (uint32_t)blocks;
}

uint64_t ext2_size_max(const struct ext2 *fs)
{
    return (uint64_t)ext2_blocks_max(fs) << fs->block_shift;
}

void ext2_path_to(const struct ext2 *fs, uint32_t file_block, struct ext2_path *path)
{
    uint32_t left = file_block;

    ASSERT(file_block < ext2_blocks_max(fs));
    path->levels = 0;
    path->slot[0] = file_block;
    path->leaf_first = 0;
    path->leaf_entries = EXT2_DIRECT_BLOCKS;
    if (left < EXT2_DIRECT_BLOCKS)
        return;

    uint64_t span = 1u << fs->pointer_shift;

    left -= EXT2_DIRECT_BLOCKS;
    path->levels = 1;
    while (left >= span) {
        left -= (uint32_t)span;
        span <<= fs->pointer_shift;
        path->levels++;
    }
    path->slot[0] = EXT2_DIRECT_BLOCKS + path->levels - 1;
    for (uint32_t level = path->levels; level > 0; level--) {
        path->slot[level] = left & ((1u << fs->pointer_shift) - 1);
        left >>= fs->pointer_shift;
    }
    path->leaf_first = file_block - path->slot[path->levels];
    path->leaf_entries = 1u << fs->pointer_shift;
}

int ext2_find_indirect(struct fs_operation *op, struct ext2 *fs, uint32_t block, bool keep,
                       struct buffer **out)
{
    if (!ext2_blocks_are_ownable(fs, block, 1))
        return ext2_damaged(fs, "an indirect block lies where none can");
    return ext2_find(op, fs, block, KIND_INDIRECT, keep, out);
}

/*
 * Follows a path down to its leaf. `*table` is the leaf's entries, or those of the inode where no
 * level is between; NULL if a pointer on the way is 0, and then `*missing_level` says to which
 * level it led.
 */
static int find_leaf(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                     const struct ext2_path *path, struct ext2_cursor *cursor,
                     const uint8_t (**table)[4], uint32_t *missing_level)
{
    const uint8_t(*entries)[4] = inode->pointers;
    uint32_t level = 0;
    uint32_t block = 0;

    if (path->levels > 0 && cursor->version == inode->tree_version &&
        cursor->first == path->leaf_first) {
        level = path->levels - 1;
        block = cursor->leaf;
    }
    while (level < path->levels) {
        struct buffer *buffer = NULL;

        if (block == 0)
            block = le32_load(entries[path->slot[level]]);
        if (block == 0) {
            *table = NULL;
            *missing_level = level + 1;
            return 0;
        }

        int status = ext2_find_indirect(op, fs, block, false, &buffer);

        if (status != 0)
            return status;
        ASSERT(buffer != NULL);
        cursor->reads++;
        entries = (const void *)buffer->data;
        level++;
        if (level == path->levels) {
            cursor->version = inode->tree_version;
            cursor->leaf = block;
            cursor->first = path->leaf_first;
        }
        block = 0;
    }
    *table = entries;
    return 0;
}

/* Blocks from the path's end to the end of what the missing pointer would cover. */
static uint32_t hole_blocks(const struct ext2 *fs, const struct ext2_path *path, uint32_t level)
{
    uint64_t span = 1;
    uint64_t before = 0;

    ASSERT(level > 0 && path->levels < ARRAY_SIZE(path->slot));
    for (uint32_t i = path->levels; i >= level; i--) {
        before += path->slot[i] * span;
        span <<= fs->pointer_shift;
    }
    return (uint32_t)MIN(span - before, (uint64_t)UINT32_MAX);
}

int ext2_map_blocks(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                    uint32_t file_block, uint32_t count, struct ext2_cursor *cursor,
                    struct ext2_extent *extent)
{
    struct ext2_path path;
    const uint8_t(*entries)[4] = NULL;
    uint32_t missing_level = 0;
    int status = 0;

    *extent = (struct ext2_extent){.file_block = file_block, .count = count};
    if (file_block >= ext2_blocks_max(fs) || file_block >= inode->cut)
        return 0;
    count = MIN(count, inode->cut - file_block);
    ext2_path_to(fs, file_block, &path);
    status = find_leaf(op, fs, inode, &path, cursor, &entries, &missing_level);
    if (status != 0)
        return status;
    if (entries == NULL) {
        extent->count = MIN(count, hole_blocks(fs, &path, missing_level));
        return 0;
    }

    uint32_t slot = path.slot[path.levels];
    uint32_t first = le32_load(entries[slot]);
    uint32_t most = MIN(count, path.leaf_entries - slot);
    uint32_t length = 1;

    while (length < most && le32_load(entries[slot + length]) == (first == 0 ? 0 : first + length))
        length++;
    if (first != 0 && !ext2_blocks_are_ownable(fs, first, length))
        return ext2_damaged(fs, "a file owns blocks that cannot be a file's");
    extent->disk_block = first;
    extent->count = length;
    return 0;
}

static bool has_blocks(const struct ext2_inode *inode)
{
    uint32_t type = inode->mode & EXT2_TYPE_MASK;

    return type == EXT2_TYPE_REGULAR || type == EXT2_TYPE_DIRECTORY;
}

int ext2_map(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
             uint32_t file_block, uint32_t count, struct ext2_cursor *cursor,
             struct ext2_extent *extent)
{
    struct ext2_cursor fresh = {0};
    int status = ext2_enter(op, fs, false);

    if (status != 0)
        return status;
    if (count == 0 || !has_blocks(inode))
        return -EINVAL;
    status =
        ext2_map_blocks(op, fs, inode, file_block, count, cursor != NULL ? cursor : &fresh, extent);
    return ext2_leave(op, fs, status);
}
