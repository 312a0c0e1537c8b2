/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the ELF format (System V ABI, chapters 4 and 5; AMD64 supplement) that a
 * static-pie program has. */
#ifndef X86_64_ELF_H
#define X86_64_ELF_H

#include <stdint.h>

struct elf_header {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_offset, sections_offset;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segment_count, section_bytes, section_count,
        names_section;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical_address, file_bytes, memory_bytes, align;
};

struct elf_dynamic {
    int64_t tag;
    uint64_t value;
};

struct elf_relocation {
    uint64_t address, type;
    int64_t addend;
};

/* 64 bits, least significant byte first, version 1. */
#define ELF_MAGIC "\177ELF\2\1\1"
#define ELF_MAGIC_BYTES 7
#define ELF_SHARED 3
#define ELF_X86_64 62
#define ELF_VERSION 1

#define ELF_LOAD 1
#define ELF_DYNAMIC 2
#define ELF_INTERPRETER 3

#define ELF_EXECUTE 1u
#define ELF_WRITE 2u

#define ELF_TAG_END 0
#define ELF_TAG_PLT_BYTES 2
#define ELF_TAG_RELA 7
#define ELF_TAG_RELA_BYTES 8
#define ELF_TAG_RELA_ENTRY 9
#define ELF_TAG_REL 17
#define ELF_TAG_TEXT_RELOCATIONS 22
#define ELF_TAG_RELR 36

#define ELF_RELOCATION_RELATIVE 8

#endif
