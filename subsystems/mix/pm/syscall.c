/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens between a trap of a process and its return: the call, and the signals that came
 * meanwhile. */
#include "subsystems/mix/pm/syscall.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/base.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/program.h"
#include "subsystems/mix/pm/shortage.h"

/* A call that is not there is told once by name. */
static long not_there(struct task *task, uintptr_t number)
{
    struct pm *pm = task->process->pm;
    const char *name = number < syscall_limit ? syscall_table[number].name : NULL;
    uint32_t *word = &pm->unknown_calls[MIN(number, syscall_limit) / 32];
    uint32_t bit = 1u << (MIN(number, syscall_limit) % 32);

    if ((__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit) == 0)
        (void)log_print("mix: system call %s (%lu) is not there: ENOSYS\n",
                        name != NULL ? name : "?", (unsigned long)number);
    return -ENOSYS;
}

/* The abort that told of it may have ended a wait, and is no more. */
static bool must_act(const struct task *task)
{
    return signal_is_pending(task) || task->process->state == PROCESS_STOPPED;
}

void syscall_trap(KnThreadCtx *context, uintptr_t soft_register, void *cookie)
{
    struct task *task = (struct task *)soft_register;
    uintptr_t number = context_number(context);
    uintptr_t word[SYSCALL_ARGUMENTS];
    long result;

    (void)cookie;
    context_arguments(context, word);
    if (number < syscall_limit && syscall_table[number].function != NULL)
        result = syscall_table[number].function(task, context, word);
    else
        result = not_there(task, number);
    if (result == MIX_GONE)
        return;
    bool cut_short = is_cut_short(result);

    if (result != MIX_CONTEXT_SET)
        context_result_set(context, (uintptr_t)(cut_short ? -EINTR : result));
    if (unlikely(cut_short || task->restore_blocked || must_act(task)))
        (void)signal_deliver(task, context, cut_short ? result : 0, number);
}

/* The thread is on its way back to user code: what was posted to it is delivered now. */
void syscall_abort(KnThreadCtx *context, uintptr_t soft_register, void *cookie)
{
    struct task *task = (struct task *)soft_register;

    (void)cookie;
    if (must_act(task))
        (void)signal_deliver(task, context, 0, 0);
}

/* ---- Exceptions -------------------------------------------------------------------------- */

struct fault_kind {
    int32_t signal;
    int32_t code; /* si_code */
};

/* By KnExcCause. SEGV_MAPERR and SEGV_ACCERR cannot be told apart here; programs look at the
 * address. */
static const struct fault_kind fault_kinds[] = {
    [K_EXC_PAGE] = {SIGSEGV, 1},   [K_EXC_MAPPER] = {SIGBUS, 2},      [K_EXC_MEMORY] = {SIGBUS, 2},
    [K_EXC_ILLEGAL] = {SIGILL, 2}, [K_EXC_ARITHMETIC] = {SIGFPE, 1},  [K_EXC_FLOAT] = {SIGFPE, 7},
    [K_EXC_ALIGN] = {SIGBUS, 1},   [K_EXC_BREAKPOINT] = {SIGTRAP, 1}, [K_EXC_STEP] = {SIGTRAP, 2},
    [K_EXC_CALL] = {SIGSYS, 1},    [K_EXC_OTHER] = {SIGSEGV, 128},
};

KnExcResult syscall_exception(KnThreadCtx *context, const KnExcInfo *info, void *cookie)
{
    uintptr_t soft_register = 0;
    const struct fault_kind *kind = &fault_kinds[info->excCause];
    struct linux_siginfo about = {.signal = kind->signal, .code = kind->code};

    (void)cookie;
    if (threadLoadR(&soft_register) != K_OK)
        return K_EXC_DEFAULT;
    struct task *task = (struct task *)soft_register;

    if (task->launch != NULL) {
        program_begin(task, context);
        if (must_act(task))
            (void)signal_deliver(task, context, 0, 0);
        return K_EXC_RESUME;
    }
    if (info->excCause == K_EXC_MEMORY && shortage_relieve(task))
        return K_EXC_RESUME;
    about.about.fault.address = info->excAddress;
    signal_fault(task, &about);
    (void)signal_deliver(task, context, 0, 0);
    return K_EXC_RESUME;
}
