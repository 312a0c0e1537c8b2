/* SPDX-License-Identifier: BSD-2-Clause */
/* Time base and one-shot alarm. When the alarm passes the machine calls nucleus_clock(). */
#ifndef MACHINE_CLOCK_H
#define MACHINE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some instant before the Nucleus' start; never goes back. */
uint64_t clock_now_ns(void);

/* Asks for an interrupt at `deadline_ns` or as soon after as the machine can; replaces the
 * former request; UINT64_MAX: none. A deadline in the past interrupts at once. */
void clock_arm(uint64_t deadline_ns);

/* The granularity of the alarm, nanoseconds. */
uint64_t clock_resolution_ns(void);

/* Universal time at the start of the time base, nanoseconds since 1970-01-01; 0 if unknown. */
uint64_t clock_universal_base_ns(void);

#endif
