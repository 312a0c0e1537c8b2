/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/start.h"

#include "chorus/log.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"
#include "subsystems/mix/om/tmpfs.h"
#include "subsystems/mix/om/unpack.h"

#define ROOT_MEMBER "root.cpio"
#define ROOT_DISK "/dev/vda"
#define TEXT_BYTES_MAX 65536u

enum root_kind { ROOT_UNSAID, ROOT_TMPFS, ROOT_EXT2 };

/* ---- What is wanted -------------------------------------------------------------------------- */

static enum root_kind kind_of(const char *word, size_t bytes)
{
    if (bytes == 5 && memcmp(word, "tmpfs", 5) == 0)
        return ROOT_TMPFS;
    return bytes == 4 && memcmp(word, "ext2", 4) == 0 ? ROOT_EXT2 : ROOT_UNSAID;
}

/* The launch record: KEY=VALUE, each ended by NUL (chorus/channel.h). */
static enum root_kind find_in_launch(const char *text, size_t bytes)
{
    static const char key[] = "root=";

    for (size_t at = 0; at < bytes; at += strnlen(text + at, bytes - at) + 1) {
        if (bytes - at > sizeof(key) - 1 && memcmp(text + at, key, sizeof(key) - 1) == 0)
            return kind_of(text + at + sizeof(key) - 1,
                           strnlen(text + at, bytes - at) - (sizeof(key) - 1));
    }
    return ROOT_UNSAID;
}

static size_t word_bytes(const char *text, size_t bytes)
{
    size_t length = 0;

    while (length < bytes && text[length] != ' ' && text[length] != '\t' && text[length] != '\n' &&
           text[length] != '#')
        length++;
    return length;
}

static size_t blank_bytes(const char *text, size_t bytes)
{
    size_t length = 0;

    while (length < bytes && (text[length] == ' ' || text[length] == '\t'))
        length++;
    return length;
}

/* The composition: a line "root KIND" (systems/README.md). */
static enum root_kind find_in_composition(const char *text, size_t bytes)
{
    while (bytes > 0) {
        const char *end = memchr(text, '\n', bytes);
        size_t line = end == NULL ? bytes : (size_t)(end - text) + 1;
        size_t at = blank_bytes(text, line);
        size_t word = word_bytes(text + at, line - at);

        if (word == 4 && memcmp(text + at, "root", 4) == 0) {
            at += word;
            at += blank_bytes(text + at, line - at);
            return kind_of(text + at, word_bytes(text + at, line - at));
        }
        text += line;
        bytes -= line;
    }
    return ROOT_UNSAID;
}

typedef enum root_kind find_kind(const char *text, size_t bytes);

static enum root_kind kind_in_member(struct om *om, struct archive *archive, const char *member,
                                     find_kind *find)
{
    enum root_kind kind = ROOT_UNSAID;
    size_t bytes;
    char *text;

    if (archive_open(archive, member, false) != 0)
        return kind;
    /* what counts stands at the beginning */
    bytes = (size_t)MIN(archive->bytes, (uint64_t)TEXT_BYTES_MAX);
    text = heap_allocate(&om->heap, bytes);
    if (text != NULL && archive_read(archive, 0, text, bytes) == 0)
        kind = find(text, bytes);
    heap_free(&om->heap, text, bytes);
    return kind;
}

/* ---- The root -------------------------------------------------------------------------------- */

static int create_tmpfs_root(struct om *om, struct archive *archive, struct fs **fs)
{
    int status;

    *fs = tmpfs_create(&om->heap, om_device_next(om), 0755);
    if (*fs == NULL)
        return -ENOMEM;
    status = archive_open(archive, ROOT_MEMBER, true);
    if (status == -ENOENT)
        return 0; /* an empty root, which tests fill themselves */
    tmpfs_set_source(*fs, archive);
    return status == 0 ? unpack(archive, &om->heap, *fs) : status;
}

static int mount_root(struct om *om, struct archive *archive)
{
    struct mount_wish wish = {.source = ROOT_DISK, .type = "ext2"};
    enum root_kind kind = kind_in_member(om, archive, "launch", find_in_launch);
    uint32_t number;
    int status;

    if (kind == ROOT_UNSAID)
        kind = kind_in_member(om, archive, "composition", find_in_composition);
    if (kind == ROOT_EXT2) {
        status = mount_fill(om, &wish, 0);
    } else {
        wish.source = wish.type = "tmpfs";
        status = create_tmpfs_root(om, archive, &wish.fs);
    }
    if (status != 0)
        return status;
    om->root = wish.fs->root;
    return mount_add(&om->mounts, &wish, &number);
}

/* ---- The others ------------------------------------------------------------------------------ */

static const struct {
    const char *directory; /* "" or one name, itself mounted before */
    const char *name;
    const char *source;
    const char *type;
    bool is_optional; /* a folder of the root will do */
} others[] = {
    {"", "proc", "proc", "port", false},       {"", "dev", "dev", "dev", false},
    {"dev", "pts", "devpts", "devpts", false}, {"dev", "shm", "shm", "tmpfs", false},
    {"", "tmp", "tmp", "tmpfs", true},
};

static struct name name_of(const char *text)
{
    return (struct name){text, (uint32_t)strlen(text)};
}

static int mount_other(struct om *om, uint32_t index)
{
    struct name name = name_of(others[index].name);
    struct node *directory = om->root, *there;
    uint32_t number;
    int status = 0;

    if (others[index].directory[0] == '\0')
        node_hold(directory);
    else if (!mount_find(&om->mounts, om->root, name_of(others[index].directory), &directory,
                         &number))
        return -ENOENT;
    if (others[index].is_optional && node_lookup(directory, name, &there) == 0)
        node_drop(there);
    else
        status =
            mount_name(om, directory, name, others[index].source, others[index].type, 0, &number);
    node_drop(directory);
    return status;
}

int start_mounts(struct om *om, struct archive *archive)
{
    int status = mount_root(om, archive);

    if (status != 0) {
        (void)log_print("om: no root file system: error %d\n", -status);
        return status;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(others) && status == 0; i++) {
        status = mount_other(om, i);
        if (status != 0)
            (void)log_print("om: cannot mount %s: error %d\n", others[i].name, -status);
    }
    return status;
}
