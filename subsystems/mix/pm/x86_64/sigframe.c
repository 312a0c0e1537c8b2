/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames as Linux lays them out on x86-64 (rt_sigframe): what a handler finds on the user's
 * stack and what rt_sigreturn takes back from there. The vector state lies below, 64-byte aligned,
 * with Linux' magic numbers.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define RED_ZONE_BYTES 128
#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define SOFTWARE_BYTES_OFFSET 464 /* in the legacy area: bytes the processor leaves alone */
#define FEATURES_OFFSET 512       /* of XSTATE_BV, in the header behind it */
#define EXTENDED_MAX 4096
#define FLAGS_KEPT UINT64_C(0xcd5) /* CF PF AF ZF SF DF OF: and TF */
#define USER_CODE 0x33
#define USER_DATA 0x2b

struct sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, fault_address;
    uint64_t extended; /* address of the vector state; 0: none */
    uint64_t reserved[8];
};

struct sigframe {
    uint64_t restorer; /* where the handler returns to */
    uint64_t uc_flags;
    uint64_t uc_link;
    struct linux_sigaltstack uc_stack;
    struct sigcontext registers;
    uint64_t uc_mask;
    struct linux_siginfo info;
};

struct extended_software {
    uint32_t magic1;
    uint32_t total_bytes;
    uint64_t features;
    uint32_t state_bytes;
    uint32_t pad[7];
};

static void registers_save(struct sigcontext *to, const KnThreadCtx *from)
{
    *to = (struct sigcontext){
        .r8 = from->r8,
        .r9 = from->r9,
        .r10 = from->r10,
        .r11 = from->r11,
        .r12 = from->r12,
        .r13 = from->r13,
        .r14 = from->r14,
        .r15 = from->r15,
        .rdi = from->rdi,
        .rsi = from->rsi,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .rdx = from->rdx,
        .rax = from->rax,
        .rcx = from->rcx,
        .rsp = from->rsp,
        .rip = from->rip,
        .flags = from->rflags,
        .cs = USER_CODE,
        .ss = USER_DATA,
        .error = from->error,
        .trap = from->vector,
    };
}

static void registers_load(KnThreadCtx *to, const struct sigcontext *from)
{
    to->r8 = from->r8, to->r9 = from->r9, to->r10 = from->r10, to->r11 = from->r11;
    to->r12 = from->r12, to->r13 = from->r13, to->r14 = from->r14, to->r15 = from->r15;
    to->rdi = from->rdi, to->rsi = from->rsi, to->rbp = from->rbp, to->rbx = from->rbx;
    to->rdx = from->rdx, to->rax = from->rax, to->rcx = from->rcx, to->rsp = from->rsp;
    to->rip = from->rip;
    to->rflags = (to->rflags & ~FLAGS_KEPT) | (from->flags & FLAGS_KEPT);
}

/* ---- The vector state -------------------------------------------------------------------- */

static KnResult extended_move(VmAddr old, VmAddr new)
{
    KnResult status;

    if (!is_user_range(old | new, EXTENDED_MAX))
        return K_EFAULT;
    do
        status = threadExtended(K_MYACTOR, K_MYSELF, (void *)old, (void *)new, EXTENDED_MAX);
    while (user_again(status));
    return status;
}

/* Copies the thread's vector state to the user's stack below `top`: its address, or 0. */
static VmAddr extended_push(VmAddr top)
{
    KnResult bytes = threadExtended(K_MYACTOR, K_MYSELF, NULL, NULL, EXTENDED_MAX);
    const uint32_t magic2 = FP_XSTATE_MAGIC2;
    VmAddr at = ALIGN_DOWN(top - (VmAddr)bytes - sizeof(magic2), 64);

    ASSERT(bytes + (KnResult)sizeof(magic2) <= EXTENDED_MAX);
    if (bytes <= 0 || extended_move(at, 0) < 0)
        return 0;
    struct extended_software software = {.magic1 = FP_XSTATE_MAGIC1,
                                         .total_bytes = (uint32_t)bytes + sizeof(magic2),
                                         .state_bytes = (uint32_t)bytes};

    if (user_read(&software.features, at + FEATURES_OFFSET, sizeof(software.features)) < 0 ||
        user_write(at + SOFTWARE_BYTES_OFFSET, &software, sizeof(software)) < 0 ||
        user_write(at + (VmAddr)bytes, &magic2, sizeof(magic2)) < 0)
        return 0;
    return at;
}

static long extended_pop(VmAddr at)
{
    const struct extended_software none = {0};

    if (user_write(at + SOFTWARE_BYTES_OFFSET, &none, sizeof(none)) < 0)
        return -EFAULT;
    return extended_move(0, at) < 0 ? -EFAULT : 0;
}

/* ---- Frames ------------------------------------------------------------------------------ */

static bool on_alternate(const struct task *task, VmAddr stack)
{
    const struct linux_sigaltstack *alternate = &task->alternate;

    return (alternate->flags & SS_DISABLE) == 0 && stack > alternate->stack &&
           stack - alternate->stack <= alternate->bytes;
}

static VmAddr stack_for(const struct task *task, const KnThreadCtx *context,
                        const struct linux_sigaction *action)
{
    const struct linux_sigaltstack *alternate = &task->alternate;

    if ((action->flags & SA_ONSTACK) != 0 && (alternate->flags & SS_DISABLE) == 0 &&
        !on_alternate(task, context->rsp))
        return alternate->stack + alternate->bytes;
    return context->rsp - RED_ZONE_BYTES;
}

bool sigframe_push(struct task *task, KnThreadCtx *context, const struct linux_siginfo *info,
                   const struct linux_sigaction *action, uint64_t blocked_before)
{
    VmAddr extended = extended_push(stack_for(task, context, action));
    VmAddr at = ALIGN_DOWN(extended - sizeof(struct sigframe), 16) - 8;
    struct sigframe frame = {.restorer = action->restorer,
                             .uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
                             .uc_stack = task->alternate,
                             .uc_mask = blocked_before,
                             .info = *info};

    if (extended == 0)
        return false;
    if (on_alternate(task, context->rsp))
        frame.uc_stack.flags |= SS_ONSTACK;
    registers_save(&frame.registers, context);
    frame.registers.old_mask = blocked_before;
    frame.registers.extended = extended;
    if (info->signal == SIGSEGV || info->signal == SIGBUS)
        frame.registers.fault_address = info->about.fault.address;
    if (user_write(at, &frame, sizeof(frame)) < 0)
        return false;
    context->rsp = at;
    context->rip = action->handler;
    context->rdi = (uint64_t)info->signal;
    context->rsi = at + offsetof(struct sigframe, info);
    context->rdx = at + offsetof(struct sigframe, uc_flags);
    context->rax = 0;
    context->rflags &= ~FLAGS_KEPT;
    return true;
}

/* The restorer called rt_sigreturn with the stack just above the return address it was reached
 * by. */
long sys_rt_sigreturn(struct task *task, KnThreadCtx *context)
{
    struct sigframe frame;
    struct linux_siginfo info = {.signal = SIGSEGV, .code = SI_KERNEL};

    if (user_read(&frame, context->rsp - sizeof(frame.restorer), sizeof(frame)) < 0 ||
        (frame.registers.extended != 0 && extended_pop(frame.registers.extended) < 0)) {
        signal_fault(task, &info);
        return MIX_CONTEXT_SET;
    }
    registers_load(context, &frame.registers);
    task->resume.call = NULL; /* the handler came before it went on: it ends */
    task->blocked = frame.uc_mask & ~SIGNAL_UNBLOCKABLE;
    task->alternate = frame.uc_stack;
    task->alternate.flags &= SS_DISABLE;
    return MIX_CONTEXT_SET;
}

long sys_sigaltstack(struct task *task, KnThreadCtx *context, VmAddr stack, VmAddr old)
{
    struct linux_sigaltstack present = task->alternate, wanted;

    if (on_alternate(task, context->rsp))
        present.flags |= SS_ONSTACK;
    if (stack != 0) {
        if (user_read(&wanted, stack, sizeof(wanted)) < 0)
            return -EFAULT;
        if ((present.flags & SS_ONSTACK) != 0)
            return -EPERM;
        if ((wanted.flags & ~SS_DISABLE) != 0)
            return -EINVAL;
        if ((wanted.flags & SS_DISABLE) == 0 && wanted.bytes < 2048)
            return -ENOMEM;
    }
    if (old != 0 && user_write(old, &present, sizeof(present)) < 0)
        return -EFAULT;
    if (stack != 0)
        task->alternate = wanted;
    return 0;
}

/* The Nucleus keeps the thread pointers in the frame and loads them at the return. */
long sys_arch_prctl(struct task *task, KnThreadCtx *context, uint32_t code, uintptr_t address)
{
    (void)task;
    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (address >= UINT64_C(1) << 47)
            return -EPERM;
        *(code == ARCH_SET_FS ? &context->fsBase : &context->gsBase) = address;
        return 0;
    case ARCH_GET_FS:
        return user_write(address, &context->fsBase, sizeof(context->fsBase));
    case ARCH_GET_GS:
        return user_write(address, &context->gsBase, sizeof(context->gsBase));
    default:
        return -EINVAL;
    }
}
