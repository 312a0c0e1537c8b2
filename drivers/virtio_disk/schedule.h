/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of the waiting requests the device gets next. Every request says for what it is, by when it
 * is wanted and for whom; this is the one place that decides by it.
 *
 * I1 A request waits, at most, until all are done that came before it or within DISK_PATIENCE_NS
 *    after it: who has no deadline gets one.
 */
#ifndef DISK_SCHEDULE_H
#define DISK_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define DISK_REQUESTS 8u
#define DISK_PATIENCE_NS UINT64_C(1000000000)

enum request_kind { REQUEST_READ, REQUEST_WRITE, REQUEST_FLUSH };

/* At rest it is its worker's alone. */
enum request_state { REQUEST_AT_REST, REQUEST_WAITING, REQUEST_IN_FLIGHT };

struct request {
    uint32_t tag; /* its index, by which the device's answer finds it */
    enum request_state state;
    enum request_kind kind;
    uint64_t sector;
    uint32_t bytes;
    uint32_t class;       /* DISK_PAGING and so on */
    uint64_t deadline_ns; /* of the site's time base; 0: none */
    uint64_t owner;
    uint64_t sequence; /* the order of arrival */
    KnResult status;   /* how it went, once it is at rest again */
};

struct schedule {
    struct request request[DISK_REQUESTS];
    uint64_t arrived;
};

void schedule_init(struct schedule *schedule);

/* A request begins to wait, at time now_ns. */
void schedule_add(struct schedule *schedule, struct request *request, uint64_t now_ns);

/* The waiting request that goes next: the earliest deadline, the first of equals. NULL: none
 * waits. */
struct request *schedule_next(struct schedule *schedule);

#endif
