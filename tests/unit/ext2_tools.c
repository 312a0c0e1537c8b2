/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Together with e2fsprogs: debugfs reads what we wrote, we read what mke2fs -d wrote, and blocks of
 * extended attributes, which we only free, are freed rightly.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kit/base.h"
#include "kit/endian.h"

static uint8_t bytes[400 * 1024];

static const char long_target[] =
    "/a/target/of/more/than/sixty/bytes/which/stands/in/a/block/of/its/own";

static int set_up(void **state)
{
    uint64_t random = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)host_random(&random);
    return 0;
}

static void write_host_file(const char *path, const void *from, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(from, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* ---- debugfs reads --------------------------------------------------------------------------- */

static void debugfs_reads(const char *options)
{
    struct ext2_template device = {.mode = EXT2_TYPE_CHARACTER | 0620,
                                   .device_major = 4,
                                   .device_minor = 64};
    struct host host;
    char wanted[] = "/tmp/ext2-tools-XXXXXX";
    char command[256];
    const char *output = NULL;
    int file = mkstemp(wanted);

    assert_true(file >= 0);
    close(file);
    write_host_file(wanted, bytes, sizeof(bytes));
    host_make(&host, options, 4 << 20);
    host_mount(&host);
    assert_int_equal(host_mkdir(&host, "/etc"), 0);
    assert_int_equal(host_touch(&host, "/etc/file"), 0);
    assert_int_equal(host_write_path(&host, "/etc/file", 0, bytes, sizeof(bytes)), 0);
    assert_int_equal(host_symlink(&host, "/etc/short", "../target"), 0);
    assert_int_equal(host_symlink(&host, "/etc/long", long_target), 0);
    assert_int_equal(host_create(&host, "/etc/ttyS0", &device), 0);
    host_unmount(&host);

    snprintf(command, sizeof(command),
             "debugfs -R 'cat /etc/file' %%s 2>/dev/null | cmp - %s && echo same", wanted);
    assert_string_equal(host_command(&host, command), "same\n");
    output = host_command(&host, "debugfs -R 'stat /etc/short' %s 2>/dev/null");
    assert_non_null(strstr(output, "Fast link dest: \"../target\""));
    assert_string_equal(host_command(&host, "debugfs -R 'cat /etc/long' %s 2>/dev/null"),
                        long_target);
    output = host_command(&host, "debugfs -R 'stat /etc/ttyS0' %s 2>/dev/null");
    assert_non_null(strstr(output, "character special"));
    assert_non_null(strstr(output, "Mode:  0620"));
    assert_non_null(strstr(output, "Device major/minor number: 04:64"));
    host_check(&host);
    host_free(&host);
    unlink(wanted);
}

static void debugfs_reads_what_we_wrote(void **state)
{
    (void)state;
    debugfs_reads("-b 1024");
    debugfs_reads("-b 2048 -I 128");
    debugfs_reads("-b 4096");
}

/* debugfs prints both halves of a time as they stand on the disk. */
static void debugfs_reads_our_times(void **state)
{
    struct host host;
    const char *output = NULL;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    host_mount(&host);
    host.now = (struct fs_time){5000000000, 999};
    assert_int_equal(host_touch(&host, "/f"), 0);
    host.now = (struct fs_time){1700000000, 0};
    host_unmount(&host);
    output = host_command(&host, "TZ=UTC debugfs -R 'stat /f' %s 2>/dev/null");
    assert_non_null(strstr(output, "crtime: 0x2a05f200:00000f9d"));
    assert_non_null(strstr(output, "mtime: 0x2a05f200:00000f9d"));
    assert_non_null(strstr(output, "Jun 11 08:53:20 2128"));
    host_free(&host);
}

/* ---- mke2fs writes --------------------------------------------------------------------------- */

static const size_t sizes[] = {0, 1, 1023, 1024, 12 * 1024, 12 * 1024 + 1, 300 * 1024, 399999};

static void make_tree(const char *top)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/d", top);
    assert_int_equal(mkdir(path, 0711), 0);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        snprintf(path, sizeof(path), "%s/d/f%zu", top, i);
        write_host_file(path, bytes, sizes[i]);
        assert_int_equal(chmod(path, (mode_t)(0600 + i)), 0);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "%s/d/a-name-in-a-directory-of-many-blocks-%d", top, i);
        write_host_file(path, "", 0);
    }
    snprintf(path, sizeof(path), "%s/short", top);
    assert_int_equal(symlink("d/f0", path), 0);
    snprintf(path, sizeof(path), "%s/long", top);
    assert_int_equal(symlink(long_target, path), 0);
    snprintf(path, sizeof(path), "%s/fifo", top);
    assert_int_equal(mkfifo(path, 0640), 0);
}

static void compare_tree(struct host *host, const char *top)
{
    static uint8_t read[sizeof(bytes)];
    struct ext2_attributes attributes;
    struct ext2_inode *inode = NULL;
    struct stat stat_;
    char path[256];
    char target[128] = "";

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        snprintf(path, sizeof(path), "%s/d/f%zu", top, i);
        assert_int_equal(stat(path, &stat_), 0);
        assert_int_equal(host_open(host, path + strlen(top), &inode), 0);
        ext2_attributes_get(&host->fs, inode, &attributes);
        assert_int_equal(attributes.mode, stat_.st_mode);
        assert_int_equal(attributes.size_bytes, sizes[i]);
        assert_int_equal(attributes.uid, stat_.st_uid);
        assert_int_equal(attributes.modify_time.seconds, stat_.st_mtim.tv_sec);
        assert_int_equal(host_read(host, inode, 0, read, sizeof(read)), sizes[i]);
        assert_memory_equal(read, bytes, sizes[i]);
        host_release(host, inode);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/d/a-name-in-a-directory-of-many-blocks-%d", i);
        assert_int_equal(host_attributes(host, path, &attributes), 0);
        assert_int_equal(attributes.size_bytes, 0);
    }
    assert_int_equal(host_readlink(host, "/short", target, sizeof(target)), 4);
    assert_memory_equal(target, "d/f0", 4);
    assert_int_equal(host_readlink(host, "/long", target, sizeof(target)), strlen(long_target));
    assert_memory_equal(target, long_target, strlen(long_target));
    assert_int_equal(host_attributes(host, "/fifo", &attributes), 0);
    assert_int_equal(attributes.mode, EXT2_TYPE_FIFO | 0640);
}

/* Deletes what mke2fs wrote, so that its blocks, map and entries are changed by us as well. */
static void delete_tree(struct host *host)
{
    char path[256];

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        snprintf(path, sizeof(path), "/d/f%zu", i);
        assert_int_equal(host_unlink(host, path), 0);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/d/a-name-in-a-directory-of-many-blocks-%d", i);
        assert_int_equal(host_unlink(host, path), 0);
    }
    assert_int_equal(host_rmdir(host, "/d"), 0);
    assert_int_equal(host_unlink(host, "/long"), 0);
}

static void we_read_what_mke2fs_wrote(void **state)
{
    static const char *const options[] = {"-b 1024", "-b 2048", "-b 4096 -I 128"};
    char top[] = "/tmp/ext2-tools-XXXXXX";
    char text[128];
    struct host host;

    (void)state;
    assert_non_null(mkdtemp(top));
    make_tree(top);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        snprintf(text, sizeof(text), "%s -d %s", options[i], top);
        host_make(&host, text, 4 << 20);
        host_mount(&host);
        compare_tree(&host, top);
        delete_tree(&host);
        host_unmount(&host);
        host_check(&host);
        host_free(&host);
    }
    snprintf(text, sizeof(text), "rm -rf %s", top);
    assert_int_equal(system(text), 0);
}

/* ---- Extended attributes --------------------------------------------------------------------- */

/* Gives /f a block of attributes: more than fits beside the inode. */
static void make_attributes(struct host *host, const char *options)
{
    char command[512];
    char value[301];

    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    host_make(host, options, 1 << 20);
    host_mount(host);
    assert_int_equal(host_touch(host, "/f"), 0);
    assert_int_equal(host_symlink(host, "/s", "fast"), 0);
    host_unmount(host);
    snprintf(command, sizeof(command), "debugfs -w -R 'ea_set /f user.a %s' %%s 2>&1", value);
    host_command(host, command);
    snprintf(command, sizeof(command), "debugfs -w -R 'ea_set /s trusted.a %s' %%s 2>&1", value);
    host_command(host, command);
    host_check(host);
}

static void attributes_go_with_their_file(void **state)
{
    static const char *const options[] = {"-b 1024 -I 128", "-b 1024 -I 256", "-b 4096"};
    struct ext2_attributes attributes;
    struct ext2_statistics before;
    struct ext2_statistics after;
    struct host host;
    char target[8] = "";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        make_attributes(&host, options[i]);
        host_mount(&host);
        assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
        assert_int_equal(attributes.sectors, host.fs.block_bytes / 512);
        assert_int_equal(host_readlink(&host, "/s", target, sizeof(target)), 4);
        assert_string_equal(target, "fast");
        assert_int_equal(host_write_path(&host, "/f", 0, bytes, 20000), 0);
        host_unmount(&host);
        host_check(&host);
        host_mount(&host);
        ext2_statistics_get(&host.fs, &before);
        assert_int_equal(host_unlink(&host, "/f"), 0);
        assert_int_equal(host_unlink(&host, "/s"), 0);
        ext2_statistics_get(&host.fs, &after);
        assert_true(after.free_blocks >= before.free_blocks + 2 + 20000 / host.fs.block_bytes);
        host_unmount(&host);
        host_check(&host);
        host_free(&host);
    }
}

/* Two files share a block: it goes with the last of them. */
static void shared_attributes(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    char command[128];
    uint32_t block = 0;

    (void)state;
    make_attributes(&host, "-b 1024 -I 128");
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/g"), 0);
    assert_int_equal(host_open(&host, "/f", &inode), 0);
    block = inode->xattr_block;
    assert_int_not_equal(block, 0);
    host_release(&host, inode);
    host_unmount(&host);
    le32_store(((struct ext2_disk_xattr *)(host.disk + block * 1024))->references, 2);
    snprintf(command, sizeof(command), "debugfs -w -R 'sif /g file_acl %u' %%s 2>&1", block);
    host_command(&host, command);
    host_command(&host, "debugfs -w -R 'sif /g blocks 2' %s 2>&1");
    host_check(&host);

    host_mount(&host);
    assert_int_equal(host_unlink(&host, "/f"), 0);
    host_unmount(&host);
    assert_int_equal(le32_load(((struct ext2_disk_xattr *)(host.disk + block * 1024))->references),
                     1);
    host_check(&host);
    host_mount(&host);
    assert_int_equal(host_unlink(&host, "/g"), 0);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debugfs_reads_what_we_wrote),
        cmocka_unit_test(debugfs_reads_our_times),
        cmocka_unit_test(we_read_what_mke2fs_wrote),
        cmocka_unit_test(attributes_go_with_their_file),
        cmocka_unit_test(shared_attributes),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
