/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entry.S calls: system calls, exceptions and interrupts, and the last steps before user
 * mode.
 *
 * I1 trap_syscall, trap_user and trap_return return with everything of the current thread loaded,
 *    and with interrupts off until user mode is reached.
 * I2 Exceptions of the Nucleus itself end in a panic, but where an instruction is noted in
 *    .fix_ups.
 */
#include "kit/assert.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"
#include "machine/x86_64/return.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define VECTOR_INVALID_SELECTOR 11
#define VECTOR_STACK_FAULT 12
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_PAGE_FAULT 14

#define PAGE_FAULT_WRITE 0x2u
#define PAGE_FAULT_RESERVED 0x8u /* a damaged page table */
#define PAGE_FAULT_FETCH 0x10u

struct fix_up {
    uint64_t instruction;
    uint64_t go_on_at;
};

extern const struct fix_up fix_ups_start[], fix_ups_end[];
extern const char text_start[], text_end[];

/* ---- The way to user mode -------------------------------------------------------------------- */

/* The selectors are not the base: a thread may have loaded any that user mode may, and with it
 * another base. */
static void clear_selectors(void)
{
    __asm__ volatile("movl %0, %%ds\n\t"
                     "movl %0, %%es\n\t"
                     "movl %0, %%fs\n\t"
                     "swapgs\n\t" /* ours is kept apart while the user's selector goes */
                     "movl %0, %%gs\n\t"
                     "swapgs"
                     :
                     : "r"(0)
                     : "memory");
}

static void load_bases(struct machine_cpu *cpu, const KnThreadCtx *context)
{
    /* A handler may have put anything here; a base in the upper half would be taken for ours
     * (entry.S, I2). */
    cpu->fs_base = return_is_lower_half(context->fsBase) ? context->fsBase : 0;
    cpu->gs_base = return_is_lower_half(context->gsBase) ? context->gsBase : 0;
    wrmsr(MSR_FS_BASE, cpu->fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, cpu->gs_base);
}

static __attribute__((noinline)) void load_thread(struct machine_cpu *cpu, struct thread *thread,
                                                  const KnThreadCtx *context)
{
    if (cpu->user_thread != thread) {
        if (cpu->user_thread != NULL)
            extended_store(cpu->user_thread->machine.extended);
        extended_load(thread->machine.extended);
        clear_selectors();
        cpu->user_thread = thread;
    }
    load_bases(cpu, context);
}

/* Nothing may come between this and user mode. */
static inline __attribute__((always_inline)) bool prepare_return(KnThreadCtx *context)
{
    struct cpu *cpu = cpu_self();

    if (cpu->machine.user_thread != cpu->current || cpu->machine.fs_base != context->fsBase ||
        cpu->machine.gs_base != context->gsBase)
        load_thread(&cpu->machine, cpu->current, context);
    if (return_by_sysret(context))
        return true;
    return_disarm(context);
    return false;
}

bool trap_return(KnThreadCtx *context)
{
    nucleus_leave(context);
    return prepare_return(context);
}

/* ---- System calls ---------------------------------------------------------------------------- */

/* A Nucleus call does at its end what nucleus_leave does, but for abort handlers. */
bool trap_syscall(KnThreadCtx *context)
{
    uint64_t number = context->rax - K_CALLBASE;

    if (number < K_CALL_LIMIT) {
        const uintptr_t words[CALL_WORDS] = {context->rdi, context->rsi, context->rdx,
                                             context->r10, context->r8,  context->r9};

        context->rax = (uint64_t)nucleus_call((uint32_t)number, words);
        if (thread_self()->aborted)
            nucleus_leave(context);
    } else {
        nucleus_trap(context);
        nucleus_leave(context);
    }
    return prepare_return(context);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static uint32_t page_fault_access(uint64_t error)
{
    if ((error & PAGE_FAULT_FETCH) != 0)
        return K_EXECUTABLE;
    return (error & PAGE_FAULT_WRITE) != 0 ? K_WRITABLE : K_READABLE;
}

static KnExcInfo exception_info(const KnThreadCtx *frame)
{
    static const uint8_t cause[VECTOR_SOURCE_0] = {
        [0] = K_EXC_ARITHMETIC,                     /* division */
        [1] = K_EXC_STEP,                           /* debug */
        [3] = K_EXC_BREAKPOINT,                     /* int3 */
        [4] = K_EXC_ARITHMETIC,                     /* into */
        [6] = K_EXC_ILLEGAL,                        /* undefined */
        [14] = K_EXC_PAGE,      [16] = K_EXC_FLOAT, /* x87 */
        [17] = K_EXC_ALIGN,     [19] = K_EXC_FLOAT, /* SSE, AVX */
    };
    KnExcInfo info = {
        .excCause = cause[frame->vector] != 0 ? (KnExcCause)cause[frame->vector] : K_EXC_OTHER,
        .excCode = (uint32_t)frame->vector,
        .excPc = frame->rip,
    };

    if (frame->vector == VECTOR_PAGE_FAULT) {
        info.excAccess = page_fault_access(frame->error);
        info.excAddress = read_cr2();
    }
    return info;
}

static bool find_fix_up(KnThreadCtx *frame)
{
    if (frame->vector != VECTOR_PAGE_FAULT && frame->vector != VECTOR_GENERAL_PROTECTION)
        return false;
    for (const struct fix_up *fix_up = fix_ups_start; fix_up < fix_ups_end; fix_up++) {
        if (fix_up->instruction == frame->rip) {
            frame->rip = fix_up->go_on_at;
            return true;
        }
    }
    return false;
}

static bool is_nucleus(uint64_t rip)
{
    return rip >= (uintptr_t)text_start && rip < (uintptr_t)text_end;
}

static _Noreturn void die_of(const char *what, const KnThreadCtx *frame)
{
    panic("%s: vector %lu, error %#lx, address %#lx, rip %#lx, rsp %#lx, rflags %#lx", what,
          frame->vector, frame->error, read_cr2(), frame->rip, frame->rsp, frame->rflags);
}

static void supervisor_exception(KnThreadCtx *frame)
{
    if (find_fix_up(frame))
        return;
    if (is_nucleus(frame->rip))
        die_of("exception in the Nucleus", frame);
    if (frame->vector == VECTOR_PAGE_FAULT && (frame->error & PAGE_FAULT_RESERVED) != 0)
        die_of("damaged page table", frame);

    KnExcInfo info = exception_info(frame);

    nucleus_exception(NULL, &info);
}

/* The processor refused to return to user mode (a code segment or rip it does not like). The
 * user's registers were loaded, GS base is the user's, and what was pushed overlaps the user
 * frame: all of it is made the frame again as it was, with the exception as what brought the
 * thread in. */
static _Noreturn void refused_return(KnThreadCtx *pushed)
{
    __asm__ volatile("swapgs" : : : "memory");

    KnThreadCtx saved = *pushed;
    KnThreadCtx *context = context_frame(thread_self());
    KnExcInfo info = exception_info(&saved);

    saved.rip = context->rip;
    saved.cs = context->cs;
    saved.rflags = context->rflags;
    saved.rsp = context->rsp;
    saved.ss = context->ss;
    saved.fsBase = context->fsBase;
    saved.gsBase = context->gsBase;
    info.excPc = context->rip;
    *context = saved;
    nucleus_exception(context, &info);
    return_to_user(context);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void interrupt(uint64_t vector)
{
    if (vector == VECTOR_CLOCK) {
        apic_end_of_interrupt();
        clock_alarm();
    } else if (vector < VECTOR_SOURCE_0 + INTERRUPT_SOURCES) {
        nucleus_interrupt((uint32_t)vector - VECTOR_SOURCE_0);
        apic_end_of_interrupt();
    }
    /* What is left is spurious, and no end is expected of it. */
}

bool trap_user(KnThreadCtx *context)
{
    if (context->vector >= VECTOR_SOURCE_0) {
        interrupt(context->vector);
    } else {
        KnExcInfo info = exception_info(context);

        if (context->vector == VECTOR_PAGE_FAULT && (context->error & PAGE_FAULT_RESERVED) != 0)
            die_of("damaged page table", context);
        nucleus_exception(context, &info);
    }
    nucleus_leave(context);
    return prepare_return(context);
}

void trap_supervisor(KnThreadCtx *frame)
{
    if (frame->rip == (uintptr_t)return_iretq)
        refused_return(frame);
    if (frame->vector >= VECTOR_SOURCE_0)
        interrupt(frame->vector);
    else
        supervisor_exception(frame);
    if ((frame->rflags & RFLAGS_IF) != 0 && !cpu_self()->machine.in_window)
        nucleus_leave(NULL);
}

void trap_paranoid(KnThreadCtx *frame)
{
    switch (frame->vector) {
    case VECTOR_NMI:
        cpu_self()->machine.nmi_count++;
        break;
    case VECTOR_DEBUG:
        /* A trap flag set by supervisor code: there is no debugger here that would want it. */
        frame->rflags &= ~RFLAGS_TF;
        break;
    case VECTOR_DOUBLE_FAULT:
        die_of("double fault, most likely a supervisor stack that overflowed", frame);
    default:
        ASSERT(frame->vector == VECTOR_MACHINE_CHECK);
        die_of("machine check", frame);
    }
}
