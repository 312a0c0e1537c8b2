/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory as the Nucleus sees it: all usable memory, and the archive, is mapped (or
 * reachable) from the start, so a frame has an address at any time.
 */
#ifndef MACHINE_FRAMES_H
#define MACHINE_FRAMES_H

#include <stdint.h>

#include "kit/poison.h" /* memory_poison, memory_unpoison: the machine defines them */

void *physical_to_address(uint64_t physical);
uint64_t address_to_physical(const void *address);

/* Page-sized, page-aligned; the quickest the machine has. */
void page_copy(void *to, const void *from);
void page_zero(void *page);

#endif
