/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for streams. A thread that waits has a waiter on its stack, and a link in the queue of
 * each thing that may end its wait; what happens there wakes it, and it looks again.
 *
 * I1 Queues, links and waiters are touched under STM's lock alone; the word that a waiter sleeps on
 *    is the one thing looked at without it.
 * I2 A link is taken out of its queue when its waiter is woken through it, or else by its owner.
 */
#ifndef STM_WAIT_H
#define STM_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/sync.h"
#include "kit/list.h"

struct waiter {
    uint32_t woken; /* 0: asleep, or about to be */
};

struct wait_link {
    struct list node;
    struct waiter *waiter;
};

struct wait_queue {
    struct list links; /* who came first is woken first */
};

void wait_queue_init(struct wait_queue *queue);

static inline bool wait_queue_is_empty(const struct wait_queue *queue)
{
    return list_is_empty(&queue->links);
}

/* Enters a link that is in no queue. */
void wait_link_enter(struct wait_link *link, struct wait_queue *queue, struct waiter *waiter);

/* Takes the link out of the queue that it may still be in. */
void wait_link_leave(struct wait_link *link);

void wait_queue_wake_one(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue);

/* Sleeps until the waiter is woken, at most `timeout_ns` (0: as long as it takes); `lock` is given
 * back meanwhile. 0; -EINTR: the thread was aborted; -ETIMEDOUT. */
int waiter_sleep(struct waiter *waiter, KnMutex *lock, uint64_t timeout_ns);

#endif
