/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that serve, and their receive loop. See threads.h. */
#include "subsystems/mix/stm/threads.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/thread.h"
#include "kit/assert.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/server.h"
#include "subsystems/mix/stm/stm.h"

static void serve(uintptr_t argument);

static uint32_t threads_free(const struct threads *threads)
{
    ASSERT(threads->parked <= threads->count);
    return threads->count - threads->parked;
}

static KnResult thread_add(struct stm *stm)
{
    struct threads *threads = &stm->threads;
    KnResult status;

    if (threads->count >= threads->most)
        return K_ENOMEM;
    status = thread_launch(NULL, serve, (uintptr_t)stm, THREADS_STACK_BYTES, &threads->sched);
    if (status == K_OK)
        threads->count++;
    return status;
}

KnResult threads_start(struct stm *stm, int32_t li, uint32_t most)
{
    struct threads *threads = &stm->threads;
    KnResult status = threadScheduler(K_MYACTOR, K_MYSELF, &threads->sched, NULL);

    threads->port = li;
    threads->most = most == 0 ? THREADS_MOST : MAX(most, THREADS_FREE_LEAST);
    lock_take(&stm->lock);
    while (status == K_OK && threads->count < THREADS_FREE_LEAST)
        status = thread_add(stm);
    lock_give(&stm->lock);
    return status;
}

int threads_park(struct stm *stm)
{
    struct threads *threads = &stm->threads;

    if (threads_free(threads) <= THREADS_FREE_LEAST && thread_add(stm) != K_OK &&
        threads_free(threads) == 1)
        return -ENOMEM;
    threads->parked++;
    return 0;
}

void threads_unpark(struct stm *stm)
{
    ASSERT(stm->threads.parked > 0);
    stm->threads.parked--;
}

/* ---- Serving --------------------------------------------------------------------------------- */

/* Sends the reply. Whether the client has it; if it has gone, so has the abort that told of it. */
static bool reply_send(const struct idl_context *context, struct idl_message *reply)
{
    KnMsgDesc answer = {.bodySize = reply->body_bytes,
                        .bodyAddr = reply->body,
                        .annexAddr = (VmAddr)reply->annex};
    KnResult status = ipcReply(&answer);
    bool done = status == K_OK;

    if (status == K_ENOMEM) {
        (void)idl_reply_finish(&stm_protocol, context, K_ENOMEM, reply);
        answer.bodySize = 0;
        status = ipcReply(&answer);
    }
    if (status == K_EUNKNOWN)
        (void)threadAborted();
    return done;
}

/* Only what is looked at is set: the bodies are large. A reply's body of more than call->answer has
 * room for is always placed elsewhere. */
static void call_init(struct call *call, struct stm *stm, uint32_t body_bytes)
{
    call->stm = stm;
    call->body_bytes = body_bytes;
    call->settle = NULL;
    call->opened[0] = call->opened[1] = NULL;
}

/* Serves a request that is there. Whether the thread is to go on. */
static bool serve_call(struct call *call, struct idl_message *request, struct stm *stm)
{
    struct idl_message reply = {.body = (VmAddr)call->answer, .body_room = STM_REPLY_BODY_MAX};
    struct idl_context context = {.li = stm->threads.port, .is_request = true};
    bool done, is_surplus, is_pending;

    lock_take(&stm->lock);
    done = stm_dispatch(&stm_operations, call, &context, request, &reply) == K_OK;
    done = reply_send(&context, &reply) && done;
    call_settle(call, done);
    is_pending = signals_are_pending(stm);
    is_surplus = threads_free(&stm->threads) > THREADS_FREE_MOST;
    if (is_surplus)
        stm->threads.count--;
    lock_give(&stm->lock);
    if (is_pending)
        signals_send(stm);
    return !is_surplus;
}

static bool serve_one(struct stm *stm)
{
    struct call call;
    struct idl_message request = {.body = (VmAddr)call.body};
    KnMsgDesc receive = {.bodySize = CALL_BODY_BYTES,
                         .bodyAddr = (VmAddr)call.body,
                         .annexAddr = (VmAddr)request.annex};
    int32_t li = stm->threads.port;
    KnResult got = ipcReceive(&receive, &li, K_NOTIMEOUT);

    if (got == K_ENOMEM)
        return true; /* what could not be received is still in the queue */
    ASSERT(got >= 0);
    request.body_bytes = request.body_room = (uint32_t)got;
    call_init(&call, stm, request.body_bytes);
    return serve_call(&call, &request, stm);
}

static void serve(uintptr_t argument)
{
    struct stm *stm = (struct stm *)argument;

    while (serve_one(stm))
        continue;
}
