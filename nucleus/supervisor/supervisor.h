/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor dispatches interrupts. Supervisor actors connect routines to a source; a
 * prioritised sequence of them is called when it fires, and any may break the sequence.
 *
 * I1 A source is unmasked exactly while its sequence is not empty.
 * I2 Routines vanish with the actor that connected them, and message-signalled sources come back
 *    with the end of the actor that took them. Its device may still send: the source that came back
 *    last is the last to be given again.
 */
#ifndef NUCLEUS_SUPERVISOR_H
#define NUCLEUS_SUPERVISOR_H

#include "chorus/types.h"
#include "kit/list.h"
#include "machine/interrupt.h"
#include "nucleus/slab.h"

struct actor;

#define SUPERVISOR_HANDLERS 64

struct interrupt_handler {
    struct list in_sequence; /* of a source, by priority, 0 first */
    struct actor *actor;
    KnItHdl routine;
    void *cookie;
    uint32_t source;
    uint32_t priority;
};

struct supervisor {
    struct list sequence[INTERRUPT_SOURCES];
    struct slab_pool handlers;
    const struct actor *message_owner[INTERRUPT_SOURCES]; /* NULL: free, or a line */
    uint32_t next_message; /* where the search for a free one begins */
    uint64_t interrupts;
};

void supervisor_init(struct supervisor *supervisor);

/* Calls the sequence of `source`, interrupts off. */
void supervisor_interrupt(struct supervisor *supervisor, uint32_t source);

/* Adds a routine like `model`, behind its equals in priority. K_ENOMEM. */
KnResult supervisor_connect(struct supervisor *supervisor, const struct interrupt_handler *model);

/* Takes out the routine with the model's source, actor, routine and cookie. K_EUNKNOWN. */
KnResult supervisor_disconnect(struct supervisor *supervisor,
                               const struct interrupt_handler *model);

/* A free message-signalled source becomes the actor's. K_ENOMEM. */
KnResult supervisor_message(struct supervisor *supervisor, const struct actor *actor,
                            KnItMessage *message);

/* Disconnects all routines of a dying actor, and takes its sources back. */
void supervisor_forget(struct supervisor *supervisor, const struct actor *actor);

#endif
