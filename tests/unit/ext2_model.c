/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on an ext2 file system beside a model of what UNIX says they do.
 *
 * The model is a tree of nodes with names, attributes and data. Each step picks an operation and a
 * place, predicts its result, lets the core do it, and compares. Every few hundred steps the whole
 * tree is compared, the file system is unmounted, e2fsck must find nothing wrong, and it is mounted
 * again. Data lies in windows around the places where a file's block map changes its shape; the
 * rest is holes.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"

#define NODES 400
#define ENTRIES 600
#define NAMES 20
#define WINDOWS 4
#define WINDOW_BYTES 8192
#define HANDLES 4
#define TARGET_MAX 200

struct node {
    uint32_t mode; /* 0: this place is free */
    uint32_t links;
    uint32_t uid;
    int parent; /* of a directory */
    uint64_t size;
    char target[TARGET_MAX + 1];
    uint8_t *data; /* WINDOWS windows */
    int handles;
};

struct entry {
    int directory; /* -1: this place is free */
    int name;
    int node;
};

struct model {
    struct host host;
    uint64_t random;
    struct node nodes[NODES];
    struct entry entries[ENTRIES];
    char names[NAMES][256];
    uint64_t window[WINDOWS]; /* offset of each window in a file */
    int handle[HANDLES];      /* nodes, or -1 */
    struct ext2_inode *handle_inode[HANDLES];
    uint32_t full; /* how often there was no space */
};

static uint32_t pick(struct model *model, uint32_t count)
{
    return host_random(&model->random) % count;
}

static bool is_directory(const struct node *node)
{
    return (node->mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY;
}

static bool is_file(const struct node *node)
{
    return (node->mode & EXT2_TYPE_MASK) == EXT2_TYPE_REGULAR;
}

/* ---- The model's tree ------------------------------------------------------------------------ */

static struct entry *find(struct model *model, int directory, int name)
{
    for (int i = 0; i < ENTRIES; i++)
        if (model->entries[i].directory == directory && model->entries[i].name == name)
            return &model->entries[i];
    return NULL;
}

static int children(const struct model *model, int directory)
{
    int count = 0;

    for (int i = 0; i < ENTRIES; i++)
        count += model->entries[i].directory == directory;
    return count;
}

static int free_node(const struct model *model)
{
    for (int i = 1; i < NODES; i++)
        if (model->nodes[i].mode == 0)
            return i;
    return -1;
}

static void add_entry(struct model *model, int directory, int name, int node)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (model->entries[i].directory < 0) {
            model->entries[i] = (struct entry){directory, name, node};
            return;
        }
    }
    fail_msg("the model is full");
}

static bool has_room(const struct model *model)
{
    int used = 0;

    for (int i = 0; i < ENTRIES; i++)
        used += model->entries[i].directory >= 0;
    return used < ENTRIES - 2 && free_node(model) >= 0;
}

/* Frees a node that has neither links nor handles. */
static void settle(struct model *model, int index)
{
    struct node *node = &model->nodes[index];

    if (node->links == 0 && node->handles == 0) {
        free(node->data);
        memset(node, 0, sizeof(*node));
    }
}

static void drop(struct model *model, struct entry *entry)
{
    struct node *node = &model->nodes[entry->node];
    int index = entry->node;

    if (is_directory(node)) {
        node->links = 0;
        model->nodes[entry->directory].links--;
    } else {
        node->links--;
    }
    entry->directory = -1;
    settle(model, index);
}

static bool is_below(const struct model *model, int directory, int above)
{
    while (directory != above && directory != 0)
        directory = model->nodes[directory].parent;
    return directory == above;
}

static int pick_directory(struct model *model)
{
    for (int tries = 0; tries < 60; tries++) {
        int i = (int)pick(model, NODES);

        if (model->nodes[i].links > 0 && is_directory(&model->nodes[i]))
            return i;
    }
    return 0;
}

static void path_of(const struct model *model, int directory, int name, char *path, size_t limit)
{
    if (directory != 0) {
        for (int i = 0; i < ENTRIES; i++)
            if (model->entries[i].directory >= 0 && model->entries[i].node == directory)
                path_of(model, model->entries[i].directory, model->entries[i].name, path, limit);
    }
    if (name >= 0) {
        size_t used = strlen(path);

        snprintf(path + used, limit - used, "/%s", model->names[name]);
    }
}

struct place {
    int directory;
    int name;
    struct entry *entry; /* NULL: no such name */
    char path[8192];
};

static void pick_place(struct model *model, struct place *place)
{
    place->directory = pick_directory(model);
    place->name = (int)pick(model, NAMES);
    place->entry = find(model, place->directory, place->name);
    place->path[0] = 0;
    path_of(model, place->directory, place->name, place->path, sizeof(place->path));
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* Compares a result with the prediction. False: there was no space, so nothing was to change. */
static bool judge(struct model *model, const char *what, const char *path, int status, int expected)
{
    struct ext2_statistics statistics;

    if (status == -ENOSPC && expected == 0) {
        ext2_statistics_get(&model->host.fs, &statistics);
        assert_true(statistics.free_blocks < 8 || statistics.free_inodes == 0);
        model->full++;
        return false;
    }
    if (status != expected)
        fail_msg("%s %s: %d, expected %d", what, path, status, expected);
    return status == 0;
}

static void step_create(struct model *model)
{
    static const uint32_t types[] = {EXT2_TYPE_REGULAR,   EXT2_TYPE_REGULAR,   EXT2_TYPE_DIRECTORY,
                                     EXT2_TYPE_DIRECTORY, EXT2_TYPE_SYMLINK,   EXT2_TYPE_FIFO,
                                     EXT2_TYPE_SOCKET,    EXT2_TYPE_CHARACTER, EXT2_TYPE_BLOCK};
    struct place place;
    uint32_t type = types[pick(model, ARRAY_SIZE(types))];
    char target[TARGET_MAX + 1];
    uint32_t target_bytes = 1 + pick(model, pick(model, 2) ? 59 : TARGET_MAX);
    int index = free_node(model);

    if (!has_room(model))
        return;
    pick_place(model, &place);
    memset(target, 'a' + (int)pick(model, 26), target_bytes);
    target[target_bytes] = 0;
    struct ext2_template template = {
        .mode = type | pick(model, 01000),
        .uid = pick(model, 100000),
        .gid = 5,
        .device_major = pick(model, 300),
        .device_minor = pick(model, 70000),
        .target = target,
        .target_bytes = target_bytes,
    };
    int status = host_create(&model->host, place.path, &template);

    if (!judge(model, "create", place.path, status, place.entry ? -EEXIST : 0))
        return;
    struct node *node = &model->nodes[index];

    node->mode = template.mode;
    node->uid = template.uid;
    node->links = type == EXT2_TYPE_DIRECTORY ? 2 : 1;
    node->parent = place.directory;
    if (type == EXT2_TYPE_REGULAR)
        node->data = calloc(WINDOWS, WINDOW_BYTES);
    if (type == EXT2_TYPE_SYMLINK) {
        node->size = target_bytes;
        memcpy(node->target, target, target_bytes + 1);
    }
    add_entry(model, place.directory, place.name, index);
    model->nodes[place.directory].links += type == EXT2_TYPE_DIRECTORY;
}

static void step_unlink(struct model *model)
{
    struct place place;
    int expected = 0;

    pick_place(model, &place);
    if (place.entry == NULL)
        expected = -ENOENT;
    else if (is_directory(&model->nodes[place.entry->node]))
        expected = -EISDIR;
    if (judge(model, "unlink", place.path, host_unlink(&model->host, place.path), expected))
        drop(model, place.entry);
}

static void step_rmdir(struct model *model)
{
    struct place place;
    int expected = 0;

    pick_place(model, &place);
    if (place.entry == NULL)
        expected = -ENOENT;
    else if (!is_directory(&model->nodes[place.entry->node]))
        expected = -ENOTDIR;
    else if (children(model, place.entry->node) > 0)
        expected = -ENOTEMPTY;
    if (judge(model, "rmdir", place.path, host_rmdir(&model->host, place.path), expected))
        drop(model, place.entry);
}

static void step_link(struct model *model)
{
    struct place from;
    struct place to;
    int expected = 0;

    if (!has_room(model))
        return;
    pick_place(model, &from);
    pick_place(model, &to);
    if (from.entry == NULL)
        expected = -ENOENT;
    else if (to.entry != NULL)
        expected = -EEXIST;
    else if (is_directory(&model->nodes[from.entry->node]))
        expected = -EPERM;
    if (!judge(model, "link", to.path, host_link(&model->host, from.path, to.path), expected))
        return;
    add_entry(model, to.directory, to.name, from.entry->node);
    model->nodes[from.entry->node].links++;
}

static int predict_rename(const struct model *model, const struct place *from,
                          const struct place *to, uint32_t flags)
{
    bool exchange = (flags & EXT2_RENAME_EXCHANGE) != 0;

    if (from->entry == NULL)
        return -ENOENT;
    if (to->entry != NULL && (flags & EXT2_RENAME_NOREPLACE))
        return -EEXIST;
    if (to->entry == NULL && exchange)
        return -ENOENT;
    if (to->entry != NULL && to->entry->node == from->entry->node)
        return 0;
    const struct node *source = &model->nodes[from->entry->node];
    const struct node *target = to->entry != NULL ? &model->nodes[to->entry->node] : NULL;

    if (is_directory(source) && is_below(model, to->directory, from->entry->node))
        return -EINVAL;
    if (exchange)
        return is_directory(target) && is_below(model, from->directory, to->entry->node) ? -EINVAL
                                                                                         : 0;
    if (target != NULL && is_directory(source) && !is_directory(target))
        return -ENOTDIR;
    if (target != NULL && is_directory(target)) {
        if (!is_directory(source))
            return -EISDIR;
        return children(model, to->entry->node) > 0 ? -ENOTEMPTY : 0;
    }
    return 0;
}

/* Makes `directory` the parent of a node that is moved there. */
static void adopt(struct model *model, int index, int old_directory, int directory)
{
    if (!is_directory(&model->nodes[index]))
        return;
    model->nodes[index].parent = directory;
    model->nodes[old_directory].links--;
    model->nodes[directory].links++;
}

static void step_rename(struct model *model)
{
    static const uint32_t choices[] = {0, 0, 0, EXT2_RENAME_NOREPLACE, EXT2_RENAME_EXCHANGE, 3, 4};
    struct place from;
    struct place to;
    uint32_t flags = choices[pick(model, ARRAY_SIZE(choices))];

    pick_place(model, &from);
    pick_place(model, &to);
    int expected = flags >= 3 ? -EINVAL : predict_rename(model, &from, &to, flags);
    int status = host_rename(&model->host, from.path, to.path, flags);

    if (!judge(model, "rename", to.path, status, expected) || from.entry == NULL)
        return;
    if (to.entry != NULL && to.entry->node == from.entry->node)
        return;
    int moved = from.entry->node;

    if (flags == EXT2_RENAME_EXCHANGE && to.entry != NULL) {
        from.entry->node = to.entry->node;
        to.entry->node = moved;
        adopt(model, from.entry->node, to.directory, from.directory);
    } else {
        if (to.entry != NULL)
            drop(model, to.entry);
        from.entry->directory = to.directory;
        from.entry->name = to.name;
    }
    adopt(model, moved, from.directory, to.directory);
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* Picks a file by name or by handle. NULL if there is none. */
static struct ext2_inode *pick_file(struct model *model, int *index, char *path, size_t limit)
{
    struct ext2_inode *inode = NULL;
    int handle = (int)pick(model, HANDLES);

    if (model->handle[handle] >= 0 && pick(model, 2)) {
        snprintf(path, limit, "handle %d", handle);
        *index = model->handle[handle];
        ext2_inode_reference(&model->host.fs, model->handle_inode[handle]);
        return model->handle_inode[handle];
    }
    for (int tries = 0; tries < 50; tries++) {
        struct entry *entry = &model->entries[pick(model, ENTRIES)];

        if (entry->directory >= 0 && is_file(&model->nodes[entry->node])) {
            path[0] = 0;
            path_of(model, entry->directory, entry->name, path, limit);
            assert_int_equal(host_open(&model->host, path, &inode), 0);
            *index = entry->node;
            return inode;
        }
    }
    return NULL;
}

static void step_write(struct model *model)
{
    static uint8_t bytes[WINDOW_BYTES];
    char path[8192];
    int index = 0;
    struct ext2_inode *inode = pick_file(model, &index, path, sizeof(path));
    uint32_t window = pick(model, WINDOWS);
    uint32_t start = pick(model, WINDOW_BYTES);
    uint32_t count = 1 + pick(model, WINDOW_BYTES - start);

    if (inode == NULL)
        return;
    struct node *node = &model->nodes[index];

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)host_random(&model->random);
    int64_t done = host_write(&model->host, inode, model->window[window] + start, bytes, count);

    if (done != (int64_t)count)
        judge(model, "write", path, -ENOSPC, 0);
    if (done > 0) {
        memcpy(node->data + window * WINDOW_BYTES + start, bytes, (size_t)done);
        node->size = MAX(node->size, model->window[window] + start + (uint64_t)done);
    }
    host_release(&model->host, inode);
}

static void step_truncate(struct model *model)
{
    char path[8192];
    int index = 0;
    struct ext2_inode *inode = pick_file(model, &index, path, sizeof(path));
    uint32_t window = pick(model, WINDOWS);
    uint64_t size = pick(model, 3) ? model->window[window] + pick(model, WINDOW_BYTES + 1) : 0;

    if (inode == NULL)
        return;
    struct node *node = &model->nodes[index];

    judge(model, "truncate", path, host_truncate(&model->host, inode, size), 0);
    for (window = 0; window < WINDOWS; window++) {
        uint64_t base = model->window[window];

        if (size < base + WINDOW_BYTES) {
            uint64_t keep = size > base ? size - base : 0;

            memset(node->data + window * WINDOW_BYTES + keep, 0, WINDOW_BYTES - keep);
        }
    }
    node->size = size;
    host_release(&model->host, inode);
}

static void step_attributes(struct model *model)
{
    struct ext2_inode *inode = NULL;
    struct place place;
    struct ext2_attributes attributes = {.mode = pick(model, 010000), .uid = pick(model, 70000)};

    pick_place(model, &place);
    if (place.entry == NULL)
        return;
    struct node *node = &model->nodes[place.entry->node];

    assert_int_equal(host_open(&model->host, place.path, &inode), 0);
    int status =
        HOST_RUN(&model->host, ext2_attributes_set(op, &model->host.fs, inode,
                                                   EXT2_SET_MODE | EXT2_SET_UID, &attributes));

    judge(model, "attributes", place.path, status, 0);
    node->mode = (node->mode & EXT2_TYPE_MASK) | attributes.mode;
    node->uid = attributes.uid;
    host_release(&model->host, inode);
}

/* Opens or closes a handle, which may be the last thing that holds a file. */
static void step_handle(struct model *model)
{
    char path[8192];
    int slot = (int)pick(model, HANDLES);
    int index = model->handle[slot];

    if (index >= 0) {
        host_release(&model->host, model->handle_inode[slot]);
        model->handle[slot] = -1;
        model->nodes[index].handles--;
        settle(model, index);
        return;
    }
    model->handle_inode[slot] = pick_file(model, &index, path, sizeof(path));
    if (model->handle_inode[slot] == NULL)
        return;
    model->handle[slot] = index;
    model->nodes[index].handles++;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static void compare_data(struct model *model, struct ext2_inode *inode, const struct node *node)
{
    static uint8_t bytes[WINDOW_BYTES];

    assert_int_equal(inode->size_bytes, node->size);
    for (uint32_t window = 0; window < WINDOWS; window++) {
        memset(bytes, 0, sizeof(bytes));
        int64_t done = host_read(&model->host, inode, model->window[window], bytes, WINDOW_BYTES);
        uint64_t left = node->size > model->window[window] ? node->size - model->window[window] : 0;

        assert_int_equal(done, MIN(left, (uint64_t)WINDOW_BYTES));
        assert_memory_equal(bytes, node->data + window * WINDOW_BYTES, WINDOW_BYTES);
    }
}

struct listing {
    struct model *model;
    int directory;
    int count;
    int dots;
};

static bool check_entry(void *context, const struct ext2_entry *entry)
{
    struct listing *listing = context;
    struct model *model = listing->model;

    if (entry->name.bytes <= 2 && entry->name.text[0] == '.') {
        listing->dots++;
        return true;
    }
    for (int i = 0; i < NAMES; i++) {
        if (strlen(model->names[i]) == entry->name.bytes &&
            memcmp(model->names[i], entry->name.text, entry->name.bytes) == 0) {
            assert_non_null(find(model, listing->directory, i));
            listing->count++;
            return true;
        }
    }
    fail_msg("a name that nobody made");
    return false;
}

static void compare_listing(struct model *model, struct ext2_inode *inode, int directory)
{
    struct listing listing = {model, directory, 0, 0};
    uint64_t cursor = 0;
    int before = -1;

    while (before != listing.count + listing.dots) {
        before = listing.count + listing.dots;
        assert_int_equal(HOST_RUN(&model->host, ext2_readdir(op, &model->host.fs, inode, &cursor,
                                                             check_entry, &listing)),
                         0);
    }
    assert_int_equal(listing.count, children(model, directory));
    assert_int_equal(listing.dots, 2);
}

static void compare_node(struct model *model, int index, const char *path)
{
    struct node *node = &model->nodes[index];
    struct ext2_attributes attributes;
    struct ext2_inode *inode = NULL;
    char target[TARGET_MAX + 1] = "";

    assert_int_equal(host_open(&model->host, path, &inode), 0);
    ext2_attributes_get(&model->host.fs, inode, &attributes);
    assert_int_equal(attributes.mode, node->mode);
    assert_int_equal(attributes.links, node->links);
    assert_int_equal(attributes.uid, node->uid);
    if (is_directory(node))
        compare_listing(model, inode, index);
    if (is_file(node))
        compare_data(model, inode, node);
    if ((node->mode & EXT2_TYPE_MASK) == EXT2_TYPE_SYMLINK) {
        assert_int_equal(host_readlink(&model->host, path, target, TARGET_MAX), node->size);
        assert_string_equal(target, node->target);
    }
    host_release(&model->host, inode);
}

static void compare(struct model *model)
{
    char path[8192];

    compare_node(model, 0, "/");
    for (int i = 0; i < ENTRIES; i++) {
        struct entry *entry = &model->entries[i];

        if (entry->directory < 0)
            continue;
        path[0] = 0;
        path_of(model, entry->directory, entry->name, path, sizeof(path));
        compare_node(model, entry->node, path);
    }
    for (int i = 0; i < HANDLES; i++)
        if (model->handle[i] >= 0)
            compare_data(model, model->handle_inode[i], &model->nodes[model->handle[i]]);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void model_make(struct model *model, const char *options, uint64_t disk_bytes, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    host_make(&model->host, options, disk_bytes);
    model->random = seed;
    for (int i = 0; i < ENTRIES; i++)
        model->entries[i].directory = -1;
    for (int i = 0; i < HANDLES; i++)
        model->handle[i] = -1;
    for (int i = 0; i < NAMES; i++) {
        snprintf(model->names[i], sizeof(model->names[i]), "n%d", i);
        if (i % 4 == 3) {
            size_t used = strlen(model->names[i]);

            memset(model->names[i] + used, 'a' + i, 200);
            model->names[i][used + 200] = 0;
        }
    }
    model->nodes[0] = (struct node){.mode = EXT2_TYPE_DIRECTORY | 0755, .links = 2};
}

/* Takes over what mke2fs made, lost+found, by removing it, and puts the windows in place. */
static void model_mount(struct model *model)
{
    uint64_t block = 0;
    uint64_t pointers = 0;

    host_mount(&model->host);
    if (host_rmdir(&model->host, "/lost+found") == -ENOENT)
        return;
    block = model->host.fs.block_bytes;
    pointers = block / 4;
    model->window[1] = 12 * block - WINDOW_BYTES / 2;
    model->window[2] = (12 + pointers) * block - WINDOW_BYTES / 2;
    model->window[3] = (12 + pointers + pointers * pointers) * block - WINDOW_BYTES / 2;
}

static void step(struct model *model)
{
    static void (*const steps[])(struct model *) = {
        step_create,   step_create,     step_create, step_unlink, step_rmdir,
        step_link,     step_rename,     step_rename, step_write,  step_write,
        step_truncate, step_attributes, step_handle,
    };

    model->host.now.seconds++;
    steps[pick(model, ARRAY_SIZE(steps))](model);
}

static void close_handles(struct model *model)
{
    for (int i = 0; i < HANDLES; i++) {
        int index = model->handle[i];

        if (index < 0)
            continue;
        assert_int_equal(host_release(&model->host, model->handle_inode[i]), 0);
        model->handle[i] = -1;
        model->nodes[index].handles--;
        settle(model, index);
    }
}

static void model_run(struct model *model, int rounds, int steps)
{
    for (int round = 0; round < rounds; round++) {
        model_mount(model);
        for (int i = 0; i < steps; i++)
            step(model);
        compare(model);
        close_handles(model);
        host_unmount(&model->host);
        host_check(&model->host);
        model_mount(model);
        compare(model);
        host_unmount(&model->host);
    }
    for (int i = 0; i < NODES; i++)
        free(model->nodes[i].data);
    host_free(&model->host);
}

/* One disk and how long to work on it. `tiny`: the cache holds what one operation pins, the pool
 * what a step refers to, and nothing stays in memory unpinned. `full`: how often space has to run
 * out. */
struct plan {
    const char *options;
    uint64_t disk_bytes;
    int rounds;
    int steps;
    bool tiny;
    uint32_t full;
};

static void work(const struct plan *plan, uint64_t seed)
{
    static struct model model;

    model_make(&model, plan->options, plan->disk_bytes, seed);
    if (plan->tiny) {
        model.host.capacity = FS_OPERATION_FRAMES + 1;
        model.host.pool = HANDLES + 6;
        model.host.evicts = true;
    }
    model_run(&model, plan->rounds, plan->steps);
    assert_true(model.full >= plan->full);
}

static void blocks_of_1k(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024", 6 << 20, 4, 1500, false, 0}, 1);
}

static void blocks_of_2k_old_inodes(void **state)
{
    (void)state;
    work(&(struct plan){"-b 2048 -I 128", 6 << 20, 2, 1500, false, 0}, 2);
}

static void blocks_of_4k(void **state)
{
    (void)state;
    work(&(struct plan){"-b 4096", 16 << 20, 4, 1500, false, 0}, 3);
}

static void revision_0(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024 -r 0", 6 << 20, 2, 1000, false, 0}, 4);
}

static void small_groups(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024 -g 512 -N 512", 6 << 20, 3, 1500, false, 0}, 5);
}

static void tiny_cache_that_forgets(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024", 4 << 20, 2, 1200, true, 0}, 6);
}

static void tiny_cache_of_4k(void **state)
{
    (void)state;
    work(&(struct plan){"-b 4096", 16 << 20, 2, 1200, true, 0}, 7);
}

static void full_disk(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024 -N 160 -m 0", 300 << 10, 4, 1500, false, 100}, 8);
}

static void few_inodes(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024 -N 32 -m 0", 1 << 20, 2, 1500, false, 100}, 9);
}

static void full_disk_of_many_groups(void **state)
{
    (void)state;
    work(&(struct plan){"-b 1024 -g 256 -N 160 -m 0", 1200 << 10, 3, 1500, true, 20}, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_1k),     cmocka_unit_test(blocks_of_2k_old_inodes),
        cmocka_unit_test(blocks_of_4k),     cmocka_unit_test(revision_0),
        cmocka_unit_test(small_groups),     cmocka_unit_test(tiny_cache_that_forgets),
        cmocka_unit_test(tiny_cache_of_4k), cmocka_unit_test(full_disk),
        cmocka_unit_test(few_inodes),       cmocka_unit_test(full_disk_of_many_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
