/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on names. Each reads its path, asks OM, and gives the buffer back. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"

/* What a change of names in /proc gets. */
static long changed(KnResult status, const uint32_t *mount)
{
    long result = server_path_result(status, mount);

    return result == -EREMOTE ? -EPERM : result;
}

static struct idl_client client_of(const struct path *path)
{
    return om_client(path->task->process->pm, path->buffer);
}

/* ---- stat -------------------------------------------------------------------------------- */

static long stat_get(struct task *task, int32_t directory, VmAddr text, uint32_t flags,
                     struct linux_stat *stat)
{
    struct path path;
    long result = path_begin(&path, task, directory, text, (flags & AT_EMPTY_PATH) != 0);

    if (result < 0)
        return result;
    if (path.buffer->path[0] == '\0' && path.base != NULL)
        result = path.base->operations->stat(task, path.base, stat);
    else
        result = path_stat(task, path.directory, path.buffer,
                           (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : OM_FOLLOW, stat);
    path_end(&path);
    return result;
}

static long stat_at(struct task *task, int32_t directory, VmAddr text, VmAddr to, uint32_t flags)
{
    struct linux_stat stat;
    long result = stat_get(task, directory, text, flags, &stat);

    return result < 0 ? result : user_write(to, &stat, sizeof(stat));
}

long sys_newfstatat(struct task *task, int32_t directory, VmAddr path, VmAddr stat, uint32_t flags)
{
    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) != 0)
        return -EINVAL;
    return stat_at(task, directory, path, stat, flags);
}

long sys_stat(struct task *task, VmAddr path, VmAddr stat)
{
    return stat_at(task, AT_FDCWD, path, stat, 0);
}

long sys_lstat(struct task *task, VmAddr path, VmAddr stat)
{
    return stat_at(task, AT_FDCWD, path, stat, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(struct task *task, int32_t fd, VmAddr to)
{
    struct file *file = descriptor_get(task->process, fd);
    struct linux_stat stat;
    long result;

    if (file == NULL)
        return -EBADF;
    result = file->operations->stat(task, file, &stat);
    file_drop(task->process->pm, file);
    return result < 0 ? result : user_write(to, &stat, sizeof(stat));
}

static uint32_t major_of(uint64_t device)
{
    return (uint32_t)(device >> 8 & 0xfff) | (uint32_t)(device >> 32 & ~UINT64_C(0xfff));
}

static uint32_t minor_of(uint64_t device)
{
    return (uint32_t)(device & 0xff) | (uint32_t)(device >> 12 & 0xffffff00);
}

static struct linux_statx_time statx_time(struct linux_timespec time)
{
    return (struct linux_statx_time){time.seconds, (uint32_t)time.nanoseconds, 0};
}

/* All that stat tells, whatever was asked, and nothing more: what is not known is not in the
 * mask. */
static struct linux_statx statx_of(const struct linux_stat *stat)
{
    return (struct linux_statx){
        .mask = STATX_BASIC_STATS,
        .block_bytes = (uint32_t)stat->block_bytes,
        .links = (uint32_t)stat->links,
        .uid = stat->uid,
        .gid = stat->gid,
        .mode = (uint16_t)stat->mode,
        .inode = stat->inode,
        .size = (uint64_t)stat->size,
        .blocks = (uint64_t)stat->blocks,
        .atime = statx_time(stat->atime),
        .ctime = statx_time(stat->ctime),
        .mtime = statx_time(stat->mtime),
        .rdev = {major_of(stat->rdev), minor_of(stat->rdev)},
        .device = {major_of(stat->device), minor_of(stat->device)},
    };
}

/* How fresh it is to be (AT_STATX_*) makes no difference on one site. */
long sys_statx(struct task *task, int32_t directory, VmAddr text, uint32_t flags, uint32_t mask,
               VmAddr to)
{
    struct linux_stat stat;
    long result;

    if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
                             AT_STATX_SYNC_TYPE)) != 0 ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX_RESERVED) != 0)
        return -EINVAL;
    result = stat_get(task, directory, text, flags, &stat);
    if (result < 0)
        return result;
    const struct linux_statx found = statx_of(&stat);

    return user_write(to, &found, sizeof(found));
}

/* Nobody writes there, and only directories can be gone through. */
static long access_in_proc(struct task *task, const struct path *path, bool follow, uint32_t mode,
                           struct proc_way *way)
{
    struct linux_stat stat;
    long result = proc_stat(task, path->buffer, follow, way, &stat);

    if (result == 0 && ((mode & 2) != 0 || ((mode & 1) != 0 && (stat.mode & S_IFMT) != S_IFDIR)))
        result = -EACCES;
    return result;
}

long sys_faccessat2(struct task *task, int32_t directory, VmAddr text, uint32_t mode,
                    uint32_t flags)
{
    struct path path;
    long result;

    if (mode > 7 || (flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    result = path_begin(&path, task, directory, text, (flags & AT_EMPTY_PATH) != 0);
    if (result < 0)
        return result;
    struct idl_client client = client_of(&path);
    struct om_access_in in = {PATH_FIELDS(path),
                              .flags = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : OM_FOLLOW,
                              .mode = mode};
    struct proc_way way = {.directory = path.directory};

    /* access asks for the real identifiers. */
    if ((flags & AT_EACCESS) == 0)
        in.who = (struct om_who){task->process->who.uid, task->process->who.gid};
    do {
        struct om_access_out out = {REST_ROOM(path)};

        in.directory = way.directory;
        result = server_path_result(om_access(&client, &in, &out), &out.mount);
        if (result == -EREMOTE)
            result = access_in_proc(task, &path, in.flags != 0, mode, &way);
    } while (result == PROC_LEAVES);
    proc_way_end(task->process->pm, &way);
    path_end(&path);
    return result;
}

long sys_faccessat(struct task *task, int32_t directory, VmAddr path, uint32_t mode)
{
    return sys_faccessat2(task, directory, path, mode, 0);
}

long sys_access(struct task *task, VmAddr path, uint32_t mode)
{
    return sys_faccessat2(task, AT_FDCWD, path, mode, 0);
}

/* ---- Attributes -------------------------------------------------------------------------- */

/* Applies `what`, whose path fields are filled in here. */
static long setattr(struct path *path, struct om_setattr_in what)
{
    struct idl_client client = client_of(path);
    struct om_setattr_in in = {PATH_FIELDS(*path)};
    struct om_setattr_out out = {REST_ROOM(*path)};

    what.root = in.root;
    what.directory = in.directory;
    what.who = in.who;
    what.groups = in.groups;
    what.groups_bytes = in.groups_bytes;
    what.path = in.path;
    long result = changed(om_setattr(&client, &what, &out), &out.mount);

    /* Who writes to the file from now on looks at it again. */
    if (result == 0 && (what.set & OM_SET_MODE) != 0 && (what.mode & (S_ISUID | S_ISGID)) != 0)
        (void)__atomic_add_fetch(&path->task->process->pm->set_id_changes, 2, __ATOMIC_SEQ_CST);
    return result;
}

static long setattr_at(struct task *task, int32_t directory, VmAddr text, bool may_be_empty,
                       const struct om_setattr_in *what)
{
    struct path path;
    long result = path_begin(&path, task, directory, text, may_be_empty);

    if (result < 0)
        return result;
    result = setattr(&path, *what);
    path_end(&path);
    return result;
}

static long setattr_fd(struct task *task, int32_t fd, const struct om_setattr_in *what)
{
    struct pm *pm = task->process->pm;
    struct path path = {.task = task, .base = descriptor_get(task->process, fd)};
    long result = -EINVAL;

    if (path.base == NULL)
        return -EBADF;
    path.buffer = buffer_take(pm);
    if (path.buffer == NULL) {
        file_drop(pm, path.base);
        return -ENOMEM;
    }
    path.buffer->path[0] = '\0';
    path.directory = path_node(path.base);
    if (path.directory != 0)
        result = setattr(&path, *what);
    path_end(&path);
    return result;
}

long sys_fchmodat(struct task *task, int32_t directory, VmAddr path, uint32_t mode)
{
    const struct om_setattr_in what = {.flags = OM_FOLLOW,
                                       .set = OM_SET_MODE,
                                       .mode = mode & 07777};

    return setattr_at(task, directory, path, false, &what);
}

long sys_chmod(struct task *task, VmAddr path, uint32_t mode)
{
    return sys_fchmodat(task, AT_FDCWD, path, mode);
}

long sys_fchmod(struct task *task, int32_t fd, uint32_t mode)
{
    const struct om_setattr_in what = {.set = OM_SET_MODE, .mode = mode & 07777};

    return setattr_fd(task, fd, &what);
}

static struct om_setattr_in owner(uint32_t uid, uint32_t gid, uint32_t flags)
{
    return (struct om_setattr_in){.flags = flags,
                                  .set = (uid == UINT32_MAX ? 0 : OM_SET_UID) |
                                         (gid == UINT32_MAX ? 0 : OM_SET_GID),
                                  .uid = uid,
                                  .gid = gid};
}

long sys_fchownat(struct task *task, int32_t directory, VmAddr path, uint32_t uid, uint32_t gid,
                  uint32_t flags)
{
    const struct om_setattr_in what =
        owner(uid, gid, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : OM_FOLLOW);

    return setattr_at(task, directory, path, (flags & AT_EMPTY_PATH) != 0, &what);
}

long sys_chown(struct task *task, VmAddr path, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(task, AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(struct task *task, VmAddr path, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(task, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(struct task *task, int32_t fd, uint32_t uid, uint32_t gid)
{
    const struct om_setattr_in what = owner(uid, gid, 0);

    return setattr_fd(task, fd, &what);
}

long sys_truncate(struct task *task, VmAddr path, int64_t bytes)
{
    const struct om_setattr_in what = {.flags = OM_FOLLOW,
                                       .set = OM_SET_SIZE,
                                       .size = (uint64_t)bytes};

    return bytes < 0 ? -EINVAL : setattr_at(task, AT_FDCWD, path, false, &what);
}

long sys_ftruncate(struct task *task, int32_t fd, int64_t bytes)
{
    const struct om_setattr_in what = {.set = OM_SET_SIZE, .size = (uint64_t)bytes};
    struct file *file = descriptor_get(task->process, fd);
    bool writable;

    if (file == NULL)
        return -EBADF;
    writable = file->operations == &regular_operations && (file->flags & O_ACCMODE) != O_RDONLY;
    file_drop(task->process->pm, file);
    return bytes < 0 || !writable ? -EINVAL : setattr_fd(task, fd, &what);
}

/* Two times as utimensat takes them; NULL: now. */
static void times_take(struct om_setattr_in *what, const struct linux_timespec time[2], bool now)
{
    uint64_t present = 0;

    (void)univTime(&present);
    for (int i = 0; i < 2; i++) {
        int64_t seconds = time[i].seconds, nanoseconds = time[i].nanoseconds;

        if (nanoseconds == UTIME_OMIT && !now)
            continue;
        if (now || nanoseconds == UTIME_NOW) {
            seconds = (int64_t)(present / 1000000000);
            nanoseconds = (int64_t)(present % 1000000000);
        }
        what->set |= i == 0 ? OM_SET_ATIME : OM_SET_MTIME;
        *(i == 0 ? &what->atime_s : &what->mtime_s) = seconds;
        *(i == 0 ? &what->atime_ns : &what->mtime_ns) = (uint32_t)nanoseconds;
    }
}

static long times_set(struct task *task, int32_t directory, VmAddr path, uint32_t flags,
                      const struct linux_timespec time[2], bool now)
{
    struct om_setattr_in what = {.flags = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : OM_FOLLOW};

    for (int i = 0; i < 2 && !now; i++) {
        if ((time[i].nanoseconds < 0 || time[i].nanoseconds > 999999999) &&
            time[i].nanoseconds != UTIME_NOW && time[i].nanoseconds != UTIME_OMIT)
            return -EINVAL;
    }
    times_take(&what, time, now);
    if (path == 0)
        return setattr_fd(task, directory, &what);
    return setattr_at(task, directory, path, (flags & AT_EMPTY_PATH) != 0, &what);
}

long sys_utimensat(struct task *task, int32_t directory, VmAddr path, VmAddr times, uint32_t flags)
{
    struct linux_timespec time[2] = {{0, 0}, {0, 0}};

    if (times != 0 && user_read(time, times, sizeof(time)) < 0)
        return -EFAULT;
    return times_set(task, directory, path, flags, time, times == 0);
}

long sys_futimesat(struct task *task, int32_t directory, VmAddr path, VmAddr times)
{
    struct linux_timeval value[2] = {{0, 0}, {0, 0}};

    if (times != 0 && user_read(value, times, sizeof(value)) < 0)
        return -EFAULT;
    const struct linux_timespec time[2] = {{value[0].seconds, value[0].microseconds * 1000},
                                           {value[1].seconds, value[1].microseconds * 1000}};

    return times_set(task, directory, path, 0, time, times == 0);
}

long sys_utimes(struct task *task, VmAddr path, VmAddr times)
{
    return sys_futimesat(task, AT_FDCWD, path, times);
}

long sys_utime(struct task *task, VmAddr path, VmAddr times)
{
    int64_t value[2] = {0, 0};

    if (times != 0 && user_read(value, times, sizeof(value)) < 0)
        return -EFAULT;
    const struct linux_timespec time[2] = {{value[0], 0}, {value[1], 0}};

    return times_set(task, AT_FDCWD, path, 0, time, times == 0);
}

/* ---- Making and removing ----------------------------------------------------------------- */

long sys_mkdirat(struct task *task, int32_t directory, VmAddr text, uint32_t mode)
{
    struct path path;
    long result = path_begin(&path, task, directory, text, false);

    if (result < 0)
        return result;
    struct idl_client client = client_of(&path);
    const struct om_mkdir_in in = {PATH_FIELDS(path), .mode = mode & ~task->process->umask & 01777};
    struct om_mkdir_out out = {REST_ROOM(path)};

    result = changed(om_mkdir(&client, &in, &out), &out.mount);
    path_end(&path);
    return result;
}

long sys_mkdir(struct task *task, VmAddr path, uint32_t mode)
{
    return sys_mkdirat(task, AT_FDCWD, path, mode);
}

long sys_mknodat(struct task *task, int32_t directory, VmAddr text, uint32_t mode, uint64_t device)
{
    struct path path;
    long result = path_begin(&path, task, directory, text, false);

    if (result < 0)
        return result;
    if ((mode & S_IFMT) == 0)
        mode |= S_IFREG;
    struct idl_client client = client_of(&path);
    const struct om_mknod_in in = {PATH_FIELDS(path), .mode = mode & ~(task->process->umask & 0777),
                                   .rdev = device};
    struct om_mknod_out out = {REST_ROOM(path)};

    result = changed(om_mknod(&client, &in, &out), &out.mount);
    path_end(&path);
    return result;
}

long sys_mknod(struct task *task, VmAddr path, uint32_t mode, uint64_t device)
{
    return sys_mknodat(task, AT_FDCWD, path, mode, device);
}

long sys_symlinkat(struct task *task, VmAddr target, int32_t directory, VmAddr text)
{
    struct path path;
    long result = path_begin(&path, task, directory, text, false);

    if (result < 0)
        return result;
    result = user_string(path.buffer->second, target, sizeof(path.buffer->second));
    if (result == 0)
        result = -ENOENT;
    if (result > 0) {
        struct idl_client client = client_of(&path);
        const struct om_symlink_in in = {PATH_FIELDS(path), .target = path.buffer->second};
        struct om_symlink_out out = {REST_ROOM(path)};

        result = changed(om_symlink(&client, &in, &out), &out.mount);
    }
    path_end(&path);
    return result;
}

long sys_symlink(struct task *task, VmAddr target, VmAddr path)
{
    return sys_symlinkat(task, target, AT_FDCWD, path);
}

long sys_readlinkat(struct task *task, int32_t directory, VmAddr text, VmAddr buffer, size_t bytes)
{
    struct path path;
    long result = bytes == 0 ? -EINVAL : path_begin(&path, task, directory, text, true);

    if (result < 0)
        return result;
    struct idl_client client = client_of(&path);
    struct om_readlink_in in = {PATH_FIELDS(path)};
    struct proc_way way = {.directory = path.directory};

    do {
        struct om_readlink_out out = {REST_ROOM(path), .target = path.buffer->second,
                                      .target_room = sizeof(path.buffer->second)};

        in.directory = way.directory;
        result = server_path_result(om_readlink(&client, &in, &out), &out.mount);
        if (result == -EREMOTE)
            result = proc_readlink(task, path.buffer, &way);
    } while (result == PROC_LEAVES);
    proc_way_end(task->process->pm, &way);
    if (result >= 0) {
        size_t length = MIN(strlen(path.buffer->second), bytes);

        result = user_write(buffer, path.buffer->second, length);
        result = result < 0 ? result : (long)length;
    }
    path_end(&path);
    return result;
}

long sys_readlink(struct task *task, VmAddr path, VmAddr buffer, size_t bytes)
{
    return sys_readlinkat(task, AT_FDCWD, path, buffer, bytes);
}

long sys_unlinkat(struct task *task, int32_t directory, VmAddr text, uint32_t flags)
{
    struct path path;
    long result = (flags & ~(uint32_t)AT_REMOVEDIR) != 0
                      ? -EINVAL
                      : path_begin(&path, task, directory, text, false);

    if (result < 0)
        return result;
    struct idl_client client = client_of(&path);
    const struct om_unlink_in in = {PATH_FIELDS(path), .directory_wanted = flags != 0};
    struct om_unlink_out out = {REST_ROOM(path)};

    result = changed(om_unlink(&client, &in, &out), &out.mount);
    path_end(&path);
    return result;
}

long sys_unlink(struct task *task, VmAddr path)
{
    return sys_unlinkat(task, AT_FDCWD, path, 0);
}

long sys_rmdir(struct task *task, VmAddr path)
{
    return sys_unlinkat(task, AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- Two paths --------------------------------------------------------------------------- */

/* The second path's buffer carries the call; the first's holds only its text. */
struct two_paths {
    struct path old, new;
};

static long two_begin(struct two_paths *paths, struct task *task, int32_t old_directory, VmAddr old,
                      int32_t new_directory, VmAddr new, bool old_may_be_empty)
{
    long result = path_begin(&paths->old, task, old_directory, old, old_may_be_empty);

    if (result < 0)
        return result;
    result = path_begin(&paths->new, task, new_directory, new, false);
    if (result < 0)
        path_end(&paths->old);
    return result;
}

static void two_end(struct two_paths *paths)
{
    path_end(&paths->new);
    path_end(&paths->old);
}

long sys_linkat(struct task *task, int32_t old_directory, VmAddr old, int32_t new_directory,
                VmAddr new, uint32_t flags)
{
    struct two_paths paths;
    long result;

    if ((flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    result = two_begin(&paths, task, old_directory, old, new_directory, new,
                       (flags & AT_EMPTY_PATH) != 0);
    if (result < 0)
        return result;
    struct idl_client client = client_of(&paths.new);
    const struct om_link_in in = {PATH_FIELDS(paths.new), .old_directory = paths.old.directory,
                                  .old_path = paths.old.buffer->path,
                                  .flags = (flags & AT_SYMLINK_FOLLOW) != 0 ? OM_FOLLOW : 0};
    struct om_link_out out = {REST_ROOM(paths.new)};

    result = changed(om_link(&client, &in, &out), &out.mount);
    two_end(&paths);
    return result;
}

long sys_link(struct task *task, VmAddr old, VmAddr new)
{
    return sys_linkat(task, AT_FDCWD, old, AT_FDCWD, new, 0);
}

long sys_renameat2(struct task *task, int32_t old_directory, VmAddr old, int32_t new_directory,
                   VmAddr new, uint32_t flags)
{
    struct two_paths paths;
    long result;

    if (flags > RENAME_EXCHANGE)
        return -EINVAL;
    result = two_begin(&paths, task, old_directory, old, new_directory, new, false);
    if (result < 0)
        return result;
    struct idl_client client = client_of(&paths.new);
    const struct om_rename_in in = {PATH_FIELDS(paths.new), .old_directory = paths.old.directory,
                                    .old_path = paths.old.buffer->path, .flags = flags};
    struct om_rename_out out = {REST_ROOM(paths.new)};

    result = changed(om_rename(&client, &in, &out), &out.mount);
    two_end(&paths);
    return result;
}

long sys_renameat(struct task *task, int32_t old_directory, VmAddr old, int32_t new_directory,
                  VmAddr new)
{
    return sys_renameat2(task, old_directory, old, new_directory, new, 0);
}

long sys_rename(struct task *task, VmAddr old, VmAddr new)
{
    return sys_renameat2(task, AT_FDCWD, old, AT_FDCWD, new, 0);
}

/* ---- Directories ------------------------------------------------------------------------- */

long sys_getcwd(struct task *task, VmAddr buffer, size_t bytes)
{
    struct process *process = task->process;
    struct call_buffer *room = buffer_take(process->pm);
    const struct om_path_in in = {process->root, process->directory};
    long result = 0;

    if (room == NULL)
        return -ENOMEM;
    struct idl_client client = om_client(process->pm, room);
    struct om_path_out out = {.path = room->second, .path_room = sizeof(room->second)};

    if (process->proc_directory[0] != '\0')
        strlcpy(room->second, process->proc_directory, sizeof(room->second));
    else
        result = server_result(om_path(&client, &in, &out));
    if (result == 0) {
        size_t length = strlen(room->second) + 1;

        result = length > bytes ? -ERANGE : user_write(buffer, room->second, length);
        result = result < 0 ? result : (long)length;
    }
    buffer_give(process->pm, room);
    return result;
}

/* OM's key of the directory before stays held: no work for the way back. */
static long change_to_proc(struct process *process, const struct file *file)
{
    if (strlen(file->path) >= sizeof(process->proc_directory))
        return -ENAMETOOLONG;
    mutexGet(&process->pm->lock);
    strlcpy(process->proc_directory, file->path, sizeof(process->proc_directory));
    mutexRel(&process->pm->lock);
    return 0;
}

/* Takes over a directory's key in place of `*key`, the root's or the working directory's. */
static long change_to(struct task *task, struct file *file, uint64_t *key)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    struct idl_client client = om_client(pm, NULL);
    const struct om_hold_in hold = {file->key};
    const struct om_close_in leave = {*key};
    bool is_working = key == &process->directory;
    long result = -ENOTDIR;

    if (file->operations == &directory_operations ||
        (is_working && file->operations == &proc_directory_operations))
        result = path_may_search(task, file);
    if (result == 0 && file->operations == &proc_directory_operations)
        return change_to_proc(process, file);
    if (result == 0)
        result = server_result(om_hold(&client, &hold));
    if (result < 0)
        return result;
    mutexGet(&pm->lock);
    *key = file->key;
    if (is_working)
        process->proc_directory[0] = '\0';
    mutexRel(&pm->lock);
    (void)om_close(&client, &leave);
    return 0;
}

static long change_directory(struct task *task, VmAddr text, uint64_t *key)
{
    struct file *file;
    struct path path;
    long result = path_begin(&path, task, AT_FDCWD, text, false);

    if (result < 0)
        return result;
    result = path_open(&path, O_DIRECTORY | O_PATH, 0, &file);
    path_end(&path);
    if (result < 0)
        return result;
    result = change_to(task, file, key);
    file_drop(task->process->pm, file);
    return result;
}

long sys_chdir(struct task *task, VmAddr path)
{
    return change_directory(task, path, &task->process->directory);
}

long sys_fchdir(struct task *task, int32_t fd)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = change_to(task, file, &task->process->directory);
    file_drop(task->process->pm, file);
    return result;
}

long sys_chroot(struct task *task, VmAddr path)
{
    return task->process->who.euid != 0 ? -EPERM
                                        : change_directory(task, path, &task->process->root);
}
