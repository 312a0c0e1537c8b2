/* SPDX-License-Identifier: BSD-2-Clause */
/* exit, wait4, waitid. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

long sys_exit(struct task *task, int32_t status)
{
    return task_exit(task, ((uint32_t)status & 0xff) << 8);
}

long sys_exit_group(struct task *task, int32_t status)
{
    process_end(task->process, ((uint32_t)status & 0xff) << 8);
    return task_exit(task, task->process->status);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

struct wish {
    int32_t pid; /* > 0: that child; 0: of the caller's group; -1: any; < -1: of group -pid */
    uint32_t options;
    bool exited; /* zombies count */
};

struct outcome {
    int32_t pid;
    uint32_t uid;
    uint32_t status;
    int32_t code;
    uint64_t used_ns;
};

static bool is_wished(const struct process *parent, const struct process *child,
                      const struct wish *wish)
{
    if (wish->pid > 0)
        return child->pid == wish->pid;
    if (wish->pid == 0)
        return child->group == parent->group;
    return wish->pid == -1 || child->group == -wish->pid;
}

/* Whether the child's state is one that is waited for; what it is goes to `outcome`. */
static bool has_news(struct process *child, const struct wish *wish, struct outcome *outcome)
{
    bool keep = (wish->options & WNOWAIT) != 0;

    *outcome = (struct outcome){.pid = child->pid, .uid = child->who.uid};
    if (child->state == PROCESS_ZOMBIE && wish->exited) {
        outcome->status = child->status;
        outcome->code = (child->status & 0x7f) != 0 ? CLD_KILLED : CLD_EXITED;
        outcome->used_ns = child->used_ns + child->children_used_ns;
        if (!keep)
            process_reap(child);
        return true;
    }
    if (child->stop_unreported && (wish->options & WUNTRACED) != 0) {
        outcome->status = (uint32_t)child->stop_signal << 8 | 0x7f;
        outcome->code = CLD_STOPPED;
        child->stop_unreported = keep;
        return true;
    }
    if (child->continue_unreported && (wish->options & WCONTINUED) != 0) {
        outcome->status = 0xffff;
        outcome->code = CLD_CONTINUED;
        child->continue_unreported = keep;
        return true;
    }
    return false;
}

/* One look at the children: 1 with news, 0 without, ECHILD if none is wished. */
static long look(struct process *parent, const struct wish *wish, struct outcome *outcome,
                 uint32_t *word)
{
    struct pm *pm = parent->pm;
    struct process *child;
    long result = -ECHILD;

    mutexGet(&pm->lock);
    *word = parent->child_word;
    LIST_FOR_EACH(child, &parent->children, sibling) {
        if (!is_wished(parent, child, wish))
            continue;
        result = 0;
        if (has_news(child, wish, outcome)) {
            result = 1;
            break;
        }
    }
    mutexRel(&pm->lock);
    return result;
}

static long wait_for(struct task *task, const struct wish *wish, struct outcome *outcome)
{
    struct process *parent = task->process;

    for (;;) {
        uint32_t word;
        long result = look(parent, wish, outcome, &word);

        if (result != 0 || (wish->options & WNOHANG) != 0)
            return result;
        if (signal_is_pending(task))
            return MIX_RESTART;
        if (syncWait((VmAddr)&parent->child_word, word, K_NOTIMEOUT, K_ABORTABLE) == K_EABORT)
            return MIX_RESTART;
    }
}

static long usage_write(VmAddr usage, uint64_t used_ns)
{
    struct linux_rusage result = {
        .user = {(int64_t)(used_ns / 1000000000), (int64_t)(used_ns / 1000 % 1000000)}};

    return usage == 0 ? 0 : user_write(usage, &result, sizeof(result));
}

long sys_wait4(struct task *task, int32_t pid, VmAddr status, uint32_t options, VmAddr usage)
{
    const struct wish wish = {pid, options, true};
    struct outcome outcome = {0};
    long result;

    if ((options & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED)) != 0 || pid == INT32_MIN)
        return -EINVAL;
    result = wait_for(task, &wish, &outcome);
    if (result <= 0)
        return result;
    if (status != 0 && user_write(status, &outcome.status, sizeof(outcome.status)) < 0)
        return -EFAULT;
    if (usage_write(usage, outcome.used_ns) < 0)
        return -EFAULT;
    return outcome.pid;
}

long sys_waitid(struct task *task, uint32_t kind, int32_t id, VmAddr info, uint32_t options,
                VmAddr usage)
{
    struct wish wish = {-1, options, (options & WEXITED) != 0};
    struct outcome outcome = {0};
    struct linux_siginfo about = {0};
    long result;

    if (kind > P_PGID || (kind == P_PID && id <= 0) ||
        (options & (WEXITED | WUNTRACED | WCONTINUED)) == 0)
        return -EINVAL;
    if (kind == P_PID)
        wish.pid = id;
    else if (kind == P_PGID)
        wish.pid = id == 0 ? 0 : -id;
    result = wait_for(task, &wish, &outcome);
    if (result < 0)
        return result;
    if (result > 0) {
        about.signal = SIGCHLD;
        about.code = outcome.code;
        about.about.process.pid = outcome.pid;
        about.about.process.uid = outcome.uid;
        about.about.process.status =
            outcome.code == CLD_CONTINUED
                ? SIGCONT
                : (int32_t)(outcome.code == CLD_KILLED ? outcome.status & 0x7f
                                                       : outcome.status >> 8);
    }
    if (info != 0 && user_write(info, &about, sizeof(about)) < 0)
        return -EFAULT;
    return usage_write(usage, outcome.used_ns);
}
