/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks that the structures in memory keep their promises (ext2.h). Only tests call it.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/endian.h"

static const char *verify_inode(const struct ext2 *fs, const struct ext2_inode *inode)
{
    const struct ext2_inode *other;
    bool is_unused = list_is_linked(&inode->unused_link);
    bool is_hashed = false;

    HASH_FOR_EACH(other, &fs->table, inode->number, node)
        is_hashed = is_hashed || (inode->number != 0 && other == inode);
    if (is_hashed != (inode->number != 0))
        return "an inode is hashed wrongly";
    if (is_unused != (inode->references == 0 && !inode->is_orphan))
        return "an inode is on the unused list wrongly";
    if (list_is_linked(&inode->orphan_link) != inode->is_orphan)
        return "an inode is on the orphan list wrongly";
    if (inode->number == 0)
        return inode->references > 0 || inode->is_orphan ? "an empty place is in use" : NULL;
    if (inode->links == 0 && !inode->is_orphan)
        return "an inode without links is no orphan";
    if (inode->cut != EXT2_NOTHING_CUT && !inode->is_orphan)
        return "an inode that is being cut is no orphan";
    return NULL;
}

static const char *verify_orphans(const struct ext2 *fs)
{
    const struct ext2_inode *inode = NULL;
    uint32_t expected = fs->last_orphan;
    uint32_t count = 0;

    LIST_FOR_EACH(inode, &fs->orphans, orphan_link) {
        if (inode->number != expected)
            return "the orphan list differs from the disk's";
        if (++count > fs->inode_count)
            return "the orphan list has no end";
        expected = inode->next_orphan;
    }
    return expected != 0 && !fs->is_read_only ? "the disk's orphan list goes on" : NULL;
}

static const char *verify_counts(const struct ext2 *fs)
{
    const struct ext2_disk_super *super = (const void *)(fs->super_buffer->data + fs->super_offset);
    uint32_t free_blocks = 0;
    uint32_t free_inodes = 0;

    for (uint32_t i = 0; i < fs->group_count; i++) {
        free_blocks += fs->groups[i].free_blocks;
        free_inodes += fs->groups[i].free_inodes;
    }
    if (free_blocks != fs->free_blocks || free_inodes != fs->free_inodes)
        return "the groups' counters do not add up";
    if (fs->is_read_only)
        return NULL;
    if (le32_load(super->free_blocks_count) != fs->free_blocks ||
        le32_load(super->free_inodes_count) != fs->free_inodes ||
        (fs->has_revision && le32_load(super->last_orphan) != fs->last_orphan))
        return "the superblock differs from memory";
    return NULL;
}

/* An inode and its bytes in the table, where those are in the cache. */
static const char *verify_stored(const struct ext2 *fs, const struct ext2_inode *inode)
{
    uint32_t index = (inode->number - 1) / fs->inodes_per_group;
    uint32_t byte = (inode->number - 1) % fs->inodes_per_group * fs->inode_bytes;
    uint32_t block = fs->groups[index].inode_table + (byte >> fs->block_shift);
    const struct buffer *buffer = buffer_find(fs->cache, block);

    if (buffer == NULL || buffer->state != BUFFER_VALID)
        return NULL;

    const struct ext2_disk_inode *disk =
        (const void *)(buffer->data + (byte & (fs->block_bytes - 1)));

    if (le16_load(disk->mode) != inode->mode || le16_load(disk->links) != inode->links ||
        le32_load(disk->sectors) != inode->sectors ||
        le32_load(disk->size_low) != (uint32_t)inode->size_bytes)
        return "an inode in memory differs from the disk's";
    return NULL;
}

const char *ext2_verify(const struct ext2 *fs)
{
    const char *wrong = buffer_cache_verify(fs->cache);

    if (wrong == NULL)
        wrong = verify_counts(fs);
    if (wrong == NULL)
        wrong = verify_orphans(fs);
    for (uint32_t i = 0; wrong == NULL && i < fs->inode_count; i++) {
        wrong = verify_inode(fs, &fs->inodes[i]);
        if (wrong == NULL && fs->inodes[i].number != 0)
            wrong = verify_stored(fs, &fs->inodes[i]);
    }
    return wrong;
}
