/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing newc cpio archives. See archive.h.
 *
 * Source of the format: cpio(5), "New ASCII Format". A header has 110 bytes, all numbers as 8
 * hexadecimal digits; name and data are each padded to 4 bytes.
 *
 * I1  Between members the file's end is a multiple of 4 bytes from its start.
 */
#include "archive.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "path.h"
#include "report.h"
#include "text.h"

#define HEADER_BYTES 110
#define MAGIC "070701"
#define MAGIC_BYTES 6
#define FIELD_BYTES 8
#define FIELD_SIZE 6  /* which of the fields after the magic */
#define FIELD_NAME 11 /* the same, of the name's length */
#define LAST_NAME "TRAILER!!!"
#define CHUNK_BYTES 65536
#define NAME_BYTES_MAX 4096

static uint64_t padded(uint64_t bytes)
{
    return (bytes + 3) & ~(uint64_t)3;
}

void archive_create(struct archive *archive, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    *archive = (struct archive){0};
    if (copy >= 0)
        archive->file = fdopen(copy, "r+");
    if (archive->file == NULL) {
        report("an archive: %s", strerror(errno));
        exit(STATUS_NO_DOMAIN);
    }
}

static uint64_t archive_offset(const struct archive *archive)
{
    off_t offset = ftello(archive->file);
    return offset > 0 ? (uint64_t)offset : 0;
}

/* Errors stay in the stream, where archive_end() finds them. */
static void archive_pad(struct archive *archive)
{
    static const char zeros[4] = {0};
    uint64_t offset = archive_offset(archive);
    fwrite(zeros, 1, (size_t)(padded(offset) - offset), archive->file);
}

void archive_open(struct archive *archive, const struct archive_member *member)
{
    assert(archive->data_offset == 0);
    archive->header_offset = archive_offset(archive);
    archive->member_count++;
    fprintf(archive->file, MAGIC "%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08zx%08x%s%c",
            member->number, member->mode, member->owner, member->group, member->link_count,
            member->time_s, 0, 0, 0, member->device_major, member->device_minor,
            strlen(member->name) + 1, 0, member->name, '\0');
    archive_pad(archive);
    archive->data_offset = archive_offset(archive);
}

void archive_add(struct archive *archive, const void *bytes, size_t length)
{
    assert(archive->data_offset != 0);
    fwrite(bytes, 1, length, archive->file);
}

void archive_close(struct archive *archive)
{
    assert(archive->data_offset != 0);
    uint64_t end = archive_offset(archive);
    uint64_t size = end - archive->data_offset;

    if (size > UINT32_MAX)
        archive->too_large = true;
    if (size > 0) {
        fseeko(archive->file,
               (off_t)archive->header_offset + MAGIC_BYTES + FIELD_SIZE * FIELD_BYTES, SEEK_SET);
        fprintf(archive->file, "%08x", (uint32_t)size);
        fseeko(archive->file, (off_t)end, SEEK_SET);
    }
    archive_pad(archive);
    archive->data_offset = 0;
}

static struct archive_member plain_member(const struct archive *archive, const char *name)
{
    return (struct archive_member){
        .name = name,
        .number = archive->member_count + 1,
        .mode = S_IFREG | 0644,
        .link_count = 1,
    };
}

void archive_put(struct archive *archive, const char *name, const void *bytes, size_t length)
{
    struct archive_member member = plain_member(archive, name);

    archive_open(archive, &member);
    archive_add(archive, bytes, length);
    archive_close(archive);
}

/* Adds what a descriptor gives: until its end, or, with a limit, exactly so many bytes. */
static bool descriptor_add(struct archive *archive, int fd, const char *source,
                           const uint64_t *limit)
{
    char *chunk = memory_get(1, CHUNK_BYTES);
    uint64_t total = 0;
    bool done = false;

    for (;;) {
        size_t want = CHUNK_BYTES;
        if (limit != NULL && *limit - total < want)
            want = (size_t)(*limit - total);
        ssize_t count = want > 0 ? read(fd, chunk, want) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            report("%s: %s", source, strerror(errno));
        else if (count == 0 && limit != NULL && total != *limit)
            report("%s: it changed while it was read", source);
        else if (count == 0)
            done = true;
        if (count <= 0)
            break;
        archive_add(archive, chunk, (size_t)count);
        total += (uint64_t)count;
    }
    free(chunk);
    return done;
}

bool archive_put_file(struct archive *archive, const char *name, int fd, const char *source)
{
    struct archive_member member = plain_member(archive, name);

    archive_open(archive, &member);
    bool done = descriptor_add(archive, fd, source, NULL);
    archive_close(archive);
    return done;
}

static bool file_add(struct archive *archive, const struct node *node)
{
    uint64_t size = (uint64_t)node->status.st_size;
    int fd = open(node->source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        report("%s: %s", node->source, strerror(errno));
        return false;
    }
    bool done = descriptor_add(archive, fd, node->source, &size);
    close(fd);
    return done;
}

static bool link_add(struct archive *archive, const struct node *node)
{
    char target[NAME_BYTES_MAX];
    ssize_t length = readlink(node->source, target, sizeof(target));

    if (length < 0) {
        report("%s: %s", node->source, strerror(errno));
        return false;
    }
    archive_add(archive, target, (size_t)length);
    return true;
}

static bool node_add(void *context, const struct node *node, const char *path)
{
    struct archive *archive = context;
    const struct stat *status = &node->status;
    bool device = S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode);
    bool done = true;

    archive_open(archive, &(struct archive_member){
                              .name = path[0] != '\0' ? path : ".",
                              .number = node->number,
                              .mode = status->st_mode,
                              .owner = status->st_uid,
                              .group = status->st_gid,
                              .link_count = node->link_count,
                              .time_s = (uint32_t)status->st_mtime,
                              .device_major = device ? major(status->st_rdev) : 0,
                              .device_minor = device ? minor(status->st_rdev) : 0,
                          });
    if (node->first != node)
        done = true; /* the file's data went with its first name */
    else if (S_ISREG(status->st_mode))
        done = file_add(archive, node);
    else if (S_ISLNK(status->st_mode))
        done = link_add(archive, node);
    archive_close(archive);
    return done;
}

static void last_add(struct archive *archive)
{
    archive_open(archive, &(struct archive_member){.name = LAST_NAME, .link_count = 1});
    archive_close(archive);
}

bool archive_nest(struct archive *archive, const struct tree *tree)
{
    struct archive inner = {.file = archive->file};

    assert(archive->data_offset != 0);
    bool done = tree_walk(tree, node_add, &inner);
    last_add(&inner);
    archive->too_large = archive->too_large || inner.too_large;
    return done;
}

static bool field_read(const char *header, int field, uint32_t *value)
{
    char digits[FIELD_BYTES + 1] = {0};
    char *end;

    memcpy(digits, header + MAGIC_BYTES + (size_t)field * FIELD_BYTES, FIELD_BYTES);
    *value = (uint32_t)strtoul(digits, &end, 16);
    return *end == '\0';
}

/* Reads one header and name of another archive and writes them. True with *data_bytes, padded, of
 * what follows; at the last member, which is not written, *last is true. */
static bool member_copy(struct archive *archive, int fd, const char *const *reserved,
                        uint64_t *data_bytes, bool *last)
{
    char header[HEADER_BYTES + NAME_BYTES_MAX + 4];
    uint32_t size;
    uint32_t name_bytes;

    if (!file_read(fd, header, HEADER_BYTES) || memcmp(header, MAGIC, MAGIC_BYTES) != 0 ||
        !field_read(header, FIELD_SIZE, &size) || !field_read(header, FIELD_NAME, &name_bytes) ||
        name_bytes == 0 || name_bytes > NAME_BYTES_MAX)
        return false;
    size_t length = (size_t)padded(HEADER_BYTES + name_bytes);
    char *name = header + HEADER_BYTES;
    if (!file_read(fd, name, length - HEADER_BYTES) || name[name_bytes - 1] != '\0')
        return false;
    *last = strcmp(name, LAST_NAME) == 0;
    *data_bytes = padded(size);
    if (*last)
        return true;
    for (size_t i = 0; reserved[i] != NULL; i++) {
        if (strcmp(name, reserved[i]) == 0)
            return false;
    }
    archive->member_count++;
    fwrite(header, 1, length, archive->file);
    return true;
}

bool archive_copy(struct archive *archive, int fd, const char *source, const char *const *reserved)
{
    bool last = false;

    assert(archive->data_offset == 0 && archive_offset(archive) == 0);
    while (!last) {
        uint64_t data_bytes = 0;
        if (!member_copy(archive, fd, reserved, &data_bytes, &last)) {
            report("%s: not a system archive, or one with a member of a run's own", source);
            return false;
        }
        if (last)
            break;
        archive->data_offset = archive_offset(archive);
        bool done = descriptor_add(archive, fd, source, &data_bytes);
        archive->data_offset = 0;
        if (!done)
            return false;
    }
    return true;
}

bool archive_end(struct archive *archive)
{
    last_add(archive);
    bool done = fflush(archive->file) == 0 && !ferror(archive->file);
    if (!done)
        report("an archive: %s", strerror(errno));
    else if (archive->too_large)
        report("an archive: a file of 4 GiB or more does not fit into it");
    fclose(archive->file);
    archive->file = NULL;
    return done && !archive->too_large;
}
