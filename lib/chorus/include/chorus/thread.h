/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of one's own actor, with their stacks. */
#ifndef CHORUS_THREAD_H
#define CHORUS_THREAD_H

#include <stdint.h>

#include "chorus/types.h"

/*
 * Starts entry(argument) in a new thread, which ends when entry returns. `sched` NULL: the Nucleus'
 * default. A user actor's thread gets a stack of `stack_bytes` (0: 16 KiB) with a guard below it,
 * which goes when the thread ends by itself; others run on their supervisor stack.
 * `lid` (unless NULL) is set before the thread first runs.
 * Errors: those of threadCreate and rgnAllocate. The soft register of the new thread is used up to
 * its first instruction.
 */
KnResult thread_launch(KnThreadLid *lid, void (*entry)(uintptr_t argument), uintptr_t argument,
                       VmSize stack_bytes, KnSchedParms *sched);

/* Ends the calling thread; one from thread_launch gives its stack back. */
_Noreturn void thread_finish(void);

#endif
