/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Nucleus' side of the mapper protocol. Requests are asynchronous: each is an object with a
 * transaction that any thread may wait for, so an abort of who asked loses nothing. Messages travel
 * by the IPC manager, which fills in the table `struct pager_transport` at its start: vm never
 * calls up.
 *
 * I1 A page slot with a pull in progress is filled, or emptied, by that pull alone.
 * I2 A mapper that dies, is silent beyond its bound or breaks the protocol ends its requests with
 *    an error.
 */
#ifndef NUCLEUS_PAGER_H
#define NUCLEUS_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/mapper.h"
#include "chorus/types.h"
#include "kit/list.h"
#include "nucleus/executive/executive.h"
#include "nucleus/vm/frame.h"

struct cache;

#define PAGER_ANSWER_NS UINT64_C(10000000000)
#define PAGER_CLUSTER 16 /* most pages of one pull or push */
#define PAGER_PUSHES 8   /* most push-outs that make memory at once */

enum pager_kind { PAGER_OPEN, PAGER_PULL, PAGER_ACCESS, PAGER_PUSH };

struct pager_request {
    struct list link;    /* of requests in progress */
    struct cache *cache; /* held */
    enum pager_kind kind;
    uint64_t index; /* first page */
    uint32_t pages;
    struct timer timeout;
    struct wait_queue waiting;
    struct frame *frame[PAGER_CLUSTER]; /* PUSH: busy and pinned */
    struct transaction transaction;     /* the transport's */
};

struct mapper {
    struct list link;
    KnUniqueId port;
    uint64_t answer_ns;
    uint32_t caches;
    bool gone; /* its port was deleted */
};

/* How requests reach mappers; filled in by nucleus/ipc at its start. A sent request is answered
 * by exactly one pager_answer(), unless it is cancelled. `body` frames are lent until then. */
struct pager_transport {
    KnResult (*send)(struct pager_request *request, KnUniqueId port, const KnMpRequest *annex);
    void (*cancel)(struct pager_request *request);
    bool (*serves)(KnUniqueId port); /* whether the port is one of this site */
};

struct pager {
    const struct pager_transport *transport;
    struct list requests;
    struct list mappers;
    struct slab_pool request_pool, mapper_pool;
    uint32_t pushes;  /* in progress */
    uint32_t pulling; /* pages of pulls in progress: so many frames are kept for them */
    bool starting;    /* pager_push_some is at work, with the reserve */
};

void pager_init(struct pager *pager);

/* Finds or makes the record of a mapper. NULL: no memory. */
struct mapper *pager_mapper(KnUniqueId port);

/* One cache less; the record goes with the last, unless svMapper set its bound. */
void pager_mapper_release(struct mapper *mapper);

/* A port was deleted: caches that it served and nobody uses are given up. */
void pager_mapper_gone(KnUniqueId port);

/* Each of these starts a request, or fails, and waits for it as pager_wait does. */
KnResult pager_open(struct cache *cache); /* learn the segment's end */
/* get page `index` and some more */
KnResult pager_pull(struct cache *cache, uint64_t index, bool write);
/* get the right to write it */
KnResult pager_access(struct cache *cache, uint64_t index);

/* Waits for a request in progress: STATUS_AGAIN when it was answered well, else its error, or
 * K_EABORT. */
KnResult pager_wait(struct pager_request *request);

/* Starts pushing out the run of dirty pages that begins with `frame`. false: it could not be
 * started. */
bool pager_push_start(struct frame *frame);

/* Starts some push-outs to make memory; false: none could be started. */
bool pager_push_some(void);

/* The transport's answer: `reply` NULL means `status` alone. The pager takes body frames by
 * setting them to NULL; the transport keeps the rest. */
void pager_answer(struct pager_request *request, KnResult status, const KnMpReply *reply,
                  struct frame **body, uint32_t body_pages);

#endif
