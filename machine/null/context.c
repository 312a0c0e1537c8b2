/* SPDX-License-Identifier: BSD-2-Clause */
/* context.h. A dozen lines of assembly switch stacks; the rest prepares the first frame of a new
 * thread. */
#include "machine/context.h"

#include "machine/system.h"
#include "nucleus/executive/thread.h"

/* Takes a supervisor stack and puts on it what the first switch will pop. */
KnResult context_create(struct thread *thread, const KnStartInfo *start)
{
    (void)thread;
    (void)start;
    return K_ENOMEM;
}

void context_destroy(struct thread *thread)
{
    (void)thread;
}

/* Saves what a C function keeps, changes stacks, restores. */
void context_switch(struct thread *from, struct thread *to)
{
    (void)from;
    (void)to;
    machine_end(1);
}

void context_adopt(struct thread *thread)
{
    thread->machine.stack_pointer = NULL;
}

KnThreadCtx *context_frame(struct thread *thread)
{
    (void)thread;
    return NULL;
}

/* A machine with flags, segments or addresses that a user may not have repairs or refuses them
 * here. */
KnResult context_sanitise(KnThreadCtx *context)
{
    (void)context;
    return K_OK;
}

size_t context_extended_bytes(void)
{
    return 0;
}

void context_extended_save(struct thread *thread, void *image)
{
    (void)thread;
    (void)image;
}

KnResult context_extended_load(struct thread *thread, const void *image)
{
    (void)thread;
    (void)image;
    return K_OK;
}

/* Interrupts are let in around the call. */
uintptr_t context_upcall(context_routine routine, uintptr_t a, uintptr_t b, uintptr_t c)
{
    return routine(a, b, c);
}

/* Follows the frame pointers. */
size_t context_backtrace(uintptr_t *address, size_t limit)
{
    (void)address;
    (void)limit;
    return 0;
}
