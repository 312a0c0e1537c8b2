/* SPDX-License-Identifier: BSD-2-Clause */
/* The Process Manager: see pm.h. Its first thread serves idl/pm.idl, a second sends SIGALRM. */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/services.h"
#include "chorus/thread.h"
#include "chorus/ui.h"
#include "idl/boot.h"
#include "idl/pm.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/program.h"
#include "subsystems/mix/pm/time.h"

#define STACK_BYTES 16384

/* ---- The protocol ------------------------------------------------------------------------ */

static KnResult serve_signal_group(void *server, const struct idl_context *context,
                                   const struct pm_signal_group_in *in)
{
    struct pm *pm = server;
    const struct linux_siginfo info = {.signal = (int32_t)in->signal, .code = SI_KERNEL};
    struct process *process;

    (void)context;
    if (in->signal == 0 || in->signal > SIGNAL_COUNT)
        return idl_errno(EINVAL);
    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if ((uint32_t)process->group == in->group)
            (void)signal_post(process, NULL, &info);
    }
    mutexRel(&pm->lock);
    return K_OK;
}

static const struct pm_server_ops operations = {.signal_group = serve_signal_group};

static void serve_one(struct pm *pm, int32_t port)
{
    struct idl_message request = {.body = 0}, reply = {.body = 0};
    struct idl_context context = {.li = port};
    KnMsgDesc receive = {.annexAddr = (VmAddr)request.annex};
    KnMsgDesc answer = {.annexAddr = (VmAddr)reply.annex};
    KnMsgHead head;
    int32_t li = port;
    KnResult got = ipcReceive(&receive, &li, K_NOTIMEOUT);

    if (got < 0 || ipcSysInfo(&head) != K_OK)
        return;
    request.body_bytes = (uint32_t)got;
    context.source = head.srcPort;
    context.actor_id = head.actorId;
    context.is_request = head.isRequest != 0;
    (void)pm_dispatch(&operations, pm, &context, &request, &reply);
    if (context.is_request)
        (void)ipcReply(&answer);
}

/* ---- Start ------------------------------------------------------------------------------- */

void pm_random(struct pm *pm, void *to, size_t bytes)
{
    struct random *random = &pm->random;

    mutexGet(&pm->lock);
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t word = random_next(random);

        memcpy((char *)to + at, &word, MIN(bytes - at, sizeof(word)));
    }
    mutexRel(&pm->lock);
}

static void alarms(uintptr_t argument)
{
    time_alarms((struct pm *)argument);
}

static void tell_boot(void)
{
    const struct boot_ready_in in = {.name = "pm"};
    struct idl_client client;
    KnUniqueId boot;

    (void)uiBuild(&boot, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVICE_BOOT);
    idl_client_init(&client, &boot, NULL, 0);
    (void)boot_ready(&client, &in);
}

static bool start(struct pm *pm, int32_t *port)
{
    KnUniqueId ui;
    KnResult li;

    heap_init(&pm->heap);
    list_init(&pm->file_locks);
    (void)actorSelf(&pm->self);
    random_init(&pm->random, pm->self.key); /* drawn from the hardware by the Nucleus */
    (void)uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVICE_PM);
    li = portDeclare(K_MYACTOR, &ui);
    if (li < 0 || processes_init(pm) < 0 ||
        thread_launch(NULL, alarms, (uintptr_t)pm, STACK_BYTES, NULL) != K_OK)
        return false;
    *port = (int32_t)li;
    servers_init(pm);
    return true;
}

static void pm_main(struct pm *pm, uintptr_t argument)
{
    int32_t port;

    (void)argument;
    if (!start(pm, &port)) {
        (void)log_print("pm: cannot start\n");
        return;
    }
    tell_boot();
    program_launch(pm);
    for (;;)
        serve_one(pm, port);
}

ACTOR_PROGRAM(pm, struct pm, pm_main);
