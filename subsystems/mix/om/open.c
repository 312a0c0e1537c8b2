/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening: with all that Linux' open flags mean for a name and a node.
 */
#include "kit/assert.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

#define TRIES 16u /* to make a file that others make and remove at the same time */

static uint32_t wanted_access(uint32_t flags)
{
    static const uint32_t wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                      MAY_READ | MAY_WRITE};

    if ((flags & O_PATH) != 0)
        return 0;
    return wanted[flags & O_ACCMODE] | ((flags & O_TRUNC) != 0 ? MAY_WRITE : 0);
}

static uint32_t walk_flags(uint32_t flags)
{
    bool stays = (flags & O_NOFOLLOW) != 0 || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);

    return (stays ? 0 : WALK_FOLLOW) | ((flags & O_CREAT) != 0 ? WALK_MAY_MISS | WALK_FILE : 0);
}

/* What O_CREAT refuses, be the node there or not. */
static int check_create(const struct walk *walk, uint32_t flags)
{
    if ((flags & O_EXCL) != 0 && walk->node != NULL)
        return -EEXIST;
    return walk->node != NULL && walk->node->type == S_IFDIR ? -EISDIR : 0;
}

static int check_type(const struct node *node, uint32_t flags)
{
    if ((flags & O_DIRECTORY) != 0 && node->type != S_IFDIR)
        return -ENOTDIR;
    if ((flags & O_PATH) != 0)
        return 0;
    if (node->type == S_IFLNK)
        return -ELOOP;
    return node->type == S_IFDIR && (wanted_access(flags) & MAY_WRITE) != 0 ? -EISDIR : 0;
}

static int check_permission(const struct caller *caller, struct node *node, uint32_t flags)
{
    uint32_t wanted = wanted_access(flags);
    struct fs_owner owner;
    int status;

    if ((wanted & MAY_WRITE) != 0 && node->fs->is_read_only && node->type == S_IFREG)
        return -EROFS;
    node->fs->operations->owner(node, &owner);
    status = permission_check(caller, &owner, wanted);
    if (status == 0 && (flags & O_NOATIME) != 0)
        status = permission_check_owner(caller, &owner);
    return status;
}

static int truncate(const struct caller *caller, struct node *node)
{
    struct fs_change change = {.set = OM_SET_SIZE};
    struct fs_owner owner;
    int status;

    fs_change_begin(node->fs);
    node->fs->operations->owner(node, &owner);
    if (caller->uid != 0)
        change_drop_set_ids(caller, node, &owner, &change);
    status = node->fs->operations->change(node, &change);
    fs_change_end(node->fs);
    return status;
}

/* Checks a node that was there before. */
static int open_old(const struct walk *walk, uint32_t flags)
{
    int status = check_type(walk->node, flags);

    if (status == 0 && (flags & O_PATH) == 0)
        status = check_permission(&walk->where->caller, walk->node, flags);
    if (status == 0 && (flags & O_PATH) == 0 && walk->node->type == S_IFSOCK)
        status = -ENXIO; /* sockets are connected to */
    return status;
}

/* Finds or makes the node. -EEXIST without O_EXCL: somebody was quicker, and the walk has to be
 * done again. */
static int find_or_make(struct walk *walk, struct om *om, const struct where *where, uint32_t flags,
                        uint32_t mode, bool *is_old)
{
    struct fs_template template = {.mode = S_IFREG | (mode & ~(uint32_t)S_IFMT)};
    int status = walk_path(walk, om, where, walk_flags(flags));

    if (status == 0 && (flags & O_CREAT) != 0)
        status = check_create(walk, flags);
    if (status != 0)
        return status;
    *is_old = walk->node != NULL;
    if (*is_old)
        return open_old(walk, flags);
    return change_make(om, walk, &template, &walk->node);
}

/* Linux can give such a file a name later, if O_EXCL does not rule it out; OM cannot. */
static int check_nameless(uint32_t flags)
{
    if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT) != 0 ||
        (flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    return (flags & O_EXCL) == 0 ? -EOPNOTSUPP : 0;
}

static int make_nameless(struct walk *walk, struct om *om, const struct where *where, uint32_t mode)
{
    struct fs_template template = {.mode = S_IFREG | (mode & ~(uint32_t)S_IFMT)};
    int status = walk_path(walk, om, where, WALK_FOLLOW);

    if (status == 0 && walk->node->type != S_IFDIR)
        status = -ENOTDIR;
    if (status != 0)
        return status;
    node_drop(walk->directory);
    walk->directory = walk->node;
    walk->node = NULL;
    return change_make_nameless(om, walk, &template, &walk->node);
}

static enum key_use use_of(const struct node *node, uint32_t flags)
{
    if (node->type != S_IFREG || (flags & (O_PATH | OM_OPEN_AS_MEMORY)) != 0)
        return KEY_LOOKS;
    if ((flags & OM_OPEN_TO_RUN) != 0)
        return KEY_RUNS;
    return (wanted_access(flags) & MAY_WRITE) != 0 ? KEY_WRITES : KEY_LOOKS;
}

/* The key takes over the walk's hold of the node. Nothing is emptied before it is sure that nobody
 * runs it. */
static int open_end(struct om *om, struct walk *walk, uint32_t flags, bool is_old,
                    struct opened *opened)
{
    struct node *node = walk->node;

    ASSERT(node != NULL);
    bool is_data = node->type == S_IFREG && (flags & O_PATH) == 0;
    int status;

    opened->segment = (KnCap){{0, 0}, 0};
    status = key_create(&om->keys, node, use_of(node, flags), &opened->key);
    if (status != 0)
        return status;
    walk->node = NULL;
    if (is_data && is_old && (flags & O_TRUNC) != 0)
        status = truncate(&walk->where->caller, node);
    if (status == 0 && is_data)
        status = node->fs->operations->segment(node, (wanted_access(flags) & MAY_WRITE) != 0,
                                               &opened->segment);
    if (status == 0)
        status = node->fs->operations->attributes(node, &opened->attr);
    if (status != 0)
        (void)key_close(&om->keys, opened->key);
    return status;
}

int path_open(struct om *om, const struct where *where, uint32_t flags, uint32_t mode,
              struct opened *opened, struct remote *remote)
{
    struct walk walk;
    uint32_t tries = 0;
    bool is_old = false;
    int status;

    if ((flags & O_PATH) != 0)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if ((flags & O_NAMELESS) != 0) {
        status = check_nameless(flags);
        if (status != 0)
            return status;
        status = make_nameless(&walk, om, where, mode);
        if (status == 0)
            status = open_end(om, &walk, flags, is_old, opened);
        return walk_finish(&walk, status, remote);
    }
    status = find_or_make(&walk, om, where, flags, mode, &is_old);
    while (status == -EEXIST && (flags & O_EXCL) == 0 && ++tries < TRIES) {
        walk_end(&walk);
        status = find_or_make(&walk, om, where, flags, mode, &is_old);
    }
    if (status == 0)
        status = open_end(om, &walk, flags, is_old, opened);
    return walk_finish(&walk, status, remote);
}
