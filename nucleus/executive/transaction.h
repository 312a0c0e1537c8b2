/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions: one a thread in ipcCall, and one a mapper request of the pager. The IPC manager
 * drives them; the structure stands here because threads carry one.
 *
 * state   IDLE     nothing asked
 *         SENT     the request is queued or served; `request` tells which message
 *         DONE     `status` and, on K_OK, `reply` are there
 *
 * I1 request->transaction points back exactly in state SENT.
 * I2 A transaction ends once: by a reply, by the death of port or server, by its client's abort or
 *    deadline.
 */
#ifndef NUCLEUS_TRANSACTION_H
#define NUCLEUS_TRANSACTION_H

#include "chorus/types.h"
#include "kit/list.h"

struct message;
struct thread;

enum transaction_state { TRANSACTION_IDLE, TRANSACTION_SENT, TRANSACTION_DONE };

struct transaction {
    enum transaction_state state;
    KnResult status;
    struct message *request; /* while SENT; owned by the queue, or by `server` */
    struct message *reply;   /* when DONE with K_OK; owned here */
    struct thread *server;   /* has the request as its current message; NULL: still queued */
    void (*done)(struct transaction *transaction); /* called on reaching DONE */
};

#endif
