/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged ext2 disks. See ext2_exercise.h.
 */
#include "tests/fuzz/ext2_exercise.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"
#include "kit/endian.h"
#include "tests/unit/ext2_host.h"

/* More passes than any operation on a disk of 512 blocks needs. */
#define PASSES_MAX 20000u
#define VISITS_MAX 120u
#define EXTENTS_MAX 2000u
#define FILE_BYTES_MAX (64u * 1024)

/* ---- Sound disks ----------------------------------------------------------------------------- */

static const char long_target[] =
    "/a/target/of/more/than/sixty/bytes/which/stands/in/a/block/of/its/own";

static void must(int status)
{
    if (status != 0)
        fail_msg("making a sound disk: %d", status);
}

static void populate(struct host *host)
{
    static uint8_t bytes[60 * 1024];
    struct ext2_template device = {.mode = EXT2_TYPE_BLOCK | 0600,
                                   .device_major = 8,
                                   .device_minor = 1};
    char path[300];

    must(host_mkdir(host, "/d"));
    must(host_mkdir(host, "/d/e"));
    must(host_mkdir(host, "/d/e/f"));
    must(host_mkdir(host, "/empty"));
    for (int i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "/d/%0120d", i);
        must(i % 3 ? host_touch(host, path) : host_symlink(host, path, "fast"));
    }
    must(host_symlink(host, "/long", long_target));
    must(host_create(host, "/sda1", &device));
    must(host_touch(host, "/file"));
    must(host_write_path(host, "/file", 0, bytes, sizeof(bytes)));
    must(host_touch(host, "/d/sparse"));
    must(host_write_path(host, "/d/sparse", 5 << 20, bytes, 3000));
    must(host_write_path(host, "/d/sparse", 100 << 20, bytes, 3000));
    must(host_link(host, "/file", "/d/e/link"));
}

/* Leaves the disk as after a crash with two deleted files open, one of them in the middle of a
 * cut. */
static void leave_orphans(struct host *host)
{
    struct ext2_inode *inode = NULL;

    must(host_open(host, "/d/sparse", &inode));
    must(host_unlink(host, "/d/sparse"));
    must(host_open(host, "/long", &inode));
    must(host_unlink(host, "/long"));
    must(host_sync(host));
}

/* What mke2fs and e2fsck can make and we do not: a hash-indexed directory, a block of
 * attributes. */
static void add_foreign_metadata(struct host *host)
{
    char command[512];
    char value[201];

    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    snprintf(command, sizeof(command), "debugfs -w -R 'ea_set /file user.a %s' %%s 2>&1", value);
    host_command(host, command);
    host_command(host, "e2fsck -fyD %s 2>&1");
}

static void note(struct exercise_disk *disk, uint32_t block)
{
    for (uint32_t i = 0; i < disk->metadata_count; i++)
        if (disk->metadata[i] == block)
            return;
    assert_true(disk->metadata_count < EXERCISE_BLOCKS_MAX);
    disk->metadata[disk->metadata_count++] = block;
}

/* Notes an indirect block and what hangs from it, if anything. */
static void note_tree(struct exercise_disk *disk, uint32_t block, uint32_t levels)
{
    if (block == 0)
        return;
    note(disk, block);
    for (uint32_t i = 0; levels > 1 && i < disk->block_bytes / 4; i++)
        note_tree(disk, le32_load(disk->bytes + (size_t)block * disk->block_bytes + i * 4),
                  levels - 1);
}

static void note_inode(struct exercise_disk *disk, const struct ext2_disk_inode *inode)
{
    uint32_t type = le16_load(inode->mode) & EXT2_TYPE_MASK;
    bool has_blocks = le32_load(inode->sectors) > 0;

    if (!has_blocks || le16_load(inode->links) == 0)
        return;
    if (le32_load(inode->xattr_block) != 0)
        note(disk, le32_load(inode->xattr_block));
    for (uint32_t i = 0; i < EXT2_DIRECT_BLOCKS; i++) {
        uint32_t block = le32_load(inode->pointers[i]);

        if (block != 0 && (type == EXT2_TYPE_DIRECTORY || type == EXT2_TYPE_SYMLINK))
            note(disk, block);
    }
    for (uint32_t i = 0; i < EXT2_INDIRECT_LEVELS; i++)
        note_tree(disk, le32_load(inode->pointers[EXT2_DIRECT_BLOCKS + i]), i + 1);
}

/* Finds the metadata of a disk with one block group. */
static void find_metadata(struct exercise_disk *disk, uint32_t inodes)
{
    uint32_t super = EXT2_SUPER_OFFSET / disk->block_bytes;
    size_t group_at = (size_t)(super + 1) * disk->block_bytes;
    const struct ext2_disk_group *group = (const void *)(disk->bytes + group_at);
    const struct ext2_disk_super *super_bytes = (const void *)(disk->bytes + EXT2_SUPER_OFFSET);
    uint32_t inode_bytes = le16_load(super_bytes->inode_bytes);
    uint32_t table = le32_load(group->inode_table);

    note(disk, super);
    note(disk, super + 1);
    note(disk, le32_load(group->block_bitmap));
    note(disk, le32_load(group->inode_bitmap));
    for (uint32_t i = 0; i < inodes; i++) {
        size_t at = (size_t)table * disk->block_bytes + (size_t)i * inode_bytes;

        note(disk, (uint32_t)(at / disk->block_bytes));
        if (i + 1 == EXT2_ROOT_INODE || i + 1 >= EXT2_FIRST_INODE_OLD)
            note_inode(disk, (const void *)(disk->bytes + at));
    }
}

static void make_disk(struct exercise_disk *disk, const char *options, size_t bytes, bool crashes)
{
    struct host host;

    host_make(&host, options, bytes);
    host_mount(&host);
    populate(&host);
    host_unmount(&host);
    host_check(&host);
    if (crashes) {
        host_mount(&host);
        leave_orphans(&host);
        host_crash(&host);
    } else {
        add_foreign_metadata(&host);
        host_check(&host);
    }
    memset(disk, 0, sizeof(*disk));
    disk->bytes = host.disk;
    disk->bytes_count = bytes;
    disk->block_bytes =
        1024u << le32_load(((struct ext2_disk_super *)(disk->bytes + 1024))->log_block_size);
    find_metadata(disk, 56);
}

void exercise_make(struct exercise_disk disks[EXERCISE_DISKS])
{
    make_disk(&disks[0], "-b 1024 -N 64", 512 << 10, false);
    make_disk(&disks[1], "-b 4096 -N 64", 1 << 20, false);
    make_disk(&disks[2], "-b 1024 -N 64 -I 128", 512 << 10, true);
}

void exercise_free(struct exercise_disk disks[EXERCISE_DISKS])
{
    for (uint32_t i = 0; i < EXERCISE_DISKS; i++)
        free(disks[i].bytes);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

/* Ends the program at an error that neither damage nor a full disk nor a strange tree explains. */
static int expect(int status)
{
    static const int explained[] = {0,        -EUCLEAN,      -EROFS,  -ENOENT,    -EEXIST, -ENOSPC,
                                    -ENOTDIR, -EISDIR,       -EINVAL, -ENOTEMPTY, -EMLINK, -EFBIG,
                                    -EPERM,   -ENAMETOOLONG, -EBUSY,  -ENFILE};

    for (size_t i = 0; i < ARRAY_SIZE(explained); i++)
        if (status == explained[i])
            return status;
    fail_msg("an error that damage does not explain: %d", status);
    return status;
}

/* One entry met on the walk: a directory's number and a name in it. */
struct visit {
    uint32_t directory;
    uint32_t file_type;
    uint32_t inode;
    char text[EXT2_NAME_MAX];
    uint32_t bytes;
};

struct walk {
    struct host *host;
    struct visit visits[VISITS_MAX];
    uint32_t count;
    uint32_t directory; /* being read */
};

static bool take_entry(void *context, const struct ext2_entry *entry)
{
    struct walk *walk = context;
    struct visit *visit = &walk->visits[walk->count];

    if (walk->count == VISITS_MAX)
        return false;
    visit->directory = walk->directory;
    visit->file_type = entry->file_type;
    visit->inode = entry->inode;
    visit->bytes = entry->name.bytes;
    assert_in_range(entry->name.bytes, 1, EXT2_NAME_MAX);
    memcpy(visit->text, entry->name.text, entry->name.bytes);
    walk->count++;
    return true;
}

static struct ext2_name name_of(const struct visit *visit)
{
    return (struct ext2_name){visit->text, visit->bytes};
}

static bool is_dots(const struct visit *visit)
{
    return visit->text[0] == '.' &&
           (visit->bytes == 1 || (visit->bytes == 2 && visit->text[1] == '.'));
}

static void read_directory(struct walk *walk, struct ext2_inode *directory)
{
    struct host *host = walk->host;
    uint64_t cursor = 0;
    uint64_t before = 1;

    walk->directory = directory->number;
    while (cursor != before && walk->count < VISITS_MAX) {
        before = cursor;
        if (expect(HOST_RUN(host, ext2_readdir(op, &host->fs, directory, &cursor, take_entry,
                                               walk))) != 0)
            break;
    }
}

static void read_file(struct host *host, struct ext2_inode *inode)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    struct ext2_cursor cursor = {0};
    struct ext2_extent extent;
    uint32_t at = 0;

    expect((int)MIN(host_read(host, inode, 0, bytes, sizeof(bytes)), 0));
    for (uint32_t i = 0; i < EXTENTS_MAX && at < UINT32_MAX / 2; i++) {
        if (expect(HOST_RUN(host, ext2_map(op, &host->fs, inode, at, UINT32_MAX / 2, &cursor,
                                           &extent))) != 0)
            break;
        assert_true(extent.count > 0);
        at += extent.count;
    }
}

/* Looks at one inode in all ways that its type allows. */
static void look(struct walk *walk, struct ext2_inode *inode)
{
    struct host *host = walk->host;
    struct ext2_attributes attributes;
    char target[5000];
    uint32_t bytes = 0;

    ext2_attributes_get(&host->fs, inode, &attributes);
    switch (attributes.mode & EXT2_TYPE_MASK) {
    case EXT2_TYPE_REGULAR:
        read_file(host, inode);
        break;
    case EXT2_TYPE_DIRECTORY:
        read_directory(walk, inode);
        break;
    case EXT2_TYPE_SYMLINK:
        expect(HOST_RUN(host, ext2_readlink(op, &host->fs, inode, target, sizeof(target), &bytes)));
        break;
    default:
        break;
    }
}

/* Opens the directory and then the inode of a visit. The caller releases both. */
static int find(struct walk *walk, const struct visit *visit, struct ext2_inode **directory,
                struct ext2_inode **inode)
{
    struct host *host = walk->host;
    int status =
        expect(HOST_RUN(host, ext2_inode_open(op, &host->fs, visit->directory, directory)));

    *inode = NULL;
    if (status == 0)
        expect(HOST_RUN(host, ext2_lookup(op, &host->fs, *directory, name_of(visit), inode)));
    return status;
}

static void walk_tree(struct walk *walk)
{
    struct ext2_inode *root = NULL;
    struct ext2_inode *directory = NULL;
    struct ext2_inode *inode = NULL;
    struct host *host = walk->host;

    if (expect(HOST_RUN(host, ext2_inode_open(op, &host->fs, EXT2_ROOT_INODE, &root))) != 0)
        return;
    look(walk, root);
    host_release(host, root);
    for (uint32_t i = 0; i < walk->count; i++) {
        if (is_dots(&walk->visits[i]) || find(walk, &walk->visits[i], &directory, &inode) != 0)
            continue;
        if (inode != NULL) {
            look(walk, inode);
            host_release(host, inode);
        }
        host_release(host, directory);
    }
}

/* Writes to a file and cuts it, at places of each level of the map. */
static void change_file(struct host *host, struct ext2_inode *inode)
{
    static const uint64_t places[] = {0, 11 << 10, 13 << 10, 300 << 10, 5 << 20, 100 << 20};
    static const uint8_t bytes[3000] = {1};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        expect((int)MIN(host_write(host, inode, places[i], bytes, sizeof(bytes)), 0));
    for (size_t i = ARRAY_SIZE(places); i > 0; i -= 2)
        expect(host_truncate(host, inode, places[i - 1]));
}

static void change_attributes(struct host *host, struct ext2_inode *inode)
{
    struct ext2_attributes attributes = {.mode = 0700, .uid = 3};

    expect(HOST_RUN(host, ext2_attributes_set(op, &host->fs, inode, EXT2_SET_MODE | EXT2_SET_UID,
                                              &attributes)));
}

/* Makes names in a directory and moves the visit's own name about. */
static void change_directory(struct host *host, struct ext2_inode *directory,
                             struct ext2_inode *other, const struct visit *visit)
{
    static const uint32_t modes[] = {EXT2_TYPE_REGULAR, EXT2_TYPE_DIRECTORY, EXT2_TYPE_SYMLINK};
    struct ext2_name moved = {"moved-to-here", 13};
    char text[201];

    memset(text, 'n', sizeof(text));
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct ext2_template template = {.mode = modes[i] | 0755,
                                         .target = long_target,
                                         .target_bytes = sizeof(long_target) - 1};
        struct ext2_inode *inode = NULL;

        text[0] = (char)('a' + i);
        expect(HOST_RUN(host, ext2_create(op, &host->fs, directory,
                                          (struct ext2_name){text, sizeof(text) - 1}, &template,
                                          &inode)));
        if (inode != NULL)
            host_release(host, inode);
    }
    expect(HOST_RUN(host, ext2_rename(op, &host->fs, directory, name_of(visit), other, moved, 0)));
    expect(HOST_RUN(host, ext2_rename(op, &host->fs, other, moved, directory, name_of(visit),
                                      EXT2_RENAME_EXCHANGE)));
    expect(HOST_RUN(host, ext2_rename(op, &host->fs, other, moved, directory, name_of(visit), 0)));
}

static void change_tree(struct walk *walk)
{
    struct host *host = walk->host;
    struct ext2_inode *other = NULL;
    struct ext2_inode *directory = NULL;
    struct ext2_inode *inode = NULL;

    if (expect(HOST_RUN(host, ext2_inode_open(op, &host->fs, EXT2_ROOT_INODE, &other))) != 0)
        return;
    for (uint32_t i = 0; i < walk->count; i++) {
        const struct visit *visit = &walk->visits[i];

        if ((i % 5 != 0 && visit->file_type == EXT2_ENTRY_SYMLINK) || is_dots(visit) ||
            find(walk, visit, &directory, &inode) != 0)
            continue;
        if (inode != NULL) {
            uint32_t type = inode->mode & EXT2_TYPE_MASK;

            change_attributes(host, inode);
            if (type == EXT2_TYPE_REGULAR)
                change_file(host, inode);
            if (type == EXT2_TYPE_DIRECTORY || i % 7 == 0)
                change_directory(host, directory, other, visit);
            if (type == EXT2_TYPE_DIRECTORY) {
                host_release(host, other);
                other = inode;
            } else {
                host_release(host, inode);
            }
        }
        host_release(host, directory);
    }
    host_release(host, other);
}

static void remove_tree(struct walk *walk)
{
    struct host *host = walk->host;
    struct ext2_inode *directory = NULL;

    for (uint32_t i = walk->count; i > 0; i--) {
        const struct visit *visit = &walk->visits[i - 1];

        if (expect(HOST_RUN(host, ext2_inode_open(op, &host->fs, visit->directory, &directory))) !=
            0)
            continue;
        if (expect(HOST_RUN(host, ext2_unlink(op, &host->fs, directory, name_of(visit)))) ==
            -EISDIR)
            expect(HOST_RUN(host, ext2_rmdir(op, &host->fs, directory, name_of(visit))));
        host_release(host, directory);
        expect(HOST_RUN(host, ext2_reap(op, &host->fs)));
    }
}

void exercise_run(const struct exercise_disk *disk, uint8_t *bytes,
                  struct exercise_outcome *outcome)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    struct host host = {
        .disk_bytes = disk->bytes_count,
        .capacity = 100,
        .pool = 24,
        .steps_max = PASSES_MAX,
        .read_fault = HOST_NEVER,
        .write_fault = HOST_NEVER,
        .memory_fault = HOST_NEVER,
        .now = {1700000000, 0},
    };

    host.disk = bytes;
    if (host_try_mount(&host) != 0) {
        assert_non_null(host.fs.message);
        outcome->refused++;
        free(walk);
        return;
    }
    walk->host = &host;
    walk_tree(walk);
    change_tree(walk);
    walk->count = 0;
    walk_tree(walk);
    remove_tree(walk);
    free(walk);
    outcome->read_only += host.fs.is_read_only;
    outcome->unnoticed += !host.fs.is_read_only;
    assert_true(!host.fs.is_damaged || host.fs.message != NULL);
    expect(HOST_RUN(&host, ext2_unmount(op, &host.fs)));
    assert_int_equal(host_sync(&host), 0);
    host_crash(&host);
}
