/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/server.h"

#include "chorus/calls.h"
#include "chorus/services.h"
#include "chorus/ui.h"
#include "subsystems/mix/pm/pm.h"

#define LOOK_AGAIN_NS 200000

/* Servers start in the composition's order, and each says when it is ready; a port may still be
 * late by a moment. */
static void find(KnUniqueId *port, uint64_t stamp)
{
    (void)uiBuild(port, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), stamp);
    while (uiIsLocal(port) == 0)
        (void)threadDelay(LOOK_AGAIN_NS);
}

void servers_init(struct pm *pm)
{
    find(&pm->servers.om, SERVICE_OM);
    find(&pm->servers.stm, SERVICE_STM);
}

struct call_buffer *buffer_take(struct pm *pm)
{
    struct servers *servers = &pm->servers;

    mutexGet(&servers->lock);
    struct call_buffer *buffer = servers->free;

    if (buffer != NULL)
        servers->free = buffer->next;
    mutexRel(&servers->lock);
    return buffer != NULL ? buffer : heap_allocate(&pm->heap, sizeof(*buffer));
}

void buffer_give(struct pm *pm, struct call_buffer *buffer)
{
    struct servers *servers = &pm->servers;

    mutexGet(&servers->lock);
    buffer->next = servers->free;
    servers->free = buffer;
    mutexRel(&servers->lock);
}

struct idl_client om_client(struct pm *pm, struct call_buffer *buffer)
{
    struct idl_client client;

    idl_client_init(&client, &pm->servers.om, buffer == NULL ? NULL : buffer->body,
                    buffer == NULL ? 0 : sizeof(buffer->body));
    return client;
}

struct idl_client stm_client(struct pm *pm)
{
    struct idl_client client;

    idl_client_init(&client, &pm->servers.stm, NULL, 0);
    client.flags = K_ABORTABLE;
    return client;
}

struct om_who om_who(const struct process *process)
{
    return (struct om_who){process->who.fsuid, process->who.fsgid};
}

struct stm_who stm_who(const struct task *task)
{
    const struct process *process = task->process;
    uint64_t ignored = 0;

    for (int32_t signal = SIGTTIN; signal <= SIGTTOU; signal++) {
        if (process->actions[signal].handler == SIG_IGN)
            ignored |= SIGNAL_BIT(signal);
    }
    return (struct stm_who){
        .pid = (uint32_t)process->pid,
        .group = (uint32_t)process->group,
        .session = (uint32_t)process->session,
        .blocked_ttin = ((task->blocked | ignored) & SIGNAL_BIT(SIGTTIN)) != 0,
        .blocked_ttou = ((task->blocked | ignored) & SIGNAL_BIT(SIGTTOU)) != 0,
    };
}

long server_result(KnResult status)
{
    if (status >= 0)
        return status;
    if (status == K_EABORT || status == idl_errno(EINTR))
        return MIX_RESTART;
    if (status == K_EFAULT)
        return -EFAULT;
    if (status == K_ENOMEM)
        return -ENOMEM;
    return idl_unix(status, EIO);
}

long server_path_result(KnResult status, const uint32_t *mount)
{
    return status == K_OK && *mount != 0 ? -EREMOTE : server_result(status);
}

long servers_hold_directories(struct pm *pm, struct process *process)
{
    struct idl_client client = om_client(pm, NULL);
    const struct om_hold_in root = {process->root}, directory = {process->directory};
    long result = server_result(om_hold(&client, &root));

    if (result < 0)
        return result;
    result = server_result(om_hold(&client, &directory));
    if (result < 0) {
        const struct om_close_in undo = {process->root};

        (void)om_close(&client, &undo);
    }
    return result;
}

void servers_release_directories(struct pm *pm, struct process *process)
{
    struct idl_client client = om_client(pm, NULL);
    const struct om_close_in root = {process->root}, directory = {process->directory};

    (void)om_close(&client, &root);
    (void)om_close(&client, &directory);
}
