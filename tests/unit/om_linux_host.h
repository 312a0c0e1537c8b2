/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's own kernel as the reference for names: the calls of om_host.h on a fresh tmpfs folder
 * that is the root of this process from linux_start to linux_end. Results are 0 or more, or a
 * negated errno.
 *
 * Nothing here may include mix/linux.h: the host's headers define the same names.
 */
#ifndef TESTS_UNIT_OM_LINUX_HOST_H
#define TESTS_UNIT_OM_LINUX_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linux_attr {
    uint64_t size;
    uint64_t rdev;
    uint32_t mode;
    uint32_t links;
    uint32_t uid;
    uint32_t gid;
    uint64_t inode;
    int64_t mtime_s;
};

/* false: this process may not change its root, or there is no tmpfs. */
bool linux_start(void);
void linux_end(void);

/* Out of the folder for a while, and back in. */
void linux_leave(void);
void linux_enter(void);

/* For the file system only: `uid`, and the group of the same number. */
void linux_become(uint32_t uid);

int linux_touch(const char *path, uint32_t flags, uint32_t mode);
int linux_chdir(const char *path);
int linux_stat(const char *path, bool follow, struct linux_attr *attr);
int linux_access(const char *path, uint32_t wanted);
int linux_mkdir(const char *path, uint32_t mode);
int linux_mknod(const char *path, uint32_t mode);
int linux_symlink(const char *target, const char *path);
int linux_link(const char *old, const char *path, bool follow);
int linux_unlink(const char *path);
int linux_rmdir(const char *path);
int linux_rename(const char *old, const char *path, uint32_t flags);
int linux_readlink(const char *path, char *target, size_t room);
int linux_chmod(const char *path, uint32_t mode);
int linux_chown(const char *path, uint32_t uid, uint32_t gid);
int linux_truncate(const char *path, uint64_t size);
int linux_write(const char *path, uint64_t offset, const void *bytes, size_t count);
int linux_read(const char *path, uint64_t offset, void *bytes, size_t count);
int linux_utimes(const char *path, int64_t mtime_s); /* negative: both now */
int linux_getcwd(char *path, size_t room);
int linux_list(const char *path, char *text, size_t bytes); /* sorted, a blank after each name */

#endif
