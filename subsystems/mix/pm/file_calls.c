/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on descriptors. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"

#define MOST_BYTES 0x7ffff000u    /* what Linux moves in one call */
#define PIECE_BYTES (size_t)16384 /* of sendfile: the heap's largest class */
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
        result = path_open(&path, flags, mode, &file);
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

long sys_close(struct task *task, int32_t fd)
{
    return descriptor_close(task->process, fd);
}

long sys_close_range(struct task *task, uint32_t first, uint32_t last, uint32_t flags)
{
    struct process *process = task->process;

    if (first > last || flags != 0)
        return -EINVAL;
    for (uint32_t fd = first; fd <= last && fd < process->descriptors.count; fd++)
        (void)descriptor_close(process, (int32_t)fd);
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

/* ---- Moving data ------------------------------------------------------------------------- */

enum direction { READ, WRITE };

static long may_move(const struct file *file, enum direction direction)
{
    uint32_t access = file->flags & O_ACCMODE;

    if ((file->flags & O_PATH) != 0 || (direction == READ && access == O_WRONLY) ||
        (direction == WRITE && access == O_RDONLY))
        return -EBADF;
    if (file->operations == &directory_operations || file->operations == &proc_directory_operations)
        return direction == READ ? -EISDIR : -EBADF;
    if ((direction == READ ? file->operations->read : file->operations->write) == NULL)
        return -EINVAL;
    return 0;
}

static long move(struct task *task, struct file *file, enum direction direction, VmAddr buffer,
                 size_t bytes, uint64_t *offset)
{
    bytes = MIN(bytes, MOST_BYTES);
    if (direction == READ)
        return file->operations->read(task, file, buffer, bytes, offset);
    return file->operations->write(task, file, buffer, bytes, offset);
}

/* At the description's own offset, which two tasks move one after the other. */
static long move_on(struct task *task, struct file *file, enum direction direction, VmAddr buffer,
                    size_t bytes)
{
    uint64_t none = 0;
    long result;

    if (!file->operations->seekable)
        return move(task, file, direction, buffer, bytes, &none);
    mutexGet(&file->offset_lock);
    result = move(task, file, direction, buffer, bytes, &file->offset);
    mutexRel(&file->offset_lock);
    return result;
}

static long move_fd(struct task *task, int32_t fd, enum direction direction, VmAddr buffer,
                    size_t bytes)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = may_move(file, direction);
    if (result == 0 && !is_user_range(buffer, bytes))
        result = -EFAULT;
    if (result == 0)
        result = move_on(task, file, direction, buffer, bytes);
    file_drop(task->process->pm, file);
    return result;
}

long sys_read(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return move_fd(task, fd, READ, buffer, bytes);
}

long sys_write(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return move_fd(task, fd, WRITE, buffer, bytes);
}

static long move_at(struct task *task, int32_t fd, enum direction direction, VmAddr buffer,
                    size_t bytes, int64_t offset)
{
    struct file *file = descriptor_get(task->process, fd);
    uint64_t at = (uint64_t)offset;
    long result;

    if (file == NULL)
        return -EBADF;
    if (!file->operations->seekable)
        result = -ESPIPE;
    else if (offset < 0)
        result = -EINVAL;
    else
        result = may_move(file, direction);
    if (result == 0 && !is_user_range(buffer, bytes))
        result = -EFAULT;
    if (result == 0)
        result = move(task, file, direction, buffer, bytes, &at);
    file_drop(task->process->pm, file);
    return result;
}

long sys_pread64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes, int64_t offset)
{
    return move_at(task, fd, READ, buffer, bytes, offset);
}

long sys_pwrite64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes, int64_t offset)
{
    return move_at(task, fd, WRITE, buffer, bytes, offset);
}

static long move_vector(struct task *task, int32_t fd, enum direction direction, VmAddr vector,
                        uint32_t count)
{
    long total = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        struct linux_iovec piece;
        long result = user_read(&piece, vector + i * sizeof(piece), sizeof(piece));

        if (result == 0 && piece.bytes > 0)
            result = move_fd(task, fd, direction, piece.base, piece.bytes);
        if (result < 0)
            return total > 0 ? total : result;
        total += result;
        if ((size_t)result < piece.bytes)
            break;
    }
    return total;
}

long sys_readv(struct task *task, int32_t fd, VmAddr vector, uint32_t count)
{
    return move_vector(task, fd, READ, vector, count);
}

long sys_writev(struct task *task, int32_t fd, VmAddr vector, uint32_t count)
{
    return move_vector(task, fd, WRITE, vector, count);
}

/* A piece of `in`, from `*offset` or, where that is NULL, from its own. */
static long piece_read(struct task *task, struct file *in, char *piece, size_t bytes,
                       uint64_t *offset)
{
    if (offset != NULL)
        return move(task, in, READ, (VmAddr)piece, bytes, offset);
    return move_on(task, in, READ, (VmAddr)piece, bytes);
}

/* What was read but not written is there to be read again. */
static void piece_return(struct file *in, size_t bytes, uint64_t *offset)
{
    if (offset != NULL) {
        *offset -= bytes;
        return;
    }
    mutexGet(&in->offset_lock);
    in->offset -= bytes;
    mutexRel(&in->offset_lock);
}

/* The data passes PM's memory: two copies, but no trap a piece. */
static long send_pieces(struct task *task, struct file *out, struct file *in, uint64_t *offset,
                        size_t bytes)
{
    struct heap *heap = &task->process->pm->heap;
    char *piece = heap_allocate(heap, PIECE_BYTES);
    size_t done = 0;
    long result = piece == NULL ? -ENOMEM : 0;

    while (result >= 0 && done < bytes && !(done > 0 && signal_is_pending(task))) {
        long got = piece_read(task, in, piece, MIN(bytes - done, PIECE_BYTES), offset);

        if (got <= 0) {
            result = got;
            break;
        }
        result = move_on(task, out, WRITE, (VmAddr)piece, (size_t)got);
        if (result < got)
            piece_return(in, (size_t)(got - MAX(result, 0)), offset);
        done += (size_t)MAX(result, 0);
        if (result < got)
            break;
    }
    heap_free(heap, piece, PIECE_BYTES);
    return done > 0 ? (long)done : result;
}

static long send_file(struct task *task, struct file *out, struct file *in, VmAddr offset,
                      size_t bytes)
{
    uint64_t at = 0;
    long result = may_move(in, READ);

    if (result == 0)
        result = may_move(out, WRITE);
    if (result == 0 && (in->operations != &regular_operations || (out->flags & O_APPEND) != 0))
        result = -EINVAL;
    if (result == 0 && offset != 0)
        result = user_read(&at, offset, sizeof(at));
    if (result == 0 && (int64_t)at < 0)
        result = -EINVAL;
    if (result < 0)
        return result;
    result = send_pieces(task, out, in, offset != 0 ? &at : NULL, MIN(bytes, MOST_BYTES));
    if (result >= 0 && offset != 0 && user_write(offset, &at, sizeof(at)) < 0)
        return -EFAULT;
    return result;
}

long sys_sendfile(struct task *task, int32_t out_fd, int32_t in_fd, VmAddr offset, size_t bytes)
{
    struct pm *pm = task->process->pm;
    struct file *in = descriptor_get(task->process, in_fd);
    struct file *out = descriptor_get(task->process, out_fd);
    long result = in == NULL || out == NULL ? -EBADF : send_file(task, out, in, offset, bytes);

    if (in != NULL)
        file_drop(pm, in);
    if (out != NULL)
        file_drop(pm, out);
    return result;
}

/* ---- Offsets ----------------------------------------------------------------------------- */

static long seek(struct task *task, struct file *file, int64_t offset, uint32_t whence)
{
    struct linux_stat stat;
    int64_t base = 0;
    long result;

    if (!file->operations->seekable)
        return -ESPIPE;
    if (whence == SEEK_CUR) {
        base = (int64_t)file->offset;
    } else if (whence == SEEK_END) {
        result = file->operations->stat(task, file, &stat);
        if (result < 0)
            return result;
        base = stat.size;
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

long sys_getdents64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    struct pm *pm = task->process->pm;
    struct file *file = descriptor_get(task->process, fd);
    struct idl_client client = om_client(pm, NULL);
    struct om_readdir_out out = {.entries = (void *)buffer,
                                 .entries_room = (uint32_t)MIN(bytes, OM_READDIR_OUT_ENTRIES_MAX)};
    long result;

    if (file == NULL)
        return -EBADF;
    if (!is_user_range(buffer, bytes)) {
        file_drop(pm, file);
        return -EFAULT;
    }
    mutexGet(&file->offset_lock);
    const struct om_readdir_in in = {file->key, file->offset, out.entries_room};

    if (file->operations == &proc_directory_operations)
        result = proc_readdir(task, file, buffer, bytes);
    else if (file->operations != &directory_operations)
        result = -ENOTDIR;
    else
        result = server_result(om_readdir(&client, &in, &out));
    if (result == 0 && file->operations == &directory_operations) {
        file->offset = out.next;
        result = (long)out.entries_bytes;
    }
    mutexRel(&file->offset_lock);
    file_drop(pm, file);
    return result;
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
        KnResult status = file->segment.key == 0 ? K_OK : sgFlush(&object, K_FLUSH_WRITABLE);

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
