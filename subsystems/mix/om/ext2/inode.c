/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: a pool given by the caller, hashed by number, and their form on the disk.
 *
 * An inode in memory is its place in the inode table, decoded. Whoever changes one stores it in the
 * same commit, so nothing has to be written back later and an inode without references can be given
 * up at any time.
 *
 * I1 An inode is referenced, or an orphan, or on the unused list (ext2.h, I3).
 * I2 Fields that this code does not know keep their bytes on the disk until the inode is freed.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

void ext2_inode_pool_init(struct ext2 *fs, struct ext2_inode *inodes, uint32_t count)
{
    ASSERT(count > 0);
    memset(inodes, 0, count * sizeof(*inodes));
    fs->inodes = inodes;
    fs->inode_count = count;
    list_init(&fs->unused);
    list_init(&fs->orphans);
    hash_init(&fs->table, fs->buckets, EXT2_INODE_BUCKETS);
    for (uint32_t i = 0; i < count; i++) {
        list_init(&inodes[i].unused_link);
        list_init(&inodes[i].orphan_link);
        list_add_tail(&fs->unused, &inodes[i].unused_link);
    }
}

bool ext2_inode_pool_is_referenced(const struct ext2 *fs)
{
    for (uint32_t i = 0; i < fs->inode_count; i++)
        if (fs->inodes[i].references > 0)
            return true;
    return false;
}

struct ext2_inode *ext2_inode_cached(struct ext2 *fs, uint32_t number)
{
    struct ext2_inode *inode;

    HASH_FOR_EACH(inode, &fs->table, number, node)
        if (inode->number == number)
            return inode;
    return NULL;
}

/* Makes an inode's place of the pool empty. */
static void unhash(struct ext2 *fs, struct ext2_inode *inode)
{
    hash_remove(&fs->table, &inode->node, inode->number);
    memset(inode, 0, sizeof(*inode));
    list_init(&inode->unused_link);
    list_init(&inode->orphan_link);
}

void ext2_inode_evict(struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(inode->references == 0 && !inode->is_orphan);
    list_remove(&inode->unused_link);
    unhash(fs, inode);
    list_add_head(&fs->unused, &inode->unused_link);
}

/* A place of the pool for a new inode: an empty one, else that of the inode unused longest. */
static struct ext2_inode *take_place(struct ext2 *fs)
{
    ASSERT(!list_is_empty(&fs->unused));
    struct ext2_inode *inode = LIST_ENTRY(list_first(&fs->unused), struct ext2_inode, unused_link);

    list_remove(&inode->unused_link);
    if (inode->number != 0)
        unhash(fs, inode);
    return inode;
}

bool ext2_inode_has_place(const struct ext2 *fs)
{
    return !list_is_empty(&fs->unused);
}

struct ext2_inode *ext2_inode_adopt(struct ext2 *fs, uint32_t number)
{
    struct ext2_inode *inode = take_place(fs);

    inode->number = number;
    inode->references = 1;
    inode->cut = EXT2_NOTHING_CUT;
    inode->contents_version = ++fs->stamp;
    inode->tree_version = ++fs->stamp;
    hash_insert(&fs->table, &inode->node, number);
    return inode;
}

uint32_t ext2_inode_group(const struct ext2 *fs, uint32_t number)
{
    ASSERT(number >= 1 && number <= fs->inodes_count);
    return (number - 1) / fs->inodes_per_group;
}

/* The block of the inode table that holds an inode, and where in it. */
static uint32_t table_block(const struct ext2 *fs, uint32_t number, uint32_t *offset)
{
    uint32_t group = ext2_inode_group(fs, number);
    uint32_t byte = (number - 1) % fs->inodes_per_group * fs->inode_bytes;

    *offset = byte & (fs->block_bytes - 1);
    return fs->groups[group].inode_table + (byte >> fs->block_shift);
}

int ext2_inode_keep_number(struct fs_operation *op, struct ext2 *fs, uint32_t number)
{
    uint32_t offset = 0;
    struct buffer *buffer = NULL;

    return ext2_find(op, fs, table_block(fs, number, &offset), KIND_INODE_TABLE, true, &buffer);
}

int ext2_inode_keep(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode)
{
    return ext2_inode_keep_number(op, fs, inode->number);
}

/* The low two bits of `extra` extend 32 bits of seconds, so that they last from 1901 to 2446. */
static struct fs_time decode_time(const uint8_t *seconds, const uint8_t *extra)
{
    uint32_t low = le32_load(seconds);
    uint32_t high = extra == NULL ? 0 : le32_load(extra);
    struct fs_time time = {(int64_t)(int32_t)low + ((int64_t)(high & 3) << 32), high >> 2};

    if (time.nanoseconds >= 1000000000u)
        time.nanoseconds = 0;
    return time;
}

static void encode_time(struct fs_time time, uint8_t *seconds, uint8_t *extra)
{
    int64_t least = INT32_MIN;
    int64_t most = extra == NULL ? INT32_MAX : INT32_MAX + ((int64_t)3 << 32);
    int64_t value = time.seconds < least ? least : time.seconds > most ? most : time.seconds;

    le32_store(seconds, (uint32_t)value);
    if (extra != NULL) {
        uint32_t epoch = (uint32_t)((value - (int32_t)(uint32_t)value) >> 32) & 3;

        le32_store(extra, time.nanoseconds << 2 | epoch);
    }
}

/* The second part of an inode, if the disk has it and all that is used here is in use there. */
static struct ext2_disk_inode_extra *extra_of(const struct ext2_inode *inode, uint8_t *disk)
{
    return inode->extra_bytes < EXT2_EXTRA_BYTES_USED ? NULL
                                                      : (void *)(disk + EXT2_INODE_BYTES_OLD);
}

bool ext2_mode_is_known(uint32_t mode)
{
    switch (mode & EXT2_TYPE_MASK) {
    case EXT2_TYPE_FIFO:
    case EXT2_TYPE_CHARACTER:
    case EXT2_TYPE_DIRECTORY:
    case EXT2_TYPE_BLOCK:
    case EXT2_TYPE_REGULAR:
    case EXT2_TYPE_SYMLINK:
    case EXT2_TYPE_SOCKET:
        return true;
    default:
        return false;
    }
}

static bool is_plausible_size(const struct ext2 *fs, const struct ext2_inode *inode)
{
    uint64_t size = inode->size_bytes;
    uint64_t held_bytes = (uint64_t)inode->sectors << EXT2_SECTOR_SHIFT;

    switch (inode->mode & EXT2_TYPE_MASK) {
    case EXT2_TYPE_DIRECTORY:
        return size > 0 && size % fs->block_bytes == 0 && size <= held_bytes &&
               size >> fs->block_shift <= fs->blocks_count;
    case EXT2_TYPE_SYMLINK:
        return size > 0 && size < fs->block_bytes;
    default:
        return size <= ext2_size_max(fs);
    }
}

/* Fills an inode from its bytes in the table. Returns what is wrong with them, or NULL. */
static const char *inode_decode(const struct ext2 *fs, struct ext2_inode *inode, uint8_t *bytes)
{
    const struct ext2_disk_inode *disk = (const void *)bytes;

    inode->mode = le16_load(disk->mode);
    inode->links = le16_load(disk->links);
    inode->uid = le16_load(disk->uid_low) | (uint32_t)le16_load(disk->uid_high) << 16;
    inode->gid = le16_load(disk->gid_low) | (uint32_t)le16_load(disk->gid_high) << 16;
    inode->size_bytes = le32_load(disk->size_low);
    if ((inode->mode & EXT2_TYPE_MASK) == EXT2_TYPE_REGULAR)
        inode->size_bytes |= (uint64_t)le32_load(disk->size_high) << 32;
    inode->sectors = le32_load(disk->sectors);
    inode->flags = le32_load(disk->flags);
    inode->generation = le32_load(disk->generation);
    inode->xattr_block = le32_load(disk->xattr_block);
    memcpy(inode->pointers, disk->pointers, sizeof(inode->pointers));
    if (fs->inode_bytes > EXT2_INODE_BYTES_OLD) {
        const struct ext2_disk_inode_extra *extra = (const void *)(bytes + EXT2_INODE_BYTES_OLD);

        inode->extra_bytes = le16_load(extra->bytes);
        if (inode->extra_bytes > fs->inode_bytes - EXT2_INODE_BYTES_OLD ||
            inode->extra_bytes % 4 != 0)
            return "an inode's second part is damaged";
    }
    const struct ext2_disk_inode_extra *extra = extra_of(inode, bytes);

    inode->access_time = decode_time(disk->access_time, extra ? extra->access_time : NULL);
    inode->modify_time = decode_time(disk->modify_time, extra ? extra->modify_time : NULL);
    inode->change_time = decode_time(disk->change_time, extra ? extra->change_time : NULL);
    if (extra != NULL)
        inode->create_time = decode_time(extra->create_time_low, extra->create_time);
    if (!ext2_mode_is_known(inode->mode))
        return "an inode is of no known type";
    if (inode->flags & EXT2_FLAGS_FOREIGN)
        return "an inode maps its blocks in an unknown way";
    if (inode->links > 0 && !is_plausible_size(fs, inode))
        return "an inode's size is impossible";
    return NULL;
}

void ext2_inode_store(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    uint32_t offset = 0;
    struct buffer *buffer = fs_operation_kept(op, table_block(fs, inode->number, &offset));
    uint8_t *bytes = buffer->data + offset;
    struct ext2_disk_inode *disk = (void *)bytes;

    le16_store(disk->mode, inode->mode);
    le16_store(disk->links, inode->links);
    le16_store(disk->uid_low, (uint16_t)inode->uid);
    le16_store(disk->uid_high, (uint16_t)(inode->uid >> 16));
    le16_store(disk->gid_low, (uint16_t)inode->gid);
    le16_store(disk->gid_high, (uint16_t)(inode->gid >> 16));
    le32_store(disk->size_low, (uint32_t)inode->size_bytes);
    if ((inode->mode & EXT2_TYPE_MASK) == EXT2_TYPE_REGULAR)
        le32_store(disk->size_high, (uint32_t)(inode->size_bytes >> 32));
    le32_store(disk->sectors, inode->sectors);
    le32_store(disk->flags, inode->flags);
    le32_store(disk->generation, inode->generation);
    le32_store(disk->xattr_block, inode->xattr_block);
    le32_store(disk->delete_time, inode->next_orphan);
    memcpy(disk->pointers, inode->pointers, sizeof(inode->pointers));
    struct ext2_disk_inode_extra *extra = extra_of(inode, bytes);

    encode_time(inode->access_time, disk->access_time, extra ? extra->access_time : NULL);
    encode_time(inode->modify_time, disk->modify_time, extra ? extra->modify_time : NULL);
    encode_time(inode->change_time, disk->change_time, extra ? extra->change_time : NULL);
    if (extra != NULL)
        encode_time(inode->create_time, extra->create_time_low, extra->create_time);
    inode->changed_by = op->sequence;
    fs_operation_dirty(op, buffer);
}

void ext2_inode_store_new(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    uint32_t offset = 0;
    struct buffer *buffer = fs_operation_kept(op, table_block(fs, inode->number, &offset));

    memset(buffer->data + offset, 0, fs->inode_bytes);
    if (fs->inode_bytes > EXT2_INODE_BYTES_OLD) {
        struct ext2_disk_inode_extra *extra =
            (void *)(buffer->data + offset + EXT2_INODE_BYTES_OLD);

        le16_store(extra->bytes, (uint16_t)fs->new_extra_bytes);
        inode->extra_bytes = fs->new_extra_bytes;
    }
    ext2_inode_store(op, fs, inode);
}

void ext2_inode_store_freed(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    inode->next_orphan = (uint32_t)op->now.seconds != 0 ? (uint32_t)op->now.seconds : 1;
    inode->size_bytes = 0;
    ext2_inode_store(op, fs, inode);
}

int ext2_inode_get(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                   struct ext2_inode **out)
{
    struct ext2_inode *inode = ext2_inode_cached(fs, number);

    if (inode != NULL) {
        ext2_inode_reference(fs, inode);
        *out = inode;
        return 0;
    }
    uint32_t offset = 0;
    struct buffer *buffer = NULL;
    uint32_t block = table_block(fs, number, &offset);
    int status = ext2_find(op, fs, block, KIND_INODE_TABLE, false, &buffer);

    if (status != 0)
        return status;
    if (!ext2_inode_has_place(fs))
        return -ENFILE;
    inode = ext2_inode_adopt(fs, number);
    const char *fault = inode_decode(fs, inode, buffer->data + offset);

    if (fault != NULL) {
        (void)ext2_inode_release(fs, inode);
        ext2_inode_evict(fs, inode);
        return ext2_damaged(fs, fault);
    }
    *out = inode;
    return 0;
}

int ext2_inode_load_next_orphan(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    uint32_t offset = 0;
    struct buffer *buffer = NULL;
    uint32_t block = table_block(fs, inode->number, &offset);
    int status = ext2_find(op, fs, block, KIND_INODE_TABLE, false, &buffer);

    if (status == 0) {
        const struct ext2_disk_inode *disk = (const void *)(buffer->data + offset);

        inode->next_orphan = le32_load(disk->delete_time);
    }
    return status;
}

void ext2_inode_discard(struct ext2 *fs, struct ext2_inode *inode)
{
    (void)ext2_inode_release(fs, inode);
    if (inode->references == 0 && !inode->is_orphan)
        ext2_inode_evict(fs, inode);
}

int ext2_inode_use(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                   struct ext2_inode **out)
{
    struct ext2_inode *inode = NULL;
    int status;

    ASSERT(op->inode_count < FS_OPERATION_INODES);
    if (number != EXT2_ROOT_INODE && (number < fs->first_inode || number > fs->inodes_count))
        return ext2_damaged(fs, "a directory entry names an impossible inode");
    status = ext2_inode_get(op, fs, number, &inode);
    if (status != 0)
        return status;
    ASSERT(inode != NULL);
    if (inode->links == 0) {
        ext2_inode_discard(fs, inode);
        return ext2_damaged(fs, "a directory entry names a deleted inode");
    }
    op->inodes[op->inode_count++] = inode;
    *out = inode;
    return 0;
}

void ext2_inode_unuse(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(op->inode_count > 0 && op->inodes[op->inode_count - 1] == inode);
    op->inode_count--;
    (void)ext2_inode_release(fs, inode);
}

int ext2_inode_open(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                    struct ext2_inode **out)
{
    struct ext2_inode *inode = NULL;
    int status;

    (void)ext2_enter(op, fs, false);
    *out = NULL;
    if (number != EXT2_ROOT_INODE && (number < fs->first_inode || number > fs->inodes_count))
        return -ENOENT;
    status = ext2_inode_get(op, fs, number, &inode);
    ASSERT(status != 0 || inode != NULL);
    if (status == 0 && inode->links == 0) {
        ext2_inode_discard(fs, inode);
        status = -ENOENT;
    }
    if (status == 0)
        *out = inode;
    return ext2_leave(op, fs, status);
}

void ext2_inode_reference(struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(inode->number != 0 && inode->references < UINT32_MAX);
    if (inode->references == 0 && !inode->is_orphan)
        list_remove(&inode->unused_link);
    inode->references++;
    (void)fs;
}

bool ext2_inode_release(struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(inode->references > 0);
    inode->references--;
    if (inode->references > 0)
        return false;
    if (inode->is_orphan)
        return true;
    list_add_tail(&fs->unused, &inode->unused_link);
    return false;
}
