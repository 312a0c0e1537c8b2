/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: posting, default actions, delivery. See signal.h. */
#include "subsystems/mix/pm/signal.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/syscall.h"
#include "subsystems/mix/pm/user.h"

#define STOP_SIGNALS \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define IGNORED_SIGNALS \
    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGCONT))

/* Room for what signals carry that is there before the lock is taken: how much at least, since one
 * signal leads to others, and how much is kept. */
#define ROOM_LEAST 64u
#define ROOM_MOST 256u

/* ---- Posting ----------------------------------------------------------------------------- */

/* By its action; who blocks it, and perhaps waits for it, gets it all the same. */
static bool is_ignored(const struct process *process, int32_t signal)
{
    uint64_t handler = process->actions[signal].handler;

    if ((SIGNAL_BIT(signal) & SIGNAL_UNBLOCKABLE) != 0)
        return false;
    return handler == SIG_IGN ||
           (handler == SIG_DFL && (SIGNAL_BIT(signal) & IGNORED_SIGNALS) != 0);
}

/* What a signal that waits carries. */
struct pending_info {
    struct list link;
    struct linux_siginfo info;
};

void signal_queue_init(struct signal_queue *queue)
{
    queue->set = 0;
    queue->count = 0;
    list_init(&queue->infos);
}

/* Asks the heap for memory, which may take its time, with the lock given back meanwhile. */
static bool room_add(struct pm *pm)
{
    mutexRel(&pm->lock);
    struct pending_info *spare = heap_allocate(&pm->heap, sizeof(*spare));

    mutexGet(&pm->lock);
    if (spare == NULL)
        return false;
    list_init(&spare->link);
    list_add_tail(&pm->signal_room.spare, &spare->link);
    pm->signal_room.count++;
    return true;
}

void signal_lock(struct pm *pm, uint32_t posts)
{
    mutexGet(&pm->lock);
    while (pm->signal_room.count < MAX(posts, ROOM_LEAST) && room_add(pm))
        continue;
}

static void info_free(struct pm *pm, struct signal_queue *queue, struct pending_info *pending)
{
    struct signal_room *room = &pm->signal_room;

    list_remove(&pending->link);
    queue->count--;
    if (room->count < ROOM_MOST) {
        list_add_tail(&room->spare, &pending->link);
        room->count++;
    } else {
        heap_free(&pm->heap, pending, sizeof(*pending));
    }
}

void signal_queue_drop(struct pm *pm, struct signal_queue *queue, uint64_t signals)
{
    struct pending_info *pending;

    if ((queue->set & signals) == 0)
        return;
    queue->set &= ~signals;
    LIST_FOR_EACH_SAFE(pending, &queue->infos, link) {
        if ((signals & SIGNAL_BIT(pending->info.signal)) != 0)
            info_free(pm, queue, pending);
    }
}

static bool queue_add(struct pm *pm, struct signal_queue *queue, const struct linux_siginfo *info)
{
    struct signal_room *room = &pm->signal_room;

    if (info->signal < SIGNAL_REALTIME && info->code != SI_TIMER &&
        (queue->set & SIGNAL_BIT(info->signal)) != 0)
        return true; /* I2 */
    queue->set |= SIGNAL_BIT(info->signal);
    if (queue->count >= SIGNAL_QUEUE_MAX || room->count == 0)
        return false;
    struct pending_info *pending =
        LIST_ENTRY(list_pop_head(&room->spare), struct pending_info, link);

    room->count--;
    pending->info = *info;
    list_init(&pending->link);
    list_add_tail(&queue->infos, &pending->link);
    queue->count++;
    return true;
}

/* Takes the first of a signal out of the queue that has it. */
static void queue_take(struct pm *pm, struct signal_queue *queue, int32_t signal,
                       struct linux_siginfo *info)
{
    struct pending_info *pending;
    bool found = false, more = false;

    *info = (struct linux_siginfo){.signal = signal, .code = SI_KERNEL};
    LIST_FOR_EACH_SAFE(pending, &queue->infos, link) {
        if (pending->info.signal != signal)
            continue;
        more = found;
        if (found)
            break;
        found = true;
        *info = pending->info;
        info_free(pm, queue, pending);
    }
    if (!more)
        queue->set &= ~SIGNAL_BIT(signal);
}

void process_go_on(struct process *process)
{
    process->state = PROCESS_RUNNING;
    process->stop_unreported = false;
    process->stop_word++;
    (void)syncWake((VmAddr)&process->stop_word, UINT32_MAX);
}

/* A stopped process that is killed goes on too, to its end; only of the end its parent hears. */
static void let_go(struct process *process, int32_t signal)
{
    if (process->state != PROCESS_STOPPED || (signal != SIGCONT && signal != SIGKILL))
        return;
    process_go_on(process);
    if (signal == SIGKILL)
        return;
    process->continue_unreported = true;
    process_tell_parent(process, CLD_CONTINUED, SIGCONT);
}

/* A stop takes back a continue that waits, and the other way round. */
static void cancel_opposites(struct process *process, int32_t signal)
{
    uint64_t opposites = 0;
    struct task *task;

    if ((SIGNAL_BIT(signal) & STOP_SIGNALS) != 0)
        opposites = SIGNAL_BIT(SIGCONT);
    else if (signal == SIGCONT)
        opposites = STOP_SIGNALS;
    if (opposites == 0)
        return;
    signal_queue_drop(process->pm, &process->pending, opposites);
    LIST_FOR_EACH(task, &process->tasks, in_process) {
        signal_queue_drop(process->pm, &task->pending, opposites);
    }
}

/* Who acts on a signal of the process: a task that waits for it, or else the first that does not
 * block it. */
static struct task *who_takes(struct process *process, int32_t signal)
{
    struct task *task, *taker = NULL;

    LIST_FOR_EACH(task, &process->tasks, in_process) {
        if ((task->waited & SIGNAL_BIT(signal)) != 0)
            return task;
        if (taker == NULL && (task->blocked & SIGNAL_BIT(signal)) == 0)
            taker = task;
    }
    return taker;
}

bool signal_post(struct process *process, struct task *task, const struct linux_siginfo *info)
{
    struct pm *pm = process->pm;
    int32_t signal = info->signal;

    ASSERT(signal > 0 && signal <= SIGNAL_COUNT);
    if (process->state == PROCESS_ZOMBIE || process == pm->processes.first)
        return true;
    cancel_opposites(process, signal);
    let_go(process, signal);
    /* A blocked signal waits even if it is ignored now: its action may change before it is let
     * in. */
    struct task *taker = task != NULL ? task : who_takes(process, signal);
    bool waited = taker != NULL && (taker->waited & SIGNAL_BIT(signal)) != 0;
    bool blocked = taker == NULL || (taker->blocked & SIGNAL_BIT(signal)) != 0;

    if (is_ignored(process, signal) && !blocked)
        return true;
    bool whole = queue_add(pm, task != NULL ? &task->pending : &process->pending, info);

    if (!blocked || waited)
        (void)threadAbort(&process->actor, taker->lid);
    return whole;
}

bool signal_timer_again(struct process *process, struct task *task,
                        const struct linux_siginfo *info)
{
    struct signal_queue *queue = task != NULL ? &task->pending : &process->pending;
    struct pending_info *pending;

    ASSERT(info->code == SI_TIMER);
    LIST_FOR_EACH(pending, &queue->infos, link) {
        int32_t *overrun = &pending->info.about.timer.overrun;

        if (pending->info.signal != info->signal || pending->info.code != SI_TIMER ||
            pending->info.about.timer.id != info->about.timer.id)
            continue;
        *overrun = *overrun < INT32_MAX - info->about.timer.overrun
                       ? *overrun + info->about.timer.overrun + 1
                       : INT32_MAX;
        return true;
    }
    return false;
}

void signal_raise(struct process *process, int32_t signal)
{
    struct linux_siginfo info = {.signal = signal, .code = SI_KERNEL};

    signal_lock(process->pm, 1);
    (void)signal_post(process, NULL, &info);
    mutexRel(&process->pm->lock);
}

void signal_drop_ignored(struct process *process, int32_t signal)
{
    struct task *task;

    if (!is_ignored(process, signal))
        return;
    signal_queue_drop(process->pm, &process->pending, SIGNAL_BIT(signal));
    LIST_FOR_EACH(task, &process->tasks, in_process) {
        signal_queue_drop(process->pm, &task->pending, SIGNAL_BIT(signal));
    }
}

/* Whether the task ends at its next exit. */
static bool is_leaving(const struct task *task)
{
    const struct process *process = task->process;

    return process->exiting || (process->alone != NULL && process->alone != task);
}

bool signal_is_pending(const struct task *task)
{
    uint64_t pending = task->pending.set | task->process->pending.set;

    return (pending & ~task->blocked & ~task->waited) != 0 || is_leaving(task);
}

bool task_is_ending(const struct task *task)
{
    const struct process *process = task->process;
    uint64_t ends = (task->pending.set | process->pending.set) & ~task->blocked &
                    ~(STOP_SIGNALS | IGNORED_SIGNALS);

    for (; ends != 0; ends &= ends - 1) {
        if (process->actions[__builtin_ctzll(ends) + 1].handler == SIG_DFL)
            return true;
    }
    return is_leaving(task);
}

/* ---- Taking ------------------------------------------------------------------------------ */

/* Faults and kills come before others, then the lowest number. */
static int32_t choose(uint64_t set)
{
    static const uint64_t first = SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |
                                  SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGTRAP);

    if ((set & first) != 0)
        set &= first;
    return __builtin_ctzll(set) + 1;
}

/* Takes a pending signal out of `wanted`; 0: none. */
int32_t signal_take(struct task *task, uint64_t wanted, struct linux_siginfo *info)
{
    struct process *process = task->process;
    int32_t signal = 0;

    mutexGet(&process->pm->lock);
    struct signal_queue *queue =
        (task->pending.set & wanted) != 0 ? &task->pending : &process->pending;
    uint64_t set = queue->set & wanted;

    if (set != 0) {
        signal = choose(set);
        queue_take(process->pm, queue, signal, info);
        if (info->code == SI_TIMER)
            timer_delivered(process, info);
    }
    mutexRel(&process->pm->lock);
    return signal;
}

/* ---- Default actions --------------------------------------------------------------------- */

/* Stops the process and sleeps. What a terminal asks for does nothing to an orphaned group: nobody
 * could let it go on. */
static void stop(struct task *task, int32_t signal)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;

    signal_lock(pm, 1);
    bool may = signal == SIGSTOP || !group_is_orphaned(pm, process->group);

    if (may && !process->exiting && process->state == PROCESS_RUNNING) {
        struct task *other;

        process->state = PROCESS_STOPPED;
        process->stop_signal = signal;
        process->stop_unreported = true;
        process->continue_unreported = false;
        process_tell_parent(process, CLD_STOPPED, signal);
        LIST_FOR_EACH(other, &process->tasks, in_process) {
            if (other != task)
                (void)threadAbort(&process->actor, other->lid);
        }
    }
    mutexRel(&pm->lock);
    stop_wait(process);
}

void stop_wait(struct process *process)
{
    while (process->state == PROCESS_STOPPED && !process->exiting) {
        uint32_t word = process->stop_word;

        if (process->state == PROCESS_STOPPED)
            (void)syncWait((VmAddr)&process->stop_word, word, K_NOTIMEOUT, K_ABORTABLE);
    }
}

static void act_by_default(struct task *task, int32_t signal)
{
    uint64_t bit = SIGNAL_BIT(signal);

    if ((bit & IGNORED_SIGNALS) != 0)
        return;
    if ((bit & STOP_SIGNALS) != 0)
        stop(task, signal);
    else
        process_end(task->process, (uint32_t)signal);
}

/* ---- Delivery ---------------------------------------------------------------------------- */

/* What becomes of a call that a signal cut short. `action`: of the handler that runs; NULL:
 * none. */
static void settle_call(KnThreadCtx *context, long result, uintptr_t number,
                        const struct linux_sigaction *action)
{
    bool again = action == NULL || result == MIX_AGAIN ||
                 (result == MIX_RESTART && (action->flags & SA_RESTART) != 0);

    if (again)
        context_restart(context, result == MIX_RESUME ? SYSCALL_RESTART : number);
    else
        context_result_set(context, (uintptr_t)-EINTR);
}

static void call_handler(struct task *task, KnThreadCtx *context, const struct linux_siginfo *info)
{
    struct process *process = task->process;
    struct linux_sigaction action = process->actions[info->signal];
    uint64_t before = task->restore_blocked ? task->saved_blocked : task->blocked;

    task->restore_blocked = false;
    if ((action.flags & SA_RESETHAND) != 0)
        process->actions[info->signal].handler = SIG_DFL;
    if (!sigframe_push(task, context, info, &action, before)) {
        process_end(process, SIGSEGV);
        return;
    }
    task->blocked |= action.mask & ~SIGNAL_UNBLOCKABLE;
    if ((action.flags & SA_NODEFER) == 0)
        task->blocked |= SIGNAL_BIT(info->signal);
}

long signal_deliver(struct task *task, KnThreadCtx *context, long result, uintptr_t number)
{
    struct process *process = task->process;
    struct linux_siginfo info;
    int32_t signal;

    stop_wait(process);
    while (!process->exiting && (signal = signal_take(task, ~task->blocked, &info)) != 0) {
        struct linux_sigaction *action = &process->actions[signal];

        if (is_ignored(process, signal))
            continue;
        if (action->handler == SIG_DFL || (SIGNAL_BIT(signal) & SIGNAL_UNBLOCKABLE) != 0) {
            act_by_default(task, signal);
            continue;
        }
        if (result != 0)
            settle_call(context, result, number, action);
        result = 0;
        call_handler(task, context, &info);
    }
    if (is_leaving(task))
        return task_exit(task, process->status);
    if (result != 0)
        settle_call(context, result, number, NULL);
    if (task->restore_blocked) {
        task->restore_blocked = false;
        task->blocked = task->saved_blocked;
    }
    return 0;
}

/* A fault is the task's own signal; blocked or ignored, it ends the process: going on would only
 * fault again. */
void signal_fault(struct task *task, const struct linux_siginfo *info)
{
    struct process *process = task->process;

    signal_lock(process->pm, 1);
    if ((task->blocked & SIGNAL_BIT(info->signal)) != 0 ||
        process->actions[info->signal].handler == SIG_IGN) {
        process->actions[info->signal].handler = SIG_DFL;
        task->blocked &= ~SIGNAL_BIT(info->signal);
    }
    (void)queue_add(process->pm, &task->pending, info);
    mutexRel(&process->pm->lock);
}
