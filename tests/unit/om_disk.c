/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of OM's ext2 with the fake local caches: data, holes and their promises, a full disk,
 * faults, power cuts, nodes that leave memory, and the mapper protocol's bad requests.
 * tests/unit/om_model.c has the random ones.
 */
#include "tests/unit/om_disk_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"

#define DISK_BYTES (4u << 20)
#define BIG_BYTES 700000u

static uint8_t big[BIG_BYTES], seen[BIG_BYTES];

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BIG_BYTES; i++)
        big[i] = (uint8_t)(i * 13 + i / 251 + 1);
    host_disk_make("-b 1024 -m 0", DISK_BYTES);
    host_disk_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_disk_end();
    host_disk_free();
    return 0;
}

/* Unmounts, checks, mounts. */
static void again(void)
{
    host_disk_end();
    host_disk_start();
}

static int64_t put(const char *path, uint64_t offset, const void *bytes, size_t count)
{
    struct opened file;
    int status = host_open(path, O_RDWR | O_CREAT, 0644, &file);
    int64_t moved;

    if (status != 0)
        return status;
    moved = host_write(&file.segment, offset, bytes, count);
    assert_int_equal(host_close(file.key), 0);
    return moved;
}

static int64_t take(const char *path, uint64_t offset, void *bytes, size_t count)
{
    struct opened file;
    int status = host_open(path, O_RDONLY, 0, &file);
    int64_t moved;

    if (status != 0)
        return status;
    moved = host_read(&file.segment, offset, bytes, count);
    assert_int_equal(host_close(file.key), 0);
    return moved;
}

static struct om_attr attr_of(const char *path)
{
    struct om_attr attr = {0};

    assert_int_equal(host_stat(path, 0, &attr), 0);
    return attr;
}

static uint64_t blocks_free(void)
{
    struct where where = host_where("/");
    struct om_volume volume;

    assert_int_equal(path_statfs(host.om, &where, &volume, &host.remote), 0);
    return volume.blocks_free;
}

/* ---- Data ------------------------------------------------------------------------------------ */

static void data_stays(void **state)
{
    (void)state;
    assert_int_equal(put("/big", 0, big, BIG_BYTES), BIG_BYTES);
    assert_int_equal(put("/small", 0, "abc", 3), 3);
    assert_int_equal(attr_of("/big").size, BIG_BYTES);
    again();
    assert_int_equal(attr_of("/big").size, BIG_BYTES);
    assert_int_equal(take("/big", 0, seen, BIG_BYTES), BIG_BYTES);
    assert_memory_equal(seen, big, BIG_BYTES);
    assert_int_equal(take("/small", 0, seen, 100), 3);
    assert_int_equal(attr_of("/small").blocks, 2);
}

/* A write costs one request for leave per 16 pages, a read one per 16 pages, what is cached
 * none. */
static void requests_are_few(void **state)
{
    uint64_t *requests = host_cache.requests;

    (void)state;
    assert_int_equal(put("/big", 0, big, BIG_BYTES), BIG_BYTES);
    assert_in_range(requests[KN_MPGETACCESS], 1, 11);
    assert_int_equal(requests[KN_MPPULLIN], 0);
    assert_int_equal(requests[KN_MPPUSHOUT], 0);
    assert_int_equal(take("/big", 0, seen, BIG_BYTES), BIG_BYTES);
    assert_int_equal(requests[KN_MPPULLIN], 0);
    again();
    assert_int_equal(take("/big", 0, seen, BIG_BYTES), BIG_BYTES);
    assert_in_range(requests[KN_MPPULLIN], 1, 15);
    /* blocks that are there need no leave */
    assert_int_equal(put("/big", 0, big, BIG_BYTES), BIG_BYTES);
    assert_int_equal(requests[KN_MPGETACCESS], 0);
}

static void holes(void **state)
{
    uint64_t before;

    (void)state;
    before = blocks_free();
    assert_int_equal(put("/f", 300000, "x", 1), 1);
    host_keeper();
    assert_in_range(attr_of("/f").blocks, 2, 8); /* a block, and two of the map */
    assert_int_equal(attr_of("/f").size, 300001);
    assert_int_equal(take("/f", 0, seen, BIG_BYTES), 300001);
    assert_int_equal(seen[300000], 'x');
    for (uint32_t i = 0; i < 300000; i++)
        assert_int_equal(seen[i], 0);
    assert_int_equal(put("/f", 100000, big, 5000), 5000);
    assert_int_equal(host_truncate("/f", 1 << 20), 0);
    again();
    assert_int_equal(attr_of("/f").size, 1 << 20);
    assert_int_equal(take("/f", 100000, seen, 5000), 5000);
    assert_memory_equal(seen, big, 5000);
    assert_int_equal(host_unlink("/f"), 0);
    assert_int_equal(blocks_free(), before);
}

/* What was cut off is gone, though it lay in the same block and nobody had it in memory. */
static void cut_off(void **state)
{
    static const uint8_t zeros[4096];

    (void)state;
    assert_int_equal(put("/f", 0, big, 10000), 10000);
    again();
    assert_int_equal(host_truncate("/f", 5100), 0); /* nobody has opened it since */
    assert_int_equal(host_truncate("/f", 9000), 0);
    assert_int_equal(take("/f", 5100, seen, 4096), 9000 - 5100);
    assert_memory_equal(seen, zeros, 9000 - 5100);
    assert_int_equal(put("/f", 0, big, 10000), 10000);
    host_keeper();
    assert_int_equal(host_truncate("/f", 5100), 0); /* somebody has, and the pages are clean */
    again();
    assert_int_equal(host_truncate("/f", 9000), 0);
    assert_int_equal(take("/f", 5100, seen, 4096), 9000 - 5100);
    assert_memory_equal(seen, zeros, 9000 - 5100);
    assert_int_equal(take("/f", 0, seen, 5100), 5100);
    assert_memory_equal(seen, big, 5100);
    assert_int_equal(host_truncate("/f", UINT64_C(1) << 40), -EFBIG);
}

/* Bytes that a mapping left behind the end do not reach the disk. */
static void behind_the_end(void **state)
{
    struct opened file;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_write(&file.segment, 0, big, 3000), 3000);
    assert_int_equal(host_write(&file.segment, 3000, big, 50), 50);
    KnCap segment = file.segment;

    host_cache_scribble(&segment, 3050);
    host_keeper();
    assert_int_equal(host_close(file.key), 0);
    again();
    assert_int_equal(host_truncate("/f", 4000), 0);
    assert_int_equal(take("/f", 3050, seen, 4096), 950);
    for (int i = 0; i < 950; i++)
        assert_int_equal(seen[i], 0);
}

/* ---- A full disk ----------------------------------------------------------------------------- */

/* The writer learns of it, and what was taken from him is written. */
static void full(void **state)
{
    uint64_t before, size = 0;
    struct om_attr attr;
    int64_t moved;

    (void)state;
    before = blocks_free();
    while ((moved = put("/f", size, big, 100000)) == 100000)
        size += 100000;
    size += moved > 0 ? (uint64_t)moved : 0;
    assert_int_equal(put("/f", size, big, 100000), K_ENOSPC);
    assert_true(size > 3 << 20);
    assert_int_equal(put("/g", 0, big, 100000), K_ENOSPC);
    assert_int_equal(put("/f", 5000, big, 1000), 1000); /* what is there can be written over */
    assert_int_equal(ext2_fs_sync(&host_ext2()->fs), 0);
    attr = attr_of("/f");
    assert_int_equal(attr.size, size);
    assert_in_range(attr.blocks * 512, size, size + 40000);
    again();
    assert_int_equal(attr_of("/f").size, size);
    assert_int_equal(take("/f", 0, seen, 5000), 5000);
    assert_memory_equal(seen, big, 5000);
    assert_int_equal(host_unlink("/f"), 0);
    assert_int_equal(host_unlink("/g"), 0);
    assert_int_equal(blocks_free(), before);
}

/* Promises that nobody used come back with the next look at the file. */
static void promises_come_back(void **state)
{
    struct ext2_fs *self = host_ext2();
    uint64_t before;

    (void)state;
    before = blocks_free();
    for (int i = 0; i < 20; i++) {
        char path[20];

        snprintf(path, sizeof(path), "/%d", i);
        assert_int_equal(put(path, 0, "x", 1), 1);
    }
    assert_int_equal(self->reserved, 20 * 64);
    host_keeper();
    assert_int_equal(self->reserved, 0);
    assert_int_equal(blocks_free(), before - 20);
    assert_int_equal(put("/0", 2000, "y", 1), 1);
    assert_int_equal(host_unlink("/0"), 0);
    assert_int_equal(self->reserved, 0);
}

/* ---- What is open beyond its name ------------------------------------------------------------ */

static void open_beyond_the_name(void **state)
{
    struct opened file;
    uint64_t before;

    (void)state;
    before = blocks_free();
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_write(&file.segment, 0, big, 50000), 50000);
    assert_int_equal(host_unlink("/f"), 0);
    host_keeper();
    assert_true(blocks_free() < before);
    assert_int_equal(host_read(&file.segment, 0, seen, BIG_BYTES), 50000);
    assert_memory_equal(seen, big, 50000);
    assert_int_equal(host_write(&file.segment, 50000, big, 10), 10);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(blocks_free(), before);
    host_cache.requests[KN_MPOPEN] = 0;
    assert_int_equal(host_read(&file.segment, 0, seen, 10), 0); /* the cache was emptied */
}

static void without_a_name(void **state)
{
    const uint32_t flags = O_TMPFILE | O_EXCL | O_RDWR;
    struct opened first, second;
    uint64_t before;

    (void)state;
    assert_int_equal(host_mkdir("/d", 0755), 0);
    before = blocks_free();
    assert_int_equal(host_open("/d", flags, 0644, &first), 0);
    assert_int_equal(host_open("/d", flags, 0600, &second), 0);
    assert_int_equal(first.attr.links, 0);
    assert_int_equal(first.attr.mode, S_IFREG | 0644);
    assert_int_equal(host_write(&first.segment, 0, big, 50000), 50000);
    assert_int_equal(host_read(&first.segment, 0, seen, BIG_BYTES), 50000);
    assert_memory_equal(seen, big, 50000);
    assert_int_equal(host_rmdir("/d"), 0); /* nothing is in it */
    assert_int_equal(host_close(second.key), 0);
    assert_int_equal(host_close(first.key), 0);
    assert_true(blocks_free() >= before);
    assert_int_equal(host_open("/d", flags, 0644, &first), -ENOENT);
    assert_int_equal(host_open("/", flags & ~(uint32_t)O_EXCL, 0644, &first), -EOPNOTSUPP);
    assert_int_equal(host_open("/", flags & ~(uint32_t)O_ACCMODE, 0644, &first), -EINVAL);
    assert_int_equal(host_open("/", flags & ~(uint32_t)O_DIRECTORY, 0644, &first), -EINVAL);
    assert_int_equal(host_open("/", flags | O_CREAT, 0644, &first), -EINVAL);
    assert_int_equal(put("/f", 0, "x", 1), 1);
    assert_int_equal(host_open("/f", flags, 0644, &first), -ENOTDIR);
    host_become(1000);
    assert_int_equal(host_open("/", flags, 0644, &first), -EACCES);
}

/* The next file with that number has another key. */
static void keys_do_not_come_back(void **state)
{
    struct opened first, second;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &first), 0);
    assert_int_equal(host_unlink("/f"), 0);
    assert_int_equal(host_close(first.key), 0);
    assert_int_equal(host_open("/g", O_RDWR | O_CREAT, 0644, &second), 0);
    assert_int_equal(second.attr.inode, first.attr.inode);
    assert_int_not_equal(second.segment.key, first.segment.key);
    assert_int_equal(host_close(second.key), 0);
}

static void end_with_files_open(void **state)
{
    struct opened file, deleted;
    struct fs *fs = host.om->root->fs;
    struct where top = host_where("/");
    struct om_attr attr;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_open("/g", O_RDWR | O_CREAT, 0644, &deleted), 0);
    assert_int_equal(host_write(&file.segment, 0, big, 50000), 50000);
    assert_int_equal(host_write(&deleted.segment, 0, big, 50000), 50000);
    assert_int_equal(host_unlink("/g"), 0);
    assert_int_equal(fs->operations->unmount(fs), -EBUSY);
    assert_int_equal(path_umount(host.om, &top), 0);
    host_disk_check();
    assert_int_equal(path_umount(host.om, &top), 0);
    assert_int_equal(host_stat("/f", 0, &attr), -EIO);
    assert_int_equal(host_mkdir("/d", 0755), -EROFS);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host_close(deleted.key), 0);
    ext2_fs_free(fs);
    assert_int_equal(host.allocations, 0);
    free(host.om);
    host_disk_start();
    assert_int_equal(attr_of("/f").size, 50000);
    assert_int_equal(host_stat("/g", 0, &attr), -ENOENT);
}

/* ---- Times, and nodes that leave memory ------------------------------------------------------ */

static void times_and_returning_nodes(void **state)
{
    const struct fs_change old = {.set = OM_SET_ATIME | OM_SET_MTIME,
                                  .atime = {5, 0},
                                  .mtime = {7, 0}};
    struct where where = host_where("/f");
    struct om_attr before;

    (void)state;
    assert_int_equal(put("/f", 0, "abc", 3), 3);
    before = attr_of("/f");
    assert_int_equal(path_setattr(host.om, &where, 0, &old, &host.remote), 0);
    host_ext2()->node_limit = 0;
    for (int i = 0; i < 3; i++) /* others come, and it goes */
        assert_int_equal(host_mkdir(i == 0 ? "/a" : i == 1 ? "/b" : "/c", 0755), 0);
    assert_false(ext2_node_is_in_memory(host_ext2(), (uint32_t)before.inode));
    assert_int_equal(attr_of("/f").mtime_s, 7);
    assert_int_equal(attr_of("/f").size, 3);
    assert_int_equal(put("/f", 3, "d", 1), 1);
    assert_true(attr_of("/f").mtime_s > 7);
    assert_int_equal(attr_of("/f").size, 4);
    assert_int_equal(path_setattr(host.om, &where, 0, &old, &host.remote), 0);
    again();
    assert_int_equal(attr_of("/f").mtime_s, 7);
    assert_int_equal(attr_of("/f").atime_s, 5);
    assert_int_equal(attr_of("/f").size, 4);
}

/* ---- Power cuts and faults ------------------------------------------------------------------- */

static void what_was_synced_stays(void **state)
{
    struct opened file;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    assert_int_equal(host_write(&file.segment, 0, big, BIG_BYTES), BIG_BYTES);
    struct node *node = key_node(&host.om->keys, file.key);

    assert_int_equal(node->fs->operations->sync_node(node), 0);
    assert_true(host_disk.flushes > 0);
    node_drop(node);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(put("/late", 0, big, 5000), 5000);
    host_disk_cut();
    assert_in_range(host_disk_repair(), 0, 1);
    host_disk_start();
    assert_int_equal(take("/f", 0, seen, BIG_BYTES), BIG_BYTES);
    assert_memory_equal(seen, big, BIG_BYTES);
}

/* However early the power goes, e2fsck finds nothing that it cannot mend, and no file has bytes
 * that never were its. */
static void cuts_at_any_time(void **state)
{
    (void)state;
    for (uint64_t cut = 1; cut < 400; cut += 7) {
        struct om_attr attr;
        char path[20];

        host_end();
        host_disk_free();
        host_disk_make("-b 1024 -m 0", 1 << 20);
        memset(seen, 0xee, 4096);
        for (uint64_t at = 300 * 1024; at < 1 << 20; at += 1024)
            memset(host_disk.bytes + at, 0xee, 1024); /* what blocks held before */
        host_disk_start();
        host_disk.write_fault = host_disk.writes + cut;
        for (int i = 0; i < 20; i++) {
            snprintf(path, sizeof(path), "/%d", i);
            (void)put(path, 0, big, 1000 + 1500 * (size_t)i);
            if (i % 5 == 4)
                (void)ext2_fs_sync(&host_ext2()->fs);
            if (i % 3 == 2)
                (void)host_unlink(path);
        }
        host_disk_cut();
        host_disk.write_fault = 0;
        assert_in_range(host_disk_repair(), 0, 1);
        host_disk_start();
        for (int i = 0; i < 20; i++) {
            snprintf(path, sizeof(path), "/%d", i);
            if (host_stat(path, 0, &attr) != 0 || attr.size == 0)
                continue;
            assert_int_equal(take(path, 0, seen, BIG_BYTES), attr.size);
            for (uint64_t at = 0; at < attr.size; at++)
                assert_true(seen[at] == big[at] || seen[at] == 0);
        }
    }
}

static void reads_fail(void **state)
{
    (void)state;
    assert_int_equal(put("/f", 0, big, 50000), 50000);
    again();
    assert_int_equal(attr_of("/f").size, 50000);
    host_disk.read_fault = host_disk.reads + 1;
    assert_int_equal(take("/f", 0, seen, 100), K_EIO);
    host_disk.read_fault = 0;
    assert_int_equal(take("/f", 0, seen, 50000), 50000);
    assert_memory_equal(seen, big, 50000);
}

/* The disk takes no more: who syncs learns it, nothing can be changed, what is in memory can be
 * read. */
static void writes_fail(void **state)
{
    (void)state;
    assert_int_equal(put("/f", 0, big, 50000), 50000);
    assert_int_equal(ext2_fs_sync(&host_ext2()->fs), 0);
    assert_int_equal(put("/f", 0, big + 1, 50000), 50000);
    host_disk.write_fault = host_disk.writes + 1;
    assert_int_equal(ext2_fs_sync(&host_ext2()->fs), -EIO);
    assert_int_equal(take("/f", 0, seen, 50000), 50000);
    assert_memory_equal(seen, big + 1, 50000);
    (void)host_mkdir("/d", 0755);
    assert_int_equal(ext2_fs_sync(&host_ext2()->fs), -EIO);
    assert_int_equal(host_mkdir("/e", 0755), -EROFS);
    assert_int_equal(host_touch("/f", O_RDONLY, 0), 0);
    host_disk_cut();
    host_disk.write_fault = 0;
    assert_in_range(host_disk_repair(), 0, 1);
    host_disk_start();
}

static void read_only(void **state)
{
    struct opened file;

    (void)state;
    assert_int_equal(put("/f", 0, big, 5000), 5000);
    host_disk_end();
    host_disk.is_read_only = true;
    assert_int_equal(host_try_start_disk(false), 0);
    assert_int_equal(host_mkdir("/d", 0755), -EROFS);
    assert_int_equal(host_touch("/f", O_RDWR, 0), -EROFS);
    assert_int_equal(host_open("/f", O_RDONLY, 0, &file), 0);
    assert_int_equal(host_read(&file.segment, 0, seen, 5000), 5000);
    assert_memory_equal(seen, big, 5000);
    assert_int_equal(host_write(&file.segment, 0, "x", 1), K_EPROT);
    assert_int_equal(host_close(file.key), 0);
    host_disk_end();
    host_disk.is_read_only = false;
    assert_int_equal(host_try_start_disk(true), 0);
    assert_int_equal(host_unlink("/f"), -EROFS);
    again();
}

static void mounts_that_fail(void **state)
{
    uint8_t super[1024];

    (void)state;
    host_end();
    memcpy(super, host_disk.bytes + 1024, sizeof(super));
    memset(host_disk.bytes + 1024, 0, sizeof(super));
    assert_int_equal(host_try_start_disk(false), -EINVAL);
    memcpy(host_disk.bytes + 1024, super, sizeof(super));
    host_disk.read_fault = 1;
    assert_int_equal(host_try_start_disk(false), -EIO);
    host_disk.read_fault = host_disk.reads + 2;
    assert_int_equal(host_try_start_disk(false), -EIO);
    host_disk.read_fault = 0;
    uint8_t *bytes = host_disk.bytes;

    host_disk.bytes = NULL;
    assert_int_equal(host_try_start_disk(false), -ENXIO);
    host_disk.bytes = bytes;
    host_disk_start();
}

/* The Nth allocation fails, for every N: an error, nothing lost, nothing broken. */
static void allocations_fail(void **state)
{
    uint64_t number = 0;
    int64_t status;

    (void)state;
    do {
        char path[20];

        host.had_fault = false;
        host.fault_at = ++number;
        snprintf(path, sizeof(path), "/d%lu", number);
        status = host_mkdir(path, 0755);
        strlcat(path, "/f", sizeof(path));
        if (status == 0)
            status = put(path, 0, big, 30000);
        if (status >= 0)
            status = host_truncate(path, 10);
        if (status == 0)
            status = host_rename(path, "/g", 0);
        if (status == 0)
            status = ext2_fs_sync(&host_ext2()->fs);
        if (status == 0)
            status = host_unlink("/g");
        if (host.had_fault)
            assert_true(status == -ENOMEM || status == K_ENOMEM || status == -EIO || status == 0);
        host.fault_at = 0;
        assert_null(ext2_verify(&host_ext2()->core));
    } while (host.had_fault);
    assert_int_equal(status, 0);
    assert_true(number > 10);
}

/* ---- The protocol's bad requests ------------------------------------------------------------- */

static int32_t ask(KnMpService service, KnKey key, uint64_t offset, uint64_t bytes,
                   KnMpReply *reply)
{
    static uint8_t body[65536];
    KnMpRequest request = {.mpService = service,
                           .mpSegment = key,
                           .mpOffset = offset,
                           .mpBytes = bytes,
                           .mpRequiredOffset = offset,
                           .mpRequiredBytes = HOST_PAGE_BYTES,
                           .mpEnd = offset + bytes};
    uint32_t reply_bytes;

    host_cache.serve(&request, body,
                     service == KN_MPPUSHOUT ? (uint32_t)MIN(bytes, sizeof(body)) : 0, reply,
                     &reply_bytes);
    return reply->mpDiag;
}

static void bad_requests(void **state)
{
    const uint64_t page = HOST_PAGE_BYTES, beyond = UINT64_C(1) << 50;
    struct opened file;
    KnMpReply reply;

    (void)state;
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0644, &file), 0);
    KnKey key = file.segment.key;

    assert_int_equal(ask(KN_MPOPEN, key, 0, page, &reply), K_OK);
    for (int bit = 0; bit < 64; bit++)
        assert_int_equal(ask(KN_MPOPEN, key ^ UINT64_C(1) << bit, 0, page, &reply), K_EUNKNOWN);
    assert_int_equal(ask(KN_MPOPEN, 0, 0, page, &reply), K_EUNKNOWN);
    assert_int_equal(ask(KN_MPCREATE, key, 0, page, &reply), K_EIO);
    assert_int_equal(ask((KnMpService)99, key, 0, page, &reply), K_EIO);
    assert_int_equal(ask(KN_MPPULLIN, key, beyond, page, &reply), K_EIO);
    assert_int_equal(ask(KN_MPGETACCESS, key, beyond, page, &reply), K_ENOSPC);
    assert_int_equal(ask(KN_MPPULLIN, key, 0, 0, &reply), K_EIO);
    assert_int_equal(ask(KN_MPPUSHOUT, key, 0, 0, &reply), K_OK);
    assert_int_equal(ask(KN_MPPULLIN, key, 0, page * 16, &reply), K_OK); /* a hole */
    assert_int_equal(reply.mpBytes, page * 16);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host_ext2()->reserved, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(data_stays),
        TEST(requests_are_few),
        TEST(holes),
        TEST(cut_off),
        TEST(behind_the_end),
        TEST(full),
        TEST(promises_come_back),
        TEST(open_beyond_the_name),
        TEST(without_a_name),
        TEST(keys_do_not_come_back),
        TEST(end_with_files_open),
        TEST(times_and_returning_nodes),
        TEST(what_was_synced_stays),
        TEST(cuts_at_any_time),
        TEST(reads_fail),
        TEST(writes_fail),
        TEST(read_only),
        TEST(mounts_that_fail),
        TEST(allocations_fail),
        TEST(bad_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
