/* SPDX-License-Identifier: BSD-2-Clause */
/* The Process Manager: see pm.h. Its first thread serves idl/pm.idl, a second sends SIGALRM. */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "idl/pm.h"
#include "kit/base.h"
#include "kit/string.h"
#include "service/service.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/program.h"
#include "subsystems/mix/pm/time.h"

#define STACK_BYTES 16384
#define RANDOM_SEEDS 8 /* of 64 bits: twice what the generator's key holds */

/* ---- The protocol ------------------------------------------------------------------------ */

/* 0 or an errno. pm->lock is held. */
static int32_t signal_group(struct pm *pm, int32_t group, int32_t signal)
{
    const struct linux_siginfo info = {.signal = signal, .code = SI_KERNEL};
    struct process *process;
    int32_t error = ESRCH;

    if ((signal == SIGTTIN || signal == SIGTTOU) && group_is_orphaned(pm, group))
        return EIO;
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->group != group || process == pm->processes.first ||
            process->state == PROCESS_ZOMBIE)
            continue;
        (void)signal_post(process, NULL, &info);
        error = 0;
    }
    return error;
}

static KnResult serve_signal_group(void *server, const struct idl_context *context,
                                   const struct pm_signal_group_in *in)
{
    struct pm *pm = server;
    int32_t error;

    (void)context;
    if (in->signal == 0 || in->signal > SIGNAL_COUNT || in->group > INT32_MAX)
        return idl_errno(EINVAL);
    signal_lock(pm, 0);
    if (in->group != 0)
        error = signal_group(pm, (int32_t)in->group, (int32_t)in->signal);
    else
        error =
            pm->program == NULL ? ESRCH : signal_group(pm, pm->program->group, (int32_t)in->signal);
    mutexRel(&pm->lock);
    return error == 0 ? K_OK : idl_errno(error);
}

static void halt(uintptr_t argument)
{
    program_halt((struct pm *)argument);
}

/* In a thread of its own, for it waits for other servers, and processes need this one meanwhile. */
static KnResult serve_halt(void *server, const struct idl_context *context)
{
    struct pm *pm = server;

    (void)context;
    if (!pm->halting)
        pm->halting = thread_launch(NULL, halt, (uintptr_t)pm, STACK_BYTES, NULL) == K_OK;
    return K_OK;
}

static const struct pm_server_ops operations = {.signal_group = serve_signal_group,
                                                .halt = serve_halt};

/* ---- Start ------------------------------------------------------------------------------- */

void pm_random(struct pm *pm, void *to, size_t bytes)
{
    mutexGet(&pm->lock);
    chacha_draw(&pm->random, to, bytes);
    mutexRel(&pm->lock);
}

/* The Nucleus draws the key of each segment from the hardware; of these nobody else is told. */
static KnResult random_start(struct chacha *random)
{
    KnResult status = K_OK;
    KnCap segment;

    for (int i = 0; i < RANDOM_SEEDS && status == K_OK; i++) {
        status = sgCreate(&segment, 0);
        if (status == K_OK) {
            chacha_stir(random, segment.key);
            status = sgDestroy(&segment);
        }
    }
    chacha_stir(random, pm_now_ns()); /* for what it is worth, where there is no such source */
    return status;
}

static void alarms(uintptr_t argument)
{
    time_alarms((struct pm *)argument);
}

static KnResult start(struct pm *pm)
{
    KnResult li;

    heap_init(&pm->heap);
    pm->names = pm_names;
    locks_init(&pm->locks);
    list_init(&pm->signal_room.spare);
    (void)actorSelf(&pm->self);
    li = random_start(&pm->random);
    if (li == K_OK)
        li = service_declare(SERVICE_PM);
    if (li < 0)
        return li;
    if (processes_init(pm) < 0)
        return K_ENOMEM;
    servers_init(pm);
    server_init(&pm->server);
    li = server_add(&pm->server, (int32_t)li, pm_service(&operations, pm));
    return li == K_OK ? thread_launch(NULL, alarms, (uintptr_t)pm, STACK_BYTES, NULL) : li;
}

static void pm_main(struct pm *pm, uintptr_t argument)
{
    const struct server_buffers none = {NULL, 0, NULL, 0}; /* requests and replies are short */
    KnResult status = start(pm);

    (void)argument;
    if (status < 0) {
        (void)log_print("pm: cannot start: %s\n", strSysError(status));
        return;
    }
    (void)service_ready();
    program_launch(pm);
    status = server_work(&pm->server, &none);
    (void)log_print("pm: serves no more: %s\n", strSysError(status));
}

ACTOR_PROGRAM(pm, struct pm, pm_main);
