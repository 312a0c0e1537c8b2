/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a path to a node, as POSIX and Linux resolve it.
 *
 *     struct walk walk;
 *     int status = walk_path(&walk, om, &where, flags);
 *     ... walk.node, walk.directory, walk.last ...
 *     walk_end(&walk);                                in every case
 *
 * Symbolic links are not put together into one text: each one met is a text of its own on a stack,
 * of which the top is read first. So there is no limit but that on their number.
 *
 * I1 Everything in struct walk that points to a node holds it until walk_end.
 * I2 `last` points into the path or into a text of the stack, and is good until walk_end.
 */
#ifndef OM_NAMEI_H
#define OM_NAMEI_H

#include "subsystems/mix/om/permission.h"

struct om;

#define WALK_LINKS_MAX 40u

/* Where a walk begins, and for whom. */
struct where {
    struct caller caller;
    struct node *root;
    struct node *directory; /* may be NULL if the path is absolute */
    struct name path;       /* empty: the directory itself, which may be any node */
};

/* What a walk does with the last component. */
#define WALK_FOLLOW 1u   /* a symbolic link: go on with its target */
#define WALK_MAY_MISS 2u /* it need not be there: node is NULL then */
#define WALK_PARENT 4u   /* it is not looked at: only `directory` and `last` are wanted */

#define WALK_FILE 8u /* it will not be a directory: a slash behind it is -EISDIR */

enum walk_last {
    WALK_NAME,   /* `last` in `directory` */
    WALK_DOT,    /* "." ... */
    WALK_DOTDOT, /* ".." ... */
    WALK_ROOT,   /* nothing but slashes ... */
    WALK_EMPTY,  /* or nothing at all: `directory` is NULL */
};

struct walk_text {
    struct name left; /* what was not looked at yet */
    char *owned;      /* of PATH_MAX bytes on OM's heap; NULL: the caller's path */
};

struct walk {
    struct om *om;
    const struct where *where;
    struct node *node;      /* what was found */
    struct node *directory; /* that has `last` */
    struct name last;
    enum walk_last kind;
    bool has_slash; /* the path ended with one: only a directory will do */
    uint32_t mount; /* with -EREMOTE: the mount that was reached */

    struct node *at; /* the directory that the walk is in */
    uint32_t links;  /* symbolic links followed so far */
    uint32_t depth;
    struct walk_text text[WALK_LINKS_MAX + 1];
};

int walk_path(struct walk *walk, struct om *om, const struct where *where, uint32_t flags);
void walk_end(struct walk *walk);

/* After -EREMOTE: what is left of the path, ended by NUL. -ENAMETOOLONG: it is more than `room`
 * bytes. */
int walk_rest(const struct walk *walk, char *rest, uint32_t room);
bool walk_has_rest(const struct walk *walk);

/* The node that a name in a directory leads to, held, as its file system knows it: mounts do not
 * count. */
int node_lookup(struct node *directory, struct name name, struct node **child);

/* The directory above one, on the way to `root`, which is above itself. */
int walk_up(struct om *om, struct node *root, struct node *directory, struct node **parent);

/* The absolute path of a directory as seen from `root`. -ENOENT: no path leads to it; -ERANGE:
 * it has no room. */
int walk_back(struct om *om, struct node *root, struct node *directory, char *path, uint32_t room);

#endif
