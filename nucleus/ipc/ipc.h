/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPC manager: ports with bounded queues, messages of a body and a 120-byte annex, asynchronous
 * send and RPC that executes at most once and ends with a reply or an error.
 *
 *   port.h     ports: create, delete, enable, the queue
 *   message.h  messages and their bodies
 *   rpc.c      transactions: who waits for which reply
 *   calls.c    the ipc* calls; mapper.c: how the pager's requests travel
 */
#ifndef NUCLEUS_IPC_H
#define NUCLEUS_IPC_H

#include "nucleus/ipc/message.h"
#include "nucleus/ipc/port.h"

#define IPC_PORTS 8192
#define IPC_MESSAGES 16384
#define IPC_RESERVED_MESSAGES 1024

struct ipc {
    struct slab_pool ports;
    struct slab_pool messages;
    struct slab_pool reserved_messages; /* for the mapper protocol alone (D13) */
};

void ipc_init(struct ipc *ipc);

/* rpc.c */
void transaction_begin(struct transaction *transaction, struct message *request);
void transaction_end(struct transaction *transaction, KnResult status, struct message *reply);

/* The client goes: a queued request is dropped, a served one is answered to nobody and its
 * server aborted. */
void transaction_cancel(struct transaction *transaction);

/* A message that will get no answer from here: ends its transaction, if it has one, and frees
 * it. */
void message_drop(struct message *message, KnResult status);

/* mapper.c */
extern const struct pager_transport mapper_transport;

/* Releases what an ended call left on its thread. */
void ipc_call_end(struct thread *thread);

/* A thread ends: its current message is lost, its RPC aborted. */
void ipc_thread_end(struct thread *thread);

/* An actor ends: its ports go. */
void ipc_actor_end(struct actor *actor);

#endif
