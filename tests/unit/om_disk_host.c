/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/om_disk_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "chorus/calls.h"
#include "chorus/thread.h"
#include "kit/base.h"
#include "kit/string.h"
#include "tests/unit/om_image_host.h"

#define MAPPER_PORT ((KnUniqueId){2, 2})

struct host_disk host_disk;

/* ---- The medium ------------------------------------------------------------------------------ */

int medium_open(struct medium *medium, uint32_t index)
{
    if (index != 0 || host_disk.bytes == NULL)
        return -ENXIO;
    *medium = (struct medium){.bytes = host_disk.size,
                              .is_read_only = host_disk.is_read_only,
                              .needs_flush = true};
    return 0;
}

int medium_read(const struct medium *medium, uint64_t at, void *to, uint32_t bytes,
                enum medium_class class)
{
    (void)medium, (void)class;
    assert_true(at % 512 == 0 && bytes % 512 == 0);
    assert_true(at <= host_disk.size && bytes <= host_disk.size - at);
    if (++host_disk.reads >= host_disk.read_fault && host_disk.read_fault != 0)
        return -EIO;
    memcpy(to, host_disk.bytes + at, bytes);
    return 0;
}

int medium_write(const struct medium *medium, uint64_t at, const void *from, uint32_t bytes,
                 enum medium_class class)
{
    (void)medium, (void)class;
    assert_true(at % 512 == 0 && bytes % 512 == 0);
    assert_true(at <= host_disk.size && bytes <= host_disk.size - at);
    assert_false(host_disk.is_read_only);
    if (++host_disk.writes >= host_disk.write_fault && host_disk.write_fault != 0)
        return -EIO;
    memcpy(host_disk.bytes + at, from, bytes);
    return 0;
}

int medium_flush(const struct medium *medium)
{
    (void)medium;
    host_disk.flushes++;
    return 0;
}

/* ---- Images ---------------------------------------------------------------------------------- */

static int with_image(const char *command, char *output, size_t room)
{
    return image_command(host_disk.bytes, host_disk.size, command, output, room);
}

void host_disk_make(const char *options, uint64_t size)
{
    char command[300], output[4000];

    memset(&host_disk, 0, sizeof(host_disk));
    host_disk.bytes = calloc(1, size);
    host_disk.size = size;
    assert_non_null(host_disk.bytes);
    snprintf(command, sizeof(command), "mke2fs -q -F -t ext2 %s %%s 2>&1", options);
    if (with_image(command, output, sizeof(output)) != 0)
        fail_msg("mke2fs: %s", output);
}

void host_disk_free(void)
{
    free(host_disk.bytes);
    host_disk.bytes = NULL;
}

void host_disk_check(void)
{
    char output[4000];

    if (with_image("e2fsck -fn %s 2>&1", output, sizeof(output)) != 0)
        fail_msg("e2fsck: %s", output);
}

int host_disk_repair(void)
{
    char output[4000];

    return with_image("e2fsck -fy %s 2>&1", output, sizeof(output));
}

/* ---- Threads --------------------------------------------------------------------------------- */

static struct ext2_mapper *mapper;

static void serve(const KnMpRequest *request, uint8_t *body, uint32_t request_bytes,
                  KnMpReply *reply, uint32_t *reply_bytes)
{
    memcpy(mapper->body, body, request_bytes);
    ext2_mapper_serve(mapper, request, request_bytes, reply, reply_bytes);
    memcpy(body, mapper->body, *reply_bytes);
    ext2_mapper_sent(mapper);
}

int ext2_mappers_start(struct ext2_fs *self)
{
    mapper = heap_allocate_zeroed(self->heap, sizeof(*mapper));
    if (mapper == NULL)
        return -ENOMEM;
    self->mapper[0] = mapper;
    mapper->fs = self;
    mapper->copy = heap_allocate(self->heap, self->cache.block_bytes);
    mapper->body = heap_allocate(self->heap, EXT2_MAPPER_BODY_BYTES);
    self->port = host_cache.port = MAPPER_PORT;
    host_cache.serve = serve;
    return mapper->copy == NULL || mapper->body == NULL ? -ENOMEM : 0;
}

void ext2_mappers_end(struct ext2_fs *self)
{
    host_cache.port = (KnUniqueId){0, 0};
    (void)self;
}

void ext2_mapper_free(struct ext2_fs *self, uint32_t index)
{
    if (self->mapper[index] == NULL)
        return;
    heap_free(self->heap, mapper->copy, self->cache.block_bytes);
    heap_free(self->heap, mapper->body, EXT2_MAPPER_BODY_BYTES);
    heap_free(self->heap, mapper, sizeof(*mapper));
    self->mapper[index] = NULL;
}

KnResult threadScheduler(KnCap *actor, KnThreadLid lid, KnSchedParms *old, KnSchedParms *new)
{
    (void)actor, (void)lid, (void)old, (void)new;
    return K_OK;
}

/* The keeper's thread ends at once: host_keeper does its work. */
KnResult thread_launch(KnThreadLid *lid, void (*entry)(uintptr_t argument), uintptr_t argument,
                       VmSize stack_bytes, KnSchedParms *sched)
{
    if (lid != NULL)
        *lid = 1;
    (void)entry, (void)stack_bytes, (void)sched;
    ((struct ext2_fs *)argument)->threads--;
    return K_OK;
}

void host_keeper(void)
{
    ext2_nodes_end_dead(host_ext2());
    assert_int_equal(ext2_fs_sync(&host_ext2()->fs), 0);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct ext2_fs *host_ext2(void)
{
    return container_of(host.om->root->fs, struct ext2_fs, fs);
}

void host_disk_start(void)
{
    int status = host_try_start_disk(false);

    if (status != 0)
        fail_msg("mount: %d", status);
}

void host_disk_end(void)
{
    host_end();
    host_disk_check();
}

void host_disk_cut(void)
{
    uint8_t *image = malloc(host_disk.size);

    assert_non_null(image);
    memcpy(image, host_disk.bytes, host_disk.size);
    host_end();
    memcpy(host_disk.bytes, image, host_disk.size);
    free(image);
}
