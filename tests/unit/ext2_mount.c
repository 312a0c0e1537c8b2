/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting: which disks are taken, which are only read, which are refused and with what words; what
 * a mount and an unmount leave on the disk; and the orphan list of a disk that was not unmounted.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"
#include "kit/endian.h"

static struct ext2_disk_super *super_of(struct host *host)
{
    return (void *)(host->disk + EXT2_SUPER_OFFSET);
}

static uint32_t state_of(struct host *host)
{
    return le16_load(super_of(host)->state);
}

static void flag(uint8_t *field, uint32_t bits)
{
    le32_store(field, le32_load(field) | bits);
}

static void expect_refusal(struct host *host, int expected, const char *word)
{
    assert_int_equal(host_try_mount(host), expected);
    assert_non_null(host->fs.message);
    if (strstr(host->fs.message, word) == NULL)
        fail_msg("'%s' does not say '%s'", host->fs.message, word);
}

static void plain_mount_and_unmount(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-b 1024", 2 << 20);
    assert_int_equal(state_of(&host), EXT2_STATE_VALID);
    for (uint32_t i = 1; i <= 3; i++) {
        host_mount(&host);
        assert_null(host.fs.message);
        assert_int_equal(host_sync(&host), 0);
        assert_int_equal(state_of(&host), 0);
        host_unmount(&host);
        assert_int_equal(state_of(&host), EXT2_STATE_VALID);
        assert_int_equal(le16_load(super_of(&host)->mount_count), i);
        assert_int_equal(le32_load(super_of(&host)->mount_time), host.now.seconds);
        assert_int_equal(le32_load(super_of(&host)->write_time), host.now.seconds);
        host_check(&host);
    }
    host_free(&host);
}

static void clean_state_is_written_last(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-b 1024", 2 << 20);
    host_mount(&host);
    assert_int_equal(host_mkdir(&host, "/a"), 0);
    host_begin(&host);
    assert_int_equal(ext2_unmount(&host.op, &host.fs), FS_NEED_ROOM);
    fs_operation_end(&host.op);
    assert_int_equal(host_sync(&host), 0);
    assert_int_equal(state_of(&host), 0);
    host_begin(&host);
    assert_int_equal(ext2_unmount(&host.op, &host.fs), 0);
    fs_operation_end(&host.op);
    assert_int_equal(host.cache.dirty_count, 1);
    assert_int_equal(host_sync(&host), 0);
    host_crash(&host);
    host_check(&host);
    host_free(&host);
}

static void unmount_waits_for_users(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_inode *root = NULL;

    (void)state;
    host_make(&host, "-b 1024", 2 << 20);
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/f"), 0);
    assert_int_equal(host_open(&host, "/f", &inode), 0);
    assert_int_equal(HOST_RUN(&host, ext2_unmount(op, &host.fs)), -EBUSY);
    assert_int_equal(host_open(&host, "/", &root), 0);
    assert_int_equal(HOST_RUN(&host, ext2_unlink(op, &host.fs, root, host_name("f"))), 0);
    assert_false(ext2_inode_release(&host.fs, root));
    assert_true(ext2_inode_release(&host.fs, inode));
    assert_int_equal(HOST_RUN(&host, ext2_unmount(op, &host.fs)), -EBUSY);
    assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), 0);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

static void read_only_mount_changes_nothing(void **state)
{
    struct host host;
    uint8_t *before = NULL;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    before = malloc(host.disk_bytes);
    memcpy(before, host.disk, host.disk_bytes);
    host.is_read_only = true;
    host_mount(&host);
    assert_int_equal(host_mkdir(&host, "/a"), -EROFS);
    assert_int_equal(host_mkdir(&host, "/lost+found"), -EEXIST);
    assert_int_equal(host_rmdir(&host, "/lost+found"), -EROFS);
    assert_int_equal(host_rename(&host, "/lost+found", "/x", 0), -EROFS);
    assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), -EROFS);
    host_unmount(&host);
    assert_memory_equal(before, host.disk, host.disk_bytes);
    free(before);
    host_free(&host);
}

/* ---- Features -------------------------------------------------------------------------------- */

static void journal_to_recover_is_refused(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-j -b 1024", 8 << 20);
    flag(super_of(&host)->feature_incompat, EXT2_INCOMPAT_RECOVER);
    expect_refusal(&host, -EUCLEAN, "journal needs recovery");
    host_free(&host);
}

static void clean_journal_is_left_alone(void **state)
{
    struct host host;
    const char *dump = "debugfs -R 'cat <8>' %s 2>/dev/null | md5sum";
    char before[64];
    uint8_t journal[1024];

    (void)state;
    host_make(&host, "-j -b 1024", 8 << 20);
    snprintf(before, sizeof(before), "%s", host_command(&host, dump));
    host_mount(&host);
    assert_null(host.fs.message);
    uint32_t table = host.fs.groups[0].inode_table;
    uint32_t inode_bytes = host.fs.inode_bytes;
    uint64_t at = (uint64_t)table * 1024 + (EXT2_JOURNAL_INODE - 1) * inode_bytes;

    memcpy(journal, host.disk + at, inode_bytes);
    assert_int_equal(host_mkdir(&host, "/a"), 0);
    assert_int_equal(host_touch(&host, "/a/b"), 0);
    assert_int_equal(host_write_path(&host, "/a/b", 0, journal, sizeof(journal)), 0);
    host_unmount(&host);
    assert_memory_equal(journal, host.disk + at, inode_bytes);
    assert_string_equal(before, host_command(&host, dump));
    assert_true(le32_load(super_of(&host)->feature_compat) & EXT2_COMPAT_HAS_JOURNAL);
    host_check(&host);
    host_free(&host);
}

static void unknown_features(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    flag(super_of(&host)->feature_compat, 0x80000000u);
    assert_int_equal(host_try_mount(&host), 0);
    assert_false(host.fs.is_read_only);
    host_unmount(&host);
    flag(super_of(&host)->feature_ro_compat, 0x80000000u);
    assert_int_equal(host_try_mount(&host), 0);
    assert_true(host.fs.is_read_only);
    assert_non_null(strstr(host.fs.message, "reading only"));
    assert_int_equal(host_touch(&host, "/f"), -EROFS);
    host_unmount(&host);
    flag(super_of(&host)->feature_incompat, 0x80000000u);
    expect_refusal(&host, -EINVAL, "features");
    host_free(&host);
}

/* What is made for ext4 is refused, not misread. */
static void foreign_file_systems(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-O extent -b 1024", 8 << 20);
    expect_refusal(&host, -EINVAL, "features");
    memset(super_of(&host)->magic, 0, 2);
    expect_refusal(&host, -EINVAL, "no ext2");
    host_free(&host);
}

static void states_of_the_disk(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    le16_store(super_of(&host)->state, 0);
    host_mount(&host);
    assert_non_null(strstr(host.fs.message, "not unmounted cleanly"));
    assert_false(host.fs.is_read_only);
    host_unmount(&host);
    assert_int_equal(state_of(&host), 0);
    le16_store(super_of(&host)->state, EXT2_STATE_VALID | EXT2_STATE_ERROR);
    host_mount(&host);
    assert_non_null(strstr(host.fs.message, "damaged"));
    assert_true(host.fs.is_read_only);
    host_unmount(&host);
    assert_int_equal(state_of(&host), EXT2_STATE_VALID | EXT2_STATE_ERROR);
    host_free(&host);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

struct wrong_field {
    size_t offset;
    size_t bytes;
    uint32_t value;
    const char *word;
};

static const struct wrong_field wrong_fields[] = {
    {offsetof(struct ext2_disk_super, log_block_size), 4, 3, "block size"},
    {offsetof(struct ext2_disk_super, log_block_size), 4, 0xffffffff, "block size"},
    {offsetof(struct ext2_disk_super, first_data_block), 4, 0, "number of blocks"},
    {offsetof(struct ext2_disk_super, blocks_count), 4, 1, "number of blocks"},
    {offsetof(struct ext2_disk_super, blocks_count), 4, 0xffffffff, "larger than its disk"},
    {offsetof(struct ext2_disk_super, blocks_per_group), 4, 0, "groups"},
    {offsetof(struct ext2_disk_super, blocks_per_group), 4, 8193, "groups"},
    {offsetof(struct ext2_disk_super, blocks_per_group), 4, 64, "number of inodes"},
    {offsetof(struct ext2_disk_super, inode_bytes), 2, 0, "inodes"},
    {offsetof(struct ext2_disk_super, inode_bytes), 2, 192, "inodes"},
    {offsetof(struct ext2_disk_super, inode_bytes), 2, 2048, "inodes"},
    {offsetof(struct ext2_disk_super, inodes_per_group), 4, 0, "number of inodes"},
    {offsetof(struct ext2_disk_super, inodes_per_group), 4, 8193, "number of inodes"},
    {offsetof(struct ext2_disk_super, inodes_count), 4, 7, "number of inodes"},
    {offsetof(struct ext2_disk_super, first_inode), 4, 1, "first inode"},
    {offsetof(struct ext2_disk_super, first_inode), 4, 0xffffffff, "first inode"},
};

static void damaged_superblocks(void **state)
{
    struct host host;
    struct ext2_disk_super good;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    good = *super_of(&host);
    for (size_t i = 0; i < ARRAY_SIZE(wrong_fields); i++) {
        const struct wrong_field *field = &wrong_fields[i];
        uint8_t *bytes = host.disk + EXT2_SUPER_OFFSET + field->offset;

        if (field->bytes == 4)
            le32_store(bytes, field->value);
        else
            le16_store(bytes, (uint16_t)field->value);
        expect_refusal(&host, -EUCLEAN, field->word);
        *super_of(&host) = good;
    }
    host.disk_bytes -= 1024;
    expect_refusal(&host, -EUCLEAN, "larger than its disk");
    host.disk_bytes += 1024;
    le32_store(super_of(&host)->revision, 2);
    expect_refusal(&host, -EINVAL, "revision");
    *super_of(&host) = good;
    host_mount(&host);
    host_unmount(&host);
    host_free(&host);
}

static void damaged_group_descriptors(void **state)
{
    static const struct {
        size_t offset;
        size_t bytes;
        uint32_t value;

    } wrong[] = {
        {offsetof(struct ext2_disk_group, block_bitmap), 4, 0},
        {offsetof(struct ext2_disk_group, block_bitmap), 4, 2},
        {offsetof(struct ext2_disk_group, block_bitmap), 4, 0xffffffff},
        {offsetof(struct ext2_disk_group, inode_bitmap), 4, 1},
        {offsetof(struct ext2_disk_group, inode_bitmap), 4, 3000},
        {offsetof(struct ext2_disk_group, inode_table), 4, 1},
        {offsetof(struct ext2_disk_group, inode_table), 4, 1020},
        {offsetof(struct ext2_disk_group, inode_table), 4, 0xfffffff0},
        {offsetof(struct ext2_disk_group, free_blocks_count), 2, 0xffff},
        {offsetof(struct ext2_disk_group, free_inodes_count), 2, 0xffff},
        {offsetof(struct ext2_disk_group, used_directories_count), 2, 0xffff},
    };
    struct host host;
    uint8_t *group = NULL;
    uint8_t good[EXT2_GROUP_BYTES];

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    group = host.disk + 2048;
    memcpy(good, group, sizeof(good));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        if (wrong[i].bytes == 4)
            le32_store(group + wrong[i].offset, wrong[i].value);
        else
            le16_store(group + wrong[i].offset, (uint16_t)wrong[i].value);
        expect_refusal(&host, -EUCLEAN, "group descriptor");
        memcpy(group, good, sizeof(good));
    }
    memcpy(group, group + 4, 4);
    expect_refusal(&host, -EUCLEAN, "group descriptor");
    host_free(&host);
}

/* Damage met while mounted makes it read-only and is recorded on the disk. */
static void damage_is_recorded(void **state)
{
    struct host host;
    uint64_t bitmap = 0;

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    host_mount(&host);
    bitmap = (uint64_t)host.fs.groups[0].block_bitmap * 1024;
    host_unmount(&host);
    memset(host.disk + bitmap, 0, 8);
    host_mount(&host);
    assert_int_equal(host_mkdir(&host, "/a"), -EUCLEAN);
    assert_non_null(strstr(host.fs.message, "block bitmap"));
    assert_int_equal(host_mkdir(&host, "/a"), -EROFS);
    host_unmount(&host);
    assert_true(state_of(&host) & EXT2_STATE_ERROR);
    assert_false(state_of(&host) & EXT2_STATE_VALID);
    assert_int_not_equal(host_repair(&host), 0);
    host_check(&host);
    host_mount(&host);
    assert_int_equal(host_mkdir(&host, "/a"), 0);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

/* ---- Orphans --------------------------------------------------------------------------------- */

static uint8_t bytes[200 * 1024];

/* Makes a disk that was not unmounted while three deleted files were open. */
static void leave_orphans(struct host *host)
{
    struct ext2_inode *inode = NULL;
    char path[16];

    host_make(host, "-b 1024", 2 << 20);
    host_mount(host);
    assert_int_equal(host_touch(host, "/stays"), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "/f%d", i);
        assert_int_equal(host_touch(host, path), 0);
        assert_int_equal(host_write_path(host, path, 0, bytes, sizeof(bytes)), 0);
        assert_int_equal(host_open(host, path, &inode), 0);
        assert_int_equal(host_unlink(host, path), 0);
        assert_int_equal(host_open(host, path, &inode), -ENOENT);
    }
    assert_int_equal(host_sync(host), 0);
    host_crash(host);
}

static void mount_finishes_deletions(void **state)
{
    struct host host;
    struct ext2_statistics before;
    struct ext2_statistics after;

    (void)state;
    host_make(&host, "-b 1024", 2 << 20);
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/stays"), 0);
    ext2_statistics_get(&host.fs, &before);
    host_unmount(&host);
    host_free(&host);
    leave_orphans(&host);
    assert_int_not_equal(le32_load(super_of(&host)->last_orphan), 0);
    host_mount(&host);
    assert_int_equal(host.fs.last_orphan, 0);
    ext2_statistics_get(&host.fs, &after);
    assert_int_equal(before.free_blocks, after.free_blocks);
    assert_int_equal(before.free_inodes, after.free_inodes);
    host_unmount(&host);
    le16_store(super_of(&host)->state, EXT2_STATE_VALID);
    host_check(&host);
    host_free(&host);
}

/* e2fsck reads the list as we write it. */
static void e2fsck_finishes_deletions(void **state)
{
    struct host host;
    const char *output = NULL;

    (void)state;
    leave_orphans(&host);
    output = host_command(&host, "e2fsck -fy %s 2>&1");
    assert_non_null(strstr(output, "Clearing orphaned inode"));
    assert_null(strstr(output, "Unattached"));
    assert_null(strstr(output, "wrong"));
    host_check(&host);
    host_free(&host);
}

static void mount_finishes_a_truncation(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_attributes attributes;

    (void)state;
    host_make(&host, "-b 1024", 2 << 20);
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/f"), 0);
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, sizeof(bytes)), 0);
    assert_int_equal(host_open(&host, "/f", &inode), 0);
    host_begin(&host);
    int status = FS_NEED_BLOCK;

    while (status == FS_NEED_BLOCK) {
        status = ext2_truncate(&host.op, &host.fs, inode, 5000);
        if (status == FS_NEED_BLOCK)
            assert_true(host_again(&host, &status));
    }
    assert_int_equal(status, FS_MORE);
    fs_operation_end(&host.op);
    assert_int_equal(host_sync(&host), 0);
    host_crash(&host);
    assert_int_not_equal(le32_load(super_of(&host)->last_orphan), 0);

    host_mount(&host);
    assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
    assert_int_equal(attributes.size_bytes, 5000);
    assert_int_equal(attributes.sectors, 10);
    host_unmount(&host);
    le16_store(super_of(&host)->state, EXT2_STATE_VALID);
    host_check(&host);
    host_free(&host);
}

static void damaged_orphan_list_is_not_followed(void **state)
{
    static const uint32_t numbers[] = {1, 8, 0xffffffff, 2, 30};
    struct host host;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        leave_orphans(&host);
        le32_store(super_of(&host)->last_orphan, numbers[i]);
        host_mount(&host);
        assert_true(host.fs.is_read_only);
        assert_non_null(host.fs.message);
        assert_int_equal(host_touch(&host, "/x"), -EROFS);
        host_unmount(&host);
        host_free(&host);
    }
}

static void unreadable_orphan_list(void **state)
{
    struct host host;

    (void)state;
    leave_orphans(&host);
    host.read_fault = host.reads + 2;
    host.stays = true;
    host_mount(&host);
    assert_true(host.fs.is_read_only);
    assert_non_null(strstr(host.fs.message, "deleted files"));
    host_unmount(&host);
    host_free(&host);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

static void statistics_agree_with_dumpe2fs(void **state)
{
    struct host host;
    struct ext2_statistics statistics;
    unsigned int blocks = 0;
    unsigned int inodes = 0;

    (void)state;
    host_make(&host, "-b 1024 -m 5 -g 1024", 12 << 20);
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/f"), 0);
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, sizeof(bytes)), 0);
    ext2_statistics_get(&host.fs, &statistics);
    host_unmount(&host);
    const char *output = host_command(&host, "dumpe2fs -h %s 2>/dev/null");

    assert_int_equal(sscanf(strstr(output, "Free blocks:"), "Free blocks: %u", &blocks), 1);
    assert_int_equal(sscanf(strstr(output, "Free inodes:"), "Free inodes: %u", &inodes), 1);
    assert_int_equal(statistics.free_blocks, blocks);
    assert_int_equal(statistics.free_inodes, inodes);
    assert_int_equal(sscanf(strstr(output, "Reserved block count:"), "Reserved block count: %u",
                            &blocks),
                     1);
    assert_int_equal(statistics.free_blocks - statistics.available_blocks, blocks);
    assert_true(statistics.blocks < (12 << 10) && statistics.blocks > statistics.free_blocks);
    host_check(&host);
    host_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_mount_and_unmount),
        cmocka_unit_test(clean_state_is_written_last),
        cmocka_unit_test(unmount_waits_for_users),
        cmocka_unit_test(read_only_mount_changes_nothing),
        cmocka_unit_test(journal_to_recover_is_refused),
        cmocka_unit_test(clean_journal_is_left_alone),
        cmocka_unit_test(unknown_features),
        cmocka_unit_test(foreign_file_systems),
        cmocka_unit_test(states_of_the_disk),
        cmocka_unit_test(damaged_superblocks),
        cmocka_unit_test(damaged_group_descriptors),
        cmocka_unit_test(damage_is_recorded),
        cmocka_unit_test(mount_finishes_deletions),
        cmocka_unit_test(e2fsck_finishes_deletions),
        cmocka_unit_test(mount_finishes_a_truncation),
        cmocka_unit_test(damaged_orphan_list_is_not_followed),
        cmocka_unit_test(unreadable_orphan_list),
        cmocka_unit_test(statistics_agree_with_dumpe2fs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
