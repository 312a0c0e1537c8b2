/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The superblock: what a file system is, mounting, unmounting, and what happens when damage is met.
 *
 * I1 Nothing is computed from a field of the superblock before that field was found plausible.
 * I2 While mounted for writing the disk's state is "not clean"; unmounting restores the state that
 *    the mount found, unless damage was met.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

static int refuse(struct ext2 *fs, int error, const char *message)
{
    fs->message = message;
    return error;
}

static int probe_features(struct ext2 *fs, const struct ext2_disk_super *super)
{
    uint32_t revision = le32_load(super->revision);

    if (le16_load(super->magic) != EXT2_MAGIC)
        return refuse(fs, -EINVAL, "it holds no ext2 file system");
    if (revision > 1)
        return refuse(fs, -EINVAL, "its revision of ext2 is not known");
    fs->inode_bytes = EXT2_INODE_BYTES_OLD;
    fs->first_inode = EXT2_FIRST_INODE_OLD;
    if (revision == 0)
        return 0;
    uint32_t incompat = le32_load(super->feature_incompat);
    uint32_t ro_compat = le32_load(super->feature_ro_compat);

    if (incompat & EXT2_INCOMPAT_RECOVER)
        return refuse(fs, -EUCLEAN, "its journal needs recovery: run e2fsck on it first");
    if (incompat & ~EXT2_INCOMPAT_KNOWN)
        return refuse(fs, -EINVAL, "it uses features that are not known");
    if (ro_compat & ~EXT2_RO_COMPAT_KNOWN) {
        fs->is_read_only = true;
        fs->message = "it uses features that are known for reading only";
    }
    fs->has_revision = true;
    fs->has_file_types = (incompat & EXT2_INCOMPAT_FILETYPE) != 0;
    fs->has_sparse_supers = (ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER) != 0;
    fs->inode_bytes = le16_load(super->inode_bytes);
    fs->first_inode = le32_load(super->first_inode);
    fs->last_orphan = le32_load(super->last_orphan);
    if (fs->inode_bytes > EXT2_INODE_BYTES_OLD) {
        uint32_t room = fs->inode_bytes - EXT2_INODE_BYTES_OLD;
        uint32_t wanted = le16_load(super->want_extra_bytes);
        bool is_usable = wanted >= EXT2_EXTRA_BYTES_USED && wanted <= room && wanted % 4 == 0;

        fs->new_extra_bytes = is_usable ? wanted : sizeof(struct ext2_disk_inode_extra);
    }
    return 0;
}

/* Takes over the sizes and returns what is wrong with them, or NULL. */
static const char *probe_geometry(struct ext2 *fs, const struct ext2_disk_super *super)
{
    uint32_t log_size = le32_load(super->log_block_size);

    if (log_size > EXT2_BLOCK_SHIFT_MAX - EXT2_BLOCK_SHIFT_MIN)
        return "its block size is not 1024, 2048 or 4096";
    fs->block_shift = EXT2_BLOCK_SHIFT_MIN + log_size;
    fs->block_bytes = 1u << fs->block_shift;
    fs->pointer_shift = fs->block_shift - 2;
    fs->super_block = EXT2_SUPER_OFFSET >> fs->block_shift;
    fs->super_offset = EXT2_SUPER_OFFSET & (fs->block_bytes - 1);
    fs->blocks_count = le32_load(super->blocks_count);
    fs->first_data_block = le32_load(super->first_data_block);
    fs->blocks_per_group = le32_load(super->blocks_per_group);
    fs->inodes_count = le32_load(super->inodes_count);
    fs->inodes_per_group = le32_load(super->inodes_per_group);
    uint32_t bits = fs->block_bytes * 8;

    if (fs->first_data_block != fs->super_block || fs->blocks_count <= fs->first_data_block)
        return "its number of blocks is wrong";
    if (((uint64_t)fs->blocks_count << fs->block_shift) > fs->disk_bytes)
        return "it is larger than its disk";
    if (fs->blocks_per_group < EXT2_GROUP_BLOCKS_MIN || fs->blocks_per_group > bits)
        return "its block groups have an impossible size";
    if (!IS_POWER_OF_TWO(fs->inode_bytes) || fs->inode_bytes < EXT2_INODE_BYTES_OLD ||
        fs->inode_bytes > fs->block_bytes)
        return "its inodes have an impossible size";
    uint32_t blocks = fs->blocks_count - fs->first_data_block;

    fs->group_count = (blocks - 1) / fs->blocks_per_group + 1;
    if (fs->inodes_per_group == 0 || fs->inodes_per_group > bits ||
        (uint64_t)fs->inodes_per_group * fs->group_count != fs->inodes_count)
        return "its number of inodes is wrong";
    if (fs->first_inode < EXT2_FIRST_INODE_OLD || fs->first_inode > fs->inodes_per_group)
        return "its first inode is wrong";
    uint32_t table_bytes = fs->inodes_per_group * fs->inode_bytes;

    fs->table_blocks = (table_bytes - 1) / fs->block_bytes + 1;
    uint32_t per_block = fs->block_bytes / EXT2_GROUP_BYTES;

    fs->descriptor_blocks = (fs->group_count - 1) / per_block + 1;
    return NULL;
}

int ext2_probe(struct ext2 *fs, const uint8_t *bytes, uint64_t disk_bytes)
{
    const struct ext2_disk_super *super = (const struct ext2_disk_super *)bytes;

    memset(fs, 0, sizeof(*fs));
    fs->disk_bytes = disk_bytes;
    int status = probe_features(fs, super);

    if (status != 0)
        return status;
    const char *wrong = probe_geometry(fs, super);

    if (wrong != NULL)
        return refuse(fs, -EUCLEAN, wrong);
    fs->reserved_blocks = MIN(le32_load(super->reserved_blocks_count), fs->blocks_count);
    fs->reserved_uid = le16_load(super->reserved_uid);
    fs->reserved_gid = le16_load(super->reserved_gid);
    uint32_t state = le16_load(super->state);

    fs->was_clean = (state & EXT2_STATE_VALID) != 0 && (state & EXT2_STATE_ERROR) == 0;
    if (state & EXT2_STATE_ERROR) {
        fs->is_read_only = true;
        fs->message = "it is marked as damaged: run e2fsck on it";
    } else if (!fs->was_clean && fs->message == NULL) {
        fs->message = "it was not unmounted cleanly: e2fsck should check it";
    }
    return 0;
}

/* First pass of a mount: the superblock as the cache has it, and memory. */
static int mount_begin(struct fs_operation *op, struct ext2 *fs, const struct ext2_config *config)
{
    struct buffer *buffer = NULL;

    ASSERT(fs->block_bytes == config->cache->block_bytes && op->cache == config->cache);
    ASSERT(config->inode_count > 0);
    int status = fs_operation_find(op, fs->super_block, KIND_SUPER, true, &buffer);

    if (status != 0)
        return status;
    uint32_t block_bytes = fs->block_bytes;

    status = ext2_probe(fs, buffer->data + fs->super_offset, fs->disk_bytes);
    if (status != 0)
        return status;
    if (fs->block_bytes != block_bytes)
        return refuse(fs, -EUCLEAN, "its superblock changed while it was mounted");
    size_t bytes = fs->group_count * sizeof(struct ext2_group);

    fs->memory = config->memory;
    fs->groups = config->memory->allocate(config->memory->context, bytes);
    if (fs->groups == NULL || !buffer_cache_promise(config->cache, 1))
        return -ENOMEM;
    fs->cache = config->cache;
    buffer_pin(fs->cache, buffer);
    fs->super_buffer = buffer;
    fs->is_read_only = fs->is_read_only || config->is_read_only;
    fs->shape_version = ++fs->stamp;
    fs->next_generation = (uint32_t)op->now.seconds ^ op->now.nanoseconds;
    ext2_inode_pool_init(fs, config->inodes, config->inode_count);
    return 0;
}

static struct ext2_disk_super *super_of(struct ext2 *fs)
{
    return (struct ext2_disk_super *)(fs->super_buffer->data + fs->super_offset);
}

void ext2_super_store(struct fs_operation *op, struct ext2 *fs)
{
    struct ext2_disk_super *super = super_of(fs);

    le32_store(super->free_blocks_count, fs->free_blocks);
    le32_store(super->free_inodes_count, fs->free_inodes);
    if (fs->has_revision)
        le32_store(super->last_orphan, fs->last_orphan);
    fs_operation_dirty(op, fs->super_buffer);
}

void ext2_super_set_large_file(struct fs_operation *op, struct ext2 *fs)
{
    struct ext2_disk_super *super = super_of(fs);
    uint32_t features = le32_load(super->feature_ro_compat);

    if ((features & EXT2_RO_COMPAT_LARGE_FILE) == 0) {
        ASSERT(fs->has_revision);
        le32_store(super->feature_ro_compat, features | EXT2_RO_COMPAT_LARGE_FILE);
        fs_operation_dirty(op, fs->super_buffer);
    }
}

static void store_state(struct ext2 *fs, uint32_t clear, uint32_t set)
{
    struct ext2_disk_super *super = super_of(fs);

    le16_store(super->state, (uint16_t)((le16_load(super->state) & ~clear) | set));
}

/* Marks the disk as in use. */
static void mount_commit(struct fs_operation *op, struct ext2 *fs)
{
    struct ext2_disk_super *super = super_of(fs);

    fs_operation_commit(op);
    store_state(fs, EXT2_STATE_VALID, 0);
    le16_store(super->mount_count, (uint16_t)(le16_load(super->mount_count) + 1));
    le32_store(super->mount_time, (uint32_t)op->now.seconds);
    le32_store(super->write_time, (uint32_t)op->now.seconds);
    ext2_super_store(op, fs);
}

/* Deletes one piece of what was left on the orphan list; what cannot be makes the mount
 * read-only. */
static int mount_recover(struct fs_operation *op, struct ext2 *fs)
{
    if (fs->last_orphan == 0 || fs->is_read_only)
        return 0;
    int status = ext2_orphan_recover(op, fs);

    if (status >= 0)
        return status;
    if (!fs->is_damaged)
        fs->message = "its list of deleted files cannot be worked off";
    fs->is_read_only = true;
    return 0;
}

int ext2_mount(struct fs_operation *op, struct ext2 *fs, const struct ext2_config *config)
{
    int status = 0;

    fs_operation_pass(op);
    if (fs->super_buffer == NULL)
        status = mount_begin(op, fs, config);
    if (status == 0 && !fs->is_mounted)
        status = ext2_groups_load(op, fs);
    if (status != 0)
        return status;
    if (!fs->is_mounted) {
        fs->is_mounted = true;
        if (!fs->is_read_only) {
            mount_commit(op, fs);
            return fs->last_orphan == 0 ? 0 : FS_MORE;
        }
    }
    return ext2_leave(op, fs, mount_recover(op, fs));
}

int ext2_unmount(struct fs_operation *op, struct ext2 *fs)
{
    fs_operation_pass(op);
    if (ext2_inode_pool_is_referenced(fs))
        return -EBUSY;
    if (fs->is_read_only)
        return 0;
    if (!list_is_empty(&fs->orphans))
        return -EBUSY;
    if (fs->cache->dirty_count > 0)
        return FS_NEED_ROOM;
    if (fs->cache->writing_count > 0)
        return FS_WAIT;
    fs_operation_commit(op);
    store_state(fs, 0, fs->was_clean ? EXT2_STATE_VALID : 0);
    le32_store(super_of(fs)->write_time, (uint32_t)op->now.seconds);
    ext2_super_store(op, fs);
    fs->is_read_only = true;
    return 0;
}

void ext2_destroy(struct ext2 *fs)
{
    if (fs->super_buffer != NULL) {
        buffer_unpin(fs->cache, fs->super_buffer);
        buffer_cache_redeem(fs->cache, 1);
    }
    if (fs->groups != NULL) {
        fs->memory->release(fs->memory->context, fs->groups,
                            fs->group_count * sizeof(struct ext2_group));
    }
    memset(fs, 0, sizeof(*fs));
}

int ext2_damaged(struct ext2 *fs, const char *what)
{
    if (!fs->is_damaged) {
        fs->is_damaged = true;
        fs->was_clean = false;
        fs->message = what;
        if (fs->is_mounted && !fs->is_read_only) {
            store_state(fs, 0, EXT2_STATE_ERROR);
            buffer_dirty(fs->cache, fs->super_buffer, ++fs->cache->last_operation);
        }
    }
    fs->is_read_only = true;
    return -EUCLEAN;
}

void ext2_write_failed(struct ext2 *fs)
{
    fs->is_read_only = true;
    fs->was_clean = false;
    if (fs->message == NULL)
        fs->message = "a write to its disk failed";
}

void ext2_statistics_get(const struct ext2 *fs, struct ext2_statistics *statistics)
{
    const struct ext2_disk_super *super =
        (const struct ext2_disk_super *)(fs->super_buffer->data + fs->super_offset);

    memset(statistics, 0, sizeof(*statistics));
    statistics->block_bytes = fs->block_bytes;
    statistics->blocks = fs->blocks_count - fs->overhead_blocks;
    statistics->free_blocks = fs->free_blocks;
    if (fs->free_blocks > fs->reserved_blocks)
        statistics->available_blocks = fs->free_blocks - fs->reserved_blocks;
    statistics->inodes = fs->inodes_count;
    statistics->free_inodes = fs->free_inodes;
    memcpy(statistics->uuid, super->uuid, sizeof(statistics->uuid));
}
