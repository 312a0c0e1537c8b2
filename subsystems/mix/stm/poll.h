/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Polling: which of many streams are ready. A poll that has to wait enters all their queues, is
 * woken by whichever changes, and looks at all again.
 */
#ifndef STM_POLL_H
#define STM_POLL_H

#include <stdint.h>

#include "idl/stm.h"
#include "subsystems/mix/stm/wait.h"

/* Streams that all polls together can wait for; a poll that finds no more gets -ENOMEM. */
#define WATCHES_MOST 16384u

struct call;

struct watch {
    struct wait_link link;
    struct watch *next; /* free, or of the same poll */
};

struct watches {
    struct watch *first_free;
    uint32_t used; /* that were ever in use */
    struct watch watch[WATCHES_MOST];
};

/* 0 or a negated errno. */
int poll_streams(struct call *call, const struct stm_poll_in *in, struct stm_poll_out *out);

#endif
