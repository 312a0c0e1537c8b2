/* SPDX-License-Identifier: BSD-2-Clause */
/* How PM reaches the Object Manager and the Streams Manager: clients, and buffers for what
 * travels in bodies. */
#ifndef PM_SERVER_H
#define PM_SERVER_H

#include "chorus/sync.h"
#include "chorus/types.h"
#include "idl/om.h"
#include "idl/stm.h"

struct pm;
struct process;
struct task;

/* What a call with paths needs: too large for a supervisor stack, so kept on a list between
 * uses. */
struct call_buffer {
    struct call_buffer *next;
    char path[OM_OPEN_IN_PATH_MAX + 1];
    char second[OM_OPEN_IN_PATH_MAX + 1]; /* of calls with two paths; or a result */
    char rest[OM_OPEN_OUT_REST_MAX + 1];
    uint8_t body[OM_CLIENT_BODY_BYTES];
};

struct servers {
    KnUniqueId om, stm;
    KnMutex lock;
    struct call_buffer *free;
};

/* Waits until both managers are there. */
void servers_init(struct pm *pm);

struct call_buffer *buffer_take(struct pm *pm); /* NULL: no memory */
void buffer_give(struct pm *pm, struct call_buffer *buffer);

/* Clients; `buffer` NULL for operations whose bodies need none. STM's calls end when the caller
 * is aborted. */
struct idl_client om_client(struct pm *pm, struct call_buffer *buffer);
struct idl_client stm_client(struct pm *pm);

/* Who a process is to them. */
struct om_who om_who(const struct process *process);
struct stm_who stm_who(const struct task *task);

/* A result as PM's calls give it: 0 or more, a negated errno, MIX_RESTART. */
long server_result(KnResult status);

/* The same for an operation with a path: EREMOTE where it leads out of OM. `mount` is where the
 * operation's result tells the mount; its address, since it counts once the call was made. */
long server_path_result(KnResult status, const uint32_t *mount);

/* A process' root and working directory: one more, or one less, holds them. */
long servers_hold_directories(struct pm *pm, struct process *process);
void servers_release_directories(struct pm *pm, struct process *process);

#endif
