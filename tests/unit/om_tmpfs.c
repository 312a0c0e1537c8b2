/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of OM's tmpfs through OM's operations: data and its times, what is open beyond its name,
 * listing while names come and go, and every allocation failing once.
 */
#include "tests/unit/om_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"

static int setup(void **state)
{
    (void)state;
    host_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_end();
    return 0;
}

/* ---- Data ------------------------------------------------------------------------------------ */

static void data_is_a_segment(void **state)
{
    struct opened file, again;
    struct om_attr attr;
    char text[20] = "";

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(file.attr.mode, S_IFREG | 0644);
    assert_int_equal(file.attr.size, 0);
    assert_int_equal(host_write(&file.segment, 0, "hello world", 11), 11);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.size, 11);
    assert_int_equal(attr.blocks, HOST_PAGE_BYTES / 512);
    assert_int_equal(host_open("/f", O_RDONLY, 0, &again), 0);
    assert_int_equal(again.segment.key, file.segment.key);
    assert_int_not_equal(again.key, file.key);
    assert_int_equal(host_read(&again.segment, 6, text, 20), 5);
    assert_string_equal(text, "world");
    assert_int_equal(host_truncate("/f", 4), 0);
    assert_int_equal(host_truncate("/f", 8), 0);
    assert_int_equal(host_read(&again.segment, 0, text, 20), 8);
    assert_memory_equal(text, "hell\0\0\0\0", 8);
    assert_int_equal(host_touch("/f", O_WRONLY | O_TRUNC, 0), 0);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.size, 0);
    assert_int_equal(host_truncate("/f", (uint64_t)1 << 63), -EFBIG);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host_close(again.key), 0);
    assert_int_equal(host.segments, 1);
}

/* A file that nobody opens for data has no segment. */
static void segments_come_with_need(void **state)
{
    struct om_attr attr;

    (void)state;
    assert_int_equal(host_mknod("/f", S_IFREG | 0600), 0);
    assert_int_equal(host_touch("/f", O_PATH, 0), 0);
    assert_int_equal(host_truncate("/f", 0), 0);
    assert_int_equal(host.segments, 0);
    assert_int_equal(host_truncate("/f", 5000), 0);
    assert_int_equal(host.segments, 1);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.size, 5000);
    assert_int_equal(host_unlink("/f"), 0);
    assert_int_equal(host.segments, 0);
}

static void open_beyond_the_name(void **state)
{
    struct opened file;
    char text[4];

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_write(&file.segment, 0, "abc", 3), 3);
    assert_int_equal(host_unlink("/f"), 0);
    assert_int_equal(host_touch("/f", O_RDONLY, 0), -ENOENT);
    assert_int_equal(host.segments, 1);
    assert_int_equal(host_read(&file.segment, 0, text, 3), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(key_hold(&host.om->keys, file.key), 0);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host.segments, 1);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host.segments, 0);
    assert_int_equal(host_close(file.key), -EBADF);
}

/* ---- Times ----------------------------------------------------------------------------------- */

static uint64_t time_ns(int64_t seconds, uint32_t nanoseconds)
{
    return (uint64_t)seconds * HOST_SECOND_NS + nanoseconds;
}

static void times_follow_the_data(void **state)
{
    struct opened file;
    struct om_attr before, after;
    char byte;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_stat("/f", 0, &before), 0);
    assert_int_equal(before.mtime_ns, before.ctime_ns);
    host_write(&file.segment, 0, "x", 1);
    assert_int_equal(host_stat("/f", 0, &after), 0);
    assert_true(time_ns(after.mtime_s, after.mtime_ns) > time_ns(before.mtime_s, before.mtime_ns));
    assert_int_equal(after.mtime_ns, after.ctime_ns);
    assert_int_equal(after.atime_ns, before.atime_ns);
    host_read(&file.segment, 0, &byte, 1);
    assert_int_equal(host_stat("/f", 0, &after), 0);
    assert_true(time_ns(after.atime_s, after.atime_ns) > time_ns(after.mtime_s, after.mtime_ns));
    before = after;
    host_read(&file.segment, 0, &byte, 1); /* within a day, and nothing changed: not recorded */
    assert_int_equal(host_stat("/f", 0, &after), 0);
    assert_int_equal(after.atime_ns, before.atime_ns);
    host.now_ns += UINT64_C(86400) * HOST_SECOND_NS;
    host_read(&file.segment, 0, &byte, 1);
    assert_int_equal(host_stat("/f", 0, &after), 0);
    assert_true(after.atime_s > before.atime_s);
    assert_int_equal(host_close(file.key), 0);
}

/* A time that was set stays, though the stamp of an earlier write was not collected yet. */
static void times_can_be_set(void **state)
{
    struct fs_change change = {.set = OM_SET_ATIME | OM_SET_MTIME,
                               .atime = {5, 6},
                               .mtime = {7, 8}};
    struct where where = host_where("/f");
    struct opened file;
    struct om_attr attr;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    host_write(&file.segment, 0, "x", 1);
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), 0);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(time_ns(attr.atime_s, attr.atime_ns), time_ns(5, 6));
    assert_int_equal(time_ns(attr.mtime_s, attr.mtime_ns), time_ns(7, 8));
    assert_true(attr.ctime_s >= (int64_t)(HOST_START_NS / HOST_SECOND_NS));
    change.mtime = (struct om_time){0, 1000000000};
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), -EINVAL);
    change.set = 128;
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), -EINVAL);
    assert_int_equal(host_close(file.key), 0);
}

static void directories_have_times(void **state)
{
    struct om_attr before, after;

    (void)state;
    assert_int_equal(host_mkdir("/d", 0755), 0);
    assert_int_equal(host_stat("/d", 0, &before), 0);
    assert_int_equal(host_mknod("/d/f", S_IFREG | 0644), 0);
    assert_int_equal(host_stat("/d", 0, &after), 0);
    assert_true(after.mtime_ns > before.mtime_ns);
    before = after;
    assert_int_equal(host_rename("/d/f", "/d/g", 0), 0);
    assert_int_equal(host_stat("/d", 0, &after), 0);
    assert_true(after.mtime_ns > before.mtime_ns);
    before = after;
    assert_int_equal(host_chmod("/d", 0700), 0);
    assert_int_equal(host_stat("/d", 0, &after), 0);
    assert_int_equal(after.mtime_ns, before.mtime_ns);
    assert_true(after.ctime_ns > before.ctime_ns);
}

/* ---- Listing --------------------------------------------------------------------------------- */

static void make_files(const char *folder, int first, int limit)
{
    char path[100];

    for (int i = first; i < limit; i++) {
        snprintf(path, sizeof(path), "%s/%d", folder, i);
        assert_int_equal(host_mknod(path, S_IFREG | 0644), 0);
    }
}

/* Reads one record at `cursor`; its name's number, or -1 at the end. */
static int read_one(struct node *directory, uint64_t *cursor, uint32_t room)
{
    uint8_t entries[64];
    uint32_t used = 0;

    assert_int_equal(directory_list(host.om, directory, cursor, entries, room, &used), 0);
    if (used == 0)
        return -1;
    assert_int_equal(used, le16_load(entries + 16));
    assert_int_equal(le64_load(entries + 8), *cursor);
    return atoi((const char *)entries + LINUX_DIRENT_NAME_OFFSET);
}

/* What was there all the time is listed once, whatever happens to the rest. */
static void listing_is_stable(void **state)
{
    bool seen[400] = {false};
    struct opened folder;
    uint64_t cursor = 0;
    char path[100];
    int number;

    (void)state;
    assert_int_equal(host_mkdir("/d", 0755), 0);
    make_files("/d", 100, 300);
    assert_int_equal(host_open("/d", O_DIRECTORY, 0, &folder), 0);
    struct node *node = key_node(&host.om->keys, folder.key);

    read_one(node, &cursor, 32); /* . and .. */
    read_one(node, &cursor, 32);
    for (int i = 0; (number = read_one(node, &cursor, 32)) >= 0; i++) {
        assert_true(number < 400);
        assert_false(seen[number]);
        seen[number] = true;
        if (i % 3 == 0 && i < 90) { /* behind the cursor, and the entry at the cursor itself */
            snprintf(path, sizeof(path), "/d/%d", number);
            assert_int_equal(host_unlink(path), 0);
        }
        if (i % 10 == 0 && i < 90)
            make_files("/d", 300 + i / 10, 301 + i / 10);
        if (i == 100) { /* before the cursor */
            assert_int_equal(host_unlink("/d/299"), 0);
            assert_int_equal(host_rename("/d/298", "/d/399", 0), 0);
        }
    }
    for (number = 100; number < 298; number++)
        assert_true(seen[number]);
    assert_false(seen[299]);
    assert_int_equal(read_one(node, &cursor, 32), -1);
    cursor = 0;
    uint8_t entries[64];
    uint32_t used;

    assert_int_equal(directory_list(host.om, node, &cursor, entries, 20, &used), -EINVAL);
    node_drop(node);
    assert_int_equal(host_close(folder.key), 0);
}

static void listing_of_what_was_removed(void **state)
{
    struct opened folder;
    uint8_t entries[64];
    uint64_t cursor = 0;
    uint32_t used;

    (void)state;
    assert_int_equal(host_mkdir("/d", 0755), 0);
    assert_int_equal(host_mkdir("/d/e", 0755), 0);
    assert_int_equal(host_open("/d/e", O_DIRECTORY, 0, &folder), 0);
    assert_int_equal(host_rmdir("/d/e"), 0);
    struct node *node = key_node(&host.om->keys, folder.key), *parent;
    char path[PATH_MAX];

    assert_int_equal(directory_list(host.om, node, &cursor, entries, sizeof(entries), &used),
                     -ENOENT);
    assert_int_equal(walk_back(host.om, host.om->root, node, path, sizeof(path)), -ENOENT);
    assert_int_equal(walk_up(host.om, host.om->root, node, &parent), 0);
    assert_int_equal(host_rmdir("/d"), 0); /* it lives on, held by the one below */
    node_drop(parent);
    node_drop(node);
    assert_int_equal(host_close(folder.key), 0);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static void statistics(void **state)
{
    struct where where = host_where("/");
    struct om_volume before, after;
    struct opened file;
    char block[10000] = "";

    (void)state;
    assert_int_equal(path_statfs(host.om, &where, &before, &host.remote), 0);
    assert_int_equal(before.type, TMPFS_MAGIC);
    assert_int_equal(before.block_bytes, HOST_PAGE_BYTES);
    assert_int_equal(before.blocks, 16384);
    assert_int_equal(before.blocks_free, 16384);
    assert_int_equal(before.name_bytes, 255);
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    host_write(&file.segment, 0, block, sizeof(block));
    assert_int_equal(path_statfs(host.om, &where, &after, &host.remote), 0);
    assert_int_equal(after.blocks_free, before.blocks_free - 3);
    assert_int_equal(after.files_free, before.files_free - 1);
    assert_int_equal(host_close(file.key), 0);
}

static void read_only(void **state)
{
    struct fs *fs = host.om->root->fs;

    (void)state;
    assert_int_equal(host_mknod("/f", S_IFREG | 0666), 0);
    assert_int_equal(host_mknod("/pipe", S_IFIFO | 0666), 0);
    fs->is_read_only = true;
    assert_int_equal(host_touch("/f", O_RDONLY, 0), 0);
    assert_int_equal(host_touch("/f", O_WRONLY, 0), -EROFS);
    assert_int_equal(host_touch("/f", O_RDONLY | O_TRUNC, 0), -EROFS);
    assert_int_equal(host_touch("/f", O_RDONLY | O_CREAT, 0644), 0);
    assert_int_equal(host_touch("/g", O_RDONLY | O_CREAT, 0644), -EROFS);
    assert_int_equal(host_touch("/pipe", O_WRONLY, 0), 0);
    assert_int_equal(host_access("/f", MAY_WRITE), -EROFS);
    assert_int_equal(host_access("/pipe", MAY_WRITE), 0);
    assert_int_equal(host_mkdir("/d", 0755), -EROFS);
    assert_int_equal(host_mkdir("/f", 0755), -EEXIST);
    assert_int_equal(host_unlink("/f"), -EROFS);
    assert_int_equal(host_unlink("/g"), -ENOENT);
    assert_int_equal(host_rename("/f", "/g", 0), -EROFS);
    assert_int_equal(host_link("/f", "/g", 0), -EROFS);
    assert_int_equal(host_chmod("/f", 0600), -EROFS);
    assert_int_equal(host_truncate("/f", 0), -EROFS);
    fs->is_read_only = false;
}

static int long_story(void)
{
    struct opened file;
    int status = host_mkdir("/d", 0755);

    if (status == 0)
        status = host_open("/d/f", O_RDWR | O_CREAT, 0644, &file);
    if (status == 0) {
        status = host_write(&file.segment, 0, "data", 4) == 4 ? 0 : -ENOSPC;
        assert_int_equal(host_close(file.key), 0);
    }
    if (status == 0)
        status = host_symlink("d/f", "/link");
    if (status == 0)
        status = host_touch("/link", O_RDONLY, 0);
    if (status == 0)
        status = host_link("/d/f", "/hard", 0);
    if (status == 0)
        status = host_rename("/hard", "/harder", 0);
    if (status == 0)
        status = host_mknod("/d/pipe", S_IFIFO | 0600);
    if (status == 0)
        status = host_mkdir("/e", 0755);
    if (status == 0)
        status = host_rename("/d", "/e", 0);
    if (status == 0)
        status = host_truncate("/harder", 9000);
    return status;
}

/* The Nth allocation fails, for every N: an error, nothing lost, nothing broken. */
static void allocations_fail(void **state)
{
    uint64_t number = 0;
    int status;

    (void)state;
    do {
        host_end();
        host_start();
        host.fault_at = ++number;
        status = long_story();
        if (host.had_fault)
            assert_true(status == -ENOSPC || status == -ENOMEM);
        host.fault_at = 0;
    } while (host.had_fault);
    assert_int_equal(status, 0);
    assert_true(number > 15);
}

static void nodes_are_bounded(void **state)
{
    struct tmpfs *tmpfs = container_of(host.om->root->fs, struct tmpfs, fs);
    char path[100];
    int count = 0;

    (void)state;
    tmpfs->node_limit = 20;
    do
        snprintf(path, sizeof(path), "/%d", count);
    while (host_mknod(path, S_IFREG | 0644) == 0 && ++count < 100);
    assert_int_equal(count, 19);
    assert_int_equal(host_mkdir("/d", 0755), -ENOSPC);
    assert_int_equal(host_unlink("/0"), 0);
    assert_int_equal(host_mkdir("/d", 0755), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(data_is_a_segment),    TEST(segments_come_with_need),
        TEST(open_beyond_the_name), TEST(times_follow_the_data),
        TEST(times_can_be_set),     TEST(directories_have_times),
        TEST(listing_is_stable),    TEST(listing_of_what_was_removed),
        TEST(statistics),           TEST(read_only),
        TEST(allocations_fail),     TEST(nodes_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
