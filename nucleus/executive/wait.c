/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting: one way to stop until something happens, for all of the Nucleus. A wait has a queue, a
 * deadline and may be abortable; whichever comes first ends it, and the others are undone.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "machine/clock.h"
#include "nucleus/executive/executive.h"
#include "nucleus/site.h"

static void wait_timeout(struct timer *timer)
{
    struct thread *thread = container_of(timer, struct thread, timeout);

    thread_wake(thread, K_ETIMEOUT);
}

void thread_executive_init(struct thread *thread, const KnSchedParms *parms)
{
    thread->state = THREAD_NEW;
    list_init(&thread->link);
    timer_init(&thread->timeout, wait_timeout);
    thread->class = parms->schedClass;
    thread->priority = (uint8_t)parms->schedPriority;
    thread->quantum_left_ns = EXECUTIVE_QUANTUM_NS;
}

/* An abort is consumed by the wait it ends; one that came before the wait ends it at once. A
 * dying thread waits for nothing that can be aborted. */
static bool take_abort(struct thread *thread)
{
    if (thread->dying)
        return true;
    if (!thread->aborted)
        return false;
    thread->aborted = false;
    return true;
}

KnResult thread_wait(struct wait_queue *queue, uint64_t deadline_ns, bool abortable)
{
    struct thread *self = thread_self();

    ASSERT(self->state == THREAD_READY && !list_is_linked(&self->link));
    ASSERT(site_self()->cpu.interrupt_depth == 0);
    if (abortable && take_abort(self))
        return K_EABORT;
    if (deadline_ns != TIMER_NEVER && deadline_ns <= clock_now_ns())
        return K_ETIMEOUT;
    self->state = THREAD_WAITING;
    self->abortable = abortable;
    if (queue != NULL)
        list_add_tail(&queue->threads, &self->link);
    if (deadline_ns != TIMER_NEVER)
        timer_set(&self->timeout, deadline_ns);
    executive_switch_away();
    ASSERT(self->state == THREAD_READY);
    return self->wake_status;
}

void thread_wake(struct thread *thread, KnResult status)
{
    ASSERT(thread->state == THREAD_WAITING);
    if (list_is_linked(&thread->link))
        list_remove(&thread->link);
    if (thread->timeout.set)
        timer_cancel(&thread->timeout);
    thread->wake_status = status;
    thread->abortable = false;
    thread->state = THREAD_READY;
    thread->quantum_left_ns = EXECUTIVE_QUANTUM_NS;
    thread_make_ready(thread);
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->threads);
}

struct thread *wait_queue_first(struct wait_queue *queue)
{
    if (list_is_empty(&queue->threads))
        return NULL;
    return LIST_ENTRY(list_first(&queue->threads), struct thread, link);
}

bool wait_queue_wake_one(struct wait_queue *queue, KnResult status)
{
    struct thread *first = wait_queue_first(queue);

    if (first == NULL)
        return false;
    thread_wake(first, status);
    return true;
}

uint32_t wait_queue_wake_all(struct wait_queue *queue, KnResult status)
{
    uint32_t count = 0;

    while (wait_queue_wake_one(queue, status))
        count++;
    return count;
}

void thread_abort(struct thread *thread)
{
    if (thread->state == THREAD_WAITING && thread->abortable) {
        thread_wake(thread, K_EABORT);
        return;
    }
    thread->aborted = true;
    if (thread == thread_self())
        site_self()->cpu.reschedule = true;
}
