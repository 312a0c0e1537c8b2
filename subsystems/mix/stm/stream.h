/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: what users of STM have open, by key. A stream is one end of a pipe, or a terminal; what
 * it can do is a table of operations of its kind. A key is a place in the table and a secret, so a
 * key that was closed, or guessed, opens nothing.
 *
 * All of it is touched under STM's lock alone. An operation never waits: where it would, it says
 * -EAGAIN, and its caller waits in the object's queue and does it again.
 *
 * A transfer has two halves, so that nothing is lost or moved twice when its client goes away while
 * it is served: `read` and `write` prepare it and return how much it is, `settle` takes it out of
 * the object or puts it in, or does neither. Between the two the lock is not given back.
 *
 * I1 A place in use has a key, an object and at least one holder; a free one is on the free list.
 */
#ifndef STM_STREAM_H
#define STM_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/stm.h"
#include "kit/random.h"
#include "subsystems/mix/stm/tty.h"
#include "subsystems/mix/stm/wait.h"

#define STREAMS_MOST 8192u
#define STREAM_INDEX_BITS 16 /* of a key; the others are the secret */
#define STREAM_HOLDERS_MOST UINT32_MAX

struct call;
struct stm;
struct stream;
struct watch;

/* What every object behind a stream begins with: who waits for it. */
struct stream_object {
    struct wait_queue readers, writers; /* woken one by one */
    struct wait_queue watchers;         /* woken all, whatever happens */
    uint32_t arrivals, departures;      /* how often there was more to read, and more room */
};

struct transfer {
    struct stream *stream;
    const struct stm_who *who;
    uint32_t bytes;      /* wanted */
    bool waits;          /* the caller will wait if need be */
    bool expired;        /* timeout_ns has passed since the last try */
    uint64_t timeout_ns; /* set with -EAGAIN: try again then, whatever happens; 0: never */

    /* What the object notes for itself from one half to the other. */
    const void *data; /* of a read */
    uint32_t moved;
    uint32_t taken;
    struct tty_written before;
};

struct stream_operations {
    /* The first halves: bytes, -EAGAIN, or another negated errno. A read of 0 bytes is the end;
     * it is settled too. The data of a read stays where it is until then. */
    long (*read)(struct call *call, struct transfer *transfer);
    long (*write)(struct call *call, struct transfer *transfer);

    /* The second halves; `done`: the client has it. */
    void (*read_settle)(struct stm *stm, struct transfer *transfer, bool done);
    void (*write_settle)(struct stm *stm, struct transfer *transfer, bool done);

    /* POLL* bits that hold now; `wanted` tells which are asked about. */
    uint32_t (*poll)(struct stm *stm, struct stream *stream, uint32_t wanted);

    /* When it becomes ready to be read by the time alone (sysTime), 0: never. NULL: nothing of
     * the kind does. */
    uint64_t (*ready_at)(struct stm *stm, const struct stream *stream);

    /* Enters the queues of all that can make it ready; NULL: it is its object's alone. False: the
     * watches are used up. */
    bool (*watch)(struct stm *stm, struct stream *stream, struct waiter *waiter,
                  struct watch **mine);

    /* 0 or a negated errno; -ENOTTY where the request is none of the kind's. */
    int (*ioctl)(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
                 struct stm_ioctl_out *out);
    void (*stat)(const struct stream *stream, struct stm_stat_out *out);

    /* The last holder has gone. */
    void (*close)(struct stm *stm, struct stream *stream);
};

#define STREAM_READ 1u
#define STREAM_WRITE 2u

struct stream {
    uint64_t key; /* 0: free */
    const struct stream_operations *operations;
    struct stream_object *object;
    uint32_t access; /* STREAM_READ, STREAM_WRITE */
    uint32_t holders;
    uint32_t seen;      /* pipes: how many writers had come when it was opened */
    uint32_t next_free; /* index + 1; 0: no more */
};

struct streams {
    struct random random;
    uint32_t first_free; /* index + 1 */
    uint32_t used;       /* places that were ever in use */
    struct stream stream[STREAMS_MOST];
};

/* `seed`: from the Nucleus' random source. */
void streams_init(struct streams *streams, uint64_t seed);

/* Makes a stream with one holder; NULL: the table is full. */
struct stream *stream_create(struct streams *streams, const struct stream_operations *operations,
                             struct stream_object *object, uint32_t access);

/* The stream of a key; NULL: no such key. */
struct stream *stream_find(struct streams *streams, uint64_t key);

/* One holder less; the last one closes it. */
void stream_release(struct stm *stm, struct stream *stream);

void stream_object_init(struct stream_object *object);

/* Something happened that ends polls: POLLIN, there may be more to read; POLLOUT, more room. */
void stream_changed(struct stream_object *object, uint32_t events);

#endif
