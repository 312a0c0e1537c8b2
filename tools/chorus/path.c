/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files. See path.h. */
#include "path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"
#include "text.h"

char *path_normalize(const char *path)
{
    struct text normal = {0};

    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (length == 2 && memcmp(path, "..", 2) == 0) {
            while (normal.length > 0 && normal.bytes[--normal.length] != '/')
                continue;
        } else if (length > 1 || (length == 1 && path[0] != '.')) {
            text_print(&normal, "/%.*s", (int)length, path);
        }
        path += length;
        path += strspn(path, "/");
    }
    if (normal.length == 0)
        text_add(&normal, "/", 1);
    normal.bytes[normal.length] = '\0';
    assert(normal.bytes[0] == '/');
    return normal.bytes;
}

char *path_house(const char *below)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0) {
        report("/proc/self/exe: %s", strerror(errno));
        exit(STATUS_NO_DOMAIN);
    }
    self[length] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    return text_format("%s/%s", self, below);
}

int file_unnamed(void)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/var/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("chorus", MFD_CLOEXEC);
    if (fd < 0) {
        report("a temporary file: %s", strerror(errno));
        exit(STATUS_NO_DOMAIN);
    }
    return fd;
}

bool file_write(int fd, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t count = write(fd, next, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        next += count;
        length -= (size_t)count;
    }
    return true;
}

bool file_read(int fd, void *bytes, size_t length)
{
    char *next = bytes;

    while (length > 0) {
        ssize_t count = read(fd, next, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            errno = EIO;
        if (count <= 0)
            return false;
        next += count;
        length -= (size_t)count;
    }
    return true;
}

int file_reopen(int fd, int flags)
{
    char name[32];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return open(name, flags | O_CLOEXEC);
}
