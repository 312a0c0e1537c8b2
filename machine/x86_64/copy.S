/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies that survive a page fault (copy.h), and copies of whole pages. An instruction that may
 * fault has a fix-up (trap.c); after one the copy goes on byte by byte up to the very byte that
 * faults, so the count that is returned names the page that is missing.
 *
 * `rep movsq` moves eight bytes an instruction; below 16 bytes two overlapping loads and stores
 * do it.
 */
#include "machine/x86_64/asm.h"

    .text

/* copy_from_space(to, from, bytes), copy_to_space(to, from, bytes): one body, either side may
 * fault. */
    .balign 16
FUNCTION(copy_from_space)
END(copy_from_space)
FUNCTION(copy_to_space)
    user_access_on
    movq %rdx, %rax
    cmpq $16, %rdx
    ja 2f
    cmpq $8, %rdx
    jb 1f
    may_fault .Lbytes, movq (%rsi), %r8
    may_fault .Lbytes, movq -8(%rsi, %rdx), %r9
    may_fault .Lbytes, movq %r8, (%rdi)
    may_fault .Lbytes, movq %r9, -8(%rdi, %rdx)
    user_access_off
    ret
1:  cmpq $4, %rdx
    jb .Lbytes
    may_fault .Lbytes, movl (%rsi), %r8d
    may_fault .Lbytes, movl -4(%rsi, %rdx), %r9d
    may_fault .Lbytes, movl %r8d, (%rdi)
    may_fault .Lbytes, movl %r9d, -4(%rdi, %rdx)
    user_access_off
    ret
2:  movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
    may_fault .Lrest, rep movsq
.Lbytes: /* from rsi to rdi, rdx bytes; rax is what was asked for */
    movq %rdx, %rcx
    may_fault .Lend, rep movsb
.Lend:
    subq %rcx, %rax
    user_access_off
    ret
.Lrest:
    leaq (%rdx, %rcx, 8), %rdx
    jmp .Lbytes
END(copy_to_space)

/* copy_string_from_space(to, from, bytes). Eight bytes at a time while none of them is zero: a
 * byte is zero where subtracting one borrows and it had no high bit. */
    .balign 16
FUNCTION(copy_string_from_space)
    user_access_on
    movq %rdi, %rax
    movabsq $0x0101010101010101, %r10
    movabsq $0x8080808080808080, %r11
1:  cmpq $8, %rdx
    jb 2f
    may_fault 2f, movq (%rsi), %rcx
    movq %rcx, %r8
    movq %rcx, %r9
    notq %r9
    subq %r10, %r8
    andq %r9, %r8
    testq %r11, %r8
    jnz 2f
    movq %rcx, (%rdi)
    addq $8, %rsi
    addq $8, %rdi
    subq $8, %rdx
    jmp 1b
2:  subq $1, %rdx
    jb .Lstring_end
    may_fault .Lstring_end, movb (%rsi), %cl
    movb %cl, (%rdi)
    incq %rsi
    incq %rdi
    testb %cl, %cl
    jnz 2b
.Lstring_end:
    subq %rdi, %rax
    negq %rax
    user_access_off
    ret
END(copy_string_from_space)

/* page_copy(to, from) */
    .balign 16
FUNCTION(page_copy)
    movl $512, %ecx
    rep movsq
    ret
END(page_copy)

/* page_zero(page) */
    .balign 16
FUNCTION(page_zero)
    movl $512, %ecx
    xorl %eax, %eax
    rep stosq
    ret
END(page_zero)
