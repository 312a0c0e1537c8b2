/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapper protocol: the Nucleus asks for the pages of files, for leave to write them, and to
 * take them back.
 *
 * What is asked is answered for whole pages; a page may have several blocks, of which some are
 * holes. Reading is one transfer for each piece that lies together on the disk.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2_fs.h"

#define PIECES_MAX 64u       /* of one answer */
#define GRANT_AHEAD_RUNS 16u /* pieces of the file that leave to write is extended by */
#define BLOCKS_OF_MAPS 4u    /* that a file may need to map the blocks it was promised */

/* A range of blocks of a file. */
struct range {
    uint32_t first;
    uint32_t count;
};

/* ---- Promises -------------------------------------------------------------------------------- */

/* Blocks that promises of `more` may not count on: indirect blocks of those promised, and a few
 * for names. */
static uint64_t overhead(const struct ext2_fs *self, uint64_t more)
{
    return 2 * ((self->reserved + more) >> self->core.pointer_shift) + 2 * BLOCKS_OF_MAPS;
}

static bool promise(struct ext2_fs *self, struct ext2_node *node, uint32_t blocks)
{
    if (blocks == 0)
        return true;
    if (self->core.free_blocks < self->reserved + blocks + overhead(self, blocks))
        return false;
    self->reserved += blocks;
    node->reserved += blocks;
    if (self->reserved > self->reserved_most) { /* so much is dirty that it is better written now */
        self->is_eager = true;
        signal_all(&self->keeper);
    }
    return true;
}

static void promise_kept(struct ext2_fs *self, struct ext2_node *node, uint32_t blocks)
{
    blocks = MIN(blocks, node->reserved);
    ASSERT(self->reserved >= blocks);
    node->reserved -= blocks;
    self->reserved -= blocks;
}

/* What was granted grows as the Nucleus' own record does: by ranges that meet it, else anew. */
static void note_grant(struct ext2_node *node, struct range range)
{
    uint32_t limit = range.first + range.count;

    if (node->granted_limit > node->granted_first && range.first <= node->granted_limit &&
        limit >= node->granted_first) {
        node->granted_first = MIN(node->granted_first, range.first);
        node->granted_limit = MAX(node->granted_limit, limit);
    } else {
        node->granted_first = range.first;
        node->granted_limit = limit;
    }
}

static uint32_t count_outside_granted(const struct ext2_node *node, struct range range)
{
    uint32_t first = MAX(range.first, node->granted_first);
    uint32_t limit = MIN(range.first + range.count, node->granted_limit);

    return range.count - (limit > first ? limit - first : 0);
}

/* ---- Mapping --------------------------------------------------------------------------------- */

static int map(struct ext2_run *run, struct ext2_node *node, struct range range,
               struct ext2_extent *extent)
{
    ASSERT(range.count > 0);
    return EXT2_RUN(run, ext2_map(run->op, &run->fs->core, node->inode, range.first, range.count,
                                  &node->cursor, extent));
}

/* How many of the blocks are holes that nothing was promised for. */
static int count_unpromised(struct ext2_run *run, struct ext2_node *node, struct range range,
                            uint32_t *blocks)
{
    *blocks = 0;
    while (range.count > 0) {
        struct ext2_extent extent;
        int status = map(run, node, range, &extent);

        if (status != 0)
            return status;
        if (extent.disk_block == 0)
            *blocks += count_outside_granted(node, (struct range){range.first, extent.count});
        range.first += extent.count;
        range.count -= extent.count;
    }
    return 0;
}

/* The range as blocks, cut off where a file can be no larger. */
static struct range range_of(const struct ext2_fs *self, uint64_t offset, uint64_t bytes)
{
    uint64_t most = ext2_size_max(&self->core) >> self->core.block_shift;
    uint64_t first = offset >> self->core.block_shift;
    uint64_t limit = MIN(DIV_ROUND_UP(offset + bytes, self->core.block_bytes), most);

    return first >= limit ? (struct range){0, 0}
                          : (struct range){(uint32_t)first, (uint32_t)(limit - first)};
}

/* ---- MpGetAccess ----------------------------------------------------------------------------- */

static int grant_range(struct ext2_run *run, struct ext2_node *node, struct range range,
                       bool *granted)
{
    uint32_t blocks;
    int status = count_unpromised(run, node, range, &blocks);

    *granted = status == 0 && promise(run->fs, node, blocks);
    if (*granted)
        note_grant(node, range);
    return status;
}

/* Blocks behind the range that are there need no promise, so leave is given for them too. */
static int grant_ahead(struct ext2_run *run, struct ext2_node *node, struct range *range)
{
    uint32_t page_blocks = run->fs->page_bytes / run->fs->core.block_bytes;
    uint64_t blocks = node->inode->size_bytes >> run->fs->core.block_shift; /* whole ones */
    struct ext2_extent extent;

    for (uint32_t i = 0; i < GRANT_AHEAD_RUNS && range->first + range->count < blocks; i++) {
        uint32_t next = range->first + range->count;
        int status = map(run, node, (struct range){next, (uint32_t)(blocks - next)}, &extent);

        if (status != 0)
            return status;
        if (extent.disk_block == 0)
            break;
        range->count += extent.count;
    }
    range->count =
        MAX(ALIGN_DOWN(range->first + range->count, page_blocks), range->first) - range->first;
    return 0;
}

static int get_access(struct ext2_run *run, struct ext2_node *node, const KnMpRequest *request,
                      KnMpReply *reply)
{
    struct ext2_fs *self = run->fs;
    struct range asked = range_of(self, request->mpOffset, request->mpBytes);
    struct range required = range_of(self, request->mpRequiredOffset, request->mpRequiredBytes);
    bool granted = false;
    int status;

    while (node->no_grants)
        signal_wait(&self->changed, &self->fs.lock);
    node->granting++;
    if (self->fs.is_read_only)
        return -EROFS;
    if (required.count == 0)
        return -ENOSPC; /* beyond the largest file */
    status = grant_range(run, node, asked, &granted);
    if (status == 0 && !granted) {
        asked = required;
        status = grant_range(run, node, required, &granted);
    }
    if (status == 0 && !granted)
        status = -ENOSPC;
    if (status == 0 && asked.count > required.count)
        status = grant_ahead(run, node, &asked);
    if (status != 0)
        return status;
    node->grants++;
    reply->mpAccess = K_READABLE | K_WRITABLE;
    reply->mpOffset = (uint64_t)asked.first << self->core.block_shift;
    reply->mpBytes = (uint64_t)asked.count << self->core.block_shift;
    return 0;
}

/* ---- MpPullIn -------------------------------------------------------------------------------- */

struct pull {
    struct ext2_extent piece[PIECES_MAX];
    uint32_t count;  /* of pieces */
    uint32_t blocks; /* in all */
    bool has_hole;
    bool is_hole; /* nothing but holes */
};

static uint32_t blocks_of_page(const struct ext2_fs *self)
{
    return self->page_bytes / self->core.block_bytes;
}

/* Finds what the range is made of: pages of data, or pages of holes, as many as come first. */
static int find_pieces(struct ext2_run *run, struct ext2_node *node, struct range range,
                       struct pull *pull)
{
    uint32_t page_blocks = blocks_of_page(run->fs);

    pull->count = pull->blocks = 0;
    pull->has_hole = false;
    pull->is_hole = true;
    while (range.count > 0 && pull->count < PIECES_MAX) {
        struct ext2_extent *piece = &pull->piece[pull->count];
        int status = map(run, node, range, piece);

        if (status != 0)
            return status;
        bool hole = piece->disk_block == 0;

        if (pull->count > 0 && pull->blocks % page_blocks == 0 && hole != pull->is_hole)
            break; /* a page of the other kind */
        pull->has_hole |= hole;
        pull->is_hole &= hole;
        pull->count++;
        pull->blocks += piece->count;
        range.first += piece->count;
        range.count -= piece->count;
    }
    /* Half a page may be left at the end; the first page is whole, since a page has fewer blocks
     * than PIECES_MAX. */
    pull->blocks = ALIGN_DOWN(pull->blocks, page_blocks);
    ASSERT(pull->blocks > 0);
    return 0;
}

/* The transfers, without the lock. */
static int read_pieces(struct ext2_fs *self, const struct pull *pull, uint8_t *body)
{
    uint32_t block_bytes = self->core.block_bytes;
    uint32_t left = pull->blocks;
    int status = 0;

    for (uint32_t i = 0; i < pull->count && left > 0 && status == 0; i++) {
        uint32_t blocks = MIN(pull->piece[i].count, left);

        if (pull->piece[i].disk_block == 0)
            memset(body, 0, (size_t)blocks * block_bytes);
        else
            status = medium_read(&self->medium, (uint64_t)pull->piece[i].disk_block * block_bytes,
                                 body, blocks * block_bytes, MEDIUM_PAGING);
        body += (size_t)blocks * block_bytes;
        left -= blocks;
    }
    return status;
}

static int pull_range(struct ext2_run *run, struct ext2_node *node, struct ext2_mapper *mapper,
                      struct range range, KnMpReply *reply, uint32_t *body_bytes)
{
    struct ext2_fs *self = run->fs;
    uint64_t offset = (uint64_t)range.first << self->core.block_shift;
    uint64_t end = node->inode->size_bytes; /* the disk has nothing behind it */
    struct pull pull;
    int status = find_pieces(run, node, range, &pull);

    if (status != 0)
        return status;
    reply->mpOffset = offset;
    reply->mpBytes = (uint64_t)pull.blocks << self->core.block_shift;
    reply->mpAccess = pull.has_hole || self->fs.is_read_only ? K_READABLE : K_READABLE | K_WRITABLE;
    if (pull.is_hole)
        return 0;
    lock_give(&self->fs.lock);
    status = read_pieces(self, &pull, mapper->body);
    lock_take(&self->fs.lock);
    *body_bytes = (uint32_t)(offset < end ? MIN(reply->mpBytes, end - offset) : 0);
    return status;
}

static int pull_in(struct ext2_run *run, struct ext2_node *node, struct ext2_mapper *mapper,
                   const KnMpRequest *request, KnMpReply *reply, uint32_t *body_bytes)
{
    struct ext2_fs *self = run->fs;
    uint64_t bytes = MIN(request->mpBytes, (uint64_t)EXT2_MAPPER_BODY_BYTES);
    struct range asked = range_of(self, request->mpOffset, bytes);
    struct range required = range_of(self, request->mpRequiredOffset, self->page_bytes);
    int status;

    if (asked.count < blocks_of_page(self) || asked.first != required.first)
        return -EIO; /* beyond the largest file, or not as the Nucleus asks */
    status = pull_range(run, node, mapper, asked, reply, body_bytes);
    if (status != 0 && asked.count > required.count)
        /* maybe the fault lies behind it */
        status = pull_range(run, node, mapper, required, reply, body_bytes);
    return status;
}

/* ---- MpPushOut ------------------------------------------------------------------------------- */

/* Writes blocks that lie together on the disk. */
static int write_piece(struct ext2_run *run, struct ext2_mapper *mapper,
                       const struct ext2_extent *extent, const uint8_t *data)
{
    struct ext2_fs *self = run->fs;
    uint32_t block_bytes = self->core.block_bytes;
    int status;

    lock_give(&self->fs.lock);
    status = medium_write(&self->medium, (uint64_t)extent->disk_block * block_bytes, data,
                          extent->count * block_bytes, MEDIUM_PAGING);
    lock_take(&self->fs.lock);
    if (mapper->pending != 0) {
        mapper->pending = 0;
        signal_all(&self->changed);
    }
    return status;
}

static int push_range(struct ext2_run *run, struct ext2_node *node, struct ext2_mapper *mapper,
                      struct range range)
{
    struct ext2_fs *self = run->fs;
    const uint8_t *data = mapper->body;
    int status = 0;

    while (range.count > 0 && status == 0) {
        struct ext2_extent extent;

        status = EXT2_RUN(run, ext2_allocate(run->op, &self->core, node->inode, range.first,
                                             range.count, &extent));
        if (status != 0)
            break;
        if (extent.is_new) {
            promise_kept(self, node, extent.count);
            mapper->pending = self->cache.last_operation; /* the one that was committed just now */
        }
        status = write_piece(run, mapper, &extent, data);
        data += (size_t)extent.count * self->core.block_bytes;
        range.first += extent.count;
        range.count -= extent.count;
    }
    return status;
}

static int grow_inode(struct ext2_run *run, struct ext2_node *node, uint64_t end)
{
    const struct ext2_attributes larger = {.size_bytes = end,
                                           .change_time = node->inode->change_time};

    if (end <= node->inode->size_bytes)
        return 0;
    return EXT2_RUN(run, ext2_attributes_set(run->op, &run->fs->core, node->inode,
                                             EXT2_SET_LARGER_SIZE | EXT2_SET_CHANGE_TIME, &larger));
}

static int push_out(struct ext2_run *run, struct ext2_node *node, struct ext2_mapper *mapper,
                    const KnMpRequest *request, uint32_t request_bytes)
{
    struct ext2_fs *self = run->fs;
    uint64_t limit = MIN(request->mpOffset + request_bytes, request->mpEnd);
    uint32_t bytes = limit > request->mpOffset ? (uint32_t)(limit - request->mpOffset) : 0;
    int status;

    if (request_bytes > EXT2_MAPPER_BODY_BYTES)
        return -EIO;
    if (bytes == 0)
        return 0; /* all behind the end */
    while (node->no_pushes)
        signal_wait(&self->changed, &self->fs.lock);
    node->pushing++;
    /* what a mapping left there */
    memset(mapper->body + bytes, 0, ALIGN_UP(bytes, self->core.block_bytes) - bytes);
    status = push_range(run, node, mapper, range_of(self, request->mpOffset, bytes));
    if (status == 0)
        status = grow_inode(run, node, limit);
    node->pushing--;
    signal_all(&self->changed);
    return status;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static int open_segment(struct ext2_run *run, struct ext2_node *node, KnMpReply *reply)
{
    while (node->is_opaque)
        signal_wait(&run->fs->changed, &run->fs->fs.lock);
    reply->mpEnd = node->inode->size_bytes;
    return 0;
}

static int serve_node(struct ext2_run *run, struct ext2_mapper *mapper, const KnMpRequest *request,
                      uint32_t request_bytes, KnMpReply *reply, uint32_t *body_bytes)
{
    struct ext2_node *node;
    uint32_t number;
    int status = ext2_key_check(run->fs, request->mpSegment, &number) ? 0 : -ENOENT;

    if (status == 0)
        status = ext2_node_open(run, number, &node);
    if (status != 0)
        return status;
    switch (request->mpService) {
    case KN_MPOPEN:
        status = open_segment(run, node, reply);
        break;
    case KN_MPPULLIN:
        status = pull_in(run, node, mapper, request, reply, body_bytes);
        break;
    case KN_MPGETACCESS:
        mapper->granted = node; /* held until the answer has been sent */
        return get_access(run, node, request, reply);
    case KN_MPPUSHOUT:
        status = push_out(run, node, mapper, request, request_bytes);
        break;
    default:
        status = -EINVAL;
        break;
    }
    ext2_node_drop_by_mapper(node);
    return status;
}

static int32_t diag_of(int status)
{
    switch (status) {
    case 0:
        return K_OK;
    case -ENOSPC:
    case -EFBIG:
        return K_ENOSPC;
    case -EROFS:
        return K_EPROT;
    case -ENOENT:
        return K_EUNKNOWN;
    case -ENOMEM:
    case -ENFILE:
        return K_ENOMEM;
    default:
        return K_EIO;
    }
}

void ext2_mapper_serve(struct ext2_mapper *mapper, const KnMpRequest *request,
                       uint32_t request_bytes, KnMpReply *reply, uint32_t *body_bytes)
{
    struct ext2_run run;
    int status = ext2_run_begin_mapper(&run, mapper);

    ASSERT(mapper->granted == NULL && mapper->pending == 0);
    *reply = (KnMpReply){.mpOffset = request->mpOffset, .mpBytes = request->mpBytes};
    *body_bytes = 0;
    if (status == 0) {
        status = serve_node(&run, mapper, request, request_bytes, reply, body_bytes);
        ext2_run_end(&run);
    }
    reply->mpDiag = diag_of(status);
    if (status != 0)
        *body_bytes = 0;
}

void ext2_mapper_sent(struct ext2_mapper *mapper)
{
    struct ext2_fs *self = mapper->fs;

    if (mapper->granted == NULL)
        return;
    lock_take(&self->fs.lock);
    ASSERT(mapper->granted->granting > 0);
    mapper->granted->granting--;
    ext2_node_drop_by_mapper(mapper->granted);
    mapper->granted = NULL;
    signal_all(&self->changed);
    lock_give(&self->fs.lock);
}
