/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults at every point: the Nth read fails, the Nth write, the Nth allocation; no block or inode
 * is left when the Nth is wanted; the machine stops after the Nth operation.
 *
 * One script of operations is run for each N. An operation under a fault does all or nothing, and
 * e2fsck finds nothing wrong afterwards (where the machine stopped: nothing that it cannot repair).
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"
#include "kit/endian.h"

static uint8_t bytes[300 * 1024];

/* ---- The script ------------------------------------------------------------------------------ */

struct result {
    int worst;      /* the last error that is not a mere consequence of an earlier one */
    uint32_t count; /* operations so far */
    uint32_t stop;  /* after so many the machine stops */
};

/* Notes an operation's status. True while the script goes on. */
static bool note(struct result *result, int status)
{
    if (status != 0 && status != -ENOENT && status != -ENOTEMPTY && status != -EEXIST)
        result->worst = status;
    return ++result->count < result->stop;
}

static int cut(struct host *host, const char *path, uint64_t size_bytes)
{
    struct ext2_inode *inode = NULL;
    int status = host_open(host, path, &inode);

    if (status == 0) {
        status = host_truncate(host, inode, size_bytes);
        host_release(host, inode);
    }
    return status;
}

/* Lists a directory, ignoring what is in it. */
static bool ignore(void *context, const struct ext2_entry *entry)
{
    ++*(uint32_t *)context;
    return entry->inode != 0;
}

static int list(struct host *host, const char *path)
{
    struct ext2_inode *inode = NULL;
    uint64_t cursor = 0;
    uint32_t count = 0;
    uint32_t before = 1;
    int status = host_open(host, path, &inode);

    if (status != 0)
        return status;
    while (status == 0 && before != count) {
        before = count;
        status = HOST_RUN(host, ext2_readdir(op, &host->fs, inode, &cursor, ignore, &count));
    }
    host_release(host, inode);
    return status;
}

static const char long_target[] =
    "a/target/that/is/too/long/for/the/place/of/the/pointers/and/so/has/a/block/of/its/own";

static void script_of_names(struct host *host, struct result *result)
{
    char path[300];

    if (!note(result, host_mkdir(host, "/d")) || !note(result, host_mkdir(host, "/d/e")) ||
        !note(result, host_touch(host, "/d/f")) || !note(result, host_symlink(host, "/s", "x")) ||
        !note(result, host_symlink(host, "/d/t", long_target)) ||
        !note(result, host_link(host, "/d/f", "/d/e/g")) ||
        !note(result, host_rename(host, "/d/e", "/e", 0)) || !note(result, list(host, "/d")))
        return;
    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof(path), "/d/%0200d", i);
        if (!note(result, host_touch(host, path)))
            return;
    }
    if (!note(result, host_rename(host, "/d", "/e/d", 0)) ||
        !note(result, host_rename(host, "/e", "/e/d/x", 0) == -EINVAL ? 0 : -ENOENT) ||
        !note(result, host_rename(host, "/e/d/f", "/s", EXT2_RENAME_EXCHANGE)) ||
        !note(result, host_unlink(host, "/e/d/t")) || !note(result, list(host, "/e/d")))
        return;
    for (int i = 0; i < 12; i += 2) {
        snprintf(path, sizeof(path), "/e/d/%0200d", i);
        if (!note(result, host_unlink(host, path)))
            return;
    }
    note(result, host_rmdir(host, "/lost+found"));
}

static void script_of_data(struct host *host, struct result *result)
{
    struct ext2_inode *inode = NULL;

    if (!note(result, host_touch(host, "/a")) || !note(result, host_touch(host, "/b")) ||
        !note(result, host_write_path(host, "/a", 3000, bytes, sizeof(bytes))) ||
        !note(result, host_write_path(host, "/b", 70u << 20, bytes, 3000)) ||
        !note(result, cut(host, "/a", 100 * 1024)) ||
        !note(result, host_write_path(host, "/a", 200 * 1024, bytes, 20000)) ||
        !note(result, host_rename(host, "/b", "/a", 0)))
        return;
    if (host_open(host, "/a", &inode) == 0) {
        bool goes_on = note(result, host_unlink(host, "/a"));
        int64_t written = goes_on ? host_write(host, inode, 0, bytes, 30000) : 0;

        goes_on = goes_on && note(result, written < 0 ? (int)written : 0);
        host_release(host, inode);
        if (!goes_on)
            return;
    }
    note(result, cut(host, "/a", 0));
}

static struct result run_script(struct host *host, uint32_t stop)
{
    struct result result = {.stop = stop};

    script_of_names(host, &result);
    if (result.count < stop)
        script_of_data(host, &result);
    return result;
}

/* A copy of a fresh disk, so that mke2fs runs once a test. */
static void host_copy(struct host *host, const struct host *fresh)
{
    *host = *fresh;
    host->disk = malloc(host->disk_bytes);
    memcpy(host->disk, fresh->disk, host->disk_bytes);
}

static void make_fresh(struct host *fresh)
{
    host_make(fresh, "-b 1024 -N 64", 1 << 20);
    fresh->capacity = FS_OPERATION_FRAMES + 1;
    fresh->pool = 12;
    fresh->evicts = true;
}

/* Lets e2fsck judge one of a few disks: it takes as long as a hundred scripts. */
static void check_sometimes(struct host *host, uint64_t n)
{
    if (n % 16 == 0)
        host_check(host);
}

/* ---- Reads, writes, memory ------------------------------------------------------------------- */

static void each_read_fails(void **state)
{
    struct host fresh;
    struct host host;
    uint64_t failures = 0;
    bool is_past = false;

    (void)state;
    make_fresh(&fresh);
    for (uint64_t n = 0; !is_past; n++) {
        host_copy(&host, &fresh);
        host.read_fault = n;
        int status = host_try_mount(&host);

        if (status == 0) {
            struct result result = run_script(&host, UINT32_MAX);

            failures += result.worst == -EIO;
            assert_true(result.worst == 0 || result.worst == -EIO);
            assert_false(host.fs.is_damaged);
            host.read_fault = HOST_NEVER;
            assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), 0);
            host_unmount(&host);
            check_sometimes(&host, n);
        } else {
            assert_int_equal(status, -EIO);
        }
        is_past = host.reads <= n;
        host_free(&host);
    }
    assert_true(failures > 200);
    host_free(&fresh);
}

static void all_reads_fail_from_one_on(void **state)
{
    struct host fresh;
    struct host host;
    bool is_past = false;

    (void)state;
    make_fresh(&fresh);
    for (uint64_t n = 0; !is_past; n += 3) {
        host_copy(&host, &fresh);
        host.read_fault = n;
        host.stays = true;
        if (host_try_mount(&host) == 0) {
            struct result result = run_script(&host, UINT32_MAX);

            assert_true(result.worst == 0 || result.worst == -EIO);
            is_past = host.reads <= n;
            host.read_fault = HOST_NEVER;
            assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), 0);
            host_unmount(&host);
            check_sometimes(&host, n);
        }
        host_free(&host);
    }
    host_free(&fresh);
}

static void each_allocation_fails(void **state)
{
    struct host fresh;
    struct host host;
    bool is_past = false;
    uint64_t failures = 0;

    (void)state;
    make_fresh(&fresh);
    fresh.capacity = 200;
    fresh.evicts = false;
    for (uint64_t n = 0; !is_past; n++) {
        host_copy(&host, &fresh);
        host.memory_fault = n;
        int status = host_try_mount(&host);

        if (status == 0) {
            struct result result = run_script(&host, UINT32_MAX);

            failures += result.worst == -ENOMEM;
            assert_true(result.worst == 0 || result.worst == -ENOMEM);
            assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), 0);
            host_unmount(&host);
            check_sometimes(&host, n);
        } else {
            assert_int_equal(status, -ENOMEM);
            host_crash(&host);
        }
        is_past = host.allocations <= n;
        host_free(&host);
    }
    host_free(&fresh);
}

/* With memory for a few buffers only, operations make do with those. */
static void no_more_memory_from_one_on(void **state)
{
    struct host fresh;
    struct host host;
    bool is_past = false;
    uint64_t failures = 0;

    (void)state;
    make_fresh(&fresh);
    fresh.capacity = 200;
    fresh.evicts = false;
    for (uint64_t n = 0; !is_past; n++) {
        host_copy(&host, &fresh);
        host.memory_fault = n;
        host.stays = true;
        if (host_try_mount(&host) == 0) {
            struct result result = run_script(&host, UINT32_MAX);

            failures += result.worst == -ENOMEM;
            assert_true(result.worst == 0 || result.worst == -ENOMEM);
            is_past = host.allocations <= n;
            host.memory_fault = HOST_NEVER;
            assert_int_equal(HOST_RUN(&host, ext2_reap(op, &host.fs)), 0);
            host_unmount(&host);
            check_sometimes(&host, n);
        } else {
            host_crash(&host);
        }
        host_free(&host);
    }
    assert_true(failures > 3);
    host_free(&fresh);
}

/* A failed write makes the file system read-only; what the cache holds is whole and can be
 * saved. */
static void each_write_fails(void **state)
{
    struct host fresh;
    struct host host;
    bool is_past = false;
    uint64_t failures = 0;

    (void)state;
    make_fresh(&fresh);
    for (uint64_t n = 0; !is_past; n++) {
        host_copy(&host, &fresh);
        host_mount(&host);
        host.write_fault = host.writes + n;
        struct result result = run_script(&host, UINT32_MAX);

        failures += result.worst != 0;
        assert_true(result.worst == 0 || result.worst == -EIO || result.worst == -EROFS);
        assert_int_equal(host.fs.is_read_only, host.writes > host.write_fault);
        assert_true(result.worst == 0 || host.fs.is_read_only);
        is_past = host.writes <= host.write_fault;
        host.write_fault = HOST_NEVER;
        assert_int_equal(host_sync(&host), 0);
        host_crash(&host);
        int exit_status = n % 16 == 0 ? host_repair(&host) : 0;

        assert_in_range(exit_status, 0, 1);
        host_free(&host);
    }
    assert_true(failures > 200);
    host_free(&fresh);
}

static void dead_disk(void **state)
{
    struct host fresh;
    struct host host;

    (void)state;
    make_fresh(&fresh);
    for (uint64_t n = 0; n < 60; n += 7) {
        host_copy(&host, &fresh);
        host_mount(&host);
        host.write_fault = host.writes + n;
        host.stays = true;
        struct result result = run_script(&host, UINT32_MAX);

        assert_true(result.worst == -EIO || result.worst == -EROFS);
        assert_int_equal(host_sync(&host), -EIO);
        host_crash(&host);
        host_free(&host);
    }
    host_free(&fresh);
}

/* ---- Stops ----------------------------------------------------------------------------------- */

/* After a stop with half of the dirty buffers written e2fsck repairs, and the disk mounts again. */
static void stop_after_each_operation(void **state)
{
    struct host fresh;
    struct host host;
    uint64_t random = 1;
    struct result result = {0};

    (void)state;
    make_fresh(&fresh);
    fresh.capacity = 200;
    for (uint32_t stop = 1; stop == 1 || result.count == stop - 1; stop += 2) {
        host_copy(&host, &fresh);
        host_mount(&host);
        result = run_script(&host, stop);
        uint8_t copy[1024];
        uint32_t some = host_random(&random) % (host.cache.dirty_count + 1);

        for (uint32_t i = 0; i < some; i++) {
            struct buffer *buffer = buffer_write_begin(&host.cache, UINT64_MAX, copy);

            memcpy(host.disk + (uint64_t)buffer->block * 1024, copy, 1024);
            buffer_write_end(&host.cache, buffer, true);
        }
        host_crash(&host);
        assert_in_range(host_repair(&host), 0, 1);
        host_mount(&host);
        assert_int_equal(list(&host, "/"), 0);
        host_unmount(&host);
        host_check(&host);
        host_free(&host);
        if (result.count < stop)
            break;
    }
    host_free(&fresh);
}

/* With all written before the stop there is nothing to repair but the state and the orphans. */
static void stop_after_a_sync(void **state)
{
    struct host fresh;
    struct host host;

    (void)state;
    make_fresh(&fresh);
    for (uint32_t stop = 1; stop < 45; stop += 4) {
        host_copy(&host, &fresh);
        host_mount(&host);
        struct result result = run_script(&host, stop);

        assert_true(result.count <= stop);
        assert_int_equal(host_sync(&host), 0);
        host_crash(&host);
        host_mount(&host);
        assert_false(host.fs.is_read_only);
        host_unmount(&host);
        le16_store(((struct ext2_disk_super *)(host.disk + 1024))->state, EXT2_STATE_VALID);
        host_check(&host);
        host_free(&host);
    }
    host_free(&fresh);
}

/* ---- No space -------------------------------------------------------------------------------- */

/* Makes a disk with `blocks` free blocks, and a directory that fills its twelve blocks: four
 * entries in each. */
static void leave_blocks(struct host *host, const struct host *fresh, uint32_t blocks)
{
    struct ext2_statistics statistics;
    struct ext2_inode *inode = NULL;
    char path[300];

    host_copy(host, fresh);
    host_mount(host);
    assert_int_equal(host_mkdir(host, "/full"), 0);
    assert_int_equal(host_touch(host, "/first"), 0);
    for (int i = 0; i < 12 * 4; i++) {
        snprintf(path, sizeof(path), "/full/%0240d", i);
        assert_int_equal(host_link(host, "/first", path), 0);
    }
    assert_int_equal(host_touch(host, "/file"), 0);
    assert_int_equal(host_touch(host, "/fill"), 0);
    assert_int_equal(host_open(host, "/fill", &inode), 0);
    ext2_statistics_get(&host->fs, &statistics);
    for (uint32_t at = 0; statistics.free_blocks > blocks; at++) {
        struct ext2_extent extent;
        uint32_t want = (uint32_t)(statistics.free_blocks - blocks);

        /* Some go for indirect blocks. */
        want = want > 40 ? want - 20 : 1;
        assert_int_equal(HOST_RUN(host, ext2_allocate(op, &host->fs, inode, at, want, &extent)), 0);
        at += extent.count - 1;
        ext2_statistics_get(&host->fs, &statistics);
    }
    struct ext2_attributes attributes = {.size_bytes = 1000 << 10};

    assert_int_equal(HOST_RUN(host, ext2_attributes_set(op, &host->fs, inode, EXT2_SET_LARGER_SIZE,
                                                        &attributes)),
                     0);
    host_release(host, inode);
}

/* The wanting operations: each needs some blocks, each at another place of the plan. */
static int want(struct host *host, int which)
{
    char path[300];

    snprintf(path, sizeof(path), "/full/%0240d", 999);
    switch (which) {
    case 0:
        return host_mkdir(host, "/new");
    case 1:
        return host_symlink(host, "/new", long_target);
    case 2:
        return host_touch(host, path);
    case 3:
        return host_mkdir(host, path);
    case 4:
        return host_rename(host, "/file", path, 0);
    case 5:
        return host_link(host, "/file", path);
    case 6:
        return host_write_path(host, "/file", 0, bytes, 1);
    case 7:
        return host_write_path(host, "/file", 20 << 10, bytes, 1);
    case 8:
        return host_write_path(host, "/file", 300 << 10, bytes, 1);
    default:
        return host_write_path(host, "/file", 70 << 20, bytes, 1);
    }
}

static void no_block_left_at_each_point(void **state)
{
    struct host fresh;
    struct host host;
    uint32_t refused = 0;
    uint32_t done = 0;

    (void)state;
    host_make(&fresh, "-b 1024 -N 64 -m 0", 1 << 20);
    fresh.is_quick = true;
    for (uint32_t blocks = 0; blocks < 7; blocks++) {
        for (int which = 0; which < 10; which++) {
            struct ext2_statistics before;
            struct ext2_statistics after;

            leave_blocks(&host, &fresh, blocks);
            ext2_statistics_get(&host.fs, &before);
            assert_int_equal(before.free_blocks, blocks);
            int status = want(&host, which);

            ext2_statistics_get(&host.fs, &after);
            if (status == -ENOSPC) {
                assert_int_equal(before.free_blocks, after.free_blocks);
                assert_int_equal(before.free_inodes, after.free_inodes);
                assert_in_range(before.free_blocks, 0, 4);
                refused++;
            } else {
                assert_int_equal(status, 0);
                assert_in_range(before.free_blocks - after.free_blocks, 0, 4);
                done++;
            }
            assert_null(ext2_verify(&host.fs));
            host_unmount(&host);
            if (which % 4 == (int)blocks % 4)
                host_check(&host);
            host_free(&host);
        }
    }
    assert_true(refused > 15 && done > 20);
    host_free(&fresh);
}

static void no_inode_left(void **state)
{
    struct host host;
    char path[32];
    int made = 0;

    (void)state;
    host_make(&host, "-b 1024 -N 32", 1 << 20);
    host_mount(&host);
    for (int status = 0; status == 0; made += status == 0) {
        snprintf(path, sizeof(path), "/f%d", made);
        status = made % 2 ? host_mkdir(&host, path) : host_touch(&host, path);
        assert_true(status == 0 || status == -ENOSPC);
    }
    assert_int_equal(made, 32 - 11);
    assert_int_equal(host_symlink(&host, "/s", "x"), -ENOSPC);
    assert_int_equal(host_link(&host, "/f0", "/l"), 0);
    assert_int_equal(host_unlink(&host, "/f2"), 0);
    assert_int_equal(host_symlink(&host, "/s", "x"), 0);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

static void no_inode_in_memory_left(void **state)
{
    struct host host;
    struct ext2_inode *inodes[6] = {NULL};
    char path[32];

    (void)state;
    host_make(&host, "-b 1024", 1 << 20);
    host.pool = 7;
    host_mount(&host);
    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof(path), "/f%d", i);
        assert_int_equal(host_touch(&host, path), 0);
    }
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof(path), "/f%d", i);
        assert_int_equal(host_open(&host, path, &inodes[i]), 0);
    }
    assert_int_equal(host_touch(&host, "/new"), -ENFILE);
    assert_int_equal(host_unlink(&host, "/f11"), -ENFILE);
    assert_int_equal(host_unlink(&host, "/f5"), 0);
    assert_int_equal(host_release(&host, inodes[5]), 0);
    assert_int_equal(host_touch(&host, "/new"), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(host_release(&host, inodes[i]), 0);
    host_unmount(&host);
    host_check(&host);
    host_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_read_fails),
        cmocka_unit_test(all_reads_fail_from_one_on),
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(no_more_memory_from_one_on),
        cmocka_unit_test(each_write_fails),
        cmocka_unit_test(dead_disk),
        cmocka_unit_test(stop_after_each_operation),
        cmocka_unit_test(stop_after_a_sync),
        cmocka_unit_test(no_block_left_at_each_point),
        cmocka_unit_test(no_inode_left),
        cmocka_unit_test(no_inode_in_memory_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
