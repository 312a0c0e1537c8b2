/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: the first actor of a site. It makes the others as the composition says, one after another,
 * each when the one before has said that it is ready; it stays as their parent, tells the log when
 * one dies, and gives out members of the system archive.
 *
 *   composition.c  the composition, from text
 *   archive.c      the system archive
 *   start.c        one actor: made, loaded, started, awaited
 *   watch.c        a thread for each actor that learns of its end
 *   main.c         the program, the order, and the protocol (idl/boot.idl)
 *
 * I1 One actor is started at a time: only it is STARTING, and nobody else's word that he is ready
 *    counts.
 * I2 An actor that the site cannot do without ends the site with it, so that the launcher learns of
 *    it; one that is optional is missed on the log alone.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "archive.h"
#include "chorus/sync.h"
#include "composition.h"

/* How long an actor may take until it is ready. Without a bound in the deterministic mode, whose
 * time runs ahead while the machine waits for the host. */
#define BOOT_READY_NS ((int64_t)30000000000)

enum child_state { CHILD_NONE, CHILD_STARTING, CHILD_READY, CHILD_ENDED };

#define CHILD_CHANGED 1u

/* An actor of the composition. */
struct child {
    const struct composition_actor *line;
    KnCap actor;
    KnUniqueId watched; /* a port in the actor that it knows nothing of */
    uint32_t state;     /* enum child_state; changed by child_change alone */
    KnEventSet changed; /* CHILD_CHANGED is posted once it is STARTING no more */
    struct boot *boot;
};

struct boot {
    struct archive archive;
    struct composition composition;
    struct child child[COMPOSITION_ACTORS_MAX];
    int64_t ready_ns;       /* BOOT_READY_NS, or K_NOTIMEOUT */
    KnSchedParms sched;     /* of the first thread, and of all others here */
    struct child *starting; /* NULL: none */
};

/* Makes and starts the actor of a line, and waits up to ready_ns until it is ready. After an
 * error it is gone again: K_ETIMEOUT, it was not ready in time; K_ELOST, it ended first; else
 * those of the calls made. `doing` tells what failed. */
KnResult child_start(struct child *child, int64_t ready_ns, const char **doing);

/* Changes the state, if it is `from`. */
bool child_change(struct child *child, enum child_state from, enum child_state to);

/* Has a thread wait for the actor's end. */
KnResult child_watch(struct child *child);

#endif
