/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Process Manager: a supervisor actor that traps every system call of MiX processes and holds
 * all their state. A call runs in the thread that made it, on its supervisor stack, with the
 * process' memory at hand.
 *
 *   process.h   processes and their tasks (u_threads)
 *   signal.h    signals: sending, waiting, delivering
 *   file.h      open files and descriptors
 *   lock.h      their locks
 *   server.h    how PM calls OM and STM
 *   user.h      access to the caller's memory
 *   shortage.h  who ends when memory is out
 *   syscall.h   the table of calls, made from syscalls.tbl
 *
 * I1 pm->lock guards all that more than one thread can reach. It is never held over a call that
 *    waits: neither an ipcCall, nor a copy from or to a process, nor a wait.
 * I2 Functions return 0 or more, or a negated errno; MIX_RESTART and its like when a signal ended a
 *    wait.
 */
#ifndef PM_PM_H
#define PM_PM_H

#include "chorus/context.h"
#include "chorus/sync.h"
#include "chorus/types.h"
#include "kit/chacha.h"
#include "kit/list.h"
#include "mix/errno.h"
#include "mix/linux.h"
#include "server/server.h"
#include "subsystems/mix/pm/heap.h"
#include "subsystems/mix/pm/lock.h"
#include "subsystems/mix/pm/process.h"
#include "subsystems/mix/pm/server.h"

/* Results of a call that a signal cut short: it is made again where no handler runs. Where one does
 * it is made again too, or ends with EINTR. The numbers are Linux' own, which no errno has. */
#define MIX_RESTART (-512)   /* made again if the handler has SA_RESTART */
#define MIX_AGAIN (-513)     /* made again in any case: Linux knows no EINTR of it */
#define MIX_UNHANDLED (-514) /* EINTR */
#define MIX_RESUME (-516)    /* EINTR; else task->resume goes on, for the time that is left */

/* The call ended its task: nothing of it may be touched. */
#define MIX_GONE (-520)

/* The call has set the registers itself. */
#define MIX_CONTEXT_SET (-521)

#define PM_APPENDS 16

struct pm {
    KnMutex lock;
    struct linux_utsname names;
    KnMutex append[PM_APPENDS]; /* of files, by key: appends to one file do not mix */
    struct heap heap;
    struct chacha random;
    struct processes processes;
    struct servers servers;
    struct server server;       /* of idl/pm.idl */
    KnCap self;                 /* this actor */
    KnMutex end;                /* taken by who ends the site, and never given back */
    bool halting;               /* the launcher wants it */
    uint32_t unknown_calls[16]; /* bit a number: ENOSYS was logged */
    struct process *program;    /* what the launcher asked for; its end is the domain's */
    /* changes when a vfork child lets its parent go; parents sleep on it */
    uint32_t vfork_word;
    struct signal_room signal_room;
    uint32_t set_id_changes; /* grows by 2 when set-id bits were set on some file */
    struct locks locks;      /* of files */
    /* the thread that sends SIGALRM waits on it; changed for an earlier alarm */
    uint32_t clock_word;
    bool shortage_at_work;  /* a task sees to it that memory comes back */
    uint32_t shortage_word; /* changes when it is done; who is short sleeps on it */
};

/* Whether a call's result is that a signal cut it short. */
static inline bool is_cut_short(long result)
{
    return result <= MIX_RESTART && result >= MIX_RESUME;
}

/* What uname tells at first. */
extern const struct linux_utsname pm_names;

/* Nanoseconds since the site's start. */
uint64_t pm_now_ns(void);

/* Random bytes, for programs and for their stacks. */
void pm_random(struct pm *pm, void *to, size_t bytes);

/* The program has ended: tells the launcher. */
void pm_program_ended(struct pm *pm, uint32_t status);

/* The thread that sends timers' signals looks again. */
void pm_clock_kick(struct pm *pm);

#endif
