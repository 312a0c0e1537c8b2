/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that assembly and C share: selectors, vectors, and places in structures. Those that a C
 * declaration could contradict are asserted in offsets.c.
 */
#ifndef X86_64_OFFSETS_H
#define X86_64_OFFSETS_H

/* Selectors. `syscall` takes SELECTOR_CODE and the next; `sysret` SELECTOR_USER_DATA and the
 * next. The user's are those Linux has, for programs that look. */
#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18
#define SELECTOR_USER_BASE 0x23
#define SELECTOR_USER_DATA 0x2b
#define SELECTOR_USER_CODE 0x33
#define SELECTOR_TASK 0x38

/* Vectors: exceptions, then a vector for each interrupt source, then our own. */
#define VECTOR_DEBUG 1
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_SOURCE_0 32
#define VECTOR_PIC 0xe0 /* sixteen that nothing legitimate raises: the old controller is masked */
#define VECTOR_CLOCK 0xf0
#define VECTOR_SPURIOUS 0xff
#define VECTORS 256
#define VECTOR_SYSCALL 256 /* in KnThreadCtx */

/* struct machine_cpu, at GS base */
#define CPU_STACK 8
#define CPU_USER_RSP 16

/* struct thread */
#define THREAD_RSP 0

/* KnThreadCtx. From rip to ss is what the processor pushes. */
#define FRAME_BYTES 192
#define FRAME_RBP 32
#define FRAME_RIP 136
#define FRAME_CS 144
#define FRAME_BASES_BYTES 16 /* above ss */

/* While a word is pushed by the processor, an error code, and the vector: */
#define PUSHED_CS 24

#define MSR_GS_BASE_NUMBER 0xc0000101

#endif
