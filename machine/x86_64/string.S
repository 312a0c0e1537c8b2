/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy, memmove, memset and memcmp of the Nucleus, in place of the kit's. The rules of copy.S:
 * eight bytes an instruction, and two overlapping ends for what is small.
 */
#include "machine/x86_64/asm.h"

    .text

/* memcpy(to, from, bytes). What is small is loaded whole before any of it is stored, as memmove
 * needs. */
    .balign 16
FUNCTION(memcpy)
    movq %rdi, %rax
.Lcopy:
    cmpq $16, %rdx
    jbe .Lcopy_small
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
    rep movsq
    movl %edx, %ecx
    rep movsb
    ret
.Lcopy_small:
    cmpl $8, %edx
    jb 1f
    movq (%rsi), %r8
    movq -8(%rsi, %rdx), %r9
    movq %r8, (%rdi)
    movq %r9, -8(%rdi, %rdx)
    ret
1:  cmpl $4, %edx
    jb 2f
    movl (%rsi), %r8d
    movl -4(%rsi, %rdx), %r9d
    movl %r8d, (%rdi)
    movl %r9d, -4(%rdi, %rdx)
    ret
2:  testl %edx, %edx
    jz 3f
    movl %edx, %ecx /* 1 to 3 bytes: the first, the middle one and the last */
    shrl $1, %ecx
    movb (%rsi), %r8b
    movb (%rsi, %rcx), %r9b
    movb -1(%rsi, %rdx), %r10b
    movb %r8b, (%rdi)
    movb %r9b, (%rdi, %rcx)
    movb %r10b, -1(%rdi, %rdx)
3:  ret
END(memcpy)

/* memmove(to, from, bytes): from the end down where the target begins inside the source. */
    .balign 16
FUNCTION(memmove)
    movq %rdi, %rax
    movq %rdi, %rcx
    subq %rsi, %rcx
    cmpq %rdx, %rcx
    jae .Lcopy
    cmpq $16, %rdx
    jbe .Lcopy_small
    std
    leaq -1(%rsi, %rdx), %rsi
    leaq -1(%rdi, %rdx), %rdi
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    subq $7, %rsi
    subq $7, %rdi
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    cld
    ret
END(memmove)

/* memset(to, value, bytes) */
    .balign 16
FUNCTION(memset)
    movq %rdi, %r8
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    movq %r8, %rax
    ret
END(memset)

/* memcmp(a, b, bytes) */
    .balign 16
FUNCTION(memcmp)
    cmpq $8, %rdx
    jb 2f
1:  movq (%rdi), %rax
    movq (%rsi), %rcx
    cmpq %rcx, %rax
    jne .Ldiffer
    addq $8, %rdi
    addq $8, %rsi
    subq $8, %rdx
    cmpq $8, %rdx
    jae 1b
2:  testq %rdx, %rdx
    jz 4f
3:  movzbl (%rdi), %eax
    movzbl (%rsi), %ecx
    subl %ecx, %eax
    jnz 5f
    incq %rdi
    incq %rsi
    decq %rdx
    jnz 3b
4:  xorl %eax, %eax
5:  ret
.Ldiffer: /* the first byte that differs decides: it is the highest of the reversed words */
    bswapq %rax
    bswapq %rcx
    cmpq %rcx, %rax
    sbbl %eax, %eax
    orl $1, %eax
    ret
END(memcmp)
