/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and tasks. A process is one actor; a task is one of its threads with what UNIX keeps by
 * thread. The soft register of a thread holds its task, the cookie of an actor's handlers its
 * process.
 *
 * state   RUNNING   has tasks
 *         STOPPED   by a signal; its tasks wait
 *         ZOMBIE    its actor is gone; its status waits for the parent
 *
 * I1 Every process but the first, which is PM itself and adopts orphans, has a parent.
 * I2 A process is in processes->all from its creation until it is reaped.
 */
#ifndef PM_PROCESS_H
#define PM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"
#include "mix/linux.h"
#include "subsystems/mix/pm/file.h"
#include "subsystems/mix/pm/signal.h"
#include "subsystems/mix/pm/timer.h"

struct launch;
struct pm;

#define PID_MAX 32767
#define PROCESS_LIMIT 1024
#define GROUPS_MAX 32
#define COMMAND_BYTES 16
#define PROC_PATH_BYTES 40 /* of the longest directory in /proc, and its NUL */

enum process_state { PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_ZOMBIE };

struct credentials {
    uint32_t uid, euid, suid, fsuid; /* real, effective, saved; of accesses to files */
    uint32_t gid, egid, sgid, fsgid;
    uint32_t group_count;
    uint32_t groups[GROUPS_MAX];
};

/* Where exec put the parts of a program. */
struct program_layout {
    VmAddr image_start, image_end;
    VmAddr stack_start, stack_end;
    VmAddr first_stack_pointer;
    /* each with its NUL, the arguments up to the first of the environment */
    VmAddr arguments_start, environment_start, environment_end;
};

struct process {
    struct pm *pm;
    struct list in_all;
    int32_t pid, group, session;
    struct process *parent;
    struct list children, sibling;
    enum process_state state;
    KnCap actor;
    struct list tasks;
    uint32_t task_count;

    /* Files. */
    struct descriptors descriptors;
    bool has_locks;           /* it may own some of pm->locks */
    uint64_t root, directory; /* keys of OM, held */
    /* the working directory if it is in /proc, by its absolute name; "": it is `directory` */
    char proc_directory[PROC_PATH_BYTES];
    uint32_t umask;
    struct credentials who;
    int32_t nice;           /* -20 .. 19; see sched_calls.c */
    uint32_t policy;        /* SCHED_* */
    bool no_new_privileges; /* for good: exec lends no rights any more */

    /* Memory. */
    VmAddr heap_start, heap_end;
    struct program_layout layout;
    struct linux_rlimit limits[RLIMIT_COUNT];
    char command[COMMAND_BYTES];
    struct file *executable; /* held; what runs, the interpreter in a script's case */

    /* Signals. */
    struct linux_sigaction actions[SIGNAL_COUNT + 1];
    struct signal_queue pending;
    struct timers timers;
    uint64_t alarm_ns, alarm_interval_ns; /* next SIGALRM (sysTime), 0: none */

    /* Ends. */
    struct task *alone;                        /* execve: all other tasks are to end */
    uint32_t task_word;                        /* changes when a task ends */
    bool exiting;                              /* tasks end at their next exit */
    uint32_t status;                           /* as wait tells it */
    int32_t exit_signal;                       /* to the parent */
    int32_t stop_signal;                       /* of the last stop */
    bool stop_unreported, continue_unreported; /* for waitpid */
    uint32_t stop_word;  /* changes when a stopped process goes on; its tasks sleep on it */
    uint32_t child_word; /* changes when a child changes state; waiters sleep on it */
    uint32_t vfork_word; /* becomes 1 when a vfork child lets its parent go */
    bool vfork_child;
    uint64_t started_ns;
    uint64_t used_ns, children_used_ns;
    uint64_t cpu_told_ns; /* processor time at the last SIGXCPU */
    uint32_t pages;       /* of its own, when memory was last short */
};

/* What restart_syscall goes on with: a wait that a stop and a continue came into. */
struct resume {
    long (*call)(struct task *task); /* NULL: nothing */
    uint64_t end_ns;                 /* sysTime */
    VmAddr first;                    /* the call's own */
    uint32_t number;
};

struct task {
    struct process *process;
    struct list in_process;
    int32_t tid;
    KnThreadLid lid;
    struct signal_queue pending;
    uint64_t blocked;       /* signal mask, bit signal - 1 */
    uint64_t saved_blocked; /* to be put back after sigsuspend */
    bool restore_blocked;
    uint64_t waited; /* signals that sigtimedwait waits for: they come though they are blocked */
    struct resume resume;
    struct linux_sigaltstack alternate;
    VmAddr clear_tid;
    VmAddr robust_list;    /* 0: none */
    struct launch *launch; /* of the first task: what it is to become; NULL: it has */
};

struct processes {
    struct list all;
    uint32_t count;
    int32_t last_pid;
    uint32_t created; /* processes and tasks since the site's start */
    struct process *first;
};

/* Makes the first process. */
long processes_init(struct pm *pm);

/* A new process, copied from `parent` in what fork copies but for its actor; not yet visible.
 * NULL: no memory, or too many. */
struct process *process_create(struct pm *pm, struct process *parent);

/* Takes back what process_create gave, of a process that never ran. */
void process_discard(struct process *process);

/* The process with this pid, or NULL; pm->lock is held. */
struct process *process_find(struct pm *pm, int32_t pid);

/* Whether nobody outside a group, but of its session, is parent of one of its processes: nobody
 * could let it go on after a stop. pm->lock is held. */
bool group_is_orphaned(struct pm *pm, int32_t group);

/* A zombie's status was taken: it is gone. pm->lock is held. */
void process_reap(struct process *process);

/* A task ends: whoever waits for a lock of its robust list learns that its owner has died. */
void futex_owner_ends(struct task *task);

/* SIGCHLD (or what clone asked for) and a wake-up for the parent. pm->lock is held. */
void process_tell_parent(struct process *process, int32_t code, int32_t status);

/* Wakes who waits for a child of `parent` to change. pm->lock is held. */
void process_wake_waiters(struct process *parent);

/* A vfork child execs or ends: its parent goes on. pm->lock is held. */
void vfork_release(struct process *process);

/* Processor time of the tasks that live and of those that ended. */
uint64_t process_used_ns(const struct process *process);

/* All tasks of the process end at their next exit, with `status` as wait tells it. */
void process_end(struct process *process, uint32_t status);

struct task *task_create(struct process *process);

/* Takes back what task_create gave, of a task that never ran. */
void task_free(struct task *task);

/* The calling task ends, and with the last one its process: MIX_GONE, after which neither may be
 * touched and the handler must return. */
long task_exit(struct task *task, uint32_t status);

#endif
