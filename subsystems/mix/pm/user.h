/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to the memory of the process whose thread runs. Results are 0 or EFAULT negated, ENOMEM;
 * MIX_AGAIN where a page was on its way and the task is to end. Other signals wait for the page. */
#ifndef PM_USER_H
#define PM_USER_H

#include <stdbool.h>
#include <stddef.h>

#include "chorus/types.h"

/* Whether a program may name the range at all. PM runs in the supervisor space and may reach all of
 * that: so every address of a program is looked at here, before anything is done with it. */
bool is_user_range(VmAddr address, size_t bytes);

/* Whether a Nucleus call that failed on the program's memory is worth another try: memory was
 * out and somebody has ended for it, or a signal came, which can wait since the process lives. */
bool user_again(KnResult status);

long user_read(void *to, VmAddr from, size_t bytes);
long user_write(VmAddr to, const void *from, size_t bytes);

/* A path or name: its length, ENAMETOOLONG where no NUL is found in `bytes`. */
long user_string(char *to, VmAddr from, size_t bytes);

/* The same of a call for which nobody ends: of signals alone. Memory and disks answer in their
 * time, and Linux knows no EINTR of them. */
static inline bool user_after_signal(KnResult status)
{
    return status == K_EABORT && user_again(status);
}

/* A Nucleus error as an errno, negated, for results of memory and segment calls. */
long errno_of(KnResult error);

#endif
