/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/unpack.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/list.h"
#include "kit/string.h"
#include "kit/tree.h"
#include "mix/errno.h"
#include "subsystems/mix/om/device.h"
#include "subsystems/mix/om/tmpfs.h"

/* A file that has more names: found again by the archive's inode number. */
struct linked {
    struct tree_node by_inode;
    uint32_t inode;
    struct node *node; /* held */
};

/* A directory whose time of change is set when all that goes into it is there. */
struct dated {
    struct list link;
    struct node *node; /* held */
    uint32_t mtime;
};

struct unpacking {
    struct archive *archive;
    struct heap *heap;
    struct fs *fs;
    struct tree links;
    struct list dates;
    struct node *directory; /* held: the one that `directory_path` names, where names mostly go */
    uint32_t directory_bytes;
    struct archive_entry entry;
    char directory_path[ARCHIVE_NAME_MAX + 1];
    char name[ARCHIVE_NAME_MAX + 1];
    char target[PATH_MAX];
};

/* ---- Paths ----------------------------------------------------------------------------------- */

/* Takes the next component off a path; empty ones and dots count for nothing. false: there is
 * none. */
static bool component_take(const char **path, struct name *component)
{
    for (;;) {
        while (**path == '/')
            ++*path;
        const char *end = *path;

        while (*end != '\0' && *end != '/')
            end++;
        *component = (struct name){*path, (uint32_t)(end - *path)};
        *path = end;
        if (component->bytes != 1 || component->text[0] != '.')
            return component->bytes > 0;
    }
}

static bool is_good_name(struct name name)
{
    return name.bytes <= NAME_MAX &&
           !(name.bytes == 2 && name.text[0] == '.' && name.text[1] == '.');
}

/* Goes one directory down, and makes it where the archive has not named it before. */
static int step_down(struct node **at, struct name name)
{
    const struct fs_operations *operations = (*at)->fs->operations;
    const struct fs_template template = {.mode = S_IFDIR | 0755};
    struct node *below;
    int status = operations->lookup(*at, name, &below);

    if (status == -ENOENT)
        status = operations->create(*at, name, &template, &below);
    if (status != 0)
        return status;
    node_drop(*at);
    *at = below;
    return below->type == S_IFDIR ? 0 : -EINVAL;
}

/* Goes to the directory of a path; `last` is the name in it, of no bytes if the path is the top
 * itself. */
static int walk_down(const struct unpacking *self, const char *path, struct node **directory,
                     struct name *last)
{
    struct node *at = self->fs->root;
    struct name next;
    int status = 0;

    node_hold(at);
    if (!component_take(&path, last))
        last->bytes = 0;
    while (status == 0 && last->bytes > 0 && component_take(&path, &next)) {
        status = is_good_name(*last) ? step_down(&at, *last) : -EINVAL;
        *last = next;
    }
    if (status == 0 && !is_good_name(*last))
        status = -EINVAL;
    if (status != 0)
        node_drop(at);
    *directory = at;
    return status;
}

/* Entries of one directory mostly follow each other: the last directory is kept. */
static int find_place(struct unpacking *self, struct name *last)
{
    const char *slash = strrchr(self->name, '/');
    uint32_t bytes = slash == NULL ? 0 : (uint32_t)(slash - self->name);
    struct node *directory;
    int status;

    if (self->directory != NULL && slash != NULL && slash[1] != '\0' &&
        bytes == self->directory_bytes && memcmp(self->name, self->directory_path, bytes) == 0) {
        *last = (struct name){slash + 1, (uint32_t)strlen(slash + 1)};
        return is_good_name(*last) ? 0 : -EINVAL;
    }
    status = walk_down(self, self->name, &directory, last);
    if (status != 0)
        return status;
    node_drop(self->directory);
    self->directory = directory;
    self->directory_bytes = bytes;
    memcpy(self->directory_path, self->name, bytes);
    return 0;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static int by_inode(const void *key, const struct tree_node *node)
{
    uint32_t wanted = *(const uint32_t *)key;
    uint32_t inode = TREE_ENTRY(node, struct linked, by_inode)->inode;

    return wanted < inode ? -1 : wanted > inode;
}

static struct linked *linked_find(struct unpacking *self)
{
    struct tree_node *found = tree_find(&self->links, &self->entry.inode, by_inode);

    return found == NULL ? NULL : TREE_ENTRY(found, struct linked, by_inode);
}

static int linked_remember(struct unpacking *self, struct node *node)
{
    struct linked *linked = heap_allocate(self->heap, sizeof(*linked));

    if (linked == NULL)
        return -ENOMEM;
    node_hold(node);
    *linked = (struct linked){.inode = self->entry.inode, .node = node};
    tree_insert(&self->links, &linked->by_inode, &linked->inode, by_inode);
    return 0;
}

static int date_remember(struct unpacking *self, struct node *node)
{
    struct dated *dated = heap_allocate(self->heap, sizeof(*dated));

    if (dated == NULL)
        return -ENOMEM;
    node_hold(node);
    *dated = (struct dated){.node = node, .mtime = self->entry.mtime};
    list_init(&dated->link);
    list_add_tail(&self->dates, &dated->link);
    return 0;
}

static int time_set(struct node *node, uint32_t mtime)
{
    struct fs_change change = {.set = OM_SET_ATIME | OM_SET_MTIME,
                               .atime = {mtime, 0},
                               .mtime = {mtime, 0}};

    return node->fs->operations->change(node, &change);
}

/* What the archive says of a node beyond its name. */
static int finish_node(struct unpacking *self, struct node *node)
{
    int status = 0;

    if (node->type == S_IFDIR)
        return date_remember(self, node);
    if (node->type == S_IFREG && self->entry.data_bytes > 0)
        tmpfs_set_origin(node, self->entry.data_at, self->entry.data_bytes);
    if (node->type == S_IFREG && self->entry.links > 1 && linked_find(self) == NULL)
        status = linked_remember(self, node);
    return status == 0 ? time_set(node, self->entry.mtime) : status;
}

static int read_target(struct unpacking *self, struct fs_template *template)
{
    if (self->entry.data_bytes == 0 || self->entry.data_bytes >= PATH_MAX)
        return -EINVAL;
    template->target = (struct name){self->target, (uint32_t)self->entry.data_bytes};
    return archive_read(self->archive, self->entry.data_at, self->target, self->entry.data_bytes);
}

static int make_node(struct unpacking *self, struct name name)
{
    const struct archive_entry *entry = &self->entry;
    struct fs_template template = {
        .mode = entry->mode,
        .uid = entry->uid,
        .gid = entry->gid,
        .rdev = device_number(entry->rdev_major, entry->rdev_minor),
    };
    struct node *node;
    int status = (entry->mode & S_IFMT) == S_IFLNK ? read_target(self, &template) : 0;

    if (status == 0)
        status = self->fs->operations->create(self->directory, name, &template, &node);
    if (status != 0)
        return status;
    status = finish_node(self, node);
    node_drop(node);
    return status;
}

/* One more name for a file that is there, and maybe its data. */
static int make_link(struct unpacking *self, struct name name, struct node *node)
{
    int status = self->fs->operations->link(self->directory, name, node);

    if (status == 0 && self->entry.data_bytes > 0)
        status = tmpfs_has_origin(node) ? -EINVAL : finish_node(self, node);
    return status;
}

/* A directory that was made for what is in it, or the top: only its attributes are new. */
static int adopt(struct unpacking *self, struct node *node)
{
    const struct fs_change change = {.set = OM_SET_MODE | OM_SET_UID | OM_SET_GID,
                                     .mode = self->entry.mode & 07777,
                                     .uid = self->entry.uid,
                                     .gid = self->entry.gid};
    int status = node->type == S_IFDIR && (self->entry.mode & S_IFMT) == S_IFDIR ? 0 : -EINVAL;

    if (status == 0)
        status = node->fs->operations->change(node, &change);
    return status == 0 ? date_remember(self, node) : status;
}

static bool is_known_type(uint32_t type)
{
    return type == S_IFREG || type == S_IFDIR || type == S_IFLNK || type == S_IFCHR ||
           type == S_IFBLK || type == S_IFIFO || type == S_IFSOCK;
}

static int unpack_entry(struct unpacking *self)
{
    struct linked *linked = self->entry.links > 1 ? linked_find(self) : NULL;
    struct node *there = NULL;
    struct name name;
    int status = is_known_type(self->entry.mode & S_IFMT) ? find_place(self, &name) : -EINVAL;

    if (status != 0)
        return status;
    if (name.bytes == 0)
        return adopt(self, self->fs->root);
    if (linked != NULL && (self->entry.mode & S_IFMT) == S_IFREG)
        return make_link(self, name, linked->node);
    status = self->fs->operations->lookup(self->directory, name, &there);
    if (status == -ENOENT)
        return make_node(self, name);
    if (status == 0)
        status = adopt(self, there);
    node_drop(there);
    return status;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int unpack_end(struct unpacking *self, int status)
{
    struct dated *dated;

    LIST_FOR_EACH_SAFE(dated, &self->dates, link) {
        int set = status == 0 ? time_set(dated->node, dated->mtime) : 0;

        status = status == 0 ? set : status;
        node_drop(dated->node);
        heap_free(self->heap, dated, sizeof(*dated));
    }
    while (!tree_is_empty(&self->links)) {
        struct linked *linked = TREE_ENTRY(tree_first(&self->links), struct linked, by_inode);

        tree_remove(&self->links, &linked->by_inode);
        node_drop(linked->node);
        heap_free(self->heap, linked, sizeof(*linked));
    }
    node_drop(self->directory);
    heap_free(self->heap, self, sizeof(*self));
    return status;
}

int unpack(struct archive *archive, struct heap *heap, struct fs *fs)
{
    struct unpacking *self = heap_allocate_zeroed(heap, sizeof(*self));
    uint64_t at = 0;
    int status = 0, found;

    ASSERT(fs->operations == &tmpfs_operations);
    if (self == NULL)
        return -ENOMEM;
    self->archive = archive;
    self->heap = heap;
    self->fs = fs;
    tree_init(&self->links);
    list_init(&self->dates);
    while (status == 0 && (found = archive_next(archive, &at, &self->entry, self->name)) != 0)
        status = found < 0 ? found : unpack_entry(self);
    return unpack_end(self, status);
}
