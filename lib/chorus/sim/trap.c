/* SPDX-License-Identifier: BSD-2-Clause */
#include "chorus/trap.h"

#include "chorus/context.h"
#include "kit/assert.h"
#include "machine/sim_gate.h"

uintptr_t trap_raise(uintptr_t number, const uintptr_t words[TRAP_WORDS])
{
    return sim_trap(number, words);
}

uintptr_t trap_number(const KnThreadCtx *context)
{
    return context->number;
}

uintptr_t trap_word(const KnThreadCtx *context, unsigned index)
{
    ASSERT(index < TRAP_WORDS);
    return context->words[index];
}

void trap_result_set(KnThreadCtx *context, uintptr_t result)
{
    context->result = result;
}
