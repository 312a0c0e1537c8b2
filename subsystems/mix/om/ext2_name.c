/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of a disk's file system.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/device.h"
#include "subsystems/mix/om/ext2_fs.h"

#define ROOM_FOR_NAMES 8u /* blocks that a new name may need */

static struct ext2_name name_of(struct name name)
{
    return (struct ext2_name){name.text, name.bytes};
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int lookup(struct node *directory, struct ext2_name name, struct node **child)
{
    struct ext2_fs *self = ext2_fs_of(directory);
    struct ext2_node *found = NULL;
    struct ext2_inode *inode;
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    status = EXT2_RUN(&run, ext2_lookup(run.op, &self->core, ext2_node_of(directory)->inode, name,
                                        &inode));
    if (status == 0)
        status = ext2_node_get(&run, inode, &found);
    ext2_run_end(&run);
    if (status == 0)
        *child = &found->node;
    ext2_nodes_trim(self);
    return status;
}

int ext2_fs_lookup(struct node *directory, struct name name, struct node **child)
{
    return lookup(directory, name_of(name), child);
}

int ext2_fs_parent(struct node *directory, struct node **parent)
{
    struct ext2_node *self = ext2_node_of(directory);
    struct ext2_node *kept;

    lock_take(&directory->fs->lock);
    kept = self->parent;
    lock_give(&directory->fs->lock);
    if (kept == NULL)
        return lookup(directory, (struct ext2_name){"..", 2}, parent);
    node_hold(&kept->node);
    *parent = &kept->node;
    return 0;
}

/* ---- Listing --------------------------------------------------------------------------------- */

struct listing {
    fs_emit *emit;
    void *context;
    bool has_emitted;
    bool is_full;
};

static uint32_t type_of(uint32_t file_type)
{
    static const uint32_t types[] = {0,       S_IFREG, S_IFDIR,  S_IFCHR,
                                     S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};

    return file_type < ARRAY_SIZE(types) ? types[file_type] : 0;
}

static bool emit_entry(void *context, const struct ext2_entry *entry)
{
    struct listing *listing = context;
    const struct fs_entry found = {
        .name = {entry->name.text, entry->name.bytes},
        .number = entry->inode,
        .type = type_of(entry->file_type),
        .next = entry->next,
    };

    listing->has_emitted = true;
    listing->is_full = !listing->emit(listing->context, &found);
    return !listing->is_full;
}

static void note_reading(struct ext2_run *run, struct ext2_inode *inode)
{
    const struct om_time now = time_now();
    const struct ext2_attributes read = {.access_time = ext2_time(now),
                                         .change_time = inode->change_time};

    if (run->fs->fs.is_read_only || !ext2_read_counts(inode, now))
        return;
    /* That a time could not be recorded is no reason to fail. */
    (void)EXT2_RUN(run, ext2_attributes_set(run->op, &run->fs->core, inode,
                                            EXT2_SET_ACCESS_TIME | EXT2_SET_CHANGE_TIME, &read));
}

int ext2_fs_readdir(struct node *directory, uint64_t cursor, fs_emit *emit, void *context)
{
    struct ext2_fs *self = ext2_fs_of(directory);
    struct ext2_inode *inode = ext2_node_of(directory)->inode;
    struct listing listing = {.emit = emit, .context = context};
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    if (inode->links == 0)
        status = -ENOENT;
    else
        note_reading(&run, inode);
    do {
        listing.has_emitted = false;
        if (status == 0)
            status = EXT2_RUN(&run, ext2_readdir(run.op, &self->core, inode, &cursor, emit_entry,
                                                 &listing));
    } while (status == 0 && listing.has_emitted && !listing.is_full);
    ext2_run_end(&run);
    return status;
}

struct search {
    uint64_t number;
    bool is_found;
    uint32_t name_bytes;
    char name[NAME_MAX];
};

static bool is_dots(struct name name)
{
    return name.bytes <= 2 && name.text[0] == '.' && name.text[name.bytes - 1] == '.';
}

static bool search_entry(void *context, const struct fs_entry *entry)
{
    struct search *search = context;

    if (entry->number != search->number || is_dots(entry->name))
        return true;
    memcpy(search->name, entry->name.text, entry->name.bytes);
    search->name_bytes = entry->name.bytes;
    search->is_found = true;
    return false;
}

int ext2_fs_name(struct node *directory, char name[NAME_MAX + 1], struct node **parent)
{
    struct search search = {.number = directory->number};
    int status =
        ext2_node_of(directory)->parent != NULL ? -ENOENT : ext2_fs_parent(directory, parent);

    if (status != 0)
        return status;
    status = ext2_fs_readdir(*parent, 0, search_entry, &search);
    if (status == 0 && !search.is_found)
        status = -ENOENT;
    if (status != 0) {
        node_drop(*parent);
        return status;
    }
    memcpy(name, search.name, search.name_bytes);
    name[search.name_bytes] = '\0';
    return 0;
}

int ext2_fs_readlink(struct node *node, char *target, uint32_t room, uint32_t *bytes)
{
    struct ext2_fs *self = ext2_fs_of(node);
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    status = EXT2_RUN(&run, ext2_readlink(run.op, &self->core, ext2_node_of(node)->inode, target,
                                          room, bytes));
    ext2_run_end(&run);
    return status;
}

/* ---- Making and removing --------------------------------------------------------------------- */

/* Names may not take the blocks that were promised to data. */
static int check_room(const struct ext2_fs *self)
{
    return self->core.free_blocks < self->reserved + ROOM_FOR_NAMES ? -ENOSPC : 0;
}

int ext2_fs_make(struct node *directory, struct name name, const struct fs_template *template,
                 struct node **child)
{
    struct ext2_fs *self = ext2_fs_of(directory);
    const struct ext2_template made = {
        .mode = template->mode,
        .uid = template->uid,
        .gid = template->gid,
        .device_major = device_major(template->rdev),
        .device_minor = device_minor(template->rdev),
        .target = template->target.text,
        .target_bytes = template->target.bytes,
    };
    struct ext2_node *node = NULL;
    struct ext2_inode *inode;
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, template->uid, template->gid);

    if (status != 0)
        return status;
    status = check_room(self);
    if (status == 0)
        status = EXT2_RUN(&run, ext2_create(run.op, &self->core, ext2_node_of(directory)->inode,
                                            name_of(name), &made, &inode));
    if (status == 0)
        status = ext2_node_get(&run, inode, &node);
    ext2_run_end(&run);
    if (status == 0)
        *child = &node->node;
    ext2_nodes_trim(self);
    return status;
}

int ext2_fs_link(struct node *directory, struct name name, struct node *node)
{
    struct ext2_fs *self = ext2_fs_of(directory);
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    status = check_room(self);
    if (status == 0)
        status = EXT2_RUN(&run, ext2_link(run.op, &self->core, ext2_node_of(directory)->inode,
                                          name_of(name), ext2_node_of(node)->inode));
    ext2_run_end(&run);
    return status;
}

/* A directory that was removed still knows what was above it; the lock is held. */
static void keep_parent(struct ext2_node *removed, struct ext2_node *parent)
{
    if (removed->node.type != S_IFDIR || removed->inode->links > 0 || removed->parent != NULL)
        return;
    ASSERT(parent->node.holds > 0);
    parent->node.holds++;
    removed->parent = parent;
}

int ext2_fs_unlink(struct node *directory, struct name name, bool is_directory)
{
    struct ext2_fs *self = ext2_fs_of(directory);
    struct ext2_inode *above = ext2_node_of(directory)->inode;
    struct node *victim = NULL;
    struct ext2_run run;
    int status = is_directory ? ext2_fs_lookup(directory, name, &victim) : 0;

    if (status != 0)
        return status;
    status = ext2_run_begin(&run, self, 0, 0);
    if (status == 0) {
        if (is_directory)
            status = EXT2_RUN(&run, ext2_rmdir(run.op, &self->core, above, name_of(name)));
        else
            status = EXT2_RUN(&run, ext2_unlink(run.op, &self->core, above, name_of(name)));
        if (status == 0 && victim != NULL)
            keep_parent(ext2_node_of(victim), ext2_node_of(directory));
        ext2_run_end(&run);
    }
    node_drop(victim);
    return status;
}

int ext2_fs_rename(struct node *from_directory, struct name from, struct node *to_directory,
                   struct name to, uint32_t flags)
{
    struct ext2_fs *self = ext2_fs_of(from_directory);
    struct node *victim = NULL;
    struct ext2_run run;
    int status = ext2_fs_lookup(to_directory, to, &victim);

    if (status != 0 && status != -ENOENT)
        return status;
    status = ext2_run_begin(&run, self, 0, 0);
    if (status == 0) {
        status = check_room(self);
        if (status == 0)
            status =
                EXT2_RUN(&run, ext2_rename(run.op, &self->core, ext2_node_of(from_directory)->inode,
                                           name_of(from), ext2_node_of(to_directory)->inode,
                                           name_of(to), flags));
        if (status == 0 && victim != NULL)
            keep_parent(ext2_node_of(victim), ext2_node_of(to_directory));
        ext2_run_end(&run);
    }
    node_drop(victim);
    return status;
}
