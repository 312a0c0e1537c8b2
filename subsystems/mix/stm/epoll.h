/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epolls: streams that watch others. An epoll has items, each of a stream and of what its user
 * calls it; it is ready to be read when one of its items has news.
 *
 * I1 An item's stream may be closed: the item is then nobody's, and goes when the items are looked
 *    at next.
 * I2 An epoll in another watches no epoll itself, so looking through them ends after two.
 * I3 What a wait has found is marked until its reply is settled, under the lock all the time: who
 *    goes away takes nothing with him.
 */
#ifndef STM_EPOLL_H
#define STM_EPOLL_H

#include "kit/places.h"
#include "subsystems/mix/stm/stream.h"

#define EPOLLS_MOST 256u
#define EPOLL_ITEMS_MOST 4096u /* of all */
#define EPOLL_EVENT_BYTES 12u  /* as Linux packs it: events, then data */
#define EPOLL_EVENTS_MOST (STM_EPOLL_WAIT_OUT_EVENTS_MAX / EPOLL_EVENT_BYTES)

struct epoll_item {
    struct list link; /* in its epoll */
    uint64_t key;     /* of the stream; 0: the place is free */
    uint32_t fd;      /* the user's name of it; the same stream may have several */
    uint32_t events;
    uint64_t data;
    uint32_t seen;   /* edge-triggered: of the stream's changes, when it was told */
    bool told;       /* at least once since it was set */
    bool off;        /* EPOLLONESHOT: until it is set again */
    bool is_offered; /* I3 */
};

struct epoll {
    struct stream_object object;
    struct list items;
};

struct epolls {
    struct places places, item_places;
    struct epoll epoll[EPOLLS_MOST];
    struct epoll_item item[EPOLL_ITEMS_MOST];
};

extern const struct stream_operations epoll_operations;

/* Opens a new one with call->opened[0]. 0 or a negated errno. */
int epoll_open(struct call *call);

/* 0 or a negated errno, as epoll_ctl. */
int epoll_control(struct stm *stm, const struct stm_epoll_control_in *in);

/* 0 or a negated errno; to be settled. */
int epoll_wait(struct call *call, const struct stm_epoll_wait_in *in,
               struct stm_epoll_wait_out *out);

#endif
