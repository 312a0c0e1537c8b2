/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/elf.h"

#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define HEADER_BYTES 64u
#define SEGMENT_BYTES 56u
#define SEGMENTS_READ_MAX 64u
#define ET_EXEC 2
#define ET_DYN 3
#define EM_X86_64 62
#define PT_LOAD 1
#define PT_INTERP 3
#define PF_X 1u
#define PF_W 2u

/* ---- Checking ---------------------------------------------------------------------------- */

static bool header_is_ours(const uint8_t *head, size_t bytes)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    return bytes >= HEADER_BYTES && memcmp(head, magic, sizeof(magic)) == 0 &&
           le16_load(head + 18) == EM_X86_64 && le16_load(head + 54) == SEGMENT_BYTES &&
           (le16_load(head + 16) == ET_EXEC || le16_load(head + 16) == ET_DYN);
}

static bool segment_is_sound(const struct elf_segment *segment, const struct elf_program *program)
{
    uint64_t end = segment->address + segment->memory_bytes;

    if (segment->memory_bytes < segment->file_bytes || end < segment->address ||
        end > MEMORY_MAP_BASE || segment->offset > (uint64_t)INT64_MAX - segment->file_bytes ||
        (segment->offset - segment->address) % PAGE_BYTES != 0)
        return false;
    if (!program->position_independent && segment->address < PAGE_BYTES)
        return false;
    /* Ascending and apart: one page is never in two segments. */
    return program->segment_count == 0 || ALIGN_DOWN(segment->address, PAGE_BYTES) >= program->high;
}

static long segment_add(struct elf_program *program, const struct elf_segment *segment)
{
    if (segment->memory_bytes == 0)
        return 0;
    if (program->segment_count == ELF_SEGMENTS_MAX || !segment_is_sound(segment, program))
        return -ENOEXEC;
    if (program->segment_count == 0)
        program->low = ALIGN_DOWN(segment->address, PAGE_BYTES);
    program->high = ALIGN_UP(segment->address + segment->memory_bytes, PAGE_BYTES);
    program->segment[program->segment_count++] = *segment;
    return 0;
}

static long read_at(struct file *file, uint64_t offset, void *to, size_t bytes)
{
    uint64_t at = offset;
    long got = regular_operations.read(NULL, file, (VmAddr)to, bytes, &at);

    if (got < 0)
        return got;
    return (size_t)got == bytes ? 0 : -ENOEXEC;
}

static long interpreter_read(struct elf_program *program, struct file *file,
                             const struct elf_segment *segment)
{
    long result;

    if (segment->file_bytes < 2 || segment->file_bytes > sizeof(program->interpreter) ||
        segment->offset > (uint64_t)INT64_MAX)
        return -ENOEXEC;
    result = read_at(file, segment->offset, program->interpreter, segment->file_bytes);
    if (result == 0 && program->interpreter[segment->file_bytes - 1] != '\0')
        result = -ENOEXEC;
    return result;
}

static long header_take(struct elf_program *program, struct file *file, const uint8_t *raw,
                        uint64_t headers_offset)
{
    const struct elf_segment segment = {
        .flags = le32_load(raw + 4),
        .offset = le64_load(raw + 8),
        .address = le64_load(raw + 16),
        .file_bytes = le64_load(raw + 32),
        .memory_bytes = le64_load(raw + 40),
    };

    switch (le32_load(raw)) {
    case PT_INTERP:
        return interpreter_read(program, file, &segment);
    case PT_LOAD:
        if (headers_offset >= segment.offset &&
            headers_offset - segment.offset < segment.file_bytes)
            program->headers_address = segment.address + (headers_offset - segment.offset);
        return segment_add(program, &segment);
    default:
        return 0;
    }
}

/* Of a program that was cut short, some part lies behind the file's end: it must not begin. */
static long check_end(const struct elf_program *program, struct file *file)
{
    KnLcStat stat;
    KnResult status;

    do
        status = sgStat(&file->segment, &stat);
    while (user_after_signal(status));
    if (status != K_OK)
        return errno_of(status);
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct elf_segment *segment = &program->segment[i];

        if (segment->file_bytes > 0 && segment->offset + segment->file_bytes > stat.lsSize)
            return -ENOEXEC;
    }
    return program->segment_count == 0 ? -ENOEXEC : 0;
}

long elf_read(struct elf_program *program, struct file *file, const void *head, size_t head_bytes)
{
    const uint8_t *header = head;
    uint8_t raw[SEGMENT_BYTES];

    memset(program, 0, sizeof(*program));
    if (!header_is_ours(header, head_bytes))
        return -ENOEXEC;
    uint64_t offset = le64_load(header + 32);

    program->position_independent = le16_load(header + 16) == ET_DYN;
    program->entry = le64_load(header + 24);
    program->header_count = le16_load(header + 56);
    if (program->header_count == 0 || program->header_count > SEGMENTS_READ_MAX ||
        offset > (uint64_t)INT64_MAX - program->header_count * SEGMENT_BYTES)
        return -ENOEXEC;
    for (uint32_t i = 0; i < program->header_count; i++) {
        long result = read_at(file, offset + i * SEGMENT_BYTES, raw, sizeof(raw));

        if (result == 0)
            result = header_take(program, file, raw, offset);
        if (result < 0)
            return result;
    }
    return check_end(program, file);
}

/* ---- Mapping ----------------------------------------------------------------------------- */

static VmFlags rights_of(uint32_t flags)
{
    return K_READABLE | ((flags & PF_W) != 0 ? K_WRITABLE : 0) |
           ((flags & PF_X) != 0 ? K_EXECUTABLE : 0);
}

static KnResult map_file_part(const struct elf_segment *segment, struct process *process,
                              struct file *file, uint64_t start, uint64_t bytes)
{
    KnRgnDesc region = {.startAddr = start,
                        .size = bytes,
                        .options = rights_of(segment->flags) | K_FILLZERO};
    KnObjDesc object = {file->segment, ALIGN_DOWN(segment->offset, PAGE_BYTES), bytes};

    KnResult status;

    do
        status = memory_map_private(process, &region, &object);
    while (user_after_signal(status));
    return status;
}

/* The rest of the last page that comes from the file belongs to memory that reads as zero. */
static long clear_tail(const struct elf_segment *segment, uint64_t file_end)
{
    static const char zeros[512];
    uint64_t page_end = ALIGN_UP(file_end, PAGE_BYTES);

    if ((segment->flags & PF_W) == 0 || segment->memory_bytes == segment->file_bytes)
        return 0;
    while (file_end < page_end) {
        size_t piece = (size_t)MIN(page_end - file_end, sizeof(zeros));
        long result = user_write(file_end, zeros, piece);

        if (result < 0)
            return result;
        file_end += piece;
    }
    return 0;
}

static long map_segment(const struct elf_segment *segment, struct process *process,
                        struct file *file, uint64_t base)
{
    uint64_t start = ALIGN_DOWN(base + segment->address, PAGE_BYTES);
    uint64_t file_end = base + segment->address + segment->file_bytes;
    uint64_t end = ALIGN_UP(base + segment->address + segment->memory_bytes, PAGE_BYTES);
    uint64_t middle = segment->file_bytes == 0 ? start : ALIGN_UP(file_end, PAGE_BYTES);
    KnResult status = K_OK;

    if (middle > start)
        status = map_file_part(segment, process, file, start, middle - start);
    if (status == K_OK && end > middle) {
        KnRgnDesc region = {.startAddr = middle,
                            .size = end - middle,
                            .options = rights_of(segment->flags) | K_FILLZERO | K_INHERITCOPY};

        do
            status = rgnAllocate(&process->actor, &region);
        while (user_after_signal(status));
    }
    if (status != K_OK)
        return status == K_ENOMEM ? -ENOMEM : status == K_EABORT ? MIX_AGAIN : -ENOEXEC;
    return middle > start ? clear_tail(segment, file_end) : 0;
}

long elf_map(const struct elf_program *program, struct process *process, struct file *file,
             uint64_t base)
{
    for (uint32_t i = 0; i < program->segment_count; i++) {
        long result = map_segment(&program->segment[i], process, file, base);

        if (result < 0)
            return result;
    }
    return 0;
}
