/* SPDX-License-Identifier: BSD-2-Clause */
/* Host memory, and which of it is the program's text. */
#define _GNU_SOURCE
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/world.h"

size_t memory_page_round(size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

char *memory_reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void *sim_host_memory_take(size_t bytes)
{
    size_t whole = memory_page_round(bytes + 1); /* at least one byte of poison */
    char *memory = memory_reserve(whole);

    if (memory != NULL)
        sim_host_poison(memory + bytes, whole - bytes);
    return memory;
}

void sim_host_memory_give(void *memory, size_t bytes)
{
    size_t whole = memory_page_round(bytes + 1);

    sim_host_unpoison(memory, whole);
    if (munmap(memory, whole) != 0)
        perror("munmap");
}

/* ---- Text -------------------------------------------------------------------------------- */

struct text_query {
    uintptr_t address;
    bool executable; /* only code counts */
    size_t room;
};

/* The first object is the program itself; libraries hold nothing of an actor's. */
static int text_look(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct text_query *query = argument;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;

        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
            continue;
        if (query->executable && (segment->p_flags & PF_X) == 0)
            continue;
        if (query->address >= start && query->address - start < segment->p_memsz)
            query->room = start + segment->p_memsz - query->address;
    }
    return 1;
}

size_t sim_host_text_room(const void *address)
{
    struct text_query query = {.address = (uintptr_t)address};

    dl_iterate_phdr(text_look, &query);
    return query.room;
}

bool sim_host_is_code(uintptr_t address)
{
    struct text_query query = {.address = address, .executable = true};

    dl_iterate_phdr(text_look, &query);
    return query.room != 0;
}
