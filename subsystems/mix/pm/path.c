/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: where they start, and opening what they name. */
#include "subsystems/mix/pm/path.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/stream.h"
#include "subsystems/mix/pm/user.h"

#define EXECUTE_BITS 0111u
#define ACCESS_EXECUTE 1u
#define MEMORY_FOLDER "/dev/shm"
#define MEMORY_MODE 0777u /* no umask counts */

/* How often set-id bits were set so far, and one: never 0, which a file has that was not looked at.
 */
static uint32_t set_ids_now(struct pm *pm)
{
    return __atomic_load_n(&pm->set_id_changes, __ATOMIC_SEQ_CST) | 1;
}

/* ---- Where a path starts ----------------------------------------------------------------- */

/* OM has no key of a directory in /proc: a path from there starts at the root, by its name. */
static long start_in_proc(char *text, const char *directory)
{
    size_t more = strlen(directory) + 1, bytes = strlen(text) + 1;

    if (more + bytes > OM_OPEN_IN_PATH_MAX + 1)
        return -ENAMETOOLONG;
    memmove(text + more, text, bytes);
    memcpy(text, directory, more - 1);
    text[more - 1] = '/';
    return 0;
}

static long path_base(struct path *path, int32_t directory, bool may_be_empty)
{
    struct process *process = path->task->process;
    char *text = path->buffer->path;

    path->directory = process->directory;
    if (text[0] == '/')
        return 0;
    if (directory == AT_FDCWD)
        return process->proc_directory[0] == '\0' ? 0
                                                  : start_in_proc(text, process->proc_directory);
    path->base = descriptor_get(process, directory);
    if (path->base == NULL)
        return -EBADF;
    if (path->base->operations == &proc_directory_operations)
        return start_in_proc(text, path->base->path);
    if (path->base->operations != &directory_operations && !(may_be_empty && text[0] == '\0'))
        return -ENOTDIR;
    path->directory = path->base->key;
    return 0;
}

long path_begin(struct path *path, struct task *task, int32_t directory, VmAddr text,
                bool may_be_empty)
{
    long result;

    *path = (struct path){.task = task, .buffer = buffer_take(task->process->pm)};
    if (path->buffer == NULL)
        return -ENOMEM;
    result = user_string(path->buffer->path, text, sizeof(path->buffer->path));
    if (result == 0 && !may_be_empty)
        result = -ENOENT;
    if (result >= 0)
        result = path_base(path, directory, may_be_empty);
    if (result < 0)
        path_end(path);
    return result;
}

void path_end(struct path *path)
{
    struct pm *pm = path->task->process->pm;

    if (path->base != NULL)
        file_drop(pm, path->base);
    buffer_give(pm, path->buffer);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static const struct file_operations *operations_for(uint32_t mode, uint64_t rdev, uint32_t flags)
{
    if ((flags & O_PATH) != 0 && (mode & S_IFMT) != S_IFDIR)
        return &regular_operations;
    switch (mode & S_IFMT) {
    case S_IFREG:
        return &regular_operations;
    case S_IFDIR:
        return &directory_operations;
    case S_IFCHR:
        return device_is_memory(rdev) ? &device_operations : &stream_operations;
    case S_IFIFO:
        return &stream_operations;
    default:
        return NULL;
    }
}

/* A file remembers by which name it was opened, for /proc; without memory for it, it has none. */
static void name_set(struct pm *pm, struct file *file, const char *path, uint64_t directory)
{
    file->path = path == NULL ? NULL : heap_copy(&pm->heap, path, strlen(path) + 1);
    file->path_directory = directory;
}

/* The object that OM opened as a file of PM's; a stream gets a key of STM beside OM's. */
static long file_of_object(struct task *task, const struct om_open_out *out, uint32_t flags,
                           uint32_t seen, struct file **file)
{
    struct pm *pm = task->process->pm;
    const struct file_operations *operations =
        operations_for(out->attr.mode, out->attr.rdev, flags);
    struct idl_client client = om_client(pm, NULL);
    const struct om_close_in undo = {out->key};
    struct file *made = operations == NULL ? NULL : file_create(pm, operations, flags);

    if (made == NULL) {
        (void)om_close(&client, &undo);
        return operations == NULL ? -ENXIO : -ENOMEM;
    }
    made->key = out->key;
    made->segment = out->segment;
    made->mode = out->attr.mode;
    made->rdev = out->attr.rdev;
    made->device = out->attr.device;
    made->inode = out->attr.inode;
    if ((out->attr.mode & (S_ISUID | S_ISGID)) == 0)
        made->set_ids_seen = seen;
    if (operations == &stream_operations) {
        long result = stream_open(task, made, out->attr.device, out->attr.inode);

        made->node = out->key;
        if (result < 0) {
            (void)om_close(&client, &undo);
            file_free(pm, made);
            return result;
        }
    }
    *file = made;
    return 0;
}

/* A file that was found through another's descriptor has that one's name. */
static void name_of_open(struct pm *pm, struct file *file, const struct call_buffer *buffer,
                         const struct proc_way *way)
{
    if (buffer->path[0] == '\0' && way->file != NULL)
        name_set(pm, file, way->file->path, way->file->path_directory);
    else
        name_set(pm, file, buffer->path, way->directory);
}

static long open_at(struct task *task, uint64_t directory, struct call_buffer *buffer,
                    uint32_t flags, uint32_t mode, struct file **file)
{
    struct process *process = task->process;
    struct idl_client client = om_client(process->pm, buffer);
    struct om_open_in in = {.root = process->root,
                            .directory = directory,
                            .who = om_who(process),
                            .groups = process->who.groups,
                            .groups_bytes = process->who.group_count * sizeof(uint32_t),
                            .path = buffer->path,
                            .flags = flags,
                            .mode = mode & ~process->umask & 07777};
    struct om_open_out out;
    struct proc_way way = {.directory = directory};
    uint32_t seen = set_ids_now(process->pm);
    long result;

    do {
        in.directory = way.directory;
        if (buffer->path[0] == '\0')
            in.flags &= ~(uint32_t)(O_CREAT | O_EXCL | O_NOFOLLOW); /* an open file: it is there */
        out = (struct om_open_out){.rest = buffer->rest, .rest_room = sizeof(buffer->rest)};
        result = server_path_result(om_open(&client, &in, &out), &out.mount);
        if (result == -EREMOTE)
            result = proc_open(task, buffer, flags, &way, file);
        else if (result == 0 && (result = file_of_object(task, &out, flags, seen, file)) == 0)
            name_of_open(process->pm, *file, buffer, &way);
    } while (result == PROC_LEAVES);
    proc_way_end(process->pm, &way);
    return result;
}

long path_open(struct path *path, uint32_t flags, uint32_t mode, struct file **file)
{
    return open_at(path->task, path->directory, path->buffer, flags, mode, file);
}

long path_open_text(struct task *task, const char *text, uint32_t flags, struct file **file)
{
    struct pm *pm = task->process->pm;
    struct call_buffer *buffer = buffer_take(pm);
    long result = -ENOMEM;

    if (buffer == NULL)
        return result;
    result = -ENAMETOOLONG;
    if (strlcpy(buffer->path, text, sizeof(buffer->path)) < sizeof(buffer->path))
        result = text[0] == '/' || task->process->proc_directory[0] == '\0'
                     ? 0
                     : start_in_proc(buffer->path, task->process->proc_directory);
    if (result == 0)
        result = open_at(task, task->process->directory, buffer, flags, 0, file);
    buffer_give(pm, buffer);
    return result;
}

long path_open_memory(struct task *task, const char *name, struct file **file)
{
    struct pm *pm = task->process->pm;
    uint64_t root = pm->processes.first->root; /* the site's, whatever the caller's is */
    struct call_buffer *buffer = buffer_take(pm);
    uint32_t seen = set_ids_now(pm);
    long result;

    if (buffer == NULL)
        return -ENOMEM;
    struct idl_client client = om_client(pm, buffer);
    const struct om_open_in in = {.root = root,
                                  .directory = root,
                                  .who = om_who(task->process),
                                  .path = MEMORY_FOLDER,
                                  .flags = O_RDWR | O_TMPFILE | O_EXCL | OM_OPEN_AS_MEMORY,
                                  .mode = MEMORY_MODE};
    struct om_open_out out = {.rest = buffer->rest, .rest_room = sizeof(buffer->rest)};

    result = server_path_result(om_open(&client, &in, &out), &out.mount);
    if (result == 0)
        result = file_of_object(task, &out, O_RDWR, seen, file);
    if (result == 0)
        name_set(pm, *file, name, 0);
    buffer_give(pm, buffer);
    return result;
}

/* May the caller execute it, or go through the directory? Owner, group or others, as permissions
 * go; the superuser goes through every directory, and executes what anybody may. */
static bool may_execute(const struct process *process, const struct linux_stat *stat)
{
    const struct credentials *who = &process->who;
    uint32_t bits = stat->mode & EXECUTE_BITS;

    if (who->fsuid == 0)
        return bits != 0 || (stat->mode & S_IFMT) == S_IFDIR;
    if (who->fsuid == stat->uid)
        return (bits & 0100) != 0;
    bool in_group = who->fsgid == stat->gid;

    for (uint32_t i = 0; i < who->group_count; i++)
        in_group |= who->groups[i] == stat->gid;
    return (bits & (in_group ? 0010u : 0001u)) != 0;
}

long path_open_program(struct task *task, const char *text, uint32_t flags, struct file **file)
{
    struct pm *pm = task->process->pm;
    struct linux_stat stat;
    long result = path_open_text(task, text, O_RDONLY | OM_OPEN_TO_RUN | flags, file);

    if (result < 0)
        return result;
    result = (*file)->operations->stat(task, *file, &stat);
    if (result == 0 && ((stat.mode & S_IFMT) != S_IFREG || !may_execute(task->process, &stat)))
        result = -EACCES;
    if (result < 0) {
        file_drop(pm, *file);
        *file = NULL;
    }
    return result;
}

long path_may_search(struct task *task, struct file *file)
{
    struct linux_stat stat;
    long result = file->operations->stat(task, file, &stat);

    return result == 0 && !may_execute(task->process, &stat) ? -EACCES : result;
}

/* ---- Files that OM has ------------------------------------------------------------------- */

static void stat_of_attr(struct linux_stat *stat, const struct om_attr *attr)
{
    *stat = (struct linux_stat){
        .device = attr->device,
        .inode = attr->inode,
        .links = attr->links,
        .mode = attr->mode,
        .uid = attr->uid,
        .gid = attr->gid,
        .rdev = attr->rdev,
        .size = (int64_t)attr->size,
        .block_bytes = attr->block_bytes,
        .blocks = (int64_t)attr->blocks,
        .atime = {attr->atime_s, attr->atime_ns},
        .mtime = {attr->mtime_s, attr->mtime_ns},
        .ctime = {attr->ctime_s, attr->ctime_ns},
    };
}

long path_stat(struct task *task, uint64_t directory, struct call_buffer *buffer, uint32_t flags,
               struct linux_stat *stat)
{
    struct process *process = task->process;
    struct idl_client client = om_client(process->pm, buffer);
    struct om_stat_in in = {.root = process->root,
                            .directory = directory,
                            .who = om_who(process),
                            .groups = process->who.groups,
                            .groups_bytes = process->who.group_count * sizeof(uint32_t),
                            .path = buffer->path,
                            .flags = flags};
    struct om_stat_out out;
    struct proc_way way = {.directory = directory};
    long result;

    do {
        in.directory = way.directory;
        out = (struct om_stat_out){.rest = buffer->rest, .rest_room = sizeof(buffer->rest)};
        result = server_path_result(om_stat(&client, &in, &out), &out.mount);
        if (result == -EREMOTE)
            result = proc_stat(task, buffer, (flags & OM_FOLLOW) != 0, &way, stat);
        else if (result == 0)
            stat_of_attr(stat, &out.attr);
    } while (result == PROC_LEAVES);
    proc_way_end(process->pm, &way);
    return result;
}

uint64_t path_node(const struct file *file)
{
    if (file->operations == &stream_operations)
        return file->node;
    return file->operations == &regular_operations || file->operations == &directory_operations ||
                   file->operations == &device_operations
               ? file->key
               : 0;
}

long path_stat_file(struct task *task, struct file *file, struct linux_stat *stat)
{
    struct pm *pm = task->process->pm;
    struct call_buffer *buffer = buffer_take(pm);
    long result = -ENOMEM;

    if (buffer != NULL) {
        buffer->path[0] = '\0';
        result = path_stat(task, path_node(file), buffer, 0, stat);
        buffer_give(pm, buffer);
    }
    return result;
}

/* OM knows whose rights the bits lend, and whether the caller's writes change that. It is asked
 * once a file, and again when somebody has set such bits on any. */
long path_drop_set_ids(struct task *task, struct file *file)
{
    struct pm *pm = task->process->pm;
    uint32_t seen = set_ids_now(pm);
    struct path path = {.task = task, .directory = file->key};
    long result;

    ASSERT(file->operations == &regular_operations);
    if (task->process->who.fsuid == 0 || file->set_ids_seen == seen)
        return 0;
    path.buffer = buffer_take(pm);
    if (path.buffer == NULL)
        return -ENOMEM;
    path.buffer->path[0] = '\0';
    struct idl_client client = om_client(pm, path.buffer);
    const struct om_setattr_in in = {PATH_FIELDS(path), .set = OM_DROP_SET_IDS};
    struct om_setattr_out out = {REST_ROOM(path)};

    result = server_result(om_setattr(&client, &in, &out));
    if (result == 0)
        file->set_ids_seen = seen;
    path_end(&path);
    return result;
}

void path_close_node(struct pm *pm, uint64_t node)
{
    struct idl_client client = om_client(pm, NULL);
    const struct om_close_in in = {node};

    (void)om_close(&client, &in);
}

void path_close_file(struct pm *pm, struct file *file)
{
    path_close_node(pm, file->key);
}
