/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names, one rule of UNIX a case: what each operation refuses, and with which error; renaming in
 * all its forms; files that live on without a name; cursors of directories; hash-indexed
 * directories.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"
#include "kit/endian.h"

#define ROUGHLY_A_NAME "a-name-of-some-length"

static int set_up(void **state)
{
    struct host *host = malloc(sizeof(*host));

    host_make(host, "-b 1024", 4 << 20);
    host_mount(host);
    *state = host;
    return 0;
}

static int tear_down(void **state)
{
    struct host *host = *state;

    host_unmount(host);
    host_check(host);
    host_free(host);
    free(host);
    return 0;
}

static uint32_t inode_of(struct host *host, const char *path)
{
    struct ext2_attributes attributes;
    int status = host_attributes(host, path, &attributes);

    return status == 0 ? attributes.inode : 0;
}

static uint32_t links_of(struct host *host, const char *path)
{
    struct ext2_attributes attributes;

    assert_int_equal(host_attributes(host, path, &attributes), 0);
    return attributes.links;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static void lengths_and_characters(void **state)
{
    struct host *host = *state;
    char name[300];

    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[257] = 0;
    assert_int_equal(host_touch(host, name), -ENAMETOOLONG);
    assert_int_equal(host_unlink(host, name), -ENAMETOOLONG);
    name[256] = 0;
    assert_int_equal(host_touch(host, name), 0);
    assert_int_not_equal(inode_of(host, name), 0);
    assert_int_equal(host_rename(host, name, "/y", 0), 0);

    struct ext2_inode *root = NULL;
    struct ext2_inode *inode = NULL;
    struct ext2_template template = {.mode = EXT2_TYPE_REGULAR};

    assert_int_equal(host_open(host, "/", &root), 0);
    assert_int_equal(HOST_RUN(host, ext2_create(op, &host->fs, root, (struct ext2_name){"a/b", 3},
                                                &template, &inode)),
                     -EINVAL);
    assert_int_equal(HOST_RUN(host, ext2_create(op, &host->fs, root, (struct ext2_name){"a\0b", 3},
                                                &template, &inode)),
                     -EINVAL);
    assert_int_equal(HOST_RUN(host, ext2_create(op, &host->fs, root, (struct ext2_name){"", 0},
                                                &template, &inode)),
                     -ENOENT);
    template.mode = 0x3000 | 0644;
    assert_int_equal(HOST_RUN(host,
                              ext2_create(op, &host->fs, root, host_name("z"), &template, &inode)),
                     -EINVAL);
    host_release(host, root);
}

static void names_that_exist(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_mkdir(host, "/d"), -EEXIST);
    assert_int_equal(host_touch(host, "/d"), -EEXIST);
    assert_int_equal(host_mkdir(host, "/f"), -EEXIST);
    assert_int_equal(host_mkdir(host, "/d/."), -EEXIST);
    assert_int_equal(host_mkdir(host, "/d/.."), -EEXIST);
    assert_int_equal(host_touch(host, "/f/x"), -ENOTDIR);
    assert_int_equal(host_touch(host, "/nothing/x"), -ENOENT);
    assert_int_equal(links_of(host, "/d"), 2);
    assert_int_equal(links_of(host, "/"), 4);
}

static void devices(void **state)
{
    static const uint32_t numbers[][2] = {{1, 3},   {0, 0},   {255, 255},
                                          {256, 0}, {8, 256}, {4095, 0xfffff}};
    struct host *host = *state;
    struct ext2_attributes attributes;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct ext2_template template = {
            .mode = (i % 2 ? EXT2_TYPE_BLOCK : EXT2_TYPE_CHARACTER) | 0600,
            .uid = 70000,
            .gid = 80000,
            .device_major = numbers[i][0],
            .device_minor = numbers[i][1],
        };
        char path[16];

        snprintf(path, sizeof(path), "/dev%zu", i);
        assert_int_equal(host_create(host, path, &template), 0);
        host_unmount(host);
        host_mount(host);
        assert_int_equal(host_attributes(host, path, &attributes), 0);
        assert_int_equal(attributes.mode, template.mode);
        assert_int_equal(attributes.uid, 70000);
        assert_int_equal(attributes.gid, 80000);
        assert_int_equal(attributes.device_major, numbers[i][0]);
        assert_int_equal(attributes.device_minor, numbers[i][1]);
    }
}

static void symbolic_links(void **state)
{
    static const uint32_t lengths[] = {1, 59, 60, 61, 1023};
    struct host *host = *state;
    char target[1100];
    char path[16];
    char read[1100];

    memset(target, 't', sizeof(target));
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        snprintf(path, sizeof(path), "/s%zu", i);
        target[lengths[i]] = 0;
        assert_int_equal(host_symlink(host, path, target), 0);
        target[lengths[i]] = 't';
    }
    target[1024] = 0;
    assert_int_equal(host_symlink(host, "/long", target), -ENAMETOOLONG);
    assert_int_equal(host_symlink(host, "/empty", ""), -ENOENT);
    host_unmount(host);
    host_mount(host);
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct ext2_attributes attributes;

        snprintf(path, sizeof(path), "/s%zu", i);
        memset(read, 0, sizeof(read));
        assert_int_equal(host_readlink(host, path, read, sizeof(read)), lengths[i]);
        assert_int_equal(strlen(read), lengths[i]);
        assert_memory_equal(read, target, lengths[i]);
        assert_int_equal(host_attributes(host, path, &attributes), 0);
        assert_int_equal(attributes.sectors, lengths[i] < 60 ? 0 : 2);
        memset(read, 0, sizeof(read));
        assert_int_equal(host_readlink(host, path, read, 1), lengths[i]);
        assert_int_equal(read[1], 0);
    }
    assert_int_equal(host_readlink(host, "/", read, sizeof(read)), -EINVAL);
    assert_int_equal(host_unlink(host, "/s0"), 0);
    assert_int_equal(host_unlink(host, "/s4"), 0);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static void hard_links(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_link(host, "/f", "/d/g"), 0);
    assert_int_equal(inode_of(host, "/f"), inode_of(host, "/d/g"));
    assert_int_equal(links_of(host, "/f"), 2);
    assert_int_equal(host_link(host, "/f", "/d"), -EEXIST);
    assert_int_equal(host_link(host, "/d", "/e"), -EPERM);
    assert_int_equal(host_link(host, "/none", "/e"), -ENOENT);
    assert_int_equal(host_unlink(host, "/f"), 0);
    assert_int_equal(links_of(host, "/d/g"), 1);
    assert_int_equal(host_unlink(host, "/d/g"), 0);
}

static void no_name_for_a_deleted_file(void **state)
{
    struct host *host = *state;
    struct ext2_inode *inode = NULL;
    struct ext2_inode *root = NULL;

    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_open(host, "/f", &inode), 0);
    assert_int_equal(host_unlink(host, "/f"), 0);
    assert_int_equal(host_open(host, "/", &root), 0);
    assert_int_equal(HOST_RUN(host, ext2_link(op, &host->fs, root, host_name("g"), inode)),
                     -ENOENT);
    host_release(host, root);
    host_release(host, inode);
}

/* debugfs sets what would take 32,000 operations. */
static void most_links(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_mkdir(host, "/e"), 0);
    assert_int_equal(host_touch(host, "/f"), 0);
    host_unmount(host);
    host_command(host, "debugfs -w -R 'sif /d links_count 31999' %s 2>/dev/null");
    host_command(host, "debugfs -w -R 'sif /f links_count 31999' %s 2>/dev/null");
    host_mount(host);
    assert_int_equal(host_mkdir(host, "/d/1"), 0);
    assert_int_equal(host_mkdir(host, "/d/2"), -EMLINK);
    assert_int_equal(host_rename(host, "/e", "/d/e", 0), -EMLINK);
    assert_int_equal(host_rename(host, "/e", "/d/1", 0), 0);
    assert_int_equal(host_rename(host, "/d/1", "/e", 0), 0);
    assert_int_equal(host_touch(host, "/d/file"), 0);
    assert_int_equal(host_link(host, "/f", "/g"), 0);
    assert_int_equal(host_link(host, "/f", "/h"), -EMLINK);
    host_unmount(host);
    host_command(host, "debugfs -w -R 'sif /d links_count 2' %s 2>/dev/null");
    host_command(host, "debugfs -w -R 'sif /f links_count 2' %s 2>/dev/null");
    host_mount(host);
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void removing(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_touch(host, "/d/f"), 0);
    assert_int_equal(host_unlink(host, "/d"), -EISDIR);
    assert_int_equal(host_rmdir(host, "/d"), -ENOTEMPTY);
    assert_int_equal(host_rmdir(host, "/d/f"), -ENOTDIR);
    assert_int_equal(host_rmdir(host, "/d/."), -EINVAL);
    assert_int_equal(host_rmdir(host, "/d/.."), -ENOTEMPTY);
    assert_int_equal(host_unlink(host, "/d/.."), -EISDIR);
    assert_int_equal(host_unlink(host, "/none"), -ENOENT);
    assert_int_equal(host_rmdir(host, "/none"), -ENOENT);
    assert_int_equal(host_unlink(host, "/d/f"), 0);
    assert_int_equal(host_rmdir(host, "/d"), 0);
    assert_int_equal(links_of(host, "/"), 3);
}

static void deleted_file_lives_while_open(void **state)
{
    struct host *host = *state;
    struct ext2_inode *inode = NULL;
    struct ext2_statistics before;
    struct ext2_statistics after;
    char text[16] = "";

    assert_int_equal(host_mkdir(host, "/keeps-the-root-block"), 0);
    ext2_statistics_get(&host->fs, &before);
    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_open(host, "/f", &inode), 0);
    assert_int_equal(host_write(host, inode, 0, "before", 6), 6);
    assert_int_equal(host_unlink(host, "/f"), 0);
    assert_int_equal(inode->links, 0);
    assert_int_equal(host_write(host, inode, 300000, "after", 5), 5);
    assert_int_equal(host_read(host, inode, 0, text, 6), 6);
    assert_string_equal(text, "before");
    assert_int_equal(host_truncate(host, inode, 3), 0);
    assert_int_equal(inode->size_bytes, 3);
    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_unlink(host, "/f"), 0);
    assert_int_equal(host_release(host, inode), 0);
    ext2_statistics_get(&host->fs, &after);
    assert_int_equal(before.free_blocks, after.free_blocks);
    assert_int_equal(before.free_inodes, after.free_inodes);
}

static bool count_entry(void *context, const struct ext2_entry *entry)
{
    (void)entry;
    ++*(int *)context;
    return true;
}

static void deleted_directory_is_empty(void **state)
{
    struct host *host = *state;
    struct ext2_inode *inode = NULL;
    struct ext2_inode *out = NULL;
    struct ext2_template template = {.mode = EXT2_TYPE_REGULAR};
    uint64_t cursor = 0;
    int count = 0;

    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_open(host, "/d", &inode), 0);
    assert_int_equal(host_rmdir(host, "/d"), 0);
    assert_int_equal(HOST_RUN(host,
                              ext2_create(op, &host->fs, inode, host_name("x"), &template, &out)),
                     -ENOENT);
    assert_int_equal(HOST_RUN(host, ext2_lookup(op, &host->fs, inode, host_name(".."), &out)),
                     -ENOENT);
    assert_int_equal(HOST_RUN(host,
                              ext2_readdir(op, &host->fs, inode, &cursor, count_entry, &count)),
                     0);
    assert_int_equal(count, 0);
    host_release(host, inode);
}

static void immutable_and_append_only(void **state)
{
    struct host *host = *state;
    struct ext2_inode *inode = NULL;
    struct ext2_extent extent;
    struct ext2_attributes attributes = {.mode = 0};

    assert_int_equal(host_touch(host, "/fixed"), 0);
    assert_int_equal(host_touch(host, "/log"), 0);
    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_mkdir(host, "/d"), 0);
    host_unmount(host);
    host_command(host, "debugfs -w -R 'sif /fixed flags 0x10' %s 2>/dev/null");
    host_command(host, "debugfs -w -R 'sif /log flags 0x20' %s 2>/dev/null");
    host_command(host, "debugfs -w -R 'sif /d flags 0x20' %s 2>/dev/null");
    host_mount(host);
    assert_int_equal(host_unlink(host, "/fixed"), -EPERM);
    assert_int_equal(host_unlink(host, "/log"), -EPERM);
    assert_int_equal(host_rename(host, "/fixed", "/x", 0), -EPERM);
    assert_int_equal(host_rename(host, "/f", "/log", 0), -EPERM);
    assert_int_equal(host_link(host, "/fixed", "/x"), -EPERM);
    assert_int_equal(host_touch(host, "/d/x"), 0);
    assert_int_equal(host_unlink(host, "/d/x"), -EPERM);
    assert_int_equal(host_rename(host, "/f", "/d/x", 0), -EPERM);
    assert_int_equal(host_rename(host, "/f", "/d/y", 0), 0);
    assert_int_equal(host_open(host, "/fixed", &inode), 0);
    assert_int_equal(HOST_RUN(host, ext2_attributes_set(op, &host->fs, inode, EXT2_SET_MODE,
                                                        &attributes)),
                     -EPERM);
    assert_int_equal(HOST_RUN(host, ext2_allocate(op, &host->fs, inode, 0, 1, &extent)), -EPERM);
    assert_int_equal(host_truncate(host, inode, 0), -EPERM);
    host_release(host, inode);
    assert_int_equal(host_open(host, "/log", &inode), 0);
    assert_int_equal(host_truncate(host, inode, 0), -EPERM);
    assert_int_equal(host_write(host, inode, 0, "line", 4), 4);
    host_release(host, inode);
}

/* ---- Renaming -------------------------------------------------------------------------------- */

struct rename_case {
    const char *from;
    const char *to;
    uint32_t flags;
    int expected;
};

/* In order; each sees what those before it did. /f /g files, /d/e/x, /empty, /full/y
 * directories. */
static const struct rename_case rename_cases[] = {
    {"/none", "/z", 0, -ENOENT},
    {"/f", "/none/z", 0, -ENOENT},
    {"/f", "/g/z", 0, -ENOTDIR},
    {"/f", "/f", 0, 0},
    {"/d", "/d", 0, 0},
    {"/f", "/d", 0, -EISDIR},
    {"/d", "/f", 0, -ENOTDIR},
    {"/d", "/full", 0, -ENOTEMPTY},
    {"/d", "/d/z", 0, -EINVAL},
    {"/d", "/d/e/z", 0, -EINVAL},
    {"/d", "/d/e/x", 0, -EINVAL},
    {"/d/e/x", "/d/e", 0, -ENOTEMPTY},
    {"/d/e/x", "/d", 0, -ENOTEMPTY},
    {"/d/.", "/z", 0, -EBUSY},
    {"/d/..", "/z", 0, -EBUSY},
    {"/f", "/d/.", 0, -EBUSY},
    {"/f", "/d/..", EXT2_RENAME_NOREPLACE, -EEXIST},
    {"/f", "/g", EXT2_RENAME_NOREPLACE, -EEXIST},
    {"/f", "/f", EXT2_RENAME_NOREPLACE, -EEXIST},
    {"/f", "/g", EXT2_RENAME_NOREPLACE | EXT2_RENAME_EXCHANGE, -EINVAL},
    {"/f", "/g", 8, -EINVAL},
    {"/f", "/z", EXT2_RENAME_EXCHANGE, -ENOENT},
    {"/d", "/d/e", EXT2_RENAME_EXCHANGE, -EINVAL},
    {"/d/e/x", "/d", EXT2_RENAME_EXCHANGE, -EINVAL},
    {"/f", "/h", EXT2_RENAME_NOREPLACE, 0},
    {"/h", "/f", 0, 0},
    {"/f", "/g", EXT2_RENAME_EXCHANGE, 0},
    {"/f", "/d/e", EXT2_RENAME_EXCHANGE, 0},
    {"/f", "/d/e", EXT2_RENAME_EXCHANGE, 0},
    {"/d/e", "/full/y", EXT2_RENAME_EXCHANGE, 0},
    {"/d/e", "/full/y", EXT2_RENAME_EXCHANGE, 0},
    {"/d/e", "/empty", 0, 0},
    {"/empty", "/d/e", 0, 0},
    {"/f", "/d/e/x/f", 0, 0},
    {"/d/e/x/f", "/g", 0, 0},
};

static void rename_table(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_touch(host, "/g"), 0);
    assert_int_equal(host_mkdir(host, "/d"), 0);
    assert_int_equal(host_mkdir(host, "/d/e"), 0);
    assert_int_equal(host_mkdir(host, "/d/e/x"), 0);
    assert_int_equal(host_mkdir(host, "/empty"), 0);
    assert_int_equal(host_mkdir(host, "/full"), 0);
    assert_int_equal(host_mkdir(host, "/full/y"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rename_cases); i++) {
        const struct rename_case *c = &rename_cases[i];
        int status = host_rename(host, c->from, c->to, c->flags);

        if (status != c->expected)
            fail_msg("case %zu, %s to %s: %d, expected %d", i, c->from, c->to, status, c->expected);
    }
    assert_int_equal(inode_of(host, "/f"), 0);
    assert_int_not_equal(inode_of(host, "/g"), 0);
    assert_int_equal(links_of(host, "/d"), 3);
    assert_int_equal(links_of(host, "/d/e"), 3);
    assert_int_equal(inode_of(host, "/d/e/x/../.."), inode_of(host, "/d"));
}

static void rename_follows_the_parent(void **state)
{
    struct host *host = *state;

    assert_int_equal(host_mkdir(host, "/a"), 0);
    assert_int_equal(host_mkdir(host, "/b"), 0);
    assert_int_equal(host_mkdir(host, "/a/d"), 0);
    assert_int_equal(inode_of(host, "/a/d/.."), inode_of(host, "/a"));
    assert_int_equal(host_rename(host, "/a/d", "/b/d", 0), 0);
    assert_int_equal(inode_of(host, "/b/d/.."), inode_of(host, "/b"));
    assert_int_equal(links_of(host, "/a"), 2);
    assert_int_equal(links_of(host, "/b"), 3);
    assert_int_equal(host_touch(host, "/a/d"), 0);
    assert_int_equal(host_rename(host, "/a/d", "/b/d", EXT2_RENAME_EXCHANGE), 0);
    assert_int_equal(inode_of(host, "/a/d/.."), inode_of(host, "/a"));
    assert_int_equal(links_of(host, "/a"), 3);
    assert_int_equal(links_of(host, "/b"), 2);
}

static void rename_over_an_open_file(void **state)
{
    struct host *host = *state;
    struct ext2_inode *inode = NULL;
    char text[4] = "";

    assert_int_equal(host_touch(host, "/new"), 0);
    assert_int_equal(host_touch(host, "/old"), 0);
    assert_int_equal(host_write_path(host, "/old", 0, "old", 3), 0);
    assert_int_equal(host_open(host, "/old", &inode), 0);
    assert_int_equal(host_rename(host, "/new", "/old", 0), 0);
    assert_int_equal(host_read(host, inode, 0, text, 3), 3);
    assert_string_equal(text, "old");
    assert_int_equal(inode->links, 0);
    assert_int_equal(host_release(host, inode), 0);
}

static void rename_below_itself_from_deep(void **state)
{
    struct host *host = *state;
    char path[1024] = "/top";

    assert_int_equal(host_mkdir(host, "/top"), 0);
    for (int i = 0; i < 60; i++) {
        strcat(path, "/d");
        assert_int_equal(host_mkdir(host, path), 0);
    }
    host_unmount(host);
    host->evicts = true;
    host->capacity = FS_OPERATION_FRAMES + 1;
    host_mount(host);
    strcat(path, "/x");
    assert_int_equal(host_rename(host, "/top", path, 0), -EINVAL);
    assert_int_equal(host_mkdir(host, "/other"), 0);
    assert_int_equal(host_rename(host, "/other", path, 0), 0);
}

/* A name moved within a crowded block: the new entry takes the old one's room, or splits its
 * record. */
static void rename_within_a_block(void **state)
{
    struct host *host = *state;
    char from[64];
    char to[64];

    assert_int_equal(host_mkdir(host, "/d"), 0);
    for (int i = 0; i < 40; i++) {
        snprintf(from, sizeof(from), "/d/%0*d", 1 + i % 30, i);
        assert_int_equal(host_touch(host, from), 0);
    }
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(from, sizeof(from), "/d/%0*d", 1 + (i + round) % 30, i);
            snprintf(to, sizeof(to), "/d/%0*d", 1 + (i + round + 1) % 30, i);
            assert_int_equal(host_rename(host, from, to, 0), 0);
        }
    }
}

/* ---- Reading directories --------------------------------------------------------------------- */

struct reading {
    int seen[200];
    int left; /* entries to take before the next refusal */
};

static bool take_entry(void *context, const struct ext2_entry *entry)
{
    struct reading *reading = context;
    int number = 0;

    if (reading->left-- == 0)
        return false;
    if (entry->name.bytes == 24 && sscanf(entry->name.text, ROUGHLY_A_NAME "%3d", &number) == 1)
        reading->seen[number]++;
    return true;
}

static void cursor_survives_changes(void **state)
{
    struct host *host = *state;
    struct ext2_inode *directory = NULL;
    struct reading reading = {.left = 0};
    uint64_t cursor = 0;
    char path[64];

    assert_int_equal(host_mkdir(host, "/d"), 0);
    for (int i = 0; i < 150; i++) {
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%03d", i);
        assert_int_equal(host_touch(host, path), 0);
    }
    assert_int_equal(host_open(host, "/d", &directory), 0);
    for (int i = 0; cursor < directory->size_bytes; i++) {
        reading.left = 3;
        assert_int_equal(HOST_RUN(host, ext2_readdir(op, &host->fs, directory, &cursor, take_entry,
                                                     &reading)),
                         0);
        assert_true(i < 200);
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%03d", i * 7 % 150);
        if (i % 2 == 0 && i * 7 % 150 % 3 == 0)
            assert_int_equal(host_unlink(host, path), inode_of(host, path) ? 0 : -ENOENT);
        snprintf(path, sizeof(path), "/d/x%d", i);
        assert_int_equal(host_touch(host, path), 0);
    }
    for (int i = 0; i < 150; i++) {
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%03d", i);
        if (inode_of(host, path) != 0)
            assert_int_equal(reading.seen[i], 1);
        else
            assert_in_range(reading.seen[i], 0, 1);
    }
    host_release(host, directory);
}

static void types_of_entries(void **state)
{
    struct host *host = *state;
    struct ext2_template fifo = {.mode = EXT2_TYPE_FIFO};
    const char *output = NULL;

    assert_int_equal(host_create(host, "/fifo", &fifo), 0);
    assert_int_equal(host_symlink(host, "/link", "x"), 0);
    assert_int_equal(host_touch(host, "/file"), 0);
    assert_int_equal(host_rename(host, "/fifo", "/file", EXT2_RENAME_EXCHANGE), 0);
    assert_int_equal(host_rename(host, "/link", "/fifo", 0), 0);
    host_unmount(host);
    output = host_command(host, "debugfs -R 'ls -l /' %s 2>/dev/null");
    assert_non_null(strstr(output, " fifo\n"));
    assert_non_null(strstr(output, " 120777 (7) "));
    assert_non_null(strstr(output, "  10000 (5) "));
    host_mount(host);
}

/* ---- Large directories ----------------------------------------------------------------------- */

static void fill(struct host *host, int first, int end)
{
    char path[64];

    for (int i = first; i < end; i++) {
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%d", i);
        assert_int_equal(host_touch(host, path), 0);
    }
}

static void grow_and_empty(void **state)
{
    struct host *host = *state;
    struct ext2_attributes attributes;
    char path[64];

    host->is_quick = true;
    assert_int_equal(host_mkdir(host, "/d"), 0);
    fill(host, 0, 700);
    assert_int_equal(host_attributes(host, "/d", &attributes), 0);
    assert_true(attributes.size_bytes > 12 * 1024);
    host_unmount(host);
    host_check(host);
    host_mount(host);
    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%d", (i * 211) % 700);
        assert_int_equal(host_unlink(host, path), 0);
    }
    assert_int_equal(host_rmdir(host, "/d"), 0);
}

static void hash_indexed_directory(void **state)
{
    struct host *host = *state;
    struct ext2_attributes attributes;
    char path[64];

    host->is_quick = true;
    assert_int_equal(host_mkdir(host, "/d"), 0);
    fill(host, 0, 400);
    host_unmount(host);
    host_command(host, "e2fsck -fyD %s 2>&1");
    host_mount(host);
    assert_int_equal(host_attributes(host, "/d", &attributes), 0);
    assert_true(attributes.flags & EXT2_FLAG_INDEX);
    for (int i = 0; i < 400; i++) {
        snprintf(path, sizeof(path), "/d/" ROUGHLY_A_NAME "%d", i);
        assert_int_not_equal(inode_of(host, path), 0);
    }
    assert_int_equal(host_attributes(host, "/d", &attributes), 0);
    assert_true(attributes.flags & EXT2_FLAG_INDEX);
    assert_int_equal(host_unlink(host, "/d/" ROUGHLY_A_NAME "7"), 0);
    assert_int_equal(host_attributes(host, "/d", &attributes), 0);
    assert_false(attributes.flags & EXT2_FLAG_INDEX);
    host_unmount(host);
    host_check(host);
    host_mount(host);
    fill(host, 400, 450);
    fill(host, 7, 8);
}

/* ---- Places ---------------------------------------------------------------------------------- */

static void directories_spread_and_files_stay(void **state)
{
    struct host host;
    bool used[8] = {false};
    int groups = 0;
    char path[32];

    (void)state;
    host_make(&host, "-b 1024 -g 1024 -N 2048", 8 << 20);
    host_mount(&host);
    for (int i = 0; i < 8; i++) {
        uint32_t group = 0;

        snprintf(path, sizeof(path), "/d%d", i);
        assert_int_equal(host_mkdir(&host, path), 0);
        group = (inode_of(&host, path) - 1) / host.fs.inodes_per_group;
        groups += !used[group];
        used[group] = true;
        for (int j = 0; j < 5; j++) {
            snprintf(path, sizeof(path), "/d%d/f%d", i, j);
            assert_int_equal(host_touch(&host, path), 0);
            assert_int_equal((inode_of(&host, path) - 1) / host.fs.inodes_per_group, group);
        }
        snprintf(path, sizeof(path), "/d%d/sub", i);
        assert_int_equal(host_mkdir(&host, path), 0);
        assert_int_equal((inode_of(&host, path) - 1) / host.fs.inodes_per_group, group);
    }
    assert_true(groups >= 7);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void parents_in_a_circle(void **state)
{
    struct host *host = *state;
    uint32_t block = 0;

    assert_int_equal(host_mkdir(host, "/a"), 0);
    assert_int_equal(host_mkdir(host, "/a/b"), 0);
    assert_int_equal(host_mkdir(host, "/a/b/c"), 0);
    assert_int_equal(host_mkdir(host, "/x"), 0);
    uint32_t a = inode_of(host, "/a");
    uint32_t c = inode_of(host, "/a/b/c");
    struct ext2_inode *inode = NULL;
    struct ext2_extent extent;

    assert_int_equal(host_open(host, "/a", &inode), 0);
    assert_int_equal(HOST_RUN(host, ext2_map(op, &host->fs, inode, 0, 1, NULL, &extent)), 0);
    block = extent.disk_block;
    host_release(host, inode);
    host_unmount(host);
    uint8_t *dotdot = host->disk + (uint64_t)block * 1024 + 12;

    assert_int_equal(le32_load(dotdot), EXT2_ROOT_INODE);
    le32_store(dotdot, c);
    host_mount(host);
    assert_int_equal(host_rename(host, "/x", "/a/b/c/x", 0), -EUCLEAN);
    assert_non_null(strstr(host->fs.message, "circle"));
    assert_true(host->fs.is_read_only);
    assert_int_equal(inode_of(host, "/a"), a);
    host_unmount(host);
    assert_int_not_equal(host_repair(host), 0);
    host_mount(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lengths_and_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_exist, set_up, tear_down),
        cmocka_unit_test_setup_teardown(devices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(symbolic_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hard_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_name_for_a_deleted_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(most_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleted_file_lives_while_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleted_directory_is_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(immutable_and_append_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_follows_the_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_over_an_open_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_below_itself_from_deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_within_a_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cursor_survives_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_of_entries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grow_and_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hash_indexed_directory, set_up, tear_down),
        cmocka_unit_test(directories_spread_and_files_stay),
        cmocka_unit_test_setup_teardown(parents_in_a_circle, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
