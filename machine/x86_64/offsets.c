/* SPDX-License-Identifier: BSD-2-Clause */
/* Asserts what offsets.h says of structures. */
#include "machine/x86_64/offsets.h"

#include <stddef.h>

#include "machine/interrupt.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/pc.h"
#include "nucleus/site.h"

_Static_assert(offsetof(struct cpu, machine) == 0, "GS base is the machine's part");
_Static_assert(offsetof(struct machine_cpu, self) == 0, "cpu_self");
_Static_assert(offsetof(struct machine_cpu, stack) == CPU_STACK, "entry.S");
_Static_assert(offsetof(struct machine_cpu, user_rsp) == CPU_USER_RSP, "entry.S");
_Static_assert(offsetof(struct thread, machine.rsp) == THREAD_RSP, "entry.S");

_Static_assert(sizeof(KnThreadCtx) == FRAME_BYTES, "entry.S");
_Static_assert(FRAME_BYTES % 16 == 0, "the stack is aligned where entry.S calls C");
_Static_assert(offsetof(KnThreadCtx, r15) == 0, "pushed last");
_Static_assert(offsetof(KnThreadCtx, rbp) == FRAME_RBP, "entry.S");
_Static_assert(offsetof(KnThreadCtx, rdi) == 14 * 8, "pushed first of the general registers");
_Static_assert(offsetof(KnThreadCtx, vector) == 15 * 8, "entry.S");
_Static_assert(offsetof(KnThreadCtx, rip) == FRAME_RIP, "entry.S");
_Static_assert(offsetof(KnThreadCtx, cs) == FRAME_CS, "entry.S");
_Static_assert(offsetof(KnThreadCtx, fsBase) == FRAME_BYTES - FRAME_BASES_BYTES,
               "above what is pushed");

_Static_assert(VECTOR_SOURCE_0 + INTERRUPT_SOURCES <= VECTOR_PIC,
               "sources end below our own vectors");
_Static_assert(MACHINE_STACK_SLOT_BYTES > MACHINE_STACK_BYTES, "a guard below each stack");
_Static_assert(MACHINE_STACKS_HIGH <= DEVICES_ADDRESS, "ranges are disjoint");
