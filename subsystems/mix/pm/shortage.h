/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when memory is out. A page that was promised by fork or mmap cannot be refused with
 * an error, so a process has to end, and it is better the one that took the memory than the one
 * that happens to ask for the next page.
 *
 * I1 While a process is ending nobody else is chosen; who needs memory waits for what it had.
 */
#ifndef PM_SHORTAGE_H
#define PM_SHORTAGE_H

#include <stdbool.h>

struct task;

/* Called where a page of the task could not be had. Ends the process that deserves it and waits for
 * its memory. true: try again. false: it is this one, or there is nobody to end. */
bool shortage_relieve(struct task *task);

/* The same where memory is wanted for a new process or task; those of the same program are not
 * ended for it, so that a program that breeds comes to an end. */
bool shortage_spare_own(struct task *task);

#endif
