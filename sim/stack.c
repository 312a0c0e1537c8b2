/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks of coroutines: 64 KiB, four times that where a sanitizer pads every frame, with a guard
 * page below. A few are kept for the next thread. Switches are announced to the sanitizer, which
 * knows one stack a thread otherwise.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/world.h"

#define STACK_BYTES ((size_t)64 << 10)
#define STACK_BYTES_SANITIZED ((size_t)256 << 10)

/* Of the sanitizer's runtime, where there is one. */
void __sanitizer_start_switch_fiber(void **fiber, const void *stack, size_t bytes)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fiber, const void **from, size_t *from_bytes)
    __attribute__((weak));

char *sim_host_stack_take(size_t *bytes)
{
    struct world *world = world_self();
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory;

    *bytes = sanitizer_present() ? STACK_BYTES_SANITIZED : STACK_BYTES;
    if (world->kept_count > 0)
        return world->kept[--world->kept_count].stack;
    memory = memory_reserve(*bytes + guard);
    if (memory == NULL)
        return NULL;
    if (mprotect(memory, guard, PROT_NONE) != 0) {
        munmap(memory, *bytes + guard);
        return NULL;
    }
    return memory + guard;
}

static void release(char *stack, size_t bytes)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);

    if (munmap(stack - guard, bytes + guard) != 0)
        perror("munmap");
}

/* The frames that were on the stack have left their poison in it. */
void sim_host_stack_give(char *stack, size_t bytes)
{
    struct world *world = world_self();

    sim_host_unpoison(stack, bytes);
    if (world->kept_count < WORLD_STACKS_KEPT)
        world->kept[world->kept_count++] = (struct world_stack){stack, bytes};
    else
        release(stack, bytes);
}

void stacks_release(struct world *world)
{
    sim_host_stack_give(world->boot.stack, world->boot.bytes);
    while (world->kept_count > 0) {
        world->kept_count--;
        release(world->kept[world->kept_count].stack, world->kept[world->kept_count].bytes);
    }
}

void sim_host_switch_begin(void **fiber, const void *stack, size_t bytes)
{
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(fiber, stack, bytes);
}

void sim_host_switch_end(void *fiber)
{
    stack_switch_end(fiber, NULL, NULL);
}

void stack_switch_end(void *fiber, const void **from, size_t *from_bytes)
{
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(fiber, from, from_bytes);
}
