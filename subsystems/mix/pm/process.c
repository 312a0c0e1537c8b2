/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/process.h"

#include "chorus/calls.h"
#include "chorus/sync.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/stream.h"
#include "subsystems/mix/pm/user.h"

#define STACK_LIMIT_BYTES (UINT64_C(8) << 20)
#define FILES_LIMIT 1024u

static void limits_init(struct process *process)
{
    for (uint32_t i = 0; i < RLIMIT_COUNT; i++)
        process->limits[i] = (struct linux_rlimit){RLIM_INFINITY, RLIM_INFINITY};
    process->limits[RLIMIT_STACK].current = STACK_LIMIT_BYTES;
    process->limits[RLIMIT_NOFILE] = (struct linux_rlimit){FILES_LIMIT, FILES_LIMIT};
    process->limits[RLIMIT_CORE] = (struct linux_rlimit){0, RLIM_INFINITY};
    process->limits[RLIMIT_NPROC] = (struct linux_rlimit){PROCESS_LIMIT, PROCESS_LIMIT};
}

static struct process *process_allocate(struct pm *pm)
{
    struct process *process = heap_allocate(&pm->heap, sizeof(*process));

    if (process == NULL)
        return NULL;
    process->pm = pm;
    list_init(&process->in_all);
    list_init(&process->children);
    list_init(&process->sibling);
    list_init(&process->tasks);
    signal_queue_init(&process->pending);
    timers_init(&process->timers);
    process->started_ns = pm_now_ns();
    return process;
}

long processes_init(struct pm *pm)
{
    struct process *first;

    list_init(&pm->processes.all);
    first = process_allocate(pm);
    if (first == NULL)
        return -ENOMEM;
    limits_init(first);
    first->pid = first->group = first->session = 1;
    first->umask = 022;
    memcpy(first->command, "init", 5);
    list_add_tail(&pm->processes.all, &first->in_all);
    pm->processes.first = first;
    pm->processes.last_pid = 1;
    pm->processes.count = 1;
    return 0;
}

struct process *process_find(struct pm *pm, int32_t pid)
{
    struct process *process;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->pid == pid)
            return process;
    }
    return NULL;
}

bool group_is_orphaned(struct pm *pm, int32_t group)
{
    const struct process *process;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        const struct process *parent = process->parent;

        if (process->group == group && process->state != PROCESS_ZOMBIE && parent != NULL &&
            parent != pm->processes.first && parent->group != group &&
            parent->session == process->session)
            return false;
    }
    return true;
}

/* A pid is free when no process, task, group or session has it. */
static bool pid_is_taken(struct pm *pm, int32_t pid)
{
    struct process *process;
    struct task *task;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->pid == pid || process->group == pid || process->session == pid)
            return true;
        LIST_FOR_EACH(task, &process->tasks, in_process) {
            if (task->tid == pid)
                return true;
        }
    }
    return false;
}

static int32_t pid_next(struct pm *pm)
{
    do {
        pm->processes.last_pid = pm->processes.last_pid >= PID_MAX ? 2 : pm->processes.last_pid + 1;
    } while (pid_is_taken(pm, pm->processes.last_pid));
    return pm->processes.last_pid;
}

/* What fork copies of a process but for its files and its memory. */
static void inherit(struct process *child, const struct process *parent)
{
    child->group = parent->group;
    child->session = parent->session;
    child->umask = parent->umask;
    child->who = parent->who;
    child->nice = parent->nice;
    child->policy = parent->policy;
    child->no_new_privileges = parent->no_new_privileges;
    child->heap_start = parent->heap_start;
    child->heap_end = parent->heap_end;
    child->layout = parent->layout;
    memcpy(child->proc_directory, parent->proc_directory, sizeof(child->proc_directory));
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    memcpy(child->command, parent->command, sizeof(child->command));
    memcpy(child->actions, parent->actions, sizeof(child->actions));
}

static void executable_drop(struct process *process)
{
    struct pm *pm = process->pm;

    mutexGet(&pm->lock);
    struct file *file = process->executable;

    process->executable = NULL;
    mutexRel(&pm->lock);
    if (file != NULL)
        file_drop(pm, file);
}

struct process *process_create(struct pm *pm, struct process *parent)
{
    struct process *process = process_allocate(pm);

    if (process == NULL)
        return NULL;
    inherit(process, parent);
    if (descriptors_copy(process, parent) < 0)
        goto fail;
    if (parent->executable != NULL) {
        file_hold(pm, parent->executable);
        process->executable = parent->executable;
    }
    process->root = parent->root;
    process->directory = parent->directory;
    if (servers_hold_directories(pm, process) < 0)
        goto fail;
    mutexGet(&pm->lock);
    bool full = pm->processes.count >= PROCESS_LIMIT;

    if (!full) {
        pm->processes.count++;
        process->pid = pid_next(pm);
        process->parent = parent;
        list_add_tail(&pm->processes.all, &process->in_all);
        list_add_tail(&parent->children, &process->sibling);
    }
    mutexRel(&pm->lock);
    if (!full)
        return process;
    servers_release_directories(pm, process);
fail:
    descriptors_close_all(process);
    executable_drop(process);
    heap_free(&pm->heap, process, sizeof(*process));
    return NULL;
}

/* Out of the family and the table; pm->lock is held. */
static void process_unlink(struct process *process)
{
    list_remove(&process->sibling);
    list_remove(&process->in_all);
    ASSERT(process->pm->processes.count > 1);
    process->pm->processes.count--;
}

void process_discard(struct process *process)
{
    struct pm *pm = process->pm;

    mutexGet(&pm->lock);
    process_unlink(process);
    signal_queue_drop(pm, &process->pending, UINT64_MAX);
    mutexRel(&pm->lock);
    descriptors_close_all(process);
    servers_release_directories(pm, process);
    executable_drop(process);
    heap_free(&pm->heap, process, sizeof(*process));
}

void process_reap(struct process *process)
{
    struct pm *pm = process->pm;

    ASSERT(process->state == PROCESS_ZOMBIE && list_is_empty(&process->children));
    process_unlink(process);
    signal_queue_drop(pm, &process->pending, UINT64_MAX);
    heap_free(&pm->heap, process, sizeof(*process));
}

/* ---- Tasks ------------------------------------------------------------------------------- */

struct task *task_create(struct process *process)
{
    struct pm *pm = process->pm;
    struct task *task = heap_allocate(&pm->heap, sizeof(*task));

    if (task == NULL)
        return NULL;
    list_init(&task->in_process);
    signal_queue_init(&task->pending);
    task->process = process;
    task->alternate.flags = SS_DISABLE;
    mutexGet(&pm->lock);
    task->tid = list_is_empty(&process->tasks) ? process->pid : pid_next(pm);
    pm->processes.created++;
    list_add_tail(&process->tasks, &task->in_process);
    process->task_count++;
    mutexRel(&pm->lock);
    return task;
}

void task_free(struct task *task)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;

    mutexGet(&pm->lock);
    list_remove(&task->in_process);
    signal_queue_drop(pm, &task->pending, UINT64_MAX);
    process->task_count--;
    mutexRel(&pm->lock);
    heap_free(&pm->heap, task, sizeof(*task));
}

/* ---- Ends -------------------------------------------------------------------------------- */

/* A tie of a group to the rest of its session is gone: its member's parent was one. If it was the
 * last, and somebody is stopped whom nobody can let go on now, all are told. pm->lock is held. */
static void tie_cut(const struct process *member, const struct process *parent)
{
    struct pm *pm = member->pm;
    struct linux_siginfo info = {.code = SI_KERNEL};
    struct process *process;
    bool is_stopped = false;

    if (parent->group == member->group || parent->session != member->session ||
        !group_is_orphaned(pm, member->group))
        return;
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        is_stopped |= process->group == member->group && process->state == PROCESS_STOPPED;
    }
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (!is_stopped || process->group != member->group)
            continue;
        info.signal = SIGHUP;
        (void)signal_post(process, NULL, &info);
        info.signal = SIGCONT;
        (void)signal_post(process, NULL, &info);
    }
}

/* Children of the dead become the first process', which asks for no status. pm->lock is held. */
static void children_orphan(struct process *process)
{
    struct process *first = process->pm->processes.first;
    struct process *child;

    LIST_FOR_EACH_SAFE(child, &process->children, sibling) {
        list_remove(&child->sibling);
        child->parent = first;
        list_add_tail(&first->children, &child->sibling);
        tie_cut(child, process);
        if (child->state == PROCESS_ZOMBIE)
            process_reap(child);
    }
}

static bool parent_ignores(const struct process *parent)
{
    const struct linux_sigaction *action = &parent->actions[SIGCHLD];

    return parent == parent->pm->processes.first || action->handler == SIG_IGN ||
           (action->flags & SA_NOCLDWAIT) != 0;
}

void process_wake_waiters(struct process *parent)
{
    parent->child_word++;
    (void)syncWake((VmAddr)&parent->child_word, UINT32_MAX);
}

void process_tell_parent(struct process *process, int32_t code, int32_t status)
{
    struct process *parent = process->parent;
    bool has_ended = code == CLD_EXITED || code == CLD_KILLED;
    struct linux_siginfo info = {.signal = has_ended ? process->exit_signal : SIGCHLD,
                                 .code = code};

    info.about.process.pid = process->pid;
    info.about.process.uid = process->who.uid;
    info.about.process.status = status;
    process_wake_waiters(parent);
    if (!has_ended && (parent->actions[SIGCHLD].flags & SA_NOCLDSTOP) != 0)
        return;
    if (info.signal != 0 && parent != process->pm->processes.first)
        (void)signal_post(parent, NULL, &info);
}

void vfork_release(struct process *process)
{
    if (!process->vfork_child)
        return;
    process->vfork_child = false;
    process->vfork_word = 1;
    process->pm->vfork_word++;
    (void)syncWake((VmAddr)&process->pm->vfork_word, UINT32_MAX);
}

uint64_t process_used_ns(const struct process *process)
{
    KnCap actor = process->actor;
    KnThreadStat stat;
    uint64_t used_ns = process->used_ns;

    for (uint32_t i = 0; threadStat(&actor, i, &stat) == K_OK; i++)
        used_ns += stat.tsUsedNs;
    return used_ns;
}

static void zombie_make(struct process *process)
{
    struct pm *pm = process->pm;
    bool killed = (process->status & 0x7f) != 0;

    signal_lock(pm, 1);
    process->state = PROCESS_ZOMBIE;
    children_orphan(process);
    tie_cut(process, process->parent);
    process->alarm_ns = 0;
    vfork_release(process);
    process_tell_parent(process, killed ? CLD_KILLED : CLD_EXITED,
                        (int32_t)(killed ? process->status & 0x7f : process->status >> 8));
    process->parent->children_used_ns += process->used_ns + process->children_used_ns;
    if (parent_ignores(process->parent))
        process_reap(process);
    mutexRel(&pm->lock);
}

/* The last task: takes the process apart in the order that lets nobody see a half of it. The thread
 * ends with its actor, when the handler that called this returns. */
static void process_finish(struct process *process)
{
    struct pm *pm = process->pm;
    bool is_program = process == pm->program;
    uint32_t status = process->status;
    KnCap actor = process->actor;

    descriptors_close_all(process);
    ASSERT(!process->has_locks);
    timers_end(process);
    servers_release_directories(pm, process);
    executable_drop(process);
    process->used_ns = process_used_ns(process);
    if (is_program)
        pm_program_ended(pm, status);
    if (process->session == process->pid)
        stream_session_end(process);
    zombie_make(process);
    (void)actorDelete(&actor);
}

long task_exit(struct task *task, uint32_t status)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    uint32_t zero = 0;

    futex_owner_ends(task);
    if (task->clear_tid != 0 && user_write(task->clear_tid, &zero, sizeof(zero)) == 0)
        (void)syncWake(task->clear_tid, 1);
    mutexGet(&pm->lock);
    list_remove(&task->in_process);
    signal_queue_drop(pm, &task->pending, UINT64_MAX);
    bool last = --process->task_count == 0;

    if (last && !process->exiting)
        process->status = status;
    process->exiting |= last;
    process->task_word++;
    (void)syncWake((VmAddr)&process->task_word, 1);
    mutexRel(&pm->lock);
    heap_free(&pm->heap, task, sizeof(*task));
    if (last)
        process_finish(process);
    else
        (void)threadDelete(K_MYACTOR, K_MYSELF);
    return MIX_GONE;
}

void process_end(struct process *process, uint32_t status)
{
    struct pm *pm = process->pm;
    struct task *task;

    mutexGet(&pm->lock);
    if (!process->exiting) {
        process->exiting = true;
        process->status = status;
        LIST_FOR_EACH(task, &process->tasks, in_process) {
            (void)threadAbort(&process->actor, task->lid);
        }
        process_go_on(process);
    }
    mutexRel(&pm->lock);
}
