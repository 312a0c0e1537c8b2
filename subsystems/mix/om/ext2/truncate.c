/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes of files, and freeing the blocks beyond them in bounded pieces.
 *
 * A file that becomes shorter is cut: the first step sets the size, remembers in the inode from
 * which block on everything goes, and puts the inode on the orphan list, so that an interrupted cut
 * is finished after a crash. Each step frees one piece: what hangs from one table of pointers, from
 * its end backward, in a few runs and groups; then that table itself if it is empty. The step that
 * finds nothing left takes the inode from the orphan list.
 *
 * I1 A piece is freed from the end of the file, so what remains is a well-formed shorter file.
 * I2 Each step but the last frees a block that was marked as used; hence a cut ends.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

/* What a step clears: entries [first, limit) of one table, 0 being the inode's own pointers. */
struct piece {
    uint32_t table;
    uint32_t first;
    uint32_t limit;
    bool frees_table; /* some indirect block is freed */
};

/* How many entries before `slot` continue backward what stands in the one before it. */
static uint32_t run_length(const struct ext2 *fs, const uint8_t (*entries)[4], uint32_t slot,
                           uint32_t least)
{
    uint32_t last = le32_load(entries[slot - 1]);
    uint32_t group_first = ext2_group_first(fs, ext2_group_of_block(fs, last));
    uint32_t length = 1;

    while (slot - length > least && last - length >= group_first &&
           le32_load(entries[slot - length - 1]) == last - length)
        length++;
    return length;
}

/*
 * Plans to free what entries [least, limit) name, from the end on, until the operation is full.
 * `*first` is where it stopped; EXT2_NOTHING if all are holes.
 */
static int plan_entries(struct fs_operation *op, struct ext2 *fs, const uint8_t (*entries)[4],
                        uint32_t least, uint32_t limit, bool is_metadata, uint32_t *first)
{
    uint32_t slot = limit;

    while (slot > least) {
        uint32_t last = le32_load(entries[slot - 1]);

        if (last == 0) {
            slot--;
            continue;
        }
        if (!ext2_blocks_are_ownable(fs, last, 1))
            return ext2_damaged(fs, "a file owns blocks that cannot be a file's");

        uint32_t length = run_length(fs, entries, slot, least);
        int status = ext2_blocks_plan_free(op, fs, last - length + 1, length, is_metadata);

        if (status == EXT2_PLAN_FULL)
            break;
        if (status != 0)
            return status;
        slot -= length;
    }
    *first = slot;
    return op->freed_count > 0 ? 0 : EXT2_NOTHING;
}

/* Plans to free the table at `block`, which is empty or about to be, and to clear its pointer. */
static int plan_table(struct fs_operation *op, struct ext2 *fs, uint32_t block, uint32_t parent,
                      uint32_t parent_slot, struct piece *piece)
{
    struct buffer *buffer = NULL;
    int status = 0;

    if (parent != 0)
        status = ext2_find_indirect(op, fs, parent, true, &buffer);
    if (status == 0)
        status = ext2_blocks_plan_free(op, fs, block, 1, true);
    if (status == 0)
        *piece = (struct piece){parent, parent_slot, parent_slot + 1, true};
    return status;
}

/* Plans in a leaf: its entries from `least` on, and the leaf itself if nothing of it remains. */
static int plan_leaf(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                     struct buffer *leaf, uint32_t least, uint32_t parent, uint32_t parent_slot,
                     struct piece *piece)
{
    bool is_metadata = (inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR;
    uint32_t limit = 1u << fs->pointer_shift;
    uint32_t block = leaf->block;
    uint32_t first = 0;
    int status = plan_entries(op, fs, (const void *)leaf->data, least, limit, is_metadata, &first);

    if (status != 0 && status != EXT2_NOTHING)
        return status;
    if (first == 0) {
        int table_status = plan_table(op, fs, block, parent, parent_slot, piece);

        if (table_status != EXT2_PLAN_FULL)
            return table_status;
    }
    if (status == EXT2_NOTHING)
        return status;
    *piece = (struct piece){block, first, limit, false};
    return ext2_find_indirect(op, fs, block, true, &leaf);
}

/* Plans below the inode's pointer `slot`, whose tree covers file blocks from `base` on. */
static int plan_tree(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                     uint32_t slot, uint64_t base, uint32_t keep, struct piece *piece)
{
    uint32_t levels = slot - EXT2_DIRECT_BLOCKS + 1;
    uint32_t block = le32_load(inode->pointers[slot]);
    uint32_t parent = 0;
    uint32_t parent_slot = slot;

    struct buffer *buffer = NULL;
    int status = ext2_find_indirect(op, fs, block, false, &buffer);

    for (uint32_t level = 1; status == 0 && level < levels; level++) {
        const uint8_t(*entries)[4] = (const void *)buffer->data;
        uint32_t child_shift = (levels - level) * fs->pointer_shift;
        uint32_t least = keep > base ? (uint32_t)((keep - base) >> child_shift) : 0;
        uint32_t i = 1u << fs->pointer_shift;

        while (i > least && le32_load(entries[i - 1]) == 0)
            i--;
        if (i == least && least > 0)
            return EXT2_NOTHING;
        if (i == least)
            return plan_table(op, fs, block, parent, parent_slot, piece);
        parent = block;
        parent_slot = i - 1;
        block = le32_load(entries[parent_slot]);
        base += (uint64_t)parent_slot << child_shift;
        status = ext2_find_indirect(op, fs, block, false, &buffer);
    }
    if (status != 0)
        return status;
    return plan_leaf(op, fs, inode, buffer, keep > base ? (uint32_t)(keep - base) : 0, parent,
                     parent_slot, piece);
}

static bool has_tree(const struct ext2 *fs, const struct ext2_inode *inode)
{
    switch (inode->mode & EXT2_TYPE_MASK) {
    case EXT2_TYPE_REGULAR:
    case EXT2_TYPE_DIRECTORY:
        return true;
    case EXT2_TYPE_SYMLINK:
        return !ext2_symlink_is_fast(fs, inode);
    default:
        return false;
    }
}

/* Plans the last piece of a file at or beyond block `keep`. */
static int plan_piece(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                      uint32_t keep, struct piece *piece)
{
    bool is_metadata = (inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR;
    uint64_t end = ext2_blocks_max(fs);
    int status = EXT2_NOTHING;

    if (!has_tree(fs, inode))
        return EXT2_NOTHING;
    for (uint32_t slot = EXT2_POINTERS - 1; slot >= EXT2_DIRECT_BLOCKS && end > keep; slot--) {
        uint32_t levels = slot - EXT2_DIRECT_BLOCKS + 1;

        end -= (uint64_t)1 << levels * fs->pointer_shift;
        if (le32_load(inode->pointers[slot]) == 0)
            continue;
        status = plan_tree(op, fs, inode, slot, end, keep, piece);
        if (status != EXT2_NOTHING)
            return status;
    }
    if (keep >= EXT2_DIRECT_BLOCKS)
        return EXT2_NOTHING;
    piece->table = 0;
    piece->limit = EXT2_DIRECT_BLOCKS;
    piece->frees_table = false;
    return plan_entries(op, fs, inode->pointers, keep, EXT2_DIRECT_BLOCKS, is_metadata,
                        &piece->first);
}

/* Plans the piece and all else that freeing it touches. */
static int plan_step(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                     uint32_t keep, struct piece *piece)
{
    uint64_t blocks = 0;
    int status = plan_piece(op, fs, inode, keep, piece);

    if (status != 0)
        return status;
    for (uint32_t i = 0; i < op->freed_count; i++)
        blocks += op->freed[i].count;
    if (blocks << (fs->block_shift - EXT2_SECTOR_SHIFT) > inode->sectors)
        return ext2_damaged(fs, "a file owns more blocks than it counts");
    return ext2_inode_keep(op, fs, inode);
}

/* Frees a piece. The caller stores the inode. */
static void apply_piece(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                        const struct piece *piece)
{
    uint8_t(*entries)[4] = inode->pointers;

    if (piece->table != 0) {
        struct buffer *buffer = fs_operation_kept(op, piece->table);

        entries = (void *)buffer->data;
        fs_operation_dirty(op, buffer);
    }
    memset(entries[piece->first], 0, (piece->limit - piece->first) * sizeof(entries[0]));
    for (uint32_t i = 0; i < op->freed_count; i++)
        inode->sectors -= op->freed[i].count << (fs->block_shift - EXT2_SECTOR_SHIFT);
    if (piece->frees_table)
        inode->tree_version = ++fs->stamp;
    inode->goal_disk_block = 0;
}

int ext2_free_piece(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    struct piece piece = {0};
    int status = plan_step(op, fs, inode, inode->cut, &piece);

    ASSERT(inode->is_orphan && inode->cut != EXT2_NOTHING_CUT);
    if (status != 0)
        return status;
    fs_operation_commit(op);
    apply_piece(op, fs, inode, &piece);
    ext2_inode_store(op, fs, inode);
    ext2_blocks_free(op, fs);
    return FS_MORE;
}

int ext2_cut_step(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    int status = ext2_free_piece(op, fs, inode);

    if (status != EXT2_NOTHING)
        return status;
    if (inode->links > 0) {
        status = ext2_orphan_check_remove(op, fs, inode);
        if (status != 0)
            return status;
        fs_operation_commit(op);
        ext2_orphan_remove(op, fs, inode);
        ext2_inode_store(op, fs, inode);
    }
    inode->cut = EXT2_NOTHING_CUT;
    return FS_MORE;
}

int ext2_size_check(const struct ext2 *fs, uint64_t size_bytes)
{
    bool needs_feature = size_bytes > INT32_MAX;

    return size_bytes > ext2_size_max(fs) || (needs_feature && !fs->has_revision) ? -EFBIG : 0;
}

void ext2_size_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                     uint64_t size_bytes)
{
    if (size_bytes > INT32_MAX)
        ext2_super_set_large_file(op, fs);
    inode->size_bytes = size_bytes;
}

static int truncate_to(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                       uint64_t size_bytes)
{
    uint32_t keep = (uint32_t)((size_bytes + fs->block_bytes - 1) >> fs->block_shift);
    struct piece piece = {0};
    int status = plan_step(op, fs, inode, keep, &piece);
    bool is_cut = status == 0;

    if (status == EXT2_NOTHING) {
        if (size_bytes == inode->size_bytes)
            return 0;
        status = ext2_inode_keep(op, fs, inode);
    }
    if (status != 0)
        return status;

    fs_operation_commit(op);
    if (size_bytes != inode->size_bytes) {
        ext2_size_apply(op, fs, inode, size_bytes);
        inode->modify_time = op->now;
        inode->change_time = op->now;
    }
    if (is_cut) {
        inode->cut = keep;
        if (!inode->is_orphan)
            ext2_orphan_add(op, fs, inode);
        apply_piece(op, fs, inode, &piece);
    }
    ext2_inode_store(op, fs, inode);
    ext2_blocks_free(op, fs);
    return is_cut ? FS_MORE : 0;
}

int ext2_truncate(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                  uint64_t size_bytes)
{
    int status = ext2_enter(op, fs, true);

    if (status == 0 && (inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR)
        status = -EINVAL;
    if (status == 0 && (inode->flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND)))
        status = -EPERM;
    if (status == 0)
        status = ext2_size_check(fs, size_bytes);
    if (status == 0 && inode->cut != EXT2_NOTHING_CUT)
        status = ext2_cut_step(op, fs, inode);
    else if (status == 0)
        status = truncate_to(op, fs, inode, size_bytes);
    return ext2_leave(op, fs, status);
}
