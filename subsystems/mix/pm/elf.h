/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs in ELF for x86-64: checking and mapping. Nothing of a file is believed before it is
 * checked: a hostile one gets ENOEXEC.
 */
#ifndef PM_ELF_H
#define PM_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

struct process;
struct file;

#define ELF_SEGMENTS_MAX 16
#define ELF_INTERPRETER_BYTES 256

struct elf_segment {
    uint64_t offset, address, file_bytes, memory_bytes;
    uint32_t flags; /* PF_X 1, PF_W 2, PF_R 4 */
};

struct elf_program {
    bool position_independent;
    uint64_t entry;
    uint64_t headers_address; /* of the program headers once mapped; 0: in no segment */
    uint32_t header_count;
    struct elf_segment segment[ELF_SEGMENTS_MAX];
    uint32_t segment_count;
    uint64_t low, high; /* addresses, whole pages */
    char interpreter[ELF_INTERPRETER_BYTES];
};

/* Reads and checks the headers of `file`, whose first bytes are `head`. 0, ENOEXEC, EIO. */
long elf_read(struct elf_program *program, struct file *file, const void *head, size_t head_bytes);

/* Maps the segments, shifted by `base`. 0, ENOMEM, ENOEXEC. */
long elf_map(const struct elf_program *program, struct process *process, struct file *file,
             uint64_t base);

#endif
