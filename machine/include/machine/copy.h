/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between the Nucleus and the current thread's address space, which end at a page fault
 * instead of taking it. Ranges were checked to be the caller's to name (user addresses for a user
 * actor).
 */
#ifndef MACHINE_COPY_H
#define MACHINE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/types.h"

/* Whether the range is the current thread's to name though no region holds it: for supervisor
 * code on x86_64 the supervisor stacks; in the simulator an actor's state and its threads'
 * stacks. */
bool copy_outside_regions(VmAddr address, size_t bytes);

/* Bytes copied before the first fault; `bytes` if none. */
size_t copy_from_space(void *to, VmAddr from, size_t bytes);
size_t copy_to_space(VmAddr to, const void *from, size_t bytes);

/* Up to and including the terminating NUL; returns bytes copied, whose last is NUL if it fitted. */
size_t copy_string_from_space(char *to, VmAddr from, size_t bytes);

#endif
