/* SPDX-License-Identifier: BSD-2-Clause */
/* The task state segment: the only part of it a 64-bit system uses is the stacks. */
#ifndef X86_64_DESCRIPTORS_H
#define X86_64_DESCRIPTORS_H

#include <stdint.h>

struct task_state {
    uint32_t reserved0;
    uint64_t stack[3]; /* of privilege 0: where a user thread's frame is pushed */
    uint64_t reserved1;
    uint64_t interrupt_stack[7]; /* numbered from 1 in gates */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t port_map; /* beyond the limit: no port for user mode */
} __attribute__((packed));

_Static_assert(sizeof(struct task_state) == 104, "as the processor reads it");

#endif
