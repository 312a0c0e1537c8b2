/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What OM does for its users; idl/om.idl says what each operation means. Keys have become nodes
 * here, held by the caller. Functions return 0 or a negated errno; with -EREMOTE `remote` tells
 * where the path leaves OM.
 */
#ifndef OM_OPERATIONS_H
#define OM_OPERATIONS_H

#include "subsystems/mix/om/namei.h"
#include "subsystems/mix/om/om.h"

struct remote {
    uint32_t mount;
    char *rest;
    uint32_t rest_room; /* bytes, with the NUL */
};

/* ---- open.c ---------------------------------------------------------------------------------- */

struct opened {
    uint64_t key;
    KnCap segment; /* none for what is not a regular file */
    struct om_attr attr;
};

int path_open(struct om *om, const struct where *where, uint32_t flags, uint32_t mode,
              struct opened *opened, struct remote *remote);

/* ---- attribute.c ----------------------------------------------------------------------------- */

int path_stat(struct om *om, const struct where *where, uint32_t flags, struct om_attr *attr,
              struct remote *remote);
int path_access(struct om *om, const struct where *where, uint32_t flags, uint32_t wanted,
                struct remote *remote);
int path_setattr(struct om *om, const struct where *where, uint32_t flags,
                 const struct fs_change *wanted, struct remote *remote);
int path_readlink(struct om *om, const struct where *where, char *target, uint32_t room,
                  struct remote *remote);
int path_statfs(struct om *om, const struct where *where, struct om_volume *volume,
                struct remote *remote);

/* Adds to a change that it takes the set-id bits away. */
void change_drop_set_ids(const struct caller *caller, const struct node *node,
                         const struct fs_owner *owner, struct fs_change *change);

/* ---- change.c -------------------------------------------------------------------------------- */

int path_mknod(struct om *om, const struct where *where, uint32_t mode, uint64_t rdev,
               struct remote *remote);
int path_mkdir(struct om *om, const struct where *where, uint32_t mode, struct remote *remote);
int path_symlink(struct om *om, const struct where *where, struct name target,
                 struct remote *remote);
int path_link(struct om *om, const struct where *old, const struct where *where, uint32_t flags,
              struct remote *remote);
int path_unlink(struct om *om, const struct where *where, bool is_directory, struct remote *remote);

/* Makes a node for the caller where a walk ended without one; it is held for the caller. */
int change_make(struct om *om, const struct walk *walk, const struct fs_template *template,
                struct node **made);

/* The same in the walk's directory, without a name: it is gone with its last holder. */
int change_make_nameless(struct om *om, const struct walk *walk, const struct fs_template *template,
                         struct node **made);

/* ---- rename.c -------------------------------------------------------------------------------- */

int path_rename(struct om *om, const struct where *old, const struct where *where, uint32_t flags,
                struct remote *remote);

/* ---- directory.c ----------------------------------------------------------------------------- */

/* Fills `entries` with records of getdents64; *bytes is how much was used, *cursor moves along. */
int directory_list(struct om *om, struct node *directory, uint64_t *cursor, uint8_t *entries,
                   uint32_t room, uint32_t *bytes);

/* ---- whole.c --------------------------------------------------------------------------------- */

int path_mount(struct om *om, const struct where *where, const char *source, const char *type,
               uint32_t flags, uint32_t *number);
/* The same on a name in a directory that need not have it. */
int mount_name(struct om *om, struct node *directory, struct name name, const char *source,
               const char *type, uint32_t flags, uint32_t *number);
/* Makes the file system that a mount wishes for; the root's, too. */
int mount_fill(struct om *om, struct mount_wish *wish, uint32_t flags);
int path_umount(struct om *om, const struct where *where);
int mounts_tell(struct om *om, char *text, uint32_t room, uint32_t *bytes);
int mounts_sync(struct om *om);

/* ---- For all: the end of a walk, which tells the remote place if that is the result. --------- */

int walk_finish(struct walk *walk, int status, struct remote *remote);

#endif
