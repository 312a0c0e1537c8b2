/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations. Their life and invariants stand in operation.h.
 *
 * The pins of an operation are a small table, searched from end to end: an operation touches some
 * ten blocks, and the table survives from pass to pass.
 */
#include "subsystems/mix/om/ext2/operation.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"

int fs_operation_begin(struct fs_operation *op, struct buffer_cache *cache, uint32_t uid,
                       uint32_t gid, struct fs_time now)
{
    ASSERT(now.nanoseconds < 1000000000u);
    if (!buffer_cache_promise(cache, FS_OPERATION_FRAMES))
        return FS_WAIT;
    memset(op, 0, sizeof(*op));
    op->cache = cache;
    op->uid = uid;
    op->gid = gid;
    op->now = now;
    return 0;
}

void fs_operation_end(struct fs_operation *op)
{
    ASSERT(op->inode_count == 0);
    for (uint32_t i = 0; i < op->pin_count; i++)
        buffer_unpin(op->cache, op->pins[i].buffer);
    for (uint32_t i = 0; i < op->spare_count; i++)
        buffer_unpin(op->cache, op->spares[i]);
    buffer_cache_redeem(op->cache, FS_OPERATION_FRAMES);
    op->pin_count = 0;
    op->spare_count = 0;
    op->cache = NULL;
}

void fs_operation_pass(struct fs_operation *op)
{
    ASSERT(op->cache != NULL && op->sequence == 0 && op->inode_count == 0);
    op->pass++;
    op->need_count = 0;
    op->spares_wanted = 0;
    op->taken_count = 0;
    op->freed_count = 0;
}

static struct fs_pin *find_pin(struct fs_operation *op, uint32_t block)
{
    for (uint32_t i = 0; i < op->pin_count; i++) {
        struct buffer *buffer = op->pins[i].buffer;

        if (buffer->block == block && !buffer->is_forgotten)
            return &op->pins[i];
    }
    return NULL;
}

/* Pins one more buffer; in a full table it displaces what was used longest ago and is not kept. */
static struct fs_pin *add_pin(struct fs_operation *op, struct buffer *buffer)
{
    struct fs_pin *place = NULL;

    if (op->pin_count < FS_OPERATION_PINS) {
        place = &op->pins[op->pin_count++];
    } else {
        for (uint32_t i = 0; i < op->pin_count; i++) {
            struct fs_pin *pin = &op->pins[i];
            bool is_kept = pin->pass == op->pass && pin->is_kept;

            if (!is_kept && (place == NULL || pin->used_at < place->used_at))
                place = pin;
        }
        ASSERT(place != NULL);
        buffer_unpin(op->cache, place->buffer);
    }
    memset(place, 0, sizeof(*place));
    place->buffer = buffer;
    place->used_at = ++op->tick;
    return place;
}

int fs_operation_read_begin(struct fs_operation *op, uint32_t index, struct buffer **out)
{
    ASSERT(index < op->need_count);
    uint32_t block = op->need[index];
    struct buffer *buffer = NULL;

    if (buffer_find(op->cache, block) != NULL)
        return FS_WAIT;
    int status = buffer_take(op->cache, &buffer);

    if (status != 0)
        return status;
    buffer_assign(op->cache, buffer, block, BUFFER_READING);
    add_pin(op, buffer);
    op->reads++;
    *out = buffer;
    return 0;
}

int fs_operation_find(struct fs_operation *op, uint32_t block, uint8_t kind, bool keep,
                      struct buffer **out)
{
    ASSERT(op->sequence == 0 && op->pass > 0);
    struct fs_pin *pin = find_pin(op, block);

    if (pin == NULL) {
        struct buffer *buffer = buffer_find(op->cache, block);

        if (buffer == NULL) {
            op->need[0] = block;
            op->need_count = 1;
            return FS_NEED_BLOCK;
        }
        buffer_pin(op->cache, buffer);
        pin = add_pin(op, buffer);
    }
    if (pin->buffer->state == BUFFER_READING)
        return FS_WAIT;
    if (pin->buffer->state == BUFFER_FAILED)
        return -EIO;
    if (pin->pass != op->pass) {
        pin->pass = op->pass;
        pin->kind = kind;
        pin->is_kept = false;
    }
    if (pin->kind != kind)
        return -EUCLEAN;
    pin->is_kept = pin->is_kept || keep;
    pin->used_at = ++op->tick;
    *out = pin->buffer;
    return 0;
}

void fs_operation_advise(struct fs_operation *op, uint32_t block)
{
    if (op->need_count > 0 && op->need_count < FS_OPERATION_NEEDS &&
        buffer_find(op->cache, block) == NULL)
        op->need[op->need_count++] = block;
}

int fs_operation_spare(struct fs_operation *op)
{
    ASSERT(op->spares_wanted < FS_OPERATION_SPARES);
    op->spares_wanted++;
    if (op->spares_wanted <= op->spare_count)
        return 0;
    int status = buffer_take(op->cache, &op->spares[op->spare_count]);

    if (status == 0)
        op->spare_count++;
    return status;
}

int fs_operation_check_forget(struct fs_operation *op, uint32_t block)
{
    const struct buffer *buffer = buffer_find(op->cache, block);

    if (buffer == NULL)
        return 0;
    const struct fs_pin *pin = find_pin(op, block);

    if (pin != NULL && pin->pass == op->pass && pin->is_kept)
        return -EUCLEAN;
    return buffer->is_writing ? FS_WAIT : 0;
}

void fs_operation_commit(struct fs_operation *op)
{
    ASSERT(op->sequence == 0 && op->need_count == 0);
    op->sequence = ++op->cache->last_operation;
}

struct buffer *fs_operation_kept(struct fs_operation *op, uint32_t block)
{
    struct fs_pin *pin = find_pin(op, block);

    ASSERT(pin != NULL && pin->is_kept && pin->pass == op->pass);
    return pin->buffer;
}

struct buffer *fs_operation_new(struct fs_operation *op, uint32_t block, uint8_t kind)
{
    ASSERT(op->sequence != 0 && op->spare_count > 0);
    fs_operation_forget(op, block);
    struct buffer *buffer = op->spares[--op->spare_count];

    memset(buffer->data, 0, op->cache->block_bytes);
    buffer_assign(op->cache, buffer, block, BUFFER_VALID);
    buffer->kind = kind;
    struct fs_pin *pin = add_pin(op, buffer);

    pin->pass = op->pass;
    pin->kind = kind;
    pin->is_kept = true;
    return buffer;
}

void fs_operation_dirty(struct fs_operation *op, struct buffer *buffer)
{
    ASSERT(op->sequence != 0);
    buffer_dirty(op->cache, buffer, op->sequence);
    for (uint32_t i = 0; i < op->dirty_count; i++)
        if (op->dirty[i] == buffer)
            return;
    ASSERT(op->dirty_count < FS_OPERATION_FRAMES);
    op->dirty[op->dirty_count++] = buffer;
}

void fs_operation_forget(struct fs_operation *op, uint32_t block)
{
    ASSERT(op->sequence != 0);
    struct buffer *buffer = buffer_find(op->cache, block);

    if (buffer != NULL)
        buffer_forget(op->cache, buffer);
}
