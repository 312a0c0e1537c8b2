/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls by Linux' convention: number in rax, words in rdi rsi rdx r10 r8 r9, result in
 * rax. */
#include "chorus/trap.h"

#include "chorus/context.h"
#include "kit/assert.h"

uintptr_t trap_raise(uintptr_t number, const uintptr_t words[TRAP_WORDS])
{
    register uintptr_t r10 __asm__("r10") = words[3];
    register uintptr_t r8 __asm__("r8") = words[4];
    register uintptr_t r9 __asm__("r9") = words[5];
    uintptr_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

uintptr_t trap_number(const KnThreadCtx *context)
{
    return context->rax;
}

uintptr_t trap_word(const KnThreadCtx *context, unsigned index)
{
    const uintptr_t words[TRAP_WORDS] = {context->rdi, context->rsi, context->rdx,
                                         context->r10, context->r8,  context->r9};

    ASSERT(index < TRAP_WORDS);
    return words[index];
}

void trap_result_set(KnThreadCtx *context, uintptr_t result)
{
    context->rax = result;
}
