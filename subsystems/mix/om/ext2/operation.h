/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An operation: one change of the file system that happens as a whole, or one look at it.
 *
 *     begin -> [ pass -> read what it needs ]... -> last pass -> end
 *
 * The caller begins an operation and calls a function of ext2.h with it. Each call is a pass. A
 * pass gathers and checks everything that it will touch; where a block is missing it names the
 * block and returns FS_NEED_BLOCK, and the caller reads it and calls the same function with the
 * same arguments again. Once all is there the pass commits: from then on it only changes memory and
 * cannot fail.
 *
 * The caller's loop, which holds the file system's lock except during transfers:
 *
 *     FS_NEED_BLOCK  for each block named: fs_operation_read_begin, transfer, buffer_read_end
 *     FS_NEED_ROOM   buffer_write_begin, transfer, buffer_write_end, for some buffers
 *     FS_WAIT        sleep until any transfer or operation of this file system has ended
 *     FS_MORE        fs_operation_end, fs_operation_begin
 *     anything else  fs_operation_end; 0 is success, below it a negated error number
 *
 * A committed operation is a transaction handle: `dirty` lists the buffers that it changed, in
 * order, and `data` the file blocks that are new and must be on disk before those buffers are
 * (buffer.h).
 *
 * I1 What an operation has pinned stays pinned from pass to pass, so a pass gets at least one block
 *    further than the one before it, however small the cache is and whoever else uses it.
 * I2 A pass keeps at most FS_OPERATION_PINS buffers for its commit; what it only looks at may be
 *    displaced by what it looks at later.
 * I3 Within a pass a buffer is used as one kind of metadata. A damaged disk may claim a block for
 *    two; that is found here, before anything is changed.
 */
#ifndef EXT2_OPERATION_H
#define EXT2_OPERATION_H

#include "subsystems/mix/om/ext2/buffer.h"

#define FS_OPERATION_PINS 32u
#define FS_OPERATION_SPARES 5u /* three indirect blocks, a directory block, a new file's block */
#define FS_OPERATION_FRAMES (FS_OPERATION_PINS + FS_OPERATION_SPARES)
#define FS_OPERATION_NEEDS 8u
#define FS_OPERATION_RUNS 16u
#define FS_OPERATION_INODES 4u

/* Seconds since 1970 and nanoseconds below a second. */
struct fs_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

struct fs_pin {
    struct buffer *buffer;
    uint64_t used_at; /* grows with each use; the smallest is displaced first */
    uint32_t pass;    /* of the last use */
    uint8_t kind;     /* as what, in that pass */
    bool is_kept;     /* for the commit of that pass */
};

/* Blocks that lie together on the disk, all in one block group. */
struct fs_run {
    uint32_t first;
    uint32_t count;
    bool is_metadata; /* of blocks to be freed: the cache may hold them */
};

/* New blocks of a file: their bytes must be on disk before the operation's buffers. */
struct fs_data {
    uint32_t inode;
    uint32_t file_block;
    uint32_t disk_block;
    uint32_t count;
};

/*
 * Where a walk through a file's blocks stands: the indirect block met last and what it covers. All
 * zero is a fresh one. It belongs to one inode, and its owner keeps it between calls.
 */
struct ext2_cursor {
    uint64_t version; /* of the inode's tree of blocks; 0 if the rest says nothing */
    uint32_t leaf;    /* disk block of the indirect block */
    uint32_t first;   /* first file block it covers */
    uint32_t reads;   /* blocks of metadata looked at so far */
};

/* A search through a directory that an operation can take up again in its next pass. */
struct ext2_scan {
    struct ext2_cursor cursor;
    uint64_t version;   /* of the directory's contents; 0 before the search began */
    uint32_t directory; /* inode number */
    uint32_t next;      /* directory block to look at next */
    uint32_t inode;     /* of the entry found; 0 if none */
    uint32_t disk_block;
    uint32_t offset;
    uint32_t slack_disk_block; /* first block with room for a new entry; 0 if none yet */
    uint32_t slack_offset;
    bool is_done;
};

/* A climb from a directory toward the root. */
struct ext2_climb {
    uint64_t version;  /* of the tree's shape; 0 before the climb began */
    uint32_t at;       /* inode number of the directory reached */
    uint32_t mark;     /* one met earlier, to notice a circle */
    uint32_t steps;    /* since the mark was set */
    uint32_t distance; /* after which the mark is set anew */
    bool is_done;
};

struct ext2_inode;

struct fs_operation {
    struct buffer_cache *cache;
    struct fs_time now; /* what the operation stamps on what it changes */
    uint32_t uid;       /* for whom: may decide about reserved blocks */
    uint32_t gid;

    /* What the caller must read after FS_NEED_BLOCK. All but the first are advice. */
    uint32_t need[FS_OPERATION_NEEDS];
    uint32_t need_count;
    uint32_t reads; /* blocks read for this operation */

    /* What it did, once committed. */
    uint64_t sequence; /* its number; 0 as long as it changed nothing */
    struct buffer *dirty[FS_OPERATION_FRAMES];
    uint32_t dirty_count;
    struct fs_data data;

    /* What the current pass gathered. */
    uint32_t pass;
    uint64_t tick;
    struct fs_pin pins[FS_OPERATION_PINS];
    uint32_t pin_count;
    struct buffer *spares[FS_OPERATION_SPARES];
    uint32_t spare_count;
    uint32_t spares_wanted;
    struct fs_run taken[FS_OPERATION_RUNS]; /* free blocks chosen; not yet marked as used */
    uint32_t taken_count;
    struct fs_run freed[FS_OPERATION_RUNS]; /* blocks to be freed; still marked as used */
    uint32_t freed_count;
    struct ext2_inode *inodes[FS_OPERATION_INODES]; /* references dropped at the pass's end */
    uint32_t inode_count;

    /* What it remembers from pass to pass. */
    struct ext2_scan scan[3];
    struct ext2_climb climb[2];
};

/* Begins an operation on behalf of (uid, gid) at time `now`. Returns 0, or FS_WAIT. */
int fs_operation_begin(struct fs_operation *op, struct buffer_cache *cache, uint32_t uid,
                       uint32_t gid, struct fs_time now);

/* Ends it, committed or not. Its lists of buffers and data may be read until then. */
void fs_operation_end(struct fs_operation *op);

/*
 * Takes a buffer for the needed block number `index` and pins it for the operation. Returns 0 with
 * a buffer in state reading, whose block the caller reads before it calls buffer_read_end; FS_WAIT
 * if the block is there, or on its way, already; FS_NEED_ROOM or -ENOMEM if there is no buffer. Any
 * failure at an index above 0 may be ignored.
 */
int fs_operation_read_begin(struct fs_operation *op, uint32_t index, struct buffer **out);

/* What follows is for the file system's own use. */

/* Starts a pass: what an earlier one gathered counts no more. */
void fs_operation_pass(struct fs_operation *op);

/*
 * Finds a block, to be used as `kind`; `keep` holds it for the commit, else it is good until the
 * next calls displace it. Returns 0, FS_NEED_BLOCK, FS_WAIT, -EIO, or -EUCLEAN when this pass uses
 * the block as another kind already.
 */
int fs_operation_find(struct fs_operation *op, uint32_t block, uint8_t kind, bool keep,
                      struct buffer **out);

/* After FS_NEED_BLOCK: names a block that will probably be needed next. */
void fs_operation_advise(struct fs_operation *op, uint32_t block);

/* Sees to it that the commit can make one more new metadata block. */
int fs_operation_spare(struct fs_operation *op);

/* Checks that the commit may forget what the cache knows of a block that is freed or reused. */
int fs_operation_check_forget(struct fs_operation *op, uint32_t block);

/* Ends the gathering. From here on nothing can fail. */
void fs_operation_commit(struct fs_operation *op);

/* In a commit: the kept buffer of a block. */
struct buffer *fs_operation_kept(struct fs_operation *op, uint32_t block);

/* In a commit: a zeroed buffer for the new metadata block `block`, from the spares. */
struct buffer *fs_operation_new(struct fs_operation *op, uint32_t block, uint8_t kind);

/* In a commit: records that the operation changes the buffer. */
void fs_operation_dirty(struct fs_operation *op, struct buffer *buffer);

/* In a commit: drops what the cache knows of a block that was freed. */
void fs_operation_forget(struct fs_operation *op, uint32_t block);

#endif
