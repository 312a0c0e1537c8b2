/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/stm/signals.h"

#include "chorus/log.h"
#include "idl/pm.h"
#include "kit/string.h"
#include "service/service.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

#define SIGNAL_HALT 0u

KnResult signals_init(struct signals *signals)
{
    signals->count = 0;
    return service_client(&signals->pm, SERVICE_PM, NULL, 0);
}

void signals_post(struct stm *stm, uint32_t group, uint32_t signal)
{
    struct signals *signals = &stm->signals;

    for (uint32_t i = 0; i < signals->count; i++) {
        if (signals->post[i].group == group && signals->post[i].signal == signal)
            return;
    }
    if (signals->count == SIGNALS_MOST)
        log_print("stm: signal %u for group %u is lost\n", signal, group);
    else
        signals->post[signals->count++] = (struct signal_post){group, signal};
}

void signals_post_halt(struct stm *stm)
{
    signals_post(stm, 0, SIGNAL_HALT);
}

bool signals_are_pending(const struct stm *stm)
{
    return stm->signals.count > 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static bool post_take(struct stm *stm, struct signal_post *post)
{
    struct signals *signals = &stm->signals;
    bool found;

    lock_take(&stm->lock);
    found = signals->count > 0;
    if (found) {
        *post = signals->post[0];
        signals->count--;
        memmove(&signals->post[0], &signals->post[1], signals->count * sizeof(*post));
    }
    lock_give(&stm->lock);
    return found;
}

/* A group that has ended meanwhile is no error. */
void signals_send(struct stm *stm)
{
    struct signal_post post;
    KnResult status;

    while (post_take(stm, &post)) {
        const struct pm_signal_group_in in = {post.group, post.signal};

        status = post.signal == SIGNAL_HALT ? pm_halt(&stm->signals.pm)
                                            : pm_signal_group(&stm->signals.pm, &in);
        if (status != K_OK && status != idl_errno(ESRCH))
            log_print("stm: signal %u for group %u: PM says %ld\n", post.signal, post.group,
                      status);
    }
}

int signals_stop_caller(struct call *call, uint32_t group, uint32_t signal)
{
    const struct pm_signal_group_in in = {group, signal};
    KnResult status;

    call_leave(call);
    status = pm_signal_group(&call->stm->signals.pm, &in);
    call_enter(call);
    return status == K_OK ? -EINTR : -EIO;
}
