/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block allocator: choosing free blocks near a goal, taking them, and freeing blocks.
 *
 * A pass plans: the blocks it chooses or wants to free are noted in the operation, checked against
 * the bitmaps and against each other, and the bitmaps and descriptors are kept. The commit applies
 * the notes. Goals keep a file together; a new file starts where the last one of its group ended.
 *
 * I1 A planned block is free (to take) or used (to free) in its bitmap, and is planned once.
 * I2 A planned run lies in one group, whose counters can bear it.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2/bits.h"

/* Most block groups one operation frees blocks of: two buffers each. */
#define GROUPS_FREED_MAX 4u

static uint32_t planned_in_group(const struct ext2 *fs, const struct fs_run *runs, uint32_t count,
                                 uint32_t index)
{
    uint32_t blocks = 0;

    for (uint32_t i = 0; i < count; i++)
        if (ext2_group_of_block(fs, runs[i].first) == index)
            blocks += runs[i].count;
    return blocks;
}

/* Blocks that the operation may still take. The last few are for root and the reserve's owners. */
static uint32_t available_blocks(const struct fs_operation *op, const struct ext2 *fs)
{
    uint32_t held_back = fs->reserved_blocks;
    bool owns_reserve = op->uid == 0 || op->uid == fs->reserved_uid ||
                        (fs->reserved_gid != 0 && op->gid == fs->reserved_gid);

    if (owns_reserve)
        held_back = 0;
    for (uint32_t i = 0; i < op->taken_count; i++)
        held_back += op->taken[i].count;
    return fs->free_blocks > held_back ? fs->free_blocks - held_back : 0;
}

/* The run planned for taking that holds a block, or NULL. */
static const struct fs_run *planned_run(const struct fs_operation *op, uint32_t block)
{
    for (uint32_t i = 0; i < op->taken_count; i++) {
        const struct fs_run *run = &op->taken[i];

        if (block >= run->first && block - run->first < run->count)
            return run;
    }
    return NULL;
}

/* The first bit in [from, limit) that is clear and not planned for, or limit. */
static uint32_t next_free(const struct fs_operation *op, uint32_t first, const uint8_t *map,
                          uint32_t from, uint32_t limit)
{
    uint32_t bit = bits_next_clear(map, from, limit);

    while (bit < limit) {
        const struct fs_run *run = planned_run(op, first + bit);

        if (run == NULL)
            return bit;
        bit = bits_next_clear(map, run->first + run->count - first, limit);
    }
    return limit;
}

/* Where in a group to take `want` blocks: at the goal, else where eight lie free together, else
 * anywhere. Returns `limit` if nothing is free. */
static uint32_t choose_bit(const struct fs_operation *op, uint32_t first, const uint8_t *map,
                           uint32_t goal, uint32_t limit, uint32_t want)
{
    uint32_t bit = next_free(op, first, map, goal, limit);

    if (want > 1 && bit != goal) {
        uint32_t roomy = bits_next_clear_byte(map, goal, limit);

        if (roomy == limit)
            roomy = bits_next_clear_byte(map, 0, limit);
        if (roomy < limit && next_free(op, first, map, roomy, limit) == roomy)
            return roomy;
    }
    return bit < limit ? bit : next_free(op, first, map, 0, limit);
}

static int plan_in_group(struct fs_operation *op, struct ext2 *fs, uint32_t index, uint32_t goal,
                         uint32_t want, struct fs_run *run)
{
    const struct ext2_group *group = &fs->groups[index];
    uint32_t first = ext2_group_first(fs, index);
    uint32_t limit = ext2_group_blocks(fs, index);
    uint32_t left = group->free_blocks - planned_in_group(fs, op->taken, op->taken_count, index);
    struct buffer *buffer = NULL;
    int status = ext2_find(op, fs, group->block_bitmap, KIND_BLOCK_BITMAP, true, &buffer);

    if (status == 0)
        status = ext2_group_keep(op, fs, index);
    if (status != 0)
        return status;
    want = MIN(want, left);
    uint32_t bit = choose_bit(op, first, buffer->data, goal < limit ? goal : 0, limit, want);

    if (bit == limit)
        return ext2_damaged(fs, "a block bitmap has fewer free blocks than its group");
    run->first = first + bit;
    run->count = 1;
    while (run->count < want && bit + run->count < limit &&
           !bits_test(buffer->data, bit + run->count) &&
           planned_run(op, first + bit + run->count) == NULL)
        run->count++;
    return 0;
}

int ext2_blocks_plan(struct fs_operation *op, struct ext2 *fs, uint32_t goal, uint32_t want,
                     struct fs_run *run)
{
    ASSERT(want > 0 && op->taken_count < FS_OPERATION_RUNS);
    uint32_t available = available_blocks(op, fs);

    if (available == 0)
        return -ENOSPC;
    if (goal < fs->first_data_block || goal >= fs->blocks_count)
        goal = fs->first_data_block;
    uint32_t index = ext2_group_of_block(fs, goal);
    uint32_t bit = goal - ext2_group_first(fs, index);

    for (uint32_t i = 0; i < fs->group_count; i++) {
        uint32_t planned = planned_in_group(fs, op->taken, op->taken_count, index);

        if (fs->groups[index].free_blocks > planned) {
            int status = plan_in_group(op, fs, index, bit, MIN(want, available), run);

            if (status == 0) {
                run->is_metadata = false;
                op->taken[op->taken_count++] = *run;
            }
            return status;
        }
        index = index + 1 < fs->group_count ? index + 1 : 0;
        bit = fs->groups[index].rotor;
    }
    return -ENOSPC;
}

int ext2_blocks_plan_metadata(struct fs_operation *op, struct ext2 *fs, uint32_t goal,
                              uint32_t *block)
{
    struct fs_run run = {0};
    int status = ext2_blocks_plan(op, fs, goal, 1, &run);

    if (status == 0)
        status = ext2_check_forget(op, fs, run.first);
    if (status == 0)
        status = fs_operation_spare(op);
    *block = status == 0 ? run.first : 0;
    return status;
}

static struct buffer *kept_bitmap(struct fs_operation *op, struct ext2 *fs, uint32_t index)
{
    return fs_operation_kept(op, fs->groups[index].block_bitmap);
}

void ext2_blocks_take(struct fs_operation *op, struct ext2 *fs)
{
    for (uint32_t i = 0; i < op->taken_count; i++) {
        const struct fs_run *run = &op->taken[i];
        uint32_t index = ext2_group_of_block(fs, run->first);
        uint32_t bit = run->first - ext2_group_first(fs, index);
        struct ext2_group *group = &fs->groups[index];
        struct buffer *buffer = kept_bitmap(op, fs, index);

        ASSERT(group->free_blocks >= run->count && fs->free_blocks >= run->count);
        bits_set(buffer->data, bit, run->count);
        fs_operation_dirty(op, buffer);
        group->free_blocks -= run->count;
        group->rotor = bit + run->count;
        fs->free_blocks -= run->count;
        ext2_group_store(op, fs, index);
    }
    if (op->taken_count > 0)
        ext2_super_store(op, fs);
}

/* True if one more run in this group would make the operation too large. */
static bool plan_is_full(const struct fs_operation *op, const struct ext2 *fs, uint32_t index)
{
    uint32_t groups = 0;

    for (uint32_t i = 0; i < op->freed_count; i++) {
        uint32_t other = ext2_group_of_block(fs, op->freed[i].first);

        if (other == index)
            return op->freed_count == FS_OPERATION_RUNS;
        groups += planned_in_group(fs, op->freed, i, other) == 0;
    }
    return groups == GROUPS_FREED_MAX || op->freed_count == FS_OPERATION_RUNS;
}

int ext2_blocks_plan_free(struct fs_operation *op, struct ext2 *fs, uint32_t first, uint32_t count,
                          bool is_metadata)
{
    if (!ext2_blocks_are_ownable(fs, first, count))
        return ext2_damaged(fs, "a file owns blocks that cannot be a file's");
    uint32_t index = ext2_group_of_block(fs, first);

    ASSERT(index == ext2_group_of_block(fs, first + count - 1));
    if (plan_is_full(op, fs, index))
        return EXT2_PLAN_FULL;
    for (uint32_t i = 0; i < op->freed_count; i++) {
        const struct fs_run *run = &op->freed[i];

        if (first < run->first + run->count && run->first < first + count)
            return ext2_damaged(fs, "a block stands twice in a file");
    }
    const struct ext2_group *group = &fs->groups[index];
    uint32_t planned = planned_in_group(fs, op->freed, op->freed_count, index);
    struct buffer *buffer = NULL;
    int status = ext2_find(op, fs, group->block_bitmap, KIND_BLOCK_BITMAP, true, &buffer);

    if (status == 0)
        status = ext2_group_keep(op, fs, index);
    for (uint32_t i = 0; status == 0 && is_metadata && i < count; i++)
        status = ext2_check_forget(op, fs, first + i);
    if (status != 0)
        return status;
    if (!bits_are_set(buffer->data, first - ext2_group_first(fs, index), count) ||
        count > ext2_group_blocks(fs, index) - group->free_blocks - planned)
        return ext2_damaged(fs, "a file owns blocks that are free");
    op->freed[op->freed_count++] = (struct fs_run){first, count, is_metadata};
    return 0;
}

void ext2_blocks_free(struct fs_operation *op, struct ext2 *fs)
{
    for (uint32_t i = 0; i < op->freed_count; i++) {
        const struct fs_run *run = &op->freed[i];
        uint32_t index = ext2_group_of_block(fs, run->first);
        struct ext2_group *group = &fs->groups[index];
        struct buffer *buffer = kept_bitmap(op, fs, index);

        bits_clear(buffer->data, run->first - ext2_group_first(fs, index), run->count);
        fs_operation_dirty(op, buffer);
        group->free_blocks += run->count;
        fs->free_blocks += run->count;
        ASSERT(group->free_blocks <= ext2_group_blocks(fs, index));
        ext2_group_store(op, fs, index);
        for (uint32_t block = 0; run->is_metadata && block < run->count; block++)
            fs_operation_forget(op, run->first + block);
    }
    if (op->freed_count > 0)
        ext2_super_store(op, fs);
}
