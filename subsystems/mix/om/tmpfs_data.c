/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of a regular file: nothing yet, its origin in the system archive, or a segment of the
 * Nucleus.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/status.h"
#include "subsystems/mix/om/tmpfs.h"

void tmpfs_set_source(struct fs *fs, struct archive *source)
{
    container_of(fs, struct tmpfs, fs)->source = source;
}

bool tmpfs_has_origin(struct node *node)
{
    return tmpfs_node_of(node)->file.size_bytes > 0;
}

void tmpfs_set_origin(struct node *node, uint64_t origin, uint64_t bytes)
{
    struct tmpfs_file *file = &tmpfs_node_of(node)->file;

    ASSERT(node->type == S_IFREG && !file->has_segment && file->size_bytes == 0);
    file->origin = origin;
    file->size_bytes = bytes;
}

int tmpfs_data_collect(struct tmpfs_node *node, KnLcStat *stat)
{
    struct tmpfs_file *file = &node->file;

    *stat = (KnLcStat){0};
    if (!file->has_segment)
        return 0;
    KnResult status = sgStat(&file->segment, stat);

    if (status != K_OK)
        return status_errno(status);
    if (stat->lsWriteStamp != file->write_stamp) {
        file->write_stamp = stat->lsWriteStamp;
        node->mtime = node->ctime = time_of_stamp(stat->lsWriteStamp);
    }
    if (stat->lsReadStamp != file->read_stamp) {
        struct om_time when = time_of_stamp(stat->lsReadStamp);

        file->read_stamp = stat->lsReadStamp;
        if (time_read_counts(when, node->atime, node->mtime, node->ctime))
            node->atime = when;
    }
    return 0;
}

/* What OM itself writes is no change of the file: the stamps that it leaves count as seen. */
static KnResult segment_fill(struct tmpfs_node *node, KnCap *segment)
{
    struct tmpfs_file *file = &node->file;
    KnLcStat stat;
    KnResult status = K_OK;

    if (file->size_bytes > 0)
        status =
            archive_fill(tmpfs_of(&node->node)->source, file->origin, file->size_bytes, segment);
    if (status == K_OK)
        status = sgStat(segment, &stat);
    if (status != K_OK)
        return status;
    file->cache = stat.lsCache;
    file->read_stamp = stat.lsReadStamp;
    file->write_stamp = stat.lsWriteStamp;
    return K_OK;
}

/* ---- Copies of origins ---------------------------------------------------------------------- */

static void copy_forget(struct tmpfs_node *node)
{
    struct tmpfs *tmpfs = tmpfs_of(&node->node);

    if (!list_is_linked(&node->file.copies))
        return;
    ASSERT(tmpfs->copied_bytes >= node->file.size_bytes);
    list_remove(&node->file.copies);
    tmpfs->copied_bytes -= node->file.size_bytes;
}

static void copy_remember(struct tmpfs_node *node)
{
    struct tmpfs *tmpfs = tmpfs_of(&node->node);

    copy_forget(node); /* so that it becomes the one used last */
    list_add_tail(&tmpfs->copies, &node->file.copies);
    tmpfs->copied_bytes += node->file.size_bytes;
}

/* Gives copies up that nobody has open or mapped, those used longest ago first, until so many bytes
 * are left. A mapping would go on to show the old copy, which nobody writes to any more. */
static void copies_limit(struct tmpfs *tmpfs, uint64_t bytes)
{
    struct tmpfs_node *node;
    KnLcStat stat;

    LIST_FOR_EACH_SAFE(node, &tmpfs->copies, file.copies) {
        if (tmpfs->copied_bytes <= bytes)
            return;
        if (node->node.holds == 0 && tmpfs_data_collect(node, &stat) == 0 && stat.lsUsers == 0)
            tmpfs_data_end(node);
    }
}

/* ---- Segments ------------------------------------------------------------------------------- */

static KnResult segment_make(struct tmpfs_node *node)
{
    KnCap segment;
    KnResult status = sgCreate(&segment, 0);

    if (status != K_OK)
        return status;
    status = segment_fill(node, &segment);
    if (status != K_OK) {
        KnResult destroyed = sgDestroy(&segment);

        ASSERT(destroyed == K_OK);
        return status;
    }
    node->file.segment = segment;
    node->file.has_segment = true;
    return K_OK;
}

/* `writes`: it is more than a copy of its origin from now on. */
static int segment_ensure(struct tmpfs_node *node, bool writes)
{
    struct tmpfs *tmpfs = tmpfs_of(&node->node);
    struct tmpfs_file *file = &node->file;
    KnResult status = K_OK;
    bool is_new = !file->has_segment;

    if (is_new) {
        status = segment_make(node);
        if ((status == K_ENOMEM || status == K_ENOSPC) && !list_is_empty(&tmpfs->copies)) {
            copies_limit(tmpfs, 0);
            status = segment_make(node);
        }
    }
    if (status != K_OK)
        return status == K_ENOMEM ? -ENOSPC : status_errno(status);
    if (writes)
        copy_forget(node);
    else if (list_is_linked(&file->copies) || (is_new && file->size_bytes > 0))
        copy_remember(node);
    copies_limit(tmpfs, tmpfs->copied_most);
    return 0;
}

int tmpfs_data_segment(struct tmpfs_node *node, bool writes, KnCap *segment)
{
    int status = segment_ensure(node, writes);

    if (status == 0)
        *segment = node->file.segment;
    return status;
}

int tmpfs_data_truncate(struct tmpfs_node *node, uint64_t size_bytes)
{
    struct tmpfs_file *file = &node->file;
    int status = 0;

    if (size_bytes > INT64_MAX)
        return -EFBIG;
    if (!file->has_segment && size_bytes <= file->size_bytes) {
        file->size_bytes = size_bytes; /* a shorter piece of the origin */
    } else {
        status = segment_ensure(node, true);
        if (status == 0)
            status = status_errno(lcTrunc(&file->cache, size_bytes));
    }
    if (status == 0)
        tmpfs_node_modified(node);
    return status;
}

void tmpfs_data_end(struct tmpfs_node *node)
{
    if (!node->file.has_segment)
        return;
    copy_forget(node);
    KnResult status = sgDestroy(&node->file.segment); /* who has it mapped keeps the pages */

    ASSERT(status == K_OK);
    node->file.has_segment = false;
}
