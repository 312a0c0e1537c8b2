/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming: the checks that are the caller's, in the order in which Linux makes them. What a file
 * system must not allow (circles, directories that are not empty) it refuses itself.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

struct pair {
    const struct walk *from, *to;
    struct node *old;
    struct node *new; /* NULL: the new name is free */
};

static int find_both(struct pair *pair)
{
    struct node *to = pair->to->directory;
    struct fs_owner owner;
    int status = node_lookup(pair->from->directory, pair->from->last, &pair->old);

    if (status != 0)
        return status;
    to->fs->operations->owner(to, &owner);
    if (owner.links == 0)
        return -ENOENT;
    status = node_lookup(to, pair->to->last, &pair->new);
    return status == -ENOENT ? 0 : status;
}

static int check_slashes(const struct pair *pair, uint32_t flags)
{
    bool exchange = (flags & RENAME_EXCHANGE) != 0;

    if (pair->old->type != S_IFDIR && (pair->from->has_slash || (!exchange && pair->to->has_slash)))
        return -ENOTDIR;
    if (exchange && pair->new != NULL && pair->new->type != S_IFDIR && pair->to->has_slash)
        return -ENOTDIR;
    return 0;
}

/* Whether `node` is `directory` or above it in its file system. */
static int is_above(struct node *node, struct node *directory)
{
    struct node *at = directory;
    struct node *parent;
    int status = 0;

    node_hold(at);
    while (status == 0 && at != node && at != at->fs->root) {
        status = at->fs->operations->parent(at, &parent);
        if (status == 0) {
            node_drop(at);
            at = parent;
        }
    }
    if (status == 0)
        status = at == node ? 1 : 0;
    node_drop(at);
    return status;
}

/* A directory may not come to stand below itself. */
static int check_circle(const struct pair *pair, uint32_t flags)
{
    int above = 0;

    if (pair->from->directory == pair->to->directory)
        return 0;
    if (pair->old->type == S_IFDIR) {
        above = is_above(pair->old, pair->to->directory);
        if (above != 0)
            return above < 0 ? above : -EINVAL;
    }
    if (pair->new != NULL && pair->new->type == S_IFDIR)
        above = is_above(pair->new, pair->from->directory);
    if (above <= 0)
        return above;
    return (flags & RENAME_EXCHANGE) != 0 ? -EINVAL : -ENOTEMPTY;
}

/* A directory that gets another parent is changed itself: its "..". */
static int check_move(const struct caller *caller, const struct pair *pair, struct node *moved)
{
    if (moved == NULL || moved->type != S_IFDIR || pair->from->directory == pair->to->directory)
        return 0;
    return permission_check_node(caller, moved, MAY_WRITE);
}

static int check_kinds(const struct pair *pair, uint32_t flags)
{
    bool is_directory = pair->old->type == S_IFDIR;

    if (pair->new == NULL || (flags & RENAME_EXCHANGE) != 0 ||
        is_directory == (pair->new->type == S_IFDIR))
        return 0;
    return is_directory ? -ENOTDIR : -EISDIR;
}

static int check_permissions(const struct pair *pair, uint32_t flags)
{
    const struct caller *caller = &pair->from->where->caller;
    int status = permission_check_remove(caller, pair->from->directory, pair->old);

    if (status == 0 && pair->new != NULL)
        status = permission_check_remove(caller, pair->to->directory, pair->new);
    else if (status == 0)
        status = permission_check_node(caller, pair->to->directory, MAY_WRITE | MAY_EXECUTE);
    if (status == 0)
        status = check_kinds(pair, flags);
    if (status == 0)
        status = check_move(caller, pair, pair->old);
    if (status == 0 && (flags & RENAME_EXCHANGE) != 0)
        status = check_move(caller, pair, pair->new);
    return status;
}

static int rename_checked(struct pair *pair, uint32_t flags)
{
    struct node *from = pair->from->directory;
    struct node *to = pair->to->directory;
    int status = find_both(pair);

    if (status == 0 && (flags & RENAME_NOREPLACE) != 0 && pair->new != NULL)
        status = -EEXIST;
    if (status == 0 && (flags & RENAME_EXCHANGE) != 0 && pair->new == NULL)
        status = -ENOENT;
    if (status == 0)
        status = check_slashes(pair, flags);
    if (status == 0)
        status = check_circle(pair, flags);
    if (status == 0 && from->fs->is_read_only)
        status = -EROFS;
    if (status == 0 && pair->old != pair->new)
        status = check_permissions(pair, flags);
    if (status == 0)
        status = from->fs->operations->rename(from, pair->from->last, to, pair->to->last, flags);
    node_drop(pair->old);
    node_drop(pair->new);
    return status;
}

static int rename_names(struct om *om, const struct walk *from, const struct walk *to,
                        uint32_t flags)
{
    struct pair pair = {.from = from, .to = to};
    struct fs *fs = from->directory->fs;
    int status;

    if (fs != to->directory->fs)
        return -EXDEV;
    if (mount_covers(&om->mounts, from->directory, from->last) ||
        mount_covers(&om->mounts, to->directory, to->last))
        return -EBUSY;
    fs_change_begin(fs);
    status = rename_checked(&pair, flags);
    fs_change_end(fs);
    return status;
}

int path_rename(struct om *om, const struct where *old, const struct where *where, uint32_t flags,
                struct remote *remote)
{
    struct walk from, to;
    int status;

    if ((flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    status = walk_path(&from, om, old, WALK_PARENT);
    if (status != 0)
        return walk_finish(&from, status, remote);
    status = walk_path(&to, om, where, WALK_PARENT);
    if (status == 0 && (from.kind == WALK_EMPTY || to.kind == WALK_EMPTY))
        status = -ENOENT;
    else if (status == 0 && from.kind == WALK_NAME && to.kind == WALK_NAME)
        status = rename_names(om, &from, &to, flags);
    else if (status == 0)
        status = (flags & RENAME_NOREPLACE) != 0 && from.kind == WALK_NAME ? -EEXIST : -EBUSY;
    status = walk_finish(&to, status, remote);
    walk_end(&from);
    return status;
}
