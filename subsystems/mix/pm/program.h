/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that the launcher asked for, or the launcher's being told why it cannot be
 * started. */
#ifndef PM_PROGRAM_H
#define PM_PROGRAM_H

#include "chorus/context.h"

struct pm;
struct task;

/* Where the first thread begins: nothing is ever mapped there. */
#define PROGRAM_NO_ENTRY ((VmAddr)0x10000)

/* Makes the process; its thread faults at once. */
void program_launch(struct pm *pm);

/* That fault: becomes the program. */
void program_begin(struct task *task, KnThreadCtx *context);

/* Ends the site in good order, whatever still runs. */
void program_halt(struct pm *pm);

#endif
