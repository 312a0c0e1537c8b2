/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/devfs.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/device.h"
#include "subsystems/mix/om/tmpfs.h"

struct device {
    const char *name;
    uint32_t mode;
    uint32_t gid;
    uint32_t major, minor;
    const char *target; /* of a symbolic link */
};

#define GROUP_TTY 5u

static const struct device devices[] = {
    {"null", S_IFCHR | 0666, 0, 1, 3, NULL},
    {"zero", S_IFCHR | 0666, 0, 1, 5, NULL},
    {"full", S_IFCHR | 0666, 0, 1, 7, NULL},
    {"random", S_IFCHR | 0666, 0, 1, 8, NULL},
    {"urandom", S_IFCHR | 0666, 0, 1, 9, NULL},
    {"tty", S_IFCHR | 0666, GROUP_TTY, 5, 0, NULL},
    {"console", S_IFCHR | 0600, 0, 5, 1, NULL},
    {"fd", S_IFLNK | 0777, 0, 0, 0, "/proc/self/fd"},
    {"stdin", S_IFLNK | 0777, 0, 0, 0, "/proc/self/fd/0"},
    {"stdout", S_IFLNK | 0777, 0, 0, 0, "/proc/self/fd/1"},
    {"stderr", S_IFLNK | 0777, 0, 0, 0, "/proc/self/fd/2"},
    {"pts", S_IFDIR | 0755, 0, 0, 0, NULL}, /* so that mounts have their folders */
    {"shm", S_IFDIR | 01777, 0, 0, 0, NULL},
};

static struct name name_of(const char *text)
{
    return (struct name){text, text == NULL ? 0 : (uint32_t)strlen(text)};
}

struct fs *devfs_create(struct om *om)
{
    struct fs *fs = tmpfs_create(&om->heap, om_device_next(om), 0755);
    int status = fs == NULL ? -ENOMEM : 0;

    for (uint32_t i = 0; status == 0 && i < ARRAY_SIZE(devices); i++) {
        const struct device *device = &devices[i];
        struct fs_template template = {
            .mode = device->mode,
            .gid = device->gid,
            .rdev = device_number(device->major, device->minor),
            .target = name_of(device->target),
        };
        struct node *node;

        status = fs->operations->create(fs->root, name_of(device->name), &template, &node);
        if (status == 0)
            node_drop(node);
    }
    if (status != 0 && fs != NULL) {
        status = fs->operations->unmount(fs);
        ASSERT(status == 0);
        fs = NULL;
    }
    return fs;
}
