/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ext2 images, by the programs of e2fsprogs: the launcher knows nothing of the format but its
 * magic.
 */
#ifndef LAUNCHER_EXT2_H
#define LAUNCHER_EXT2_H

#include <stdbool.h>
#include <stdint.h>

#include "tree.h"

/* Whether the file has ext2's magic number at its place. */
bool ext2_recognise(int image);

/* Makes an empty file system with room for `bytes` and `inodes`. False after one line. */
bool ext2_make(int image, uint64_t bytes, uint64_t inodes);

/* Writes the tree over what the image holds; `fresh` says that it holds nothing. False after one
 * line. */
bool ext2_write(int image, const struct tree *tree, bool fresh);

/* Extracts what is in the folder `path` into the folder `target`. False after one line. */
bool ext2_extract(int image, const char *path, const char *target);

#endif
