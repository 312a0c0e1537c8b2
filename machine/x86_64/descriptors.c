/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments, the task state segment, the interrupt descriptor table, and where `syscall` goes.
 * Filled and loaded once, through the writable mapping that the boot code has of the whole image.
 *
 * I1 Both tables are read-only in the final page tables. Accessed bits are set beforehand and the
 *    task register is loaded before, so the processor has no reason to write them.
 * I2 User mode may raise only the breakpoint and overflow exceptions by an instruction.
 */
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"

#define SEGMENT_CODE UINT64_C(0x00af9b000000ffff)
#define SEGMENT_DATA UINT64_C(0x00cf93000000ffff)
#define SEGMENT_USER (UINT64_C(3) << 45) /* privilege */
#define SEGMENT_TASK UINT64_C(0x0000890000000000)

#define GATE_INTERRUPT 0x8e /* present, interrupts off on entry */
#define GATE_USER 0x60      /* user mode may name it in `int` */

#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4
#define STUB_BYTES 16

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t interrupt_stack; /* 0: the stack of the privilege */
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

#define SEGMENTS 9

static uint64_t segments[SEGMENTS] __attribute__((section(".sealed"), aligned(4096)));
static struct gate gates[VECTORS] __attribute__((section(".sealed"), aligned(16)));

static void fill_segments(void)
{
    uint64_t task = (uintptr_t)&pc.task;

    segments[SELECTOR_CODE / 8] = SEGMENT_CODE;
    segments[SELECTOR_DATA / 8] = SEGMENT_DATA;
    segments[SELECTOR_USER_DATA / 8] = SEGMENT_DATA | SEGMENT_USER;
    segments[SELECTOR_USER_CODE / 8] = SEGMENT_CODE | SEGMENT_USER;
    segments[SELECTOR_TASK / 8] =
        SEGMENT_TASK | (sizeof(pc.task) - 1) | (task & 0xffffff) << 16 | (task >> 24 & 0xff) << 56;
    segments[SELECTOR_TASK / 8 + 1] = task >> 32;
}

static void fill_gate(unsigned vector, uintptr_t entry, unsigned interrupt_stack, unsigned type)
{
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = SELECTOR_CODE,
        .interrupt_stack = (uint8_t)interrupt_stack,
        .type = (uint8_t)type,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

/* An exception that may come where there is no good stack, or where GS base may be either's, has
 * a stack of its own and an entry that finds out. */
static void fill_own_stack(unsigned vector, void (*entry)(void), unsigned number, uint32_t slot)
{
    pc.task.interrupt_stack[number - 1] = stack_top_of(slot);
    fill_gate(vector, (uintptr_t)entry, number, GATE_INTERRUPT);
}

static void fill_gates(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++)
        fill_gate(vector, (uintptr_t)entry_vectors + (uintptr_t)vector * STUB_BYTES, 0,
                  GATE_INTERRUPT);
    gates[VECTOR_BREAKPOINT].type |= GATE_USER;
    gates[VECTOR_OVERFLOW].type |= GATE_USER;
    fill_own_stack(VECTOR_DOUBLE_FAULT, entry_double_fault, 1, STACK_DOUBLE_FAULT);
    fill_own_stack(VECTOR_NMI, entry_nmi, 2, STACK_NMI);
    fill_own_stack(VECTOR_MACHINE_CHECK, entry_machine_check, 3, STACK_MACHINE_CHECK);
    fill_own_stack(VECTOR_DEBUG, entry_debug, 4, STACK_DEBUG);
}

static void load_segments(void)
{
    struct table_pointer pointer = {sizeof(segments) - 1, (uintptr_t)segments};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %2, %%eax\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%fs"
                     :
                     : "m"(pointer), "i"(SELECTOR_CODE), "i"(SELECTOR_DATA)
                     : "rax", "memory");
}

void descriptors_load(void)
{
    struct table_pointer pointer = {sizeof(gates) - 1, (uintptr_t)gates};

    fill_segments();
    fill_gates();
    pc.task.port_map = sizeof(pc.task);
    load_segments();
    __asm__ volatile("lidt %0" : : "m"(pointer));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TASK));
    wrmsr(MSR_STAR, (uint64_t)SELECTOR_USER_BASE << 48 | (uint64_t)SELECTOR_CODE << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)entry_syscall);
    wrmsr(MSR_FMASK, RFLAGS_AC | RFLAGS_DF | RFLAGS_TF | RFLAGS_NT | RFLAGS_IF);
}
