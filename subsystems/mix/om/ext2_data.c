/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of nodes on a disk, of which the Nucleus' local cache knows some first: the end of a
 * file and when it was read and written.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/device.h"
#include "subsystems/mix/om/ext2_fs.h"
#include "subsystems/mix/om/status.h"

#define SECTOR_BYTES 512u
#define WHOLE_SEGMENT ((VmOffset)INT64_MAX)
#define ABORTS_MAX 8u
#define CUTS_MAX 1000u /* tries to cut a file that others write to */

static struct om_time om_time_of(struct fs_time time)
{
    return (struct om_time){time.seconds, time.nanoseconds};
}

bool ext2_read_counts(const struct ext2_inode *inode, struct om_time now)
{
    return time_read_counts(now, om_time_of(inode->access_time), om_time_of(inode->modify_time),
                            om_time_of(inode->change_time));
}

/* ---- What the local cache knows -------------------------------------------------------------- */

/* Asks the Nucleus, without the lock: it may ask back (MpOpen). false: no segment was given out. */
static bool cache_ask(struct ext2_node *node, KnLcStat *stat, int *status)
{
    struct ext2_fs *self = ext2_fs_of(&node->node);
    KnCap segment = {{0, 0}, 0};
    bool asks;

    lock_take(&self->fs.lock);
    asks = node->has_data && !self->is_ending;
    if (asks)
        segment = ext2_segment(self, node->inode->number);
    lock_give(&self->fs.lock);
    memset(stat, 0, sizeof(*stat));
    *status = asks ? status_errno(sgStat(&segment, stat)) : 0;
    if (!asks || *status != 0)
        return false;
    lock_take(&self->fs.lock);
    if (node->has_returned) { /* what the stamps tell was absorbed before the node left memory */
        node->has_returned = false;
        node->read_stamp = stat->lsReadStamp;
        node->write_stamp = stat->lsWriteStamp;
    }
    lock_give(&self->fs.lock);
    return true;
}

/* A half-done change of size would be worse than one that a client no longer waits for. */
static KnResult cache_trunc(KnCap *cache, uint64_t end)
{
    KnResult status = lcTrunc(cache, end);

    for (uint32_t i = 0; status == K_EABORT && i < ABORTS_MAX; i++) {
        (void)threadAborted();
        status = lcTrunc(cache, end);
    }
    return status;
}

static uint32_t blocks_of_pages(const struct ext2_fs *self, uint32_t pages)
{
    return pages * (self->page_bytes / self->core.block_bytes);
}

/* Promises that no dirty page needs are taken back. Grants were: who writes to a hole from now
 * on asks again, and `grants` tells. */
static void release_promises(struct ext2_fs *self, struct ext2_node *node, const KnLcStat *stat,
                             uint32_t grants)
{
    uint32_t needed = blocks_of_pages(self, stat->lsDirtyPages);

    if (node->grants != grants || node->granting > 0 || needed >= node->reserved)
        return;
    self->reserved -= node->reserved - needed;
    node->reserved = needed;
    node->granted_first = node->granted_limit = 0;
}

/* Which attributes are behind what the cache knows; `attributes` becomes what they shall be. */
static uint32_t find_news(const struct ext2_node *node, const KnLcStat *stat,
                          struct ext2_attributes *attributes)
{
    const struct ext2_inode *inode = node->inode;
    struct om_time read = time_of_stamp(stat->lsReadStamp);
    uint32_t which = 0;

    attributes->change_time = inode->change_time;
    if (stat->lsSize > inode->size_bytes) {
        attributes->size_bytes = stat->lsSize;
        which |= EXT2_SET_LARGER_SIZE;
    }
    if (stat->lsWriteStamp > node->write_stamp) {
        attributes->modify_time = attributes->change_time =
            ext2_time(time_of_stamp(stat->lsWriteStamp));
        which |= EXT2_SET_MODIFY_TIME;
    }
    if (stat->lsReadStamp > node->read_stamp && ext2_read_counts(inode, read)) {
        attributes->access_time = ext2_time(read);
        which |= EXT2_SET_ACCESS_TIME;
    }
    return which == 0 ? 0 : which | EXT2_SET_CHANGE_TIME;
}

static int absorb(struct ext2_fs *self, struct ext2_node *node, const KnLcStat *stat,
                  uint32_t grants)
{
    struct ext2_attributes attributes = {0};
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);
    uint32_t which;

    if (status != 0)
        return status;
    release_promises(self, node, stat, grants);
    which = self->fs.is_read_only || node->no_grants ? 0 : find_news(node, stat, &attributes);
    if (which != 0)
        status = EXT2_RUN(&run, ext2_attributes_set(run.op, &self->core, node->inode, which,
                                                    &attributes));
    if (status == 0) {
        node->read_stamp = MAX(node->read_stamp, stat->lsReadStamp);
        node->write_stamp = MAX(node->write_stamp, stat->lsWriteStamp);
    }
    ext2_run_end(&run);
    return status;
}

/* Whether the disk has all that the cache knows. */
static bool has_nothing_new(struct ext2_fs *self, struct ext2_node *node, const KnLcStat *stat)
{
    struct ext2_attributes unused;
    bool nothing;

    lock_take(&self->fs.lock);
    nothing = node->inode == NULL || (stat->lsDirtyPages == 0 && node->reserved == 0 &&
                                      find_news(node, stat, &unused) == 0);
    lock_give(&self->fs.lock);
    return nothing;
}

int ext2_data_absorb(struct ext2_node *node, bool flush)
{
    struct ext2_fs *self = ext2_fs_of(&node->node);
    uint32_t grants;
    KnLcStat stat;
    int status;

    if (!cache_ask(node, &stat, &status) || has_nothing_new(self, node, &stat))
        return status;
    if (flush && stat.lsDirtyPages > 0)
        status = status_errno(lcFlush(&stat.lsCache, 0, WHOLE_SEGMENT, K_FLUSH_COPYBACK));
    lock_take(&self->fs.lock);
    grants = node->grants;
    lock_give(&self->fs.lock);
    if (status == 0)
        /* only grants are taken back */
        status = status_errno(lcSetRights(&stat.lsCache, 0, 0, K_READABLE));
    if (status != 0 || !cache_ask(node, &stat, &status))
        return status;
    return absorb(self, node, &stat, grants);
}

bool ext2_data_is_mapped(struct ext2_node *node)
{
    KnLcStat stat;
    int status;

    return cache_ask(node, &stat, &status) && stat.lsUsers > 0;
}

void ext2_data_forget(struct ext2_node *node)
{
    KnLcStat stat;
    int status;

    if (cache_ask(node, &stat, &status) && (stat.lsPages > 0 || stat.lsSize > 0))
        /* what fails here only keeps memory that pressure takes later */
        (void)cache_trunc(&stat.lsCache, 0);
}

int ext2_data_segment(struct node *node, bool writes, KnCap *segment)
{
    struct ext2_fs *self = ext2_fs_of(node);
    KnLcStat stat;
    int status = 0;

    (void)writes;
    ASSERT(node->type == S_IFREG);
    if (ext2_node_of(node)->has_returned && !cache_ask(ext2_node_of(node), &stat, &status) &&
        status != 0)
        return status;
    lock_take(&self->fs.lock);
    status = self->is_ending ? -EIO : ext2_key_make(self, ext2_node_of(node), segment);
    lock_give(&self->fs.lock);
    return status;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

void ext2_owner(struct node *node, struct fs_owner *owner)
{
    const struct ext2_inode *inode;

    *owner = (struct fs_owner){.mode = node->type};
    lock_take(&node->fs->lock);
    inode = ext2_node_of(node)->inode;
    if (inode != NULL)
        *owner = (struct fs_owner){.mode = inode->mode,
                                   .links = inode->links,
                                   .uid = inode->uid,
                                   .gid = inode->gid};
    lock_give(&node->fs->lock);
}

static void fill_attr(const struct ext2_fs *self, const struct ext2_attributes *from,
                      struct om_attr *attr)
{
    *attr = (struct om_attr){
        .device = self->fs.device,
        .inode = from->inode,
        .size = from->size_bytes,
        .blocks = from->sectors,
        .rdev = device_number(from->device_major, from->device_minor),
        .mode = from->mode,
        .links = from->links,
        .uid = from->uid,
        .gid = from->gid,
        .block_bytes = self->core.block_bytes,
        .atime_s = from->access_time.seconds,
        .atime_ns = from->access_time.nanoseconds,
        .mtime_s = from->modify_time.seconds,
        .mtime_ns = from->modify_time.nanoseconds,
        .ctime_s = from->change_time.seconds,
        .ctime_ns = from->change_time.nanoseconds,
    };
}

/* Blocks of dirty pages in holes count as if they were there, as far as the file goes. */
static uint64_t sectors_with_promises(const struct ext2_fs *self, const struct ext2_node *node,
                                      uint64_t sectors, const KnLcStat *stat)
{
    uint32_t block_sectors = self->core.block_bytes / SECTOR_BYTES;
    uint64_t promised = MIN(node->reserved, blocks_of_pages(self, stat->lsDirtyPages));
    uint64_t most = DIV_ROUND_UP(stat->lsSize, self->core.block_bytes) * block_sectors;

    return MAX(sectors, MIN(sectors + promised * block_sectors, most));
}

static void overlay(const struct ext2_fs *self, const struct ext2_node *node, const KnLcStat *stat,
                    struct ext2_attributes *attributes)
{
    struct ext2_attributes news = {0};
    uint32_t which = find_news(node, stat, &news);

    attributes->size_bytes = stat->lsSize;
    attributes->sectors = sectors_with_promises(self, node, attributes->sectors, stat);
    attributes->change_time = news.change_time;
    if ((which & EXT2_SET_MODIFY_TIME) != 0)
        attributes->modify_time = news.modify_time;
    if ((which & EXT2_SET_ACCESS_TIME) != 0)
        attributes->access_time = news.access_time;
}

int ext2_attributes(struct node *node, struct om_attr *attr)
{
    struct ext2_fs *self = ext2_fs_of(node);
    struct ext2_node *own = ext2_node_of(node);
    struct ext2_attributes attributes;
    KnLcStat stat;
    bool has_news;
    int status = 0;

    has_news = node->type == S_IFREG && cache_ask(own, &stat, &status);
    if (status != 0)
        return status;
    lock_take(&self->fs.lock);
    if (self->is_ending)
        status = -EIO;
    else
        ext2_attributes_get(&self->core, own->inode, &attributes);
    if (status == 0 && has_news)
        overlay(self, own, &stat, &attributes);
    lock_give(&self->fs.lock);
    if (status == 0)
        fill_attr(self, &attributes, attr);
    return status;
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* Before blocks are freed, the cache lets go of all beyond the new end, and of the right to
 * write in holes and in the last page. Who got leave to write meanwhile might use it on blocks
 * that are about to go: then once more, so that his writing came before. In the end nobody gets
 * leave until the change is over. */
static int cut_cache(struct ext2_fs *self, struct ext2_node *node, KnCap *cache,
                     uint64_t size_bytes)
{
    uint64_t page = ALIGN_DOWN(size_bytes, (uint64_t)self->page_bytes);
    KnResult status = K_OK;

    for (uint32_t i = 0; i < CUTS_MAX && status == K_OK; i++) {
        uint32_t grants;

        lock_take(&self->fs.lock);
        grants = node->grants;
        lock_give(&self->fs.lock);
        status = lcSetRights(cache, page, self->page_bytes, K_READABLE);
        if (status == K_OK)
            status = cache_trunc(cache, size_bytes);
        lock_take(&self->fs.lock);
        node->no_grants = status == K_OK && node->granting == 0 && node->grants == grants;
        lock_give(&self->fs.lock);
        if (node->no_grants)
            return 0;
    }
    return status == K_OK ? -EIO : status_errno(status);
}

/* What is behind the end in the last block reads as zero when the file grows again. The lock is
 * held. */
static int clear_tail(struct ext2_run *run, struct ext2_node *node, uint64_t size_bytes)
{
    struct ext2_fs *self = run->fs;
    uint32_t block_bytes = self->core.block_bytes;
    uint32_t keep = (uint32_t)(size_bytes & (block_bytes - 1));
    struct ext2_extent extent;
    uint8_t *block;
    int status;

    if (keep == 0)
        return 0;
    status = EXT2_RUN(run, ext2_map(run->op, &self->core, node->inode,
                                    (uint32_t)(size_bytes / block_bytes), 1, NULL, &extent));
    if (status != 0 || extent.disk_block == 0)
        return status;
    block = heap_allocate(self->heap, block_bytes);
    if (block == NULL)
        return -ENOMEM;
    node->no_pushes = true;
    while (node->pushing > 0)
        signal_wait(&self->changed, &self->fs.lock);
    lock_give(&self->fs.lock);
    status = medium_read(&self->medium, (uint64_t)extent.disk_block * block_bytes, block,
                         block_bytes, MEDIUM_DATA);
    memset(block + keep, 0, block_bytes - keep);
    if (status == 0)
        status = medium_write(&self->medium, (uint64_t)extent.disk_block * block_bytes, block,
                              block_bytes, MEDIUM_DATA);
    lock_take(&self->fs.lock);
    node->no_pushes = false;
    signal_all(&self->changed);
    heap_free(self->heap, block, block_bytes);
    return status;
}

/* With the lock held. */
static int set_inode_size(struct ext2_run *run, struct ext2_node *node, uint64_t size_bytes)
{
    struct ext2 *core = &run->fs->core;
    const struct ext2_attributes larger = {.size_bytes = size_bytes,
                                           .modify_time = ext2_time(time_now())};
    bool is_shorter = size_bytes < node->inode->size_bytes;
    int status;

    if (size_bytes > node->inode->size_bytes)
        return EXT2_RUN(run,
                        ext2_attributes_set(run->op, core, node->inode,
                                            EXT2_SET_LARGER_SIZE | EXT2_SET_MODIFY_TIME, &larger));
    status = EXT2_RUN(run, ext2_truncate(run->op, core, node->inode, size_bytes));
    return status == 0 && is_shorter ? clear_tail(run, node, size_bytes) : status;
}

/* Of a file whose segment was not given out; who opens it waits meanwhile. -EAGAIN: it was, in
 * the last moment. */
static int change_size_alone(struct ext2_fs *self, struct ext2_node *node, uint64_t size_bytes)
{
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    if (node->has_data) {
        status = -EAGAIN;
    } else {
        node->is_opaque = true;
        status = set_inode_size(&run, node, size_bytes);
        node->is_opaque = false;
        signal_all(&self->changed);
    }
    ext2_run_end(&run);
    return status;
}

static int change_size_cached(struct ext2_fs *self, struct ext2_node *node, KnLcStat *stat,
                              uint64_t size_bytes)
{
    bool is_shorter = size_bytes < stat->lsSize;
    struct ext2_run run;
    int status = is_shorter ? cut_cache(self, node, &stat->lsCache, size_bytes) : 0;

    if (status != 0)
        return status;
    status = ext2_run_begin(&run, self, 0, 0);
    if (status == 0) {
        status = set_inode_size(&run, node, size_bytes);
        ext2_run_end(&run);
    }
    lock_take(&self->fs.lock);
    node->no_grants = false;
    signal_all(&self->changed);
    lock_give(&self->fs.lock);
    return status == 0 && !is_shorter ? status_errno(cache_trunc(&stat->lsCache, size_bytes))
                                      : status;
}

static int change_size(struct ext2_node *node, uint64_t size_bytes)
{
    struct ext2_fs *self = ext2_fs_of(&node->node);
    KnLcStat stat;
    int status;

    if (size_bytes > ext2_size_max(&self->core))
        return -EFBIG;
    do { /* a second time at most: what was given out stays so */
        if (cache_ask(node, &stat, &status))
            status = change_size_cached(self, node, &stat, size_bytes);
        else if (status == 0)
            status = change_size_alone(self, node, size_bytes);
    } while (status == -EAGAIN);
    return status;
}

/* ---- Setting --------------------------------------------------------------------------------- */

static int set_attributes(struct ext2_fs *self, struct ext2_node *node,
                          const struct fs_change *change)
{
    const struct ext2_attributes attributes = {
        .mode = change->mode,
        .uid = change->uid,
        .gid = change->gid,
        .access_time = ext2_time(change->atime),
        .modify_time = ext2_time(change->mtime),
    };
    uint32_t which = ((change->set & OM_SET_MODE) != 0 ? EXT2_SET_MODE : 0) |
                     ((change->set & OM_SET_UID) != 0 ? EXT2_SET_UID : 0) |
                     ((change->set & OM_SET_GID) != 0 ? EXT2_SET_GID : 0) |
                     ((change->set & OM_SET_ATIME) != 0 ? EXT2_SET_ACCESS_TIME : 0) |
                     ((change->set & OM_SET_MTIME) != 0 ? EXT2_SET_MODIFY_TIME : 0);
    struct ext2_run run;
    int status;

    if (which == 0)
        return 0;
    status = ext2_run_begin(&run, self, 0, 0);
    if (status != 0)
        return status;
    status =
        EXT2_RUN(&run, ext2_attributes_set(run.op, &self->core, node->inode, which, &attributes));
    ext2_run_end(&run);
    return status;
}

int ext2_change(struct node *node, const struct fs_change *change)
{
    struct ext2_fs *self = ext2_fs_of(node);
    struct ext2_node *own = ext2_node_of(node);
    int status = 0;

    if ((change->set & OM_SET_SIZE) != 0 && node->type != S_IFREG)
        return -EINVAL;
    if ((change->set & OM_SET_SIZE) != 0)
        status = change_size(own, change->size);
    if (status == 0 && node->type == S_IFREG)
        /* so that an older stamp does not undo a time set below */
        status = ext2_data_absorb(own, false);
    return status == 0 ? set_attributes(self, own, change) : status;
}
