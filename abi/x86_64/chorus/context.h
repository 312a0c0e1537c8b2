/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a user thread on x86-64, as trap, exception and abort handlers see and change
 * them. It is the frame at the top of the thread's supervisor stack, in the order the entry code
 * pushes it; machine/x86_64 asserts the offsets its assembly uses.
 */
#ifndef CHORUS_CONTEXT_H
#define CHORUS_CONTEXT_H

#include <stdint.h>

#include "chorus/types.h"

struct KnThreadCtx {
    uint64_t r15, r14, r13, r12, rbp, rbx; /* kept across calls */
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    /* what brought the thread in: exception or interrupt number; 256 for syscall */
    uint64_t vector;
    uint64_t error; /* the processor's error code, or 0 */
    uint64_t rip, cs, rflags, rsp, ss;
    uint64_t fsBase, gsBase; /* user's thread pointers; always current here, loaded at the return */
};

#endif
