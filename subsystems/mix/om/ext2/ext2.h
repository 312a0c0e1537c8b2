/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ext2 file system core: all that turns names, attributes and block maps into metadata blocks.
 *
 * It is a pure library: no threads, no input or output, no writable file-scope data. Every function
 * that takes a `struct fs_operation` is one operation or one pass of it (operation.h): it returns
 * 0, a negated error number, or a positive `enum fs_status` that tells what to do before it is
 * called again. The caller holds one lock per file system around each call. The other functions
 * never fail and never need a block.
 *
 * File data does not come through here. The caller maps file blocks to disk blocks with ext2_map,
 * gets new ones with ext2_allocate, and moves the bytes itself. It holds to three rules:
 *   - bytes between a file's size and the end of its last block are zero on the disk;
 *   - before it makes a file shorter it has dropped the pages beyond and waited for their
 *     transfers;
 *   - what ext2_allocate returns as new holds old bytes until the caller has written all of it.
 *
 * Permission is the caller's business (search, write, sticky, set-id bits of new files); the core
 * enforces what the file system itself says: read-only, immutable, append-only, reserved blocks.
 *
 * What is found damaged is reported as -EUCLEAN, and from then on the file system is read-only; a
 * block that cannot be read is -EIO and changes nothing.
 *
 * I1 The superblock, the group descriptors and the inode tables in the cache always say what the
 *    structures here say: each operation changes both.
 * I2 An inode without links is on the orphan list, on the disk as in memory, until it is freed.
 * I3 An inode in the pool is hashed exactly if its number is not 0; it is on the unused list
 *    exactly if it has no references and is not an orphan.
 */
#ifndef EXT2_EXT2_H
#define EXT2_EXT2_H

#include "subsystems/mix/om/ext2/format.h"
#include "subsystems/mix/om/ext2/operation.h"

#define EXT2_INODE_BUCKETS 256u
#define EXT2_NOTHING_CUT UINT32_MAX

/* One block group, as its descriptor says. */
struct ext2_group {
    uint32_t block_bitmap;
    uint32_t inode_bitmap;
    uint32_t inode_table;
    uint32_t free_blocks;
    uint32_t free_inodes;
    uint32_t directories;
    uint32_t rotor; /* bit after the last block allocated here: where the next file starts */
};

/* An inode in memory. The caller reads the attributes; only the core writes them. */
struct ext2_inode {
    struct hash_node node;
    struct list unused_link;
    struct list orphan_link;
    uint32_t number; /* 0 while this place of the pool holds none */
    uint32_t references;

    uint16_t mode;
    uint16_t links;
    uint32_t uid;
    uint32_t gid;
    uint64_t size_bytes;
    uint32_t sectors; /* blocks held, indirect ones too, in units of 512 bytes */
    uint32_t flags;
    uint32_t generation;
    uint32_t xattr_block;
    uint32_t extra_bytes; /* of the inode's second part that are in use */
    uint32_t next_orphan; /* inode number; what the disk keeps in the time of deletion */
    struct fs_time access_time;
    struct fs_time modify_time;
    struct fs_time change_time;
    struct fs_time create_time;
    /* As on the disk: block numbers, or a short link's target, or a device's number. */
    uint8_t pointers[EXT2_POINTERS][4];

    uint64_t contents_version; /* of a directory: changes with every change of its entries */
    uint64_t tree_version;     /* changes when indirect blocks are freed */
    uint64_t changed_by;       /* last operation that changed the inode or its blocks */
    uint32_t cut;              /* blocks from here on are being freed and count as holes */
    uint32_t goal_disk_block;  /* where the last allocation of blocks ended; 0 if not known */
    bool is_orphan;
};

struct ext2_config {
    struct buffer_cache *cache; /* of the block size that ext2_probe found */
    const struct fs_memory *memory;
    struct ext2_inode *inodes; /* the pool of inodes in memory: one for each open file, and some */
    uint32_t inode_count;
    bool is_read_only;
};

/* A file system, in memory of the caller. */
struct ext2 {
    struct buffer_cache *cache;
    const struct fs_memory *memory;

    /* Geometry, constant while mounted. */
    uint64_t disk_bytes;
    uint32_t block_shift;
    uint32_t block_bytes;
    uint32_t blocks_count;
    uint32_t first_data_block;
    uint32_t blocks_per_group;
    uint32_t inodes_count;
    uint32_t inodes_per_group;
    uint32_t inode_bytes;
    uint32_t first_inode;
    uint32_t new_extra_bytes; /* of the second part of a new inode */
    uint32_t group_count;
    uint32_t table_blocks;      /* of a group's inode table */
    uint32_t descriptor_blocks; /* of all group descriptors */
    uint32_t super_block;       /* block that holds the superblock */
    uint32_t super_offset;
    uint32_t pointer_shift; /* log2 of block numbers in an indirect block */
    uint32_t overhead_blocks;
    uint32_t reserved_blocks;
    uint32_t reserved_uid;
    uint32_t reserved_gid;
    bool has_revision; /* 1, not 0: the superblock has its second part */
    bool has_file_types;
    bool has_sparse_supers; /* only some groups hold copies of the superblock */
    bool was_clean;         /* the disk said so when it was mounted, and no damage was met since */

    struct buffer *super_buffer; /* pinned while mounted */
    struct ext2_group *groups;
    uint32_t groups_loaded;
    uint32_t free_blocks;
    uint32_t free_inodes;
    uint32_t last_orphan; /* head of the list on the disk */

    struct ext2_inode *inodes;
    uint32_t inode_count;
    struct hash table; /* of the pool; the hash of an inode is its number */
    struct hash_node *buckets[EXT2_INODE_BUCKETS];
    struct list unused;     /* inodes without references; those used longest ago first */
    struct list orphans;    /* inodes without links, in the order of the list on the disk */
    uint64_t stamp;         /* grows; where versions come from */
    uint64_t shape_version; /* changes when a directory gets another parent */
    uint32_t next_generation;

    bool is_mounted;
    bool is_read_only;
    bool is_damaged;
    const char *message; /* of the mount, or of the damage met first; NULL if there is none */
};

/*
 * Fills a new `fs` with what `super`, the 1024 bytes at EXT2_SUPER_OFFSET of a disk of
 * `disk_bytes`, says, so that the caller can make a cache of its block size. Returns 0, -EINVAL
 * (not ext2, or features or sizes that this code does not know) or -EUCLEAN (damaged, or with a
 * journal that must be recovered first). `message` says why it is refused, or can only be read, or
 * should be checked.
 */
int ext2_probe(struct ext2 *fs, const uint8_t *bytes, uint64_t disk_bytes);

/*
 * Mounts what was probed. With FS_MORE it has deleted a piece of what was left on the orphan list.
 * Ends as a read-only mount where that list is damaged. After any failure ext2_destroy gives back
 * what was taken.
 */
int ext2_mount(struct fs_operation *op, struct ext2 *fs, const struct ext2_config *config);

/*
 * Records a clean state, which its caller then writes out. Before that it asks by FS_NEED_ROOM
 * until all else is on the disk. -EBUSY while inodes are referenced or orphans wait for ext2_reap.
 */
int ext2_unmount(struct fs_operation *op, struct ext2 *fs);

/* Forgets the file system. The cache may hold dirty buffers yet; its owner writes them out. */
void ext2_destroy(struct ext2 *fs);

/* A write failed for good: the file system becomes read-only. */
void ext2_write_failed(struct ext2 *fs);

struct ext2_statistics {
    uint32_t block_bytes;
    uint64_t blocks;
    uint64_t free_blocks;
    uint64_t available_blocks; /* to those who may not use the reserve */
    uint64_t inodes;
    uint64_t free_inodes;
    uint8_t uuid[16];
};
void ext2_statistics_get(const struct ext2 *fs, struct ext2_statistics *statistics);

/* --- Inodes ----------------------------------------------------------------------------------- */

/* Takes a reference to an inode by its number. -ENOENT if it has no links. */
int ext2_inode_open(struct fs_operation *op, struct ext2 *fs, uint32_t number,
                    struct ext2_inode **out);

/* Takes one more reference. */
void ext2_inode_reference(struct ext2 *fs, struct ext2_inode *inode);

/* Drops a reference. True if ext2_reap has something to do now. */
bool ext2_inode_release(struct ext2 *fs, struct ext2_inode *inode);

/* Frees a piece of the inodes without links and references. 0 when there are none left. */
int ext2_reap(struct fs_operation *op, struct ext2 *fs);

struct ext2_attributes {
    uint32_t inode;
    uint32_t generation;
    uint32_t mode; /* type and permission bits */
    uint32_t links;
    uint32_t uid;
    uint32_t gid;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t size_bytes;
    uint64_t sectors; /* of 512 bytes */
    uint32_t flags;
    struct fs_time access_time;
    struct fs_time modify_time;
    struct fs_time change_time;
    struct fs_time create_time; /* all zero where the disk does not keep it */
};
void ext2_attributes_get(const struct ext2 *fs, const struct ext2_inode *inode,
                         struct ext2_attributes *attributes);

#define EXT2_SET_MODE 0x01u /* the permission bits */
#define EXT2_SET_UID 0x02u
#define EXT2_SET_GID 0x04u
#define EXT2_SET_ACCESS_TIME 0x08u
#define EXT2_SET_MODIFY_TIME 0x10u
#define EXT2_SET_CHANGE_TIME 0x20u /* else the change time becomes the operation's time */
#define EXT2_SET_LARGER_SIZE 0x40u /* a regular file's, if it grows; it never shrinks by this */
int ext2_attributes_set(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                        uint32_t which, const struct ext2_attributes *attributes);

/* --- File blocks ------------------------------------------------------------------------------ */

struct ext2_extent {
    uint32_t file_block;
    uint32_t disk_block; /* 0: a hole, which reads as zeros */
    uint32_t count;
    bool is_new; /* allocated by this call: the disk holds old bytes there */
};

/*
 * Maps file blocks [file_block, file_block + count): gives the longest run from the first on that
 * is together on the disk and known without reading more. `cursor` may be NULL.
 */
int ext2_map(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
             uint32_t file_block, uint32_t count, struct ext2_cursor *cursor,
             struct ext2_extent *extent);

/*
 * The same for writing to a regular file: a hole at `file_block` is filled with new blocks, as many
 * of the `count` as one step finds together. -ENOSPC, -EFBIG.
 */
int ext2_allocate(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                  uint32_t file_block, uint32_t count, struct ext2_extent *extent);

/* Largest size of a file, in bytes. */
uint64_t ext2_size_max(const struct ext2 *fs);

/* Sets a regular file's size; what is cut off is freed in steps, the size changes in the first. */
int ext2_truncate(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode,
                  uint64_t size_bytes);

/* Copies at most `limit` bytes of a symbolic link's target; `*bytes` is how many it has. */
int ext2_readlink(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *inode, char *target,
                  uint32_t limit, uint32_t *bytes);

/* --- Names ------------------------------------------------------------------------------------ */

/* A name of one component: not terminated, without '/' and NUL. */
struct ext2_name {
    const char *text;
    uint32_t bytes;
};

/* Gives the inode of a name, with a reference for the caller. */
int ext2_lookup(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name, struct ext2_inode **out);

struct ext2_entry {
    uint32_t inode;
    uint32_t file_type; /* EXT2_ENTRY_*, unknown where the disk does not keep it */
    struct ext2_name name;
    uint64_t next; /* the cursor after this entry */
};

/*
 * Hands entries to `emit`, from `*cursor` on (0 is the start), until it returns false, which means
 * that it did not take that one, or until no block is at hand; `*cursor` moves along. If it returns
 * 0 without a call of `emit` the directory is at its end. A cursor stays good whatever happens to
 * the directory: an entry that exists all the while is seen once.
 */
typedef bool ext2_emit(void *context, const struct ext2_entry *entry);
int ext2_readdir(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                 uint64_t *cursor, ext2_emit *emit, void *context);

/* What ext2_create makes. */
struct ext2_template {
    uint32_t mode; /* type and permission bits */
    uint32_t uid;
    uint32_t gid;
    uint32_t device_major; /* of device nodes */
    uint32_t device_minor;
    const char *target; /* of symbolic links */
    uint32_t target_bytes;
};

/* Makes a file, directory, symbolic link, device node, fifo or socket; a reference is the
 * caller's. */
int ext2_create(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name, const struct ext2_template *template,
                struct ext2_inode **out);

int ext2_link(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
              struct ext2_name name, struct ext2_inode *inode);

/* Both leave an inode without links to ext2_reap, which frees it when nobody refers to it. */
int ext2_unlink(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
                struct ext2_name name);
int ext2_rmdir(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *directory,
               struct ext2_name name);

#define EXT2_RENAME_NOREPLACE 0x1u
#define EXT2_RENAME_EXCHANGE 0x2u
int ext2_rename(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *from_directory,
                struct ext2_name from, struct ext2_inode *to_directory, struct ext2_name to,
                uint32_t flags);

/*
 * Checks what the structures in memory promise (I1 to I3 and the cache's own). Returns NULL or a
 * sentence that says what does not hold. No operation may be in a pass.
 */
const char *ext2_verify(const struct ext2 *fs);

#endif
