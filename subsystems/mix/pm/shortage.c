/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who ends for lack of memory. Programs are compared, not processes: a thousand small processes of
 * one program have taken as much as a large one. Of the program that has most the youngest of its
 * large processes goes, so that a shell outlives what it started.
 */
#include "subsystems/mix/pm/shortage.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"

#define OWN_PAGES 16u /* page tables, stacks and records of any process */
#define WAIT_NS UINT64_C(2000000000)
#define LOOK_NS INT64_C(2000000)
#define STILL_LOOKS 20u

/* Pages that only this process has; what it shares with a file is not counted. */
static uint32_t pages_of(const struct process *process)
{
    KnCap actor = process->actor;
    uint32_t pages = OWN_PAGES;
    KnRgnStat stat;
    VmAddr at = 0;

    for (; rgnNext(&actor, at, &stat) == K_OK; at = stat.rsStart + stat.rsSize) {
        if (stat.rsSegment.ui.uiHead == 0 && stat.rsSegment.ui.uiTail == 0)
            pages += stat.rsResidentPages;
    }
    return pages;
}

/* Killed, and still there. */
static bool is_ending(const struct process *process)
{
    return process->state != PROCESS_ZOMBIE &&
           (process->exiting || (process->pending.set & SIGNAL_BIT(SIGKILL)) != 0);
}

static bool may_end(const struct process *process)
{
    return process != process->pm->processes.first && process->state != PROCESS_ZOMBIE &&
           !is_ending(process) && !list_is_empty(&process->tasks);
}

static bool same_program(const struct process *a, const struct process *b)
{
    ASSERT(a != NULL && b != NULL);
    if (a->executable == NULL || b->executable == NULL)
        return a == b;
    return a->executable->segment.key == b->executable->segment.key;
}

static uint64_t pages_of_program(const struct pm *pm, const struct process *one)
{
    struct process *process;
    uint64_t pages = 0;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (may_end(process) && same_program(process, one))
            pages += process->pages;
    }
    return pages;
}

/* Whether `process` goes rather than `chosen`, of the same program. The domain ends with its first
 * program, so that goes last. */
static bool goes_before(const struct process *process, const struct process *chosen)
{
    const struct process *program = process->pm->program;

    if (process == program || chosen == program)
        return chosen == program;
    if (process->pages / 2 > chosen->pages || chosen->pages / 2 > process->pages)
        return process->pages > chosen->pages;
    return process->started_ns > chosen->started_ns;
}

/* pm->lock is held. NULL: nobody is left. */
static struct process *choose(struct pm *pm)
{
    struct process *process, *chosen = NULL;
    uint64_t most = 0;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        process->pages = may_end(process) ? pages_of(process) : 0;
    }
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (!may_end(process) || (chosen != NULL && same_program(process, chosen)))
            continue;
        uint64_t pages = pages_of_program(pm, process);

        if (chosen == NULL || pages > most) {
            chosen = process;
            most = pages;
        }
    }
    if (chosen == NULL)
        return NULL;
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (may_end(process) && process != chosen && same_program(process, chosen) &&
            goes_before(process, chosen))
            chosen = process;
    }
    return chosen;
}

/* pm->lock is held. */
static bool somebody_ends(const struct pm *pm)
{
    struct process *process;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (is_ending(process))
            return true;
    }
    return false;
}

static uint32_t free_pages(void)
{
    KnSiteStat stat;

    return siteStat(&stat) == K_OK ? stat.ssFramesFree : 0;
}

/* Lets those who are ending give their memory back, which the Nucleus does after a process has
 * gone. true: there is some again. */
static bool wait_for_ends(struct task *task)
{
    struct pm *pm = task->process->pm;
    uint64_t end_ns = pm_now_ns() + WAIT_NS;
    uint32_t wanted = free_pages() + OWN_PAGES;
    uint32_t still = 0; /* looks while nobody was ending */

    while (still < STILL_LOOKS && pm_now_ns() < end_ns && !task_is_ending(task)) {
        mutexGet(&pm->lock);
        bool ending = somebody_ends(pm);

        mutexRel(&pm->lock);
        (void)threadDelay(LOOK_NS);
        if (free_pages() >= wanted)
            return true;
        still = ending ? 0 : still + 1;
    }
    return false;
}

typedef bool chooses_itself(const struct process *process, const struct process *chosen);

/* Ends somebody, unless that would be the caller's own choice of itself: false. */
static bool end_somebody(struct task *task, chooses_itself *is_itself)
{
    const struct linux_siginfo info = {.signal = SIGKILL, .code = SI_KERNEL};
    struct pm *pm = task->process->pm;
    char command[COMMAND_BYTES];
    int32_t pid = 0;

    mutexGet(&pm->lock);
    bool is_late = somebody_ends(pm); /* since this task last looked */
    struct process *chosen = is_late ? NULL : choose(pm);

    ASSERT(chosen == NULL || may_end(chosen));
    if (chosen != NULL && !is_itself(task->process, chosen)) {
        pid = chosen->pid;
        memcpy(command, chosen->command, sizeof(command));
        (void)signal_post(chosen, NULL, &info);
    }
    mutexRel(&pm->lock);
    if (pid != 0)
        (void)log_print("mix: memory is out: process %d (%s) ends\n", (int)pid, command);
    return is_late || pid != 0;
}

static bool relieve_as_first(struct task *task, chooses_itself *is_itself)
{
    if (wait_for_ends(task))
        return true;
    return !task_is_ending(task) && end_somebody(task, is_itself) && wait_for_ends(task);
}

/* One task does it for all that are short meanwhile; they sleep, and then try again. */
static bool relieve(struct task *task, chooses_itself *is_itself)
{
    struct pm *pm = task->process->pm;
    bool result = true;

    mutexGet(&pm->lock);
    bool is_first = !pm->shortage_at_work;
    uint32_t word = pm->shortage_word;

    pm->shortage_at_work = true;
    mutexRel(&pm->lock);
    if (!is_first) {
        (void)syncWait((VmAddr)&pm->shortage_word, word, (int64_t)WAIT_NS, K_ABORTABLE);
        return !task_is_ending(task);
    }
    result = relieve_as_first(task, is_itself);
    mutexGet(&pm->lock);
    pm->shortage_at_work = false;
    pm->shortage_word++;
    mutexRel(&pm->lock);
    (void)syncWake((VmAddr)&pm->shortage_word, UINT32_MAX);
    return result;
}

/* Of many that are alike, who asks may as well be the one. */
static bool is_or_is_like(const struct process *process, const struct process *chosen)
{
    return process == chosen || (process != process->pm->program && same_program(process, chosen) &&
                                 process->pages >= chosen->pages / 2);
}

bool shortage_relieve(struct task *task)
{
    return relieve(task, is_or_is_like);
}

/* Whether the caller's own program is the one that would be chosen, and no other's memory is on
 * its way back. */
static bool is_own_fault(struct task *task)
{
    struct pm *pm = task->process->pm;
    struct process *process;
    bool result = true;

    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (is_ending(process) && !same_program(process, task->process))
            result = false;
    }
    if (result) {
        process = choose(pm);
        result = process == NULL || same_program(process, task->process);
    }
    mutexRel(&pm->lock);
    return result;
}

/* A program that breeds is refused without much ado. */
bool shortage_spare_own(struct task *task)
{
    uint32_t wanted = free_pages() + OWN_PAGES;

    if (!is_own_fault(task))
        return relieve(task, same_program);
    (void)threadDelay(LOOK_NS);
    return free_pages() >= wanted; /* of somebody who has just gone */
}
