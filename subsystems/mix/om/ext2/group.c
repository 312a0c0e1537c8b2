/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block groups: their descriptors in memory and on the disk, and which blocks a file may own.
 *
 * I1 A group's bitmaps and inode table lie inside the group and do not overlap each other, nor the
 *    superblock and the descriptors at the start of the disk. Hence no two groups share any.
 * I2 No pointer of a file is followed before ext2_blocks_are_ownable said that it leads to none of
 *    these: a damaged file cannot make the core write over the bones of the file system.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "mix/errno.h"

uint32_t ext2_group_first(const struct ext2 *fs, uint32_t index)
{
    ASSERT(index < fs->group_count);
    return fs->first_data_block + index * fs->blocks_per_group;
}

uint32_t ext2_group_blocks(const struct ext2 *fs, uint32_t index)
{
    uint32_t left = fs->blocks_count - ext2_group_first(fs, index);

    return MIN(left, fs->blocks_per_group);
}

uint32_t ext2_group_of_block(const struct ext2 *fs, uint32_t block)
{
    ASSERT(block >= fs->first_data_block && block < fs->blocks_count);
    return (block - fs->first_data_block) / fs->blocks_per_group;
}

/* Blocks from the start of the disk to the end of the group descriptors. */
static uint32_t bones_end(const struct ext2 *fs)
{
    return fs->first_data_block + 1 + fs->descriptor_blocks;
}

/* The block of descriptors that holds a group's, and where in it. */
static uint32_t descriptor_block(const struct ext2 *fs, uint32_t index, uint32_t *offset)
{
    uint32_t per_block = fs->block_bytes / EXT2_GROUP_BYTES;

    *offset = index % per_block * EXT2_GROUP_BYTES;
    return fs->first_data_block + 1 + index / per_block;
}

static bool overlap(uint32_t first, uint32_t count, uint32_t other, uint32_t other_count)
{
    return first < other + other_count && other < first + count;
}

static bool is_plausible(const struct ext2 *fs, uint32_t index, const struct ext2_group *group)
{
    uint32_t first = ext2_group_first(fs, index);
    uint32_t blocks = ext2_group_blocks(fs, index);
    uint32_t bones = index == 0 ? bones_end(fs) : 0;

    if (group->block_bitmap < first || group->block_bitmap - first >= blocks ||
        group->inode_bitmap < first || group->inode_bitmap - first >= blocks ||
        group->inode_table < first || fs->table_blocks > blocks ||
        group->inode_table - first > blocks - fs->table_blocks)
        return false;
    if (group->block_bitmap == group->inode_bitmap || group->block_bitmap < bones ||
        group->inode_bitmap < bones || group->inode_table < bones ||
        overlap(group->block_bitmap, 1, group->inode_table, fs->table_blocks) ||
        overlap(group->inode_bitmap, 1, group->inode_table, fs->table_blocks))
        return false;
    return group->free_blocks <= blocks && group->free_inodes <= fs->inodes_per_group &&
           group->directories <= fs->inodes_per_group - group->free_inodes;
}

static bool has_super_copy(const struct ext2 *fs, uint32_t index)
{
    if (!fs->has_sparse_supers || index <= 1)
        return true;
    for (uint32_t base = 3; base <= 7; base += 2) {
        uint64_t power = base;

        while (power < index)
            power *= base;
        if (power == index)
            return true;
    }
    return false;
}

/* Reads all descriptors, a block a step, and adds up what they say. */
int ext2_groups_load(struct fs_operation *op, struct ext2 *fs)
{
    while (fs->groups_loaded < fs->group_count) {
        uint32_t index = fs->groups_loaded;
        uint32_t offset = 0;
        uint32_t block = descriptor_block(fs, index, &offset);
        struct buffer *buffer = NULL;

        if (block >= fs->blocks_count)
            return ext2_damaged(fs, "its group descriptors do not fit on the disk");
        int status = fs_operation_find(op, block, KIND_DESCRIPTORS, false, &buffer);

        if (status != 0)
            return status;
        const struct ext2_disk_group *disk = (const void *)(buffer->data + offset);
        struct ext2_group *group = &fs->groups[index];

        group->block_bitmap = le32_load(disk->block_bitmap);
        group->inode_bitmap = le32_load(disk->inode_bitmap);
        group->inode_table = le32_load(disk->inode_table);
        group->free_blocks = le16_load(disk->free_blocks_count);
        group->free_inodes = le16_load(disk->free_inodes_count);
        group->directories = le16_load(disk->used_directories_count);
        group->rotor = 0;
        if (!is_plausible(fs, index, group))
            return ext2_damaged(fs, "a group descriptor is damaged");
        fs->free_blocks += group->free_blocks;
        fs->free_inodes += group->free_inodes;
        fs->overhead_blocks += 2 + fs->table_blocks;
        fs->overhead_blocks += has_super_copy(fs, index) ? 1 + fs->descriptor_blocks : 0;
        fs->groups_loaded++;
    }
    return 0;
}

int ext2_group_keep(struct fs_operation *op, struct ext2 *fs, uint32_t index)
{
    uint32_t offset = 0;
    struct buffer *buffer = NULL;
    uint32_t block = descriptor_block(fs, index, &offset);

    return fs_operation_find(op, block, KIND_DESCRIPTORS, true, &buffer);
}

void ext2_group_store(struct fs_operation *op, struct ext2 *fs, uint32_t index)
{
    uint32_t offset = 0;
    struct buffer *buffer = fs_operation_kept(op, descriptor_block(fs, index, &offset));
    struct ext2_disk_group *disk = (void *)(buffer->data + offset);
    const struct ext2_group *group = &fs->groups[index];

    le16_store(disk->free_blocks_count, (uint16_t)group->free_blocks);
    le16_store(disk->free_inodes_count, (uint16_t)group->free_inodes);
    le16_store(disk->used_directories_count, (uint16_t)group->directories);
    fs_operation_dirty(op, buffer);
}

bool ext2_blocks_are_ownable(const struct ext2 *fs, uint32_t first, uint32_t count)
{
    if (count == 0 || first < bones_end(fs) || first >= fs->blocks_count ||
        count > fs->blocks_count - first)
        return false;
    uint32_t last_group = ext2_group_of_block(fs, first + count - 1);

    for (uint32_t i = ext2_group_of_block(fs, first); i <= last_group; i++) {
        const struct ext2_group *group = &fs->groups[i];

        if (overlap(first, count, group->block_bitmap, 1) ||
            overlap(first, count, group->inode_bitmap, 1) ||
            overlap(first, count, group->inode_table, fs->table_blocks))
            return false;
    }
    return true;
}
