/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffer cache: the metadata blocks of one file system, kept in a bounded number of buffers.
 *
 * The cache is memory and bookkeeping only. It never blocks and never reads or writes a disk: its
 * user holds the lock that guards the file system, takes orders from here (read this block into
 * that buffer; write these bytes to that block), drops the lock, does the transfer, takes the lock
 * again and reports how it went.
 *
 *     state      found by number   may be used    may be evicted
 *     reading    yes               no             no
 *     valid      yes               yes            when neither pinned, dirty nor being written
 *     failed     while pinned      gives -EIO     becomes free with its last pin
 *     forgotten  no                by who pins it becomes free with its last pin
 *
 * Order of write-out. Every change belongs to an operation (operation.h), and operations are
 * numbered in the order in which they were committed. The dirty list holds each dirty buffer once,
 * at the place of the oldest operation whose change is not on disk, and write-out takes it from the
 * front. What an operation changed is therefore written in the order in which it was changed,
 * oldest operation first, except that a block dirtied again before it was written goes out early
 * with the newer change in it. File data that an operation names (its `data` list) must be on disk
 * before any buffer it dirtied: who writes out asks for that first. A journal will take the
 * operation's list of buffers as one transaction; until then a power cut may leave what e2fsck
 * repairs.
 *
 * I1 A buffer is on the free list, or it is hashed, or it is forgotten and still pinned or read
 *    into.
 * I2 The idle list holds the valid, clean, unpinned, not-being-written buffers, least recently used
 *    first; only these are evicted.
 * I3 A dirty buffer is valid, hashed and on the dirty list.
 * I4 At most `capacity` buffers have memory.
 */
#ifndef EXT2_BUFFER_H
#define EXT2_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/hash.h"
#include "kit/list.h"

/*
 * What a function of the core returns, besides 0 and negated error numbers: positive values, which
 * say what the caller has to do before it starts the same operation again. Nothing has been changed
 * when one of them is returned, except with FS_MORE.
 */
enum fs_status {
    FS_DONE = 0,
    FS_NEED_BLOCK = 1, /* read the blocks that the operation names */
    FS_NEED_ROOM = 2,  /* the cache is full of dirty buffers: write some out, or wait for writes */
    FS_WAIT = 3,       /* wait until a transfer, or an operation, of somebody else has ended */
    FS_MORE = 4, /* a bounded step is committed; end this operation, begin one for the next step */
};

/* Where the core gets memory from. `allocate` returns NULL when there is none. */
struct fs_memory {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
};

enum buffer_state { BUFFER_FREE, BUFFER_READING, BUFFER_VALID, BUFFER_FAILED };

struct buffer {
    struct hash_node node;  /* in the table of blocks, unless free or forgotten */
    struct list place;      /* on the cache's list of free or of idle buffers */
    struct list dirty_link; /* on the cache's list of dirty buffers */
    uint8_t *data;          /* one block; NULL until first used */
    uint64_t dirtied_by;    /* oldest operation whose change is not on disk */
    uint64_t written_for;   /* the same of the bytes that are on their way to the disk */
    uint32_t block;
    uint32_t pins;
    enum buffer_state state;
    uint8_t
        kind; /* what the bytes were last checked to be; the file system's business, 0 unknown */
    bool is_dirty;
    bool is_writing;
    bool is_forgotten;
};

struct buffer_cache {
    const struct fs_memory *memory;
    struct buffer *buffers;
    struct hash table; /* of blocks; the hash of a block is its number */
    uint32_t capacity;
    uint32_t block_bytes;
    struct list free;
    struct list idle;
    struct list dirty;
    uint32_t dirty_count;
    uint32_t writing_count;
    uint32_t promised;       /* buffers that operations and mounts under way may come to pin */
    uint64_t last_operation; /* number of the operation committed last */
    uint64_t reads;          /* blocks asked from the disk since the start */
    uint64_t writes;         /* blocks given to the disk since the start */
};

/*
 * Makes a cache of `capacity` buffers of `block_bytes` each; the memory of a buffer's block is
 * taken when it is first used. Returns 0 or -ENOMEM.
 */
int buffer_cache_create(struct buffer_cache *cache, uint32_t block_bytes, uint32_t capacity,
                        const struct fs_memory *memory);

/* Gives all memory back. Dirty buffers are lost; nothing may be pinned or under transfer. */
void buffer_cache_destroy(struct buffer_cache *cache);

/* Promises `count` buffers; false if that many might not be there. Taken back by the second. */
bool buffer_cache_promise(struct buffer_cache *cache, uint32_t count);
void buffer_cache_redeem(struct buffer_cache *cache, uint32_t count);

/* The buffer of a block, in whatever state, or NULL. */
struct buffer *buffer_find(struct buffer_cache *cache, uint32_t block);

void buffer_pin(struct buffer_cache *cache, struct buffer *buffer);
void buffer_unpin(struct buffer_cache *cache, struct buffer *buffer);

/*
 * Takes a buffer out of use for a new purpose: pinned, and not found by any number. It is given
 * back by unpinning it, or enters the cache with buffer_assign. Returns 0, FS_NEED_ROOM or -ENOMEM.
 */
int buffer_take(struct buffer_cache *cache, struct buffer **out);

/* Makes a taken buffer that of `block`, which no other buffer is; its state is `state`. */
void buffer_assign(struct buffer_cache *cache, struct buffer *buffer, uint32_t block,
                   enum buffer_state state);

/* Reports that the transfer into a buffer in state reading has ended. */
void buffer_read_end(struct buffer_cache *cache, struct buffer *buffer, bool is_good);

/* Records that operation number `operation` changes a valid buffer. */
void buffer_dirty(struct buffer_cache *cache, struct buffer *buffer, uint64_t operation);

/*
 * Drops a block that no longer is metadata, dirty or not, so that it cannot be written over what
 * the block will hold next. It must not be under way to the disk.
 */
void buffer_forget(struct buffer_cache *cache, struct buffer *buffer);

/*
 * Chooses the next buffer to write out, copies its bytes to `copy` (one block) and returns it; NULL
 * if there is none dirtied by operation number `limit` or an earlier one. The copy lets operations
 * change the buffer while the bytes travel.
 */
struct buffer *buffer_write_begin(struct buffer_cache *cache, uint64_t limit, uint8_t *copy);

/* Reports that the transfer has ended. Bytes that did not reach the disk are dirty again. */
void buffer_write_end(struct buffer_cache *cache, struct buffer *buffer, bool is_good);

/* Drops every buffer that may be evicted. Only tests need it, to meet a cold cache. */
void buffer_cache_chill(struct buffer_cache *cache);

/* Checks I1 to I4; returns NULL or a sentence that says what does not hold. */
const char *buffer_cache_verify(const struct buffer_cache *cache);

#endif
