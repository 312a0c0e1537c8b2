/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: the memory of native actors that no region covers, at its own host addresses. An actor
 * has its state struct, the stacks of its threads above what the Nucleus uses of them, and, to
 * read, its text with the constants in it. On a processor all three are regions; here they are
 * looked up.
 *
 * Supervisor actors share one space, so one may name the windows of all.
 */
#include "machine/copy.h"
#include "machine/sim/internal.h"
#include "machine/sim_host.h"
#include "nucleus/site.h"

static size_t room_in(VmAddr address, const char *low, const char *high)
{
    return address >= (VmAddr)low && address < (VmAddr)high ? (VmAddr)high - address : 0;
}

static size_t stack_room(VmAddr address, const struct thread *thread)
{
    const struct machine_thread *machine = &thread->machine;

    if (machine->stack == NULL)
        return 0;
    return room_in(address, machine->window_low, machine->stack + machine->stack_bytes);
}

/* In the state or in a stack of `actor`. */
static size_t actor_room(VmAddr address, const struct actor *actor)
{
    const struct native *native = native_of(actor);
    struct thread *thread;

    if (native != NULL) {
        size_t room = room_in(address, native->state, native->state + native->state_bytes);

        if (room != 0)
            return room;
    }
    LIST_FOR_EACH(thread, &actor->threads, in_actor) {
        size_t room = stack_room(address, thread);

        if (room != 0)
            return room;
    }
    return 0;
}

static size_t supervisors_room(VmAddr address)
{
    struct actor *actor;

    LIST_FOR_EACH(actor, &site_self()->actors.all, in_site) {
        size_t room = actor->privilege == K_SUPACTOR ? actor_room(address, actor) : 0;

        if (room != 0)
            return room;
    }
    return 0;
}

size_t window_room(VmAddr address, bool write)
{
    const struct thread *self = thread_self();
    size_t room = stack_room(address, self);

    if (address < MACHINE_USER_HIGH || address >= MACHINE_SUPERVISOR_LOW)
        return 0; /* a region's, the common case */
    if (room == 0 && !write)
        room = sim_host_text_room((const void *)address);
    if (room == 0 && self->home != NULL)
        room = actor_room(address, self->home);
    if (room == 0 && self->execution != NULL && self->execution != self->home)
        room = actor_room(address, self->execution);
    if (room == 0 && self->execution != NULL && self->execution->privilege == K_SUPACTOR)
        room = supervisors_room(address);
    return room;
}

bool copy_outside_regions(VmAddr address, size_t bytes)
{
    size_t room = window_room(address, false);

    return room != 0 && room >= bytes;
}
