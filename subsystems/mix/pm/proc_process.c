/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of /proc about a process or one of its tasks. What is not kept reads as 0, and a comment
 * says so. init is PM itself, whose memory and time are the system's: of those it tells none.
 */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/proc_tree.h"

#define NS_PER_TICK UINT64_C(10000000)
#define TEXTS_MAX (UINT64_C(1) << 20)

/* ---- The snapshot ------------------------------------------------------------------------ */

/* pm->lock is held. */
static struct task *task_find(const struct process *process, int32_t tid)
{
    struct task *task;

    LIST_FOR_EACH(task, &process->tasks, in_process) {
        if (tid == 0 || task->tid == tid)
            return task;
    }
    return NULL;
}

static void view_signals(const struct process *process, const struct task *task,
                         struct proc_view *view)
{
    view->shared_pending = process->pending.set;
    view->pending = task == NULL ? 0 : task->pending.set;
    view->blocked = task == NULL ? 0 : task->blocked;
    for (int32_t signal = 1; signal <= SIGNAL_COUNT; signal++) {
        uint64_t handler = process->actions[signal].handler;

        if (handler == SIG_IGN)
            view->ignored |= SIGNAL_BIT(signal);
        else if (handler != SIG_DFL)
            view->caught |= SIGNAL_BIT(signal);
    }
}

static uint32_t open_count(const struct process *process)
{
    uint32_t count = 0;

    for (uint32_t fd = 0; fd < process->descriptors.count; fd++)
        count += process->descriptors.entry[fd].file != NULL;
    return count;
}

/* pm->lock is held. */
static void view_fill(struct process *process, const struct task *task, struct proc_view *view)
{
    *view = (struct proc_view){
        .pid = process->pid,
        .parent = process->parent == NULL ? 0 : process->parent->pid,
        .group = process->group,
        .session = process->session,
        .tid = task == NULL ? process->pid : task->tid,
        .lid = task == NULL ? 0 : task->lid,
        .state = process->state,
        .task_count = process->task_count,
        .descriptor_count = open_count(process),
        .umask = process->umask,
        .nice = process->nice,
        .who = process->who,
        .heap_start = process->heap_start,
        .heap_end = process->heap_end,
        .layout = process->layout,
        .memory_limit_bytes = process->limits[RLIMIT_AS].current,
        .exit_signal = process->exit_signal,
        .status = process->state == PROCESS_ZOMBIE ? process->status : 0,
        .started_ns = process->started_ns,
        .used_ns = process->used_ns,
        .children_used_ns = process->children_used_ns,
    };
    /* init has no actor of its own, and that of the dead is gone. */
    if (process->state != PROCESS_ZOMBIE && process->parent != NULL)
        view->actor = process->actor;
    memcpy(view->command, process->command, sizeof(view->command));
    view_signals(process, task, view);
}

long proc_view(struct pm *pm, int32_t pid, int32_t tid, struct proc_view *view)
{
    mutexGet(&pm->lock);
    struct process *process = process_find(pm, pid);
    struct task *task = process == NULL ? NULL : task_find(process, tid);
    bool found = process != NULL && (tid == 0 || task != NULL);

    if (found)
        view_fill(process, task, view);
    if (found)
        view->is_task = tid != 0;
    mutexRel(&pm->lock);
    return found ? 0 : -ENOENT;
}

/* ---- Time and state ---------------------------------------------------------------------- */

struct activity {
    bool runs;
    uint64_t used_ns;
};

static struct activity activity_of(const struct proc_view *view)
{
    struct activity activity = {false, view->is_task ? 0 : view->used_ns};
    KnCap actor = view->actor;
    KnThreadStat stat;

    if (actor.key == 0)
        return activity;
    for (uint32_t i = 0; threadStat(&actor, i, &stat) == K_OK; i++) {
        if (view->is_task && stat.tsLid != view->lid)
            continue;
        activity.used_ns += stat.tsUsedNs;
        activity.runs |= stat.tsState == 0;
    }
    return activity;
}

static char letter_of(const struct proc_view *view, const struct activity *activity)
{
    if (view->state == PROCESS_ZOMBIE)
        return 'Z';
    if (view->state == PROCESS_STOPPED)
        return 'T';
    return activity->runs ? 'R' : 'S';
}

static unsigned long ticks(uint64_t time_ns)
{
    return (unsigned long)(time_ns / NS_PER_TICK);
}

/* ---- Memory ------------------------------------------------------------------------------ */

struct extent {
    uint64_t pages, resident, shared, code, data, stack; /* pages */
};

static bool is_in(const KnRgnStat *region, VmAddr start, VmAddr end)
{
    return region->rsStart >= start && region->rsStart + region->rsSize <= end;
}

static bool is_stack(const struct proc_view *view, const KnRgnStat *region)
{
    return is_in(region, view->layout.stack_start, view->layout.stack_end);
}

/* A page that several regions show counts in each. */
static struct extent extent_of(const struct proc_view *view)
{
    struct extent extent = {0};
    KnCap actor = view->actor;
    KnRgnStat region = {.rsStart = 0};

    while (actor.key != 0 && rgnNext(&actor, region.rsStart + region.rsSize, &region) == K_OK) {
        uint64_t pages = region.rsSize / PAGE_BYTES;
        uint64_t resident = MIN(pages, (uint64_t)region.rsResidentPages);

        extent.pages += pages;
        extent.resident += resident;
        if (region.rsSegment.key != 0)
            extent.shared += resident;
        if (is_stack(view, &region))
            extent.stack += pages;
        if ((region.rsOptions & K_EXECUTABLE) != 0)
            extent.code += pages;
        else if ((region.rsOptions & K_WRITABLE) != 0)
            extent.data += pages;
    }
    return extent;
}

void proc_statm_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct extent extent = extent_of(view);

    (void)pm;
    /* Pages of libraries and modified ones are 0 in Linux too. */
    proc_put(text, "%lu %lu %lu %lu 0 %lu 0\n", extent.pages, extent.resident, extent.shared,
             extent.code, extent.data);
}

/* A mapping's file is named where it is the program's; of others the name is not kept, and neither
 * are devices and inodes. */
static void put_region(struct proc_text *text, const struct proc_view *view,
                       const KnRgnStat *region, const char *program)
{
    VmFlags options = region->rsOptions;
    bool is_private = (options & K_INHERITSHARE) == 0 || region->rsOpaque2 == MEMORY_PRIVATE;
    const char *name = "";

    if (is_in(region, view->layout.image_start, view->layout.image_end))
        name = program;
    else if (is_in(region, view->heap_start, ALIGN_UP(view->heap_end, PAGE_BYTES)))
        name = "[heap]";
    else if (is_stack(view, region))
        name = "[stack]";
    proc_put(text, "%08lx-%08lx %c%c%c%c %08lx 00:00 0", (unsigned long)region->rsStart,
             (unsigned long)(region->rsStart + region->rsSize),
             (options & K_READABLE) != 0 ? 'r' : '-', (options & K_WRITABLE) != 0 ? 'w' : '-',
             (options & K_EXECUTABLE) != 0 ? 'x' : '-', is_private ? 'p' : 's',
             (unsigned long)(region->rsSegment.key != 0 ? region->rsOffset : 0));
    proc_put(text, name[0] == '\0' ? "\n" : "%28s\n", name);
}

void proc_maps_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct file *program = proc_program(pm, view->pid);
    const char *name = program == NULL || program->path == NULL ? "" : program->path;
    KnCap actor = view->actor;
    KnRgnStat region = {.rsStart = 0};

    while (actor.key != 0 && rgnNext(&actor, region.rsStart + region.rsSize, &region) == K_OK)
        put_region(text, view, &region, name);
    if (program != NULL)
        file_drop(pm, program);
}

/* ---- Texts that the process itself holds ------------------------------------------------- */

static void put_memory(struct proc_text *text, const struct proc_view *view, VmAddr start,
                       VmAddr end)
{
    KnCap actor = view->actor;
    size_t bytes = (size_t)MIN(end - start, (VmAddr)TEXTS_MAX);
    char *room = actor.key == 0 || end <= start ? NULL : proc_room(text, bytes);

    /* The process may have ended meanwhile, or unmapped them: then there are none. */
    if (room != NULL && vmCopy(&actor, start, K_MYACTOR, (VmAddr)room, bytes) >= 0)
        text->used_bytes += bytes;
}

void proc_arguments_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    put_memory(text, view, view->layout.arguments_start, view->layout.environment_start);
}

void proc_environment_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    put_memory(text, view, view->layout.environment_start, view->layout.environment_end);
}

void proc_command_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    proc_put(text, "%s\n", view->command);
}

/* ---- stat and status --------------------------------------------------------------------- */

/* Numbers as in proc(5). */
void proc_stat_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct activity activity = activity_of(view);
    struct extent extent = extent_of(view);
    const struct program_layout *layout = &view->layout;

    (void)pm;
    /* 1 to 8; the terminal and its group STM knows: none is told. */
    proc_put(text, "%d (%s) %c %d %d %d 0 -1 ", view->tid, view->command,
             letter_of(view, &activity), view->parent, view->group, view->session);
    /* 9 to 13: flags and faults are not kept. */
    proc_put(text, "0 0 0 0 0 ");
    /* 14 to 17: the Nucleus does not tell user time from system time, so all is the first. */
    proc_put(text, "%lu 0 %lu 0 ", ticks(activity.used_ns), ticks(view->children_used_ns));
    /* 18 to 22 */
    proc_put(text, "%d %d %u 0 %lu ", 20 + view->nice, view->nice, view->task_count,
             ticks(view->started_ns));
    /* 23 to 25 */
    proc_put(text, "%lu %lu %lu ", (unsigned long)(extent.pages * PAGE_BYTES),
             (unsigned long)extent.resident, (unsigned long)view->memory_limit_bytes);
    /* 26 to 30; the present registers are not looked at. */
    proc_put(text, "%lu %lu %lu 0 0 ", (unsigned long)layout->image_start,
             (unsigned long)layout->image_end, (unsigned long)layout->first_stack_pointer);
    /* 31 to 34: of the first 31 signals only, as ever */
    proc_put(text, "%lu %lu %lu %lu ",
             (unsigned long)((view->pending | view->shared_pending) & INT32_MAX),
             (unsigned long)(view->blocked & INT32_MAX), (unsigned long)(view->ignored & INT32_MAX),
             (unsigned long)(view->caught & INT32_MAX));
    /* 35 to 44: no waiting channel, no swap; one processor; no real-time class; no guests */
    proc_put(text, "0 0 0 %d 0 0 0 0 0 0 ", view->exit_signal);
    /* 45 to 52; where data begins in the image is not kept. */
    proc_put(text, "0 %lu %lu %lu %lu %lu %lu %u\n", (unsigned long)layout->image_end,
             (unsigned long)view->heap_start, (unsigned long)layout->arguments_start,
             (unsigned long)layout->environment_start, (unsigned long)layout->environment_start,
             (unsigned long)layout->environment_end, view->status);
}

static const char *state_word(char letter)
{
    switch (letter) {
    case 'R':
        return "running";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "sleeping";
    }
}

static void put_memory_lines(struct proc_text *text, const struct proc_view *view)
{
    struct extent extent = extent_of(view);
    unsigned long page_kib = PAGE_BYTES / 1024;

    if (view->actor.key == 0)
        return;
    proc_put(text, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n", (unsigned long)extent.pages * page_kib,
             (unsigned long)extent.resident * page_kib);
    proc_put(text, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n",
             (unsigned long)(extent.data - MIN(extent.data, extent.stack)) * page_kib,
             (unsigned long)extent.stack * page_kib, (unsigned long)extent.code * page_kib);
}

void proc_status_text(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct activity activity = activity_of(view);
    const struct credentials *who = &view->who;
    char letter = letter_of(view, &activity);

    (void)pm;
    proc_put(text, "Name:\t%s\nUmask:\t0%u%u%u\nState:\t%c (%s)\n", view->command,
             view->umask >> 6 & 7, view->umask >> 3 & 7, view->umask & 7, letter,
             state_word(letter));
    proc_put(text, "Tgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", view->pid, view->tid,
             view->parent);
    proc_put(text, "Uid:\t%u\t%u\t%u\t%u\n", who->uid, who->euid, who->suid, who->fsuid);
    proc_put(text, "Gid:\t%u\t%u\t%u\t%u\n", who->gid, who->egid, who->sgid, who->fsgid);
    proc_put(text, "FDSize:\t%u\nGroups:\t", view->descriptor_count);
    for (uint32_t i = 0; i < who->group_count; i++)
        proc_put(text, "%u ", who->groups[i]);
    proc_put(text, "\n");
    put_memory_lines(text, view);
    proc_put(text, "Threads:\t%u\n", view->task_count);
    proc_put(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", (unsigned long)view->pending,
             (unsigned long)view->shared_pending);
    proc_put(text, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
             (unsigned long)view->blocked, (unsigned long)view->ignored,
             (unsigned long)view->caught);
}
