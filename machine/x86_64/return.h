/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which register values may go to user mode, and by which instruction. No privileged code, so
 * that unit tests run it on the host.
 *
 * `sysret` is quick and dangerous: it takes rip from rcx and rflags from r11; with a rip that is
 * not canonical some processors fault in supervisor mode on the user's stack; it cannot restore
 * TF and RF as they were. It is used where it does exactly what `iretq` would, and nowhere else.
 *
 * I1 Whatever a handler left in a frame, user mode gets neither privilege nor a closed interrupt
 *    flag from it.
 */
#ifndef X86_64_RETURN_H
#define X86_64_RETURN_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/context.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/offsets.h"

#define CANONICAL_BITS 47 /* of the lower half */

/* What user mode may have set; all but these two are its own to change. */
#define RFLAGS_USER                                                                      \
    (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF | \
     RFLAGS_OF | RFLAGS_RF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID)
#define RFLAGS_FIXED (RFLAGS_ONE | RFLAGS_IF)

/* Of those, what sysret brings back as it was. */
#define RFLAGS_SYSRET (RFLAGS_USER & ~(RFLAGS_TF | RFLAGS_RF))

static inline bool return_is_lower_half(uint64_t address)
{
    return address >> CANONICAL_BITS == 0;
}

/* Whether sysret and iretq would do the same. */
static inline bool return_by_sysret(const KnThreadCtx *context)
{
    uint64_t wrong = (context->rcx ^ context->rip) | (context->r11 ^ context->rflags) |
                     (context->cs ^ SELECTOR_USER_CODE) | (context->ss ^ SELECTOR_USER_DATA) |
                     context->rip >> CANONICAL_BITS;

    return wrong == 0 && (context->rflags & ~RFLAGS_SYSRET) == RFLAGS_FIXED;
}

/* The parts of a frame that decide on privilege. */
static inline void return_disarm(KnThreadCtx *context)
{
    context->rflags = (context->rflags & RFLAGS_USER) | RFLAGS_FIXED;
    context->cs = SELECTOR_USER_CODE;
    context->ss = SELECTOR_USER_DATA;
}

/* Makes registers from outside harmless. False: the program could not have had such values, nor
 * run on. */
static inline bool return_sanitise(KnThreadCtx *context)
{
    if (!return_is_lower_half(context->rip) || !return_is_lower_half(context->fsBase) ||
        !return_is_lower_half(context->gsBase))
        return false;
    return_disarm(context);
    return true;
}

#endif
