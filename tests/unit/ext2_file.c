/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: the shapes of the block map, allocation and its limits, cutting in steps, sizes and times.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"
#include "kit/endian.h"

static uint8_t bytes[1 << 20];

static void start(struct host *host, const char *options, uint64_t disk_bytes)
{
    host_make(host, options, disk_bytes);
    host_mount(host);
    assert_int_equal(host_touch(host, "/f"), 0);
}

static void finish(struct host *host)
{
    host_unmount(host);
    host_check(host);
    host_free(host);
}

static struct ext2_inode *open_file(struct host *host, const char *path)
{
    struct ext2_inode *inode = NULL;

    assert_int_equal(host_open(host, path, &inode), 0);
    return inode;
}

static struct ext2_extent map(struct host *host, struct ext2_inode *inode, uint32_t file_block,
                              uint32_t count)
{
    struct ext2_extent extent;

    assert_int_equal(HOST_RUN(host,
                              ext2_map(op, &host->fs, inode, file_block, count, NULL, &extent)),
                     0);
    return extent;
}

/* ---- The block map --------------------------------------------------------------------------- */

static void empty_file_is_one_hole(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_extent extent;

    (void)state;
    start(&host, "-b 1024", 1 << 20);
    inode = open_file(&host, "/f");
    extent = map(&host, inode, 0, 1000);
    assert_int_equal(extent.disk_block, 0);
    assert_int_equal(extent.count, 12);
    extent = map(&host, inode, 12, 1000);
    assert_int_equal(extent.count, 256);
    extent = map(&host, inode, 12 + 256 + 5, 1u << 31);
    assert_int_equal(extent.count, 65536 - 5);
    extent = map(&host, inode, 12 + 256 + 65536, 1u << 31);
    assert_int_equal(extent.count, 1 << 24);
    extent = map(&host, inode, 0xfffffff0u, 3);
    assert_int_equal(extent.disk_block, 0);
    assert_int_equal(extent.count, 3);
    assert_int_equal(HOST_RUN(&host, ext2_map(op, &host.fs, inode, 0, 0, NULL, &extent)), -EINVAL);
    host_release(&host, inode);
    finish(&host);
}

/* Every block around the places where a level begins, alone, in a file of holes. */
static void each_level_alone(void **state)
{
    static const char *const options[] = {"-b 1024", "-b 2048", "-b 4096"};
    struct host host;

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t pointers = 256u << i;
        uint32_t places[] = {0,
                             11,
                             12,
                             12 + pointers - 1,
                             12 + pointers,
                             12 + pointers + pointers * pointers - 1,
                             12 + pointers + pointers * pointers,
                             12 + pointers + pointers * pointers * 2,
                             11 + pointers + pointers * pointers + pointers * pointers * pointers};
        uint32_t sectors = 0;

        start(&host, options[i], 4 << 20);
        struct ext2_inode *inode = open_file(&host, "/f");

        for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
            uint64_t offset = (uint64_t)places[j] * host.fs.block_bytes + 5;
            char text[8] = "";

            assert_int_equal(host_write(&host, inode, offset, "here", 4), 4);
            assert_int_equal(host_read(&host, inode, offset, text, 4), 4);
            assert_string_equal(text, "here");
            assert_true(inode->sectors > sectors);
            sectors = inode->sectors;
        }
        assert_int_equal(inode->size_bytes, ext2_size_max(&host.fs) - host.fs.block_bytes + 9);
        host_release(&host, inode);
        host_unmount(&host);
        host_check(&host);
        host_mount(&host);
        inode = open_file(&host, "/f");
        for (size_t j = 0; j < ARRAY_SIZE(places); j++)
            assert_int_not_equal(map(&host, inode, places[j], 1).disk_block, 0);
        for (size_t j = ARRAY_SIZE(places); j > 0; j--) {
            assert_int_equal(host_truncate(&host, inode,
                                           (uint64_t)places[j - 1] * host.fs.block_bytes),
                             0);
            assert_true(inode->sectors < sectors);
            sectors = inode->sectors;
        }
        assert_int_equal(inode->sectors, 0);
        host_release(&host, inode);
        finish(&host);
    }
}

/* With a cursor, mapping in order reads each indirect block from the disk once. */
static void cursor_reads_each_indirect_block_once(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_cursor cursor = {0};
    uint32_t blocks = 3000;
    uint64_t disk_reads = 0;

    (void)state;
    start(&host, "-b 1024", 8 << 20);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(host_write_path(&host, "/f", i * 1000 * 1024, bytes, 1000 * 1024), 0);
    assert_int_equal(host_sync(&host), 0);
    inode = open_file(&host, "/f");
    buffer_cache_chill(&host.cache);
    for (uint32_t i = 0; i < blocks; i++) {
        struct ext2_extent extent;

        assert_int_equal(HOST_RUN(&host, ext2_map(op, &host.fs, inode, i, 1, &cursor, &extent)), 0);
        assert_int_not_equal(extent.disk_block, 0);
        disk_reads += host.op.reads;
    }
    uint32_t leaves = (blocks - 12 - 256 + 255) / 256;

    assert_int_equal(disk_reads, 1 + 1 + leaves);
    assert_in_range(cursor.reads, 0, blocks + leaves);
    host_release(&host, inode);
    finish(&host);
}

static void cursor_notices_a_cut(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_cursor cursor = {0};
    struct ext2_extent extent;

    (void)state;
    start(&host, "-b 1024", 2 << 20);
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, 100 * 1024), 0);
    inode = open_file(&host, "/f");
    assert_int_equal(HOST_RUN(&host, ext2_map(op, &host.fs, inode, 50, 1, &cursor, &extent)), 0);
    assert_int_not_equal(extent.disk_block, 0);
    assert_int_equal(host_truncate(&host, inode, 1024), 0);
    assert_int_equal(HOST_RUN(&host, ext2_map(op, &host.fs, inode, 50, 1, &cursor, &extent)), 0);
    assert_int_equal(extent.disk_block, 0);
    assert_int_equal(host_write(&host, inode, 60 * 1024, bytes, 1), 1);
    assert_int_equal(HOST_RUN(&host, ext2_map(op, &host.fs, inode, 60, 1, &cursor, &extent)), 0);
    assert_int_not_equal(extent.disk_block, 0);
    host_release(&host, inode);
    finish(&host);
}

/* ---- Allocation ------------------------------------------------------------------------------ */

static uint32_t count_extents(struct host *host, struct ext2_inode *inode)
{
    uint32_t blocks =
        (uint32_t)((inode->size_bytes + host->fs.block_bytes - 1) / host->fs.block_bytes);
    uint32_t extents = 0;

    for (uint32_t at = 0; at < blocks; extents++)
        at += map(host, inode, at, blocks - at).count;
    return extents;
}

static void files_lie_together(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;

    (void)state;
    start(&host, "-b 4096", 16 << 20);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(host_write_path(&host, "/f", i * 10000, bytes, 10000), 0);
    inode = open_file(&host, "/f");
    assert_in_range(count_extents(&host, inode), 1, 3);
    host_release(&host, inode);
    finish(&host);
}

static void new_blocks_are_named(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_extent extent;

    (void)state;
    start(&host, "-b 1024", 1 << 20);
    inode = open_file(&host, "/f");
    assert_int_equal(HOST_RUN(&host, ext2_allocate(op, &host.fs, inode, 3, 5, &extent)), 0);
    assert_true(extent.is_new);
    assert_int_equal(extent.count, 5);
    assert_int_equal(host.op.data.inode, inode->number);
    assert_int_equal(host.op.data.file_block, 3);
    assert_int_equal(host.op.data.disk_block, extent.disk_block);
    assert_int_equal(host.op.data.count, 5);
    assert_int_equal(inode->changed_by, host.op.sequence);
    struct ext2_extent again;

    assert_int_equal(HOST_RUN(&host, ext2_allocate(op, &host.fs, inode, 4, 9, &again)), 0);
    assert_false(again.is_new);
    assert_int_equal(again.disk_block, extent.disk_block + 1);
    assert_int_equal(again.count, 4);
    assert_int_equal(host.op.data.count, 0);
    assert_int_equal(host.op.sequence, 0);
    assert_int_equal(HOST_RUN(&host, ext2_allocate(op, &host.fs, inode, 1, 9, &again)), 0);
    assert_true(again.is_new);
    assert_int_equal(again.count, 2);
    /* Blocks beyond the size go when the size is set. */
    assert_int_equal(host_truncate(&host, inode, 0), 0);
    assert_int_equal(inode->sectors, 0);
    host_release(&host, inode);
    finish(&host);
}

/* Bitmaps, then what a new inode consists of, then the name that leads to it. */
static void an_operation_lists_its_buffers_in_order(void **state)
{
    struct host host;
    struct ext2_inode *root = NULL;
    struct ext2_inode *inode = NULL;
    struct ext2_template template = {.mode = EXT2_TYPE_DIRECTORY | 0755};
    const struct fs_operation *op_done = &host.op;
    uint32_t directory_block = 0;

    (void)state;
    start(&host, "-b 1024", 1 << 20);
    assert_int_equal(host_open(&host, "/", &root), 0);
    directory_block = map(&host, root, 0, 1).disk_block;
    uint64_t before = host.cache.last_operation;

    assert_int_equal(HOST_RUN(&host,
                              ext2_create(op, &host.fs, root, host_name("d"), &template, &inode)),
                     0);
    assert_int_equal(op_done->sequence, before + 1);
    assert_int_equal(op_done->dirty[0]->block, host.fs.groups[0].inode_bitmap);
    uint32_t table_block =
        host.fs.groups[0].inode_table + (inode->number - 1) * host.fs.inode_bytes / 1024;
    uint32_t new_block = le32_load(inode->pointers[0]);
    uint32_t at[3] = {0};

    for (uint32_t i = 0; i < op_done->dirty_count; i++) {
        at[0] = op_done->dirty[i]->block == new_block ? i : at[0];
        at[1] = op_done->dirty[i]->block == table_block ? i : at[1];
        at[2] = op_done->dirty[i]->block == directory_block ? i : at[2];
    }
    assert_true(0 < at[0] && at[0] < at[1] && at[1] < at[2]);
    assert_in_range(op_done->dirty_count, 7, 8);
    host_release(&host, inode);
    host_release(&host, root);
    finish(&host);
}

/* Fills the disk as one user after the other. Returns blocks free afterwards. */
static uint64_t fill_as(struct host *host, uint32_t uid, uint32_t gid)
{
    struct ext2_inode *inode = open_file(host, "/f");
    struct ext2_statistics statistics;
    int64_t written = 1;

    host->uid = uid;
    host->gid = gid;
    while (written > 0)
        written = host_write(host, inode, inode->size_bytes, bytes, 50 * 1024);
    assert_int_equal(written, -ENOSPC);
    host_release(host, inode);
    ext2_statistics_get(&host->fs, &statistics);
    return statistics.free_blocks;
}

static void reserve_is_for_its_owners(void **state)
{
    struct host host;

    (void)state;
    host_make(&host, "-b 1024 -m 10", 1 << 20);
    le16_store(((struct ext2_disk_super *)(host.disk + 1024))->reserved_gid, 77);
    host_mount(&host);
    assert_int_equal(host_touch(&host, "/f"), 0);
    uint64_t left = fill_as(&host, 1000, 1000);

    assert_in_range(left, host.fs.reserved_blocks, host.fs.reserved_blocks + 1);
    assert_int_equal(host_mkdir(&host, "/d"), left > host.fs.reserved_blocks ? 0 : -ENOSPC);
    host.gid = 77;
    assert_int_equal(host_mkdir(&host, "/e"), 0);
    assert_in_range(fill_as(&host, 0, 0), 0, 2);
    finish(&host);
}

static void fill_free_and_fill_again(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    uint64_t first = 0;

    (void)state;
    start(&host, "-b 1024 -g 512", 2 << 20);
    first = fill_as(&host, 0, 0);
    inode = open_file(&host, "/f");
    uint64_t size = inode->size_bytes;

    assert_int_equal(host_truncate(&host, inode, 0), 0);
    host_release(&host, inode);
    assert_int_equal(fill_as(&host, 0, 0), first);
    inode = open_file(&host, "/f");
    assert_int_equal(inode->size_bytes, size);
    host_release(&host, inode);
    assert_int_equal(host_unlink(&host, "/f"), 0);
    finish(&host);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

static void large_files_need_their_feature(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_disk_super *super = NULL;

    (void)state;
    start(&host, "-b 1024 -O ^large_file", 1 << 20);
    inode = open_file(&host, "/f");
    super = (void *)(host.disk + 1024);
    assert_int_equal(host_truncate(&host, inode, INT32_MAX), 0);
    assert_int_equal(host_sync(&host), 0);
    assert_false(le32_load(super->feature_ro_compat) & EXT2_RO_COMPAT_LARGE_FILE);
    assert_int_equal(host_write(&host, inode, 0x90000000u, "x", 1), 1);
    assert_int_equal(host_sync(&host), 0);
    assert_true(le32_load(super->feature_ro_compat) & EXT2_RO_COMPAT_LARGE_FILE);
    assert_int_equal(host_truncate(&host, inode, ext2_size_max(&host.fs)), 0);
    assert_int_equal(host_truncate(&host, inode, ext2_size_max(&host.fs) + 1), -EFBIG);
    struct ext2_extent extent;
    uint32_t end = (uint32_t)(ext2_size_max(&host.fs) >> 10);

    assert_int_equal(HOST_RUN(&host, ext2_allocate(op, &host.fs, inode, end, 1, &extent)), -EFBIG);
    assert_int_equal(HOST_RUN(&host, ext2_allocate(op, &host.fs, inode, end - 1, 9, &extent)), 0);
    assert_int_equal(extent.count, 1);
    host_release(&host, inode);
    finish(&host);

    start(&host, "-b 1024 -r 0", 1 << 20);
    inode = open_file(&host, "/f");
    assert_int_equal(host_truncate(&host, inode, INT32_MAX), 0);
    assert_int_equal(host_truncate(&host, inode, (uint64_t)INT32_MAX + 1), -EFBIG);
    host_release(&host, inode);
    finish(&host);
}

static void sizes_grow_only_by_attribute(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_inode *root = NULL;
    struct ext2_attributes attributes = {.size_bytes = 5000};

    (void)state;
    start(&host, "-b 1024", 1 << 20);
    inode = open_file(&host, "/f");
    root = open_file(&host, "/");
    assert_int_equal(HOST_RUN(&host, ext2_attributes_set(op, &host.fs, inode, EXT2_SET_LARGER_SIZE,
                                                         &attributes)),
                     0);
    assert_int_equal(inode->size_bytes, 5000);
    attributes.size_bytes = 10;
    assert_int_equal(HOST_RUN(&host, ext2_attributes_set(op, &host.fs, inode, EXT2_SET_LARGER_SIZE,
                                                         &attributes)),
                     0);
    assert_int_equal(inode->size_bytes, 5000);
    attributes.size_bytes = ext2_size_max(&host.fs) + 1;
    assert_int_equal(HOST_RUN(&host, ext2_attributes_set(op, &host.fs, inode, EXT2_SET_LARGER_SIZE,
                                                         &attributes)),
                     -EFBIG);
    attributes.size_bytes = 1 << 20;
    assert_int_equal(HOST_RUN(&host, ext2_attributes_set(op, &host.fs, root, EXT2_SET_LARGER_SIZE,
                                                         &attributes)),
                     -EINVAL);
    assert_int_equal(HOST_RUN(&host, ext2_truncate(op, &host.fs, root, 0)), -EINVAL);
    host_release(&host, root);
    host_release(&host, inode);
    finish(&host);
}

/* ---- Cutting in steps ------------------------------------------------------------------------ */

/* Runs ext2_truncate up to its first commit. */
static void cut_once(struct host *host, struct ext2_inode *inode, uint64_t size_bytes)
{
    int status = FS_NEED_BLOCK;

    host_begin(host);
    while (status == FS_NEED_BLOCK) {
        status = ext2_truncate(&host->op, &host->fs, inode, size_bytes);
        if (status == FS_NEED_BLOCK)
            assert_true(host_again(host, &status));
    }
    assert_int_equal(status, FS_MORE);
    fs_operation_end(&host->op);
}

static void steps_are_bounded(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    uint32_t steps = 0;

    (void)state;
    start(&host, "-b 1024", 16 << 20);
    for (uint32_t i = 0; i < 12; i++)
        assert_int_equal(host_write_path(&host, "/f", i << 20, bytes, 1 << 20), 0);
    inode = open_file(&host, "/f");
    host.is_quick = true;
    while (inode->sectors > 0) {
        uint32_t before = inode->sectors;

        cut_once(&host, inode, 0);
        assert_int_equal(inode->size_bytes, 0);
        assert_in_range(before - inode->sectors, 2, 2 * 257);
        assert_in_range(host.op.dirty_count, 1, 16);
        assert_null(ext2_verify(&host.fs));
        steps++;
    }
    assert_in_range(steps, 12 * 4, 12 * 4 + 40);
    assert_int_equal(host_truncate(&host, inode, 0), 0);
    assert_false(inode->is_orphan);
    host_release(&host, inode);
    finish(&host);
}

static void what_is_being_cut_is_a_hole(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;

    (void)state;
    start(&host, "-b 1024", 4 << 20);
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, 1 << 20), 0);
    inode = open_file(&host, "/f");
    cut_once(&host, inode, 20 * 1024);
    assert_int_not_equal(map(&host, inode, 19, 1).disk_block, 0);
    assert_int_equal(map(&host, inode, 20, 1).disk_block, 0);
    assert_int_equal(map(&host, inode, 10, 100).count, 2);
    /* Writing beyond the cut first finishes it, so that no old block shows through. */
    char text[3] = "";

    assert_int_equal(host_write(&host, inode, 500 * 1024, "y", 1), 1);
    assert_int_equal(inode->cut, EXT2_NOTHING_CUT);
    assert_int_equal(host_read(&host, inode, 500 * 1024 - 1, text, 2), 2);
    assert_int_equal(text[0], 0);
    assert_int_equal(text[1], 'y');
    assert_int_equal(map(&host, inode, 20, 1).disk_block, 0);

    cut_once(&host, inode, 1024);
    struct ext2_attributes attributes = {.size_bytes = 700 * 1024};

    assert_int_equal(HOST_RUN(&host, ext2_attributes_set(op, &host.fs, inode, EXT2_SET_LARGER_SIZE,
                                                         &attributes)),
                     0);
    assert_int_equal(inode->cut, EXT2_NOTHING_CUT);
    assert_int_equal(inode->sectors, 2);
    host_release(&host, inode);
    memset(bytes, 0, sizeof(bytes));
    finish(&host);
}

static void abandoned_cut_is_finished_by_reaping(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;
    struct ext2_attributes attributes;

    (void)state;
    start(&host, "-b 1024", 4 << 20);
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, 1 << 20), 0);
    inode = open_file(&host, "/f");
    cut_once(&host, inode, 3 * 1024);
    assert_int_equal(host_release(&host, inode), 0);
    assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
    assert_int_equal(attributes.sectors, 6);
    assert_int_equal(host.fs.last_orphan, 0);
    finish(&host);
}

static void deleted_while_being_cut(void **state)
{
    struct host host;
    struct ext2_inode *inode = NULL;

    (void)state;
    start(&host, "-b 1024", 4 << 20);
    assert_int_equal(host_write_path(&host, "/f", 0, bytes, 1 << 20), 0);
    inode = open_file(&host, "/f");
    cut_once(&host, inode, 3 * 1024);
    assert_int_equal(host_unlink(&host, "/f"), 0);
    assert_int_equal(host_truncate(&host, inode, 3 * 1024), 0);
    assert_int_equal(inode->sectors, 6);
    assert_true(inode->is_orphan);
    cut_once(&host, inode, 0);
    assert_int_equal(host_release(&host, inode), 0);
    assert_int_equal(host.fs.last_orphan, 0);
    finish(&host);
}

/* ---- Times ----------------------------------------------------------------------------------- */

static const struct fs_time times[] = {
    {0, 0},           {1, 999999999},   {-1, 5},         {INT32_MAX, 1},
    {INT32_MIN, 7},   {2147483648, 3},  {4294967296, 4}, {10000000000, 123456789},
    {12884901887, 1}, {15032385535, 8},
};

static void check_times(const char *options, bool is_fine)
{
    struct host host;
    struct ext2_inode *inode = NULL;

    start(&host, options, 1 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        struct ext2_attributes attributes = {.access_time = times[i], .modify_time = times[i]};

        inode = open_file(&host, "/f");
        host.now = times[i];
        assert_int_equal(HOST_RUN(&host,
                                  ext2_attributes_set(op, &host.fs, inode,
                                                      EXT2_SET_ACCESS_TIME | EXT2_SET_MODIFY_TIME,
                                                      &attributes)),
                         0);
        host_release(&host, inode);
        host.now = (struct fs_time){1700000000, 0};
        host_unmount(&host);
        host_mount(&host);
        assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
        const struct fs_time *read[] = {&attributes.access_time, &attributes.modify_time,
                                        &attributes.change_time};

        for (size_t j = 0; j < ARRAY_SIZE(read); j++) {
            int64_t seconds =
                is_fine ? times[i].seconds : MIN(times[i].seconds, (int64_t)INT32_MAX);

            assert_int_equal(read[j]->seconds, seconds);
            assert_int_equal(read[j]->nanoseconds, is_fine ? times[i].nanoseconds : 0);
        }
    }
    finish(&host);
}

static void times_with_large_inodes(void **state)
{
    (void)state;
    check_times("-b 1024 -I 256", true);
}

static void times_with_small_inodes(void **state)
{
    (void)state;
    check_times("-b 1024 -I 128", false);
}

static void what_changes_which_time(void **state)
{
    struct host host;
    struct ext2_attributes attributes;
    struct ext2_inode *inode = NULL;

    (void)state;
    start(&host, "-b 1024", 1 << 20);
    assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
    assert_int_equal(attributes.create_time.seconds, 1700000000);
    assert_int_equal(attributes.create_time.nanoseconds, 123456789);
    host.now.seconds++;
    assert_int_equal(host_link(&host, "/f", "/g"), 0);
    assert_int_equal(host_attributes(&host, "/f", &attributes), 0);
    assert_int_equal(attributes.change_time.seconds, 1700000001);
    assert_int_equal(attributes.modify_time.seconds, 1700000000);
    assert_int_equal(host_attributes(&host, "/", &attributes), 0);
    assert_int_equal(attributes.modify_time.seconds, 1700000001);
    host.now.seconds++;
    inode = open_file(&host, "/f");
    assert_int_equal(host_truncate(&host, inode, 100), 0);
    assert_int_equal(inode->modify_time.seconds, 1700000002);
    host.now.seconds++;
    assert_int_equal(host_truncate(&host, inode, 100), 0);
    assert_int_equal(inode->modify_time.seconds, 1700000002);
    assert_int_equal(host_rename(&host, "/f", "/h", 0), 0);
    assert_int_equal(inode->change_time.seconds, 1700000003);
    assert_int_equal(inode->create_time.seconds, 1700000000);
    host_release(&host, inode);
    finish(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_file_is_one_hole),
        cmocka_unit_test(each_level_alone),
        cmocka_unit_test(cursor_reads_each_indirect_block_once),
        cmocka_unit_test(cursor_notices_a_cut),
        cmocka_unit_test(files_lie_together),
        cmocka_unit_test(new_blocks_are_named),
        cmocka_unit_test(an_operation_lists_its_buffers_in_order),
        cmocka_unit_test(reserve_is_for_its_owners),
        cmocka_unit_test(fill_free_and_fill_again),
        cmocka_unit_test(large_files_need_their_feature),
        cmocka_unit_test(sizes_grow_only_by_attribute),
        cmocka_unit_test(steps_are_bounded),
        cmocka_unit_test(what_is_being_cut_is_a_hole),
        cmocka_unit_test(abandoned_cut_is_finished_by_reaping),
        cmocka_unit_test(deleted_while_being_cut),
        cmocka_unit_test(times_with_large_inodes),
        cmocka_unit_test(times_with_small_inodes),
        cmocka_unit_test(what_changes_which_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
