/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system on a disk: the ext2 core (ext2/), made to work among threads, with a disk, and
 * with the Nucleus' local caches for file data.
 *
 *   ext2_run.c      operations of the core: its passes, the transfers between them; metadata going
 *                   to the disk
 *   ext2_fs.c       mounting, sync, unmounting; the keeper, a thread that does every few seconds
 *                   what no call does
 *   ext2_node.c     nodes: finding, keeping, ending; keys of segments
 *   ext2_name.c     directories
 *   ext2_data.c     attributes, sizes, what the local cache knows of a file
 *   ext2_mapper.c   the mapper protocol: OM fills and cleans local caches
 *   ext2_threads.c  the threads that answer it
 *
 * The metadata of a file is the core's; its data is in the local cache of its segment, and on the
 * disk. What the cache knows first (the end, the times of access) is taken over at stat, fsync,
 * sync, and when the node leaves memory: it is *absorbed*.
 *
 * Blocks for the holes of a file are promised when the Nucleus asks for write access (MpGetAccess),
 * so that ENOSPC meets the writer, and chosen when the data comes (MpPushOut), so that no block is
 * ever part of a file before its data is on the disk.
 *
 * I1 `fs.lock` guards all of it, and is given up during transfers, calls of the Nucleus that may
 *    wait, and waits.
 * I2 Mapper threads take no other lock, call nobody but the disk, and wait only for what needs no
 *    mapper.
 * I3 A node has one reference of its inode. One whose inode has no links ends with its last hold.
 * I4 `reserved` is the sum of the nodes' and never more than the free blocks.
 * I5 Metadata that an operation changed because of new data goes to the disk after that data.
 */
#ifndef OM_EXT2_FS_H
#define OM_EXT2_FS_H

#include "chorus/mapper.h"
#include "kit/hash.h"
#include "kit/list.h"
#include "kit/radix.h"
#include "kit/random.h"
#include "subsystems/mix/om/ext2/ext2.h"
#include "subsystems/mix/om/fs.h"
#include "subsystems/mix/om/heap.h"
#include "subsystems/mix/om/medium.h"
#include "subsystems/mix/om/signal.h"

#define EXT2_NODE_BUCKETS 512u
#define EXT2_MAPPERS 3u
#define EXT2_MAPPER_BODY_BYTES 131072u /* the most pages that one request moves, of 8 KiB */
#define EXT2_KEEPER_NS ((int64_t)5000000000)
#define EXT2_MAGIC_STATFS 0xef53u

struct ext2_fs;

struct ext2_node {
    struct node node; /* first */
    struct ext2_inode *inode;
    struct hash_node by_number;
    struct list unused;       /* among those without holds */
    struct ext2_node *parent; /* held; of a directory that was removed */

    /* Regular files. */
    bool has_data;     /* the segment has been given out: the Nucleus may have a cache of it */
    bool has_returned; /* to memory: the stamps below are not known yet */
    bool is_opaque;    /* the size changes: who opens the segment waits */
    bool no_grants;    /* blocks are being freed: who wants to write waits */
    bool no_pushes;    /* the last block changes: who writes back waits */
    uint32_t granting; /* answers of MpGetAccess under way */
    uint32_t pushing;  /* writes under way */
    uint32_t grants;   /* how many were given so far */
    uint32_t reserved; /* blocks promised */
    uint32_t granted_first, granted_limit; /* file blocks; as the Nucleus remembers it */
    uint64_t read_stamp, write_stamp;      /* the last ones that were absorbed */
    struct ext2_cursor cursor;             /* of reading in order */
};

/* A thread that answers the Nucleus, with memory that was there before memory was short. */
struct ext2_mapper {
    struct ext2_fs *fs;
    struct fs_operation op;
    uint8_t *copy;    /* a block on its way to the disk */
    uint8_t *body;    /* of requests and replies */
    uint64_t pending; /* the operation whose data is on its way; 0: none */
    /* held: leave to write in it was given, and the answer is not sent yet */
    struct ext2_node *granted;
};

struct ext2_fs {
    struct fs fs; /* first */
    struct heap *heap;
    struct medium medium;
    struct fs_memory memory;
    struct buffer_cache cache;
    bool has_cache;
    struct ext2 core;
    struct ext2_inode *inodes; /* the core's pool */
    uint32_t inode_count;
    uint32_t page_bytes;
    /* a transfer or an operation has ended, or a flag of a node was cleared */
    struct signal changed;

    struct hash nodes;
    struct hash_node *bucket[EXT2_NODE_BUCKETS];
    struct list unused; /* nodes without holds, those used longest ago first */
    struct list dead;   /* nodes without links that wait for the keeper, which holds them */
    struct list mapped; /* the same, but memory shows their content: for a later round */
    uint32_t node_count;
    uint32_t node_limit;

    struct radix secrets; /* of the segments given out, by inode number */
    struct radix_memory secret_memory;
    struct random random;
    uint32_t number_bits; /* of a key that are the inode number; the others are the secret */
    uint64_t reserved;
    uint64_t reserved_most; /* beyond it the keeper does not wait */
    bool is_eager;          /* the keeper was asked to work at once */

    KnUniqueId port; /* where the Nucleus asks */
    int32_t li;
    struct ext2_mapper *mapper[EXT2_MAPPERS];
    uint32_t threads; /* mappers and keeper, that run */
    uint32_t runs;    /* under way */
    bool is_ending;   /* no run may begin any more, but that which ends it all */
    struct signal keeper;
};

/* ---- ext2_fs.c ------------------------------------------------------------------------------- */

extern const struct fs_operations ext2_fs_operations;

/* Mounts the disk of this index. The reason of a failure is told to the log. */
int ext2_fs_create(struct heap *heap, uint32_t disk, uint64_t seed, bool is_read_only,
                   struct fs **out);

/* Ends the file system whatever is open: all is written and marked clean, later calls fail with
 * -EIO. */
int ext2_fs_end(struct fs *fs);

/* What is left of it when it has ended and nobody has a node of it. */
void ext2_fs_free(struct fs *fs);

/* A line of the log. */
void ext2_tell(const char *message);

int ext2_fs_sync(struct fs *fs);
int ext2_fs_sync_node(struct node *node);

/* ---- ext2_run.c: runs of the core's operations ----------------------------------------------- */

struct ext2_run {
    struct ext2_fs *fs;
    struct fs_operation *op;
    uint8_t *copy; /* a block on its way out; NULL: not needed yet */
    uint32_t uid;
    uint32_t gid;
    bool is_lent; /* op and copy are a mapper's */
};

/* Takes the lock; one or more operations may be run then, until ext2_run_end gives it. -ENOMEM,
 * -EIO. */
int ext2_run_begin(struct ext2_run *run, struct ext2_fs *self, uint32_t uid, uint32_t gid);
int ext2_run_begin_mapper(struct ext2_run *run, struct ext2_mapper *mapper);
void ext2_run_end(struct ext2_run *run);

/* The status of one operation, run to its end: `call` is evaluated once a pass, with run->op. */
#define EXT2_RUN(run, call)                    \
    ({                                         \
        int status_;                           \
        ext2_run_start(run);                   \
        do                                     \
            status_ = (call);                  \
        while (ext2_run_again(run, &status_)); \
        status_;                               \
    })

void ext2_run_start(struct ext2_run *run);
bool ext2_run_again(struct ext2_run *run, int *status);

/* Writes metadata out, of operations up to `limit`; the lock is held, and given up meanwhile. */
int ext2_write_out(struct ext2_run *run, uint64_t limit);

/* ---- ext2_node.c ----------------------------------------------------------------------------- */

static inline struct ext2_fs *ext2_fs_of(const struct node *node)
{
    return container_of(node->fs, struct ext2_fs, fs);
}

static inline struct ext2_node *ext2_node_of(struct node *node)
{
    return container_of(node, struct ext2_node, node);
}

/* The node of an inode, whose reference it takes, held. The lock is held. -ENOMEM. */
int ext2_node_get(struct ext2_run *run, struct ext2_inode *inode, struct ext2_node **out);

/* The node of a number: with the lock held, and given up meanwhile. */
int ext2_node_open(struct ext2_run *run, uint32_t number, struct ext2_node **out);

bool ext2_node_is_in_memory(struct ext2_fs *self, uint32_t number);

void ext2_node_hold(struct node *node);
void ext2_node_drop(struct node *node);

/* A mapper's hold: the lock is held; what the node's end needs the keeper does. */
void ext2_node_drop_by_mapper(struct ext2_node *node);

/* Takes nodes that nobody needs out of memory until few enough are left. Without the lock. */
void ext2_nodes_trim(struct ext2_fs *self);

/* Ends some of the nodes that mappers dropped last. Without the lock. */
void ext2_nodes_end_dead(struct ext2_fs *self);

/* Takes all nodes' inodes from them, for the end of the file system. With the lock. */
void ext2_nodes_detach(struct ext2_run *run);

/* Segments' keys; the lock is held. */
int ext2_key_make(struct ext2_fs *self, struct ext2_node *node, KnCap *segment);
KnCap ext2_segment(struct ext2_fs *self, uint32_t number);
bool ext2_key_check(struct ext2_fs *self, KnKey key, uint32_t *number);

/* ---- ext2_data.c ----------------------------------------------------------------------------- */

void ext2_owner(struct node *node, struct fs_owner *owner);
int ext2_attributes(struct node *node, struct om_attr *attr);
int ext2_change(struct node *node, const struct fs_change *change);
int ext2_data_segment(struct node *node, bool writes, KnCap *segment);

/* Takes over what the local cache knows; without the lock. `flush`: its dirty pages go to the
 * disk before. */
int ext2_data_absorb(struct ext2_node *node, bool flush);

/* The file is gone: its local cache may forget it. Without the lock. */
void ext2_data_forget(struct ext2_node *node);

/* Whether memory of a program shows the file's content, so that it may be asked for. */
bool ext2_data_is_mapped(struct ext2_node *node);

struct fs_time ext2_time(struct om_time time);

/* Whether a read of the inode at `now` is to be recorded. */
bool ext2_read_counts(const struct ext2_inode *inode, struct om_time now);

/* ---- ext2_name.c ----------------------------------------------------------------------------- */

int ext2_fs_lookup(struct node *directory, struct name name, struct node **child);
int ext2_fs_parent(struct node *directory, struct node **parent);
int ext2_fs_name(struct node *directory, char name[NAME_MAX + 1], struct node **parent);
int ext2_fs_readdir(struct node *directory, uint64_t cursor, fs_emit *emit, void *context);
int ext2_fs_readlink(struct node *node, char *target, uint32_t room, uint32_t *bytes);
int ext2_fs_make(struct node *directory, struct name name, const struct fs_template *template,
                 struct node **child);
int ext2_fs_link(struct node *directory, struct name name, struct node *node);
int ext2_fs_unlink(struct node *directory, struct name name, bool is_directory);
int ext2_fs_rename(struct node *from_directory, struct name from, struct node *to_directory,
                   struct name to, uint32_t flags);

/* ---- ext2_threads.c -------------------------------------------------------------------------- */

/* Opens the port and starts the threads; ends them. Without the lock. */
int ext2_mappers_start(struct ext2_fs *self);
void ext2_mappers_end(struct ext2_fs *self);
void ext2_mapper_free(struct ext2_fs *self, uint32_t index); /* when they have ended */

/* ---- ext2_mapper.c --------------------------------------------------------------------------- */

/* Answers one request, whose data and the answer's is in mapper->body; *body_bytes is that of
 * the answer. */
void ext2_mapper_serve(struct ext2_mapper *mapper, const KnMpRequest *request,
                       uint32_t request_bytes, KnMpReply *reply, uint32_t *body_bytes);

/* The answer has been sent. */
void ext2_mapper_sent(struct ext2_mapper *mapper);

#endif
