/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader to C. boot_pvh is entered as the PVH protocol says: 32-bit protected mode, flat
 * segments, no paging, no stack, ebx the physical address of the start information. It measures
 * where the image lies, builds a first set of tables and goes on at the linked address with
 *
 *   0000000000000000  the first 4 GiB, for the jump alone
 *   ffff800000000000  the first 4 GiB, as in the final tables
 *   ffffffff80000000  16 MiB from the start of the image; writable: boot.c has something to write
 *
 * A second boot protocol enters at boot_common with ebp the physical address of the image, ebx
 * its information and edi a number for boot_start (boot.c) to know it by.
 */
#include "machine/x86_64/asm.h"
#include "machine/x86_64/boot.h"
#include "machine/x86_64/layout.h"

#define PRESENT_WRITABLE 0x3
#define LARGE_PAGE 0x83
#define CR0_PROTECT_PAGE_WRITE 0x80010001
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_SYSCALL_LONG_NX 0x901
#define CPUID_LONG_NX 0x20100000
#define EARLY_STACK_BYTES 8192

/* The offset of a symbol in the image; the image's physical address is added by ebp. */
#define IN_IMAGE(symbol) symbol - IMAGE_ADDRESS

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* sizes of name and description; XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad boot_pvh_physical

    .section .text.boot, "ax", @progbits
    .code32
FUNCTION(boot_pvh)
    cli
    cld
    /* The only memory known to be there is the start information: a word of it is the stack for
     * as long as it takes to learn where this code runs. */
    movl 4(%ebx), %edx
    leal 8(%ebx), %esp
    call 1f
1:  popl %ebp
    movl %edx, 4(%ebx)
    subl $IN_IMAGE(1b), %ebp
    movl $BOOT_PVH, %edi
END(boot_pvh)

FUNCTION(boot_common)
    leal IN_IMAGE(early_stack_top)(%ebp), %esp
    testl $0x1fffff, %ebp
    jnz boot_refuse
    pushl %ebx
    pushl %edi
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb boot_refuse
    movl $0x80000001, %eax
    cpuid
    andl $CPUID_LONG_NX, %edx
    cmpl $CPUID_LONG_NX, %edx
    jne boot_refuse

    /* The first 4 GiB, by pages of 2 MiB. */
    leal IN_IMAGE(early_low_directories)(%ebp), %edi
    movl $LARGE_PAGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    leal IN_IMAGE(early_low)(%ebp), %edi
    leal IN_IMAGE(early_low_directories) + PRESENT_WRITABLE(%ebp), %eax
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    /* The image. */
    leal IN_IMAGE(early_image_directory)(%ebp), %edi
    leal LARGE_PAGE(%ebp), %eax
    movl $8, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    leal IN_IMAGE(early_image_directory) + PRESENT_WRITABLE(%ebp), %eax
    movl %eax, IN_IMAGE(early_image) + 510 * 8(%ebp)

    leal IN_IMAGE(early_low) + PRESENT_WRITABLE(%ebp), %eax
    movl %eax, IN_IMAGE(early_top)(%ebp)
    movl %eax, IN_IMAGE(early_top) + 256 * 8(%ebp)
    leal IN_IMAGE(early_image) + PRESENT_WRITABLE(%ebp), %eax
    movl %eax, IN_IMAGE(early_top) + 511 * 8(%ebp)

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    leal IN_IMAGE(early_top)(%ebp), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    movl $EFER_SYSCALL_LONG_NX, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_PROTECT_PAGE_WRITE, %eax
    movl %eax, %cr0

    /* Long mode begins with the far return into a 64-bit segment. */
    popl %edi
    popl %ebx
    leal IN_IMAGE(early_gdt)(%ebp), %eax
    pushl %eax
    pushw $(3 * 8 - 1)
    lgdt (%esp)
    pushl $8
    leal IN_IMAGE(boot_long)(%ebp), %eax
    pushl %eax
    lretl
END(boot_common)

/* Not a processor, or not a place, that the Nucleus can run on. */
FUNCTION(boot_refuse)
    leal IN_IMAGE(refusal)(%ebp), %esi
    movl $(refusal_end - refusal), %ecx
    movw $0xe9, %dx
    rep outsb
    movw $0xf4, %dx
    movl $BOOT_DIED_STATUS, %eax
    outb %al, %dx
1:  hlt
    jmp 1b
END(boot_refuse)

    .code64
FUNCTION(boot_long)
    movq $1f, %rax
    jmp *%rax
1:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $early_stack_top, %rsp
    movl %ebx, %esi
    movl %ebp, %edx
    xorl %ebp, %ebp
    call boot_start
    ud2
END(boot_long)

/* boot_switch(root, stack_top, next): goes on in next() on another stack under other tables. */
FUNCTION(boot_switch)
    movq %rdi, %cr3
    movq %rsi, %rsp
    xorl %ebp, %ebp
    call *%rdx
    ud2
END(boot_switch)

    .section .rodata.boot, "a", @progbits
    .balign 8
early_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
refusal:
    .ascii "chorus: needs a 64-bit processor with NX and a load address in steps of 2 MiB\n"
refusal_end:

    .section .boot_bss, "aw", @nobits
    .balign 4096
early_top:
    .skip 4096
early_low:
    .skip 4096
early_low_directories:
    .skip 4 * 4096
early_image:
    .skip 4096
early_image_directory:
    .skip 4096
    .skip EARLY_STACK_BYTES
early_stack_top:
