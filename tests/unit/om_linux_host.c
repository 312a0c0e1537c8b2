/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/om_linux_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMES 256

static char folder[] = "/dev/shm/chorus-om-XXXXXX";
static char place[sizeof(folder)];
static int old_root = -1;

static int result(long status)
{
    return status < 0 ? -errno : (int)status;
}

bool linux_start(void)
{
    memcpy(place, folder, sizeof(folder));
    old_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (old_root < 0 || mkdtemp(place) == NULL)
        return false;
    umask(0);
    if (chmod(place, 0755) == 0 && chroot(place) == 0 && chdir("/") == 0)
        return true;
    rmdir(place);
    return false;
}

static void remove_tree(int directory)
{
    DIR *stream = fdopendir(directory);
    struct dirent *entry;

    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(stream), entry->d_name, 0) == 0)
            continue;
        int below = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        if (below >= 0)
            remove_tree(below);
        unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
    }
    if (stream != NULL)
        closedir(stream);
}

void linux_leave(void)
{
    linux_become(0);
    if (fchdir(old_root) != 0 || chroot(".") != 0)
        abort();
}

void linux_enter(void)
{
    if (chroot(place) != 0 || chdir("/") != 0)
        abort();
}

void linux_end(void)
{
    linux_leave();
    int directory = open(place, O_RDONLY | O_DIRECTORY);

    if (directory >= 0)
        remove_tree(directory);
    rmdir(place);
    close(old_root);
}

void linux_become(uint32_t uid)
{
    setfsuid(0);
    setfsgid(uid);
    if (setgroups(0, NULL) != 0)
        abort();
    setfsuid(uid);
}

static bool is_fifo(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

/* That nobody reads from a fifo is no matter of names. */
int linux_touch(const char *path, uint32_t flags, uint32_t mode)
{
    int file = open(path, (int)flags | O_NONBLOCK | O_NOCTTY, mode);

    if (file < 0)
        return errno == ENXIO && is_fifo(path) ? 0 : -errno;
    close(file);
    return 0;
}

int linux_chdir(const char *path)
{
    return result(chdir(path));
}

int linux_stat(const char *path, bool follow, struct linux_attr *attr)
{
    struct stat stat;

    if (fstatat(AT_FDCWD, path, &stat, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    *attr = (struct linux_attr){.size = (uint64_t)stat.st_size,
                                .rdev = stat.st_rdev,
                                .mode = stat.st_mode,
                                .links = (uint32_t)stat.st_nlink,
                                .uid = stat.st_uid,
                                .gid = stat.st_gid,
                                .inode = stat.st_ino,
                                .mtime_s = stat.st_mtime};
    return 0;
}

int linux_access(const char *path, uint32_t wanted)
{
    return result(faccessat(AT_FDCWD, path, (int)wanted, AT_EACCESS));
}

int linux_mkdir(const char *path, uint32_t mode)
{
    return result(mkdir(path, mode));
}

int linux_mknod(const char *path, uint32_t mode)
{
    return result(mknod(path, mode, 0));
}

int linux_symlink(const char *target, const char *path)
{
    return result(symlink(target, path));
}

int linux_link(const char *old, const char *path, bool follow)
{
    return result(linkat(AT_FDCWD, old, AT_FDCWD, path, follow ? AT_SYMLINK_FOLLOW : 0));
}

int linux_unlink(const char *path)
{
    return result(unlink(path));
}

int linux_rmdir(const char *path)
{
    return result(rmdir(path));
}

int linux_rename(const char *old, const char *path, uint32_t flags)
{
    return result(renameat2(AT_FDCWD, old, AT_FDCWD, path, flags));
}

int linux_readlink(const char *path, char *target, size_t room)
{
    ssize_t bytes = readlink(path, target, room - 1);

    if (bytes < 0)
        return -errno;
    target[bytes] = '\0';
    return 0;
}

int linux_chmod(const char *path, uint32_t mode)
{
    return result(chmod(path, mode));
}

int linux_chown(const char *path, uint32_t uid, uint32_t gid)
{
    return result(chown(path, uid, gid));
}

int linux_truncate(const char *path, uint64_t size)
{
    return result(truncate(path, (off_t)size));
}

int linux_write(const char *path, uint64_t offset, const void *bytes, size_t count)
{
    int file = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY), result;

    if (file < 0)
        return errno == ENXIO && is_fifo(path) ? 0 : -errno;
    result = is_fifo(path) ? 0 : (int)pwrite(file, bytes, count, (off_t)offset);
    close(file);
    return result;
}

int linux_read(const char *path, uint64_t offset, void *bytes, size_t count)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY), result;
    struct stat info;

    if (file < 0)
        return -errno;
    result = fstat(file, &info) == 0 && S_ISREG(info.st_mode)
                 ? (int)pread(file, bytes, count, (off_t)offset)
                 : 0;
    close(file);
    return result;
}

int linux_utimes(const char *path, int64_t mtime_s)
{
    struct timespec times[2] = {{mtime_s, 0}, {mtime_s, 0}};

    return result(utimensat(AT_FDCWD, path, mtime_s < 0 ? NULL : times, 0));
}

int linux_getcwd(char *path, size_t room)
{
    long bytes = syscall(SYS_getcwd, path, room);

    return bytes < 0 ? -errno : 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int linux_list(const char *path, char *text, size_t bytes)
{
    char *name[NAMES];
    size_t count = 0;
    DIR *stream = opendir(path);
    struct dirent *entry;

    text[0] = '\0';
    if (stream == NULL)
        return -errno;
    while ((entry = readdir(stream)) != NULL && count < NAMES)
        name[count++] = strdup(entry->d_name);
    closedir(stream);
    qsort(name, count, sizeof(name[0]), compare);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(text);

        snprintf(text + length, bytes - length, "%s ", name[i]);
        free(name[i]);
    }
    return 0;
}
