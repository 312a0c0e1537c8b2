/* SPDX-License-Identifier: BSD-2-Clause */
/* The root directory of a run. See image.h. */
#include "image.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ext2.h"
#include "path.h"
#include "report.h"
#include "text.h"

/* What a run may add to a fresh image, which is sparse: a quarter of what is there, and this. */
#define IMAGE_SPARE_BYTES (UINT64_C(256) << 20)
#define IMAGE_SPARE_INODES 16384

/* A tree beyond this part of the site's memory goes to an image. */
#define TMPFS_SHARE 4

static int image_open(struct root *root)
{
    root->image = open(root->source, O_RDWR | O_CLOEXEC);
    if (root->image < 0) {
        report("--root '%s': %s", root->source, strerror(errno));
        return STATUS_BAD_USE;
    }
    if (!ext2_recognise(root->image)) {
        report("--root '%s': neither a folder nor an ext2 image", root->source);
        return STATUS_BAD_USE;
    }
    if (flock(root->image, LOCK_EX | LOCK_NB) < 0) {
        report("--root '%s': in use by another launcher", root->source);
        return STATUS_NO_DOMAIN;
    }
    return 0;
}

static bool files_check(const struct options *options)
{
    for (size_t i = 0; i < options->files_count; i++) {
        const char *source = options->files[i].source;
        struct stat status;
        int error = 0;
        if (stat(source, &status) < 0)
            error = errno;
        else if (!S_ISDIR(status.st_mode))
            error = ENOTDIR;
        if (error != 0) {
            report("--files '%s': %s", source, strerror(error));
            return false;
        }
    }
    return true;
}

/* --save writes into a folder that is new or empty: what lies there is never overwritten. */
static bool save_check(const struct options *options)
{
    DIR *folder = opendir(options->save);
    int found = 0;

    if (folder == NULL && errno == ENOENT)
        return true;
    if (folder == NULL) {
        report("--save '%s': %s", options->save, strerror(errno));
        return false;
    }
    while (found < 3 && readdir(folder) != NULL)
        found++;
    closedir(folder);
    if (found > 2) {
        report("--save '%s': the folder is not empty", options->save);
        return false;
    }
    return true;
}

/* Which of the ways a root goes to the site; its source and status are known. */
static int root_choose(struct root *root, const struct options *options, enum root_wish wish,
                       mode_t mode)
{
    if (S_ISDIR(mode)) {
        bool ext2 = wish == ROOT_ON_EXT2 || options->save != NULL;

        root->kind = ext2 && !options->icount ? ROOT_FRESH : ROOT_TMPFS;
        root->is_open = wish == ROOT_UNSAID && !ext2 && !options->icount;
        return 0;
    }
    if (options->icount) {
        report("--root '%s': an image is refused with --icount", root->source);
        return STATUS_BAD_USE;
    }
    root->kind = ROOT_IMAGE;
    int status = S_ISREG(mode) ? image_open(root) : STATUS_BAD_USE;
    if (!S_ISREG(mode))
        report("--root '%s': neither a folder nor an ext2 image", root->source);
    return status;
}

int root_plan(struct root *root, const struct options *options, enum root_wish wish)
{
    struct stat status;

    *root = (struct root){.image = -1};
    root->source =
        options->root != NULL ? text_format("%s", options->root) : path_house("build/root");
    if (!files_check(options))
        return STATUS_BAD_USE;
    if (stat(root->source, &status) < 0) {
        if (options->root != NULL)
            report("--root '%s': %s", root->source, strerror(errno));
        else
            report("%s: %s; has everything been built, by make?", root->source, strerror(errno));
        return options->root != NULL ? STATUS_BAD_USE : STATUS_NO_DOMAIN;
    }
    int result = root_choose(root, options, wish, status.st_mode);
    if (result == 0 && options->save != NULL && !save_check(options))
        result = STATUS_BAD_USE;
    return result;
}

bool root_prepare(struct root *root, const struct options *options)
{
    tree_create(&root->tree);
    if (root->kind != ROOT_IMAGE && !tree_add(&root->tree, root->source, "/"))
        return false;
    for (size_t i = 0; i < options->files_count; i++) {
        if (!tree_add(&root->tree, options->files[i].source, options->files[i].target))
            return false;
    }
    tree_number(&root->tree);
    if (root->is_open && root->tree.content_bytes > (options->memory_mib << 20) / TMPFS_SHARE)
        root->kind = ROOT_FRESH;
    if (root->kind == ROOT_FRESH) {
        uint64_t bytes = root->tree.content_bytes;
        uint64_t inodes = root->tree.node_count;
        root->image = file_unnamed();
        if (!ext2_make(root->image, bytes + bytes / 4 + IMAGE_SPARE_BYTES,
                       inodes + inodes / 4 + IMAGE_SPARE_INODES))
            return false;
    }
    bool anything = root->tree.node_count > 1;
    return root->kind == ROOT_TMPFS || !anything ||
           ext2_write(root->image, &root->tree, root->kind == ROOT_FRESH);
}

bool root_save(const struct root *root, const struct options *options)
{
    const char *path = options->files_count > 0 ? options->files[0].target : "/";

    assert(root->kind != ROOT_TMPFS && root->image >= 0);
    if (mkdir(options->save, 0777) < 0 && errno != EEXIST) {
        report("--save '%s': %s", options->save, strerror(errno));
        return false;
    }
    if (!ext2_extract(root->image, path, options->save))
        return false;
    if (path[1] == '\0') {
        /* The file system's own folder, which no root brought; it stays if something is in it. */
        char *lost = text_format("%s/lost+found", options->save);
        if (rmdir(lost) < 0 && errno != ENOENT && errno != ENOTEMPTY)
            report("%s: %s", lost, strerror(errno));
        free(lost);
    }
    return true;
}

void root_drop(struct root *root)
{
    tree_drop(&root->tree);
    if (root->image >= 0)
        close(root->image);
    free(root->source);
    *root = (struct root){.image = -1};
}
