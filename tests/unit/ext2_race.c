/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two operations at once: while the first waits for a block, the second runs as a whole. Each pair
 * of operations is tried at each wait of the first one. Result and tree must be those of the second
 * one followed by the first one, since what a pass found before a wait counts for nothing.
 */
#include "tests/unit/ext2_host.h"

#include <stdio.h>
#include <string.h>

#include "kit/base.h"

static const char long_target[] =
    "a/target/that/is/too/long/for/the/place/of/the/pointers/and/so/has/a/block/of/its/own";
static const uint8_t bytes[30 * 1024];

/* What the operations work on, opened before they begin: /, /d, /d/e, /x, /d/f. */
struct places {
    struct ext2_inode *root;
    struct ext2_inode *d;
    struct ext2_inode *e;
    struct ext2_inode *x;
    struct ext2_inode *f;
};

typedef int operation(struct host *host, struct places *places);

/* ---- Operations that meet -------------------------------------------------------------------- */

static int make(struct host *host, struct places *places, uint32_t mode)
{
    struct ext2_inode *inode = NULL;
    struct ext2_template template = {.mode = mode,
                                     .target = long_target,
                                     .target_bytes = sizeof(long_target) - 1};
    int status =
        HOST_RUN(host, ext2_create(op, &host->fs, places->d, host_name("new"), &template, &inode));

    if (status == 0)
        (void)ext2_inode_release(&host->fs, inode);
    return status;
}

static int make_file(struct host *host, struct places *places)
{
    return make(host, places, EXT2_TYPE_REGULAR | 0644);
}

static int make_directory(struct host *host, struct places *places)
{
    return make(host, places, EXT2_TYPE_DIRECTORY | 0755);
}

static int make_symlink(struct host *host, struct places *places)
{
    return make(host, places, EXT2_TYPE_SYMLINK | 0777);
}

static int link_file(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_link(op, &host->fs, places->d, host_name("new"), places->f));
}

static int unlink_file(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_unlink(op, &host->fs, places->d, host_name("f")));
}

static int remove_directory(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_rmdir(op, &host->fs, places->d, host_name("e")));
}

static int make_below(struct host *host, struct places *places)
{
    struct ext2_inode *inode = NULL;
    struct ext2_template template = {.mode = EXT2_TYPE_REGULAR};
    int status =
        HOST_RUN(host, ext2_create(op, &host->fs, places->e, host_name("f"), &template, &inode));

    if (status == 0)
        (void)ext2_inode_release(&host->fs, inode);
    return status;
}

static int rename_directory(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_rename(op, &host->fs, places->d, host_name("e"), places->x,
                                      host_name("e"), 0));
}

/* With rename_directory this would make a circle. */
static int rename_other_directory(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_rename(op, &host->fs, places->root, host_name("x"), places->e,
                                      host_name("x"), 0));
}

static int rename_over(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_rename(op, &host->fs, places->root, host_name("g"), places->d,
                                      host_name("f"), 0));
}

static int exchange(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_rename(op, &host->fs, places->d, host_name("e"), places->root,
                                      host_name("x"), EXT2_RENAME_EXCHANGE));
}

static int allocate(struct host *host, struct places *places)
{
    struct ext2_extent extent;

    return HOST_RUN(host, ext2_allocate(op, &host->fs, places->f, 300, 4, &extent));
}

static int cut(struct host *host, struct places *places)
{
    return HOST_RUN(host, ext2_truncate(op, &host->fs, places->f, 3000));
}

static int reap(struct host *host, struct places *places)
{
    (void)places;
    return HOST_RUN(host, ext2_reap(op, &host->fs));
}

static int look_up(struct host *host, struct places *places)
{
    struct ext2_inode *inode = NULL;
    int status = HOST_RUN(host, ext2_lookup(op, &host->fs, places->d, host_name("e"), &inode));

    if (status == 0)
        (void)ext2_inode_release(&host->fs, inode);
    return status;
}

static operation *const operations[] = {
    make_file,
    make_directory,
    make_symlink,
    link_file,
    unlink_file,
    make_below,
    remove_directory,
    rename_other_directory,
    rename_directory,
    rename_over,
    exchange,
    allocate,
    cut,
    reap,
    look_up,
};

/* ---- Trees ----------------------------------------------------------------------------------- */

struct listing {
    char text[100][256];
    uint32_t count;
};

static bool take_name(void *context, const struct ext2_entry *entry)
{
    struct listing *listing = context;

    assert_true(listing->count < ARRAY_SIZE(listing->text));
    memcpy(listing->text[listing->count], entry->name.text, entry->name.bytes);
    listing->text[listing->count++][entry->name.bytes] = 0;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list(struct host *host, struct ext2_inode *inode, struct listing *listing)
{
    uint64_t cursor = 0;
    uint32_t before = 1;

    while (before != listing->count) {
        before = listing->count;
        assert_int_equal(HOST_RUN(host,
                                  ext2_readdir(op, &host->fs, inode, &cursor, take_name, listing)),
                         0);
    }
    qsort(listing->text, listing->count, sizeof(listing->text[0]), compare_names);
}

/* Appends to a text what is at and below `path`: types, links, sizes, blocks. */
static void describe(struct host *host, const char *path, char *text, size_t limit)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    struct ext2_attributes attributes;
    struct ext2_inode *inode = NULL;
    size_t used = strlen(text);

    assert_int_equal(host_open(host, path, &inode), 0);
    ext2_attributes_get(&host->fs, inode, &attributes);
    snprintf(text + used, limit - used, "%s %o %u %llu %llu\n", path, attributes.mode,
             attributes.links, (unsigned long long)attributes.size_bytes,
             (unsigned long long)attributes.sectors);
    if ((attributes.mode & EXT2_TYPE_MASK) == EXT2_TYPE_DIRECTORY)
        list(host, inode, listing);
    host_release(host, inode);
    for (uint32_t i = 0; i < listing->count; i++) {
        char below[600];

        if (strcmp(listing->text[i], ".") == 0 || strcmp(listing->text[i], "..") == 0)
            continue;
        snprintf(below, sizeof(below), "%s%s%s", path, path[1] ? "/" : "", listing->text[i]);
        describe(host, below, text, limit);
    }
    free(listing);
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

/* One try. The interrupt finds it here. */
static struct {
    struct host host;
    struct places places;
    operation *second;
    uint32_t left; /* waits of the first operation before the second one runs */
    int first_status;
    int second_status;
    bool has_run;
    char text[1 << 15];
} try;

/* A cut under way is several operations, so the second one may not come between those. */
static void run_second(struct host *host)
{
    if (try.has_run || try.places.f->cut != EXT2_NOTHING_CUT || try.left-- > 0)
        return;
    try.has_run = true;
    host->interrupt = NULL;
    try.second_status = try.second(host, &try.places);
}

static void make_fresh(struct host *fresh)
{
    char path[300];

    host_make(fresh, "-b 1024 -N 128", 1 << 20);
    host_mount(fresh);
    assert_int_equal(host_mkdir(fresh, "/d"), 0);
    assert_int_equal(host_mkdir(fresh, "/x"), 0);
    for (int i = 0; i < 9; i++) {
        snprintf(path, sizeof(path), "/d/%0230d", i);
        assert_int_equal(host_touch(fresh, path), 0);
    }
    assert_int_equal(host_touch(fresh, "/d/f"), 0);
    assert_int_equal(host_write_path(fresh, "/d/f", 0, bytes, sizeof(bytes)), 0);
    assert_int_equal(host_touch(fresh, "/g"), 0);
    assert_int_equal(host_mkdir(fresh, "/d/e"), 0);
    host_unmount(fresh);
    fresh->capacity = 2 * FS_OPERATION_FRAMES + 1;
    fresh->evicts = true;
}

static void start(const struct host *fresh)
{
    struct host *host = &try.host;

    *host = *fresh;
    host->disk = malloc(host->disk_bytes);
    memcpy(host->disk, fresh->disk, host->disk_bytes);
    host_mount(host);
    assert_int_equal(host_open(host, "/", &try.places.root), 0);
    assert_int_equal(host_open(host, "/d", &try.places.d), 0);
    assert_int_equal(host_open(host, "/d/e", &try.places.e), 0);
    assert_int_equal(host_open(host, "/x", &try.places.x), 0);
    assert_int_equal(host_open(host, "/d/f", &try.places.f), 0);
    buffer_cache_chill(&host->cache);
}

/* Describes the tree, gives the file the size that its blocks may need, and lets everything go. */
static void finish(bool checks)
{
    struct ext2_attributes attributes = {.size_bytes = 304 * 1024};
    struct host *host = &try.host;

    host->interrupt = NULL;
    try.text[0] = 0;
    describe(host, "/", try.text, sizeof(try.text));
    assert_int_equal(HOST_RUN(host, ext2_attributes_set(op, &host->fs, try.places.f,
                                                        EXT2_SET_LARGER_SIZE, &attributes)),
                     0);
    assert_int_equal(host_release(host, try.places.root), 0);
    assert_int_equal(host_release(host, try.places.d), 0);
    assert_int_equal(host_release(host, try.places.e), 0);
    assert_int_equal(host_release(host, try.places.x), 0);
    assert_int_equal(host_release(host, try.places.f), 0);
    host_unmount(host);
    if (checks)
        host_check(host);
    host_free(host);
}

/* Tries a pair at each wait of the first operation. Returns how many there were. */
static uint32_t try_pair(const struct host *fresh, operation *first, operation *second)
{
    static char expected[sizeof(try.text)];
    int first_status;
    int second_status;
    uint32_t wait = 0;

    start(fresh);
    second_status = second(&try.host, &try.places);
    first_status = first(&try.host, &try.places);
    finish(true);
    memcpy(expected, try.text, sizeof(expected));
    for (;; wait++) {
        start(fresh);
        try.second = second;
        try.left = wait;
        try.has_run = false;
        try.host.interrupt = run_second;
        try.first_status = first(&try.host, &try.places);
        finish(wait == 3);
        if (!try.has_run)
            return wait;
        assert_int_equal(try.second_status, second_status);
        assert_int_equal(try.first_status, first_status);
        assert_string_equal(try.text, expected);
    }
}

static void each_pair_at_each_wait(void **state)
{
    struct host fresh;
    uint32_t waits = 0;

    (void)state;
    make_fresh(&fresh);
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        for (size_t j = 0; j < ARRAY_SIZE(operations); j++)
            waits += try_pair(&fresh, operations[i], operations[j]);
    assert_true(waits > 500);
    host_free(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_pair_at_each_wait)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
