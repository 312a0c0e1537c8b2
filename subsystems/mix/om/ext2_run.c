/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of the core's operations: the loop of ext2/operation.h among threads.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2_fs.h"

#define WRITES_FOR_ROOM 8u

struct fs_time ext2_time(struct om_time time)
{
    return (struct fs_time){time.seconds, time.nanoseconds};
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int run_enter(struct ext2_run *run)
{
    lock_take(&run->fs->fs.lock);
    if (run->fs->is_ending) {
        lock_give(&run->fs->fs.lock);
        return -EIO;
    }
    run->fs->runs++;
    return 0;
}

int ext2_run_begin(struct ext2_run *run, struct ext2_fs *self, uint32_t uid, uint32_t gid)
{
    int status;

    *run = (struct ext2_run){.fs = self, .uid = uid, .gid = gid};
    run->op = heap_allocate(self->heap, sizeof(*run->op));
    if (run->op == NULL)
        return -ENOMEM;
    status = run_enter(run);
    if (status != 0)
        heap_free(self->heap, run->op, sizeof(*run->op));
    return status;
}

int ext2_run_begin_mapper(struct ext2_run *run, struct ext2_mapper *mapper)
{
    *run = (struct ext2_run){.fs = mapper->fs,
                             .op = &mapper->op,
                             .copy = mapper->copy,
                             .is_lent = true};
    return run_enter(run);
}

/* What the core found wrong goes to the log once, and nobody may change anything from then on. */
static bool is_news(struct ext2_fs *self)
{
    if (!self->core.is_mounted || !self->core.is_read_only || self->fs.is_read_only)
        return false;
    self->fs.is_read_only = true;
    return true;
}

void ext2_run_end(struct ext2_run *run)
{
    struct ext2_fs *self = run->fs;
    bool news = is_news(self);
    const char *message = self->core.message;

    ASSERT(self->runs > 0);
    self->runs--;
    if (self->is_ending)
        signal_all(&self->changed);
    lock_give(&self->fs.lock);
    if (!run->is_lent) {
        heap_free(self->heap, run->op, sizeof(*run->op));
        heap_free(self->heap, run->copy, self->cache.block_bytes);
    }
    if (news)
        ext2_tell(message == NULL ? "it can only be read from now on" : message);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void operation_begin(struct ext2_run *run)
{
    struct ext2_fs *self = run->fs;

    while (fs_operation_begin(run->op, &self->cache, run->uid, run->gid, ext2_time(time_now())) !=
           0)
        signal_wait(&self->changed, &self->fs.lock); /* until others have ended theirs */
}

static void operation_end(struct ext2_run *run)
{
    fs_operation_end(run->op);
    signal_all(&run->fs->changed);
}

void ext2_run_start(struct ext2_run *run)
{
    ASSERT(run->fs->fs.lock.mtState != 0);
    operation_begin(run);
}

static void read_block(struct ext2_fs *self, struct buffer *buffer)
{
    uint32_t block_bytes = self->cache.block_bytes;
    int status;

    lock_give(&self->fs.lock);
    status = medium_read(&self->medium, (uint64_t)buffer->block * block_bytes, buffer->data,
                         block_bytes, MEDIUM_METADATA);
    lock_take(&self->fs.lock);
    buffer_read_end(&self->cache, buffer, status == 0);
    signal_all(&self->changed);
}

/* Reads what the operation needs first, and what it will probably need next while there is room
 * for it. */
static int read_needs(struct ext2_run *run)
{
    struct fs_operation *op = run->op;
    struct ext2_fs *self = run->fs;
    struct buffer *needed[FS_OPERATION_NEEDS];
    uint32_t count = 0;
    int status = 0;

    ASSERT(op->need_count > 0 && op->need_count <= FS_OPERATION_NEEDS);
    while (count < op->need_count && status == 0) {
        status = fs_operation_read_begin(op, count, &needed[count]);
        count += status == 0;
    }
    for (uint32_t i = 0; i < count; i++)
        read_block(self, needed[i]);
    if (count > 0)
        return 0;
    if (status == FS_WAIT) { /* somebody reads it, or it came since: then the next pass finds it */
        struct buffer *buffer = buffer_find(&self->cache, op->need[0]);

        if (buffer != NULL && buffer->state == BUFFER_READING)
            signal_wait(&self->changed, &self->fs.lock);
        return 0;
    }
    return status;
}

/* Metadata may not go out before the data it speaks of: up to which operation it may. */
static uint64_t write_limit(const struct ext2_fs *self)
{
    uint64_t limit = UINT64_MAX;

    for (uint32_t i = 0; i < EXT2_MAPPERS; i++) {
        if (self->mapper[i] != NULL && self->mapper[i]->pending != 0)
            limit = MIN(limit, self->mapper[i]->pending - 1);
    }
    return limit;
}

/* Writes up to `count` buffers of operations up to `limit`; *written tells how many. */
static int write_some(struct ext2_run *run, uint64_t limit, uint32_t count, uint32_t *written)
{
    struct ext2_fs *self = run->fs;
    uint32_t block_bytes = self->cache.block_bytes;
    int status = 0;

    if (run->copy == NULL)
        run->copy = heap_allocate(self->heap, block_bytes);
    if (run->copy == NULL)
        return -ENOMEM;
    for (*written = 0; *written < count && status == 0; ++*written) {
        struct buffer *buffer =
            buffer_write_begin(&self->cache, MIN(limit, write_limit(self)), run->copy);

        if (buffer == NULL)
            break;
        lock_give(&self->fs.lock);
        status = medium_write(&self->medium, (uint64_t)buffer->block * block_bytes, run->copy,
                              block_bytes, MEDIUM_METADATA);
        lock_take(&self->fs.lock);
        buffer_write_end(&self->cache, buffer, status == 0);
        signal_all(&self->changed);
    }
    if (status != 0 && self->core.is_mounted)
        ext2_write_failed(&self->core);
    return status;
}

/* The cache is full of dirty buffers. */
static int make_room(struct ext2_run *run)
{
    uint32_t written = 0;
    int status = write_some(run, UINT64_MAX, WRITES_FOR_ROOM, &written);

    if (status == 0 && written == 0)
        signal_wait(&run->fs->changed, &run->fs->fs.lock); /* others write, or data is on its way */
    return status;
}

bool ext2_run_again(struct ext2_run *run, int *status)
{
    switch (*status) {
    case FS_NEED_BLOCK:
        *status = read_needs(run);
        if (*status == FS_NEED_ROOM)
            *status = make_room(run);
        break;
    case FS_NEED_ROOM:
        *status = make_room(run);
        break;
    case FS_WAIT:
        signal_wait(&run->fs->changed, &run->fs->fs.lock);
        *status = 0;
        break;
    case FS_MORE:
        operation_end(run);
        operation_begin(run);
        return true;
    default:
        operation_end(run);
        return false;
    }
    if (*status == 0)
        return true;
    operation_end(run);
    return false;
}

/* Whether anything of operations up to `limit` is not on the disk yet. */
static bool is_outstanding(const struct buffer_cache *cache, uint64_t limit)
{
    for (uint32_t i = 0; i < cache->capacity; i++) {
        const struct buffer *buffer = &cache->buffers[i];

        if ((buffer->is_dirty && buffer->dirtied_by <= limit) ||
            (buffer->is_writing && buffer->written_for <= limit))
            return true;
    }
    return false;
}

int ext2_write_out(struct ext2_run *run, uint64_t limit)
{
    struct ext2_fs *self = run->fs;
    uint32_t written;
    int status;

    limit = MIN(limit, self->cache.last_operation); /* what is changed meanwhile is no part of it */
    for (;;) {
        status = write_some(run, limit, UINT32_MAX, &written);
        if (status != 0 || !is_outstanding(&self->cache, limit))
            return status;
        if (written == 0)
            /* the rest is others', or data goes before it */
            signal_wait(&self->changed, &self->fs.lock);
    }
}
