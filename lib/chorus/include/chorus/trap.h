/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that are not the Nucleus': a user actor raises one, the trap owner's handler answers
 * it. Which registers carry number, words and result is the machine's matter.
 */
#ifndef CHORUS_TRAP_H
#define CHORUS_TRAP_H

#include <stdint.h>

#include "chorus/types.h"

#define TRAP_WORDS 6

/* User actors. `number` is below K_CALLBASE. */
uintptr_t trap_raise(uintptr_t number, const uintptr_t words[TRAP_WORDS]);

/* For handlers. */
uintptr_t trap_number(const KnThreadCtx *context);
uintptr_t trap_word(const KnThreadCtx *context, unsigned index);
void trap_result_set(KnThreadCtx *context, uintptr_t result);

#endif
