/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one wait on memory, keyed by (segment, offset): mutexes, semaphores, events and futexes stand
 * on it. A wake may be asked for from an interrupt handler.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

static struct wait_queue *bucket_of(const void *object, uint64_t offset)
{
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)object ^ offset * UINT64_C(0x9e3779b97f4a7c15));

    return &site_self()->vm.sync[hash % SYNC_BUCKETS];
}

KnResult call_syncWait(struct thread *self, VmAddr word, uint32_t expected, int64_t delay_ns,
                       uint32_t flags)
{
    const void *object;
    uint64_t offset;
    uint32_t value;
    KnResult status = context_sync_key(word, &object, &offset);

    if (status != K_OK)
        return status;
    if ((flags & ~(uint32_t)K_ABORTABLE) != 0)
        return K_EINVAL;
    status = copy_in(&value, word, sizeof(value));
    if (status != K_OK)
        return status;
    if (value != expected)
        return K_EAGAIN;
    self->sync_object = object;
    self->sync_offset = offset;
    return thread_wait(bucket_of(object, offset), call_deadline(self, delay_ns),
                       (flags & K_ABORTABLE) != 0);
}

static bool waits_on(const struct thread *thread, const void *object, uint64_t offset)
{
    return thread->sync_object == object && thread->sync_offset == offset;
}

KnResult call_syncWake(struct thread *self, VmAddr word, uint32_t count)
{
    return call_syncRequeue(self, word, count, word, 0);
}

KnResult call_syncRequeue(struct thread *self, VmAddr word, uint32_t wake, VmAddr target,
                          uint32_t move)
{
    const void *object, *to_object;
    uint64_t offset, to_offset;
    struct list *link, *next;
    uint64_t limit = (uint64_t)wake + move;
    uint32_t woken = 0, moved = 0;
    KnResult status = context_sync_key(word, &object, &offset);

    (void)self;
    if (status == K_OK)
        status = context_sync_key(target, &to_object, &to_offset);
    if (status != K_OK)
        return status;
    struct wait_queue *queue = bucket_of(object, offset);
    bool stay = object == to_object && offset == to_offset;

    for (link = queue->threads.next; link != &queue->threads && (uint64_t)woken + moved < limit;
         link = next) {
        struct thread *thread = LIST_ENTRY(link, struct thread, link);

        next = link->next;
        if (!waits_on(thread, object, offset))
            continue;
        if (woken < wake) {
            thread_wake(thread, K_OK);
            woken++;
            continue;
        }
        moved++;
        if (stay)
            continue; /* at the tail it would be met again */
        list_remove(&thread->link);
        thread->sync_object = to_object;
        thread->sync_offset = to_offset;
        list_add_tail(&bucket_of(to_object, to_offset)->threads, &thread->link);
    }
    return (KnResult)woken + (KnResult)moved;
}
