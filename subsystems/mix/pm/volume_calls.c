/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on volumes: what they are, mounting. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"

static void statfs_of(struct linux_statfs *to, const struct om_volume *from)
{
    *to = (struct linux_statfs){
        .type = (int64_t)from->type,
        .block_bytes = (int64_t)from->block_bytes,
        .blocks = from->blocks,
        .blocks_free = from->blocks_free,
        .blocks_available = from->blocks_available,
        .files = from->files,
        .files_free = from->files_free,
        .name_bytes = (int64_t)from->name_bytes,
        .fragment_bytes = (int64_t)from->block_bytes,
        .flags = (int64_t)from->flags,
    };
}

static long statfs(struct path *path, VmAddr to)
{
    struct idl_client client = om_client(path->task->process->pm, path->buffer);
    struct om_statfs_in in = {PATH_FIELDS(*path)};
    struct proc_way way = {.directory = path->directory};
    struct linux_statfs result;
    long status;

    do {
        struct om_statfs_out out = {REST_ROOM(*path)};

        in.directory = way.directory;
        status = server_path_result(om_statfs(&client, &in, &out), &out.mount);
        if (status == -EREMOTE)
            status = proc_statfs(path->task, path->buffer, &way, &result);
        else if (status == 0)
            statfs_of(&result, &out.volume);
    } while (status == PROC_LEAVES);
    proc_way_end(path->task->process->pm, &way);
    return status < 0 ? status : user_write(to, &result, sizeof(result));
}

long sys_statfs(struct task *task, VmAddr text, VmAddr to)
{
    struct path path;
    long result = path_begin(&path, task, AT_FDCWD, text, false);

    if (result < 0)
        return result;
    result = statfs(&path, to);
    path_end(&path);
    return result;
}

long sys_fstatfs(struct task *task, int32_t fd, VmAddr to)
{
    struct pm *pm = task->process->pm;
    struct path path = {.task = task, .base = descriptor_get(task->process, fd)};
    struct linux_statfs of_proc;
    long result;

    if (path.base == NULL)
        return -EBADF;
    if (path.base->operations == &proc_directory_operations ||
        path.base->operations == &proc_file_operations) {
        file_drop(pm, path.base);
        proc_statfs_file(&of_proc);
        return user_write(to, &of_proc, sizeof(of_proc));
    }
    path.buffer = buffer_take(pm);
    if (path.buffer == NULL) {
        file_drop(pm, path.base);
        return -ENOMEM;
    }
    path.buffer->path[0] = '\0';
    path.directory = path_node(path.base);
    result = path.directory == 0 ? -ENOSYS : statfs(&path, to);
    path_end(&path);
    return result;
}

long sys_mount(struct task *task, VmAddr source, VmAddr text, VmAddr type, uint64_t flags,
               VmAddr data)
{
    struct path path;
    char name[16];
    long result;

    (void)data;
    if (task->process->who.euid != 0)
        return -EPERM;
    result = user_string(name, type, sizeof(name));
    if (result >= 0)
        result = path_begin(&path, task, AT_FDCWD, text, false);
    if (result < 0)
        return result == -ENAMETOOLONG ? -ENODEV : result;
    result = user_string(path.buffer->second, source, OM_MOUNT_IN_SOURCE_MAX + 1);
    if (result >= 0) {
        struct idl_client client = om_client(task->process->pm, path.buffer);
        const struct om_mount_in in = {.root = task->process->root,
                                       .directory = path.directory,
                                       .source = path.buffer->second,
                                       .path = path.buffer->path,
                                       .type = name,
                                       .flags = (uint32_t)flags};
        struct om_mount_out out;

        result = server_result(om_mount(&client, &in, &out));
    }
    path_end(&path);
    return result;
}

long sys_umount2(struct task *task, VmAddr text, uint32_t flags)
{
    struct path path;
    long result =
        task->process->who.euid != 0 ? -EPERM : path_begin(&path, task, AT_FDCWD, text, false);

    if (result < 0)
        return result;
    struct idl_client client = om_client(task->process->pm, path.buffer);
    const struct om_umount_in in = {task->process->root, path.directory, .path = path.buffer->path,
                                    .flags = flags};

    result = server_result(om_umount(&client, &in));
    path_end(&path);
    return result;
}
