/* SPDX-License-Identifier: BSD-2-Clause */
/* The port* calls. */
#include "kit/base.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

KnResult call_portCreate(struct thread *self, VmAddr actor, VmAddr port)
{
    struct actor *holder;
    KnUniqueId none = {0, 0};
    KnResult status = actor_argument(self, actor, &holder);

    if (status == K_OK)
        status = copy_out(port, &none, sizeof(none));
    if (status != K_OK)
        return status;
    struct port *created = port_create(holder, none);

    if (created == NULL)
        return K_ENOMEM;
    status = copy_out(port, &created->name.ui, sizeof(created->name.ui));
    if (status != K_OK) {
        port_delete(created);
        return status;
    }
    return created->li;
}

KnResult call_portDeclare(struct thread *self, VmAddr actor, VmAddr port)
{
    struct actor *holder;
    KnUniqueId ui;
    KnResult status = actor_argument(self, actor, &holder);

    if (status == K_OK)
        status = copy_in(&ui, port, sizeof(ui));
    if (status != K_OK)
        return status;
    if (ui_type(ui) != K_UIPORT_STATPORT)
        return K_EINVAL;
    if (port_find(ui) != NULL)
        return K_EEXIST;
    struct port *declared = port_create(holder, ui);

    return declared == NULL ? K_ENOMEM : declared->li;
}

static KnResult port_argument(struct thread *self, VmAddr actor, int32_t li, struct port **port)
{
    struct actor *holder;
    KnResult status = actor_argument(self, actor, &holder);

    if (status != K_OK)
        return status;
    *port = port_of_li(holder, li);
    return *port == NULL ? K_ENOPORT : K_OK;
}

KnResult call_portDelete(struct thread *self, VmAddr actor, int32_t li)
{
    struct port *port;
    KnResult status = port_argument(self, actor, li, &port);

    if (status != K_OK)
        return status;
    if (li == K_DEFAULTPORT)
        return K_EINVAL;
    port_delete(port);
    return K_OK;
}

KnResult call_portEnable(struct thread *self, VmAddr actor, int32_t li, uint32_t priority)
{
    struct port *port;
    KnResult status = port_argument(self, actor, li, &port);

    if (status != K_OK)
        return status;
    port->enabled = true;
    port->priority = priority;
    /* Messages already queued are for who waits for any port. */
    while (!list_is_empty(&port->queue) && wait_queue_first(&port->actor->any_receivers) != NULL) {
        struct message *message = LIST_ENTRY(list_pop_head(&port->queue), struct message, link);

        port->queued--;
        port_untake(message);
    }
    return K_OK;
}

KnResult call_portDisable(struct thread *self, VmAddr actor, int32_t li)
{
    struct port *port;
    KnResult status = port_argument(self, actor, li, &port);

    if (status == K_OK)
        port->enabled = false;
    return status;
}

KnResult call_portUi(struct thread *self, int32_t li, VmAddr port)
{
    struct port *found = port_of_li(self->execution, li);

    return found == NULL ? K_ENOPORT : copy_out(port, &found->name.ui, sizeof(found->name.ui));
}

KnResult call_portLi(struct thread *self, VmAddr port)
{
    KnUniqueId ui;
    KnResult status = copy_in(&ui, port, sizeof(ui));

    if (status != K_OK)
        return status;
    struct port *found = port_find(ui);

    return found == NULL || found->actor != self->execution ? K_ENOPORT : found->li;
}

KnResult call_portPi(struct thread *self, VmAddr actor, int32_t li, VmAddr old, VmAddr new)
{
    struct port *port;
    KnProtId pi;
    KnResult status = port_argument(self, actor, li, &port);

    if (status == K_OK && new != 0)
        status =
            self->execution->privilege == K_USERACTOR ? K_EPRIV : copy_in(&pi, new, sizeof(pi));
    if (status == K_OK && old != 0)
        status = copy_out(old, &port->pi, sizeof(port->pi));
    if (status == K_OK && new != 0)
        port->pi = pi;
    return status;
}

KnResult call_portGetSeqNum(struct thread *self, int32_t li, VmAddr sequence)
{
    struct port *port = port_of_li(self->execution, li);

    return port == NULL ? K_ENOPORT : copy_out(sequence, &port->sequence, sizeof(port->sequence));
}

KnResult call_uiLocalSite(struct thread *self)
{
    (void)self;
    return (KnResult)site_self()->number;
}

KnResult call_uiIsLocal(struct thread *self, VmAddr ui)
{
    KnUniqueId name;
    KnResult status = copy_in(&name, ui, sizeof(name));

    (void)self;
    if (status != K_OK)
        return status;
    return ui_find(&site_self()->executive.names, name) != NULL;
}
