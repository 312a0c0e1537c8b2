/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of regions: what an actor maps or allocates is reached through these, so that the same
 * source runs where a region has no address of the host's. On x86-64 they are plain loads and
 * stores. An address that the region does not allow raises an exception, as an instruction would.
 *
 * The state struct, locals and constants are ordinary C memory and need none of this.
 */
#ifndef CHORUS_MEMORY_H
#define CHORUS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "chorus/types.h"

uint8_t mem_load8(VmAddr from);
uint16_t mem_load16(VmAddr from);
uint32_t mem_load32(VmAddr from);
uint64_t mem_load64(VmAddr from);

void mem_store8(VmAddr to, uint8_t value);
void mem_store16(VmAddr to, uint16_t value);
void mem_store32(VmAddr to, uint32_t value);
void mem_store64(VmAddr to, uint64_t value);

void mem_read(void *to, VmAddr from, size_t bytes);
void mem_write(VmAddr to, const void *from, size_t bytes);
void mem_fill(VmAddr to, uint8_t value, size_t bytes);

#endif
