/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: an address and a bounded first-in-first-out queue, attached to one actor.
 *
 * I1 A port has waiting receivers only while its queue is empty, waiting clients only while it is
 *    full.
 * I2 The li of a port is constant while it stays in its actor; 0 is the default port.
 */
#ifndef NUCLEUS_PORT_H
#define NUCLEUS_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"
#include "nucleus/executive/executive.h"

struct actor;
struct message;

struct port {
    struct ui_entry name; /* first */
    struct actor *actor;
    struct list in_actor;
    int32_t li;
    struct list queue;
    uint32_t queued;
    struct wait_queue receivers; /* threads that wait on this very port */
    struct wait_queue clients;   /* threads whose request waits for room in the queue */
    bool enabled;
    uint32_t priority; /* among enabled ports; low value first */
    KnProtId pi;
    uint64_t sequence; /* messages queued so far */
};

/* Makes a port of `actor` with identifier `ui` (none: a new one). NULL: no memory. */
struct port *port_create(struct actor *actor, KnUniqueId ui);

/* Ends its receivers' waits, its queued messages and their RPCs. */
void port_delete(struct port *port);

struct port *port_find(KnUniqueId ui);
struct port *port_of_li(struct actor *actor, int32_t li);

/* The next message for a receiver on `port`, or on any enabled port of `actor` (port NULL);
 * NULL: none. */
struct message *port_take(struct actor *actor, struct port *port);

/* A message that could not be delivered goes back where it came from. */
void port_untake(struct message *message);

/* Queues a complete message, or hands it to a receiver that waits. K_EFULL; never for requests to
 * mappers, of which their own pool is the bound. */
KnResult port_put(struct port *port, struct message *message);

/* A queued message is for nobody any more. */
void port_withdraw(struct port *port, struct message *message);

#endif
