/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files and descriptors. See file.h. */
#include "subsystems/mix/pm/file.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"

#define FIRST_DESCRIPTORS 32u

struct file *file_create(struct pm *pm, const struct file_operations *operations, uint32_t flags)
{
    struct file *file = heap_allocate(&pm->heap, sizeof(*file));

    if (file == NULL)
        return NULL;
    file->operations = operations;
    file->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    file->references = 1;
    return file;
}

void file_hold(struct pm *pm, struct file *file)
{
    mutexGet(&pm->lock);
    file->references++;
    mutexRel(&pm->lock);
}

void file_free(struct pm *pm, struct file *file)
{
    if (file->path != NULL)
        heap_free(&pm->heap, file->path, strlen(file->path) + 1);
    heap_free(&pm->heap, file->text, file->text_bytes);
    heap_free(&pm->heap, file, sizeof(*file));
}

void file_drop(struct pm *pm, struct file *file)
{
    mutexGet(&pm->lock);
    ASSERT(file->references > 0);
    bool last = --file->references == 0;

    mutexRel(&pm->lock);
    if (!last)
        return;
    locks_end_of_file(pm, file);
    if (file->operations->close != NULL)
        file->operations->close(pm, file);
    file_free(pm, file);
}

/* ---- Descriptors ------------------------------------------------------------------------- */

static struct descriptor *entry_of(struct process *process, int32_t fd)
{
    struct descriptors *table = &process->descriptors;

    if (fd < 0 || (uint32_t)fd >= table->count || table->entry[fd].file == NULL)
        return NULL;
    return &table->entry[fd];
}

struct file *descriptor_get(struct process *process, int32_t fd)
{
    struct pm *pm = process->pm;
    struct file *file = NULL;

    mutexGet(&pm->lock);
    struct descriptor *entry = entry_of(process, fd);

    if (entry != NULL) {
        file = entry->file;
        file->references++;
    }
    mutexRel(&pm->lock);
    return file;
}

bool descriptor_is(struct process *process, int32_t fd, const struct file *file)
{
    const struct descriptor *entry = entry_of(process, fd);

    return entry != NULL && entry->file == file;
}

/* A descriptor was taken out of the table, with the process' locks of what it named. */
static void file_close(struct process *process, struct file *file)
{
    locks_close(process, file);
    file_drop(process->pm, file);
}

/* Makes the table at least `count` long. Only its own process' tasks change a table, and they
 * race only with one another, so the lock is let go for the allocation and the state looked at
 * again. */
static bool grow(struct process *process, uint32_t count)
{
    struct descriptors *table = &process->descriptors;
    struct heap *heap = &process->pm->heap;
    uint32_t wanted = MAX(table->count * 2, FIRST_DESCRIPTORS);

    wanted = MAX(wanted, count);
    struct descriptor *entry = heap_allocate(heap, wanted * sizeof(*entry));

    if (entry == NULL)
        return false;
    mutexGet(&process->pm->lock);
    struct descriptor *old = table->entry;
    uint32_t old_count = table->count;

    if (wanted > old_count) {
        memcpy(entry, old, old_count * sizeof(*entry));
        table->entry = entry;
        table->count = wanted;
        entry = old;
        wanted = old_count;
    }
    mutexRel(&process->pm->lock);
    heap_free(heap, entry, wanted * sizeof(*entry));
    return true;
}

long descriptor_put(struct process *process, struct file *file, int32_t from, bool close_on_exec)
{
    struct pm *pm = process->pm;
    struct descriptors *table = &process->descriptors;
    uint64_t limit = MIN(process->limits[RLIMIT_NOFILE].current, DESCRIPTORS_MAX);

    for (;;) {
        mutexGet(&pm->lock);
        uint32_t fd = (uint32_t)from;

        while (fd < table->count && table->entry[fd].file != NULL)
            fd++;
        if (fd < table->count && fd < limit)
            table->entry[fd] = (struct descriptor){file, close_on_exec};
        bool done = fd < table->count && fd < limit;

        mutexRel(&pm->lock);
        if (done)
            return fd;
        if (fd >= limit)
            return -EMFILE;
        if (!grow(process, fd + 1))
            return -ENOMEM;
    }
}

/* Puts `file` (its reference passes) at `fd` itself, closing what was there. */
long descriptor_replace(struct process *process, struct file *file, int32_t fd, bool close_on_exec)
{
    struct pm *pm = process->pm;
    struct descriptors *table = &process->descriptors;

    if ((uint32_t)fd >= table->count && !grow(process, (uint32_t)fd + 1))
        return -ENOMEM;
    mutexGet(&pm->lock);
    struct file *old = table->entry[fd].file;

    table->entry[fd] = (struct descriptor){file, close_on_exec};
    mutexRel(&pm->lock);
    if (old != NULL)
        file_close(process, old);
    return fd;
}

long descriptor_close(struct process *process, int32_t fd)
{
    struct pm *pm = process->pm;
    struct file *file = NULL;

    mutexGet(&pm->lock);
    struct descriptor *entry = entry_of(process, fd);

    if (entry != NULL) {
        file = entry->file;
        *entry = (struct descriptor){NULL, false};
    }
    mutexRel(&pm->lock);
    if (file == NULL)
        return -EBADF;
    file_close(process, file);
    return 0;
}

long descriptor_flag(struct process *process, int32_t fd, bool set, bool close_on_exec)
{
    long result = -EBADF;

    mutexGet(&process->pm->lock);
    struct descriptor *entry = entry_of(process, fd);

    if (entry != NULL) {
        if (set)
            entry->close_on_exec = close_on_exec;
        result = set ? 0 : entry->close_on_exec;
    }
    mutexRel(&process->pm->lock);
    return result;
}

long descriptors_copy(struct process *to, struct process *from)
{
    struct pm *pm = from->pm;
    uint32_t count = from->descriptors.count;
    struct descriptor *entry = count == 0 ? NULL : heap_allocate(&pm->heap, count * sizeof(*entry));

    if (count == 0)
        return 0;
    if (entry == NULL)
        return -ENOMEM;
    mutexGet(&pm->lock);
    memcpy(entry, from->descriptors.entry, count * sizeof(*entry));
    for (uint32_t i = 0; i < count; i++) {
        if (entry[i].file != NULL)
            entry[i].file->references++;
    }
    mutexRel(&pm->lock);
    to->descriptors = (struct descriptors){entry, count};
    return 0;
}

void descriptors_close_on_exec(struct process *process)
{
    for (uint32_t fd = 0; fd < process->descriptors.count; fd++) {
        if (process->descriptors.entry[fd].close_on_exec)
            (void)descriptor_close(process, (int32_t)fd);
    }
}

void descriptors_close_all(struct process *process)
{
    struct pm *pm = process->pm;

    for (uint32_t fd = 0; fd < process->descriptors.count; fd++) {
        if (process->descriptors.entry[fd].file != NULL)
            (void)descriptor_close(process, (int32_t)fd);
    }
    /* Readers of /proc look at the tables of others. */
    mutexGet(&pm->lock);
    struct descriptors old = process->descriptors;

    process->descriptors = (struct descriptors){NULL, 0};
    mutexRel(&pm->lock);
    heap_free(&pm->heap, old.entry, old.count * sizeof(*old.entry));
}
