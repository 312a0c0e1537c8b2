/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ext2 core's caller on the host. See ext2_host.h.
 */
#include "tests/unit/ext2_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/base.h"
#include "kit/endian.h"

/* ---- Images and tools ------------------------------------------------------------------------ */

struct scratch {
    char folder[64];
    char image[96];
};

static void scratch_make(struct scratch *scratch)
{
    snprintf(scratch->folder, sizeof(scratch->folder), "/tmp/ext2-test-XXXXXX");
    if (mkdtemp(scratch->folder) == NULL)
        fail_msg("no scratch folder");
    snprintf(scratch->image, sizeof(scratch->image), "%s/image", scratch->folder);
}

static void scratch_remove(const struct scratch *scratch)
{
    unlink(scratch->image);
    rmdir(scratch->folder);
}

static void image_load(struct host *host, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t count = file != NULL ? fread(host->disk, 1, host->disk_bytes, file) : 0;

    if (file == NULL || count != host->disk_bytes)
        fail_msg("cannot read the image");
    fclose(file);
}

/* Holes stay holes, so that a large disk costs what is on it. */
static void image_save(const struct host *host, const char *path)
{
    static const uint8_t zeros[4096];
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (file < 0 || ftruncate(file, (off_t)host->disk_bytes) != 0)
        fail_msg("cannot make the image");
    for (uint64_t at = 0; at < host->disk_bytes; at += sizeof(zeros)) {
        size_t count = MIN(sizeof(zeros), host->disk_bytes - at);

        if (memcmp(host->disk + at, zeros, count) != 0 &&
            pwrite(file, host->disk + at, count, (off_t)at) != (ssize_t)count)
            fail_msg("cannot write the image");
    }
    close(file);
}

/* Runs a command and gives its output, which stays good until the next one, and its exit status. */
static const char *run(const char *command, int *exit_status)
{
    static char output[1 << 16];
    FILE *pipe = popen(command, "r");
    size_t count = 0;

    if (pipe == NULL)
        fail_msg("cannot run %s", command);
    count = fread(output, 1, sizeof(output) - 1, pipe);
    output[count] = 0;
    int status = pclose(pipe);

    *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return output;
}

static void *host_allocate(void *context, size_t bytes)
{
    struct host *host = context;
    uint64_t number = host->allocations++;

    if (number == host->memory_fault || (host->stays && number > host->memory_fault))
        return NULL;
    host->allocated_bytes += bytes;
    return malloc(bytes);
}

static void host_deallocate(void *context, void *memory, size_t bytes)
{
    struct host *host = context;

    assert_true(host->allocated_bytes >= bytes);
    host->allocated_bytes -= bytes;
    free(memory);
}

void host_make(struct host *host, const char *options, uint64_t disk_bytes)
{
    struct scratch scratch = {.folder = ""};
    char command[512];
    int exit_status = 0;

    memset(host, 0, sizeof(*host));
    host->disk_bytes = disk_bytes;
    host->disk = calloc(1, disk_bytes);
    host->capacity = 256;
    host->pool = 64;
    host->steps_max = 2000000;
    host->read_fault = HOST_NEVER;
    host->write_fault = HOST_NEVER;
    host->memory_fault = HOST_NEVER;
    host->now = (struct fs_time){1700000000, 123456789};
    scratch_make(&scratch);
    image_save(host, scratch.image);
    snprintf(command, sizeof(command), "mke2fs -q -F -t ext2 %s %s 2>&1", options, scratch.image);
    const char *output = run(command, &exit_status);

    if (exit_status != 0)
        fail_msg("%s: %s", command, output);
    image_load(host, scratch.image);
    scratch_remove(&scratch);
}

void host_free(struct host *host)
{
    free(host->disk);
    memset(host, 0, sizeof(*host));
}

static const char *with_image(struct host *host, const char *command, int *exit_status)
{
    struct scratch scratch = {.folder = ""};
    char text[1024];

    scratch_make(&scratch);
    image_save(host, scratch.image);
    snprintf(text, sizeof(text), command, scratch.image);
    const char *output = run(text, exit_status);

    image_load(host, scratch.image);
    scratch_remove(&scratch);
    return output;
}

void host_check(struct host *host)
{
    int exit_status = 0;
    const char *output = with_image(host, "e2fsck -fn %s 2>&1", &exit_status);

    if (exit_status != 0)
        fail_msg("e2fsck says:\n%s", output);
}

int host_repair(struct host *host)
{
    int exit_status = 0;

    with_image(host, "e2fsck -fy %s 2>&1", &exit_status);
    return exit_status;
}

const char *host_command(struct host *host, const char *command)
{
    int exit_status = 0;

    return with_image(host, command, &exit_status);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static bool is_fault(const struct host *host, uint64_t number, uint64_t fault)
{
    return number == fault || (host->stays && number > fault);
}

static uint8_t *disk_block(struct host *host, uint32_t block)
{
    uint64_t at = (uint64_t)block * host->cache.block_bytes;

    assert_true(at + host->cache.block_bytes <= host->disk_bytes);
    return host->disk + at;
}

void host_begin(struct host *host)
{
    host->steps = 0;
    assert_int_equal(fs_operation_begin(&host->op, &host->cache, host->uid, host->gid, host->now),
                     0);
}

/* Writes up to `count` buffers out. */
static int write_some(struct host *host, uint32_t count)
{
    uint8_t *copy = malloc(host->cache.block_bytes);
    int status = 0;

    for (uint32_t i = 0; i < count && status == 0; i++) {
        struct buffer *buffer = buffer_write_begin(&host->cache, UINT64_MAX, copy);
        bool is_good = false;

        if (buffer == NULL)
            break;
        is_good = !is_fault(host, host->writes++, host->write_fault);
        if (is_good)
            memcpy(disk_block(host, buffer->block), copy, host->cache.block_bytes);
        else
            status = -EIO;
        buffer_write_end(&host->cache, buffer, is_good);
    }
    free(copy);
    return status;
}

int host_sync(struct host *host)
{
    return write_some(host, UINT32_MAX);
}

/* Lets somebody else run operations. The one under way keeps what it has pinned. */
static void interrupt(struct host *host)
{
    struct fs_operation waiting = host->op;
    uint64_t steps = host->steps;

    host->interrupt(host);
    host->op = waiting;
    host->steps = steps;
}

/* Reads what an operation needs. Returns FS_NEED_BLOCK to go on, or another status. */
static int read_needs(struct host *host)
{
    struct fs_operation *op = &host->op;

    assert_true(op->need_count > 0);
    for (uint32_t i = 0; i < op->need_count; i++) {
        struct buffer *buffer = NULL;
        int status = fs_operation_read_begin(op, i, &buffer);

        if (status != 0 && i == 0)
            return status;
        if (status != 0)
            break;
        bool is_good = !is_fault(host, host->reads++, host->read_fault);

        if (is_good)
            memcpy(buffer->data, disk_block(host, buffer->block), host->cache.block_bytes);
        buffer_read_end(&host->cache, buffer, is_good);
    }
    return FS_NEED_BLOCK;
}

/* Makes room in the cache; a disk that takes no writes ends the operation. */
static int make_room(struct host *host)
{
    int status = write_some(host, 4);

    if (status != 0 && host->fs.is_mounted)
        ext2_write_failed(&host->fs);
    return status == 0 ? FS_NEED_ROOM : status;
}

bool host_again(struct host *host, int *status)
{
    host->passes++;
    assert_true(++host->steps < host->steps_max);
    if (*status == FS_NEED_BLOCK)
        *status = read_needs(host);
    if (*status == FS_NEED_ROOM)
        *status = make_room(host);
    if (host->evicts) {
        int written = write_some(host, UINT32_MAX);

        if (written != 0 && host->fs.is_mounted)
            ext2_write_failed(&host->fs);
        buffer_cache_chill(&host->cache);
    }
    assert_int_not_equal(*status, FS_WAIT);
    if (host->interrupt != NULL && (*status == FS_NEED_BLOCK || *status == FS_NEED_ROOM))
        interrupt(host);
    if (*status == FS_NEED_BLOCK || *status == FS_NEED_ROOM)
        return true;
    fs_operation_end(&host->op);
    if (*status == FS_MORE) {
        assert_int_equal(fs_operation_begin(&host->op, &host->cache, host->uid, host->gid,
                                            host->now),
                         0);
        return true;
    }
    assert_true(*status <= 0);
    if (!host->is_quick && host->fs.is_mounted) {
        const char *wrong = ext2_verify(&host->fs);

        if (wrong != NULL)
            fail_msg("%s", wrong);
    }
    return false;
}

/* ---- Mounting -------------------------------------------------------------------------------- */

int host_try_mount(struct host *host)
{
    host->memory = (struct fs_memory){host_allocate, host_deallocate, host};
    int status = ext2_probe(&host->fs, host->disk + EXT2_SUPER_OFFSET, host->disk_bytes);

    if (status != 0)
        return status;
    status = buffer_cache_create(&host->cache, host->fs.block_bytes, host->capacity, &host->memory);
    if (status != 0)
        return status;
    host->has_cache = true;
    host->inodes = malloc(host->pool * sizeof(*host->inodes));
    struct ext2_config config = {
        .cache = &host->cache,
        .memory = &host->memory,
        .inodes = host->inodes,
        .inode_count = host->pool,
        .is_read_only = host->is_read_only,
    };

    status = HOST_RUN(host, ext2_mount(op, &host->fs, &config));
    if (status != 0) {
        const char *message = host->fs.message;

        host_crash(host);
        host->fs.message = message;
    }
    return status;
}

void host_mount(struct host *host)
{
    int status = host_try_mount(host);

    if (status != 0)
        fail_msg("mount: %d %s", status, host->fs.message ? host->fs.message : "");
}

void host_crash(struct host *host)
{
    if (!host->has_cache)
        return;
    ext2_destroy(&host->fs);
    buffer_cache_destroy(&host->cache);
    assert_int_equal(host->allocated_bytes, 0);
    free(host->inodes);
    host->inodes = NULL;
    host->has_cache = false;
}

void host_unmount(struct host *host)
{
    assert_int_equal(HOST_RUN(host, ext2_unmount(op, &host->fs)), 0);
    assert_int_equal(host_sync(host), 0);
    host_crash(host);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

struct ext2_name host_name(const char *text)
{
    return (struct ext2_name){text, (uint32_t)strlen(text)};
}

int host_release(struct host *host, struct ext2_inode *inode)
{
    if (!ext2_inode_release(&host->fs, inode))
        return 0;
    return HOST_RUN(host, ext2_reap(op, &host->fs));
}

/* Walks to the inode of `path`, or of what is before its last component, which `name` then is. */
static int walk(struct host *host, const char *path, struct ext2_inode **out,
                struct ext2_name *name)
{
    struct ext2_inode *at = NULL;
    int status = HOST_RUN(host, ext2_inode_open(op, &host->fs, EXT2_ROOT_INODE, &at));

    while (*path == '/')
        path++;
    while (status == 0 && *path != 0) {
        size_t bytes = strcspn(path, "/");
        struct ext2_name part = {path, (uint32_t)bytes};
        struct ext2_inode *next = NULL;

        path += bytes;
        if (*path == 0 && name != NULL) {
            *name = part;
            break;
        }
        while (*path == '/')
            path++;
        status = HOST_RUN(host, ext2_lookup(op, &host->fs, at, part, &next));
        host_release(host, at);
        at = next;
    }
    *out = status == 0 ? at : NULL;
    return status;
}

int host_open(struct host *host, const char *path, struct ext2_inode **out)
{
    return walk(host, path, out, NULL);
}

int host_parent(struct host *host, const char *path, struct ext2_inode **out,
                struct ext2_name *name)
{
    *name = (struct ext2_name){"", 0};
    return walk(host, path, out, name);
}

int host_create(struct host *host, const char *path, const struct ext2_template *template)
{
    struct ext2_inode *parent = NULL;
    struct ext2_inode *inode = NULL;
    struct ext2_name name;
    int status = host_parent(host, path, &parent, &name);

    if (status != 0)
        return status;
    status = HOST_RUN(host, ext2_create(op, &host->fs, parent, name, template, &inode));
    if (status == 0)
        host_release(host, inode);
    host_release(host, parent);
    return status;
}

int host_mkdir(struct host *host, const char *path)
{
    return host_create(host, path, &(struct ext2_template){.mode = EXT2_TYPE_DIRECTORY | 0755});
}

int host_touch(struct host *host, const char *path)
{
    return host_create(host, path, &(struct ext2_template){.mode = EXT2_TYPE_REGULAR | 0644});
}

int host_symlink(struct host *host, const char *path, const char *target)
{
    return host_create(host, path,
                       &(struct ext2_template){.mode = EXT2_TYPE_SYMLINK | 0777,
                                               .target = target,
                                               .target_bytes = (uint32_t)strlen(target)});
}

int host_link(struct host *host, const char *from, const char *to)
{
    struct ext2_inode *inode = NULL;
    struct ext2_inode *parent = NULL;
    struct ext2_name name;
    int status = host_open(host, from, &inode);

    if (status != 0)
        return status;
    status = host_parent(host, to, &parent, &name);
    if (status == 0) {
        status = HOST_RUN(host, ext2_link(op, &host->fs, parent, name, inode));
        host_release(host, parent);
    }
    host_release(host, inode);
    return status;
}

/* Frees what lost its last link, as a caller does that nobody asked to wait. */
static int reap_after(struct host *host, int status)
{
    int reaped = status == 0 ? HOST_RUN(host, ext2_reap(op, &host->fs)) : 0;

    return status != 0 ? status : reaped;
}

int host_unlink(struct host *host, const char *path)
{
    struct ext2_inode *parent = NULL;
    struct ext2_name name;
    int status = host_parent(host, path, &parent, &name);

    if (status != 0)
        return status;
    status = HOST_RUN(host, ext2_unlink(op, &host->fs, parent, name));
    host_release(host, parent);
    return reap_after(host, status);
}

int host_rmdir(struct host *host, const char *path)
{
    struct ext2_inode *parent = NULL;
    struct ext2_name name;
    int status = host_parent(host, path, &parent, &name);

    if (status != 0)
        return status;
    status = HOST_RUN(host, ext2_rmdir(op, &host->fs, parent, name));
    host_release(host, parent);
    return reap_after(host, status);
}

int host_rename(struct host *host, const char *from, const char *to, uint32_t flags)
{
    struct ext2_inode *from_parent = NULL;
    struct ext2_inode *to_parent = NULL;
    struct ext2_name from_name;
    struct ext2_name to_name;
    int status = host_parent(host, from, &from_parent, &from_name);

    if (status != 0)
        return status;
    status = host_parent(host, to, &to_parent, &to_name);
    if (status == 0) {
        status = HOST_RUN(host, ext2_rename(op, &host->fs, from_parent, from_name, to_parent,
                                            to_name, flags));
        host_release(host, to_parent);
    }
    host_release(host, from_parent);
    return reap_after(host, status);
}

int host_attributes(struct host *host, const char *path, struct ext2_attributes *attributes)
{
    struct ext2_inode *inode = NULL;
    int status = host_open(host, path, &inode);

    if (status != 0)
        return status;
    ext2_attributes_get(&host->fs, inode, attributes);
    host_release(host, inode);
    return 0;
}

int host_readlink(struct host *host, const char *path, char *target, uint32_t limit)
{
    struct ext2_inode *inode = NULL;
    uint32_t bytes = 0;
    int status = host_open(host, path, &inode);

    if (status != 0)
        return status;
    status = HOST_RUN(host, ext2_readlink(op, &host->fs, inode, target, limit, &bytes));
    host_release(host, inode);
    return status != 0 ? status : (int)bytes;
}

/* ---- File data ------------------------------------------------------------------------------- */

static int grow(struct host *host, struct ext2_inode *inode, uint64_t size_bytes)
{
    struct ext2_attributes attributes = {.size_bytes = size_bytes, .modify_time = host->now};

    return HOST_RUN(host,
                    ext2_attributes_set(op, &host->fs, inode,
                                        EXT2_SET_LARGER_SIZE | EXT2_SET_MODIFY_TIME, &attributes));
}

int64_t host_write(struct host *host, struct ext2_inode *inode, uint64_t offset, const void *bytes,
                   size_t count)
{
    uint32_t block_bytes = host->fs.block_bytes;
    uint64_t end = offset + count;
    uint64_t at = offset;
    int status = 0;

    while (at < end && status == 0) {
        uint32_t first = (uint32_t)(at / block_bytes);
        uint32_t blocks = (uint32_t)((end - 1) / block_bytes) - first + 1;
        struct ext2_extent extent = {0};

        status = HOST_RUN(host, ext2_allocate(op, &host->fs, inode, first, blocks, &extent));
        if (status != 0)
            break;
        assert_int_not_equal(extent.disk_block, 0);
        assert_in_range(extent.count, 1, blocks);
        uint8_t *disk = disk_block(host, extent.disk_block);
        uint64_t extent_end = ((uint64_t)first + extent.count) * block_bytes;
        size_t part = (size_t)(MIN(end, extent_end) - at);

        disk_block(host, extent.disk_block + extent.count - 1);
        if (extent.is_new)
            memset(disk, 0, (size_t)extent.count * block_bytes);
        memcpy(disk + at % block_bytes, (const uint8_t *)bytes + (at - offset), part);
        at += part;
    }
    if (at > offset) {
        int grown = grow(host, inode, at);

        if (grown != 0)
            return grown;
    }
    return at > offset ? (int64_t)(at - offset) : status;
}

int64_t host_read(struct host *host, struct ext2_inode *inode, uint64_t offset, void *bytes,
                  size_t count)
{
    uint32_t block_bytes = host->fs.block_bytes;
    uint64_t end = MIN(offset + count, inode->size_bytes);
    uint64_t at = offset;
    struct ext2_cursor cursor = {0};

    while (at < end) {
        uint32_t first = (uint32_t)(at / block_bytes);
        uint32_t blocks = (uint32_t)((end - 1) / block_bytes) - first + 1;
        struct ext2_extent extent = {0};
        int status =
            HOST_RUN(host, ext2_map(op, &host->fs, inode, first, blocks, &cursor, &extent));

        if (status != 0)
            return status;
        assert_in_range(extent.count, 1, blocks);
        uint64_t extent_end = ((uint64_t)first + extent.count) * block_bytes;
        size_t part = (size_t)(MIN(end, extent_end) - at);
        uint8_t *out = (uint8_t *)bytes + (at - offset);

        if (extent.disk_block == 0) {
            memset(out, 0, part);
        } else {
            disk_block(host, extent.disk_block + extent.count - 1);
            memcpy(out, disk_block(host, extent.disk_block) + at % block_bytes, part);
        }
        at += part;
    }
    return at > offset ? (int64_t)(at - offset) : 0;
}

/* Zeroes the rest of the last block first, as the page cache's owner must. */
int host_truncate(struct host *host, struct ext2_inode *inode, uint64_t size_bytes)
{
    uint32_t block_bytes = host->fs.block_bytes;
    uint32_t tail = (uint32_t)(size_bytes % block_bytes);
    struct ext2_extent extent = {0};

    if (size_bytes < inode->size_bytes && tail != 0) {
        int status =
            HOST_RUN(host, ext2_map(op, &host->fs, inode, (uint32_t)(size_bytes / block_bytes), 1,
                                    NULL, &extent));

        if (status != 0)
            return status;
        if (extent.disk_block != 0)
            memset(disk_block(host, extent.disk_block) + tail, 0, block_bytes - tail);
    }
    return HOST_RUN(host, ext2_truncate(op, &host->fs, inode, size_bytes));
}

int host_write_path(struct host *host, const char *path, uint64_t offset, const void *bytes,
                    size_t count)
{
    struct ext2_inode *inode = NULL;
    int status = host_open(host, path, &inode);
    int64_t written = 0;

    if (status != 0)
        return status;
    written = host_write(host, inode, offset, bytes, count);
    host_release(host, inode);
    return written < 0 ? (int)written : written == (int64_t)count ? 0 : -ENOSPC;
}

uint32_t host_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}
