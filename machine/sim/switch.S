/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching stacks on a host with x86-64 processors. Only what a C function keeps is saved; control
 * words of the floating-point units are the same on all stacks.
 *
 *   void sim_switch(void **from, void *to)
 */
    .text
    .globl sim_switch
    .type sim_switch, @function
sim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size sim_switch, . - sim_switch

/* Where a fresh stack starts: rbx holds the function, r12 its argument; it never returns. */
    .globl sim_stack_begin
    .type sim_stack_begin, @function
sim_stack_begin:
    xorl %ebp, %ebp
    movq %r12, %rdi
    callq *%rbx
    ud2
    .size sim_stack_begin, . - sim_stack_begin

    .section .note.GNU-stack, "", @progbits
