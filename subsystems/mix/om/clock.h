/* SPDX-License-Identifier: BSD-2-Clause */
/* Times of files, and how they follow the stamps that the Nucleus keeps with a segment's local
 * cache. */
#ifndef OM_CLOCK_H
#define OM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

struct om_time {
    int64_t seconds; /* since 1970 */
    uint32_t nanoseconds;
};

struct om_time time_now(void);

/* Of a stamp in nanoseconds since 1970. */
struct om_time time_of_stamp(uint64_t stamp_ns);

/* Negative, 0 or positive as `a` is before, at or after `b`. */
int time_compare(struct om_time a, struct om_time b);

/* Whether a read at `now` is to be recorded: only if the last recorded one is not after the last
 * change, or a day old, so that reading alone hardly ever makes an inode dirty. */
bool time_read_counts(struct om_time now, struct om_time atime, struct om_time mtime,
                      struct om_time ctime);

#endif
