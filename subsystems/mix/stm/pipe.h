/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: a ring of bytes between ends that are open for reading and ends open for writing. Named
 * pipes are pipes that are found by the file which names them; an opener waits there for the other
 * side. The launcher's streams are pipes whose other end is the channel (channel.h).
 *
 * The ring is a region of its own, made at the first write, so a pipe at rest costs no frames. What
 * is written goes from the message straight into it, and from it straight into the reply.
 *
 * I1 The ring holds `used` bytes from `first` on, around its end. An empty pipe begins anew at 0:
 *    so small transfers keep to the first page, and seldom go around.
 * I2 What lies below `touched` has been written to, and has frames.
 * I3 readers and writers count the open ends; a pipe without any is free, unless it is kept.
 * I4 A write of up to PIPE_ATOMIC_BYTES is in the ring as a whole, or not at all.
 */
#ifndef STM_PIPE_H
#define STM_PIPE_H

#include "kit/hash.h"
#include "kit/places.h"
#include "subsystems/mix/stm/stream.h"

#define PIPES_MOST 2048u
#define PIPE_BYTES 65536u
#define PIPE_ATOMIC_BYTES 4096u /* PIPE_BUF */
#define PIPE_NAMES 64u          /* buckets */

struct pipe {
    struct stream_object object;
    struct wait_queue openers; /* of a named pipe, who waits for the other side */

    VmAddr memory; /* 0: none yet */
    uint32_t capacity;
    uint32_t first, used, touched;

    uint32_t readers, writers;
    uint32_t readers_seen, writers_seen; /* how many ever were */
    int end_error;                       /* what a reader gets at the end; 0: the end */
    int broken_error;                    /* what a writer gets without readers */

    bool kept;       /* a stream of the launcher, for ever */
    uint64_t number; /* st_ino */
    bool named;
    uint64_t device, inode; /* of the file that names it */
    struct hash_node in_names;
};

struct pipes {
    struct hash names;
    struct hash_node *bucket[PIPE_NAMES];
    struct places places;
    uint64_t last_number;
    struct pipe pipe[PIPES_MOST];
};

void pipes_init(struct pipes *pipes);

/* A pipe without ends. NULL: all are in use. */
struct pipe *pipe_create(struct pipes *pipes, uint32_t capacity);

/* Opens an end: a stream with one holder; NULL: the table is full. */
struct stream *pipe_open(struct stm *stm, struct pipe *pipe, uint32_t access);

/* Frees a pipe whose ends are all closed. */
void pipe_drop_unused(struct stm *stm, struct pipe *pipe);

/* ---- Named pipes ----------------------------------------------------------------------------- */

/* Opens an end of the pipe that a file names, with call->opened[0]; waits for the other side
 * where `wait` says so and the mode needs it. 0 or a negated errno. */
int fifo_open(struct call *call, uint64_t device, uint64_t inode, uint32_t access, bool wait);

/* The pipe is found by its file no more. */
void fifo_forget(struct stm *stm, struct pipe *pipe);

/* ---- For the channel, which is the other end of some ----------------------------------------- */

static inline struct pipe *pipe_of(const struct stream *stream)
{
    return container_of(stream->object, struct pipe, object);
}

static inline uint32_t pipe_room(const struct pipe *pipe)
{
    return pipe->capacity - pipe->used;
}

/* The first bytes, at most `most` and without a gap; they stay until they are skipped. */
uint32_t pipe_peek(const struct pipe *pipe, uint32_t most, VmAddr *bytes);
void pipe_skip(struct pipe *pipe, uint32_t bytes);

/* Takes all memory of a pipe beforehand: what comes from the channel is in no message, from where
 * the Nucleus could copy it with an error for want of memory. -ENOMEM. */
int pipe_reserve(struct pipe *pipe);

/* Puts bytes that have room into a pipe whose memory is reserved. */
void pipe_put(struct pipe *pipe, const void *bytes, uint32_t count);

/* No more is written: readers get `error` behind the last byte, or its end for 0. */
void pipe_end(struct pipe *pipe, int error);

/* Nobody reads any more: what is in the pipe is gone, and writers get `error`. */
void pipe_break(struct pipe *pipe, int error);

/* Operations of streams of pipes, and those that others make tables of their own of. */
extern const struct stream_operations pipe_operations;
long pipe_read(struct call *call, struct transfer *transfer);
long pipe_write(struct call *call, struct transfer *transfer);
void pipe_read_settle(struct stm *stm, struct transfer *transfer, bool done);
void pipe_write_settle(struct stm *stm, struct transfer *transfer, bool done);
uint32_t pipe_poll(struct stm *stm, struct stream *stream, uint32_t wanted);
int pipe_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
               struct stm_ioctl_out *out);
void pipe_stat(const struct stream *stream, struct stm_stat_out *out);
void pipe_close(struct stm *stm, struct stream *stream);

#endif
