/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/ipc/port.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"

struct port *port_create(struct actor *actor, KnUniqueId ui)
{
    struct site *site = site_self();
    struct port *port = slab_allocate(&site->ipc.ports);

    if (port == NULL)
        return NULL;
    list_init(&port->queue);
    wait_queue_init(&port->receivers);
    wait_queue_init(&port->clients);
    port->actor = actor;
    port->li = actor->next_li++;
    port->pi = actor->pi;
    list_init(&port->in_actor);
    list_add_tail(&actor->ports, &port->in_actor);
    actor->port_count++;
    ui_enter(&site->executive.names, &port->name,
             ui_is_none(ui) ? ui_new(&site->executive.names, K_UIPORT) : ui);
    return port;
}

void port_delete(struct port *port)
{
    struct site *site = site_self();

    pager_mapper_gone(port->name.ui);
    ui_leave(&site->executive.names, &port->name);
    list_remove(&port->in_actor);
    port->actor->port_count--;
    wait_queue_wake_all(&port->receivers, K_ENOPORT);
    wait_queue_wake_all(&port->clients, K_OK); /* they look again, and find no port */
    while (!list_is_empty(&port->queue))
        message_drop(LIST_ENTRY(list_pop_head(&port->queue), struct message, link), K_EUNREACH);
    slab_free(&site->ipc.ports, port);
}

struct port *port_find(KnUniqueId ui)
{
    KnUiType type = ui_type(ui);
    struct ui_entry *entry;

    if (type != K_UIPORT && type != K_UIPORT_STATPORT)
        return NULL;
    entry = ui_find(&site_self()->executive.names, ui);
    return entry == NULL ? NULL : container_of(entry, struct port, name);
}

struct port *port_of_li(struct actor *actor, int32_t li)
{
    struct port *port;

    LIST_FOR_EACH(port, &actor->ports, in_actor) {
        if (port->li == li)
            return port;
    }
    return NULL;
}

/* ---- Queue ------------------------------------------------------------------------------- */

static void hand_over(struct thread *receiver, struct message *message)
{
    ASSERT(receiver->arrived == NULL);
    receiver->arrived = message;
    if (message->transaction != NULL)
        message->transaction->server = receiver;
}

KnResult port_put(struct port *port, struct message *message)
{
    struct thread *receiver = wait_queue_first(&port->receivers);

    if (receiver == NULL && port->enabled)
        receiver = wait_queue_first(&port->actor->any_receivers);
    if (receiver == NULL && port->queued >= K_CPORTQUEUE && !message->reserved)
        return K_EFULL;
    message->target = port->name.ui;
    message->sequence = ++port->sequence;
    trace_add(&site_self()->trace, TRACE_SEND, 0, (uintptr_t)port->li, message->body_bytes,
              port->queued);
    if (receiver == NULL) {
        list_add_tail(&port->queue, &message->link);
        port->queued++;
        return K_OK;
    }
    hand_over(receiver, message);
    thread_wake(receiver, K_OK);
    return K_OK;
}

static struct port *best_enabled(struct actor *actor)
{
    struct port *best = NULL;
    struct port *port;

    LIST_FOR_EACH(port, &actor->ports, in_actor) {
        if (!port->enabled || list_is_empty(&port->queue))
            continue;
        if (best == NULL || port->priority < best->priority)
            best = port;
    }
    return best;
}

static void leave_queue(struct port *port, struct message *message)
{
    ASSERT(port->queued > 0);
    list_remove(&message->link);
    port->queued--;
    if (port->queued == 0)
        wait_queue_wake_all(&port->clients, K_OK); /* one that was woken may have ended instead */
    else if (port->queued < K_CPORTQUEUE)
        (void)wait_queue_wake_one(&port->clients, K_OK);
}

struct message *port_take(struct actor *actor, struct port *port)
{
    if (port == NULL)
        port = best_enabled(actor);
    if (port == NULL || list_is_empty(&port->queue))
        return NULL;
    struct message *message = LIST_ENTRY(list_first(&port->queue), struct message, link);

    leave_queue(port, message);
    hand_over(thread_self(), message);
    return message;
}

void port_withdraw(struct port *port, struct message *message)
{
    leave_queue(port, message);
    message_free(message);
}

void port_untake(struct message *message)
{
    struct port *port = port_find(message->target);

    if (port == NULL) {
        message_drop(message, K_EUNREACH);
        return;
    }
    if (message->transaction != NULL)
        message->transaction->server = NULL;
    message->emptied = 0;
    struct thread *receiver = wait_queue_first(&port->receivers);

    if (receiver == NULL && port->enabled)
        receiver = wait_queue_first(&port->actor->any_receivers);
    if (receiver != NULL) {
        hand_over(receiver, message);
        thread_wake(receiver, K_OK);
        return;
    }
    list_add_head(&port->queue, &message->link);
    port->queued++;
}
