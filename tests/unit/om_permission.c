/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of OM's permissions: every mode for every kind of caller against the rules written out
 * again, and who may change what.
 */
#include "tests/unit/om_host.h"

#include <stdio.h>

#include "kit/string.h"

#define OWNER 7u
#define GROUP 8u
#define OTHER 9u

static int setup(void **state)
{
    (void)state;
    host_start();
    assert_int_equal(host_chmod("/", 0777), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_become(0);
    host_end();
    return 0;
}

static void become(uint32_t uid, uint32_t gid, const uint8_t *groups, uint32_t count)
{
    host.caller = (struct caller){uid, gid, groups, count};
}

/* The rules once more, by the letters of ls -l. */
static bool granted(const char letters[10], bool is_directory, uint32_t uid, bool in_group,
                    uint32_t wanted)
{
    const char *class = uid == OWNER ? letters : in_group ? letters + 3 : letters + 6;
    bool anybody = strchr(letters, 'x') != NULL;

    if (uid == 0)
        return (wanted & MAY_EXECUTE) == 0 || is_directory || anybody;
    return ((wanted & MAY_READ) == 0 || class[0] == 'r') &&
           ((wanted & MAY_WRITE) == 0 || class[1] == 'w') &&
           ((wanted & MAY_EXECUTE) == 0 || class[2] == 'x');
}

static void letters_of(uint32_t mode, char letters[10])
{
    for (int i = 0; i < 9; i++)
        letters[i] = (mode >> (8 - i) & 1) != 0 ? "rwxrwxrwx"[i] : '-';
    letters[9] = '\0';
}

static void check_mode(uint32_t mode, uint32_t type)
{
    static const uint8_t groups[] = {1, 0, 0, 0, GROUP, 0, 0, 0};
    static const struct {
        uint32_t uid, gid, count;
        bool in_group;
    } callers[] = {
        {0, 0, 0, false},         {OWNER, OTHER, 0, false}, {OWNER, GROUP, 0, true},
        {OTHER, GROUP, 0, true},  {OTHER, OTHER, 2, true},  {OTHER, OTHER, 1, false},
        {OTHER, OTHER, 0, false},
    };
    struct fs_owner owner = {.mode = type | mode, .links = 1, .uid = OWNER, .gid = GROUP};
    char letters[10];

    letters_of(mode, letters);
    for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        struct caller caller = {callers[i].uid, callers[i].gid, groups, callers[i].count};

        for (uint32_t wanted = 0; wanted < 8; wanted++) {
            bool may = granted(letters, type == S_IFDIR, caller.uid, callers[i].in_group, wanted);

            if (permission_check(&caller, &owner, wanted) != (may ? 0 : -EACCES))
                fail_msg("%s caller %zu wants %u", letters, i, wanted);
        }
    }
}

static void matrix(void **state)
{
    (void)state;
    for (uint32_t mode = 0; mode < 512; mode++) {
        check_mode(mode, S_IFREG);
        check_mode(mode, S_IFDIR);
    }
}

/* What each operation needs of the directory, and of the directories on the way. */
static void directories_decide(void **state)
{
    (void)state;
    assert_int_equal(host_mkdir("/d", 0755), 0);
    assert_int_equal(host_mknod("/d/f", S_IFREG | 0666), 0);
    host_become(OTHER);
    assert_int_equal(host_access("/d/f", MAY_WRITE), 0);
    assert_int_equal(host_unlink("/d/f"), -EACCES);
    assert_int_equal(host_rename("/d/f", "/f", 0), -EACCES);
    assert_int_equal(host_mkdir("/d/g", 0755), -EACCES);
    assert_int_equal(host_mkdir("/d/f", 0755), -EEXIST);
    assert_int_equal(host_touch("/d/g", O_CREAT | O_WRONLY, 0644), -EACCES);
    assert_int_equal(host_touch("/d/f", O_CREAT | O_WRONLY, 0644), 0);
    assert_int_equal(host_link("/d/f", "/d/g", 0), -EACCES);
    assert_int_equal(host_symlink("f", "/d/g"), -EACCES);
    host_become(0);
    assert_int_equal(host_chmod("/d", 0766), 0); /* may be read and written, not searched */
    host_become(OTHER);
    assert_int_equal(host_access("/d/f", 0), -EACCES);
    assert_int_equal(host_mkdir("/d/g", 0755), -EACCES);
    assert_int_equal(host_unlink("/d/f"), -EACCES);
    assert_int_equal(host_touch("/d", O_DIRECTORY, 0), 0);
    host_become(0);
    assert_int_equal(host_chmod("/d", 0733), 0); /* searched and written, not read */
    host_become(OTHER);
    assert_int_equal(host_touch("/d", O_DIRECTORY, 0), -EACCES);
    assert_int_equal(host_touch("/d", O_PATH, 0), 0);
    assert_int_equal(host_mkdir("/d/g", 0755), 0);
    assert_int_equal(host_rmdir("/d/g"), 0);
}

static void sticky_directories(void **state)
{
    (void)state;
    assert_int_equal(host_mkdir("/tmp", 01777), 0);
    assert_int_equal(host_chown("/tmp", OWNER, OWNER), 0);
    host_become(GROUP);
    assert_int_equal(host_mknod("/tmp/f", S_IFREG | 0666), 0);
    assert_int_equal(host_mkdir("/tmp/d", 0777), 0);
    host_become(OTHER);
    assert_int_equal(host_mknod("/tmp/mine", S_IFREG | 0666), 0);
    assert_int_equal(host_unlink("/tmp/f"), -EPERM);
    assert_int_equal(host_rmdir("/tmp/d"), -EPERM);
    assert_int_equal(host_rename("/tmp/f", "/tmp/g", 0), -EPERM);
    assert_int_equal(host_rename("/tmp/mine", "/tmp/f", 0), -EPERM);
    assert_int_equal(host_rename("/tmp/mine", "/tmp/f", RENAME_EXCHANGE), -EPERM);
    assert_int_equal(host_rename("/tmp/mine", "/tmp/new", 0), 0);
    assert_int_equal(host_unlink("/tmp/new"), 0);
    host_become(GROUP); /* its own */
    assert_int_equal(host_rename("/tmp/f", "/tmp/g", 0), 0);
    host_become(OWNER); /* the directory's owner */
    assert_int_equal(host_unlink("/tmp/g"), 0);
    host_become(0);
    assert_int_equal(host_rmdir("/tmp/d"), 0);
}

static void owners_and_groups(void **state)
{
    static const uint8_t groups[] = {GROUP, 0, 0, 0};
    struct om_attr attr;

    (void)state;
    become(OWNER, OWNER, groups, 1);
    assert_int_equal(host_mknod("/f", S_IFREG | 06755), 0);
    assert_int_equal(host_chown("/f", OWNER, GROUP), 0);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.gid, GROUP);
    assert_int_equal(attr.mode, S_IFREG | 0755); /* the set-id bits went */
    assert_int_equal(host_chown("/f", OWNER, OTHER), -EPERM);
    assert_int_equal(host_chown("/f", OTHER, GROUP), -EPERM);
    assert_int_equal(host_chmod("/f", 02755), 0);
    become(OWNER, OWNER, NULL, 0); /* not in the file's group: no set-group-id */
    assert_int_equal(host_chmod("/f", 02755), 0);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFREG | 0755);
    host_become(OTHER);
    assert_int_equal(host_chmod("/f", 0777), -EPERM);
    assert_int_equal(host_chown("/f", OTHER, OTHER), -EPERM);
    assert_int_equal(host_mknod("/dev", S_IFCHR | 0666), -EPERM);
    host_become(0);
    assert_int_equal(host_chown("/f", 0, 0), 0);
    assert_int_equal(host_mknod("/dev", S_IFCHR | 0666), 0);
    assert_int_equal(host_mknod("/x", S_IFDIR | 0777), -EPERM);
    assert_int_equal(host_mknod("/x", 0150000), -EINVAL);
}

static int set_times(const char *path, struct om_time atime, struct om_time mtime)
{
    struct fs_change change = {.set = OM_SET_ATIME | OM_SET_MTIME, .atime = atime, .mtime = mtime};
    struct where where = host_where(path);

    return path_setattr(host.om, &where, OM_FOLLOW, &change, &host.remote);
}

static void who_may_touch(void **state)
{
    const struct om_time now = {0, UTIME_NOW}, then = {1, 2};

    (void)state;
    host_become(OWNER);
    assert_int_equal(host_mknod("/f", S_IFREG | 0646), 0);
    assert_int_equal(host_mknod("/g", S_IFREG | 0644), 0);
    assert_int_equal(set_times("/f", then, then), 0);
    host_become(OTHER);
    assert_int_equal(set_times("/f", now, now), 0);
    assert_int_equal(set_times("/f", now, then), -EPERM);
    assert_int_equal(set_times("/f", then, then), -EPERM);
    assert_int_equal(set_times("/g", now, now), -EACCES);
    host_become(0);
    assert_int_equal(set_times("/g", then, then), 0);
}

/* By path a file is cut by who may write it; by a key, by who has it open. */
static void who_may_truncate(void **state)
{
    struct fs_change change = {.set = OM_SET_SIZE, .size = 10};
    struct where where;
    struct opened file;

    (void)state;
    host_become(OWNER);
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 0400, &file), 0);
    assert_int_equal(host_truncate("/f", 10), -EACCES);
    where = host_where("");
    where.directory = key_node(&host.om->keys, file.key);
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), 0);
    node_drop(where.directory);
    assert_int_equal(host_close(file.key), 0);
    assert_int_equal(host_truncate("/", 0), -EISDIR);
    assert_int_equal(host_mknod("/pipe", S_IFIFO | 0666), 0);
    assert_int_equal(host_truncate("/pipe", 0), -EINVAL);
}

/* A write, told by a key, takes the rights that a file lends; by a path nobody writes. */
static void a_write_drops_set_ids(void **state)
{
    struct fs_change change = {.set = OM_DROP_SET_IDS};
    struct om_attr attr;
    struct where where;
    struct opened file;

    (void)state;
    host_become(OWNER);
    assert_int_equal(host_open("/f", O_RDWR | O_CREAT, 06777, &file), 0);
    host_become(OTHER);
    where = host_where("/f");
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), -EINVAL);
    where = host_where("");
    where.directory = key_node(&host.om->keys, file.key);
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), 0);
    assert_int_equal(path_setattr(host.om, &where, 0, &change, &host.remote), 0);
    node_drop(where.directory);
    assert_int_equal(host_stat("/f", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFREG | 0777);
    assert_int_equal(host_close(file.key), 0);
}

static void made_for_the_caller(void **state)
{
    struct om_attr attr;

    (void)state;
    assert_int_equal(host_mkdir("/d", 02777), 0);
    assert_int_equal(host_stat("/d", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFDIR | 0777); /* mkdir takes no set-group-id */
    assert_int_equal(host_chown("/d", OWNER, GROUP), 0);
    assert_int_equal(host_chmod("/d", 02777), 0);
    become(OTHER, OTHER, NULL, 0);
    assert_int_equal(host_mknod("/d/f", S_IFREG | 02775), 0);
    assert_int_equal(host_mkdir("/d/e", 0755), 0);
    assert_int_equal(host_stat("/d/f", 0, &attr), 0);
    assert_int_equal(attr.uid, OTHER);
    assert_int_equal(attr.gid, GROUP);
    assert_int_equal(attr.mode, S_IFREG | 0775);
    assert_int_equal(host_stat("/d/e", 0, &attr), 0);
    assert_int_equal(attr.gid, GROUP);
    assert_int_equal(attr.mode, S_IFDIR | 02755);
    assert_int_equal(host_mknod("/g", S_IFREG | 02775), 0);
    assert_int_equal(host_stat("/g", 0, &attr), 0);
    assert_int_equal(attr.gid, OTHER);
    assert_int_equal(attr.mode, S_IFREG | 02775);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(matrix),
        TEST(directories_decide),
        TEST(sticky_directories),
        TEST(owners_and_groups),
        TEST(who_may_touch),
        TEST(who_may_truncate),
        TEST(a_write_drops_set_ids),
        TEST(made_for_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
