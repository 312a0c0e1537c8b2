/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Polling: which of many streams are ready. A poll that has to wait enters all their queues, is
 * woken by whichever changes, and looks at all again.
 */
#ifndef STM_POLL_H
#define STM_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/stm.h"
#include "kit/places.h"
#include "subsystems/mix/stm/wait.h"

/* Streams that all polls together can wait for; a poll that finds no more gets -ENOMEM. */
#define WATCHES_MOST 16384u

struct call;
struct stm;
struct stream;

struct watch {
    struct wait_link link;
    struct watch *next; /* of the same poll */
};

struct watches {
    struct places places;
    struct watch watch[WATCHES_MOST];
};

/* Enters the queue of the stream's own object; then, of all that can make the stream ready. False:
 * the watches are used up, and what was entered is to be given back. */
bool watch_enter(struct stm *stm, struct stream *stream, struct waiter *waiter,
                 struct watch **mine);
bool stream_watch(struct stm *stm, struct stream *stream, struct waiter *waiter,
                  struct watch **mine);
void watches_give(struct watches *watches, struct watch *mine);

/* When the stream becomes ready to be read by the time alone; 0: never. */
uint64_t stream_ready_at(struct stm *stm, const struct stream *stream);

/* Of two times the first; 0 is none. */
uint64_t poll_earlier(uint64_t one_ns, uint64_t other_ns);

/* When a wait of so long ends; 0: it does not wait, or has no end. */
uint64_t poll_end(int64_t timeout_ns);

/* Whether there is time to wait until `end_ns`, and how long, 0 being for ever; no longer than
 * until `ready_ns`, if that is not 0. */
bool poll_time_left(int64_t timeout_ns, uint64_t end_ns, uint64_t ready_ns, uint64_t *left_ns);

/* Waits until something happens that may make the stream ready. */
int poll_wait(struct call *call, struct stream *stream, uint64_t timeout_ns);

/* 0 or a negated errno. */
int poll_streams(struct call *call, const struct stm_poll_in *in, struct stm_poll_out *out);

#endif
