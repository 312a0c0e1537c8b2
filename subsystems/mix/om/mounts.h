/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of mounts. A mount covers a name in a directory, whether or not the directory has an
 * entry of that name: so /dev is there even where the root file system lacks the folder. A mount of
 * another server (type "port") has no file system here: a path that reaches it leaves OM.
 *
 * I1 The first mount is the root's: it covers nothing. No two mounts cover the same name, and a
 *    file system is mounted once, so a node tells its mount.
 * I2 A mount holds its directory, and directory->mounts counts those in it; so most lookups see at
 *    once that there is none. Guarded by `lock`.
 * I3 A number names one mount for ever.
 */
#ifndef OM_MOUNTS_H
#define OM_MOUNTS_H

#include "subsystems/mix/om/fs.h"

#define MOUNT_LIMIT 32u
#define MOUNT_SOURCE_MAX 255u
#define MOUNT_TYPE_MAX 15u

struct mount {
    uint32_t number;        /* 0: this place is free */
    struct fs *fs;          /* NULL: of another server */
    struct node *directory; /* of the covered name; NULL: the root's */
    char name[NAME_MAX + 1];
    char source[MOUNT_SOURCE_MAX + 1];
    char type[MOUNT_TYPE_MAX + 1];
};

struct mounts {
    KnMutex lock;
    uint32_t last_number;
    struct mount mount[MOUNT_LIMIT];
};

struct mount_wish {
    struct fs *fs;
    struct node *directory; /* the caller's hold stays the caller's */
    struct name name;
    const char *source;
    const char *type;
};

void mounts_init(struct mounts *mounts);

/* -EBUSY: the name is covered. -ENOMEM: the table is full. */
int mount_add(struct mounts *mounts, const struct mount_wish *wish, uint32_t *number);

/* Ends a mount and its file system. -EINVAL: there is none of that number. -EBUSY. */
int mount_remove(struct mounts *mounts, uint32_t number);

/* Whether a name is covered. Its file system's root is held for the caller; NULL: it is another
 * server's. */
bool mount_find(struct mounts *mounts, struct node *directory, struct name name, struct node **root,
                uint32_t *number);
bool mount_covers(struct mounts *mounts, struct node *directory, struct name name);

/* Where the file system is mounted: the directory, held, and the covered name. false: it is the
 * root's. */
bool mount_place(struct mounts *mounts, struct fs *fs, struct node **directory,
                 char name[NAME_MAX + 1]);

/* The file system of the lowest mount at or above `*index`, held by its root; *index becomes
 * that of the next one. NULL: no more. */
struct node *mount_next_root(struct mounts *mounts, uint32_t *index);

/* A copy of the mount at or above *index that is in use; false: no more. Its directory is held
 * for the caller. */
bool mount_next(struct mounts *mounts, uint32_t *index, struct mount *copy);

#endif
