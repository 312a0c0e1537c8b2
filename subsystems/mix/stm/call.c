/* SPDX-License-Identifier: BSD-2-Clause */
/* What operations ask for while they serve a call. See call.h. */
#include "subsystems/mix/stm/call.h"

#include "chorus/calls.h"
#include "chorus/memory.h"
#include "subsystems/mix/stm/stm.h"

int call_sleep(struct call *call, struct waiter *waiter, uint64_t timeout_ns)
{
    int status = threads_park(call->stm);

    if (status != 0)
        return status;
    status = waiter_sleep(waiter, &call->stm->lock, timeout_ns);
    threads_unpark(call->stm);
    return status;
}

/* Who was woken and goes for another reason passes it on: the wake was meant for somebody who
 * looks. */
int call_wait(struct call *call, struct wait_queue *queue, uint64_t timeout_ns)
{
    struct waiter waiter = {0};
    struct wait_link link;
    int status;

    wait_link_enter(&link, queue, &waiter);
    status = call_sleep(call, &waiter, timeout_ns);
    wait_link_leave(&link);
    if (status != 0 && waiter.woken != 0)
        wait_queue_wake_one(queue);
    return status;
}

/* Memory that was never written to has no frame yet; the Nucleus gives it one, or says that there
 * is none, where a store of ours would be an exception. */
int call_fetch(struct call *call, VmAddr to, uint32_t bytes, bool resident)
{
    KnMsgDesc message = {.bodySize = bytes, .bodyAddr = to};

    ASSERT(bytes <= call->body_bytes);
    if (resident && bytes <= CALL_BODY_BYTES) {
        mem_write(to, call->body, bytes);
        return 0;
    }
    return ipcGetData(&message) < 0 ? -ENOMEM : 0;
}

void call_leave(struct call *call)
{
    lock_give(&call->stm->lock);
}

void call_enter(struct call *call)
{
    lock_take(&call->stm->lock);
}
