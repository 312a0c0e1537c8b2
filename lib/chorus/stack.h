/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a launched thread's stack comes from: one file a flavour. */
#ifndef LIB_CHORUS_STACK_H
#define LIB_CHORUS_STACK_H

#include "chorus/types.h"

/* A stack of at least `bytes`; *top is what dsUserStackPointer becomes. */
KnResult stack_take(VmSize bytes, VmAddr *top);

/* Gives back one that no thread runs on. */
KnResult stack_give(VmAddr top);

/* What kind of thread the actor may have. */
KnThreadPrivilege stack_privilege(void);

/* Ends the calling thread and gives back the stack it runs on, if stack_take made it. */
_Noreturn void stack_leave(void);

#endif
