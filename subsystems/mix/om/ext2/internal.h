/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the ext2 core share with each other and with nobody else.
 *
 * Names tell the phase. What finds, keeps, plans or checks belongs to the gathering part of a pass:
 * it may fail and changes nothing. What stores, takes, frees, applies, adds, removes or touches
 * belongs to the commit: it cannot fail and touches only what was gathered before.
 */
#ifndef EXT2_INTERNAL_H
#define EXT2_INTERNAL_H

#include "subsystems/mix/om/ext2/ext2.h"

/* Fewest blocks of a group that make sense; they bound the table of groups by the disk's size. */
#define EXT2_GROUP_BLOCKS_MIN 64u

/* What a block of metadata is used as. */
enum ext2_kind {
    KIND_UNKNOWN,
    KIND_SUPER,
    KIND_DESCRIPTORS,
    KIND_BLOCK_BITMAP,
    KIND_INODE_BITMAP,
    KIND_INODE_TABLE,
    KIND_INDIRECT,
    KIND_DIRECTORY,
    KIND_SYMLINK,
    KIND_XATTR,
};

/* Results that stay inside, apart from error numbers and enum fs_status. */
enum ext2_result {
    EXT2_PLAN_FULL = 100, /* the rest must wait for the next step */
    EXT2_NOTHING,         /* there is nothing to do */
};

static inline bool ext2_is_directory(const struct ext2_inode *inode)
{
    return (inode->mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY;
}

/* ---- super.c --------------------------------------------------------------------------------- */

/* Records damage, makes the file system read-only, and returns -EUCLEAN. */
int ext2_damaged(struct ext2 *fs, const char *what);
void ext2_super_store(struct fs_operation *op, struct ext2 *fs);
void ext2_super_set_large_file(struct fs_operation *op, struct ext2 *fs);

/* ---- pass.c ---------------------------------------------------------------------------------- */

/* Starts a pass; one that changes something is refused where the file system is read-only. */
int ext2_enter(struct fs_operation *op, struct ext2 *fs, bool changes);

/* Ends a pass: drops the references that it took and hands `status` on. */
int ext2_leave(struct fs_operation *op, struct ext2 *fs, int status);

/* fs_operation_find, and the block's bytes are checked to be what `kind` says. */
int ext2_find(struct fs_operation *op, struct ext2 *fs, uint32_t block, enum ext2_kind kind,
              bool keep, struct buffer **out);

/* fs_operation_check_forget, and what it finds is recorded as damage. */
int ext2_check_forget(struct fs_operation *op, struct ext2 *fs, uint32_t block);

/* ---- group.c --------------------------------------------------------------------------------- */

uint32_t ext2_group_first(const struct ext2 *fs, uint32_t index);
uint32_t ext2_group_blocks(const struct ext2 *fs, uint32_t index);
uint32_t ext2_group_of_block(const struct ext2 *fs, uint32_t block);
int ext2_groups_load(struct fs_operation *op, struct ext2 *fs);
int ext2_group_keep(struct fs_operation *op, struct ext2 *fs, uint32_t index);
void ext2_group_store(struct fs_operation *op, struct ext2 *fs, uint32_t index);

/* True if a file may own these blocks: they exist and hold no metadata of fixed place. */
bool ext2_blocks_are_ownable(const struct ext2 *fs, uint32_t first, uint32_t count);

/* ---- blocks.c: the allocator ----------------------------------------------------------------- */

/* Plans to take up to `want` free blocks that lie together, near `goal`. */
int ext2_blocks_plan(struct fs_operation *op, struct ext2 *fs, uint32_t goal, uint32_t want,
                     struct fs_run *run);

/* Plans to take one block for metadata, with a buffer for it. */
int ext2_blocks_plan_metadata(struct fs_operation *op, struct ext2 *fs, uint32_t goal,
                              uint32_t *block);
void ext2_blocks_take(struct fs_operation *op, struct ext2 *fs);

/* Plans to free blocks of one group. EXT2_PLAN_FULL if the operation has enough of them already. */
int ext2_blocks_plan_free(struct fs_operation *op, struct ext2 *fs, uint32_t first, uint32_t count,
                          bool is_metadata);
void ext2_blocks_free(struct fs_operation *op, struct ext2 *fs);

/* ---- number.c: the inode allocator ----------------------------------------------------------- */

int ext2_number_plan(struct fs_operation *op, struct ext2 *fs, uint32_t parent, bool is_directory,
                     uint32_t *number);
void ext2_number_take(struct fs_operation *op, struct ext2 *fs, uint32_t number, bool is_directory);
int ext2_number_check_free(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                           bool is_directory);
void ext2_number_free(struct fs_operation *op, struct ext2 *fs, uint32_t number, bool is_directory);

/* ---- inode.c --------------------------------------------------------------------------------- */

void ext2_inode_pool_init(struct ext2 *fs, struct ext2_inode *inodes, uint32_t count);
bool ext2_inode_pool_is_referenced(const struct ext2 *fs);
uint32_t ext2_inode_group(const struct ext2 *fs, uint32_t number);
bool ext2_mode_is_known(uint32_t mode);

/* The inode of a number if it is in memory, referenced or not, or NULL. */
struct ext2_inode *ext2_inode_cached(struct ext2 *fs, uint32_t number);

/* Gives an inode with a reference for the caller; any number that exists, with links or without. */
int ext2_inode_get(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                   struct ext2_inode **out);

/* Gives the inode that a directory entry names, until the end of the pass or of unuse. */
int ext2_inode_use(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                   struct ext2_inode **out);
void ext2_inode_unuse(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* Whether the pool can take one more inode, and taking it, with a reference. */
bool ext2_inode_has_place(const struct ext2 *fs);
struct ext2_inode *ext2_inode_adopt(struct ext2 *fs, uint32_t number);

/* Gives a reference back and, if it was the last one, drops the inode from memory: it is of no
 * use. */
void ext2_inode_discard(struct ext2 *fs, struct ext2_inode *inode);

/* Drops an unreferenced inode from memory. */
void ext2_inode_evict(struct ext2 *fs, struct ext2_inode *inode);

/* Keeps the block of the inode table for the commit. */
int ext2_inode_keep(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode);
int ext2_inode_keep_number(struct fs_operation *op, struct ext2 *fs, uint32_t number);

/* Writes an inode to its kept block; a new one over whatever was there; one that is freed. */
void ext2_inode_store(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);
void ext2_inode_store_new(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);
void ext2_inode_store_freed(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* Reads the next inode of the orphan list from the disk. */
int ext2_inode_load_next_orphan(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* ---- attribute.c ----------------------------------------------------------------------------- */

void ext2_device_store(struct ext2_inode *inode, uint32_t major, uint32_t minor);

/* True if a symbolic link's target stands in the inode. */
bool ext2_symlink_is_fast(const struct ext2 *fs, const struct ext2_inode *inode);

/* ---- map.c ----------------------------------------------------------------------------------- */

/* The way from an inode to a block of its file: the entry to follow at each level. */
struct ext2_path {
    uint32_t levels; /* of indirect blocks; slot[levels] names data */
    uint32_t slot[EXT2_INDIRECT_LEVELS + 1];
    uint32_t leaf_first; /* first file block of the table that slot[levels] is in */
    uint32_t leaf_entries;
};

uint32_t ext2_blocks_max(const struct ext2 *fs);
void ext2_path_to(const struct ext2 *fs, uint32_t file_block, struct ext2_path *path);
int ext2_find_indirect(struct fs_operation *op, struct ext2 *fs, uint32_t block, bool keep,
                       struct buffer **out);

/* ext2_map, inside a pass. */
int ext2_map_blocks(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                    uint32_t file_block, uint32_t count, struct ext2_cursor *cursor,
                    struct ext2_extent *extent);

/* ---- extend.c -------------------------------------------------------------------------------- */

/* A plan to fill a hole. */
struct ext2_growth {
    struct ext2_path path;
    uint32_t table; /* indirect block whose entry slot[level] is filled; 0: the inode's pointers */
    uint32_t level;
    uint32_t indirect[EXT2_INDIRECT_LEVELS]; /* new ones, from the top */
    uint32_t indirect_count;
    struct fs_run data;
};

int ext2_growth_plan(struct fs_operation *op, struct ext2 *fs, const struct ext2_inode *inode,
                     uint32_t file_block, uint32_t want, bool is_metadata,
                     struct ext2_growth *growth);
void ext2_growth_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                       const struct ext2_growth *growth);

/* ---- truncate.c ------------------------------------------------------------------------------ */

int ext2_size_check(const struct ext2 *fs, uint64_t size_bytes);
void ext2_size_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                     uint64_t size_bytes);

/* Frees one piece beyond the inode's cut: FS_MORE, or EXT2_NOTHING if there is none. */
int ext2_free_piece(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* The same, and ends the cut when there is none: FS_MORE in both cases. */
int ext2_cut_step(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* ---- orphan.c -------------------------------------------------------------------------------- */

void ext2_orphan_add(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);
int ext2_orphan_check_remove(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);
void ext2_orphan_remove(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

/* Works off one piece of the list that the disk was mounted with. FS_MORE on success. */
int ext2_orphan_recover(struct fs_operation *op, struct ext2 *fs);

/* ---- directory.c ----------------------------------------------------------------------------- */

bool ext2_entries_are_sound(const struct ext2 *fs, const uint8_t *data);

/* Searches for a name, and on the way, if it `wants_room`, for room for it. scan->inode is the
 * result. */
int ext2_scan_name(struct fs_operation *op, struct ext2 *fs, struct ext2_scan *scan,
                   struct ext2_inode *directory, struct ext2_name name, bool wants_room);

/* Searches for any entry but the directory's dots. */
int ext2_scan_any(struct fs_operation *op, struct ext2 *fs, struct ext2_scan *scan,
                  struct ext2_inode *directory);

/* Keeps the block of the entry that a search for `name` found. */
int ext2_scan_keep(struct fs_operation *op, struct ext2 *fs, const struct ext2_scan *scan,
                   struct ext2_name name);

/* Where a directory names its parent. */
struct ext2_dotdot {
    uint32_t disk_block;
    uint32_t offset;
    uint32_t parent;
};
int ext2_dotdot_find(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                     bool keep, struct ext2_dotdot *dotdot);

/* Where a new entry goes: into room in a block, or, if disk_block is 0, into a new block. */
struct ext2_slot {
    uint32_t disk_block;
    uint32_t offset;
    struct ext2_growth growth;
};
int ext2_slot_plan(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                   const struct ext2_scan *scan, struct ext2_name name, struct ext2_slot *slot);
void ext2_slot_apply(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                     const struct ext2_slot *slot, struct ext2_name name,
                     const struct ext2_inode *inode);

void ext2_entry_remove(struct fs_operation *op, const struct ext2_scan *scan);

/* Makes the entry at an offset of a block name another inode. */
void ext2_entry_redirect(struct fs_operation *op, struct ext2 *fs, uint32_t disk_block,
                         uint32_t offset, const struct ext2_inode *inode);

/* Makes the first block of a new directory. */
void ext2_directory_fill(struct fs_operation *op, struct ext2 *fs, uint32_t disk_block,
                         const struct ext2_inode *directory, const struct ext2_inode *parent);

/* Stores a directory whose entries were changed: times, flags, version. */
void ext2_directory_touch(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory);

/* ---- name.c ---------------------------------------------------------------------------------- */

int ext2_name_check(struct ext2_name name);
bool ext2_name_is_dots(struct ext2_name name);

/* Checks that entries of a directory may be added, or also removed. */
int ext2_directory_check(const struct ext2_inode *directory, bool removes);

/* Checks that `inode` is an empty directory that can be removed from `directory`. */
int ext2_removal_check(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                       struct ext2_inode *inode, struct ext2_scan *scan);

/* Takes a link from an inode, all from a directory; what has none left becomes an orphan. */
void ext2_links_drop(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode);

#endif
