/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root directory of a run: where it comes from, in what form the site gets it, and how it comes
 * back.
 */
#ifndef LAUNCHER_IMAGE_H
#define LAUNCHER_IMAGE_H

#include <stdbool.h>

#include "options.h"
#include "tree.h"

/* What a composition says of a root that comes from a folder. */
enum root_wish {
    ROOT_UNSAID, /* a tmpfs if it is small beside the site's memory, else an image */
    ROOT_ON_TMPFS,
    ROOT_ON_EXT2,
};

enum root_kind {
    ROOT_TMPFS, /* packed into the system archive, unpacked into a tmpfs */
    ROOT_FRESH, /* an ext2 image that this run makes and forgets */
    ROOT_IMAGE, /* the user's ext2 image, used in place */
};

struct root {
    enum root_kind kind;
    bool is_open;     /* ROOT_TMPFS, unless the tree turns out to be large */
    char *source;     /* the folder or the image; owned */
    struct tree tree; /* what this run packs: the root's folder with --files, or --files alone */
    int image;        /* the image's descriptor, for reading and writing; -1 with ROOT_TMPFS */
};

/* Chooses the kind, checks the folders and the image, and opens the image. --save and an image want
 * ext2, whatever the composition's wish is. 0, or the exit status after one line. */
int root_plan(struct root *root, const struct options *options, enum root_wish wish);

/* Reads the folders, decides what ROOT_UNSAID left open, and, but for ROOT_TMPFS, makes the image
 * or puts --files into it. False after one line. */
bool root_prepare(struct root *root, const struct options *options);

/* Extracts what --save asked for. False after one line. */
bool root_save(const struct root *root, const struct options *options);

void root_drop(struct root *root);

#endif
