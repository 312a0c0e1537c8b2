/* SPDX-License-Identifier: BSD-2-Clause */
/* Macros of the assembly files. */
#ifndef X86_64_ASM_H
#define X86_64_ASM_H

/* clang-format off */
#define FUNCTION(name) .globl name; .type name, @function; name:
#define END(name) .size name, . - name

    .section .note.GNU-stack, "", @progbits

/* Allows, forbids access to user pages. Where the processor has no SMAP, boot.c writes a
 * no-operation over each instruction noted in .smap_sites. */
    .macro smap_site instruction
778:    \instruction
    .pushsection .smap_sites, "a", @progbits
    .quad 778b
    .popsection
    .endm

    .macro user_access_on
    smap_site stac
    .endm

    .macro user_access_off
    smap_site clac
    .endm

/* An instruction that may fault on an actor's memory, and where to go on if it does. */
    .macro may_fault fix_up:req, instruction:vararg
779:    \instruction
    .pushsection .fix_ups, "a", @progbits
    .quad 779b, \fix_up
    .popsection
    .endm
/* clang-format on */

#endif
