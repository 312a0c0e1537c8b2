/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping, the alarm. */
#ifndef PM_TIME_H
#define PM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "mix/linux.h"

struct pm;
struct task;

/* Reads a struct timespec as nanoseconds. EFAULT, EINVAL. */
long time_read_delay(VmAddr from, int64_t *delay_ns);

/* A clock's time. EINVAL: there is no such clock. */
long time_read_clock(struct task *task, uint32_t clock, uint64_t *time_ns);

/* Whether one can wait for a time of the clock: not for processor time. */
bool time_can_wait(uint32_t clock);

struct linux_timespec time_spec(uint64_t time_ns);
bool time_is_sane(const struct linux_timespec *time);
uint64_t time_ns_of(const struct linux_timespec *time); /* of a sane one; as much as there is */

/* The sum of two times, far from where they would wrap. */
uint64_t time_after(uint64_t time_ns, uint64_t delay_ns);

/* When the clock will have moved on so far, or stand there (`absolute`), by sysTime; 0: never, as a
 * timer is told to stop. */
uint64_t time_deadline(uint32_t clock, const struct linux_timespec *time, bool absolute);

/* How long it is until then, by sysTime. */
int64_t time_left(uint64_t end_ns);

/* The thread that sends SIGALRM when a process' time has come. Never returns. */
void time_alarms(struct pm *pm);

#endif
