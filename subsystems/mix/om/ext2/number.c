/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inode allocator: which number, hence which block group, a new inode gets.
 *
 * Directories right below the root are spread over the groups, since what lies below one has little
 * to do with what lies below another. Deeper directories stay in their parent's group while that
 * has room for what they will hold, and files stay with their directory.
 *
 * I1 A number is given out only if its bitmap says that it is free and no inode in memory has it.
 */
#include "subsystems/mix/om/ext2/bits.h"
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"

#define NO_GROUP UINT32_MAX

static uint32_t wrap(const struct ext2 *fs, uint32_t start, uint32_t step)
{
    return (uint32_t)(((uint64_t)start + step) % fs->group_count);
}

/* Of the groups with about average room or more, the one with the fewest directories. */
static uint32_t spread_directory(const struct ext2 *fs, uint32_t start)
{
    uint32_t inodes_average = fs->free_inodes / fs->group_count;
    uint32_t blocks_average = fs->free_blocks / fs->group_count;
    uint32_t best = NO_GROUP;

    for (uint32_t i = 0; i < fs->group_count; i++) {
        uint32_t index = wrap(fs, start, i);
        const struct ext2_group *group = &fs->groups[index];

        if (group->free_inodes > 0 && group->free_inodes >= inodes_average - inodes_average / 8 &&
            group->free_blocks >= blocks_average - blocks_average / 8 &&
            (best == NO_GROUP || group->directories < fs->groups[best].directories))
            best = index;
    }
    return best;
}

/* The group nearest after the parent's that is not much fuller than the average. */
static uint32_t near_directory(const struct ext2 *fs, uint32_t parent_group)
{
    uint32_t inodes_average = fs->free_inodes / fs->group_count;
    uint32_t blocks_average = fs->free_blocks / fs->group_count;
    uint32_t inodes_least = inodes_average - MIN(inodes_average, fs->inodes_per_group / 4);
    uint32_t blocks_least = blocks_average - MIN(blocks_average, fs->blocks_per_group / 4);

    for (uint32_t i = 0; i < fs->group_count; i++) {
        uint32_t index = wrap(fs, parent_group, i);
        const struct ext2_group *group = &fs->groups[index];

        if (group->free_inodes > 0 && group->free_inodes >= inodes_least &&
            group->free_blocks >= blocks_least)
            return index;
    }
    return NO_GROUP;
}

/* The parent's group; else steps that double, so that a full group's files do not all crowd the
 * next. */
static uint32_t near_file(const struct ext2 *fs, uint32_t parent_group, uint32_t parent)
{
    const struct ext2_group *group = &fs->groups[parent_group];
    uint32_t index = wrap(fs, parent_group, parent % fs->group_count);

    if (group->free_inodes > 0 && group->free_blocks > 0)
        return parent_group;
    for (uint32_t step = 1; step < fs->group_count; step *= 2) {
        index = wrap(fs, index, step);
        if (fs->groups[index].free_inodes > 0 && fs->groups[index].free_blocks > 0)
            return index;
    }
    return NO_GROUP;
}

static uint32_t choose_group(const struct ext2 *fs, uint32_t parent, bool is_directory)
{
    uint32_t parent_group = ext2_inode_group(fs, parent);
    uint32_t index;

    if (!is_directory)
        index = near_file(fs, parent_group, parent);
    else if (parent == EXT2_ROOT_INODE)
        index = spread_directory(fs, fs->next_generation % fs->group_count);
    else
        index = near_directory(fs, parent_group);
    for (uint32_t i = 0; index == NO_GROUP && i < fs->group_count; i++) {
        uint32_t other = wrap(fs, parent_group, i);

        if (fs->groups[other].free_inodes > 0)
            index = other;
    }
    return index;
}

int ext2_number_plan(struct fs_operation *op, struct ext2 *fs, uint32_t parent, bool is_directory,
                     uint32_t *number)
{
    struct buffer *buffer = NULL;
    uint32_t index = choose_group(fs, parent, is_directory);
    int status;

    if (index == NO_GROUP)
        return -ENOSPC;
    status = ext2_find(op, fs, fs->groups[index].inode_bitmap, KIND_INODE_BITMAP, true, &buffer);
    if (status == 0)
        status = ext2_group_keep(op, fs, index);
    if (status != 0)
        return status;

    uint32_t bit = bits_next_clear(buffer->data, 0, fs->inodes_per_group);

    if (bit == fs->inodes_per_group)
        return ext2_damaged(fs, "an inode bitmap has fewer free inodes than its group");
    *number = index * fs->inodes_per_group + bit + 1;

    const struct ext2_inode *inode = ext2_inode_cached(fs, *number);

    if (inode != NULL && (inode->references > 0 || inode->is_orphan))
        return ext2_damaged(fs, "an inode in use is marked as free");
    return ext2_inode_keep_number(op, fs, *number);
}

void ext2_number_take(struct fs_operation *op, struct ext2 *fs, uint32_t number, bool is_directory)
{
    uint32_t index = ext2_inode_group(fs, number);
    struct ext2_group *group = &fs->groups[index];
    struct buffer *buffer = fs_operation_kept(op, group->inode_bitmap);
    struct ext2_inode *stale = ext2_inode_cached(fs, number);

    ASSERT(group->free_inodes > 0 && fs->free_inodes > 0);
    if (stale != NULL)
        ext2_inode_evict(fs, stale);
    bits_set(buffer->data, (number - 1) % fs->inodes_per_group, 1);
    fs_operation_dirty(op, buffer);
    group->free_inodes--;
    group->directories += is_directory;
    fs->free_inodes--;
    ext2_group_store(op, fs, index);
    ext2_super_store(op, fs);
}

int ext2_number_check_free(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                           bool is_directory)
{
    struct buffer *buffer = NULL;
    uint32_t index = ext2_inode_group(fs, number);
    const struct ext2_group *group = &fs->groups[index];
    int status = ext2_find(op, fs, group->inode_bitmap, KIND_INODE_BITMAP, true, &buffer);

    if (status == 0)
        status = ext2_group_keep(op, fs, index);
    if (status != 0)
        return status;
    if (!bits_test(buffer->data, (number - 1) % fs->inodes_per_group) ||
        group->free_inodes >= fs->inodes_per_group || (is_directory && group->directories == 0))
        return ext2_damaged(fs, "an inode to be freed is free");
    return 0;
}

void ext2_number_free(struct fs_operation *op, struct ext2 *fs, uint32_t number, bool is_directory)
{
    uint32_t index = ext2_inode_group(fs, number);
    struct ext2_group *group = &fs->groups[index];
    struct buffer *buffer = fs_operation_kept(op, group->inode_bitmap);

    ASSERT(!is_directory || group->directories > 0);
    bits_clear(buffer->data, (number - 1) % fs->inodes_per_group, 1);
    fs_operation_dirty(op, buffer);
    group->free_inodes++;
    group->directories -= is_directory;
    fs->free_inodes++;
    ext2_group_store(op, fs, index);
    ext2_super_store(op, fs);
}
