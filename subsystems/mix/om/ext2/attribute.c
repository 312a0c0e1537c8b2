/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of inodes, and what else an inode says without blocks of its own: a device's number
 * and a symbolic link's target.
 *
 * Getting attributes never fails: an inode in memory is complete. Setting them is an operation,
 * since the inode table changes with them.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

/*
 * A device's number stands in the place of the first pointers: 8 and 8 bits in the first one, or,
 * if that is too small, 12 bits of major and 20 bits of minor in the second one.
 */
void ext2_device_store(struct ext2_inode *inode, uint32_t major, uint32_t minor)
{
    if (major < 256 && minor < 256) {
        le32_store(inode->pointers[0], major << 8 | minor);
        le32_store(inode->pointers[1], 0);
    } else {
        le32_store(inode->pointers[0], 0);
        le32_store(inode->pointers[1],
                   (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12);
    }
}

static void device_load(const struct ext2_inode *inode, uint32_t *major, uint32_t *minor)
{
    uint32_t small = le32_load(inode->pointers[0]);
    uint32_t large = le32_load(inode->pointers[1]);

    if (small != 0) {
        *major = small >> 8 & 0xff;
        *minor = small & 0xff;
    } else {
        *major = large >> 8 & 0xfff;
        *minor = (large & 0xff) | (large >> 12 & 0xfff00);
    }
}

void ext2_attributes_get(const struct ext2 *fs, const struct ext2_inode *inode,
                         struct ext2_attributes *attributes)
{
    uint32_t type = inode->mode & EXT2_TYPE_MASK;

    ASSERT(fs->is_mounted && inode->number != 0);
    memset(attributes, 0, sizeof(*attributes));
    attributes->inode = inode->number;
    attributes->generation = inode->generation;
    attributes->mode = inode->mode;
    attributes->links = inode->links;
    attributes->uid = inode->uid;
    attributes->gid = inode->gid;
    attributes->size_bytes = inode->size_bytes;
    attributes->sectors = inode->sectors;
    attributes->flags = inode->flags;
    attributes->access_time = inode->access_time;
    attributes->modify_time = inode->modify_time;
    attributes->change_time = inode->change_time;
    attributes->create_time = inode->create_time;
    if (type == EXT2_TYPE_CHARACTER || type == EXT2_TYPE_BLOCK)
        device_load(inode, &attributes->device_major, &attributes->device_minor);
}

static int check_attributes(const struct ext2 *fs, const struct ext2_inode *inode, uint32_t which,
                            const struct ext2_attributes *attributes)
{
    if (inode->flags & EXT2_FLAG_IMMUTABLE)
        return -EPERM;
    if ((which & EXT2_SET_LARGER_SIZE) == 0)
        return 0;
    if ((inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_REGULAR)
        return -EINVAL;
    return ext2_size_check(fs, attributes->size_bytes);
}

static void apply_attributes(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                             uint32_t which, const struct ext2_attributes *attributes)
{
    if (which & EXT2_SET_MODE)
        inode->mode =
            (uint16_t)((inode->mode & EXT2_TYPE_MASK) | (attributes->mode & EXT2_PERMISSION_MASK));
    if (which & EXT2_SET_UID)
        inode->uid = attributes->uid;
    if (which & EXT2_SET_GID)
        inode->gid = attributes->gid;
    if (which & EXT2_SET_ACCESS_TIME)
        inode->access_time = attributes->access_time;
    if (which & EXT2_SET_MODIFY_TIME)
        inode->modify_time = attributes->modify_time;
    if ((which & EXT2_SET_LARGER_SIZE) && attributes->size_bytes > inode->size_bytes)
        ext2_size_apply(op, fs, inode, attributes->size_bytes);
    inode->change_time = which & EXT2_SET_CHANGE_TIME ? attributes->change_time : op->now;
}

int ext2_attributes_set(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                        uint32_t which, const struct ext2_attributes *attributes)
{
    int status = ext2_enter(op, fs, true);

    if (status == 0)
        status = check_attributes(fs, inode, which, attributes);
    if (status == 0 && (which & EXT2_SET_LARGER_SIZE) && inode->cut != EXT2_NOTHING_CUT)
        return ext2_leave(op, fs, ext2_cut_step(op, fs, inode));
    if (status == 0)
        status = ext2_inode_keep(op, fs, inode);
    if (status != 0)
        return ext2_leave(op, fs, status);

    fs_operation_commit(op);
    apply_attributes(op, fs, inode, which, attributes);
    ext2_inode_store(op, fs, inode);
    return ext2_leave(op, fs, 0);
}

bool ext2_symlink_is_fast(const struct ext2 *fs, const struct ext2_inode *inode)
{
    uint32_t xattr_sectors =
        inode->xattr_block != 0 ? 1u << (fs->block_shift - EXT2_SECTOR_SHIFT) : 0;

    return inode->sectors <= xattr_sectors;
}

int ext2_readlink(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode, char *target,
                  uint32_t limit, uint32_t *bytes)
{
    struct ext2_cursor cursor = {0};
    struct ext2_extent extent;
    struct buffer *buffer = NULL;
    const uint8_t *text = inode->pointers[0];
    int status = ext2_enter(op, fs, false);

    if (status == 0 && (inode->mode & EXT2_TYPE_MASK) != EXT2_TYPE_SYMLINK)
        status = -EINVAL;
    if (status == 0 && ext2_symlink_is_fast(fs, inode)) {
        if (inode->size_bytes >= EXT2_FAST_SYMLINK_BYTES)
            status = ext2_damaged(fs, "a symbolic link is longer than its place");
    } else if (status == 0) {
        status = ext2_map_blocks(op, fs, inode, 0, 1, &cursor, &extent);
        if (status == 0 && extent.disk_block == 0)
            status = ext2_damaged(fs, "a symbolic link has no target");
        if (status == 0)
            status = ext2_find(op, fs, extent.disk_block, KIND_SYMLINK, false, &buffer);
        if (status == 0)
            text = buffer->data;
    }
    if (status != 0)
        return ext2_leave(op, fs, status);
    *bytes = (uint32_t)inode->size_bytes;
    memcpy(target, text, MIN(*bytes, limit));
    return ext2_leave(op, fs, 0);
}
