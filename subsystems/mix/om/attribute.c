/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of nodes: asking, checking and setting them.
 */
#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

#define SET_ALL                                                                          \
    (OM_SET_MODE | OM_SET_UID | OM_SET_GID | OM_SET_ATIME | OM_SET_MTIME | OM_SET_SIZE | \
     OM_DROP_SET_IDS)
#define SECOND_NS 1000000000u
#define ST_RDONLY 1u /* statfs' flags, as Linux has them */
#define ST_RELATIME 4096u

int walk_finish(struct walk *walk, int status, struct remote *remote)
{
    if (status == -EREMOTE) {
        int cut = walk_rest(walk, remote->rest, remote->rest_room);

        remote->mount = walk->mount;
        if (cut != 0)
            status = cut;
    }
    walk_end(walk);
    return status;
}

static int find(struct walk *walk, struct om *om, const struct where *where, uint32_t flags)
{
    int status = walk_path(walk, om, where, (flags & OM_FOLLOW) != 0 ? WALK_FOLLOW : 0);

    if (status == 0 && (flags & OM_MUST_DIRECTORY) != 0 && walk->node->type != S_IFDIR)
        status = -ENOTDIR;
    return status;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

int path_stat(struct om *om, const struct where *where, uint32_t flags, struct om_attr *attr,
              struct remote *remote)
{
    struct walk walk;
    int status = find(&walk, om, where, flags);

    if (status == 0)
        status = walk.node->fs->operations->attributes(walk.node, attr);
    return walk_finish(&walk, status, remote);
}

static bool is_data(const struct node *node)
{
    return node->type == S_IFREG || node->type == S_IFDIR || node->type == S_IFLNK;
}

int path_access(struct om *om, const struct where *where, uint32_t flags, uint32_t wanted,
                struct remote *remote)
{
    struct walk walk;
    int status;

    if ((wanted & ~(MAY_READ | MAY_WRITE | MAY_EXECUTE)) != 0)
        return -EINVAL;
    status = find(&walk, om, where, flags);
    if (status == 0 && (wanted & MAY_WRITE) != 0 && walk.node->fs->is_read_only &&
        is_data(walk.node))
        status = -EROFS;
    if (status == 0)
        status = permission_check_node(&where->caller, walk.node, wanted);
    return walk_finish(&walk, status, remote);
}

int path_readlink(struct om *om, const struct where *where, char *target, uint32_t room,
                  struct remote *remote)
{
    uint32_t bytes = 0;
    struct walk walk;
    int status = walk_path(&walk, om, where, 0);

    if (status == 0 && walk.node->type != S_IFLNK)
        status = walk.kind == WALK_EMPTY ? -ENOENT : -EINVAL;
    if (status == 0)
        status = walk.node->fs->operations->readlink(walk.node, target, room - 1, &bytes);
    if (status == 0 && bytes >= room)
        status = -ENAMETOOLONG;
    if (status == 0)
        target[bytes] = '\0';
    return walk_finish(&walk, status, remote);
}

int path_statfs(struct om *om, const struct where *where, struct om_volume *volume,
                struct remote *remote)
{
    struct walk walk;
    int status = walk_path(&walk, om, where, WALK_FOLLOW);

    if (status == 0)
        status = walk.node->fs->operations->statistics(walk.node->fs, volume);
    if (status == 0)
        volume->flags = ST_RELATIME | (walk.node->fs->is_read_only ? ST_RDONLY : 0);
    return walk_finish(&walk, status, remote);
}

/* ---- Setting --------------------------------------------------------------------------------- */

/* Where a time is to be the present one its nanoseconds are UTIME_NOW. */
static int resolve_time(struct om_time *time, struct om_time now)
{
    if (time->nanoseconds == UTIME_NOW)
        *time = now;
    return time->nanoseconds < SECOND_NS ? 0 : -EINVAL;
}

static int check_mode(const struct caller *caller, const struct node *node,
                      const struct fs_owner *owner, struct fs_change *change)
{
    uint32_t gid = (change->set & OM_SET_GID) != 0 ? change->gid : owner->gid;

    if (node->type == S_IFLNK)
        return -EOPNOTSUPP;
    change->mode &= ~(uint32_t)S_IFMT;
    if (caller->uid != 0 && !caller_in_group(caller, gid))
        change->mode &= ~(uint32_t)S_ISGID;
    return permission_check_owner(caller, owner);
}

/* Only user 0 gives files away; an owner may choose among his own groups. */
static int check_owner(const struct caller *caller, const struct fs_owner *owner,
                       const struct fs_change *change)
{
    if (caller->uid == 0)
        return 0;
    if (caller->uid != owner->uid || ((change->set & OM_SET_UID) != 0 && change->uid != owner->uid))
        return -EPERM;
    return (change->set & OM_SET_GID) == 0 || change->gid == owner->gid ||
                   caller_in_group(caller, change->gid)
               ? 0
               : -EPERM;
}

/* A file that changes hands, or content, no longer lends its owner's rights. */
void change_drop_set_ids(const struct caller *caller, const struct node *node,
                         const struct fs_owner *owner, struct fs_change *change)
{
    bool in_group = caller->uid == 0 || caller_in_group(caller, owner->gid);
    uint32_t mode =
        (change->set & OM_SET_MODE) != 0 ? change->mode : owner->mode & ~(uint32_t)S_IFMT;

    if (node->type == S_IFDIR || node->type == S_IFLNK || (mode & (S_ISUID | S_ISGID)) == 0)
        return;
    mode &= ~(uint32_t)S_ISUID;
    if ((mode & 0010) != 0 || !in_group)
        mode &= ~(uint32_t)S_ISGID;
    change->mode = mode;
    change->set |= OM_SET_MODE;
}

/* Setting both times to the present is what a write does, so who may write may. */
static int check_times(const struct caller *caller, const struct fs_owner *owner, bool is_touch)
{
    if (permission_check_owner(caller, owner) == 0)
        return 0;
    return is_touch ? permission_check(caller, owner, MAY_WRITE) : -EPERM;
}

static int check_size(const struct caller *caller, const struct node *node,
                      const struct fs_owner *owner, bool is_open)
{
    if (node->type == S_IFDIR)
        return -EISDIR;
    if (node->type != S_IFREG)
        return -EINVAL;
    return is_open ? 0 : permission_check(caller, owner, MAY_WRITE);
}

static bool is_touch(const struct fs_change *change)
{
    return (change->set & OM_SET_ATIME) != 0 && (change->set & OM_SET_MTIME) != 0 &&
           change->atime.nanoseconds == UTIME_NOW && change->mtime.nanoseconds == UTIME_NOW;
}

/* Checks everything that is wanted; `change` becomes what is to be done. */
static int check_change(const struct caller *caller, struct node *node, bool is_open,
                        struct fs_change *change)
{
    struct om_time now = time_now();
    bool touch = is_touch(change);
    struct fs_owner owner;
    int status = 0;

    if (node->fs->is_read_only)
        return -EROFS;
    node->fs->operations->owner(node, &owner);
    if ((change->set & OM_SET_MODE) != 0)
        status = check_mode(caller, node, &owner, change);
    if (status == 0 && (change->set & (OM_SET_UID | OM_SET_GID)) != 0) {
        status = check_owner(caller, &owner, change);
        change_drop_set_ids(caller, node, &owner, change);
    }
    if (status == 0 && (change->set & (OM_SET_ATIME | OM_SET_MTIME)) != 0)
        status = check_times(caller, &owner, touch);
    if (status == 0 && (change->set & OM_SET_ATIME) != 0)
        status = resolve_time(&change->atime, now);
    if (status == 0 && (change->set & OM_SET_MTIME) != 0)
        status = resolve_time(&change->mtime, now);
    if (status == 0 && (change->set & OM_DROP_SET_IDS) != 0) {
        change->set &= ~(uint32_t)OM_DROP_SET_IDS;
        change_drop_set_ids(caller, node, &owner, change);
    }
    if (status == 0 && (change->set & OM_SET_SIZE) != 0) {
        status = check_size(caller, node, &owner, is_open);
        if (caller->uid != 0)
            change_drop_set_ids(caller, node, &owner, change);
    }
    return status;
}

int path_setattr(struct om *om, const struct where *where, uint32_t flags,
                 const struct fs_change *wanted, struct remote *remote)
{
    struct fs_change change = *wanted;
    struct walk walk;
    int status;

    if ((change.set & ~SET_ALL) != 0 ||
        ((change.set & OM_DROP_SET_IDS) != 0 && where->path.bytes > 0))
        return -EINVAL;
    status = find(&walk, om, where, flags);
    if (status == 0) {
        struct node *node = walk.node;

        fs_change_begin(node->fs);
        status = check_change(&where->caller, node, walk.kind == WALK_EMPTY, &change);
        if (status == 0 && (change.set & OM_SET_SIZE) != 0 && walk.kind != WALK_EMPTY)
            status = key_check_change(&om->keys, node);
        if (status == 0 && change.set != 0)
            status = node->fs->operations->change(node, &change);
        fs_change_end(node->fs);
    }
    return walk_finish(&walk, status, remote);
}
