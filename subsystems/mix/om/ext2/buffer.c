/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffer cache. Its interface, states and invariants stand in buffer.h.
 *
 * Buffers are found through a table of chains indexed by the low bits of the block number: metadata
 * of a file system lies in runs, which such an index spreads evenly. A buffer that can be reused is
 * on exactly one of two lists: free (it holds nothing) or idle (it holds a block that can be read
 * again).
 */
#include "subsystems/mix/om/ext2/buffer.h"

#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"

static void release_tables(struct buffer_cache *cache);

int buffer_cache_create(struct buffer_cache *cache, uint32_t block_bytes, uint32_t capacity,
                        const struct fs_memory *memory)
{
    ASSERT(block_bytes > 0 && capacity > 0 && capacity <= UINT32_MAX / 2);
    size_t bucket_count = 1;

    while (bucket_count < capacity)
        bucket_count *= 2;
    memset(cache, 0, sizeof(*cache));
    cache->memory = memory;
    cache->capacity = capacity;
    cache->block_bytes = block_bytes;
    cache->table.bucket_count = bucket_count;
    list_init(&cache->free);
    list_init(&cache->idle);
    list_init(&cache->dirty);
    cache->buffers = memory->allocate(memory->context, capacity * sizeof(struct buffer));
    cache->table.bucket =
        memory->allocate(memory->context, bucket_count * sizeof(struct hash_node *));
    if (cache->buffers == NULL || cache->table.bucket == NULL) {
        release_tables(cache);
        return -ENOMEM;
    }
    hash_init(&cache->table, cache->table.bucket, bucket_count);
    memset(cache->buffers, 0, capacity * sizeof(struct buffer));
    for (uint32_t i = 0; i < capacity; i++) {
        struct buffer *buffer = &cache->buffers[i];

        list_init(&buffer->place);
        list_init(&buffer->dirty_link);
        list_add_tail(&cache->free, &buffer->place);
    }
    return 0;
}

static void release_tables(struct buffer_cache *cache)
{
    const struct fs_memory *memory = cache->memory;

    if (cache->table.bucket != NULL) {
        memory->release(memory->context, cache->table.bucket,
                        cache->table.bucket_count * sizeof(struct hash_node *));
    }
    if (cache->buffers != NULL)
        memory->release(memory->context, cache->buffers, cache->capacity * sizeof(struct buffer));
    memset(cache, 0, sizeof(*cache));
}

void buffer_cache_destroy(struct buffer_cache *cache)
{
    const struct fs_memory *memory = cache->memory;

    for (uint32_t i = 0; i < cache->capacity; i++) {
        struct buffer *buffer = &cache->buffers[i];

        ASSERT(buffer->pins == 0 && !buffer->is_writing);
        if (buffer->data != NULL)
            memory->release(memory->context, buffer->data, cache->block_bytes);
    }
    release_tables(cache);
}

bool buffer_cache_promise(struct buffer_cache *cache, uint32_t count)
{
    ASSERT(cache->promised <= cache->capacity);
    if (count > cache->capacity - cache->promised)
        return false;
    cache->promised += count;
    return true;
}

void buffer_cache_redeem(struct buffer_cache *cache, uint32_t count)
{
    ASSERT(count <= cache->promised);
    cache->promised -= count;
}

struct buffer *buffer_find(struct buffer_cache *cache, uint32_t block)
{
    struct buffer *buffer;

    HASH_FOR_EACH(buffer, &cache->table, block, node)
        if (buffer->block == block)
            return buffer;
    return NULL;
}

static bool is_idle(const struct buffer *buffer)
{
    return buffer->state == BUFFER_VALID && !buffer->is_forgotten && buffer->pins == 0 &&
           !buffer->is_dirty && !buffer->is_writing;
}

/* Puts a buffer that nobody finds any more on the free list, those with memory before the
 * others. */
static void buffer_free(struct buffer_cache *cache, struct buffer *buffer)
{
    ASSERT(buffer->pins == 0 && !buffer->is_dirty && !buffer->is_writing);
    buffer->state = BUFFER_FREE;
    buffer->kind = 0;
    buffer->is_forgotten = false;
    list_add_head(&cache->free, &buffer->place);
}

/* Called where the last reason to hold a buffer may have gone. */
static void buffer_settle(struct buffer_cache *cache, struct buffer *buffer)
{
    if (buffer->pins > 0 || buffer->is_writing || buffer->state == BUFFER_READING)
        return;
    if (buffer->is_forgotten) {
        buffer_free(cache, buffer);
    } else if (buffer->state == BUFFER_FAILED) {
        hash_remove(&cache->table, &buffer->node, buffer->block);
        buffer_free(cache, buffer);
    } else if (is_idle(buffer)) {
        list_add_tail(&cache->idle, &buffer->place);
    }
}

void buffer_pin(struct buffer_cache *cache, struct buffer *buffer)
{
    ASSERT(buffer->state != BUFFER_FREE && buffer->pins < cache->capacity);
    if (is_idle(buffer))
        list_remove(&buffer->place);
    buffer->pins++;
}

void buffer_unpin(struct buffer_cache *cache, struct buffer *buffer)
{
    ASSERT(buffer->pins > 0);
    buffer->pins--;
    buffer_settle(cache, buffer);
}

/* A free buffer with memory, else one that gets memory now, else the idle one used longest ago. */
int buffer_take(struct buffer_cache *cache, struct buffer **out)
{
    struct buffer *buffer = NULL;

    if (!list_is_empty(&cache->free)) {
        buffer = LIST_ENTRY(list_first(&cache->free), struct buffer, place);
        if (buffer->data == NULL)
            buffer->data = cache->memory->allocate(cache->memory->context, cache->block_bytes);
        if (buffer->data == NULL)
            buffer = NULL;
    }
    if (buffer == NULL && !list_is_empty(&cache->idle)) {
        buffer = LIST_ENTRY(list_first(&cache->idle), struct buffer, place);
        hash_remove(&cache->table, &buffer->node, buffer->block);
    }
    if (buffer == NULL)
        return cache->dirty_count + cache->writing_count > 0 ? FS_NEED_ROOM : -ENOMEM;
    list_remove(&buffer->place);
    buffer->state = BUFFER_VALID;
    buffer->kind = 0;
    buffer->is_forgotten = true;
    buffer->pins = 1;
    *out = buffer;
    return 0;
}

void buffer_assign(struct buffer_cache *cache, struct buffer *buffer, uint32_t block,
                   enum buffer_state state)
{
    ASSERT(buffer->is_forgotten && buffer->pins == 1);
    ASSERT(buffer_find(cache, block) == NULL);
    buffer->block = block;
    buffer->state = state;
    buffer->is_forgotten = false;
    hash_insert(&cache->table, &buffer->node, block);
}

void buffer_read_end(struct buffer_cache *cache, struct buffer *buffer, bool is_good)
{
    ASSERT(buffer->state == BUFFER_READING);
    cache->reads++;
    buffer->state = is_good ? BUFFER_VALID : BUFFER_FAILED;
    buffer_settle(cache, buffer);
}

void buffer_dirty(struct buffer_cache *cache, struct buffer *buffer, uint64_t operation)
{
    ASSERT(buffer->state == BUFFER_VALID && !buffer->is_forgotten && buffer->pins > 0);
    if (!buffer->is_dirty) {
        buffer->is_dirty = true;
        buffer->dirtied_by = operation;
        list_add_tail(&cache->dirty, &buffer->dirty_link);
        cache->dirty_count++;
    }
}

static void buffer_clean(struct buffer_cache *cache, struct buffer *buffer)
{
    ASSERT(buffer->is_dirty && cache->dirty_count > 0);
    list_remove(&buffer->dirty_link);
    buffer->is_dirty = false;
    cache->dirty_count--;
}

void buffer_forget(struct buffer_cache *cache, struct buffer *buffer)
{
    ASSERT(!buffer->is_forgotten && !buffer->is_writing);
    if (is_idle(buffer))
        list_remove(&buffer->place);
    if (buffer->is_dirty)
        buffer_clean(cache, buffer);
    hash_remove(&cache->table, &buffer->node, buffer->block);
    buffer->is_forgotten = true;
    buffer_settle(cache, buffer);
}

struct buffer *buffer_write_begin(struct buffer_cache *cache, uint64_t limit, uint8_t *copy)
{
    struct buffer *buffer = NULL;

    LIST_FOR_EACH(buffer, &cache->dirty, dirty_link) {
        if (buffer->is_writing)
            continue;
        if (buffer->dirtied_by > limit)
            return NULL;
        memcpy(copy, buffer->data, cache->block_bytes);
        buffer_clean(cache, buffer);
        buffer->is_writing = true;
        cache->writing_count++;
        buffer->written_for = buffer->dirtied_by;
        return buffer;
    }
    return NULL;
}

void buffer_write_end(struct buffer_cache *cache, struct buffer *buffer, bool is_good)
{
    ASSERT(buffer->is_writing && !buffer->is_forgotten);
    buffer->is_writing = false;
    cache->writing_count--;
    cache->writes++;
    if (!is_good) {
        if (buffer->is_dirty)
            buffer_clean(cache, buffer);
        buffer->is_dirty = true;
        buffer->dirtied_by = buffer->written_for;
        list_add_head(&cache->dirty, &buffer->dirty_link);
        cache->dirty_count++;
    }
    buffer_settle(cache, buffer);
}

void buffer_cache_chill(struct buffer_cache *cache)
{
    while (!list_is_empty(&cache->idle)) {
        struct buffer *buffer = LIST_ENTRY(list_first(&cache->idle), struct buffer, place);

        list_remove(&buffer->place);
        hash_remove(&cache->table, &buffer->node, buffer->block);
        buffer_free(cache, buffer);
    }
}

static const char *verify_buffer(const struct buffer_cache *cache, const struct buffer *buffer)
{
    const struct buffer *found;
    bool is_hashed = false;

    HASH_FOR_EACH(found, &cache->table, buffer->block, node)
        is_hashed = is_hashed || found == buffer;
    bool is_free = buffer->state == BUFFER_FREE;

    if (is_free && (buffer->pins > 0 || buffer->is_writing))
        return "a free buffer is in use";
    if (!is_free && is_hashed == buffer->is_forgotten)
        return "a buffer is neither hashed nor forgotten, or both";
    if (buffer->is_forgotten && buffer->pins == 0 && buffer->state != BUFFER_READING)
        return "a forgotten buffer is not free though nobody pins it";
    if (buffer->is_dirty && (buffer->state != BUFFER_VALID || !is_hashed))
        return "a dirty buffer is not valid";
    return NULL;
}

static uint32_t list_length(const struct list *list, uint32_t limit)
{
    uint32_t length = 0;

    for (const struct list *node = list->next; node != list && length <= limit; node = node->next)
        length++;
    return length;
}

const char *buffer_cache_verify(const struct buffer_cache *cache)
{
    uint32_t free_count = 0;
    uint32_t idle_count = 0;
    uint32_t dirty_count = 0;
    uint32_t writing_count = 0;

    for (uint32_t i = 0; i < cache->capacity; i++) {
        const struct buffer *buffer = &cache->buffers[i];
        const char *wrong = verify_buffer(cache, buffer);

        if (wrong != NULL)
            return wrong;
        free_count += buffer->state == BUFFER_FREE;
        idle_count += is_idle(buffer);
        dirty_count += buffer->is_dirty;
        writing_count += buffer->is_writing;
    }
    if (cache->writing_count != writing_count)
        return "the number of buffers being written is wrong";
    if (list_length(&cache->free, cache->capacity) != free_count)
        return "the free list does not hold the free buffers";
    if (list_length(&cache->idle, cache->capacity) != idle_count)
        return "the idle list does not hold the idle buffers";
    if (list_length(&cache->dirty, cache->capacity) != dirty_count ||
        cache->dirty_count != dirty_count)
        return "the dirty list does not hold the dirty buffers";
    return NULL;
}
