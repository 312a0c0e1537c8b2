/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of OM's path walk: hard paths one by one, mounts, mounts of other servers, other roots, the
 * way back. tests/unit/om_model.c compares walks at large with the host's kernel.
 */
#include "tests/unit/om_host.h"

#include <stdio.h>

#include "kit/string.h"

#define LINKS_MAX 40

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

static uint64_t inode(const char *path)
{
    struct om_attr attr;
    int status = host_stat(path, OM_FOLLOW, &attr);

    if (status != 0)
        fail_msg("%s: %d", path, status);
    return attr.inode;
}

static void expect(const char *path, int status)
{
    struct om_attr attr;
    int found = host_stat(path, OM_FOLLOW, &attr);

    if (found != status)
        fail_msg("%s: %d, not %d", path, found, status);
}

static void make_tree(void)
{
    assert_int_equal(host_mkdir("/a", 0755), 0);
    assert_int_equal(host_mkdir("/a/b", 0755), 0);
    assert_int_equal(host_mknod("/a/b/f", S_IFREG | 0644), 0);
    assert_int_equal(host_symlink("a/b", "/ab"), 0);
    assert_int_equal(host_symlink("/a/b/", "/a/slash"), 0);
    assert_int_equal(host_symlink("../../a/b/f", "/a/b/self"), 0);
    assert_int_equal(host_symlink("nowhere", "/dangling"), 0);
    assert_int_equal(host_symlink("loop", "/loop"), 0);
    assert_int_equal(host_symlink("one", "/two"), 0);
    assert_int_equal(host_symlink("two", "/one"), 0);
    assert_int_equal(host_symlink("/", "/top"), 0);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static void paths(void **state)
{
    static const struct {
        const char *path;
        int status; /* or what it is the same as: */
        const char *same;
    } paths[] = {
        {"/", 0, "/"},
        {"//", 0, "/"},
        {"/.", 0, "/"},
        {"/..", 0, "/"},
        {"/../../..", 0, "/"},
        {"///a///b///f", 0, "/a/b/f"},
        {"/a/./b/../b/./f", 0, "/a/b/f"},
        {"/ab/f", 0, "/a/b/f"},
        {"/ab/../b", 0, "/a/b"},
        {"/ab/", 0, "/a/b"},
        {"/a/slash", 0, "/a/b"},
        {"/a/slash/f", 0, "/a/b/f"},
        {"/ab/self", 0, "/a/b/f"},
        {"/top/top/top/a", 0, "/a"},
        {"/top/..", 0, "/"},
        {"/a/b/f/", -ENOTDIR, NULL},
        {"/a/b/f/.", -ENOTDIR, NULL},
        {"/a/b/f/..", -ENOTDIR, NULL},
        {"/a/b/f/x", -ENOTDIR, NULL},
        {"/a/b/self/", -ENOTDIR, NULL},
        {"/x", -ENOENT, NULL},
        {"/x/..", -ENOENT, NULL},
        {"/dangling", -ENOENT, NULL},
        {"/dangling/x", -ENOENT, NULL},
        {"/loop", -ELOOP, NULL},
        {"/loop/x", -ELOOP, NULL},
        {"/one/two", -ELOOP, NULL},
    };

    (void)state;
    make_tree();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (paths[i].same == NULL)
            expect(paths[i].path, paths[i].status);
        else
            assert_int_equal(inode(paths[i].path), inode(paths[i].same));
    }
}

static void relative_paths(void **state)
{
    (void)state;
    make_tree();
    assert_int_equal(host_chdir("/a/b"), 0);
    assert_int_equal(inode("f"), inode("/a/b/f"));
    assert_int_equal(inode("../../a"), inode("/a"));
    assert_int_equal(inode("self"), inode("f"));
    assert_int_equal(inode(""), inode("."));
    assert_int_equal(host_chdir("/a/b/f"), -ENOTDIR);
}

/* An empty path is the key's own object, whatever that is; a path from what is no directory is
 * none. */
static void from_a_file(void **state)
{
    struct opened file;
    struct where where = host_where("");
    struct om_attr attr;

    (void)state;
    make_tree();
    assert_int_equal(host_open("/a/b/f", O_RDONLY, 0, &file), 0);
    where.directory = key_node(&host.om->keys, file.key);
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), 0);
    assert_int_equal(attr.inode, file.attr.inode);
    where.path = host_name("x");
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), -ENOTDIR);
    where.path = host_name("/a");
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), 0);
    node_drop(where.directory);
    where.directory = NULL;
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), 0);
    where.path = host_name("a");
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), -EBADF);
    where.root = NULL;
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), -EBADF);
    assert_int_equal(host_close(file.key), 0);
}

static void links_are_counted(void **state)
{
    char name[20], target[20];

    (void)state;
    assert_int_equal(host_mkdir("/0", 0755), 0);
    for (int i = 1; i <= LINKS_MAX + 1; i++) {
        snprintf(name, sizeof(name), "/%d", i);
        snprintf(target, sizeof(target), i % 2 == 0 ? "/%d" : "%d", i - 1);
        assert_int_equal(host_symlink(target, name), 0);
    }
    snprintf(name, sizeof(name), "/%d", LINKS_MAX);
    expect(name, 0);
    snprintf(name, sizeof(name), "/%d", LINKS_MAX + 1);
    expect(name, -ELOOP);
}

/* Forty texts of 4095 bytes, one inside the other: the only limit is on their number. */
static void long_links(void **state)
{
    static char target[PATH_MAX], path[PATH_MAX + 10];
    char name[20];

    (void)state;
    assert_int_equal(host_mkdir("/0", 0755), 0);
    for (int i = 1; i <= LINKS_MAX; i++) {
        memset(target, '/', sizeof(target) - 1);
        target[sizeof(target) - 1] = '\0';
        snprintf(name, sizeof(name), "%d", i - 1);
        memcpy(target + 1, name, strlen(name));
        memcpy(target + sizeof(target) - 3, "/.", 2);
        snprintf(name, sizeof(name), "/%d", i);
        assert_int_equal(host_symlink(target, name), 0);
    }
    snprintf(name, sizeof(name), "/%d/..", LINKS_MAX);
    assert_int_equal(inode(name), inode("/"));
    memset(path, '/', PATH_MAX);
    path[PATH_MAX - 1] = '\0';
    expect(path, 0);
    path[PATH_MAX - 1] = '/';
    path[PATH_MAX] = '\0';
    expect(path, -ENAMETOOLONG);
    memset(path, 'n', sizeof(path));
    path[0] = '/';
    path[256] = '\0';
    expect(path, -ENOENT);
    path[256] = 'n';
    path[257] = '\0';
    expect(path, -ENAMETOOLONG);
    assert_int_equal(host_symlink(target, path), -ENAMETOOLONG);
    assert_int_equal(host_mkdir(path, 0755), -ENAMETOOLONG);
    assert_int_equal(host_touch(path, O_CREAT, 0644), -ENAMETOOLONG);
}

/* Every allocation of a walk fails once. */
static void walks_without_memory(void **state)
{
    (void)state;
    make_tree();
    host.fault_at = 1;
    expect("/ab/f", -ENOMEM);
    expect("/ab/f", 0);
    host.fault_at = 2;
    expect("/ab/self", -ENOMEM);
    expect("/ab/self", 0);
}

/* ---- Mounts ---------------------------------------------------------------------------------- */

static uint32_t mount(const char *path, const char *source, const char *type)
{
    struct where where = host_where(path);
    uint32_t number = 0;
    int status = path_mount(host.om, &where, source, type, 0, &number);

    if (status != 0)
        fail_msg("mount %s: %d", path, status);
    return number;
}

static int try_mount(const char *path, const char *type)
{
    struct where where = host_where(path);
    uint32_t number;

    return path_mount(host.om, &where, "x", type, 0, &number);
}

static int umount(const char *path)
{
    struct where where = host_where(path);

    return path_umount(host.om, &where);
}

static void mounts_cover(void **state)
{
    struct om_attr attr, other;

    (void)state;
    make_tree();
    assert_int_equal(try_mount("/a/b/f", "tmpfs"), -ENOTDIR);
    assert_int_equal(try_mount("/", "tmpfs"), -EBUSY);
    assert_int_equal(try_mount("/x", "tmpfs"), -ENOENT);
    assert_int_equal(try_mount("/a", "nofs"), -ENODEV);
    mount("/a/b", "tmpfs", "tmpfs");
    expect("/a/b/f", -ENOENT);
    assert_int_equal(try_mount("/a/b", "tmpfs"), -EBUSY);
    assert_int_equal(host_mkdir("/ab/m", 0755), 0);
    assert_int_equal(inode("/a/b/m/../.."), inode("/a"));
    assert_int_equal(inode("/ab/.."), inode("/a"));
    assert_int_equal(host_stat("/a/b", 0, &attr), 0);
    assert_int_equal(host_stat("/a", 0, &other), 0);
    assert_int_not_equal(attr.device, other.device);
    assert_int_equal(host_mknod("/a/b/g", S_IFREG | 0644), 0);
    assert_int_equal(host_rename("/a/b/g", "/a/g", 0), -EXDEV);
    assert_int_equal(host_link("/a/b/g", "/a/g", 0), -EXDEV);
    assert_int_equal(host_rename("/a/b", "/a/c", 0), -EBUSY);
    assert_int_equal(host_rename("/a/slash", "/a/b", 0), -EBUSY);
    assert_int_equal(host_rmdir("/a/b"), -EBUSY);
    assert_int_equal(host_unlink("/a/b"), -EISDIR);
    assert_int_equal(host_mkdir("/a/b", 0755), -EEXIST);
    assert_int_equal(host_symlink("x", "/a/b"), -EEXIST);
    assert_int_equal(host_rename("/a", "/c", 0), 0); /* what is above a mount may move */
    expect("/c/b/g", 0);
    assert_int_equal(umount("/c"), -EINVAL);
    assert_int_equal(host_chdir("/c/b/m"), 0);
    assert_int_equal(umount("/c/b"), -EBUSY);
    assert_int_equal(host_chdir("/"), 0);
    assert_int_equal(umount("/c/b"), 0);
    expect("/c/b/f", 0);
    assert_int_equal(umount("/"), 0); /* the site's end: no disk here, so nothing happens */
    expect("/c", 0);
}

/* A mount covers a name that the directory does not have, and is listed there. */
static void virtual_mount_points(void **state)
{
    struct name name = host_name("dev");
    char text[200];
    uint32_t number;

    (void)state;
    assert_int_equal(host_mkdir("/a", 0755), 0);
    assert_int_equal(mount_name(host.om, host.om->root, name, "dev", "dev", 0, &number), 0);
    assert_int_equal(mount_name(host.om, host.om->root, name, "dev", "dev", 0, &number), -EBUSY);
    assert_int_equal(mount_name(host.om, host.om->root, host_name("proc"), "proc", "port", 0,
                                &number),
                     0);
    assert_int_equal(host_list("/", text, sizeof(text)), 0);
    assert_string_equal(text, ". .. a dev proc ");
    assert_int_equal(host_mkdir("/proc", 0755), -EEXIST);
    expect("/dev/null", 0);
    assert_int_equal(inode("/dev/../a"), inode("/a"));
    assert_int_equal(umount("/dev"), 0);
    expect("/dev", -ENOENT);
    assert_int_equal(host_mkdir("/dev", 0755), 0);
    assert_int_equal(mount_name(host.om, host.om->root, name, "dev", "dev", 0, &number), 0);
    assert_int_equal(host_list("/", text, sizeof(text)), 0);
    assert_string_equal(text, ". .. a dev proc ");
}

static void devices(void **state)
{
    struct om_attr attr;
    char target[PATH_MAX];

    (void)state;
    assert_int_equal(host_mkdir("/dev", 0755), 0);
    mount("/dev", "dev", "dev");
    assert_int_equal(host_stat("/dev/urandom", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFCHR | 0666);
    assert_int_equal(attr.rdev, 1 << 8 | 9);
    assert_int_equal(host_stat("/dev/tty", 0, &attr), 0);
    assert_int_equal(attr.rdev, 5 << 8);
    assert_int_equal(attr.gid, 5);
    assert_int_equal(host_readlink("/dev/stdin", target), 0);
    assert_string_equal(target, "/proc/self/fd/0");
    assert_int_equal(host_stat("/dev/shm", 0, &attr), 0);
    assert_int_equal(attr.mode, S_IFDIR | 01777);
}

static void expect_remote(const char *path, uint32_t flags, uint32_t number, const char *rest)
{
    struct om_attr attr;

    host.remote.mount = 0;
    assert_int_equal(host_stat(path, flags, &attr), -EREMOTE);
    assert_int_equal(host.remote.mount, number);
    assert_string_equal(host.rest, rest);
}

static void paths_leave(void **state)
{
    static char longest[PATH_MAX];
    struct om_attr attr;
    uint32_t number;

    (void)state;
    make_tree();
    assert_int_equal(host_mkdir("/proc", 0755), 0);
    number = mount("/proc", "proc", "port");
    assert_int_equal(host_symlink("/proc/self/fd", "/fd"), 0);
    assert_int_equal(host_symlink("fd/../x/", "/y"), 0);
    expect_remote("/proc", 0, number, "");
    expect_remote("/proc/", 0, number, "");
    expect_remote("/proc/./self//fd", 0, number, "./self//fd");
    expect_remote("/a/../proc/self/..", OM_FOLLOW, number, "self/..");
    expect_remote("/fd", OM_FOLLOW, number, "self/fd");
    expect_remote("/fd/0/", 0, number, "self/fd/0/");
    expect_remote("/y/z", 0, number, "self/fd/../x//z");
    assert_int_equal(host_chdir("/a/b"), 0);
    expect_remote("../../proc/1", 0, number, "1");
    assert_int_equal(host_stat("/fd", 0, &attr), 0); /* the link itself is here */
    assert_int_equal(host_touch("/proc/new", O_CREAT, 0644), -EREMOTE);
    assert_int_equal(host_mkdir("/proc/new", 0755), -EREMOTE);
    assert_string_equal(host.rest, "new");
    assert_int_equal(host_rename("/proc/1", "/a/x", 0), -EREMOTE);
    assert_int_equal(host_rename("/a/b", "/proc/x", 0), -EREMOTE);
    assert_int_equal(host_unlink("/proc/1"), -EREMOTE);
    assert_int_equal(host_rmdir("/proc"), -EBUSY);
    assert_int_equal(umount("/proc/1"), -EINVAL);
    assert_int_equal(try_mount("/proc", "tmpfs"), -EBUSY);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = longest[3] = '/';
    longest[1] = 'f';
    longest[2] = 'd';
    assert_int_equal(host_stat(longest, 0, &attr), -ENAMETOOLONG); /* self/fd/xxx... does not fit */
    assert_int_equal(umount("/proc"), 0);
    expect("/proc/1", -ENOENT);
}

/* ---- Other roots, and the way back ----------------------------------------------------------- */

static void other_roots(void **state)
{
    struct opened top;
    struct where where;
    struct om_attr attr;
    char path[PATH_MAX];

    (void)state;
    make_tree();
    mount("/a", "tmpfs", "tmpfs");
    assert_int_equal(host_mkdir("/a/jail", 0755), 0);
    assert_int_equal(host_mkdir("/a/jail/in", 0755), 0);
    assert_int_equal(host_symlink("/in", "/a/jail/absolute"), 0);
    assert_int_equal(host_open("/a/jail", O_DIRECTORY, 0, &top), 0);
    where = host_where("/absolute/../../../in");
    where.root = key_node(&host.om->keys, top.key);
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), 0);
    assert_int_equal(attr.inode, inode("/a/jail/in"));
    where.path = host_name("/a");
    assert_int_equal(path_stat(host.om, &where, 0, &attr, &host.remote), -ENOENT);

    assert_int_equal(host_chdir("/a/jail/in"), 0);
    assert_int_equal(walk_back(host.om, host.om->root, host.directory, path, sizeof(path)), 0);
    assert_string_equal(path, "/a/jail/in");
    assert_int_equal(walk_back(host.om, where.root, host.directory, path, sizeof(path)), 0);
    assert_string_equal(path, "/in");
    assert_int_equal(walk_back(host.om, where.root, where.root, path, sizeof(path)), 0);
    assert_string_equal(path, "/");
    assert_int_equal(walk_back(host.om, where.root, host.om->root, path, sizeof(path)), -ENOENT);
    assert_int_equal(walk_back(host.om, host.om->root, host.directory, path, 10), -ERANGE);
    assert_int_equal(walk_back(host.om, host.om->root, host.directory, path, 11), 0);
    node_drop(where.root);
    assert_int_equal(host_close(top.key), 0);
    assert_int_equal(host_chdir("/"), 0);
}

static void mounts_are_told(void **state)
{
    char text[500];
    uint32_t bytes = 0;

    (void)state;
    assert_int_equal(host_mkdir("/a b", 0755), 0);
    assert_int_equal(host_mkdir("/proc", 0755), 0);
    mount("/a b", "my\\disk", "tmpfs");
    mount("/proc", "proc", "port");
    assert_int_equal(mounts_tell(host.om, text, sizeof(text), &bytes), 0);
    text[bytes] = '\0';
    assert_string_equal(text, "tmpfs / tmpfs rw,relatime 0 0\n"
                              "my\\134disk /a\\040b tmpfs rw,relatime 0 0\n"
                              "proc /proc proc rw,relatime 0 0\n");
    assert_int_equal(mounts_tell(host.om, text, 40, &bytes), -EOVERFLOW);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(paths),        TEST(relative_paths),
        TEST(from_a_file),  TEST(links_are_counted),
        TEST(long_links),   TEST(walks_without_memory),
        TEST(mounts_cover), TEST(virtual_mount_points),
        TEST(devices),      TEST(paths_leave),
        TEST(other_roots),  TEST(mounts_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
