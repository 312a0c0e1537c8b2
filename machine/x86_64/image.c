/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting a program into an actor: a static-pie ELF whose only relocations are relative. In three
 * steps:
 *
 *   read     every number of the file that will be used is checked against the file and the others
 *   fill     a local cache of its own for each segment gets its pages, relocated
 *   commit   the regions are made, those of a supervisor actor with all their pages mapped
 *
 * I1 Until commit nothing of the actor has changed: what was filled is dropped again on failure,
 *    and a shortage of memory may be waited for and the call started again.
 * I2 No segment is writable and executable, and no two share a page.
 */
#include "machine/image.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/x86_64/elf.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define SEGMENTS_MAX 8
#define HEADERS_MAX 16
#define DYNAMICS_MAX 64
#define SPAN_MAX (UINT64_C(1) << 30)

#define USER_BASE UINT64_C(0x400000)
#define USER_STACK_BYTES UINT64_C(65536)
#define USER_STACK_TOP (MACHINE_USER_HIGH - PAGE_BYTES)

struct segment {
    uint64_t address; /* from the image's base */
    uint64_t memory_bytes;
    uint64_t offset; /* in the file */
    uint64_t file_bytes;
    VmFlags rights;
    struct cache *cache; /* while it is not a region's */
};

struct image {
    const uint8_t *file;
    uint64_t file_bytes;
    VmAddr base; /* where it goes */
    uint64_t span;
    uint64_t entry;
    struct segment segment[SEGMENTS_MAX];
    uint32_t segment_count;
    uint64_t relocations; /* address of the table */
    uint64_t relocation_bytes;
};

static uint64_t page_start(const struct segment *segment)
{
    return ALIGN_DOWN(segment->address, PAGE_BYTES);
}

static uint64_t page_end(const struct segment *segment)
{
    return ALIGN_UP(segment->address + segment->memory_bytes, PAGE_BYTES);
}

/* ---- Read ------------------------------------------------------------------------------------ */

static bool is_inside(uint64_t offset, uint64_t bytes, uint64_t limit)
{
    return offset <= limit && bytes <= limit - offset;
}

/* Copies a structure out of the file, where nothing is aligned. */
static bool read_file(const struct image *image, uint64_t offset, void *to, size_t bytes)
{
    if (!is_inside(offset, bytes, image->file_bytes))
        return false;
    memcpy(to, image->file + offset, bytes);
    return true;
}

/* The same by address: the range must come from the file, within one segment. */
static bool read_memory(const struct image *image, uint64_t address, void *to, size_t bytes)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segment[i];

        if (address >= segment->address &&
            is_inside(address - segment->address, bytes, segment->file_bytes))
            return read_file(image, segment->offset + (address - segment->address), to, bytes);
    }
    return false;
}

static bool add_segment(struct image *image, const struct elf_segment *header)
{
    struct segment *segment = &image->segment[image->segment_count];
    const uint32_t both = ELF_WRITE | ELF_EXECUTE;

    if (header->memory_bytes == 0)
        return true;
    if (image->segment_count == SEGMENTS_MAX || (header->flags & both) == both ||
        header->file_bytes > header->memory_bytes ||
        !is_inside(header->offset, header->file_bytes, image->file_bytes) ||
        !is_inside(header->address, header->memory_bytes, SPAN_MAX))
        return false;
    *segment = (struct segment){
        .address = header->address,
        .memory_bytes = header->memory_bytes,
        .offset = header->offset,
        .file_bytes = header->file_bytes,
        .rights = K_READABLE,
    };
    if ((header->flags & ELF_WRITE) != 0)
        segment->rights |= K_WRITABLE;
    if ((header->flags & ELF_EXECUTE) != 0)
        segment->rights |= K_EXECUTABLE;
    if (page_start(segment) < image->span)
        return false; /* not above the one before */
    image->span = page_end(segment);
    image->segment_count++;
    return true;
}

static bool read_dynamic(struct image *image, const struct elf_segment *header)
{
    struct elf_dynamic dynamic;

    for (uint64_t i = 0; i < DYNAMICS_MAX && (i + 1) * sizeof(dynamic) <= header->file_bytes; i++) {
        if (!read_file(image, header->offset + i * sizeof(dynamic), &dynamic, sizeof(dynamic)))
            return false;
        switch (dynamic.tag) {
        case ELF_TAG_END:
            return image->relocation_bytes % sizeof(struct elf_relocation) == 0;
        case ELF_TAG_RELA:
            image->relocations = dynamic.value;
            break;
        case ELF_TAG_RELA_BYTES:
            image->relocation_bytes = dynamic.value;
            break;
        case ELF_TAG_RELA_ENTRY:
            if (dynamic.value != sizeof(struct elf_relocation))
                return false;
            break;
        case ELF_TAG_PLT_BYTES:
            if (dynamic.value != 0)
                return false;
            break;
        case ELF_TAG_REL:
        case ELF_TAG_RELR:
        case ELF_TAG_TEXT_RELOCATIONS:
            return false;
        default:
            break;
        }
    }
    return false; /* no end */
}

static bool read_header(const struct image *image, struct elf_header *header)
{
    return read_file(image, 0, header, sizeof(*header)) &&
           memcmp(header->identification, ELF_MAGIC, ELF_MAGIC_BYTES) == 0 &&
           header->type == ELF_SHARED && header->machine == ELF_X86_64 &&
           header->version == ELF_VERSION && header->segment_bytes == sizeof(struct elf_segment) &&
           header->segment_count <= HEADERS_MAX;
}

static bool entry_is_code(const struct image *image)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segment[i];

        if ((segment->rights & K_EXECUTABLE) != 0 && image->entry >= segment->address &&
            image->entry - segment->address < segment->file_bytes)
            return true;
    }
    return false;
}

static bool read_image(struct image *image)
{
    struct elf_header header;
    struct elf_segment dynamic = {0};

    if (!read_header(image, &header))
        return false;
    for (uint32_t i = 0; i < header.segment_count; i++) {
        struct elf_segment segment;

        if (!read_file(image, header.segments_offset + i * sizeof(segment), &segment,
                       sizeof(segment)))
            return false;
        if (segment.type == ELF_INTERPRETER ||
            (segment.type == ELF_LOAD && !add_segment(image, &segment)))
            return false;
        if (segment.type == ELF_DYNAMIC)
            dynamic = segment;
    }
    image->entry = header.entry;
    if (dynamic.type == ELF_DYNAMIC && !read_dynamic(image, &dynamic))
        return false;
    return entry_is_code(image);
}

/* ---- Fill ------------------------------------------------------------------------------------ */

/* What the file has for the page at `page`, in a frame of the segment's cache. */
static KnResult fill_page(const struct image *image, struct segment *segment, uint64_t page)
{
    uint64_t start = MAX(page, segment->address);
    uint64_t end = MIN(page + PAGE_BYTES, segment->address + segment->file_bytes);
    struct frame *frame;
    KnResult status = frame_allocate(&frame, FRAME_CACHE);
    char *to;

    if (status != K_OK)
        return status;
    to = frame_address(frame);
    if (end - start < PAGE_BYTES)
        page_zero(to);
    memcpy(to + (start - page), image->file + segment->offset + (start - segment->address),
           end - start);
    frame->dirty = true; /* nobody else has it */
    status =
        cache_insert(segment->cache, (page - page_start(segment)) >> MACHINE_PAGE_SHIFT, frame);
    if (status != K_OK)
        frame_free(frame);
    return status;
}

static KnResult fill_segment(const struct image *image, struct segment *segment)
{
    uint64_t file_end = segment->address + segment->file_bytes;
    KnResult status = K_OK;

    segment->cache = cache_create();
    if (segment->cache == NULL)
        return K_ENOMEM;
    for (uint64_t page = page_start(segment); page < file_end && status == K_OK; page += PAGE_BYTES)
        status = fill_page(image, segment, page);
    return status;
}

/* Adds the image's base to the word at `address`. It is aligned, so it lies in one page. */
static KnResult relocate_word(const struct image *image, uint64_t address, uint64_t value)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segment[i];
        struct frame *frame;
        KnResult status;

        if (address < segment->address ||
            !is_inside(address - segment->address, sizeof(value), segment->memory_bytes))
            continue;
        uint64_t offset = address - page_start(segment);

        status = cache_page(segment->cache, offset >> MACHINE_PAGE_SHIFT, true, &frame);
        if (status == K_OK)
            memcpy((char *)frame_address(frame) + (offset & (PAGE_BYTES - 1)), &value,
                   sizeof(value));
        return status;
    }
    return K_ENOEXEC;
}

static KnResult relocate(const struct image *image)
{
    struct elf_relocation relocation;
    KnResult status = K_OK;

    for (uint64_t at = 0; at < image->relocation_bytes && status == K_OK;
         at += sizeof(relocation)) {
        if (!read_memory(image, image->relocations + at, &relocation, sizeof(relocation)) ||
            relocation.type != ELF_RELOCATION_RELATIVE ||
            !IS_ALIGNED(relocation.address, sizeof(uint64_t)))
            return K_ENOEXEC;
        status =
            relocate_word(image, relocation.address, image->base + (uint64_t)relocation.addend);
    }
    return status;
}

static KnResult fill_image(struct image *image)
{
    KnResult status = K_OK;

    for (uint32_t i = 0; i < image->segment_count && status == K_OK; i++)
        status = fill_segment(image, &image->segment[i]);
    return status == K_OK ? relocate(image) : status;
}

static void drop_image(struct image *image)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        if (image->segment[i].cache != NULL)
            cache_release(image->segment[i].cache);
    }
}

/* ---- Commit ---------------------------------------------------------------------------------- */

/* Finds the place of the whole image; its parts are placed there one by one. */
static KnResult place_image(struct image *image, struct actor *actor)
{
    KnRgnDesc desc = {.startAddr = USER_BASE, .size = image->span, .options = K_READABLE};
    KnResult status;

    if (actor->context->supervisor)
        desc.options |= K_ANYWHERE;
    status = region_place(actor->context, &desc);
    image->base = desc.startAddr;
    return status;
}

/* Supervisor code is never without a page of its own. */
static KnResult populate(struct context *context, const KnRgnDesc *desc)
{
    uint32_t access = (desc->options & K_WRITABLE) != 0 ? K_WRITABLE : K_READABLE;
    KnResult status = K_OK;

    for (VmSize done = 0; done < desc->size && status == K_OK; done += PAGE_BYTES)
        status = context_fault(context, desc->startAddr + done, access);
    return status == K_OK ? K_OK : K_ENOMEM;
}

static KnResult make_region(struct actor *actor, KnRgnDesc *desc, struct cache *cache)
{
    KnResult status = region_place(actor->context, desc);

    return status == K_OK ? region_create(actor->context, actor, desc, cache, 0) : status;
}

static KnResult commit_segment(const struct image *image, struct segment *segment,
                               struct actor *actor)
{
    bool supervisor = actor->context->supervisor;
    KnRgnDesc desc = {
        .startAddr = image->base + page_start(segment),
        .size = page_end(segment) - page_start(segment),
        .options = segment->rights | (supervisor ? K_NODEMAND : 0),
    };
    KnResult status = make_region(actor, &desc, segment->cache);

    if (status != K_OK)
        return status;
    segment->cache = NULL;
    return supervisor ? populate(actor->context, &desc) : K_OK;
}

/* A page that nobody may touch below the stack catches what runs over it. */
static KnResult make_user_stack(struct actor *actor)
{
    KnRgnDesc stack = {.startAddr = USER_STACK_TOP - USER_STACK_BYTES,
                       .size = USER_STACK_BYTES,
                       .options = K_READABLE | K_WRITABLE};
    KnRgnDesc guard = {.startAddr = stack.startAddr - PAGE_BYTES,
                       .size = PAGE_BYTES,
                       .options = K_NOACCESS};
    struct cache *cache;
    KnResult status = make_region(actor, &guard, NULL);

    if (status != K_OK)
        return status;
    cache = cache_create();
    if (cache == NULL)
        return K_ENOMEM;
    status = make_region(actor, &stack, cache);
    if (status != K_OK)
        cache_release(cache);
    return status;
}

KnResult image_load(struct actor *actor, const void *image, size_t image_bytes, KnStartInfo *start)
{
    struct image program = {.file = image, .file_bytes = image_bytes};
    bool supervisor = actor->context->supervisor;
    KnResult status;

    if (!read_image(&program))
        return K_ENOEXEC;
    status = place_image(&program, actor);
    if (status == K_OK)
        status = fill_image(&program);
    for (uint32_t i = 0; i < program.segment_count && status == K_OK; i++)
        status = commit_segment(&program, &program.segment[i], actor);
    if (status == K_OK && !supervisor)
        status = make_user_stack(actor);
    drop_image(&program);
    if (status != K_OK)
        return status;
    *start = (KnStartInfo){
        .dsEntry = program.base + program.entry,
        /* As a call would leave it: the place of a return address, zero, on top. */
        .dsUserStackPointer = supervisor ? 0 : USER_STACK_TOP - sizeof(uint64_t),
        .dsPrivilege = supervisor ? K_SUPTHREAD : K_USERTHREAD,
    };
    return K_OK;
}

void image_unload(struct actor *actor)
{
    (void)actor;
}
