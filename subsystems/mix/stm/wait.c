/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/stm/wait.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "mix/errno.h"
#include "subsystems/mix/stm/lock.h"

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->links);
}

void wait_link_enter(struct wait_link *link, struct wait_queue *queue, struct waiter *waiter)
{
    list_init(&link->node);
    link->waiter = waiter;
    list_add_tail(&queue->links, &link->node);
}

void wait_link_leave(struct wait_link *link)
{
    list_remove(&link->node);
}

/* ---- Waking ---------------------------------------------------------------------------------- */

void wait_queue_wake_one(struct wait_queue *queue)
{
    struct list *node = list_pop_head(&queue->links);
    struct waiter *waiter;
    KnResult status;

    if (node == NULL)
        return;
    waiter = LIST_ENTRY(node, struct wait_link, node)->waiter;
    if (__atomic_exchange_n(&waiter->woken, 1, __ATOMIC_RELEASE) != 0)
        return; /* by another of its links */
    status = syncWake((VmAddr)&waiter->woken, 1);
    ASSERT(status >= 0);
}

void wait_queue_wake_all(struct wait_queue *queue)
{
    while (!wait_queue_is_empty(queue))
        wait_queue_wake_one(queue);
}

/* ---- Sleeping -------------------------------------------------------------------------------- */

int waiter_sleep(struct waiter *waiter, KnMutex *lock, uint64_t timeout_ns)
{
    int64_t delay_ns = timeout_ns == 0 ? K_NOTIMEOUT : (int64_t)timeout_ns;
    KnResult status;

    ASSERT(timeout_ns <= INT64_MAX);
    lock_give(lock);
    status = syncWait((VmAddr)&waiter->woken, 0, delay_ns, K_ABORTABLE);
    lock_take(lock);
    ASSERT(status == K_OK || status == K_EAGAIN || status == K_EABORT || status == K_ETIMEOUT);
    if (status == K_EABORT)
        return -EINTR;
    return status == K_ETIMEOUT ? -ETIMEDOUT : 0;
}
