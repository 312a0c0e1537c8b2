/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: state, scheduling parameters, waiting.
 *
 * state      ready    in the run queue of its priority, or current
 *            waiting  in no run queue; in a wait queue unless it only sleeps; may have a timeout
 *                     set
 *            new      created and not yet activated
 *            dead     will not run again; destroyed by whoever deletes it, never by itself
 * A thread that has a reason to be stopped is in no run queue whatever its state.
 *
 * I1 `link` is linked exactly if the thread is in a run queue or in a wait queue.
 * I2 A thread waits with nothing held: what it had prepared hangs off the thread (draft, arrived,
 *    fault) and is released when its call ends, whatever ends it.
 */
#ifndef NUCLEUS_THREAD_H
#define NUCLEUS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/context.h"
#include "chorus/types.h"
#include "kit/list.h"
#include "machine/arch.h"
#include "nucleus/executive/timer.h"
#include "nucleus/executive/transaction.h"

struct actor;
struct message;

enum thread_state { THREAD_NEW, THREAD_READY, THREAD_WAITING, THREAD_DEAD };

/* Reasons for a thread to be stopped. */
#define THREAD_STOP_SELF 1u  /* threadStop */
#define THREAD_STOP_ACTOR 2u /* actorStop */

struct wait_queue {
    struct list threads;
};

/* A page that the current call needs in the caller's space; resolved outside the call. */
struct fault_request {
    VmAddr address;
    VmSize bytes;    /* how far the call will go on from there, for the batch */
    uint32_t access; /* K_READABLE or K_WRITABLE */
};

struct thread {
    struct machine_thread machine; /* first: the machine's switch knows its offsets */

    /* Executive. */
    enum thread_state state;
    struct list link;
    KnSchedClass class;
    uint8_t priority;
    uint32_t stops;           /* why it is stopped: THREAD_STOP_* */
    uint64_t quantum_left_ns; /* of the current turn; round robin and time sharing */
    uint64_t used_ns;         /* processor time used */
    uint64_t resumed_ns;      /* when it last got the processor */
    struct timer timeout;
    struct machine_space *space; /* user space it needs active; NULL: any will do */
    KnResult wake_status;        /* why the last wait ended */
    bool abortable;              /* threadAbort ends the present wait */
    bool aborted;                /* threadAbort came and nothing consumed it */
    bool pager;                  /* on the paging path: may use the reserve of frames */
    bool dying;                  /* ends at its next exit from the Nucleus */

    /* Owner: nucleus/actor.c. */
    struct actor *home;
    struct actor *execution; /* whose code runs: home, or the owner of a handler */
    struct list in_actor;
    KnThreadLid lid;
    KnThreadPrivilege privilege;
    uintptr_t soft_register;
    char name[K_NAMEMAX + 1];

    /* The call in progress: survives its restarts, cleared at its end. */
    struct fault_request fault;
    uint64_t call_progress;    /* bytes that need not be done again */
    KnResult call_partial;     /* its result if it ends early: bytes that count; 0: none */
    uint64_t call_deadline_ns; /* set at the first start of a call with a delay; 0: not yet */

    /* IPC. */
    struct message *draft;     /* being filled from this thread's memory */
    struct message *arrived;   /* received, being delivered to this thread's memory */
    struct message *current;   /* last received: what ipcReply answers */
    struct transaction rpc;    /* of ipcCall */
    struct wait_queue rpc_end; /* this thread, while it waits for rpc */
    bool replied;              /* ipcReplyReceive is past its reply */

    /* VM: key of a wait on memory. */
    const void *sync_object;
    uint64_t sync_offset;
};

#endif
