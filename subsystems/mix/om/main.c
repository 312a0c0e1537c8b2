/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: makes the mounts, then serves idl/om.idl at SERVICE_OM with several workers, in user
 * or in supervisor space.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "kit/base.h"
#include "server/server.h"
#include "service/service.h"
#include "subsystems/mix/om/serve.h"
#include "subsystems/mix/om/start.h"

#define WORKERS 8u /* where the composition says nothing */
#define WORKERS_MAX 16u
#define WORKER_STACK_BYTES 32768u
#define HEAP_BYTES ((size_t)32 << 20) /* addresses; frames only where it was touched */
#define PAGE_BYTES_MOST 8192u         /* of any machine's pages */
#define HEAP_SHARE 8u                 /* at most one part in so many of the site's memory */

struct worker {
    struct server *server;
    uint8_t request[OM_REQUEST_BODY_MAX];
    uint8_t reply[OM_REPLY_BODY_MAX];
};

struct om_state {
    struct om om;
    struct server server;
    struct archive archive;
    struct worker worker[WORKERS_MAX];
    uint8_t heap[HEAP_BYTES + PAGE_BYTES_MOST]; /* used from a page's start on */
};

static void work(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;
    const struct server_buffers buffers = {worker->request, sizeof(worker->request), worker->reply,
                                           sizeof(worker->reply)};
    KnResult status = server_work(worker->server, &buffers);

    (void)log_print("om: a worker ends: %s\n", strSysError(status));
}

/* All workers but the first, which the main thread is. */
static KnResult workers_start(struct om_state *state, uint32_t count)
{
    KnSchedParms sched;
    KnResult status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);

    for (uint32_t i = 0; i < count && status == K_OK; i++) {
        state->worker[i].server = &state->server;
        if (i > 0)
            status =
                thread_launch(NULL, work, (uintptr_t)&state->worker[i], WORKER_STACK_BYTES, &sched);
    }
    return status;
}

/* The keys of capabilities come from the hardware's random source. */
static KnResult random_seed(uint64_t *seed)
{
    KnCap segment;
    KnResult status = sgCreate(&segment, 0);

    if (status != K_OK)
        return status;
    *seed = segment.key;
    return sgDestroy(&segment);
}

/* Zeroed pages that are there, in the place of those that come when they are touched. Memory that
 * no region holds, as an actor's state in the simulator, is there from the start. */
static bool lock_memory(void *memory, size_t bytes)
{
    KnRgnStat found;
    KnRgnDesc region = {.startAddr = (VmAddr)memory,
                        .size = bytes,
                        .options = K_READABLE | K_WRITABLE | K_FILLZERO | K_OVERMAP | K_NODEMAND};

    if (rgnStat(K_MYACTOR, (VmAddr)memory, &found) == K_EADDR)
        return true;
    return rgnAllocate(K_MYACTOR, &region) == K_OK;
}

static KnResult om_init(struct om_state *state)
{
    KnSiteStat site;
    uint64_t seed = 0;
    KnResult status = siteStat(&site);

    if (status == K_OK)
        status = random_seed(&seed);
    if (status != K_OK)
        return status;
    heap_init(&state->om.heap, (void *)ALIGN_UP((uintptr_t)state->heap, PAGE_BYTES_MOST),
              (size_t)MIN((uint64_t)site.ssFramesTotal * site.ssPageBytes / HEAP_SHARE,
                          (uint64_t)HEAP_BYTES) &
                  ~(size_t)(PAGE_BYTES_MOST - 1),
              lock_memory);
    mounts_init(&state->om.mounts);
    keys_init(&state->om.keys, seed);
    return start_mounts(&state->om, &state->archive) == 0 ? K_OK : K_EIO;
}

static KnResult start(struct om_state *state, uint32_t threads)
{
    KnResult status = om_init(state), li;

    if (status != K_OK)
        return status;
    li = service_declare(SERVICE_OM);
    if (li < 0)
        return li;
    server_init(&state->server);
    status = server_add(&state->server, (int32_t)li, om_service(&om_ops, &state->om));
    if (status == K_OK)
        status = workers_start(state, threads == 0 ? WORKERS : MIN(threads, WORKERS_MAX));
    if (status == K_OK)
        status = service_ready();
    return status == K_EUNKNOWN ? K_OK : status; /* no boot: something else started us */
}

static void om_main(struct om_state *state, uintptr_t argument)
{
    KnResult status = start(state, SERVICE_ARGUMENT_THREADS(argument));

    if (status == K_OK)
        work((uintptr_t)&state->worker[0]);
    else
        (void)log_print("om: cannot start: %s\n", strSysError(status));
}

ACTOR_PROGRAM(om, struct om_state, om_main);
