/* SPDX-License-Identifier: BSD-2-Clause */
/* The convention of Linux system calls on x86-64, over the registers of the thread that trapped. */
#ifndef PM_CONTEXT_H
#define PM_CONTEXT_H

#include <stdint.h>

#include "chorus/context.h"
#include "kit/base.h"

#define SYSCALL_ARGUMENTS 6
#define SYSCALL_INSTRUCTION_BYTES 2 /* 0f 05 */

static inline uintptr_t context_number(const KnThreadCtx *context)
{
    return context->rax;
}

static inline void context_arguments(const KnThreadCtx *context,
                                     uintptr_t argument[SYSCALL_ARGUMENTS])
{
    argument[0] = context->rdi;
    argument[1] = context->rsi;
    argument[2] = context->rdx;
    argument[3] = context->r10;
    argument[4] = context->r8;
    argument[5] = context->r9;
}

static inline void context_result_set(KnThreadCtx *context, uintptr_t result)
{
    context->rax = result;
}

/* The thread makes its call again when it goes on. */
static inline void context_restart(KnThreadCtx *context, uintptr_t number)
{
    context->rip -= SYSCALL_INSTRUCTION_BYTES;
    context->rax = number;
}

/* A new program: all registers zero but these two. */
static inline void context_start(KnThreadCtx *context, uintptr_t entry, uintptr_t stack)
{
    uint64_t cs = context->cs, ss = context->ss;

    *context = (KnThreadCtx){.rip = entry, .rsp = stack, .cs = cs, .ss = ss, .rflags = 0x202};
}

#endif
