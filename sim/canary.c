/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canaries: deliberate misuse of memory inside the Nucleus, and of the processor. Each must end the
 * process with a report of the sanitizer, or of the watchdog; a canary that lives says so, and the
 * suite fails. They run as the first actor of a site, in the Nucleus' stead.
 */
#include <string.h>

#include "chorus/calls.h"
#include "chorus/program.h"
#include "nucleus/calls.h"
#include "nucleus/ipc/message.h"
#include "nucleus/ipc/port.h"
#include "nucleus/site.h"
#include "sim/world.h"

/* A port is read after it was deleted. */
static void port_after_free(void)
{
    struct port *port = port_create(thread_self()->home, (KnUniqueId){0, 0});

    port_delete(port);
    (void)*(volatile uint32_t *)&port->queued;
}

/* The byte after a message is written. */
static void message_overrun(void)
{
    struct message *message = message_create(0, false);

    *(volatile char *)(message + 1) = 1;
}

/* A frame is written after it was freed. */
static void frame_after_free(void)
{
    struct frame *frame;

    if (frame_allocate(&frame, FRAME_BODY) != K_OK)
        return; /* and so it is not reported */
    char *address = frame_address(frame);

    frame_free(frame);
    *(volatile char *)address = 1;
}

/* An actor makes no Nucleus call; the watchdog, not the sanitizer, reports it. */
static void silent_loop(void)
{
    for (volatile uint64_t rounds = 0;; rounds++)
        continue;
}

static const struct {
    const char *name;
    void (*run)(void);
} canaries[] = {
    {"port-after-free", port_after_free},
    {"message-overrun", message_overrun},
    {"frame-after-free", frame_after_free},
    {"silent-loop", silent_loop},
};

struct canary_state {
    char unused;
};

static void canary_main(struct canary_state *state, uintptr_t argument)
{
    const char *name = world_self()->options->canary;

    (void)state;
    (void)argument;
    cpu_self()->machine.masked = true; /* as in the Nucleus */
    for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++) {
        if (strcmp(canaries[i].name, name) != 0)
            continue;
        canaries[i].run();
        fprintf(stderr, "canary %s: nobody reported it\n", name);
        sim_host_end(0);
    }
    fprintf(stderr, "canary %s: there is no such one\n", name);
    sim_host_end(0);
}

ACTOR_PROGRAM(canary, struct canary_state, canary_main);
