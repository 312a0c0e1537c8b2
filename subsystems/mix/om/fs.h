/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What OM asks of a file system, and what it knows of its objects.
 *
 * An object of a file system that is in memory is a node. A file system's own struct of it begins
 * with struct node; whoever keeps a pointer to one holds it. Names are one component: no '/', no
 * NUL, not "." or "..", 1 to NAME_MAX bytes. Functions return 0 or a negated errno.
 *
 * Two locks a file system. `change_lock` is held by the caller over the check and the commit of
 * anything that changes a name, an owner or a mode, so that what was allowed is what happens.
 * `lock` is the file system's own: its functions take it, and never keep it while they wait for a
 * disk. Order: mounts, change_lock, lock.
 *
 * I1 A node lives as long as somebody holds it or a name leads to it.
 * I2 A node's file system, number and type never change; a number names one node as long as that
 *    lives.
 */
#ifndef OM_FS_H
#define OM_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "chorus/types.h"
#include "idl/om.h"
#include "mix/linux.h"
#include "subsystems/mix/om/clock.h"
#include "subsystems/mix/om/lock.h"

struct fs;
struct mount;

struct name {
    const char *text; /* not ended by NUL */
    uint32_t bytes;
};

struct node {
    struct fs *fs;
    uint64_t number;
    uint32_t type;   /* S_IFMT bits of the mode */
    uint32_t holds;  /* guarded by fs->lock */
    uint32_t mounts; /* in this directory; guarded by the table of mounts */
    int32_t uses;    /* keys to write, or if below 0 to run it; guarded by the table of keys */
};

/* What permissions depend on. */
struct fs_owner {
    uint32_t mode;
    uint32_t links; /* 0: it was removed */
    uint32_t uid;
    uint32_t gid;
};

/* A node to be made. */
struct fs_template {
    uint32_t mode; /* with its type */
    uint32_t uid;
    uint32_t gid;
    uint64_t rdev;      /* of devices */
    struct name target; /* of symbolic links */
};

/* New attributes; `set` is a sum of OM_SET_*. */
struct fs_change {
    uint32_t set;
    uint32_t mode; /* permission bits */
    uint32_t uid;
    uint32_t gid;
    uint64_t size; /* of regular files */
    struct om_time atime;
    struct om_time mtime;
};

struct fs_entry {
    struct name name; /* here "." and ".." too */
    uint64_t number;
    uint32_t type; /* S_IFMT bits; 0 unknown */
    uint64_t next; /* the cursor behind this entry */
};

/* false: it did not take the entry, and wants no more. */
typedef bool fs_emit(void *context, const struct fs_entry *entry);

struct fs_operations {
    /* One hold more, one less. The last one may end the node. */
    void (*hold)(struct node *node);
    void (*drop)(struct node *node);

    void (*owner)(struct node *node, struct fs_owner *owner);
    int (*attributes)(struct node *node, struct om_attr *attr);
    int (*change)(struct node *node, const struct fs_change *change);

    /* The segment of a regular file, to be read and maybe written by the Nucleus' local cache. */
    int (*segment)(struct node *node, bool writes, KnCap *segment);
    int (*readlink)(struct node *node, char *target, uint32_t room, uint32_t *bytes);
    int (*sync_node)(struct node *node);

    /* Directories. Nodes that are given out are held for the caller. */
    int (*lookup)(struct node *directory, struct name name, struct node **child);
    int (*parent)(struct node *directory, struct node **parent);
    /* The name that leads from its parent to a directory, ended by NUL; -ENOENT if none does any
     * more. */
    int (*name)(struct node *directory, char name[NAME_MAX + 1], struct node **parent);
    int (*readdir)(struct node *directory, uint64_t cursor, fs_emit *emit, void *context);
    int (*create)(struct node *directory, struct name name, const struct fs_template *template,
                  struct node **child);
    int (*link)(struct node *directory, struct name name, struct node *node);
    /* What loses its name by these two is held by the caller. Of a directory, exactly if
     * `is_directory`. */
    int (*unlink)(struct node *directory, struct name name, bool is_directory);
    int (*rename)(struct node *from_directory, struct name from, struct node *to_directory,
                  struct name to, uint32_t flags);

    int (*statistics)(struct fs *fs, struct om_volume *volume);
    int (*sync)(struct fs *fs);
    /* Ends the file system; -EBUSY while somebody holds a node beside the root's one hold. */
    int (*unmount)(struct fs *fs);
    /* Whatever is open: all is written and marked clean, later calls fail with -EIO. NULL: there
     * is nothing to do. */
    int (*end)(struct fs *fs);
};

struct fs {
    const struct fs_operations *operations;
    KnMutex lock;
    KnMutex change_lock;
    uint64_t device; /* number, as stat tells it */
    bool is_read_only;
    struct node *root;   /* held by the file system itself */
    struct mount *mount; /* where it is; NULL before and after */
};

/* ---- Short ways ------------------------------------------------------------------------------ */

static inline void node_hold(struct node *node)
{
    node->fs->operations->hold(node);
}

/* NULL is allowed: nothing was held. */
static inline void node_drop(struct node *node)
{
    if (node != NULL)
        node->fs->operations->drop(node);
}

static inline void fs_change_begin(struct fs *fs)
{
    lock_take(&fs->change_lock);
}

static inline void fs_change_end(struct fs *fs)
{
    lock_give(&fs->change_lock);
}

#endif
