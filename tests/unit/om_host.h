/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OM's operations on the host: an OM with a tmpfs as root, over a heap that is malloc's and a fake
 * of the Nucleus' segments, with faults on demand.
 *
 *     host_start();
 *     assert_int_equal(host_mkdir("/a", 0755), 0);
 *     host_end();                      also checks that nothing is left over
 *
 * The short ways below act for host.caller, from host.directory.
 */
#ifndef TESTS_UNIT_OM_HOST_H
#define TESTS_UNIT_OM_HOST_H

#include "tests/unit/support.h"

#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"
#include "subsystems/mix/om/tmpfs.h"

#define HOST_SECOND_NS UINT64_C(1000000000)
#define HOST_START_NS (UINT64_C(1700000000) * HOST_SECOND_NS)
#define HOST_PAGE_BYTES 4096u

struct host {
    struct om *om;
    struct caller caller;
    struct node *directory; /* held; NULL: the root */
    uint64_t now_ns;        /* grows by a microsecond with every look */

    /* The allocation of this number from now on fails, once; 0: none will. */
    uint64_t fault_at;
    bool had_fault;
    uint64_t allocations; /* live ones of the heap */
    uint64_t segments;    /* live ones of the Nucleus */
    KnKey mapped;         /* the segment that a region shows; 0: none */

    /* The system archive: one member, and whether its memory may be mapped. */
    const char *member;
    uint8_t *archive;
    uint64_t archive_bytes;
    bool may_map;
    uint64_t archive_reads; /* by boot, so far */

    struct remote remote;
    char rest[PATH_MAX];
};

extern struct host host;

/* Whether the next allocation is to fail. */
bool host_fault(void);

void host_start(void);

/* The same with the disk of om_disk_host.h as root; what is not 0 is why it could not be
 * mounted. */
int host_try_start_disk(bool is_read_only);
void host_end(void);

/* `uid`, and the group of the same number. */
void host_become(uint32_t uid);

struct where host_where(const char *path);
struct name host_name(const char *text);

int host_open(const char *path, uint32_t flags, uint32_t mode, struct opened *opened);
/* The same, and closes it again. */
int host_touch(const char *path, uint32_t flags, uint32_t mode);
int host_close(uint64_t key);
int host_chdir(const char *path);
int host_stat(const char *path, uint32_t flags, struct om_attr *attr);
int host_access(const char *path, uint32_t wanted);
int host_mkdir(const char *path, uint32_t mode);
int host_mknod(const char *path, uint32_t mode);
int host_symlink(const char *target, const char *path);
int host_link(const char *old, const char *path, uint32_t flags);
int host_unlink(const char *path);
int host_rmdir(const char *path);
int host_rename(const char *old, const char *path, uint32_t flags);
int host_readlink(const char *path, char target[PATH_MAX]);
int host_chmod(const char *path, uint32_t mode);
int host_chown(const char *path, uint32_t uid, uint32_t gid);
int host_truncate(const char *path, uint64_t size);
/* the names, in order, one blank after each */
int host_list(const char *path, char *text, size_t bytes);

/* Through the Nucleus, as PM does it. */
int64_t host_write(const KnCap *segment, uint64_t offset, const void *bytes, size_t count);
int64_t host_read(const KnCap *segment, uint64_t offset, void *bytes, size_t count);

/* ---- An archive (newc) that is made up entry by entry, in memory that host_end frees --------- */

struct host_entry {
    const char *name;
    uint32_t mode;
    const void *data;
    size_t bytes;
    uint32_t inode;
    uint32_t links;
    uint32_t uid;
    uint32_t gid;
    uint32_t mtime;
    uint32_t rdev_major, rdev_minor;
};

void host_archive_add(const struct host_entry *entry);
void host_archive_end(void);

#endif
