/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on names and data against the host's own kernel: each result must be the same,
 * and now and then the whole trees are compared. Paths are made of few names, dots, slashes and
 * symbolic links, so that they meet. With a disk below, e2fsck judges what is left; nodes leave
 * memory early, and pages come and go as they like.
 *
 * Users other than 0 do not make hard links and directories are not sticky, because Linux adds
 * rules of its own there (fs.protected_*) which a machine may have on or off.
 */
#include "tests/unit/om_disk_host.h"
#include "tests/unit/om_linux_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"

#define STEPS 12000
#define TEXT_BYTES 4096
#define DATA_BYTES 60000
#define DEPTH_MAX 8
#define USERS 3
#define NODES 5 /* of a disk, that stay in memory without need */

static bool is_started;

struct model {
    struct random random;
    uint32_t uid;
    bool is_disk;
    char path[2][300];
    char what[700];
};

static uint32_t below(struct model *model, uint32_t bound)
{
    return (uint32_t)random_below(&model->random, bound);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static const char *const components[] = {"a", "b", "c", "d", "a", "b", "..", ".", "link", "loop"};

#define PATH_BYTES 300

static void make_path(struct model *model, char path[PATH_BYTES])
{
    uint32_t count = 1 + below(model, 4);

    path[0] = '\0';
    if (below(model, 4) == 0)
        strlcat(path, "/", PATH_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        strlcat(path, components[below(model, ARRAY_SIZE(components))], PATH_BYTES);
        if (i + 1 < count)
            strlcat(path, below(model, 8) == 0 ? "//" : "/", PATH_BYTES);
    }
    if (below(model, 8) == 0)
        strlcat(path, "/", PATH_BYTES);
    if (below(model, 300) == 0) {
        memset(path, 'n', 257);
        path[0] = '/'; /* in a removed directory a name is rather missing than too long */
        path[257 - below(model, 2)] = '\0';
    }
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static void agree(struct model *model, int ours, int theirs)
{
    if (ours != theirs)
        fail_msg("%s: %d, Linux %d", model->what, ours, theirs);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the blank-separated names of a listing. */
static void sort_names(char *text)
{
    static char copy[TEXT_BYTES];
    char *name[256];
    size_t count = 0;

    strlcpy(copy, text, sizeof(copy));
    for (char *word = copy; *word != '\0' && count < ARRAY_SIZE(name);) {
        char *blank = strchr(word, ' ');

        name[count++] = word;
        if (blank == NULL)
            break;
        *blank = '\0';
        word = blank + 1;
    }
    qsort(name, count, sizeof(name[0]), compare_names);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strlcat(text, name[i], TEXT_BYTES);
        strlcat(text, " ", TEXT_BYTES);
    }
}

static void compare_attr(struct model *model, const char *path, bool follow)
{
    struct linux_attr theirs;
    struct om_attr ours;
    int status = host_stat(path, follow ? OM_FOLLOW : 0, &ours);

    snprintf(model->what, sizeof(model->what), "stat %s %d by %u", path, follow, model->uid);
    agree(model, status, linux_stat(path, follow, &theirs));
    if (status != 0)
        return;
    if (ours.mode != theirs.mode || ours.links != theirs.links || ours.uid != theirs.uid ||
        ours.gid != theirs.gid || ours.rdev != theirs.rdev ||
        (ours.size != theirs.size && !(model->is_disk && (ours.mode & S_IFMT) == S_IFDIR)))
        fail_msg("%s: mode %o links %u owner %u:%u size %lu, Linux %o %u %u:%u %lu", path,
                 ours.mode, ours.links, ours.uid, ours.gid, ours.size, theirs.mode, theirs.links,
                 theirs.uid, theirs.gid, theirs.size);
}

static void compare_tree(struct model *model, const char *path, int depth)
{
    char ours[TEXT_BYTES], theirs[TEXT_BYTES], below_path[TEXT_BYTES];
    struct om_attr attr;

    compare_attr(model, path, false);
    if (host_stat(path, 0, &attr) != 0 || (attr.mode & S_IFMT) != S_IFDIR || depth == DEPTH_MAX)
        return;
    assert_int_equal(host_list(path, ours, sizeof(ours)), 0);
    assert_int_equal(linux_list(path, theirs, sizeof(theirs)), 0);
    sort_names(ours);
    assert_string_equal(ours, theirs);
    for (char *name = ours, *end; (end = strchr(name, ' ')) != NULL; name = end + 1) {
        *end = '\0';
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        strlcpy(below_path, strcmp(path, "/") == 0 ? "" : path, sizeof(below_path));
        strlcat(below_path, "/", sizeof(below_path));
        strlcat(below_path, name, sizeof(below_path));
        compare_tree(model, below_path, depth + 1);
    }
}

static void compare_all(struct model *model)
{
    uint32_t uid = model->uid;

    model->uid = 0;
    host_become(0);
    linux_become(0);
    compare_tree(model, "/", 0);
    model->uid = uid;
    host_become(uid);
    linux_become(uid);
    if (!model->is_disk) {
        assert_true(tmpfs_verify(host.om->root->fs));
    } else {
        const char *wrong = ext2_verify(&host_ext2()->core);

        if (wrong != NULL)
            fail_msg("%s", wrong);
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static uint32_t some_mode(struct model *model)
{
    static const uint32_t modes[] = {0777, 0755, 0700, 0644, 0, 0770, 02775, 0111, 0222, 0444};

    return modes[below(model, ARRAY_SIZE(modes))];
}

static uint32_t some_flags(struct model *model)
{
    static const uint32_t extra[] = {0,
                                     0,
                                     O_CREAT,
                                     O_CREAT,
                                     O_CREAT | O_EXCL,
                                     O_TRUNC,
                                     O_CREAT | O_TRUNC,
                                     O_NOFOLLOW,
                                     O_DIRECTORY,
                                     O_PATH,
                                     O_PATH | O_NOFOLLOW,
                                     O_CREAT | O_NOFOLLOW,
                                     O_DIRECTORY | O_NOFOLLOW,
                                     O_NOATIME,
                                     O_CREAT | O_DIRECTORY};

    return below(model, 3) | extra[below(model, ARRAY_SIZE(extra))];
}

static void make_links(struct model *model)
{
    static const char *const targets[] = {"a",    "b/c", "..", "../a",   "/b",     "loop",
                                          "link", "a/",  "/",  "c/../d", "nowhere"};
    const char *target = targets[below(model, ARRAY_SIZE(targets))];

    snprintf(model->what, sizeof(model->what), "symlink %s -> %s by %u", model->path[0], target,
             model->uid);
    agree(model, host_symlink(target, model->path[0]), linux_symlink(target, model->path[0]));
}

static void change_names(struct model *model, uint32_t kind)
{
    const char *path = model->path[0], *other = model->path[1];
    uint32_t flags = below(model, 4) == 0 ? 1 + below(model, 2) : 0;

    snprintf(model->what, sizeof(model->what), "name %u '%s' '%s' flags %u by %u", kind, path,
             other, flags, model->uid);
    switch (kind) {
    case 0:
        agree(model, host_rename(path, other, flags), linux_rename(path, other, flags));
        break;
    case 1:
        if (model->uid == 0)
            agree(model, host_link(path, other, flags & OM_FOLLOW),
                  linux_link(path, other, (flags & OM_FOLLOW) != 0));
        break;
    case 2:
        agree(model, host_unlink(path), linux_unlink(path));
        break;
    default:
        agree(model, host_rmdir(path), linux_rmdir(path));
        break;
    }
}

static void make_nodes(struct model *model, uint32_t kind)
{
    const char *path = model->path[0];
    uint32_t mode = some_mode(model), flags = some_flags(model);

    snprintf(model->what, sizeof(model->what), "make %u '%s' mode %o flags %o by %u", kind, path,
             mode, flags, model->uid);
    switch (kind) {
    case 0:
    case 1:
        agree(model, host_mkdir(path, mode), linux_mkdir(path, mode));
        break;
    case 2:
        agree(model, host_mknod(path, S_IFIFO | mode), linux_mknod(path, S_IFIFO | mode));
        break;
    case 3:
        agree(model, host_mknod(path, S_IFSOCK | mode), linux_mknod(path, S_IFSOCK | mode));
        break;
    default:
        agree(model, host_touch(path, flags, mode), linux_touch(path, flags, mode));
        break;
    }
}

static void cut(struct model *model, const char *path)
{
    uint64_t size = below(model, 3) == 0 ? 0 : below(model, DATA_BYTES);

    snprintf(model->what, sizeof(model->what), "truncate '%s' to %lu by %u", path, size,
             model->uid);
    agree(model, host_truncate(path, size), linux_truncate(path, size));
}

static int touch_times(const char *path, int64_t seconds)
{
    struct where where = host_where(path);
    struct om_time time = {seconds, seconds < 0 ? UTIME_NOW : 0};
    struct fs_change change = {.set = OM_SET_ATIME | OM_SET_MTIME, .atime = time, .mtime = time};

    return path_setattr(host.om, &where, OM_FOLLOW, &change, &host.remote);
}

static void change_attributes(struct model *model, uint32_t kind)
{
    const char *path = model->path[0];
    uint32_t mode = some_mode(model) | (below(model, 4) == 0 ? S_ISUID | S_ISGID : 0);
    uint32_t uid = below(model, USERS), gid = below(model, USERS);

    snprintf(model->what, sizeof(model->what), "set %u '%s' mode %o owner %u:%u by %u", kind, path,
             mode, uid, gid, model->uid);
    switch (kind) {
    case 0:
        agree(model, host_chmod(path, mode), linux_chmod(path, mode));
        break;
    case 1:
        agree(model, host_chown(path, uid, gid), linux_chown(path, uid, gid));
        break;
    case 2:
        cut(model, path);
        break;
    default:
        agree(model, touch_times(path, uid == 0 ? -1 : 1000),
              linux_utimes(path, uid == 0 ? -1 : 1000));
        break;
    }
}

static uint8_t ours_data[DATA_BYTES], theirs_data[DATA_BYTES];

static int64_t data(const char *path, bool writes, uint64_t offset, uint8_t *bytes, size_t count)
{
    struct opened opened;
    int64_t moved = host_open(path, writes ? O_WRONLY : O_RDONLY, 0, &opened);

    if (moved != 0)
        return moved;
    if ((opened.attr.mode & S_IFMT) == S_IFREG)
        moved = writes ? host_write(&opened.segment, offset, bytes, count)
                       : host_read(&opened.segment, offset, bytes, count);
    assert_int_equal(host_close(opened.key), 0);
    return moved;
}

/* A write by another user takes the set-id bits away. OM does not see writes, so that is the
 * writer's duty. */
static void drop_set_ids(struct model *model, const char *path)
{
    struct om_attr attr;

    host_become(0);
    if (model->uid != 0 && host_stat(path, OM_FOLLOW, &attr) == 0 &&
        (attr.mode & S_IFMT) == S_IFREG) {
        uint32_t kept =
            attr.mode &
            ~(uint32_t)(S_ISUID |
                        ((attr.mode & 0010) != 0 || attr.gid != model->uid ? S_ISGID : 0));

        assert_int_equal(host_chmod(path, kept & 07777), 0);
    }
    host_become(model->uid);
}

static void write_some(struct model *model, const char *path)
{
    uint64_t offset = below(model, 2) == 0 ? 0 : below(model, DATA_BYTES);
    size_t count = 1 + below(model, below(model, 3) == 0 ? 20000 : 100);
    int64_t ours;

    for (size_t i = 0; i < count; i++)
        ours_data[i] = (uint8_t)below(model, 256);
    snprintf(model->what, sizeof(model->what), "write '%s' %zu at %lu by %u", path, count, offset,
             model->uid);
    ours = data(path, true, offset, ours_data, count);
    agree(model, (int)ours, linux_write(path, offset, ours_data, count));
    if (ours > 0)
        drop_set_ids(model, path);
}

static void read_some(struct model *model, const char *path)
{
    uint64_t offset = below(model, 2) == 0 ? 0 : below(model, DATA_BYTES);
    int64_t ours = data(path, false, offset, ours_data, DATA_BYTES);

    snprintf(model->what, sizeof(model->what), "read '%s' at %lu by %u", path, offset, model->uid);
    agree(model, (int)ours, linux_read(path, offset, theirs_data, DATA_BYTES));
    if (ours > 0)
        assert_memory_equal(ours_data, theirs_data, (size_t)ours);
}

static void change_data(struct model *model)
{
    const char *path = model->path[0];

    snprintf(model->what, sizeof(model->what), "touch '%s' by %u", path, model->uid);
    agree(model, host_touch(path, O_CREAT, 0666), linux_touch(path, O_CREAT, 0666));
    for (uint32_t i = below(model, 6); i > 0; i--) {
        switch (below(model, 5)) {
        case 0:
            cut(model, path);
            break;
        case 1:
        case 2:
            read_some(model, path);
            break;
        default:
            write_some(model, path);
            break;
        }
    }
}

static void look(struct model *model, uint32_t kind)
{
    char ours[PATH_MAX] = "", theirs[PATH_MAX] = "";
    const char *path = model->path[0];
    uint32_t wanted = below(model, 8);
    int status;

    snprintf(model->what, sizeof(model->what), "look %u '%s' %u by %u", kind, path, wanted,
             model->uid);
    switch (kind) {
    case 0:
        compare_attr(model, path, (wanted & 1) != 0);
        break;
    case 1:
        agree(model, host_access(path, wanted), linux_access(path, wanted));
        break;
    case 2:
        agree(model, host_readlink(path, ours), linux_readlink(path, theirs, sizeof(theirs)));
        assert_string_equal(ours, theirs);
        break;
    default:
        status = host_chdir(path);
        agree(model, status, linux_chdir(path));
        status =
            walk_back(host.om, host.om->root,
                      host.directory == NULL ? host.om->root : host.directory, ours, sizeof(ours));
        agree(model, status, linux_getcwd(theirs, sizeof(theirs)));
        if (status == 0)
            assert_string_equal(ours, theirs);
        break;
    }
}

static void become(struct model *model)
{
    model->uid = below(model, 2) == 0 ? 0 : below(model, USERS);
    host_become(model->uid);
    linux_become(model->uid);
}

static void step(struct model *model)
{
    make_path(model, model->path[0]);
    make_path(model, model->path[1]);
    switch (below(model, 10)) {
    case 8:
    case 9:
        change_data(model);
        break;
    case 0:
    case 1:
        make_nodes(model, below(model, 8));
        break;
    case 2:
        make_links(model);
        break;
    case 3:
    case 4:
        change_names(model, below(model, 4));
        break;
    case 5:
        change_attributes(model, below(model, 4));
        break;
    case 6:
        look(model, below(model, 4));
        break;
    default:
        become(model);
        break;
    }
}

static int setup(void **state)
{
    (void)state;
    is_started = linux_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (is_started)
        linux_end();
    return 0;
}

/* What is on the disk is what was there before. */
static void mount_again(struct model *model)
{
    struct random *restless = host_cache.restless;

    host_become(0);
    host_cache.restless = NULL;
    linux_leave();
    host_disk_end();
    host_disk_start();
    linux_enter();
    host_ext2()->node_limit = NODES;
    host_cache.restless = restless;
    linux_become(model->uid);
    host_become(model->uid);
    compare_all(model);
}

static void run(struct model *model)
{
    for (int i = 0; i < STEPS; i++) {
        step(model);
        if (i % 200 == 0)
            compare_all(model);
        if (model->is_disk && i % 50 == 0)
            host_keeper();
        if (model->is_disk && i % 3000 == 2999)
            mount_again(model);
    }
    compare_all(model);
    host_become(0);
}

static void in_memory(uint64_t seed)
{
    struct model model = {.uid = 0};

    if (!is_started)
        skip();
    host_start();
    random_init(&model.random, seed);
    linux_become(0);
    run(&model);
    host_end();
}

/* The root's lost+found goes, since Linux' folder has none. */
static void on_disk(uint64_t seed, const char *options)
{
    struct model model = {.is_disk = true};
    struct random restless;
    bool has_root = is_started;

    if (!has_root)
        skip();
    linux_become(0);
    linux_leave();
    host_disk_make(options, 8 << 20);
    host_disk_start();
    linux_enter();
    assert_int_equal(host_rmdir("/lost+found"), 0);
    host_ext2()->node_limit = NODES;
    random_init(&model.random, seed);
    random_init(&restless, seed);
    host_cache.restless = &restless;
    run(&model);
    host_cache.restless = NULL;
    linux_leave();
    host_disk_end();
    linux_enter();
    host_disk_free();
}

static void memory_1(void **state)
{
    (void)state;
    in_memory(1);
}

static void memory_2(void **state)
{
    (void)state;
    in_memory(2);
}

static void disk_small_blocks(void **state)
{
    (void)state;
    on_disk(3, "-b 1024");
}

static void disk_large_blocks(void **state)
{
    (void)state;
    on_disk(4, "-b 4096");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_1, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_2, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_small_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_large_blocks, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
