/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: looking them up, making and removing them. Moving them is in rename.c.
 *
 * Each function gathers in the order in which UNIX reports errors, then commits. An inode that
 * loses its last link goes on the orphan list in the same commit.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/errno.h"

int ext2_name_check(struct ext2_name name)
{
    if (name.bytes == 0)
        return -ENOENT;
    if (name.bytes > EXT2_NAME_MAX)
        return -ENAMETOOLONG;
    if (memchr(name.text, '/', name.bytes) != NULL || memchr(name.text, 0, name.bytes) != NULL)
        return -EINVAL;
    return 0;
}

bool ext2_name_is_dots(struct ext2_name name)
{
    return (name.bytes == 1 && name.text[0] == '.') ||
           (name.bytes == 2 && name.text[0] == '.' && name.text[1] == '.');
}

int ext2_directory_check(const struct ext2_inode *directory, bool removes)
{
    uint32_t forbidden = EXT2_FLAG_IMMUTABLE | (removes ? EXT2_FLAG_APPEND : 0);

    if (!ext2_is_directory(directory))
        return -ENOTDIR;
    if (directory->links == 0)
        return -ENOENT;
    return directory->flags & forbidden ? -EPERM : 0;
}

int ext2_lookup(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name, struct ext2_inode **out)
{
    struct ext2_inode *inode = NULL;
    int status = ext2_enter(op, fs, false);

    *out = NULL;
    if (status == 0)
        status = ext2_name_check(name);
    if (status == 0 && !ext2_is_directory(directory))
        status = -ENOTDIR;
    if (status == 0 && directory->links == 0)
        status = -ENOENT;
    if (status == 0)
        status = ext2_scan_name(op, fs, &op->scan[0], directory, name, false);
    if (status == 0 && op->scan[0].inode == 0)
        status = -ENOENT;
    if (status == 0)
        status = ext2_inode_use(op, fs, op->scan[0].inode, &inode);
    if (status == 0) {
        ext2_inode_reference(fs, inode);
        *out = inode;
    }
    return ext2_leave(op, fs, status);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* What a pass of ext2_create found. */
struct creation {
    struct ext2_slot slot;
    uint32_t number;
    uint32_t first_block; /* of a directory or a long link's target; 0 if none */
};

static bool is_long_link(const struct ext2_template *template)
{
    return (template->mode & EXT2_TYPE_MASK) == EXT2_TYPE_SYMLINK &&
           template->target_bytes >= EXT2_FAST_SYMLINK_BYTES;
}

static int template_check(const struct ext2 *fs, const struct ext2_inode *directory,
                          const struct ext2_template *template)
{
    uint32_t type = template->mode & EXT2_TYPE_MASK;

    if (!ext2_mode_is_known(template->mode))
        return -EINVAL;
    if (type == EXT2_TYPE_DIRECTORY && directory->links >= EXT2_LINKS_MAX)
        return -EMLINK;
    if (type == EXT2_TYPE_SYMLINK && template->target_bytes == 0)
        return -ENOENT;
    if (type == EXT2_TYPE_SYMLINK && template->target_bytes >= fs->block_bytes)
        return -ENAMETOOLONG;
    return 0;
}

static int plan_creation(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                         struct ext2_name name, const struct ext2_template *template,
                         struct creation *creation)
{
    bool is_directory = (template->mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY;
    int status = template_check(fs, directory, template);

    if (status == 0)
        status = ext2_number_plan(op, fs, directory->number, is_directory, &creation->number);
    if (status == 0)
        status = ext2_slot_plan(op, fs, directory, &op->scan[0], name, &creation->slot);
    if (status == 0 && (is_directory || is_long_link(template))) {
        uint32_t group = ext2_inode_group(fs, creation->number);
        uint32_t goal = ext2_group_first(fs, group) + fs->groups[group].rotor;

        status = ext2_blocks_plan_metadata(op, fs, goal, &creation->first_block);
    }
    if (status == 0)
        status = ext2_inode_keep(op, fs, directory);
    return status == 0 && !ext2_inode_has_place(fs) ? -ENFILE : status;
}

/* Fills what the type of a new inode says: a directory's entries, a link's target, a device. */
static void fill_inode(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                       const struct ext2_inode *directory, const struct ext2_template *template,
                       uint32_t first_block)
{
    uint32_t type = template->mode & EXT2_TYPE_MASK;

    if (first_block != 0) {
        le32_store(inode->pointers[0], first_block);
        inode->sectors = 1u << (fs->block_shift - EXT2_SECTOR_SHIFT);
    }
    if (type == EXT2_TYPE_DIRECTORY) {
        inode->size_bytes = fs->block_bytes;
        ext2_directory_fill(op, fs, first_block, inode, directory);
    } else if (type == EXT2_TYPE_SYMLINK && first_block != 0) {
        struct buffer *buffer = fs_operation_new(op, first_block, KIND_SYMLINK);

        memcpy(buffer->data, template->target, template->target_bytes);
        fs_operation_dirty(op, buffer);
        inode->size_bytes = template->target_bytes;
    } else if (type == EXT2_TYPE_SYMLINK) {
        memcpy(inode->pointers, template->target, template->target_bytes);
        inode->size_bytes = template->target_bytes;
    } else if (type == EXT2_TYPE_CHARACTER || type == EXT2_TYPE_BLOCK) {
        ext2_device_store(inode, template->device_major, template->device_minor);
    }
}

static struct ext2_inode *apply_creation(struct fs_operation *op, struct ext2 *fs,
                                         struct ext2_inode *directory, struct ext2_name name,
                                         const struct ext2_template *template,
                                         const struct creation *creation)
{
    bool is_directory = (template->mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY;
    struct ext2_inode *inode;

    fs_operation_commit(op);
    ext2_number_take(op, fs, creation->number, is_directory);
    ext2_blocks_take(op, fs);
    inode = ext2_inode_adopt(fs, creation->number);
    inode->mode = (uint16_t) template->mode;
    inode->links = is_directory ? 2 : 1;
    inode->uid = template->uid;
    inode->gid = template->gid;
    inode->access_time = op->now;
    inode->modify_time = op->now;
    inode->change_time = op->now;
    inode->create_time = op->now;
    inode->generation = fs->next_generation++;
    fill_inode(op, fs, inode, directory, template, creation->first_block);
    ext2_inode_store_new(op, fs, inode);
    ext2_slot_apply(op, fs, directory, &creation->slot, name, inode);
    directory->links = (uint16_t)(directory->links + is_directory);
    ext2_directory_touch(op, fs, directory);
    return inode;
}

/* What making any name begins with: the directory may be changed and has no such name. */
static int check_new_name(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                          struct ext2_name name)
{
    int status = ext2_name_check(name);

    if (status == 0)
        status = ext2_directory_check(directory, false);
    if (status == 0)
        status = ext2_scan_name(op, fs, &op->scan[0], directory, name, true);
    if (status == 0 && op->scan[0].inode != 0)
        status = -EEXIST;
    return status == 0 && fs->is_read_only ? -EROFS : status;
}

int ext2_create(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name, const struct ext2_template *template,
                struct ext2_inode **out)
{
    struct creation creation = {.number = 0};
    int status = ext2_enter(op, fs, false);

    *out = NULL;
    if (status == 0)
        status = check_new_name(op, fs, directory, name);
    if (status == 0)
        status = plan_creation(op, fs, directory, name, template, &creation);
    if (status == 0)
        *out = apply_creation(op, fs, directory, name, template, &creation);
    return ext2_leave(op, fs, status);
}

int ext2_link(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
              struct ext2_name name, struct ext2_inode *inode)
{
    struct ext2_slot slot;
    int status = ext2_enter(op, fs, false);

    if (status == 0)
        status = check_new_name(op, fs, directory, name);
    if (status == 0 && inode->links == 0)
        status = -ENOENT;
    if (status == 0 && (ext2_is_directory(inode) ||
                        (inode->flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND)) != 0))
        status = -EPERM;
    if (status == 0 && inode->links >= EXT2_LINKS_MAX)
        status = -EMLINK;
    if (status == 0)
        status = ext2_slot_plan(op, fs, directory, &op->scan[0], name, &slot);
    if (status == 0)
        status = ext2_inode_keep(op, fs, inode);
    if (status == 0)
        status = ext2_inode_keep(op, fs, directory);
    if (status != 0)
        return ext2_leave(op, fs, status);

    fs_operation_commit(op);
    ext2_blocks_take(op, fs);
    inode->links++;
    inode->change_time = op->now;
    ext2_inode_store(op, fs, inode);
    ext2_slot_apply(op, fs, directory, &slot, name, inode);
    ext2_directory_touch(op, fs, directory);
    return ext2_leave(op, fs, 0);
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* What removing any name begins with. Gives the inode that the name stands for. */
static int check_old_name(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                          struct ext2_name name, struct ext2_inode **inode)
{
    int status = ext2_name_check(name);

    if (status == 0)
        status = ext2_directory_check(directory, true);
    if (status == 0)
        status = ext2_scan_name(op, fs, &op->scan[0], directory, name, false);
    if (status == 0 && op->scan[0].inode == 0)
        status = -ENOENT;
    if (status == 0)
        status = ext2_inode_use(op, fs, op->scan[0].inode, inode);
    if (status == 0 && ((*inode)->flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND)) != 0)
        status = -EPERM;
    return status;
}

static int keep_for_removal(struct fs_operation *op, struct ext2 *fs,
                            const struct ext2_inode *directory, struct ext2_name name,
                            const struct ext2_inode *inode)
{
    int status = ext2_scan_keep(op, fs, &op->scan[0], name);

    if (status == 0)
        status = ext2_inode_keep(op, fs, directory);
    return status == 0 ? ext2_inode_keep(op, fs, inode) : status;
}

void ext2_links_drop(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode)
{
    ASSERT(inode->links > 0);
    inode->links = ext2_is_directory(inode) ? 0 : (uint16_t)(inode->links - 1);
    inode->change_time = op->now;
    if (inode->links == 0 && !inode->is_orphan)
        ext2_orphan_add(op, fs, inode);
    ext2_inode_store(op, fs, inode);
}

int ext2_unlink(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name)
{
    struct ext2_inode *inode = NULL;
    int status = ext2_enter(op, fs, true);

    if (status == 0)
        status = check_old_name(op, fs, directory, name, &inode);
    if (status == 0 && ext2_is_directory(inode))
        status = -EISDIR;
    if (status == 0)
        status = keep_for_removal(op, fs, directory, name, inode);
    if (status != 0)
        return ext2_leave(op, fs, status);

    fs_operation_commit(op);
    ext2_entry_remove(op, &op->scan[0]);
    ext2_directory_touch(op, fs, directory);
    ext2_links_drop(op, fs, inode);
    return ext2_leave(op, fs, 0);
}

int ext2_rmdir(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
               struct ext2_name name)
{
    struct ext2_inode *inode = NULL;
    int status = ext2_enter(op, fs, true);

    if (status == 0 && ext2_name_is_dots(name))
        status = name.bytes == 1 ? -EINVAL : -ENOTEMPTY;
    if (status == 0)
        status = check_old_name(op, fs, directory, name, &inode);
    if (status == 0)
        status = ext2_removal_check(op, fs, directory, inode, &op->scan[1]);
    if (status == 0)
        status = keep_for_removal(op, fs, directory, name, inode);
    if (status != 0)
        return ext2_leave(op, fs, status);

    fs_operation_commit(op);
    ext2_entry_remove(op, &op->scan[0]);
    directory->links--;
    ext2_directory_touch(op, fs, directory);
    ext2_links_drop(op, fs, inode);
    return ext2_leave(op, fs, 0);
}

/* Checks that `inode` is an empty directory whose removal from `directory` keeps the links
 * right. */
int ext2_removal_check(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                       struct ext2_inode *inode, struct ext2_scan *scan)
{
    if (!ext2_is_directory(inode))
        return -ENOTDIR;

    int status = ext2_scan_any(op, fs, scan, inode);

    if (status != 0)
        return status;
    if (scan->inode != 0)
        return -ENOTEMPTY;
    if (inode == directory || inode->number == EXT2_ROOT_INODE || directory->links < 3)
        return ext2_damaged(fs, "a directory's number of links is wrong");
    return 0;
}
