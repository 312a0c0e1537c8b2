/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root to be: several folders of the host, laid over each other into one tree of nodes.
 *
 * tree_add() puts a folder at a path inside; of two things with one name the later one stays,
 * except that two folders become one. tree_number() then finds hard links and gives inode numbers,
 * after which tree_walk() shows every node, a folder before what is in it, in the order of their
 * names' bytes: the same input gives the same archive. File contents stay in the host's files until
 * a writer of archives or images reads them.
 */
#ifndef LAUNCHER_TREE_H
#define LAUNCHER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct node {
    char *name;          /* one component; "" for the root; owned */
    char *source;        /* its file outside; NULL for a folder that was only implied; owned */
    struct stat status;  /* of source, as lstat() gives it, but for the owner; see tree.c */
    struct node *parent; /* NULL for the root */
    struct node **nodes; /* a folder's; in any order until tree_number(); owned */
    size_t node_count;
    struct node *first;  /* the first node in the walk that is the same file; itself, if it is */
    uint32_t number;     /* inode number, from 1; of first's file */
    uint32_t link_count; /* names of the file within the tree; of a folder, as UNIX counts */
};

struct tree {
    struct node *root;
    size_t node_count;
    uint64_t content_bytes; /* of all files, each rounded up to 4 KiB, and of the folders */
};

#define TREE_BLOCK_BYTES 4096

void tree_create(struct tree *tree);
void tree_drop(struct tree *tree);

/* Lays the folder `source` over `target`, which is normalised. False after one line. */
bool tree_add(struct tree *tree, const char *source, const char *target);

void tree_number(struct tree *tree);

/* Calls visit for each node, until it returns false; then returns false. `path` is the node's
 * path inside without the leading "/", "" for the root. */
typedef bool tree_visit(void *context, const struct node *node, const char *path);
bool tree_walk(const struct tree *tree, tree_visit *visit, void *context);

#endif
