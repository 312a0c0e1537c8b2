/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/tmpfs.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"

#define NODE_SHARE_BYTES \
    512u                /* of the heap; a node with its name and its part of the trees needs less */
#define ENTRY_BYTES 20u /* what an entry adds to a directory's size, as Linux' tmpfs tells it */
#define SECTOR_BYTES 512u
#define COPIES_SHARE 8u /* of memory: data that is in the archive as well */

/* ---- Life ------------------------------------------------------------------------------------ */

struct fs *tmpfs_create(struct heap *heap, uint64_t device, uint32_t root_mode)
{
    struct fs_template template = {.mode = S_IFDIR | root_mode};
    struct tmpfs *tmpfs = heap_allocate_zeroed(heap, sizeof(*tmpfs));
    KnSiteStat site;

    if (tmpfs == NULL || siteStat(&site) != K_OK) {
        heap_free(heap, tmpfs, sizeof(*tmpfs));
        return NULL;
    }
    tmpfs->fs.operations = &tmpfs_operations;
    tmpfs->fs.device = device;
    tmpfs->heap = heap;
    tmpfs->page_bytes = site.ssPageBytes;
    tmpfs->node_limit = (uint32_t)(heap->limit / NODE_SHARE_BYTES);
    tmpfs->copied_most = (uint64_t)site.ssFramesTotal * site.ssPageBytes / COPIES_SHARE;
    list_init(&tmpfs->copies);
    list_init(&tmpfs->nodes);

    struct tmpfs_node *root = tmpfs_node_create(tmpfs, &template);

    if (root == NULL) {
        heap_free(heap, tmpfs, sizeof(*tmpfs));
        return NULL;
    }
    root->links = 2;
    root->directory.parent = root;
    tmpfs->fs.root = &root->node;
    return &tmpfs->fs;
}

/* Without users every node is reached by names alone, so all may go in any order. */
static int tmpfs_unmount(struct fs *fs)
{
    struct tmpfs *tmpfs = container_of(fs, struct tmpfs, fs);
    struct tmpfs_node *node;
    int status = 0;

    lock_take(&fs->lock);
    LIST_FOR_EACH(node, &tmpfs->nodes, all) {
        if (node->node.holds > (&node->node == fs->root ? 1u : 0u) || node->node.mounts > 0)
            status = -EBUSY;
    }
    lock_give(&fs->lock);
    if (status != 0)
        return status;
    LIST_FOR_EACH_SAFE(node, &tmpfs->nodes, all) {
        struct tmpfs_entry *entry;

        if (node->node.type == S_IFREG)
            tmpfs_data_end(node);
        if (node->node.type == S_IFLNK)
            heap_free(tmpfs->heap, node->link.target, node->link.bytes);
        if (node->node.type == S_IFDIR) {
            LIST_FOR_EACH_SAFE(entry, &node->directory.in_order, in_order)
                tmpfs_entry_free(tmpfs, entry);
        }
        list_remove(&node->all);
        heap_free(tmpfs->heap, node, sizeof(*node));
    }
    heap_free(tmpfs->heap, tmpfs, sizeof(*tmpfs));
    return 0;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_template *template)
{
    struct tmpfs_node *node;
    char *target = NULL;

    if (tmpfs->node_count >= tmpfs->node_limit)
        return NULL;
    node = heap_allocate_zeroed(tmpfs->heap, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->node = (struct node){.fs = &tmpfs->fs,
                               .number = ++tmpfs->last_number,
                               .type = template->mode & S_IFMT,
                               .holds = 1};
    node->mode = template->mode;
    node->uid = template->uid;
    node->gid = template->gid;
    node->atime = node->mtime = node->ctime = time_now();
    if (node->node.type == S_IFDIR) {
        tree_init(&node->directory.by_name);
        list_init(&node->directory.in_order);
        node->directory.last_cursor = 2; /* those of "." and ".." */
    } else if (node->node.type == S_IFLNK) {
        target = heap_allocate(tmpfs->heap, template->target.bytes);
        if (target == NULL) {
            heap_free(tmpfs->heap, node, sizeof(*node));
            return NULL;
        }
        memcpy(target, template->target.text, template->target.bytes);
        node->link = (struct tmpfs_link){target, template->target.bytes};
    } else if (node->node.type == S_IFREG) {
        list_init(&node->file.copies);
    } else {
        node->rdev = template->rdev;
    }
    list_init(&node->all);
    list_add_tail(&tmpfs->nodes, &node->all);
    tmpfs->node_count++;
    return node;
}

static void node_end(struct tmpfs *tmpfs, struct tmpfs_node *node)
{
    ASSERT(node->node.mounts == 0);
    if (node->node.type == S_IFREG)
        tmpfs_data_end(node);
    else if (node->node.type == S_IFLNK)
        heap_free(tmpfs->heap, node->link.target, node->link.bytes);
    else if (node->node.type == S_IFDIR)
        ASSERT(node->directory.count == 0);
    list_remove(&node->all);
    tmpfs->node_count--;
    heap_free(tmpfs->heap, node, sizeof(*node));
}

/* The end of a removed directory takes its hold from the parent, which may have been removed
 * too: at most as many rounds as the directory was deep. */
void tmpfs_node_check(struct tmpfs_node *node)
{
    struct tmpfs *tmpfs = tmpfs_of(&node->node);

    while (node != NULL && node->node.holds == 0 && node->links == 0) {
        struct tmpfs_node *parent = NULL;

        if (node->node.type == S_IFDIR) {
            ASSERT(node->directory.is_removed && node->directory.parent->node.holds > 0);
            parent = node->directory.parent;
            parent->node.holds--;
        }
        node_end(tmpfs, node);
        node = parent;
    }
}

void tmpfs_node_drop(struct tmpfs_node *node)
{
    ASSERT(node->node.holds > 0);
    node->node.holds--;
    tmpfs_node_check(node);
}

void tmpfs_directory_orphan(struct tmpfs_node *node)
{
    ASSERT(node->directory.count == 0 && !node->directory.is_removed);
    node->directory.entry = NULL;
    node->directory.is_removed = true;
    node->directory.parent->node.holds++;
    node->links = 0;
}

static void tmpfs_hold(struct node *node)
{
    lock_take(&node->fs->lock);
    ASSERT(node->holds > 0 && node->holds < UINT32_MAX);
    node->holds++;
    lock_give(&node->fs->lock);
}

static void tmpfs_drop(struct node *node)
{
    struct fs *fs = node->fs;

    lock_take(&fs->lock);
    tmpfs_node_drop(tmpfs_node_of(node));
    lock_give(&fs->lock);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

void tmpfs_node_changed(struct tmpfs_node *node)
{
    node->ctime = time_now();
}

void tmpfs_node_modified(struct tmpfs_node *node)
{
    node->mtime = node->ctime = time_now();
}

static void tmpfs_owner(struct node *node, struct fs_owner *owner)
{
    struct tmpfs_node *self = tmpfs_node_of(node);

    lock_take(&node->fs->lock);
    *owner = (struct fs_owner){.mode = self->mode,
                               .links = self->links,
                               .uid = self->uid,
                               .gid = self->gid};
    lock_give(&node->fs->lock);
}

static void size_and_blocks(struct tmpfs_node *node, const KnLcStat *stat, struct om_attr *attr)
{
    uint32_t page_bytes = tmpfs_of(&node->node)->page_bytes;
    uint64_t pages;

    switch (node->node.type) {
    case S_IFDIR:
        attr->size = ENTRY_BYTES * (UINT64_C(2) + node->directory.count);
        break;
    case S_IFLNK:
        attr->size = node->link.bytes;
        break;
    case S_IFREG:
        attr->size = node->file.has_segment ? stat->lsSize : node->file.size_bytes;
        pages = node->file.has_segment ? stat->lsPages : DIV_ROUND_UP(attr->size, page_bytes);
        attr->blocks = pages * (page_bytes / SECTOR_BYTES);
        break;
    default:
        attr->rdev = node->rdev;
        break;
    }
}

static int tmpfs_attributes(struct node *node, struct om_attr *attr)
{
    struct tmpfs_node *self = tmpfs_node_of(node);
    KnLcStat stat = {0};
    int status = 0;

    lock_take(&node->fs->lock);
    if (node->type == S_IFREG)
        status = tmpfs_data_collect(self, &stat);
    *attr = (struct om_attr){
        .device = node->fs->device,
        .inode = node->number,
        .mode = self->mode,
        .links = self->links,
        .uid = self->uid,
        .gid = self->gid,
        .block_bytes = tmpfs_of(node)->page_bytes,
        .atime_s = self->atime.seconds,
        .atime_ns = self->atime.nanoseconds,
        .mtime_s = self->mtime.seconds,
        .mtime_ns = self->mtime.nanoseconds,
        .ctime_s = self->ctime.seconds,
        .ctime_ns = self->ctime.nanoseconds,
    };
    size_and_blocks(self, &stat, attr);
    lock_give(&node->fs->lock);
    return status;
}

static int change_data(struct tmpfs_node *node, const struct fs_change *change)
{
    KnLcStat stat;
    /* so that an older stamp does not undo a time set below */
    int status = tmpfs_data_collect(node, &stat);

    if (status == 0 && (change->set & OM_SET_SIZE) != 0)
        status = tmpfs_data_truncate(node, change->size);
    return status;
}

static int tmpfs_change(struct node *node, const struct fs_change *change)
{
    struct tmpfs_node *self = tmpfs_node_of(node);
    int status = 0;

    lock_take(&node->fs->lock);
    if (node->type == S_IFREG)
        status = change_data(self, change);
    else if ((change->set & OM_SET_SIZE) != 0)
        status = -EINVAL;
    if (status == 0) {
        if ((change->set & OM_SET_MODE) != 0)
            self->mode = node->type | (change->mode & ~(uint32_t)S_IFMT);
        if ((change->set & OM_SET_UID) != 0)
            self->uid = change->uid;
        if ((change->set & OM_SET_GID) != 0)
            self->gid = change->gid;
        if ((change->set & OM_SET_ATIME) != 0)
            self->atime = change->atime;
        if ((change->set & OM_SET_MTIME) != 0)
            self->mtime = change->mtime;
        tmpfs_node_changed(self);
    }
    lock_give(&node->fs->lock);
    return status;
}

static int tmpfs_segment(struct node *node, bool writes, KnCap *segment)
{
    int status;

    ASSERT(node->type == S_IFREG);
    lock_take(&node->fs->lock);
    status = tmpfs_data_segment(tmpfs_node_of(node), writes, segment);
    lock_give(&node->fs->lock);
    return status;
}

static int tmpfs_readlink(struct node *node, char *target, uint32_t room, uint32_t *bytes)
{
    const struct tmpfs_link *link = &tmpfs_node_of(node)->link; /* never changes */

    ASSERT(node->type == S_IFLNK);
    *bytes = link->bytes;
    memcpy(target, link->target, MIN(room, link->bytes));
    return 0;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static uint64_t pages_used(struct tmpfs *tmpfs)
{
    struct tmpfs_node *node;
    uint64_t pages = 0;

    LIST_FOR_EACH(node, &tmpfs->nodes, all) {
        KnLcStat stat;

        if (node->node.type == S_IFREG && node->file.has_segment &&
            sgStat(&node->file.segment, &stat) == K_OK)
            pages += stat.lsPages;
    }
    return pages;
}

/* A tmpfs may grow to half of the memory, if that much is free. */
static int tmpfs_statistics(struct fs *fs, struct om_volume *volume)
{
    struct tmpfs *tmpfs = container_of(fs, struct tmpfs, fs);
    KnSiteStat site;
    uint64_t used;

    if (siteStat(&site) != K_OK)
        return -EIO;
    lock_take(&fs->lock);
    used = pages_used(tmpfs);
    *volume = (struct om_volume){
        .type = TMPFS_MAGIC,
        .block_bytes = site.ssPageBytes,
        .blocks = site.ssFramesTotal / 2,
        .files = tmpfs->node_limit,
        .files_free = tmpfs->node_limit - tmpfs->node_count,
        .name_bytes = NAME_MAX,
    };
    lock_give(&fs->lock);
    if (used < volume->blocks)
        volume->blocks_free =
            MIN(volume->blocks - used, (uint64_t)site.ssFramesFree + site.ssFramesCached);
    volume->blocks_available = volume->blocks_free;
    return 0;
}

static int nothing_to_sync_node(struct node *node)
{
    (void)node;
    return 0;
}

static int nothing_to_sync(struct fs *fs)
{
    (void)fs;
    return 0;
}

const struct fs_operations tmpfs_operations = {
    .hold = tmpfs_hold,
    .drop = tmpfs_drop,
    .owner = tmpfs_owner,
    .attributes = tmpfs_attributes,
    .change = tmpfs_change,
    .segment = tmpfs_segment,
    .readlink = tmpfs_readlink,
    .sync_node = nothing_to_sync_node,
    .lookup = tmpfs_lookup,
    .parent = tmpfs_parent,
    .name = tmpfs_name,
    .readdir = tmpfs_readdir,
    .create = tmpfs_make,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
    .statistics = tmpfs_statistics,
    .sync = nothing_to_sync,
    .unmount = tmpfs_unmount,
};

/* ---- Checking -------------------------------------------------------------------------------- */

static bool directory_verify(struct tmpfs_node *node)
{
    struct tmpfs_directory *directory = &node->directory;
    struct tmpfs_entry *entry;
    uint64_t cursor = 2;
    uint32_t count = 0, subdirectories = 0;

    LIST_FOR_EACH(entry, &directory->in_order, in_order) {
        struct name name = {entry->name, entry->name_bytes};

        if (entry->cursor <= cursor || tmpfs_find(node, name) != entry || entry->node->links == 0)
            return false;
        if (entry->node->node.type == S_IFDIR) {
            if (entry->node->directory.parent != node || entry->node->directory.entry != entry)
                return false;
            subdirectories++;
        }
        cursor = entry->cursor;
        count++;
    }
    return count == directory->count && cursor <= directory->last_cursor &&
           tree_verify(&directory->by_name, tmpfs_entry_order) &&
           node->links == (directory->is_removed ? 0 : 2 + subdirectories);
}

bool tmpfs_verify(struct fs *fs)
{
    struct tmpfs *tmpfs = container_of(fs, struct tmpfs, fs);
    struct tmpfs_node *node;
    uint32_t count = 0;
    bool holds = true;

    lock_take(&fs->lock);
    LIST_FOR_EACH(node, &tmpfs->nodes, all) {
        holds = holds && (node->links > 0 || node->node.holds > 0);
        if (node->node.type == S_IFDIR)
            holds = holds && directory_verify(node);
        count++;
    }
    holds = holds && count == tmpfs->node_count;
    lock_give(&fs->lock);
    return holds;
}
