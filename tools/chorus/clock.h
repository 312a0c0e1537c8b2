/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's time, for time-outs and for the log. */
#ifndef LAUNCHER_CLOCK_H
#define LAUNCHER_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND_NS INT64_C(1000000000)

/* Nanoseconds of the host's monotonic clock. */
static inline int64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CLOCK_SECOND_NS + now.tv_nsec;
}

#endif
