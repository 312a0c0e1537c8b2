/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names. What was allowed is what happens: the file system's change_lock is
 * held from the check to the commit.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

#define NAMELESS_BYTES 24 /* of a name that nobody sees, and its NUL */
#define NAMELESS_TRIES 16u

/* ---- Making ---------------------------------------------------------------------------------- */

/* The owner of what the caller makes in a directory; a set-group-id directory passes its group
 * on. */
static void template_own(struct fs_template *template, const struct caller *caller,
                         const struct fs_owner *above)
{
    template->uid = caller->uid;
    template->gid = caller->gid;
    if ((above->mode & S_ISGID) == 0)
        return;
    template->gid = above->gid;
    if ((template->mode & S_IFMT) == S_IFDIR)
        template->mode |= S_ISGID;
    else if ((template->mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && caller->uid != 0 &&
             !caller_in_group(caller, above->gid))
        template->mode &= ~(uint32_t)S_ISGID;
}

/* Why the name may not be made, as far as the caller is concerned. */
static int check_make(const struct walk *walk, struct fs_owner *above)
{
    struct node *directory = walk->directory;

    directory->fs->operations->owner(directory, above);
    if (directory->fs->is_read_only)
        return -EROFS;
    if (above->links == 0)
        return -ENOENT;
    return permission_check(&walk->where->caller, above, MAY_WRITE | MAY_EXECUTE);
}

/* A name that is taken is reported before a permission that is missing. */
static int refuse_make(struct om *om, const struct walk *walk, int status)
{
    struct node *there;

    if (mount_covers(&om->mounts, walk->directory, walk->last))
        return -EEXIST;
    if (node_lookup(walk->directory, walk->last, &there) != 0)
        return status;
    node_drop(there);
    return -EEXIST;
}

int change_make(struct om *om, const struct walk *walk, const struct fs_template *template,
                struct node **made)
{
    struct node *directory = walk->directory;
    struct fs_template own = *template;
    struct fs_owner above;
    int status;

    ASSERT(walk->kind == WALK_NAME);
    if (mount_covers(&om->mounts, directory, walk->last))
        return -EEXIST;
    fs_change_begin(directory->fs);
    status = check_make(walk, &above);
    if (status == 0) {
        template_own(&own, &walk->where->caller, &above);
        status = directory->fs->operations->create(directory, walk->last, &own, made);
    } else {
        status = refuse_make(om, walk, status);
    }
    fs_change_end(directory->fs);
    return status;
}

/* It has a name for as long as nobody can see it: the change is one. */
int change_make_nameless(struct om *om, const struct walk *walk, const struct fs_template *template,
                         struct node **made)
{
    struct node *directory = walk->directory;
    struct fs_template own = *template;
    struct fs_owner above;
    char text[NAMELESS_BYTES];
    struct name name = {text, 0};
    int status;

    ASSERT(directory->type == S_IFDIR);
    fs_change_begin(directory->fs);
    status = check_make(walk, &above);
    if (status == 0) {
        template_own(&own, &walk->where->caller, &above);
        status = -EEXIST;
    }
    for (uint32_t tries = 0; status == -EEXIST && tries < NAMELESS_TRIES; tries++) {
        uint64_t number = __atomic_add_fetch(&om->last_nameless, 1, __ATOMIC_RELAXED);

        name.bytes = (uint32_t)format(text, sizeof(text), "#%lu", (unsigned long)number);
        status = directory->fs->operations->create(directory, name, &own, made);
    }
    if (status == 0) {
        status = directory->fs->operations->unlink(directory, name, false);
        if (status != 0)
            node_drop(*made);
        if (status != 0)
            *made = NULL;
    }
    fs_change_end(directory->fs);
    return status;
}

/* For mknod, mkdir, symlink and link: the name must be new. */
static int walk_to_new(struct walk *walk, struct om *om, const struct where *where,
                       bool is_directory)
{
    int status = walk_path(walk, om, where, WALK_PARENT);

    if (status != 0)
        return status;
    if (walk->kind != WALK_NAME)
        return walk->kind == WALK_EMPTY ? -ENOENT : -EEXIST;
    if (walk->last.bytes > NAME_MAX)
        return -ENAMETOOLONG;
    if (walk->has_slash && !is_directory)
        return refuse_make(om, walk, -ENOENT);
    return 0;
}

static int make(struct om *om, const struct where *where, const struct fs_template *template,
                struct remote *remote)
{
    struct node *made = NULL;
    struct walk walk;
    int status = walk_to_new(&walk, om, where, (template->mode & S_IFMT) == S_IFDIR);

    if (status == 0)
        status = change_make(om, &walk, template, &made);
    node_drop(made);
    return walk_finish(&walk, status, remote);
}

int path_mknod(struct om *om, const struct where *where, uint32_t mode, uint64_t rdev,
               struct remote *remote)
{
    struct fs_template template = {.mode = mode, .rdev = rdev};

    switch (mode & S_IFMT) {
    case 0:
        template.mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFCHR:
    case S_IFBLK:
        if (where->caller.uid != 0)
            return -EPERM;
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return make(om, where, &template, remote);
}

int path_mkdir(struct om *om, const struct where *where, uint32_t mode, struct remote *remote)
{
    struct fs_template template = {.mode = S_IFDIR | (mode & (S_ISVTX | 0777))};

    return make(om, where, &template, remote);
}

int path_symlink(struct om *om, const struct where *where, struct name target,
                 struct remote *remote)
{
    struct fs_template template = {.mode = S_IFLNK | 0777, .target = target};

    if (target.bytes == 0)
        return -ENOENT;
    if (target.bytes >= PATH_MAX)
        return -ENAMETOOLONG;
    return make(om, where, &template, remote);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static int link_node(struct om *om, const struct walk *walk, struct node *node)
{
    struct node *directory = walk->directory;
    struct fs_owner above;
    int status;

    if (mount_covers(&om->mounts, directory, walk->last))
        return -EEXIST;
    fs_change_begin(directory->fs);
    status = directory->fs != node->fs ? -EXDEV : 0;
    if (status == 0)
        status = check_make(walk, &above);
    if (status != 0)
        status = refuse_make(om, walk, status);
    else
        status = directory->fs->operations->link(directory, walk->last, node);
    fs_change_end(directory->fs);
    return status;
}

int path_link(struct om *om, const struct where *old, const struct where *where, uint32_t flags,
              struct remote *remote)
{
    struct walk from, to;
    int status = walk_path(&from, om, old, (flags & OM_FOLLOW) != 0 ? WALK_FOLLOW : 0);

    if (status != 0)
        return walk_finish(&from, status, remote);
    status = walk_to_new(&to, om, where, false);
    if (status == 0)
        status = link_node(om, &to, from.node);
    status = walk_finish(&to, status, remote);
    walk_end(&from);
    return status;
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* What ends in dots or slashes cannot be removed. */
static int refuse_kind(enum walk_last kind, bool is_directory)
{
    switch (kind) {
    case WALK_DOT:
        return is_directory ? -EINVAL : -EISDIR;
    case WALK_DOTDOT:
        return is_directory ? -ENOTEMPTY : -EISDIR;
    case WALK_ROOT:
        return is_directory ? -EBUSY : -EISDIR;
    default:
        return -ENOENT;
    }
}

static int unlink_checked(const struct walk *walk, bool is_directory)
{
    struct node *directory = walk->directory;
    struct node *victim;
    int status = node_lookup(directory, walk->last, &victim);

    if (status != 0)
        return status;
    if (walk->has_slash && !is_directory)
        status = victim->type == S_IFDIR ? -EISDIR : -ENOTDIR;
    else if (directory->fs->is_read_only)
        status = -EROFS;
    else
        status = permission_check_remove(&walk->where->caller, directory, victim);
    if (status == 0)
        status = directory->fs->operations->unlink(directory, walk->last, is_directory);
    node_drop(victim);
    return status;
}

int path_unlink(struct om *om, const struct where *where, bool is_directory, struct remote *remote)
{
    struct walk walk;
    int status = walk_path(&walk, om, where, WALK_PARENT);

    if (status == 0 && walk.kind != WALK_NAME)
        status = refuse_kind(walk.kind, is_directory);
    else if (status == 0 && mount_covers(&om->mounts, walk.directory, walk.last))
        status = is_directory ? -EBUSY : -EISDIR;
    else if (status == 0) {
        struct fs *fs = walk.directory->fs;

        fs_change_begin(fs);
        status = unlink_checked(&walk, is_directory);
        fs_change_end(fs);
    }
    return walk_finish(&walk, status, remote);
}
