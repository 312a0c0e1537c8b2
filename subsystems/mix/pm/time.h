/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping, the alarm. */
#ifndef PM_TIME_H
#define PM_TIME_H

#include <stdint.h>

#include "chorus/types.h"

struct pm;

/* Reads a struct timespec as nanoseconds. EFAULT, EINVAL. */
long time_read_delay(VmAddr from, int64_t *delay_ns);

/* The thread that sends SIGALRM when a process' time has come. Never returns. */
void time_alarms(struct pm *pm);

#endif
