/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of system calls (made from syscalls.tbl) and how a trapped call runs. */
#ifndef PM_SYSCALL_H
#define PM_SYSCALL_H

#include <stdint.h>

#include "chorus/context.h"
#include "subsystems/mix/pm/x86_64/context.h"

struct task;

#define SYSCALL_RESTART 219u /* restart_syscall */

struct syscall_entry {
    /* NULL: ENOSYS */
    long (*function)(struct task *task, KnThreadCtx *context, const uintptr_t *word);
    const char *name; /* NULL: no such number in Linux */
};

extern const struct syscall_entry syscall_table[];
extern const uint32_t syscall_limit;

/* The handlers PM connects to each process' actor. */
void syscall_trap(KnThreadCtx *context, uintptr_t soft_register, void *cookie);
KnExcResult syscall_exception(KnThreadCtx *context, const KnExcInfo *info, void *cookie);
void syscall_abort(KnThreadCtx *context, uintptr_t soft_register, void *cookie);

#endif
