/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of OM's start: archives unpacked, mapped and in pieces, whole, damaged and without memory,
 * and the mounts that follow.
 */
#include "tests/unit/om_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/om/start.h"
#include "subsystems/mix/om/unpack.h"

#define BIG_BYTES 200000u

static struct archive archive;
static uint8_t big[BIG_BYTES];

static int setup(void **state)
{
    (void)state;
    host_start();
    for (uint32_t i = 0; i < BIG_BYTES; i++)
        big[i] = (uint8_t)(i * 7 + i / 256);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_end();
    return 0;
}

static void make_archive(void)
{
    static const struct host_entry entries[] = {
        {.name = ".", .mode = S_IFDIR | 0750, .mtime = 100, .links = 3, .gid = 4},
        {.name = "bin", .mode = S_IFDIR | 0755, .mtime = 200, .links = 2},
        {.name = "bin/tool",
         .mode = S_IFREG | 04755,
         .mtime = 300,
         .links = 1,
         .uid = 1,
         .data = big,
         .bytes = BIG_BYTES},
        {.name = "bin/sh",
         .mode = S_IFLNK | 0777,
         .mtime = 400,
         .links = 1,
         .data = "tool",
         .bytes = 4},
        {.name = "./etc/deep/file",
         .mode = S_IFREG | 0644,
         .mtime = 500,
         .links = 1,
         .data = "text",
         .bytes = 4},
        {.name = "etc", .mode = S_IFDIR | 0700, .mtime = 600, .links = 2},
        {.name = "first",
         .mode = S_IFREG | 0644,
         .mtime = 700,
         .links = 3,
         .inode = 9,
         .data = "linked",
         .bytes = 6},
        {.name = "second", .mode = S_IFREG | 0644, .mtime = 700, .links = 3, .inode = 9},
        {.name = "bin/third", .mode = S_IFREG | 0644, .mtime = 700, .links = 3, .inode = 9},
        {.name = "late1", .mode = S_IFREG | 0600, .mtime = 800, .links = 2, .inode = 10},
        {.name = "late2",
         .mode = S_IFREG | 0600,
         .mtime = 800,
         .links = 2,
         .inode = 10,
         .data = "last",
         .bytes = 4},
        {.name = "empty", .mode = S_IFREG | 0600, .mtime = 900, .links = 1},
        {.name = "null",
         .mode = S_IFCHR | 0666,
         .mtime = 900,
         .links = 1,
         .rdev_major = 1,
         .rdev_minor = 3},
        {.name = "pipe", .mode = S_IFIFO | 0600, .mtime = 900, .links = 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        host_archive_add(&entries[i]);
    host_archive_end();
}

static int unpack_all(void)
{
    int status = archive_open(&archive, "root.cpio", true);

    tmpfs_set_source(host.om->root->fs, &archive);
    return status == 0 ? unpack(&archive, &host.om->heap, host.om->root->fs) : status;
}

static void expect(const char *path, uint32_t mode, uint64_t size, int64_t mtime, uint32_t links)
{
    struct om_attr attr;

    if (host_stat(path, 0, &attr) != 0)
        fail_msg("%s is missing", path);
    if (attr.mode != mode || attr.size != size || attr.mtime_s != mtime || attr.links != links)
        fail_msg("%s: mode %o size %lu mtime %ld links %u", path, attr.mode, attr.size,
                 attr.mtime_s, attr.links);
}

static void expect_tree(void)
{
    expect("/", S_IFDIR | 0750, 20 * (2 + 9), 100, 4);
    expect("/bin", S_IFDIR | 0755, 100, 200, 2);
    expect("/bin/tool", S_IFREG | 04755, BIG_BYTES, 300, 1);
    expect("/bin/sh", S_IFLNK | 0777, 4, 400, 1);
    expect("/etc", S_IFDIR | 0700, 60, 600, 3);
    expect("/etc/deep/file", S_IFREG | 0644, 4, 500, 1);
    expect("/first", S_IFREG | 0644, 6, 700, 3);
    expect("/bin/third", S_IFREG | 0644, 6, 700, 3);
    expect("/late1", S_IFREG | 0600, 4, 800, 2);
    expect("/empty", S_IFREG | 0600, 0, 900, 1);
    expect("/null", S_IFCHR | 0666, 0, 900, 1);
    expect("/pipe", S_IFIFO | 0600, 0, 900, 1);
}

static void expect_data(const char *path, const void *data, size_t bytes)
{
    struct opened file;
    uint8_t *found = malloc(bytes + 1);
    uint64_t before = host.segments;

    assert_non_null(found);
    assert_int_equal(host_open(path, O_RDONLY, 0, &file), 0);
    assert_int_equal(file.attr.size, bytes);
    assert_int_equal(host_read(&file.segment, 0, found, bytes + 1), bytes);
    assert_memory_equal(found, data, bytes);
    assert_int_equal(host_close(file.key), 0);
    assert_true(host.segments <= before + 1);
    free(found);
}

static void unpack_and_look(bool may_map)
{
    struct om_attr attr;

    host.may_map = may_map;
    make_archive();
    assert_int_equal(unpack_all(), 0);
    expect_tree();
    assert_int_equal(host.segments, 0); /* no data moved yet */
    expect_data("/bin/tool", big, BIG_BYTES);
    expect_data("/etc/deep/file", "text", 4);
    expect_data("/second", "linked", 6);
    expect_data("/late1", "last", 4);
    expect_data("/empty", "", 0);
    assert_int_equal(host_stat("/bin/tool", 0, &attr), 0);
    assert_int_equal(attr.mtime_s, 300); /* what OM writes is no change */
    assert_int_equal(host_stat("/null", 0, &attr), 0);
    assert_int_equal(attr.rdev, 1 << 8 | 3);
    assert_int_equal(host_stat("/bin/tool", 0, &attr), 0);
    assert_int_equal(attr.uid, 1);
    assert_true(may_map ? host.archive_reads == 0 : host.archive_reads > 0);
}

static void mapped(void **state)
{
    (void)state;
    unpack_and_look(true);
}

static void in_pieces(void **state)
{
    (void)state;
    unpack_and_look(false);
}

/* A file that is cut or grows before it was opened. */
static void changed_before_opened(void **state)
{
    uint8_t grown[300] = {0};

    (void)state;
    make_archive();
    assert_int_equal(unpack_all(), 0);
    assert_int_equal(host_truncate("/bin/tool", 100), 0);
    assert_int_equal(host.segments, 0);
    expect("/bin/third", S_IFREG | 0644, 6, 700, 3);
    memcpy(grown, big, 100);
    assert_int_equal(host_truncate("/bin/tool", 300), 0);
    expect_data("/bin/tool", grown, 300);
    assert_int_equal(host_truncate("/first", 0), 0);
    expect_data("/second", "", 0);
    assert_int_equal(host_unlink("/etc/deep/file"), 0);
}

/* Copies of what is in the archive are given up when they are many, unless somebody may write. */
static void copies_are_few(void **state)
{
    struct tmpfs *tmpfs = container_of(host.om->root->fs, struct tmpfs, fs);
    struct opened file;
    struct om_attr before, after;
    char path[20];
    uint8_t byte;

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof(path), "%d", i);
        host_archive_add(&(struct host_entry){.name = path,
                                              .mode = S_IFREG | 0644,
                                              .links = 1,
                                              .mtime = 50,
                                              .data = big,
                                              .bytes = 10000});
    }
    host_archive_end();
    assert_int_equal(unpack_all(), 0);
    tmpfs->copied_most = 30000;
    assert_int_equal(host_touch("/0", O_RDWR, 0), 0); /* it is nobody's copy any more */
    assert_int_equal(host_open("/1", O_RDONLY, 0, &file), 0);
    for (int i = 2; i < 10; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        expect_data(path, big, 10000);
        assert_in_range(host.segments, 2, 4);
    }
    assert_int_equal(host_read(&file.segment, 9999, &byte, 1), 1); /* it is open */
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host_stat("/9", 0, &before), 0);
    expect_data("/2", big, 10000);
    expect_data("/3", big, 10000);
    expect_data("/4", big, 10000);
    assert_int_equal(host_stat("/9", 0, &after), 0); /* times and size outlive the copy */
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(host_truncate("/4", 20000), 0);
    assert_int_equal(tmpfs->copied_bytes, 20000);
    host.fault_at = 2; /* there is no memory: all copies go, and then there is */
    expect_data("/5", big, 10000);
    assert_int_equal(tmpfs->copied_bytes, 10000);
    assert_int_equal(host_open("/6", O_RDONLY, 0, &file), 0);
    assert_int_equal(host_close(file.key), 0);
    host.mapped = file.segment.key;
    for (int i = 7; i < 10; i++) {
        snprintf(path, sizeof(path), "/%d", i);
        expect_data(path, big, 10000);
    }
    assert_int_equal(host_read(&file.segment, 9999, &byte, 1), 1); /* it is mapped */
    host.mapped = 0;
    expect_data("/5", big, 10000);
    assert_int_equal(host_read(&file.segment, 9999, &byte, 1), K_EUNKNOWN);
}

/* Cut off anywhere but in the last padding, or with any byte wrong: an error or a tree, and
 * nothing lost. */
static void damaged(void **state)
{
    uint64_t bytes;

    (void)state;
    make_archive();
    bytes = host.archive_bytes;
    for (uint64_t cut = 0; cut<bytes - 3; cut += cut> 700 && cut < bytes - 2500 ? 9973 : 1) {
        uint8_t *copy = malloc(bytes);

        assert_non_null(copy);
        memcpy(copy, host.archive, bytes);
        host_end();
        host_start();
        host.member = "root.cpio";
        host.archive = copy;
        host.archive_bytes = cut;
        host.may_map = true;
        assert_int_equal(unpack_all(), -EIO);
        host.archive_bytes = bytes;
    }
}

static void bytes_changed(void **state)
{
    uint64_t bytes;

    (void)state;
    make_archive();
    bytes = host.archive_bytes;
    for (uint64_t at = 0; at<bytes; at += at> 700 && at < bytes - 2500 ? 9973 : 1) {
        uint8_t *copy = malloc(bytes);
        int status;

        assert_non_null(copy);
        memcpy(copy, host.archive, bytes);
        host_end();
        host_start();
        host.member = "root.cpio";
        host.archive = copy;
        host.archive_bytes = bytes;
        copy[at] ^= (uint8_t)(1 + at % 255);
        status = unpack_all();
        assert_true(status == 0 || status == -EIO || status == -EINVAL || status == -EPERM);
        assert_true(tmpfs_verify(host.om->root->fs));
        copy[at] ^= (uint8_t)(1 + at % 255);
    }
}

static void refused(void **state)
{
    static const struct {
        struct host_entry entry;
        int status;
    } bad[] = {
        {{.name = "../x", .mode = S_IFREG | 0644, .links = 1}, -EINVAL},
        {{.name = "a/../x", .mode = S_IFREG | 0644, .links = 1}, -EINVAL},
        {{.name = "..", .mode = S_IFDIR | 0755, .links = 1}, -EINVAL},
        {{.name = "x", .mode = 0644, .links = 1}, -EINVAL},
        {{.name = "f/x", .mode = S_IFREG | 0644, .links = 1}, -EINVAL},
        {{.name = "f", .mode = S_IFREG | 0644, .links = 1}, -EINVAL},
        {{.name = "l", .mode = S_IFLNK | 0777, .links = 1}, -EINVAL},
        {{.name = "", .mode = S_IFREG | 0644, .links = 1}, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        host_end();
        host_start();
        host_archive_add(&(struct host_entry){.name = "f", .mode = S_IFREG | 0644, .links = 1});
        host_archive_add(&bad[i].entry);
        host_archive_end();
        if (unpack_all() != bad[i].status)
            fail_msg("'%s' was taken", bad[i].entry.name);
    }
}

static void without_memory(void **state)
{
    uint64_t number = 0;
    int status;

    (void)state;
    do {
        host_end();
        host_start();
        make_archive();
        host.may_map = true;
        host.fault_at = ++number;
        status = unpack_all();
        if (host.had_fault)
            assert_true(status == -ENOMEM || status == -ENOSPC);
        host.fault_at = 0;
    } while (host.had_fault);
    assert_int_equal(status, 0);
    assert_true(number > 30);
}

/* ---- The start ------------------------------------------------------------------------------- */

/* Takes the root that host_start made away, so that start_mounts makes one. */
static void start_anew(void)
{
    struct om *om = host.om;

    assert_int_equal(om->root->fs->operations->unmount(om->root->fs), 0);
    mounts_init(&om->mounts);
    om->root = NULL;
    host.may_map = true;
    assert_int_equal(start_mounts(om, &archive), 0);
}

static void mounts_of_an_empty_root(void **state)
{
    char text[1000];
    uint32_t bytes;
    struct om_attr attr;

    (void)state;
    start_anew();
    assert_int_equal(mounts_tell(host.om, text, sizeof(text), &bytes), 0);
    text[bytes] = '\0';
    assert_string_equal(text, "tmpfs / tmpfs rw,relatime 0 0\n"
                              "proc /proc proc rw,relatime 0 0\n"
                              "dev /dev devtmpfs rw,relatime 0 0\n"
                              "devpts /dev/pts devpts rw,relatime 0 0\n"
                              "shm /dev/shm tmpfs rw,relatime 0 0\n"
                              "tmp /tmp tmpfs rw,relatime 0 0\n");
    assert_int_equal(host_stat("/tmp", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFDIR | 01777);
    assert_int_equal(host_list("/", text, sizeof(text)), 0);
    assert_string_equal(text, ". .. proc dev tmp ");
    assert_int_equal(host_stat("/dev/fd/0", 0, &attr), -EREMOTE);
    assert_string_equal(host.rest, "self/fd/0");
}

static void mounts_of_a_full_root(void **state)
{
    struct om_attr attr;
    char text[1000];

    (void)state;
    host_archive_add(&(struct host_entry){.name = "tmp", .mode = S_IFDIR | 0700, .links = 2});
    host_archive_add(&(struct host_entry){.name = "dev", .mode = S_IFDIR | 0700, .links = 2});
    host_archive_end();
    start_anew();
    assert_int_equal(host_stat("/tmp", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFDIR | 0700);
    assert_int_equal(host_list("/", text, sizeof(text)), 0);
    assert_string_equal(text, ". .. tmp dev proc ");
    assert_int_equal(host_touch("/dev/null", O_WRONLY, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(mapped),
        TEST(in_pieces),
        TEST(changed_before_opened),
        TEST(copies_are_few),
        TEST(damaged),
        TEST(bytes_changed),
        TEST(refused),
        TEST(without_memory),
        TEST(mounts_of_an_empty_root),
        TEST(mounts_of_a_full_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
