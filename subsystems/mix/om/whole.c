/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole file systems: mounting, unmounting, the list of mounts, sync.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/devfs.h"
#include "subsystems/mix/om/ext2_fs.h"
#include "subsystems/mix/om/operations.h"
#include "subsystems/mix/om/tmpfs.h"

#define MS_RDONLY 1u /* of mount's flags, as Linux has them */
#define DEVICE_MINOR_FIRST 16u
#define DISK_PREFIX "/dev/vd"

uint64_t om_device_next(struct om *om)
{
    return DEVICE_MINOR_FIRST + __atomic_fetch_add(&om->last_device, 1, __ATOMIC_RELAXED);
}

/* ---- Mounting -------------------------------------------------------------------------------- */

static int create_tmpfs(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    (void)flags;
    wish->fs = tmpfs_create(&om->heap, om_device_next(om), 01777);
    return wish->fs == NULL ? -ENOMEM : 0;
}

static int create_dev(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    (void)flags;
    wish->fs = devfs_create(om);
    return wish->fs == NULL ? -ENOMEM : 0;
}

/* Where STM's terminals will be. */
static int create_pts(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    (void)flags;
    wish->fs = tmpfs_create(&om->heap, om_device_next(om), 0755);
    return wish->fs == NULL ? -ENOMEM : 0;
}

/* Disks are called as Linux calls them: /dev/vda is the first one. */
static int create_ext2(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    const char *letter = wish->source + sizeof(DISK_PREFIX) - 1;

    if (strncmp(wish->source, DISK_PREFIX, sizeof(DISK_PREFIX) - 1) != 0 || *letter < 'a' ||
        *letter > 'z' || letter[1] != '\0')
        return -ENXIO;
    return ext2_fs_create(&om->heap, (uint32_t)(*letter - 'a'), keys_random(&om->keys),
                          (flags & MS_RDONLY) != 0, &wish->fs);
}

/* A mount of another server has no file system here; what it is called tells what it is. */
static int create_port(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    (void)om;
    (void)flags;
    wish->type = wish->source;
    return 0;
}

static const struct {
    const char *type;
    const char *shown; /* in the list of mounts */
    int (*create)(struct om *om, struct mount_wish *wish, uint32_t flags);
} types[] = {
    {"tmpfs", "tmpfs", create_tmpfs}, {"ext2", "ext2", create_ext2},
    {"dev", "devtmpfs", create_dev},  {"devtmpfs", "devtmpfs", create_dev},
    {"devpts", "devpts", create_pts}, {"port", "port", create_port},
};

int mount_fill(struct om *om, struct mount_wish *wish, uint32_t flags)
{
    int status = -ENODEV;

    wish->fs = NULL;
    for (uint32_t i = 0; i < ARRAY_SIZE(types) && status == -ENODEV; i++) {
        if (strcmp(wish->type, types[i].type) == 0) {
            wish->type = types[i].shown;
            status = types[i].create(om, wish, flags);
        }
    }
    if (status == 0 && wish->fs != NULL && (flags & MS_RDONLY) != 0)
        wish->fs->is_read_only = true;
    return status;
}

int mount_name(struct om *om, struct node *directory, struct name name, const char *source,
               const char *type, uint32_t flags, uint32_t *number)
{
    struct mount_wish wish = {.directory = directory, .name = name, .source = source, .type = type};
    int status = mount_fill(om, &wish, flags);

    if (status != 0)
        return status;
    status = mount_add(&om->mounts, &wish, number);
    if (status != 0 && wish.fs != NULL) {
        int ended = wish.fs->operations->unmount(wish.fs);

        ASSERT(ended == 0);
    }
    return status;
}

/* The name in its parent that a mount on this directory covers. */
static int mount_on(struct om *om, struct node *node, const char *source, const char *type,
                    uint32_t flags, uint32_t *number)
{
    char name[NAME_MAX + 1];
    struct node *parent;
    int status;

    if (node->type != S_IFDIR)
        return -ENOTDIR;
    if (node == node->fs->root)
        return -EBUSY; /* something is mounted there already */
    status = node->fs->operations->name(node, name, &parent);
    if (status != 0)
        return status;
    status = mount_name(om, parent, (struct name){name, (uint32_t)strlen(name)}, source, type,
                        flags, number);
    node_drop(parent);
    return status;
}

int path_mount(struct om *om, const struct where *where, const char *source, const char *type,
               uint32_t flags, uint32_t *number)
{
    struct walk walk;
    int status = walk_path(&walk, om, where, WALK_FOLLOW);

    if (status == -EREMOTE)
        status = -EBUSY;
    if (status == 0)
        status = mount_on(om, walk.node, source, type, flags, number);
    walk_end(&walk);
    return status;
}

/* Unmounting the root is the site's end: what is on disks is made safe, whatever is open. */
static int end_all(struct om *om)
{
    uint32_t index = 0;
    struct node *root;
    int status = 0;

    while ((root = mount_next_root(&om->mounts, &index)) != NULL) {
        int ended = root->fs->operations->end == NULL ? 0 : root->fs->operations->end(root->fs);

        status = status == 0 ? ended : status;
        node_drop(root);
    }
    return status;
}

int path_umount(struct om *om, const struct where *where)
{
    struct walk walk;
    int status = walk_path(&walk, om, where, WALK_FOLLOW);
    uint32_t number = 0;

    if (status == -EREMOTE) {
        status = walk_has_rest(&walk) ? -EINVAL : 0;
        number = walk.mount;
    } else if (status == 0) {
        struct fs *fs = walk.node->fs;

        if (walk.node == fs->root && fs->mount != NULL)
            number = fs->mount->number;
    }
    walk_end(&walk); /* its holds would keep the file system */
    if (status == 0 && number == om->root->fs->mount->number)
        return end_all(om);
    return status == 0 ? mount_remove(&om->mounts, number) : status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

struct mounts_text {
    char *text;
    uint32_t room;
    uint32_t used;
};

static void put(struct mounts_text *out, const char *text)
{
    out->used += (uint32_t)MIN(strlcpy(out->text + out->used, text, out->room - out->used),
                               (size_t)(out->room - out->used));
}

/* Blanks and the like in octal, so that a line can be taken apart. */
static void put_escaped(struct mounts_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        char octal[] = {'\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
                        (char)('0' + (byte & 7)), 0};
        char plain[] = {*text, 0};

        put(out, byte <= ' ' || byte == '\\' ? octal : plain);
    }
}

static int put_mount(struct om *om, const struct mount *mount, char path[PATH_MAX],
                     struct mounts_text *out)
{
    int status = 0;

    path[0] = '\0';
    if (mount->directory != NULL)
        status = walk_back(om, om->root, mount->directory, path, PATH_MAX);
    if (status != 0)
        return status;
    put_escaped(out, mount->source);
    put(out, " ");
    if (strcmp(path, "/") != 0)
        put_escaped(out, path);
    put(out, "/");
    put_escaped(out, mount->name);
    put(out, " ");
    put_escaped(out, mount->type);
    put(out, mount->fs != NULL && mount->fs->is_read_only ? " ro" : " rw");
    put(out, ",relatime 0 0\n");
    return 0;
}

int mounts_tell(struct om *om, char *text, uint32_t room, uint32_t *bytes)
{
    struct mounts_text out = {.room = room};
    char *path = heap_allocate(&om->heap, PATH_MAX);
    uint32_t index = 0;
    struct mount mount;
    int status = 0;

    if (path == NULL)
        return -ENOMEM;
    out.text = text;
    while (status == 0 && mount_next(&om->mounts, &index, &mount)) {
        status = put_mount(om, &mount, path, &out);
        node_drop(mount.directory);
        if (status == -ENOENT)
            status = 0; /* its directory was removed: no path leads there */
    }
    heap_free(&om->heap, path, PATH_MAX);
    *bytes = out.used;
    return status == 0 && out.used == out.room ? -EOVERFLOW : status;
}

int mounts_sync(struct om *om)
{
    uint32_t index = 0;
    struct node *root;
    int status = 0;

    while ((root = mount_next_root(&om->mounts, &index)) != NULL) {
        int synced = root->fs->operations->sync(root->fs);

        if (status == 0)
            status = synced;
        node_drop(root);
    }
    return status;
}
