/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on descriptors. */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"

#define FLAGS_SETTABLE (uint32_t)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

/* ---- Opening and closing ----------------------------------------------------------------- */

long sys_openat(struct task *task, int32_t directory, VmAddr text, uint32_t flags, uint32_t mode)
{
    struct process *process = task->process;
    struct path path;
    struct file *file;
    long result = path_begin(&path, task, directory, text, false);

    if (result < 0)
        return result;
    if ((flags & O_ACCMODE) == O_ACCMODE && (flags & O_PATH) == 0)
        result = -EINVAL;
    if (result >= 0)
        result = path_open(&path, flags & O_KNOWN, mode, &file);
    path_end(&path);
    if (result < 0)
        return result;
    result = descriptor_put(process, file, 0, (flags & O_CLOEXEC) != 0);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

long sys_open(struct task *task, VmAddr path, uint32_t flags, uint32_t mode)
{
    return sys_openat(task, AT_FDCWD, path, flags, mode);
}

long sys_creat(struct task *task, VmAddr path, uint32_t mode)
{
    return sys_openat(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Nothing can be sealed: who asks for that is refused. */
long sys_memfd_create(struct task *task, VmAddr name, uint32_t flags)
{
    struct process *process = task->process;
    char own[MEMFD_NAME_BYTES], text[MEMFD_NAME_BYTES + 20];
    struct file *file;
    long result;

    if ((flags & ~(MFD_CLOEXEC | MFD_EXEC)) != 0)
        return -EINVAL;
    result = user_string(own, name, sizeof(own));
    if (result < 0)
        return result == -ENAMETOOLONG ? -EINVAL : result;
    format(text, sizeof(text), "/memfd:%s (deleted)", own);
    result = path_open_memory(task, text, &file);
    if (result < 0)
        return result;
    result = descriptor_put(process, file, 0, (flags & MFD_CLOEXEC) != 0);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

long sys_close(struct task *task, int32_t fd)
{
    return descriptor_close(task->process, fd);
}

long sys_close_range(struct task *task, uint32_t first, uint32_t last, uint32_t flags)
{
    struct process *process = task->process;

    if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
        return -EINVAL;
    /* Only tasks of one process share a table, and it stays theirs. */
    if ((flags & CLOSE_RANGE_UNSHARE) != 0 && process->task_count > 1)
        return -EINVAL;
    for (uint32_t fd = first; fd <= last && fd < process->descriptors.count; fd++) {
        if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
            (void)descriptor_flag(process, (int32_t)fd, true, true);
        else
            (void)descriptor_close(process, (int32_t)fd);
    }
    return 0;
}

static long duplicate(struct task *task, int32_t fd, int32_t from, bool close_on_exec)
{
    struct process *process = task->process;
    struct file *file = descriptor_get(process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = descriptor_put(process, file, from, close_on_exec);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

long sys_dup(struct task *task, int32_t fd)
{
    return duplicate(task, fd, 0, false);
}

static long duplicate_to(struct task *task, int32_t fd, int32_t to, bool close_on_exec)
{
    struct process *process = task->process;
    struct file *file = descriptor_get(process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    if (to < 0 || (uint64_t)to >= MIN(process->limits[RLIMIT_NOFILE].current, DESCRIPTORS_MAX))
        result = -EBADF;
    else
        result = descriptor_replace(process, file, to, close_on_exec);
    if (result < 0)
        file_drop(process->pm, file);
    return result;
}

long sys_dup2(struct task *task, int32_t fd, int32_t to)
{
    if (fd == to)
        return descriptor_flag(task->process, fd, false, false) < 0 ? -EBADF : fd;
    return duplicate_to(task, fd, to, false);
}

long sys_dup3(struct task *task, int32_t fd, int32_t to, uint32_t flags)
{
    if (fd == to || (flags & ~(uint32_t)O_CLOEXEC) != 0)
        return -EINVAL;
    return duplicate_to(task, fd, to, flags != 0);
}

long sys_fcntl(struct task *task, int32_t fd, uint32_t command, uintptr_t value)
{
    struct process *process = task->process;
    struct file *file;
    long result = 0;

    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return value >= DESCRIPTORS_MAX
                   ? -EINVAL
                   : duplicate(task, fd, (int32_t)value, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return descriptor_flag(process, fd, false, false);
    case F_SETFD:
        return descriptor_flag(process, fd, true, (value & FD_CLOEXEC) != 0);
    default:
        break;
    }
    file = descriptor_get(process, fd);
    if (file == NULL)
        return -EBADF;
    if (lock_is_command(command)) {
        result = lock_command(task, file, fd, command, value);
        file_drop(process->pm, file);
        return result;
    }
    switch (command) {
    case F_GETFL:
        result = (long)file->flags;
        break;
    case F_SETFL:
        file->flags = (file->flags & ~FLAGS_SETTABLE) | ((uint32_t)value & FLAGS_SETTABLE);
        break;
    default:
        result = -EINVAL;
    }
    file_drop(process->pm, file);
    return result;
}

/* ---- Offsets ----------------------------------------------------------------------------- */

/* All of a file counts as data, up to a hole at its end. */
static long seek_in_data(struct file *file, int64_t offset, uint32_t whence, int64_t size)
{
    if (offset < 0 || offset >= size)
        return -ENXIO;
    file->offset = (uint64_t)(whence == SEEK_DATA ? offset : size);
    return (long)file->offset;
}

static long seek(struct task *task, struct file *file, int64_t offset, uint32_t whence)
{
    struct linux_stat stat;
    int64_t base = 0;
    long result;

    if (!file->operations->seekable)
        return -ESPIPE;
    if (whence == SEEK_CUR) {
        base = (int64_t)file->offset;
    } else if (whence == SEEK_END || whence == SEEK_DATA || whence == SEEK_HOLE) {
        result = file->operations->stat(task, file, &stat);
        if (result < 0)
            return result;
        base = stat.size;
        if (whence != SEEK_END)
            return seek_in_data(file, offset, whence, stat.size);
    } else if (whence != SEEK_SET) {
        return -EINVAL;
    }
    if ((offset > 0 && base > INT64_MAX - offset) || base + offset < 0)
        return -EINVAL;
    file->offset = (uint64_t)(base + offset);
    return (long)file->offset;
}

long sys_lseek(struct task *task, int32_t fd, int64_t offset, uint32_t whence)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    mutexGet(&file->offset_lock);
    result = seek(task, file, offset, whence);
    mutexRel(&file->offset_lock);
    file_drop(task->process->pm, file);
    return result;
}

#define RECORDS_BYTES (size_t)16384 /* in one call: the heap's largest class */

/* Records of getdents64 into PM's memory; offset_lock is held. */
static long directory_read(struct task *task, struct file *file, char *records, size_t bytes)
{
    struct idl_client client = om_client(task->process->pm, NULL);
    const struct om_readdir_in in = {file->key, file->offset, (uint32_t)bytes};
    struct om_readdir_out out = {.entries = (void *)records, .entries_room = (uint32_t)bytes};
    long result;

    if (file->operations == &proc_directory_operations)
        return proc_readdir(task, file, records, bytes);
    if (file->operations != &directory_operations)
        return -ENOTDIR;
    result = server_result(om_readdir(&client, &in, &out));
    if (result < 0)
        return result;
    file->offset = out.next;
    return (long)out.entries_bytes;
}

/* In the older record the type stands behind the name's NUL, in the last byte, instead of before
 * the name. So it is as long as the newer one. */
static void records_age(char *records, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        struct linux_dirent64 *record = (struct linux_dirent64 *)(void *)(records + at);
        uint8_t type = record->type;
        size_t name_bytes = strlen(record->name) + 1;

        ASSERT(LINUX_DIRENT_NAME_OFFSET + name_bytes <= record->record_bytes);
        memmove(records + at + LINUX_DIRENT_NAME_OFFSET - 1, record->name, name_bytes);
        at += record->record_bytes;
        records[at - 1] = (char)type;
    }
}

/* Nothing has been read where the caller's memory cannot take it. */
static long directory_list(struct task *task, struct file *file, VmAddr buffer, size_t bytes,
                           bool older)
{
    struct heap *heap = &task->process->pm->heap;
    char *records = heap_allocate(heap, RECORDS_BYTES);
    uint64_t before;
    long result;

    if (records == NULL)
        return -ENOMEM;
    mutexGet(&file->offset_lock);
    before = file->offset;
    result = directory_read(task, file, records, MIN(bytes, RECORDS_BYTES));
    if (result > 0 && older)
        records_age(records, (size_t)result);
    ASSERT(result <= (long)RECORDS_BYTES);
    long copied = result <= 0 ? 0 : user_write(buffer, records, (size_t)result);

    if (copied < 0) {
        file->offset = before;
        result = copied;
    }
    mutexRel(&file->offset_lock);
    heap_free(heap, records, RECORDS_BYTES);
    return result;
}

static long list(struct task *task, int32_t fd, VmAddr buffer, size_t bytes, bool older)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = directory_list(task, file, buffer, bytes, older);
    file_drop(task->process->pm, file);
    return result;
}

long sys_getdents64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return list(task, fd, buffer, bytes, false);
}

long sys_getdents(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return list(task, fd, buffer, bytes, true);
}

/* ---- Other ------------------------------------------------------------------------------- */

long sys_ioctl(struct task *task, int32_t fd, uint32_t request, uintptr_t value)
{
    struct file *file;
    uint32_t flag = 0;
    long result = 0;

    if (request == FIOCLEX || request == FIONCLEX)
        return descriptor_flag(task->process, fd, true, request == FIOCLEX);
    file = descriptor_get(task->process, fd);
    if (file == NULL)
        return -EBADF;
    if (request == FIONBIO) {
        result = user_read(&flag, value, sizeof(flag));
        if (result == 0)
            file->flags = (file->flags & ~(uint32_t)O_NONBLOCK) | (flag != 0 ? O_NONBLOCK : 0);
    } else {
        result = file->operations->ioctl == NULL
                     ? -ENOTTY
                     : file->operations->ioctl(task, file, request, value);
    }
    file_drop(task->process->pm, file);
    return result;
}

long sys_fsync(struct task *task, int32_t fd)
{
    struct pm *pm = task->process->pm;
    struct file *file = descriptor_get(task->process, fd);
    struct idl_client client = om_client(pm, NULL);
    long result = -EINVAL;

    if (file == NULL)
        return -EBADF;
    if (file->operations == &regular_operations || file->operations == &directory_operations) {
        const struct om_fsync_in in = {file->key};
        KnObjDesc object = {file->segment, 0, 0};
        KnResult status;

        do
            status = file->segment.key == 0 ? K_OK : sgFlush(&object, K_FLUSH_WRITABLE);
        while (user_after_signal(status));

        result = status < 0 ? errno_of(status) : server_result(om_fsync(&client, &in));
    }
    file_drop(pm, file);
    return result;
}

long sys_fdatasync(struct task *task, int32_t fd)
{
    return sys_fsync(task, fd);
}

long sys_sync(struct task *task)
{
    struct idl_client client = om_client(task->process->pm, NULL);

    return server_result(om_sync(&client));
}

long sys_syncfs(struct task *task, int32_t fd)
{
    struct file *file = descriptor_get(task->process, fd);

    if (file == NULL)
        return -EBADF;
    file_drop(task->process->pm, file);
    return sys_sync(task);
}

/* Advice about files: the Nucleus' replacement decides by use. The call's own errors are Linux'. */
long sys_fadvise64(struct task *task, int32_t fd, int64_t offset, size_t bytes, uint32_t advice)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    (void)offset;
    (void)bytes;
    if (file == NULL)
        return -EBADF;
    if (!file->operations->seekable)
        result = -ESPIPE;
    else
        result = advice > 5 ? -EINVAL : 0;
    file_drop(task->process->pm, file);
    return result;
}

/* The same. */
long sys_readahead(struct task *task, int32_t fd, int64_t offset, size_t bytes)
{
    struct file *file = descriptor_get(task->process, fd);
    long result = 0;

    (void)offset;
    (void)bytes;
    if (file == NULL)
        return -EBADF;
    if ((file->flags & O_PATH) != 0 || (file->flags & O_ACCMODE) == O_WRONLY)
        result = -EBADF;
    else if (file->operations != &regular_operations)
        result = -EINVAL;
    file_drop(task->process->pm, file);
    return result;
}

#define SYNC_FILE_RANGE_ALL 7u /* wait before, write, wait after */

/* What is written is waited for, whatever the flags. */
static long sync_range(const struct file *file, int64_t offset, int64_t bytes, uint32_t flags)
{
    KnObjDesc object = {file->segment, (uint64_t)offset, (uint64_t)bytes};
    KnResult status = K_OK;

    if ((flags & ~SYNC_FILE_RANGE_ALL) != 0 || offset < 0 || bytes < 0 ||
        bytes > INT64_MAX - offset)
        return -EINVAL;
    if ((file->flags & O_PATH) != 0)
        return -EBADF;
    if (file->operations == &directory_operations)
        return 0;
    if (file->operations != &regular_operations)
        return -ESPIPE;
    if (flags != 0)
        status = sgFlush(&object, K_FLUSH_WRITABLE);
    return status < 0 ? errno_of(status) : 0;
}

long sys_sync_file_range(struct task *task, int32_t fd, int64_t offset, int64_t bytes,
                         uint32_t flags)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = sync_range(file, offset, bytes, flags);
    file_drop(task->process->pm, file);
    return result;
}

/* No file system here can keep blocks for a file that nobody writes; C libraries write then. */
static long may_allocate(const struct file *file, int64_t offset, int64_t bytes)
{
    if (offset < 0 || bytes <= 0)
        return -EINVAL;
    if ((file->flags & O_PATH) != 0 || (file->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if ((file->mode & S_IFMT) == S_IFIFO)
        return -ESPIPE;
    if (file->operations != &regular_operations)
        return -ENODEV;
    return bytes > INT64_MAX - offset ? -EFBIG : -EOPNOTSUPP;
}

long sys_fallocate(struct task *task, int32_t fd, uint32_t mode, int64_t offset, int64_t bytes)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    (void)mode;
    if (file == NULL)
        return -EBADF;
    result = may_allocate(file, offset, bytes);
    file_drop(task->process->pm, file);
    return result;
}
