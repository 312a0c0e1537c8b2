/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/clock.h"

#include "chorus/calls.h"
#include "kit/assert.h"

#define SECOND_NS UINT64_C(1000000000)
#define DAY_SECONDS 86400

struct om_time time_of_stamp(uint64_t stamp_ns)
{
    return (struct om_time){(int64_t)(stamp_ns / SECOND_NS), (uint32_t)(stamp_ns % SECOND_NS)};
}

struct om_time time_now(void)
{
    uint64_t now_ns = 0;
    KnResult status = univTime(&now_ns);

    ASSERT(status == K_OK);
    return time_of_stamp(now_ns);
}

int time_compare(struct om_time a, struct om_time b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    if (a.nanoseconds != b.nanoseconds)
        return a.nanoseconds < b.nanoseconds ? -1 : 1;
    return 0;
}

bool time_read_counts(struct om_time now, struct om_time atime, struct om_time mtime,
                      struct om_time ctime)
{
    return time_compare(atime, mtime) <= 0 || time_compare(atime, ctime) <= 0 ||
           now.seconds - DAY_SECONDS >= atime.seconds;
}
