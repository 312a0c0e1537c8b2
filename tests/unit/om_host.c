/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/om_cache_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "chorus/ui.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "subsystems/mix/om/ext2_fs.h"

struct host host;

bool host_fault(void)
{
    if (host.fault_at == 0 || --host.fault_at > 0)
        return false;
    host.had_fault = true;
    return true;
}

/* ---- The heap -------------------------------------------------------------------------------- */

void heap_init(struct heap *heap, void *memory, size_t limit, heap_prepare *prepare)
{
    *heap = (struct heap){.memory = memory, .limit = limit, .prepare = prepare};
}

void *heap_allocate(struct heap *heap, size_t bytes)
{
    void *block = host_fault() ? NULL : malloc(bytes == 0 ? 1 : bytes);

    (void)heap;
    if (block != NULL) {
        memset(block, 0xa5, bytes);
        host.allocations++;
    }
    return block;
}

void *heap_allocate_zeroed(struct heap *heap, size_t bytes)
{
    void *block = heap_allocate(heap, bytes);

    return block == NULL ? NULL : memset(block, 0, bytes);
}

void heap_free(struct heap *heap, void *memory, size_t bytes)
{
    (void)heap;
    if (memory == NULL)
        return;
    assert_true(host.allocations > 0);
    host.allocations--;
    memset(memory, 0x5a, bytes);
    free(memory);
}

/* ---- The Nucleus, but for segments: om_cache_host.c ------------------------------------------ */

KnResult syncWait(VmAddr word, uint32_t expected, int64_t delay_ns, uint32_t flags)
{
    (void)word, (void)expected, (void)delay_ns, (void)flags;
    fail_msg("a lock is taken twice");
    return K_EINVAL;
}

KnResult syncWake(VmAddr word, uint32_t count)
{
    (void)word, (void)count;
    return K_OK;
}

KnResult threadAborted(void)
{
    return K_OK;
}

KnResult univTime(uint64_t *time_ns)
{
    *time_ns = host.now_ns += 1000;
    return K_OK;
}

KnResult siteStat(KnSiteStat *stat)
{
    *stat =
        (KnSiteStat){.ssPageBytes = HOST_PAGE_BYTES, .ssFramesTotal = 32768, .ssFramesFree = 20000};
    return K_OK;
}

/* ---- Boot, and what archive.c asks the Nucleus ----------------------------------------------- */

KnResult uiBuild(KnUniqueId *ui, KnUiType type, uint32_t site, uint64_t stamp)
{
    *ui = (KnUniqueId){site, (uint64_t)type << 56 | stamp};
    return K_OK;
}

KnResult uiLocalSite(void)
{
    return 1;
}

void idl_client_init(struct idl_client *client, const KnUniqueId *target, void *body,
                     uint32_t body_bytes)
{
    *client = (struct idl_client){.target = *target, .body = body, .body_bytes = body_bytes};
}

KnResult boot_find(const struct idl_client *client, const struct boot_find_in *in,
                   struct boot_find_out *out)
{
    (void)client;
    if (host.member == NULL || strcmp(in->name, host.member) != 0)
        return K_EUNKNOWN;
    *out = (struct boot_find_out){.offset = 0, .bytes = host.archive_bytes};
    return K_OK;
}

KnResult boot_read(const struct idl_client *client, const struct boot_read_in *in,
                   struct boot_read_out *out)
{
    (void)client;
    host.archive_reads++;
    if (in->offset > host.archive_bytes || in->count > host.archive_bytes - in->offset ||
        in->count > out->data_room)
        return K_EEND;
    memcpy(out->data, host.archive + in->offset, in->count);
    out->data_bytes = in->count;
    return K_OK;
}

KnResult svBootInfo(KnBootInfo *info)
{
    *info =
        (KnBootInfo){.biArchive = (uintptr_t)host.archive, .biArchiveBytes = host.archive_bytes};
    return K_OK;
}

KnResult svPhysMap(KnRgnDesc *region, uint64_t physical, uint32_t flags)
{
    (void)flags;
    assert_int_equal(physical % HOST_PAGE_BYTES, 0);
    if (!host.may_map)
        return K_EPRIV;
    region->startAddr = (VmAddr)physical;
    return K_OK;
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

KnResult log_print(const char *format, ...)
{
    (void)format;
    return K_OK;
}

static void archive_append(const void *bytes, size_t count)
{
    host.archive = realloc(host.archive, host.archive_bytes + count + 4);
    assert_non_null(host.archive);
    memcpy(host.archive + host.archive_bytes, bytes, count);
    host.archive_bytes += count;
    while (host.archive_bytes % 4 != 0)
        host.archive[host.archive_bytes++] = 0;
}

void host_archive_add(const struct host_entry *entry)
{
    char head[5000];
    int bytes =
        snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s",
                 entry->inode, entry->mode, entry->uid, entry->gid, entry->links, entry->mtime,
                 (unsigned)entry->bytes, 0, 0, entry->rdev_major, entry->rdev_minor,
                 (unsigned)strlen(entry->name) + 1, 0, entry->name);

    assert_true(bytes < (int)sizeof(head));
    archive_append(head, (size_t)bytes + 1);
    if (entry->bytes > 0)
        archive_append(entry->data, entry->bytes);
}

void host_archive_end(void)
{
    host_archive_add(&(struct host_entry){.name = "TRAILER!!!", .links = 1});
    host.member = "root.cpio";
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void begin(void)
{
    struct om *om = calloc(1, sizeof(*om));

    assert_non_null(om);
    memset(&host, 0, sizeof(host));
    host_cache_reset();
    host.om = om;
    host.now_ns = HOST_START_NS;
    host.remote.rest = host.rest;
    host.remote.rest_room = sizeof(host.rest);
    heap_init(&om->heap, NULL, 64 << 20, NULL);
    mounts_init(&om->mounts);
    keys_init(&om->keys, 1);
}

static void mount_root(struct fs *fs, const char *type)
{
    struct mount_wish wish = {.fs = fs, .source = type, .type = type};
    uint32_t number;

    assert_int_equal(mount_add(&host.om->mounts, &wish, &number), 0);
    host.om->root = fs->root;
}

void host_start(void)
{
    struct fs *fs;

    begin();
    fs = tmpfs_create(&host.om->heap, om_device_next(host.om), 0755);
    assert_non_null(fs);
    mount_root(fs, "tmpfs");
}

int host_try_start_disk(bool is_read_only)
{
    struct fs *fs;
    int status;

    begin();
    status = ext2_fs_create(&host.om->heap, 0, 1, is_read_only, &fs);
    if (status == 0) {
        mount_root(fs, "ext2");
    } else {
        assert_int_equal(host.allocations, 0);
        free(host.om);
    }
    return status;
}

void host_end(void)
{
    struct fs *fs = host.om->root->fs;

    node_drop(host.directory);
    if (fs->operations == &tmpfs_operations)
        assert_true(tmpfs_verify(fs));
    for (uint32_t i = MOUNT_LIMIT; i > 0; i--) {
        struct mount *mount = &host.om->mounts.mount[i - 1];

        if (mount->directory != NULL)
            assert_int_equal(mount_remove(&host.om->mounts, mount->number), 0);
    }
    assert_int_equal(fs->operations->unmount(fs), 0);
    assert_int_equal(host.allocations, 0);
    assert_int_equal(host.segments, 0);
    free(host.om);
    free(host.archive);
    host.om = NULL;
}

void host_become(uint32_t uid)
{
    host.caller = (struct caller){.uid = uid, .gid = uid};
}

struct name host_name(const char *text)
{
    return (struct name){text, (uint32_t)strlen(text)};
}

struct where host_where(const char *path)
{
    return (struct where){.caller = host.caller,
                          .root = host.om->root,
                          .directory = host.directory == NULL ? host.om->root : host.directory,
                          .path = host_name(path)};
}

/* ---- Short ways ------------------------------------------------------------------------------ */

int host_open(const char *path, uint32_t flags, uint32_t mode, struct opened *opened)
{
    struct where where = host_where(path);

    return path_open(host.om, &where, flags, mode, opened, &host.remote);
}

int host_close(uint64_t key)
{
    return key_close(&host.om->keys, key);
}

int host_touch(const char *path, uint32_t flags, uint32_t mode)
{
    struct opened opened;
    int status = host_open(path, flags, mode, &opened);

    return status == 0 ? host_close(opened.key) : status;
}

int host_chdir(const char *path)
{
    struct opened opened;
    int status = host_open(path, O_PATH | O_DIRECTORY, 0, &opened);

    if (status != 0)
        return status;
    status = host_access(path, MAY_EXECUTE);
    if (status == 0) {
        node_drop(host.directory);
        host.directory = key_node(&host.om->keys, opened.key);
    }
    assert_int_equal(host_close(opened.key), 0);
    return status;
}

int host_stat(const char *path, uint32_t flags, struct om_attr *attr)
{
    struct where where = host_where(path);

    return path_stat(host.om, &where, flags, attr, &host.remote);
}

int host_access(const char *path, uint32_t wanted)
{
    struct where where = host_where(path);

    return path_access(host.om, &where, OM_FOLLOW, wanted, &host.remote);
}

int host_mkdir(const char *path, uint32_t mode)
{
    struct where where = host_where(path);

    return path_mkdir(host.om, &where, mode, &host.remote);
}

int host_mknod(const char *path, uint32_t mode)
{
    struct where where = host_where(path);

    return path_mknod(host.om, &where, mode, 0, &host.remote);
}

int host_symlink(const char *target, const char *path)
{
    struct where where = host_where(path);

    return path_symlink(host.om, &where, host_name(target), &host.remote);
}

int host_link(const char *old, const char *path, uint32_t flags)
{
    struct where from = host_where(old), to = host_where(path);

    return path_link(host.om, &from, &to, flags, &host.remote);
}

int host_unlink(const char *path)
{
    struct where where = host_where(path);

    return path_unlink(host.om, &where, false, &host.remote);
}

int host_rmdir(const char *path)
{
    struct where where = host_where(path);

    return path_unlink(host.om, &where, true, &host.remote);
}

int host_rename(const char *old, const char *path, uint32_t flags)
{
    struct where from = host_where(old), to = host_where(path);

    return path_rename(host.om, &from, &to, flags, &host.remote);
}

int host_readlink(const char *path, char target[PATH_MAX])
{
    struct where where = host_where(path);

    return path_readlink(host.om, &where, target, PATH_MAX, &host.remote);
}

static int set(const char *path, const struct fs_change *change)
{
    struct where where = host_where(path);

    return path_setattr(host.om, &where, OM_FOLLOW, change, &host.remote);
}

int host_chmod(const char *path, uint32_t mode)
{
    return set(path, &(struct fs_change){.set = OM_SET_MODE, .mode = mode});
}

int host_chown(const char *path, uint32_t uid, uint32_t gid)
{
    return set(path, &(struct fs_change){.set = OM_SET_UID | OM_SET_GID, .uid = uid, .gid = gid});
}

int host_truncate(const char *path, uint64_t size)
{
    return set(path, &(struct fs_change){.set = OM_SET_SIZE, .size = size});
}

int host_list(const char *path, char *text, size_t bytes)
{
    uint8_t entries[600];
    uint64_t cursor = 0;
    struct opened opened;
    uint32_t used = 0;
    int status = host_open(path, O_DIRECTORY, 0, &opened);

    text[0] = '\0';
    if (status != 0)
        return status;
    struct node *node = key_node(&host.om->keys, opened.key);

    do {
        status = directory_list(host.om, node, &cursor, entries, sizeof(entries), &used);
        for (uint32_t at = 0; status == 0 && at < used; at += le16_load(entries + at + 16)) {
            strlcat(text, (const char *)entries + at + LINUX_DIRENT_NAME_OFFSET, bytes);
            strlcat(text, " ", bytes);
        }
    } while (status == 0 && used > 0);
    node_drop(node);
    assert_int_equal(host_close(opened.key), 0);
    return status;
}
