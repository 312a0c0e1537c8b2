/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors: the gate of supervisor actors, system calls, exceptions and interrupts; the way back
 * to user mode; switching stacks.
 *
 * I1 From user mode a door pushes a whole KnThreadCtx, which lies at the top of the thread's
 *    supervisor stack (context.h, I2). From supervisor mode it pushes the same down to rip,
 *    without the bases above.
 * I2 GS base is the processor's struct cpu whenever C runs. Entries from user mode exchange it by
 *    `swapgs`; the window in which supervisor code runs with the user's is closed to interrupts,
 *    and the exceptions that can come there all the same (debug, NMI, machine check, double
 *    fault) ask the register.
 * I3 The direction flag is clear, and user pages are out of reach, whenever C runs.
 * I4 The chain of frame pointers ends with zero where user code was left.
 */
#include "machine/x86_64/asm.h"
#include "machine/x86_64/offsets.h"

    .text

/* ---- Registers ------------------------------------------------------------------------------- */

    .macro push_registers
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro pop_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    .endm

/* A link of the frame pointer chain that names the instruction that was interrupted. */
    .macro push_link
    pushq FRAME_RIP(%rsp)
    pushq FRAME_RBP + 8(%rsp)
    movq %rsp, %rbp
    .endm

/* ---- The gate -------------------------------------------------------------------------------- */

/* At MACHINE_GATE_ADDRESS. A call as of a C function, with the number in eax:
 * nucleus_call(number, words). */
    .section .text.gate, "ax", @progbits
    .globl text_start
text_start:
FUNCTION(nucleus_gate)
    pushq %rbp
    movq %rsp, %rbp
    pushfq
    cli
    pushq %r9 /* twice: keeps the stack aligned */
    pushq %r9
    pushq %r8
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    movl %eax, %edi
    movq %rsp, %rsi
    call nucleus_call
    leaq -8(%rbp), %rsp
    popfq
    popq %rbp
    ret
END(nucleus_gate)

    .text

/* ---- System calls ---------------------------------------------------------------------------- */

/* The processor left rip in rcx and rflags in r11, cleared the flags of MSR_FMASK, and nothing
 * else. */
    .balign 16
FUNCTION(entry_syscall)
    swapgs
    movq %rsp, %gs:CPU_USER_RSP
    movq %gs:CPU_STACK, %rsp
    pushq $SELECTOR_USER_DATA
    pushq %gs:CPU_USER_RSP
    pushq %r11
    pushq $SELECTOR_USER_CODE
    pushq %rcx
    pushq $0
    pushq $VECTOR_SYSCALL
    push_registers
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_syscall
.Lreturn_checked: /* al: sysret is exact */
    testb %al, %al
    pop_registers
    jz 1f
    movq 40(%rsp), %rsp
    swapgs
    sysretq
1:  addq $16, %rsp
    swapgs
    .globl return_iretq
return_iretq:
    iretq
END(entry_syscall)

/* return_to_user(context): where the stack below the frame is given up. */
FUNCTION(return_to_user)
    movq %rdi, %rsp
    xorl %ebp, %ebp
    call trap_return
    jmp .Lreturn_checked
END(return_to_user)

/* ---- Exceptions and interrupts --------------------------------------------------------------- */

#define VECTORS_WITH_ERROR_CODE 0x60227d00

    .balign 16
    .globl entry_vectors
    .type entry_vectors, @function
entry_vectors:
    .set vector, 0
    .rept VECTORS
    .balign 16
    .if vector > 31 || !((VECTORS_WITH_ERROR_CODE >> (vector & 31)) & 1)
    pushq $0
    .endif
    pushq $vector
    jmp entry_common
    .set vector, vector + 1
    .endr
END(entry_vectors)

FUNCTION(entry_common)
    cld
    user_access_off
    testb $3, PUSHED_CS(%rsp)
    jz 1f
    swapgs
.Lentry_user:
    push_registers
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_user
    jmp .Lreturn_checked
1:  push_registers
    movq %rsp, %rdi
    push_link
    call trap_supervisor
    addq $16, %rsp
    pop_registers
    addq $16, %rsp
    iretq
END(entry_common)

/* From user mode it is an exception like others, and goes on as one on the thread's own stack. */
FUNCTION(entry_debug)
    pushq $0
    pushq $VECTOR_DEBUG
    testb $3, PUSHED_CS(%rsp)
    jz entry_paranoid
    cld
    user_access_off
    swapgs
    pushq %rax
    movq %rsp, %rax
    movq %gs:CPU_STACK, %rsp
    pushq 56(%rax) /* ss, rsp, rflags, cs, rip, error, vector */
    pushq 48(%rax)
    pushq 40(%rax)
    pushq 32(%rax)
    pushq 24(%rax)
    pushq 16(%rax)
    pushq 8(%rax)
    movq (%rax), %rax
    jmp .Lentry_user
END(entry_debug)

FUNCTION(entry_nmi)
    pushq $0
    pushq $VECTOR_NMI
    jmp entry_paranoid
END(entry_nmi)

FUNCTION(entry_machine_check)
    pushq $0
    pushq $VECTOR_MACHINE_CHECK
    jmp entry_paranoid
END(entry_machine_check)

FUNCTION(entry_double_fault)
    pushq $VECTOR_DOUBLE_FAULT
    jmp entry_paranoid
END(entry_double_fault)

/* On a stack of its own, with either's GS base. Ours lies in the upper half, a user's never does
 * (return.h). */
FUNCTION(entry_paranoid)
    cld
    user_access_off
    push_registers
    movl $MSR_GS_BASE_NUMBER, %ecx
    rdmsr
    xorl %ebx, %ebx
    testl %edx, %edx
    js 1f
    swapgs
    incl %ebx
1:  movq %rsp, %rdi
    push_link
    call trap_paranoid
    addq $16, %rsp
    testl %ebx, %ebx
    jz 2f
    swapgs
2:  pop_registers
    addq $16, %rsp
    iretq
END(entry_paranoid)

/* ---- Switching ------------------------------------------------------------------------------- */

/* switch_stacks(from, to): returns when `from` is switched to again. context.c lays the same on
 * the stack of a thread that has not run. */
FUNCTION(switch_stacks)
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, THREAD_RSP(%rdi)
    movq THREAD_RSP(%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
END(switch_stacks)

/* A thread's first turn. The stack pointer stands at the user frame, or r12 and r13 hold the
 * entry and its argument. */
FUNCTION(thread_begin_user)
    movq %rsp, %rdi
    call trap_return
    jmp .Lreturn_checked
END(thread_begin_user)

FUNCTION(thread_begin_supervisor)
    movq %r12, %rdi
    movq %r13, %rsi
    call context_begin_supervisor
    ud2
END(thread_begin_supervisor)
