/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: the ring, its ends, and what their streams do. See pipe.h. */
#include "subsystems/mix/stm/pipe.h"

#include "chorus/calls.h"
#include "chorus/memory.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

STATIC_ASSERT(IS_POWER_OF_TWO(PIPE_NAMES), "a hash table's buckets");
STATIC_ASSERT(PIPE_BYTES <= STM_READ_OUT_DATA_MAX, "a reply can take what a pipe holds");

/* ---- Pipes ----------------------------------------------------------------------------------- */

void pipes_init(struct pipes *pipes)
{
    hash_init(&pipes->names, pipes->bucket, ARRAY_SIZE(pipes->bucket));
    pipes->places = (struct places){0};
    pipes->last_number = 0;
}

struct pipe *pipe_create(struct pipes *pipes, uint32_t capacity)
{
    struct pipe *pipe = PLACES_TAKE(&pipes->places, pipes->pipe);

    ASSERT(capacity >= PIPE_ATOMIC_BYTES && capacity <= PIPE_BYTES);
    if (pipe == NULL)
        return NULL;
    *pipe =
        (struct pipe){.capacity = capacity, .broken_error = EPIPE, .number = ++pipes->last_number};
    stream_object_init(&pipe->object);
    wait_queue_init(&pipe->openers);
    return pipe;
}

/* The ring goes back to the site; a pipe that was never written to has none. */
static void ring_free(struct pipe *pipe)
{
    KnRgnDesc region = {.startAddr = pipe->memory, .size = pipe->capacity};
    KnResult status;

    if (pipe->memory == 0)
        return;
    status = rgnFree(K_MYACTOR, &region);
    ASSERT(status == K_OK);
    pipe->memory = 0;
}

static int ring_make(struct pipe *pipe, VmFlags options)
{
    KnRgnDesc region = {.size = pipe->capacity,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO | options};

    if (pipe->memory != 0)
        return 0;
    if (rgnAllocate(K_MYACTOR, &region) != K_OK)
        return -ENOMEM;
    pipe->memory = region.startAddr;
    return 0;
}

int pipe_reserve(struct pipe *pipe)
{
    ASSERT(pipe->memory == 0);
    if (ring_make(pipe, K_NODEMAND) != 0)
        return -ENOMEM;
    pipe->touched = pipe->capacity;
    return 0;
}

void pipe_drop_unused(struct stm *stm, struct pipe *pipe)
{
    if (pipe->readers > 0 || pipe->writers > 0 || pipe->kept)
        return;
    ASSERT(wait_queue_is_empty(&pipe->object.readers) && wait_queue_is_empty(&pipe->openers));
    fifo_forget(stm, pipe);
    ring_free(pipe);
    places_give(&stm->pipes.places, pipe);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

struct stream *pipe_open(struct stm *stm, struct pipe *pipe, uint32_t access)
{
    struct stream *stream = stream_create(&stm->streams, &pipe_operations, &pipe->object, access);

    if (stream == NULL)
        return NULL;
    /* A reader that is there before the first writer has not seen the end of any. */
    stream->seen = pipe->writers_seen - (pipe->writers > 0 ? 1 : 0);
    if ((access & STREAM_READ) != 0) {
        pipe->readers++;
        pipe->readers_seen++;
    }
    if ((access & STREAM_WRITE) != 0) {
        pipe->writers++;
        pipe->writers_seen++;
    }
    wait_queue_wake_all(&pipe->openers);
    return stream;
}

/* The other side is to look, for nobody is left on this one. */
static void wake_all(struct pipe *pipe)
{
    wait_queue_wake_all(&pipe->object.readers);
    wait_queue_wake_all(&pipe->object.writers);
    stream_changed(&pipe->object, POLLIN | POLLOUT);
}

void pipe_close(struct stm *stm, struct stream *stream)
{
    struct pipe *pipe = pipe_of(stream);
    bool alone = false;

    if ((stream->access & STREAM_READ) != 0) {
        ASSERT(pipe->readers > 0);
        alone = --pipe->readers == 0;
    }
    if ((stream->access & STREAM_WRITE) != 0) {
        ASSERT(pipe->writers > 0);
        alone = --pipe->writers == 0 || alone;
    }
    if (alone)
        wake_all(pipe);
    pipe_drop_unused(stm, pipe);
}

void pipe_end(struct pipe *pipe, int error)
{
    ASSERT(pipe->writers > 0);
    pipe->end_error = error;
    pipe->writers--;
    wake_all(pipe);
}

void pipe_break(struct pipe *pipe, int error)
{
    ASSERT(pipe->readers > 0 && error > 0);
    pipe->broken_error = error;
    pipe->readers--;
    pipe->used = pipe->first = 0;
    wake_all(pipe);
}

/* ---- The ring -------------------------------------------------------------------------------- */

uint32_t pipe_peek(const struct pipe *pipe, uint32_t most, VmAddr *bytes)
{
    *bytes = pipe->memory + pipe->first;
    return MIN(MIN(pipe->used, most), pipe->capacity - pipe->first);
}

void pipe_skip(struct pipe *pipe, uint32_t bytes)
{
    ASSERT(bytes <= pipe->used);
    pipe->used -= bytes;
    pipe->first = pipe->used == 0 ? 0 : (pipe->first + bytes) % pipe->capacity;
    if (!wait_queue_is_empty(&pipe->object.writers) && pipe_room(pipe) >= PIPE_ATOMIC_BYTES)
        wait_queue_wake_one(&pipe->object.writers);
    stream_changed(&pipe->object, POLLOUT);
}

/* Where the next byte goes. */
static uint32_t ring_end(const struct pipe *pipe)
{
    return (pipe->first + pipe->used) % pipe->capacity;
}

static void added(struct pipe *pipe, uint32_t bytes)
{
    uint32_t at = ring_end(pipe);

    ASSERT(bytes <= pipe_room(pipe));
    pipe->touched = MAX(pipe->touched, MIN(at + bytes, pipe->capacity));
    pipe->used += bytes;
    wait_queue_wake_one(&pipe->object.readers);
    stream_changed(&pipe->object, POLLIN);
}

/* Copies behind the last byte, around the end of the ring. Frames there are beyond doubt: who goes
 * around has been everywhere before. */
static void copy_around(struct pipe *pipe, const uint8_t *bytes, uint32_t count)
{
    uint32_t at = ring_end(pipe);
    uint32_t part = MIN(count, pipe->capacity - at);

    mem_write(pipe->memory + at, bytes, part);
    mem_write(pipe->memory, bytes + part, count - part);
}

void pipe_put(struct pipe *pipe, const void *bytes, uint32_t count)
{
    ASSERT(count <= pipe_room(pipe) && pipe->touched == pipe->capacity);
    copy_around(pipe, bytes, count);
    added(pipe, count);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static const void *data_around(struct call *call, const struct pipe *pipe, uint32_t bytes)
{
    uint32_t part = pipe->capacity - pipe->first;

    if (bytes <= part)
        return (const void *)(pipe->memory + pipe->first);
    mem_read(call->stm->scratch, pipe->memory + pipe->first, part);
    mem_read(call->stm->scratch + part, pipe->memory, bytes - part);
    return call->stm->scratch;
}

long pipe_read(struct call *call, struct transfer *transfer)
{
    struct pipe *pipe = pipe_of(transfer->stream);

    transfer->moved = MIN(transfer->bytes, pipe->used);
    if (transfer->moved > 0)
        transfer->data = data_around(call, pipe, transfer->moved);
    else if (transfer->bytes > 0 && pipe->writers > 0)
        return -EAGAIN;
    else if (transfer->bytes > 0)
        return -pipe->end_error;
    return transfer->moved;
}

void pipe_read_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct pipe *pipe = pipe_of(transfer->stream);

    (void)stm;
    if (done && transfer->moved > 0)
        pipe_skip(pipe, transfer->moved);
    if (pipe->used > 0)
        wait_queue_wake_one(&pipe->object.readers);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* How much of a write the ring takes now; 0: it has to wait. One that may wait is spared many small
 * steps. */
static uint32_t write_now(const struct pipe *pipe, const struct transfer *transfer)
{
    uint32_t room = pipe_room(pipe), least = 1;

    if (transfer->bytes <= PIPE_ATOMIC_BYTES)
        least = transfer->bytes;
    else if (transfer->waits)
        least = PIPE_ATOMIC_BYTES;
    return room < least ? 0 : MIN(room, transfer->bytes);
}

/* What a pipe holds already is not touched: until the write is settled, nothing has happened. */
long pipe_write(struct call *call, struct transfer *transfer)
{
    struct pipe *pipe = pipe_of(transfer->stream);
    uint32_t at = ring_end(pipe), bytes;
    int status;

    transfer->moved = 0;
    if (transfer->bytes == 0)
        return 0;
    if (pipe->readers == 0)
        return -pipe->broken_error;
    bytes = write_now(pipe, transfer);
    if (bytes == 0)
        return -EAGAIN;
    status = ring_make(pipe, 0);
    if (status == 0 && bytes <= pipe->capacity - at) {
        status = call_fetch(call, pipe->memory + at, bytes, at + bytes <= pipe->touched);
    } else if (status == 0) {
        status = call_fetch(call, (VmAddr)call->stm->scratch, bytes, false);
        if (status == 0)
            copy_around(pipe, call->stm->scratch, bytes);
    }
    if (status != 0)
        return status;
    transfer->moved = bytes;
    return bytes;
}

void pipe_write_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct pipe *pipe = pipe_of(transfer->stream);

    (void)stm;
    if (done && transfer->moved > 0)
        added(pipe, transfer->moved);
    if (pipe_room(pipe) >= PIPE_ATOMIC_BYTES)
        wait_queue_wake_one(&pipe->object.writers);
}

/* ---- The rest -------------------------------------------------------------------------------- */

uint32_t pipe_poll(struct stm *stm, struct stream *stream, uint32_t wanted)
{
    const struct pipe *pipe = pipe_of(stream);
    uint32_t events = 0;

    (void)stm;
    (void)wanted;
    if ((stream->access & STREAM_READ) != 0) {
        if (pipe->used > 0)
            events |= POLLIN | POLLRDNORM;
        if (pipe->writers == 0 && pipe->writers_seen != stream->seen)
            events |= POLLHUP;
    }
    if ((stream->access & STREAM_WRITE) != 0) {
        if (pipe_room(pipe) >= PIPE_ATOMIC_BYTES)
            events |= POLLOUT | POLLWRNORM;
        if (pipe->readers == 0)
            events |= POLLERR;
    }
    return events;
}

int pipe_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
               struct stm_ioctl_out *out)
{
    if (in->request != FIONREAD)
        return -ENOTTY;
    if (out->output_room < sizeof(uint32_t))
        return -EINVAL;
    le32_store(call->answer, pipe_of(stream)->used);
    out->output = call->answer;
    out->output_bytes = sizeof(uint32_t);
    return 0;
}

void pipe_stat(const struct stream *stream, struct stm_stat_out *out)
{
    *out = (struct stm_stat_out){.mode = S_IFIFO | 0600, .inode = pipe_of(stream)->number};
}

const struct stream_operations pipe_operations = {
    .read = pipe_read,
    .write = pipe_write,
    .read_settle = pipe_read_settle,
    .write_settle = pipe_write_settle,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .close = pipe_close,
};
