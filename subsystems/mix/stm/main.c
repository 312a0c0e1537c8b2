/* SPDX-License-Identifier: BSD-2-Clause */
/* The Streams Manager's start. See stm.h. */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "service/service.h"
#include "subsystems/mix/stm/stm.h"

/* The key of our own actor comes from the Nucleus' random source. */
static KnResult seed_get(uint64_t *seed)
{
    KnCap self;
    KnResult status = actorSelf(&self);

    if (status == K_OK)
        status = sysTime(seed);
    if (status == K_OK)
        *seed ^= self.key;
    return status;
}

static KnResult state_init(struct stm *stm)
{
    uint64_t seed;
    KnResult status = mutexInit(&stm->lock);

    if (status == K_OK)
        status = seed_get(&seed);
    if (status != K_OK)
        return status;
    streams_init(&stm->streams, seed);
    pipes_init(&stm->pipes);
    terminal_init(&stm->terminal);
    return signals_init(&stm->signals);
}

static KnResult start(struct stm *stm, uintptr_t argument)
{
    KnResult status = state_init(stm), port;

    if (status == K_OK)
        status = threadScheduler(K_MYACTOR, K_MYSELF, &stm->threads.sched, NULL);
    if (status == K_OK)
        status = channel_start(stm);
    if (status != K_OK)
        return status;
    port = service_declare(SERVICE_STM);
    if (port < 0)
        return port;
    status = threads_start(stm, (int32_t)port, SERVICE_ARGUMENT_THREADS(argument));
    if (status == K_OK)
        status = service_ready();
    return status == K_EUNKNOWN ? K_OK : status; /* no boot: something else has started us */
}

static void stm_main(struct stm *stm, uintptr_t argument)
{
    KnResult status = start(stm, argument);

    if (status != K_OK)
        log_print("stm: it cannot start: %s\n", strSysError(status));
    else
        channel_send_all(stm);
}

ACTOR_PROGRAM(stm, struct stm, stm_main);
