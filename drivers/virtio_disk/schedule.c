/* SPDX-License-Identifier: BSD-2-Clause */
#include "schedule.h"

#include "kit/assert.h"
#include "kit/base.h"

void schedule_init(struct schedule *schedule)
{
    *schedule = (struct schedule){.arrived = 0};
    for (uint32_t tag = 0; tag < DISK_REQUESTS; tag++)
        schedule->request[tag].tag = tag;
}

void schedule_add(struct schedule *schedule, struct request *request, uint64_t now_ns)
{
    uint64_t latest_ns = now_ns + DISK_PATIENCE_NS;

    ASSERT(request->state == REQUEST_AT_REST);
    if (request->deadline_ns == 0 || request->deadline_ns > latest_ns)
        request->deadline_ns = latest_ns;
    request->sequence = schedule->arrived++;
    request->state = REQUEST_WAITING;
}

static bool goes_before(const struct request *a, const struct request *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->sequence < b->sequence;
}

struct request *schedule_next(struct schedule *schedule)
{
    struct request *next = NULL;

    for (uint32_t tag = 0; tag < DISK_REQUESTS; tag++) {
        struct request *request = &schedule->request[tag];

        if (request->state == REQUEST_WAITING && (next == NULL || goes_before(request, next)))
            next = request;
    }
    return next;
}
