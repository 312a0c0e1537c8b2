/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, vfork and clone. A child is a new actor with a duplicate of the parent's space, whose one
 * thread goes on where the parent trapped. vfork keeps its promise that the parent waits, not that
 * memory is shared. A task that shares the space (CLONE_VM with CLONE_THREAD) is a further thread
 * of the same actor.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/shortage.h"
#include "subsystems/mix/pm/syscall.h"
#include "subsystems/mix/pm/user.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define EXTENDED_MAX 4096

/* A thread that goes on with `context`, the result of its call being 0. */
static long thread_start(struct process *process, struct task *task, const KnThreadCtx *context)
{
    KnStartInfo start = {.dsEntry = context->rip,
                         .dsUserStackPointer = context->rsp,
                         .dsPrivilege = K_USERTHREAD,
                         .dsSoftRegister = (uintptr_t)task};
    KnThreadCtx registers = *context;
    KnResult status = threadCreate(&process->actor, &task->lid, K_INACTIVE, NULL, &start);

    if (status < 0)
        return errno_of(status);
    context_result_set(&registers, 0);
    status = threadContext(&process->actor, task->lid, NULL, &registers);
    if (status < 0) {
        (void)threadDelete(&process->actor, task->lid);
        return errno_of(status);
    }
    return 0;
}

/* Lets a new thread run. Who posted a signal to its task before there was a thread could not abort
 * it: that is done now, and takes effect on its way to user code. */
static void thread_let_run(struct task *task)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    KnCap actor = process->actor;
    KnThreadLid lid = task->lid;

    mutexGet(&pm->lock);
    if (signal_is_pending(task) || process->state == PROCESS_STOPPED)
        (void)threadAbort(&actor, lid);
    mutexRel(&pm->lock);
    (void)threadActivate(&actor, lid);
}

/* The vector registers are part of what a child inherits. */
static long extended_copy(struct process *to, const struct task *task)
{
    char *image = heap_allocate(&to->pm->heap, EXTENDED_MAX);
    KnResult status = K_ENOMEM;

    if (image != NULL)
        status = threadExtended(K_MYACTOR, K_MYSELF, image, NULL, EXTENDED_MAX);
    if (status >= 0)
        status = threadExtended(&to->actor, task->lid, NULL, image, EXTENDED_MAX);
    heap_free(&to->pm->heap, image, EXTENDED_MAX);
    return status < 0 ? errno_of(status) : 0;
}

static long actor_make(struct process *child, struct process *parent)
{
    KnResult status = actorCreate(&parent->actor, &child->actor, K_USERACTOR, K_ACTIVE);

    if (status < 0)
        return errno_of(status);
    status = rgnDup(&child->actor, &parent->actor);
    if (status >= 0)
        status = svTrapConnect(&child->actor, syscall_trap, child);
    if (status >= 0)
        status = svExcHandler(&child->actor, syscall_exception, child);
    if (status >= 0)
        status = svAbortHandler(&child->actor, syscall_abort, child);
    if (status >= 0)
        status = actorName(&child->actor, NULL, child->command);
    if (status < 0)
        (void)actorDelete(&child->actor);
    return status < 0 ? errno_of(status) : 0;
}

struct birth {
    uint64_t flags;
    VmAddr stack, parent_tid, child_tid;
    uintptr_t tls;
};

static void prepare_context(KnThreadCtx *to, const KnThreadCtx *from, const struct birth *birth)
{
    *to = *from;
    if (birth->stack != 0)
        to->rsp = birth->stack;
    if ((birth->flags & CLONE_SETTLS) != 0)
        to->fsBase = birth->tls;
}

/* Writes a tid in the child's memory before the child runs. */
static void tell_child(struct process *child, const struct task *task, const struct birth *birth)
{
    if ((birth->flags & CLONE_CHILD_SETTID) != 0)
        (void)vmCopy(K_MYACTOR, (VmAddr)&task->tid, &child->actor, birth->child_tid,
                     sizeof(task->tid));
}

/* Only its own end keeps the parent from waiting: as in Linux no other signal does. */
static void wait_for_vfork(const struct task *task, const struct process *child, int32_t pid)
{
    struct pm *pm = task->process->pm;

    for (;;) {
        mutexGet(&pm->lock);
        struct process *found = process_find(pm, pid);
        bool done = found != child || child->vfork_word != 0;
        uint32_t word = pm->vfork_word;

        mutexRel(&pm->lock);
        if (done || task_is_ending(task))
            return;
        (void)syncWait((VmAddr)&pm->vfork_word, word, K_NOTIMEOUT, K_ABORTABLE);
    }
}

static long fork_process(struct task *task, const KnThreadCtx *context, const struct birth *birth)
{
    struct process *parent = task->process;
    struct pm *pm = parent->pm;
    struct process *child = memory_is_short() ? NULL : process_create(pm, parent);
    struct task *first = child == NULL ? NULL : task_create(child);
    KnThreadCtx registers;
    long result = -ENOMEM;

    if (child == NULL)
        return -EAGAIN;
    if (first == NULL)
        goto discard;
    first->blocked = task->blocked;
    first->alternate = task->alternate;
    if ((birth->flags & CLONE_CHILD_CLEARTID) != 0)
        first->clear_tid = birth->child_tid;
    child->exit_signal = (int32_t)(birth->flags & CLONE_EXIT_SIGNAL);
    result = actor_make(child, parent);
    if (result < 0)
        goto discard;
    prepare_context(&registers, context, birth);
    result = thread_start(child, first, &registers);
    if (result == 0)
        result = extended_copy(child, first);
    if (result < 0) {
        (void)actorDelete(&child->actor);
        goto discard;
    }
    tell_child(child, first, birth);
    int32_t pid = child->pid;

    if ((birth->flags & CLONE_PARENT_SETTID) != 0)
        (void)user_write(birth->parent_tid, &pid, sizeof(pid));
    child->vfork_child = (birth->flags & CLONE_VFORK) != 0;
    thread_let_run(first);
    if ((birth->flags & CLONE_VFORK) != 0)
        wait_for_vfork(task, child, pid);
    return pid;

discard:
    if (first != NULL)
        task_free(first);
    process_discard(child);
    return result;
}

/* A signal that comes meanwhile waits: fork has no EINTR. Who has taken all memory ends for it. */
static bool worth_again(struct task *task, long result)
{
    if (task_is_ending(task))
        return false;
    if (result == -ENOMEM || (result == -EAGAIN && memory_is_short()))
        return shortage_spare_own(task);
    return result == MIX_AGAIN;
}

typedef long gives_birth(struct task *task, const KnThreadCtx *context, const struct birth *birth);

static long give_birth(struct task *task, const KnThreadCtx *context, const struct birth *birth,
                       gives_birth *once)
{
    long result;

    do
        result = once(task, context, birth);
    while (worth_again(task, result));
    return result;
}

static long fork_task(struct task *task, const KnThreadCtx *context, const struct birth *birth)
{
    struct process *process = task->process;
    struct task *created = memory_is_short() ? NULL : task_create(process);
    KnThreadCtx registers;
    long result;

    if (created == NULL)
        return -EAGAIN;
    created->blocked = task->blocked;
    if ((birth->flags & CLONE_CHILD_CLEARTID) != 0)
        created->clear_tid = birth->child_tid;
    prepare_context(&registers, context, birth);
    result = thread_start(process, created, &registers);
    if (result < 0) {
        task_free(created);
        return result;
    }
    int32_t tid = created->tid;

    if ((birth->flags & CLONE_PARENT_SETTID) != 0)
        (void)user_write(birth->parent_tid, &tid, sizeof(tid));
    if ((birth->flags & CLONE_CHILD_SETTID) != 0)
        (void)user_write(birth->child_tid, &tid, sizeof(tid));
    thread_let_run(created);
    return tid;
}

long sys_clone(struct task *task, KnThreadCtx *context, uint64_t flags, VmAddr stack,
               VmAddr parent_tid, VmAddr child_tid, uintptr_t tls)
{
    const struct birth birth = {flags, stack, parent_tid, child_tid, tls};

    if ((flags & CLONE_EXIT_SIGNAL) > SIGNAL_COUNT ||
        ((flags & CLONE_SETTLS) != 0 && tls >= UINT64_C(1) << 47))
        return -EINVAL;
    if ((flags & CLONE_THREAD) != 0)
        return (flags & THREAD_FLAGS) == THREAD_FLAGS ? give_birth(task, context, &birth, fork_task)
                                                      : -EINVAL;
    return give_birth(task, context, &birth, fork_process);
}

long sys_fork(struct task *task, KnThreadCtx *context)
{
    const struct birth birth = {.flags = SIGCHLD};

    return give_birth(task, context, &birth, fork_process);
}

long sys_vfork(struct task *task, KnThreadCtx *context)
{
    const struct birth birth = {.flags = SIGCHLD | CLONE_VFORK};

    return give_birth(task, context, &birth, fork_process);
}
