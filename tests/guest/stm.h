/* SPDX-License-Identifier: BSD-2-Clause */
/* For the cases of the Streams Manager: starting it, and short ways to call it. Results are 0 or
 * more, or a negated errno; what the Nucleus says, as K_EABORT, stays as it is. */
#ifndef TESTS_GUEST_STM_H
#define TESTS_GUEST_STM_H

#include "chorus/services.h"
#include "chorus/sync.h"
#include "idl/stm.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "mix/linux.h"
#include "service/service.h"
#include "tests/guest/case.h"

#define STM_PRIORITY 48
#define STM_BOUND_NS (UINT64_C(10000) * GUEST_MS)
#define CLIENT_STACK_BYTES 8192u

/* Starts STM in user or supervisor space, and waits until it answers. */
static inline KnResult stm_begin(KnCap *actor, KnActorPrivilege privilege,
                                 struct idl_client *client)
{
    bool supervisor = privilege == K_SUPACTOR;
    uint64_t end_ns = guest_now_ns() + STM_BOUND_NS;
    KnSchedParms sched = {K_SCHED_RR, STM_PRIORITY};
    KnStartInfo start = {0};
    KnResult status = actorCreate(K_MYACTOR, actor, privilege, K_ACTIVE);

    if (status == K_OK)
        status = svActorCalls(actor, 1);
    if (status == K_OK)
        status = svActorLoad(actor, supervisor ? "bin/stm.supervisor" : "bin/stm.user", &start);
    start.dsArgument = 0;
    if (status == K_OK)
        status = threadCreate(actor, NULL, K_ACTIVE, &sched, &start);
    if (status >= 0)
        status = service_client(client, SERVICE_STM, NULL, 0);
    client->flags = K_ABORTABLE;
    while (status == K_OK && uiIsLocal(&client->target) == 0) {
        if (guest_now_ns() >= end_ns)
            return K_ETIMEOUT;
        threadDelay(GUEST_MS);
    }
    return status < 0 ? status : K_OK;
}

static inline void stm_end(struct guest *guest, KnCap *actor)
{
    EXPECT_EQ(actorDelete(actor), K_OK);
    EXPECT_EQ(guest_wait_end(actor, STM_BOUND_NS), K_OK);
}

static inline long stm_result(KnResult status, uint32_t count)
{
    if (status == K_OK)
        return count;
    return idl_is_errno(status) ? idl_unix(status, 0) : status;
}

static const struct stm_who stm_nobody = {1, 1, 1, 0, 0};

static inline long do_read(const struct idl_client *client, uint64_t key, void *to, uint32_t bytes,
                           bool wait)
{
    const struct stm_read_in in = {key, bytes, wait, stm_nobody};
    struct stm_read_out out = {.data = to, .data_room = bytes};
    KnResult status = stm_read(client, &in, &out);

    return stm_result(status, out.data_bytes);
}

static inline long do_write(const struct idl_client *client, uint64_t key, const void *from,
                            uint32_t bytes, bool wait)
{
    const struct stm_write_in in = {key, wait, stm_nobody, from, bytes};
    struct stm_write_out out = {0};
    KnResult status = stm_write(client, &in, &out);

    return stm_result(status, out.count);
}

static inline long do_close(const struct idl_client *client, uint64_t key)
{
    const struct stm_close_in in = {key};

    return stm_result(stm_close(client, &in), 0);
}

static inline long do_pipe(const struct idl_client *client, uint64_t keys[2])
{
    struct stm_pipe_out out = {0};
    KnResult status = stm_pipe(client, &out);

    keys[0] = out.read_key;
    keys[1] = out.write_key;
    return stm_result(status, 0);
}

static inline long do_stream(const struct idl_client *client, uint32_t which, uint64_t *key,
                             uint32_t *is_tty)
{
    const struct stm_stream_in in = {which};
    struct stm_stream_out out = {0};
    KnResult status = stm_stream(client, &in, &out);

    *key = out.key;
    *is_tty = out.is_tty;
    return stm_result(status, 0);
}

/* Whether one stream is ready within a time; its events. */
static inline long do_poll(const struct idl_client *client, uint64_t key, uint32_t events,
                           int64_t timeout_ns)
{
    struct stm_watch watch = {key, events, 0};
    uint8_t wire[STM_WATCH_BYTES];
    const struct stm_poll_in in = {timeout_ns, wire, sizeof(wire)};
    struct stm_poll_out out = {.results = wire, .results_room = sizeof(wire)};
    KnResult status;

    stm_watch_store(wire, &watch);
    status = stm_poll(client, &in, &out);
    if (status == K_OK)
        stm_watch_load(wire, &watch);
    return stm_result(status, watch.revents);
}

#endif
