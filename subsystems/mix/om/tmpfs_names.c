/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of a tmpfs: finding, listing, making and removing of names.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/hash.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/tmpfs.h"

#define CURSOR_DOT 1u /* behind "." */
#define CURSOR_DOTDOT 2u

/* ---- Entries --------------------------------------------------------------------------------- */

struct entry_key {
    uint64_t hash;
    struct name name;
};

static struct entry_key key_of(struct name name)
{
    return (struct entry_key){hash_bytes(name.text, name.bytes), name};
}

static int entry_compare(const void *key, const struct tree_node *node)
{
    const struct tmpfs_entry *entry = TREE_ENTRY(node, struct tmpfs_entry, by_name);
    const struct entry_key *wanted = key;

    if (wanted->hash != entry->hash)
        return wanted->hash < entry->hash ? -1 : 1;
    if (wanted->name.bytes != entry->name_bytes)
        return wanted->name.bytes < entry->name_bytes ? -1 : 1;
    return memcmp(wanted->name.text, entry->name, entry->name_bytes);
}

int tmpfs_entry_order(const struct tree_node *a, const struct tree_node *b)
{
    const struct tmpfs_entry *entry = TREE_ENTRY(a, struct tmpfs_entry, by_name);
    struct entry_key key = {entry->hash, {entry->name, entry->name_bytes}};

    return entry_compare(&key, b);
}

struct tmpfs_entry *tmpfs_find(struct tmpfs_node *directory, struct name name)
{
    struct entry_key key = key_of(name);
    struct tree_node *found = tree_find(&directory->directory.by_name, &key, entry_compare);

    ASSERT(directory->node.type == S_IFDIR);
    return found == NULL ? NULL : TREE_ENTRY(found, struct tmpfs_entry, by_name);
}

struct tmpfs_entry *tmpfs_entry_create(struct tmpfs *tmpfs, struct name name)
{
    struct tmpfs_entry *entry = heap_allocate(tmpfs->heap, sizeof(*entry) + name.bytes);

    ASSERT(name.bytes > 0 && name.bytes <= NAME_MAX);
    if (entry == NULL)
        return NULL;
    entry->hash = key_of(name).hash;
    entry->name_bytes = name.bytes;
    memcpy(entry->name, name.text, name.bytes);
    list_init(&entry->in_order);
    return entry;
}

void tmpfs_entry_free(struct tmpfs *tmpfs, struct tmpfs_entry *entry)
{
    if (entry != NULL)
        heap_free(tmpfs->heap, entry, sizeof(*entry) + entry->name_bytes);
}

void tmpfs_entry_insert(struct tmpfs_node *directory, struct tmpfs_entry *entry,
                        struct tmpfs_node *node)
{
    struct entry_key key = {entry->hash, {entry->name, entry->name_bytes}};

    ASSERT(!directory->directory.is_removed);
    entry->node = node;
    entry->cursor = ++directory->directory.last_cursor;
    tree_insert(&directory->directory.by_name, &entry->by_name, &key, entry_compare);
    list_add_tail(&directory->directory.in_order, &entry->in_order);
    directory->directory.count++;
    if (node->node.type == S_IFDIR) {
        node->directory.parent = directory;
        node->directory.entry = entry;
        directory->links++;
    }
    tmpfs_node_modified(directory);
}

void tmpfs_entry_remove(struct tmpfs_node *directory, struct tmpfs_entry *entry)
{
    ASSERT(directory->directory.count > 0);
    tree_remove(&directory->directory.by_name, &entry->by_name);
    list_remove(&entry->in_order);
    if (directory->directory.listed == entry)
        directory->directory.listed = NULL;
    directory->directory.count--;
    if (entry->node->node.type == S_IFDIR)
        directory->links--;
    tmpfs_node_modified(directory);
}

/* ---- Looking --------------------------------------------------------------------------------- */

int tmpfs_lookup(struct node *directory, struct name name, struct node **child)
{
    struct tmpfs_entry *entry;

    lock_take(&directory->fs->lock);
    entry = tmpfs_find(tmpfs_node_of(directory), name);
    if (entry != NULL) {
        entry->node->node.holds++;
        *child = &entry->node->node;
    }
    lock_give(&directory->fs->lock);
    return entry == NULL ? -ENOENT : 0;
}

int tmpfs_parent(struct node *directory, struct node **parent)
{
    lock_take(&directory->fs->lock);
    *parent = &tmpfs_node_of(directory)->directory.parent->node;
    (*parent)->holds++;
    lock_give(&directory->fs->lock);
    return 0;
}

int tmpfs_name(struct node *directory, char name[NAME_MAX + 1], struct node **parent)
{
    const struct tmpfs_directory *self = &tmpfs_node_of(directory)->directory;
    int status = -ENOENT;

    lock_take(&directory->fs->lock);
    if (self->entry != NULL) {
        memcpy(name, self->entry->name, self->entry->name_bytes);
        name[self->entry->name_bytes] = '\0';
        *parent = &self->parent->node;
        (*parent)->holds++;
        status = 0;
    }
    lock_give(&directory->fs->lock);
    return status;
}

/* The place in the list behind the entry with this cursor, or where it was. */
static struct list *place_behind(struct tmpfs_directory *directory, uint64_t cursor)
{
    struct tmpfs_entry *entry;

    if (directory->listed != NULL && directory->listed->cursor == cursor)
        return directory->listed->in_order.next;
    LIST_FOR_EACH(entry, &directory->in_order, in_order) {
        if (entry->cursor > cursor)
            return &entry->in_order;
    }
    return &directory->in_order;
}

static void emit_entries(struct tmpfs_directory *directory, uint64_t cursor, fs_emit *emit,
                         void *context)
{
    struct list *place = place_behind(directory, cursor);

    for (; place != &directory->in_order; place = place->next) {
        struct tmpfs_entry *entry = LIST_ENTRY(place, struct tmpfs_entry, in_order);
        struct fs_entry found = {
            .name = {entry->name, entry->name_bytes},
            .number = entry->node->node.number,
            .type = entry->node->node.type,
            .next = entry->cursor,
        };

        if (!emit(context, &found))
            return;
        directory->listed = entry;
    }
}

int tmpfs_readdir(struct node *directory, uint64_t cursor, fs_emit *emit, void *context)
{
    struct tmpfs_node *self = tmpfs_node_of(directory);
    struct fs_entry dot = {{".", 1}, directory->number, S_IFDIR, CURSOR_DOT};
    bool more = true;

    lock_take(&directory->fs->lock);
    if (self->directory.is_removed) {
        lock_give(&directory->fs->lock);
        return -ENOENT;
    }
    struct fs_entry dotdot = {{"..", 2},
                              self->directory.parent->node.number,
                              S_IFDIR,
                              CURSOR_DOTDOT};
    struct om_time now = time_now();

    if (time_read_counts(now, self->atime, self->mtime, self->ctime))
        self->atime = now;
    if (cursor < CURSOR_DOT)
        more = emit(context, &dot);
    if (more && cursor < CURSOR_DOTDOT)
        more = emit(context, &dotdot);
    if (more)
        emit_entries(&self->directory, cursor, emit, context);
    lock_give(&directory->fs->lock);
    return 0;
}

/* ---- Making and removing --------------------------------------------------------------------- */

static int may_add(struct tmpfs_node *directory, struct name name)
{
    if (directory->directory.is_removed)
        return -ENOENT;
    return tmpfs_find(directory, name) != NULL ? -EEXIST : 0;
}

static int make(struct tmpfs_node *directory, struct name name, const struct fs_template *template,
                struct tmpfs_node **child)
{
    struct tmpfs *tmpfs = tmpfs_of(&directory->node);
    int status = may_add(directory, name);

    if (status != 0)
        return status;
    struct tmpfs_entry *entry = tmpfs_entry_create(tmpfs, name);
    struct tmpfs_node *node = entry == NULL ? NULL : tmpfs_node_create(tmpfs, template);

    if (node == NULL) {
        tmpfs_entry_free(tmpfs, entry);
        return -ENOSPC;
    }
    node->links = node->node.type == S_IFDIR ? 2 : 1;
    tmpfs_entry_insert(directory, entry, node);
    *child = node;
    return 0;
}

int tmpfs_make(struct node *directory, struct name name, const struct fs_template *template,
               struct node **child)
{
    struct tmpfs_node *node = NULL;
    int status;

    lock_take(&directory->fs->lock);
    status = make(tmpfs_node_of(directory), name, template, &node);
    lock_give(&directory->fs->lock);
    if (status == 0)
        *child = &node->node;
    return status;
}

static int add_link(struct tmpfs_node *directory, struct name name, struct tmpfs_node *node)
{
    int status = may_add(directory, name);

    if (status != 0)
        return status;
    if (node->node.type == S_IFDIR)
        return -EPERM;
    if (node->links == 0)
        return -ENOENT;
    if (node->links == UINT32_MAX)
        return -EMLINK;
    struct tmpfs_entry *entry = tmpfs_entry_create(tmpfs_of(&directory->node), name);

    if (entry == NULL)
        return -ENOSPC;
    node->links++;
    tmpfs_entry_insert(directory, entry, node);
    tmpfs_node_changed(node);
    return 0;
}

int tmpfs_link(struct node *directory, struct name name, struct node *node)
{
    int status;

    ASSERT(directory->fs == node->fs);
    lock_take(&directory->fs->lock);
    status = add_link(tmpfs_node_of(directory), name, tmpfs_node_of(node));
    lock_give(&directory->fs->lock);
    return status;
}

static int unlink_check(const struct tmpfs_entry *entry, bool is_directory)
{
    if (entry == NULL)
        return -ENOENT;
    if (!is_directory)
        return entry->node->node.type == S_IFDIR ? -EISDIR : 0;
    if (entry->node->node.type != S_IFDIR)
        return -ENOTDIR;
    return entry->node->directory.count > 0 ? -ENOTEMPTY : 0;
}

int tmpfs_unlink(struct node *directory, struct name name, bool is_directory)
{
    struct tmpfs_node *self = tmpfs_node_of(directory);
    struct tmpfs_entry *entry;
    int status;

    lock_take(&directory->fs->lock);
    entry = tmpfs_find(self, name);
    status = unlink_check(entry, is_directory);
    if (status == 0) {
        struct tmpfs_node *node = entry->node;

        tmpfs_entry_remove(self, entry);
        if (is_directory)
            tmpfs_directory_orphan(node);
        else
            node->links--;
        tmpfs_node_changed(node);
        tmpfs_node_check(node);
        tmpfs_entry_free(tmpfs_of(directory), entry);
    }
    lock_give(&directory->fs->lock);
    return status;
}
