/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root to be. See tree.h.
 *
 * I1  After tree_number() the nodes of a folder ascend by name, and first->first == first.
 * I2  Files of the user who starts the launcher belong to uid 0 inside, as PROGRAM runs with it;
 *     other owners are kept.
 */
#include "tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "text.h"

/* Folders within each other. Far above what a person makes, and kind to the stack. */
#define DEPTH_MAX 512

static struct node *node_create(const char *name, struct node *parent)
{
    struct node *node = memory_get(1, sizeof(*node));
    node->name = text_format("%s", name);
    node->parent = parent;
    node->first = node;
    node->status.st_mode = S_IFDIR | 0755;
    return node;
}

static void node_drop(struct node *node)
{
    for (size_t i = 0; i < node->node_count; i++)
        node_drop(node->nodes[i]);
    free(node->nodes);
    free(node->source);
    free(node->name);
    free(node);
}

void tree_create(struct tree *tree)
{
    *tree = (struct tree){.root = node_create("", NULL)};
}

void tree_drop(struct tree *tree)
{
    if (tree->root != NULL)
        node_drop(tree->root);
    *tree = (struct tree){0};
}

static struct node *node_find(const struct node *folder, const char *name)
{
    for (size_t i = 0; i < folder->node_count; i++) {
        if (strcmp(folder->nodes[i]->name, name) == 0)
            return folder->nodes[i];
    }
    return NULL;
}

static struct node *node_add(struct node *folder, const char *name)
{
    struct node *node = node_create(name, folder);
    folder->nodes = memory_grow(folder->nodes, folder->node_count, sizeof(struct node *));
    folder->nodes[folder->node_count++] = node;
    return node;
}

/* What stands at a name is now something else: forget what was in it, unless both are folders. */
static void node_replace(struct node *node, const char *source, const struct stat *status)
{
    if (!S_ISDIR(status->st_mode)) {
        for (size_t i = 0; i < node->node_count; i++)
            node_drop(node->nodes[i]);
        node->node_count = 0;
        free(node->nodes);
        node->nodes = NULL;
    }
    free(node->source);
    node->source = text_format("%s", source);
    node->status = *status;
    if (status->st_uid == geteuid())
        node->status.st_uid = 0;
    if (status->st_gid == getegid())
        node->status.st_gid = 0;
}

static bool folder_read(struct node *folder, bool was_empty, int depth);

/* Takes one name of a folder of the host. `is_new` spares the search in a folder that began
 * empty. */
static bool entry_read(struct node *folder, const char *name, bool is_new, int depth)
{
    char *source = text_format("%s/%s", folder->source, name);
    struct stat status;
    bool done = lstat(source, &status) == 0;

    if (!done) {
        report("%s: %s", source, strerror(errno));
    } else {
        struct node *node = is_new ? NULL : node_find(folder, name);
        if (node == NULL)
            node = node_add(folder, name);
        bool was_empty = node->node_count == 0;
        node_replace(node, source, &status);
        if (S_ISDIR(status.st_mode))
            done = folder_read(node, was_empty, depth + 1);
    }
    free(source);
    return done;
}

/* Takes all that is in the folder's source. */
static bool folder_read(struct node *folder, bool was_empty, int depth)
{
    if (depth > DEPTH_MAX) {
        report("%s: folders lie too deep", folder->source);
        return false;
    }
    DIR *directory = opendir(folder->source);
    if (directory == NULL) {
        report("%s: %s", folder->source, strerror(errno));
        return false;
    }
    bool done = true;
    while (done) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            done = errno == 0;
            if (!done)
                report("%s: %s", folder->source, strerror(errno));
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            done = entry_read(folder, entry->d_name, was_empty, depth);
    }
    closedir(directory);
    return done;
}

bool tree_add(struct tree *tree, const char *source, const char *target)
{
    struct node *node = tree->root;
    struct stat status;

    assert(target[0] == '/');
    if (stat(source, &status) != 0) {
        report("%s: %s", source, strerror(errno));
        return false;
    }
    for (const char *part = target + 1; *part != '\0';) {
        size_t length = strcspn(part, "/");
        char *name = text_format("%.*s", (int)length, part);
        struct node *next = node_find(node, name);
        if (next == NULL) {
            next = node_add(node, name);
        } else if (!S_ISDIR(next->status.st_mode)) {
            report("%s: cannot be put at %s, where %s is no folder", source, target, name);
            free(name);
            return false;
        }
        free(name);
        node = next;
        part += length;
        part += strspn(part, "/");
    }
    bool was_empty = node->node_count == 0;
    node_replace(node, source, &status);
    return folder_read(node, was_empty, 0);
}

static int node_compare(const void *left, const void *right)
{
    const struct node *const *a = left;
    const struct node *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* Files that may have several names, as the walk meets them. */
struct link_list {
    struct node **nodes;
    size_t count;
};

static void folder_number(struct tree *tree, struct node *folder, struct link_list *links)
{
    if (folder->node_count > 0)
        qsort(folder->nodes, folder->node_count, sizeof(struct node *), node_compare);
    folder->link_count = 2;
    tree->content_bytes += TREE_BLOCK_BYTES;
    for (size_t i = 0; i < folder->node_count; i++) {
        struct node *node = folder->nodes[i];
        node->number = (uint32_t)++tree->node_count;
        node->link_count = 1;
        /* What a folder needs for an entry: its name, eight bytes, and padding. */
        tree->content_bytes += strlen(node->name) + 16;
        if (S_ISDIR(node->status.st_mode)) {
            folder->link_count++;
            folder_number(tree, node, links);
            continue;
        }
        if (S_ISREG(node->status.st_mode) || S_ISLNK(node->status.st_mode)) {
            uint64_t bytes = (uint64_t)node->status.st_size;
            tree->content_bytes +=
                (bytes + TREE_BLOCK_BYTES - 1) & ~(uint64_t)(TREE_BLOCK_BYTES - 1);
        }
        if (node->status.st_nlink > 1) {
            links->nodes = memory_grow(links->nodes, links->count, sizeof(struct node *));
            links->nodes[links->count++] = node;
        }
    }
}

/* The same file of the host together, and each file's nodes in the order of the walk. */
static int link_compare(const void *left, const void *right)
{
    const struct node *a = *(struct node *const *)left;
    const struct node *b = *(struct node *const *)right;

    if (a->status.st_dev != b->status.st_dev)
        return a->status.st_dev < b->status.st_dev ? -1 : 1;
    if (a->status.st_ino != b->status.st_ino)
        return a->status.st_ino < b->status.st_ino ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static void links_join(struct link_list *links)
{
    for (size_t i = 0; i < links->count;) {
        struct node *first = links->nodes[i];
        size_t end = i + 1;
        while (end < links->count && links->nodes[end]->status.st_dev == first->status.st_dev &&
               links->nodes[end]->status.st_ino == first->status.st_ino)
            end++;
        for (size_t j = i; j < end; j++) {
            links->nodes[j]->first = first;
            links->nodes[j]->number = first->number;
            links->nodes[j]->link_count = (uint32_t)(end - i);
        }
        i = end;
    }
}

void tree_number(struct tree *tree)
{
    struct link_list links = {0};

    tree->node_count = 1;
    tree->content_bytes = 0;
    tree->root->number = 1;
    folder_number(tree, tree->root, &links);
    if (links.count > 0)
        qsort(links.nodes, links.count, sizeof(struct node *), link_compare);
    links_join(&links);
    free(links.nodes);
    assert(tree->root->first == tree->root && tree->node_count >= 1);
}

static bool node_walk(const struct node *node, struct text *path, tree_visit *visit, void *context)
{
    if (!visit(context, node, path->bytes))
        return false;
    size_t length = path->length;
    for (size_t i = 0; i < node->node_count; i++) {
        text_print(path, "%s%s", length > 0 ? "/" : "", node->nodes[i]->name);
        if (!node_walk(node->nodes[i], path, visit, context))
            return false;
        path->length = length;
        path->bytes[length] = '\0';
    }
    return true;
}

bool tree_walk(const struct tree *tree, tree_visit *visit, void *context)
{
    struct text path = {0};

    text_add(&path, "", 0);
    bool done = node_walk(tree->root, &path, visit, context);
    text_drop(&path);
    return done;
}
