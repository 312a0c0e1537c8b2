/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hooks that tell a sanitizer which memory nobody may touch now: free objects, red zones, free
 * frames. The machine, or a host program, defines them; on hardware they are empty. Poisoned memory
 * is exact to the byte at its end, to 8 bytes at its start.
 */
#ifndef KIT_POISON_H
#define KIT_POISON_H

#include <stddef.h>

void memory_poison(void *address, size_t bytes);
void memory_unpoison(void *address, size_t bytes);

#endif
