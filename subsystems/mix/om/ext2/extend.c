/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving blocks to files: filling a hole of the block map, with the indirect blocks that it takes.
 *
 * The plan walks down to the last table of pointers that exists, chooses the missing indirect
 * blocks and then the data blocks right behind them, so that they are read in one sweep. The goal
 * is the block after the one before it in the file; the first block of a file goes where the last
 * allocation of its inode's group ended.
 *
 * I1 A plan changes one existing table: an indirect block, or the inode's own pointers.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

/* The block that would continue the file, seen from a table that holds what precedes `slot`. */
static uint32_t goal_in_table(const struct ext2 *fs, const struct ext2_inode *inode,
                              const uint8_t (*entries)[4], uint32_t slot)
{
    uint32_t index = ext2_inode_group(fs, inode->number);

    for (uint32_t i = slot; i > 0; i--) {
        uint32_t block = le32_load(entries[i - 1]);

        if (block != 0)
            return block + (slot - i + 1) < fs->blocks_count ? block + (slot - i + 1) : block;
    }
    if (inode->goal_disk_block != 0)
        return inode->goal_disk_block;
    return ext2_group_first(fs, index) + fs->groups[index].rotor;
}

/* Walks to the last table that exists, keeps it, and finds the goal. */
static int plan_table(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                      struct ext2_growth *growth, uint32_t *goal)
{
    const struct ext2_path *path = &growth->path;
    const uint8_t(*entries)[4] = inode->pointers;

    growth->level = 0;
    growth->table = 0;
    while (growth->level < path->levels && le32_load(entries[path->slot[growth->level]]) != 0) {
        struct buffer *buffer = NULL;
        uint32_t block = le32_load(entries[path->slot[growth->level]]);
        int status = ext2_find_indirect(op, fs, block, false, &buffer);

        if (status != 0)
            return status;
        entries = (const void *)buffer->data;
        growth->table = block;
        growth->level++;
    }
    if (le32_load(entries[path->slot[growth->level]]) != 0)
        return ext2_damaged(fs, "a file owns blocks beyond its size");
    *goal = goal_in_table(fs, inode, entries, path->slot[growth->level]);
    if (growth->table == 0)
        return 0;

    struct buffer *kept = NULL;

    return ext2_find_indirect(op, fs, growth->table, true, &kept);
}

int ext2_growth_plan(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                     uint32_t file_block, uint32_t want, bool is_metadata,
                     struct ext2_growth *growth)
{
    uint32_t goal = 0;
    uint32_t room = (UINT32_MAX - inode->sectors) >> (fs->block_shift - EXT2_SECTOR_SHIFT);

    if (file_block >= ext2_blocks_max(fs) || room <= EXT2_INDIRECT_LEVELS)
        return -EFBIG;
    memset(growth, 0, sizeof(*growth));
    ext2_path_to(fs, file_block, &growth->path);

    int status = plan_table(op, fs, inode, growth, &goal);

    for (uint32_t level = growth->level; status == 0 && level < growth->path.levels; level++) {
        status = ext2_blocks_plan_metadata(op, fs, goal, &growth->indirect[growth->indirect_count]);
        if (status == 0)
            goal = growth->indirect[growth->indirect_count++] + 1;
    }
    want = MIN(want, growth->path.leaf_entries - growth->path.slot[growth->path.levels]);
    want = MIN(want, room - EXT2_INDIRECT_LEVELS);
    if (status == 0 && is_metadata) {
        growth->data.count = 1;
        status = ext2_blocks_plan_metadata(op, fs, goal, &growth->data.first);
    } else if (status == 0) {
        status = ext2_blocks_plan(op, fs, goal, want, &growth->data);
    }
    return status == 0 ? ext2_inode_keep(op, fs, inode) : status;
}

/* Fills the pointers. The blocks are taken already; the caller stores the inode. */
void ext2_growth_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                       const struct ext2_growth *growth)
{
    const struct ext2_path *path = &growth->path;
    uint8_t(*entries)[4] = inode->pointers;
    struct buffer *table = NULL;
    uint32_t level = growth->level;

    if (growth->table != 0) {
        table = fs_operation_kept(op, growth->table);
        entries = (void *)table->data;
    }
    for (uint32_t i = 0; i < growth->indirect_count; i++) {
        ASSERT(le32_load(entries[path->slot[level]]) == 0);
        le32_store(entries[path->slot[level]], growth->indirect[i]);
        if (table != NULL)
            fs_operation_dirty(op, table);
        table = fs_operation_new(op, growth->indirect[i], KIND_INDIRECT);
        entries = (void *)table->data;
        level++;
    }
    ASSERT(level == path->levels);
    for (uint32_t i = 0; i < growth->data.count; i++) {
        ASSERT(le32_load(entries[path->slot[level] + i]) == 0);
        le32_store(entries[path->slot[level] + i], growth->data.first + i);
    }
    if (table != NULL)
        fs_operation_dirty(op, table);
    inode->sectors += (growth->indirect_count + growth->data.count)
                      << (fs->block_shift - EXT2_SECTOR_SHIFT);
    inode->goal_disk_block = growth->data.first + growth->data.count;
}

static int allocate_blocks(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                           uint32_t file_block, uint32_t count, struct ext2_extent *extent)
{
    struct ext2_cursor cursor = {0};
    struct ext2_growth growth;
    int status = ext2_map_blocks(op, fs, inode, file_block, count, &cursor, extent);

    if (status != 0 || extent->disk_block != 0)
        return status;
    status = ext2_growth_plan(op, fs, inode, file_block, extent->count, false, &growth);
    if (status != 0)
        return status;

    fs_operation_commit(op);
    ext2_blocks_take(op, fs);
    ext2_growth_apply(op, fs, inode, &growth);
    ext2_inode_store(op, fs, inode);
    extent->disk_block = growth.data.first;
    extent->count = growth.data.count;
    extent->is_new = true;
    op->data = (struct fs_data){inode->number, file_block, extent->disk_block, extent->count};
    return 0;
}

int ext2_allocate(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                  uint32_t file_block, uint32_t count, struct ext2_extent *extent)
{
    int status = ext2_enter(op, fs, true);

    if (status != 0)
        return status;
    if (count == 0 || (inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR)
        return -EINVAL;
    if (inode->flags & EXT2_FLAG_IMMUTABLE)
        return -EPERM;
    if (file_block >= ext2_blocks_max(fs))
        return -EFBIG;
    if (file_block >= inode->cut)
        return ext2_leave(op, fs, ext2_cut_step(op, fs, inode));
    count = MIN(count, MIN(inode->cut, ext2_blocks_max(fs)) - file_block);
    return ext2_leave(op, fs, allocate_blocks(op, fs, inode, file_block, count, extent));
}
