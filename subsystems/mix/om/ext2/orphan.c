/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The orphan list: inodes that wait to be freed, or to be made shorter.
 *
 * An inode without links lives on while somebody has it open. Then, and during a cut (truncate.c),
 * it is on a list that begins in the superblock and goes on through the inodes' time of deletion,
 * so that a mount after a crash can finish what was begun. In memory the same list is `orphans`.
 *
 * I1 `orphans` is the front of the list on the disk, in order. The rest, which only a mount meets,
 *    is worked off from its head before anything else is changed.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/endian.h"
#include "mix/errno.h"

void ext2_orphan_add(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(!inode->is_orphan && inode->references > 0);
    inode->is_orphan = true;
    inode->next_orphan = fs->last_orphan;
    fs->last_orphan = inode->number;
    list_add_head(&fs->orphans, &inode->orphan_link);
    ext2_super_store(op, fs);
}

/* The orphan before this one on the list, or NULL. */
static struct ext2_inode *orphan_before(struct ext2 *fs, struct ext2_inode *inode)
{
    struct list *before = inode->orphan_link.prev;

    ASSERT(inode->is_orphan && before != NULL);
    return before == &fs->orphans ? NULL : LIST_ENTRY(before, struct ext2_inode, orphan_link);
}

int ext2_orphan_check_remove(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    struct ext2_inode *before = orphan_before(fs, inode);
    int status = ext2_inode_keep(op, fs, inode);

    if (status == 0 && before != NULL)
        status = ext2_inode_keep(op, fs, before);
    return status;
}

void ext2_orphan_remove(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    struct ext2_inode *before = orphan_before(fs, inode);

    if (before != NULL) {
        before->next_orphan = inode->next_orphan;
        ext2_inode_store(op, fs, before);
    } else {
        fs->last_orphan = inode->next_orphan;
        ext2_super_store(op, fs);
    }
    list_remove(&inode->orphan_link);
    inode->is_orphan = false;
    inode->next_orphan = 0;
    if (inode->references == 0)
        list_add_tail(&fs->unused, &inode->unused_link);
}

/* Plans to drop the reference of a file to its block of extended attributes. */
static int plan_xattr(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    struct buffer *buffer = NULL;
    uint32_t block = inode->xattr_block;

    if (!ext2_blocks_are_ownable(fs, block, 1))
        return ext2_damaged(fs, "extended attributes lie where none can");

    int status = ext2_find(op, fs, block, KIND_XATTR, false, &buffer);

    if (status != 0)
        return status;

    const struct ext2_disk_xattr *xattr = (const void *)buffer->data;

    if (le32_load(xattr->references) > 1)
        return ext2_find(op, fs, block, KIND_XATTR, true, &buffer);
    return ext2_blocks_plan_free(op, fs, block, 1, true);
}

static void apply_xattr(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    if (op->freed_count == 0) {
        struct buffer *buffer = fs_operation_kept(op, inode->xattr_block);
        struct ext2_disk_xattr *xattr = (void *)buffer->data;

        le32_store(xattr->references, le32_load(xattr->references) - 1);
        fs_operation_dirty(op, buffer);
    }
    ext2_blocks_free(op, fs);
    inode->xattr_block = 0;
    inode->sectors = 0;
}

/* Frees an inode that has no blocks any more. */
static int free_inode(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    bool is_directory = (inode->mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY;
    bool has_xattr = inode->xattr_block != 0;
    int status = has_xattr ? plan_xattr(op, fs, inode) : 0;

    if (status == 0)
        status = ext2_number_check_free(op, fs, inode->number, is_directory);
    if (status == 0)
        status = ext2_orphan_check_remove(op, fs, inode);
    if (status != 0)
        return status;

    fs_operation_commit(op);
    if (has_xattr)
        apply_xattr(op, fs, inode);
    ext2_orphan_remove(op, fs, inode);
    ext2_inode_store_freed(op, fs, inode);
    ext2_number_free(op, fs, inode->number, is_directory);
    ext2_inode_evict(fs, inode);
    return FS_MORE;
}

static int reap_step(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    int status;

    if (inode->links > 0)
        return ext2_cut_step(op, fs, inode);
    inode->cut = 0;
    status = ext2_free_piece(op, fs, inode);
    return status == EXT2_NOTHING ? free_inode(op, fs, inode) : status;
}

/* An orphan whose metadata cannot be read stays, and the next gets its turn. */
int ext2_reap(struct fs_operation *op, struct ext2 *fs)
{
    struct ext2_inode *inode = NULL;
    int status = ext2_enter(op, fs, true);

    if (status != 0)
        return status;
    LIST_FOR_EACH(inode, &fs->orphans, orphan_link) {
        if (inode->references > 0)
            continue;
        status = reap_step(op, fs, inode);
        if (status != -EIO)
            return ext2_leave(op, fs, status);
        fs_operation_pass(op);
    }
    return ext2_leave(op, fs, status);
}

/* Checks the first inode of the disk's list and says from which block on it is to be cut. */
static int check_orphan(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    int status = ext2_inode_load_next_orphan(op, fs, inode);

    if (status != 0 || inode->links == 0)
        return status;
    if ((inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR)
        return ext2_damaged(fs, "what is no file and not deleted is on the list of deleted files");
    inode->cut = (uint32_t)((inode->size_bytes + fs->block_bytes - 1) >> fs->block_shift);
    return 0;
}

/* Takes the first inode of the disk's list into memory, as an orphan that nobody refers to. */
static int load_orphan(struct fs_operation *op, struct ext2 *fs)
{
    struct ext2_inode *inode = NULL;
    uint32_t number = fs->last_orphan;
    int status;

    if (number < fs->first_inode || number > fs->inodes_count)
        return ext2_damaged(fs, "the list of deleted files names an impossible inode");
    status = ext2_inode_get(op, fs, number, &inode);
    if (status != 0)
        return status;
    status = check_orphan(op, fs, inode);
    if (status != 0) {
        ext2_inode_discard(fs, inode);
        return status;
    }
    inode->is_orphan = true;
    list_add_head(&fs->orphans, &inode->orphan_link);
    (void)ext2_inode_release(fs, inode);
    return 0;
}

int ext2_orphan_recover(struct fs_operation *op, struct ext2 *fs)
{
    int status = list_is_empty(&fs->orphans) ? load_orphan(op, fs) : 0;

    if (status != 0)
        return status;

    struct list *first = list_first(&fs->orphans);

    ASSERT(first != NULL);
    return reap_step(op, fs, LIST_ENTRY(first, struct ext2_inode, orphan_link));
}
