/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in memory. Names and attributes are on OM's heap; a regular file's data is a temporary
 * segment of the Nucleus, which its users read, write and map without asking here.
 *
 *   tmpfs.c        the file system, its nodes, their attributes
 *   tmpfs_data.c   segments, and what the Nucleus knows of them: end, pages, stamps
 *   tmpfs_names.c  directories: finding, listing, making, removing
 *   tmpfs_rename.c
 *
 * A file that came from the system archive has its data there (its origin) until somebody opens it:
 * only then is it copied into a segment. As long as nobody may write to it the copy can be given up
 * again, and is, if copies become many.
 *
 * I1 All is guarded by fs.lock.
 * I2 A directory's entries stand in its tree (by hash and name) and in its list (by cursor, oldest
 *    first). Cursors are never used again, so one stays good whatever happens to the directory.
 * I3 A directory has one entry, or none once it was removed (and the root); one that was removed
 *    holds its parent, so that ".." leads somewhere as long as the directory lives.
 * I4 A node without links ends with its last hold.
 */
#ifndef OM_TMPFS_H
#define OM_TMPFS_H

#include "kit/list.h"
#include "kit/tree.h"
#include "subsystems/mix/om/archive.h"
#include "subsystems/mix/om/fs.h"
#include "subsystems/mix/om/heap.h"

#define TMPFS_MAGIC 0x01021994u

struct tmpfs;

struct tmpfs_entry {
    struct tree_node by_name;
    struct list in_order;
    uint64_t hash;
    uint64_t cursor;
    struct tmpfs_node *node;
    uint32_t name_bytes;
    char name[];
};

struct tmpfs_directory {
    struct tree by_name;
    struct list in_order;
    struct tmpfs_node *parent;  /* of the root: itself */
    struct tmpfs_entry *entry;  /* that leads here; NULL: the root, or removed */
    struct tmpfs_entry *listed; /* the last one that was listed, if it is still there: a hint */
    uint64_t last_cursor;
    uint32_t count;
    bool is_removed;
};

struct tmpfs_file {
    bool has_segment;
    KnCap segment;
    KnCap cache;         /* to truncate it */
    uint64_t origin;     /* where the data is in the archive, while there is no segment */
    uint64_t size_bytes; /* while there is no segment */
    struct list copies;  /* linked: the segment is just a copy of the origin */
    uint64_t read_stamp; /* the last ones that are in the times */
    uint64_t write_stamp;
};

struct tmpfs_link {
    char *target;
    uint32_t bytes;
};

struct tmpfs_node {
    struct node node; /* first */
    struct list all;  /* of the file system's nodes */
    uint32_t mode;
    uint32_t links;
    uint32_t uid;
    uint32_t gid;
    uint64_t rdev;
    struct om_time atime, mtime, ctime;
    union {
        struct tmpfs_directory directory;
        struct tmpfs_file file;
        struct tmpfs_link link;
    };
};

struct tmpfs {
    struct fs fs; /* first */
    struct heap *heap;
    struct archive *source; /* outlives the file system */
    /* files whose segment is a copy of their origin; used longest ago first */
    struct list copies;
    uint64_t copied_bytes; /* of their segments */
    uint64_t copied_most;  /* beyond it they are given up */
    struct list nodes;
    uint64_t last_number;
    uint32_t page_bytes;
    uint32_t node_count;
    uint32_t node_limit;
};

extern const struct fs_operations tmpfs_operations;

/* An empty file system; its root has this mode and belongs to user and group 0. NULL: no memory. */
struct fs *tmpfs_create(struct heap *heap, uint64_t device, uint32_t root_mode);

/* Where the data of files that came from an archive stays until somebody opens them. */
void tmpfs_set_source(struct fs *fs, struct archive *source);

/* Gives a regular file that is empty yet its data, at `origin` in the source. */
void tmpfs_set_origin(struct node *node, uint64_t origin, uint64_t bytes);
bool tmpfs_has_origin(struct node *node);

/* Checks I2 to I4 and the counts; for tests. */
bool tmpfs_verify(struct fs *fs);

/* ---- Between the files; all with the lock held ----------------------------------------------- */

static inline struct tmpfs *tmpfs_of(const struct node *node)
{
    return container_of(node->fs, struct tmpfs, fs);
}

static inline struct tmpfs_node *tmpfs_node_of(struct node *node)
{
    return container_of(node, struct tmpfs_node, node);
}

/* A node with no link yet and one hold. NULL: no room. */
struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_template *template);

/* Ends the node if nothing keeps it. */
void tmpfs_node_check(struct tmpfs_node *node);

void tmpfs_node_drop(struct tmpfs_node *node);

/* ctime, or ctime and mtime, become now. */
void tmpfs_node_changed(struct tmpfs_node *node);
void tmpfs_node_modified(struct tmpfs_node *node);

/* A directory loses its name: it holds its parent from now on. */
void tmpfs_directory_orphan(struct tmpfs_node *node);

/* Takes the Nucleus' stamps over into the times; fills `stat`, all zero where there is no
 * segment. */
int tmpfs_data_collect(struct tmpfs_node *node, KnLcStat *stat);
int tmpfs_data_truncate(struct tmpfs_node *node, uint64_t size_bytes);
int tmpfs_data_segment(struct tmpfs_node *node, bool writes, KnCap *segment);
void tmpfs_data_end(struct tmpfs_node *node);

tree_order tmpfs_entry_order;
struct tmpfs_entry *tmpfs_find(struct tmpfs_node *directory, struct name name);

/* An entry that is in no directory; NULL: no room. */
struct tmpfs_entry *tmpfs_entry_create(struct tmpfs *tmpfs, struct name name);
void tmpfs_entry_free(struct tmpfs *tmpfs, struct tmpfs_entry *entry);

/* Puts an entry for `node` into a directory, where its name is not; takes it out. Links are
 * counted. */
void tmpfs_entry_insert(struct tmpfs_node *directory, struct tmpfs_entry *entry,
                        struct tmpfs_node *node);
void tmpfs_entry_remove(struct tmpfs_node *directory, struct tmpfs_entry *entry);

int tmpfs_lookup(struct node *directory, struct name name, struct node **child);
int tmpfs_parent(struct node *directory, struct node **parent);
int tmpfs_name(struct node *directory, char name[NAME_MAX + 1], struct node **parent);
int tmpfs_readdir(struct node *directory, uint64_t cursor, fs_emit *emit, void *context);
int tmpfs_make(struct node *directory, struct name name, const struct fs_template *template,
               struct node **child);
int tmpfs_link(struct node *directory, struct name name, struct node *node);
int tmpfs_unlink(struct node *directory, struct name name, bool is_directory);
int tmpfs_rename(struct node *from_directory, struct name from, struct node *to_directory,
                 struct name to, uint32_t flags);

#endif
