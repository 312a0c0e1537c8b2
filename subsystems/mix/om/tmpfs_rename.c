/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming in a tmpfs: all is checked and allocated first, then nothing can fail.
 */
#include "kit/assert.h"
#include "mix/errno.h"
#include "subsystems/mix/om/tmpfs.h"

struct rename {
    struct tmpfs_node *from_directory, *to_directory;
    struct tmpfs_entry *from;
    struct tmpfs_entry *to; /* NULL: the new name is free */
};

/* Whether `node` is `directory` or above it. */
static bool is_above(const struct tmpfs_node *node, const struct tmpfs_node *directory)
{
    while (directory != node && directory->directory.parent != directory)
        directory = directory->directory.parent;
    return directory == node;
}

static bool is_directory(const struct tmpfs_entry *entry)
{
    return entry->node->node.type == S_IFDIR;
}

/* What the flags want of the new name. */
static int check_flags(const struct rename *rename, uint32_t flags)
{
    if (rename->from == NULL)
        return -ENOENT;
    if ((flags & RENAME_NOREPLACE) != 0 && rename->to != NULL)
        return -EEXIST;
    return (flags & RENAME_EXCHANGE) != 0 && rename->to == NULL ? -ENOENT : 0;
}

/* A directory may not come to stand below itself. */
static int check_places(const struct rename *rename, uint32_t flags)
{
    if (rename->to_directory->directory.is_removed)
        return -ENOENT;
    if (is_directory(rename->from) && is_above(rename->from->node, rename->to_directory))
        return -EINVAL;
    if (rename->to != NULL && is_directory(rename->to) &&
        is_above(rename->to->node, rename->from_directory))
        return (flags & RENAME_EXCHANGE) != 0 ? -EINVAL : -ENOTEMPTY;
    return 0;
}

/* Whether what has the new name may give way. */
static int check_target(const struct rename *rename, uint32_t flags)
{
    if (rename->to == NULL || (flags & RENAME_EXCHANGE) != 0)
        return 0;
    if (is_directory(rename->from) && !is_directory(rename->to))
        return -ENOTDIR;
    if (!is_directory(rename->from) && is_directory(rename->to))
        return -EISDIR;
    return is_directory(rename->to) && rename->to->node->directory.count > 0 ? -ENOTEMPTY : 0;
}

static void commit_exchange(const struct rename *rename)
{
    struct tmpfs_node *a = rename->from->node;
    struct tmpfs_node *b = rename->to->node;

    /* Out and in again under the other's name, so that links, parents and times follow. */
    tmpfs_entry_remove(rename->from_directory, rename->from);
    tmpfs_entry_remove(rename->to_directory, rename->to);
    tmpfs_entry_insert(rename->from_directory, rename->from, b);
    tmpfs_entry_insert(rename->to_directory, rename->to, a);
    tmpfs_node_changed(a);
    tmpfs_node_changed(b);
}

static void commit_replace(const struct rename *rename, struct tmpfs_entry *new)
{
    struct tmpfs *tmpfs = tmpfs_of(&rename->from_directory->node);
    struct tmpfs_node *node = rename->from->node;
    struct tmpfs_node *old = rename->to == NULL ? NULL : rename->to->node;

    tmpfs_entry_remove(rename->from_directory, rename->from);
    tmpfs_entry_free(tmpfs, rename->from);
    if (old != NULL) {
        tmpfs_entry_remove(rename->to_directory, rename->to);
        tmpfs_entry_free(tmpfs, rename->to);
        if (old->node.type == S_IFDIR)
            tmpfs_directory_orphan(old);
        else
            old->links--;
        tmpfs_node_changed(old);
    }
    tmpfs_entry_insert(rename->to_directory, new, node);
    tmpfs_node_changed(node);
    if (old != NULL)
        tmpfs_node_check(old);
}

static int rename_locked(struct rename *rename, struct name from, struct name to, uint32_t flags)
{
    int status;

    rename->from = tmpfs_find(rename->from_directory, from);
    rename->to = tmpfs_find(rename->to_directory, to);
    status = check_flags(rename, flags);
    if (status != 0)
        return status;
    status = check_places(rename, flags);
    if (status != 0)
        return status;
    if (rename->to != NULL && rename->from->node == rename->to->node)
        return 0; /* two names of one file: both stay */
    status = check_target(rename, flags);
    if (status != 0)
        return status;
    if ((flags & RENAME_EXCHANGE) != 0) {
        commit_exchange(rename);
        return 0;
    }
    struct tmpfs_entry *new = tmpfs_entry_create(tmpfs_of(&rename->from_directory->node), to);

    if (new == NULL)
        return -ENOSPC;
    commit_replace(rename, new);
    return 0;
}

int tmpfs_rename(struct node *from_directory, struct name from, struct node *to_directory,
                 struct name to, uint32_t flags)
{
    struct rename rename = {.from_directory = tmpfs_node_of(from_directory),
                            .to_directory = tmpfs_node_of(to_directory)};
    int status;

    ASSERT(from_directory->fs == to_directory->fs);
    ASSERT((flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)) == 0);
    lock_take(&from_directory->fs->lock);
    status = rename_locked(&rename, from, to, flags);
    lock_give(&from_directory->fs->lock);
    return status;
}
