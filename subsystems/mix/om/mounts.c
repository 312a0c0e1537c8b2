/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/mounts.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"

void mounts_init(struct mounts *mounts)
{
    memset(mounts, 0, sizeof(*mounts));
}

static bool is_name(const struct mount *mount, struct name name)
{
    return strlen(mount->name) == name.bytes && memcmp(mount->name, name.text, name.bytes) == 0;
}

static struct mount *find(struct mounts *mounts, const struct node *directory, struct name name)
{
    for (uint32_t i = 0; i < MOUNT_LIMIT; i++) {
        struct mount *mount = &mounts->mount[i];

        if (mount->number != 0 && mount->directory == directory && is_name(mount, name))
            return mount;
    }
    return NULL;
}

static struct mount *find_free(struct mounts *mounts)
{
    for (uint32_t i = 0; i < MOUNT_LIMIT; i++) {
        if (mounts->mount[i].number == 0)
            return &mounts->mount[i];
    }
    return NULL;
}

static int add(struct mounts *mounts, const struct mount_wish *wish, uint32_t *number)
{
    struct mount *mount = find_free(mounts);

    if (find(mounts, wish->directory, wish->name) != NULL)
        return -EBUSY;
    if (mount == NULL)
        return -ENOMEM;
    *mount = (struct mount){.number = ++mounts->last_number,
                            .fs = wish->fs,
                            .directory = wish->directory};
    strlcpy(mount->source, wish->source, sizeof(mount->source));
    strlcpy(mount->type, wish->type, sizeof(mount->type));
    if (wish->directory != NULL) {
        memcpy(mount->name, wish->name.text, wish->name.bytes);
        node_hold(wish->directory);
        __atomic_add_fetch(&wish->directory->mounts, 1, __ATOMIC_RELEASE);
    }
    if (wish->fs != NULL)
        wish->fs->mount = mount;
    *number = mount->number;
    return 0;
}

int mount_add(struct mounts *mounts, const struct mount_wish *wish, uint32_t *number)
{
    int status;

    ASSERT(wish->name.bytes <= NAME_MAX && (wish->directory == NULL) == (wish->name.bytes == 0));
    ASSERT(wish->fs == NULL || wish->fs->mount == NULL);
    lock_take(&mounts->lock);
    status = add(mounts, wish, number);
    lock_give(&mounts->lock);
    return status;
}

/* Everybody waits meanwhile, since nobody may enter a file system that ends. */
int mount_remove(struct mounts *mounts, uint32_t number)
{
    struct mount *mount = NULL;
    int status = -EINVAL;

    lock_take(&mounts->lock);
    for (uint32_t i = 0; i < MOUNT_LIMIT && mount == NULL; i++) {
        if (number != 0 && mounts->mount[i].number == number)
            mount = &mounts->mount[i];
    }
    if (mount != NULL) {
        if (mount->directory == NULL)
            status = -EBUSY;
        else
            status = mount->fs == NULL ? 0 : mount->fs->operations->unmount(mount->fs);
    }
    if (status == 0) {
        __atomic_sub_fetch(&mount->directory->mounts, 1, __ATOMIC_RELEASE);
        node_drop(mount->directory);
        mount->number = 0;
        mount->directory = NULL;
    }
    lock_give(&mounts->lock);
    return status;
}

bool mount_find(struct mounts *mounts, struct node *directory, struct name name, struct node **root,
                uint32_t *number)
{
    struct mount *mount;

    if (__atomic_load_n(&directory->mounts, __ATOMIC_ACQUIRE) == 0)
        return false;
    lock_take(&mounts->lock);
    mount = find(mounts, directory, name);
    if (mount != NULL) {
        *root = mount->fs == NULL ? NULL : mount->fs->root;
        *number = mount->number;
        if (*root != NULL)
            node_hold(*root);
    }
    lock_give(&mounts->lock);
    return mount != NULL;
}

bool mount_covers(struct mounts *mounts, struct node *directory, struct name name)
{
    bool covers;

    if (__atomic_load_n(&directory->mounts, __ATOMIC_ACQUIRE) == 0)
        return false;
    lock_take(&mounts->lock);
    covers = find(mounts, directory, name) != NULL;
    lock_give(&mounts->lock);
    return covers;
}

bool mount_place(struct mounts *mounts, struct fs *fs, struct node **directory,
                 char name[NAME_MAX + 1])
{
    bool is_root;

    lock_take(&mounts->lock);
    is_root = fs->mount == NULL || fs->mount->directory == NULL;
    if (!is_root) {
        *directory = fs->mount->directory;
        node_hold(*directory);
        strlcpy(name, fs->mount->name, NAME_MAX + 1);
    }
    lock_give(&mounts->lock);
    return !is_root;
}

bool mount_next(struct mounts *mounts, uint32_t *index, struct mount *copy)
{
    bool found = false;

    lock_take(&mounts->lock);
    for (; *index < MOUNT_LIMIT && !found; ++*index) {
        const struct mount *mount = &mounts->mount[*index];

        if (mount->number == 0)
            continue;
        *copy = *mount;
        if (copy->directory != NULL)
            node_hold(copy->directory);
        found = true;
    }
    lock_give(&mounts->lock);
    return found;
}

struct node *mount_next_root(struct mounts *mounts, uint32_t *index)
{
    struct node *root = NULL;

    lock_take(&mounts->lock);
    for (; *index < MOUNT_LIMIT && root == NULL; ++*index) {
        const struct mount *mount = &mounts->mount[*index];

        if (mount->number != 0 && mount->fs != NULL)
            root = mount->fs->root;
    }
    if (root != NULL)
        node_hold(root);
    lock_give(&mounts->lock);
    return root;
}
