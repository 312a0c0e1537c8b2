/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with files and directories of /proc. See proc.h. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/proc_tree.h"
#include "subsystems/mix/pm/user.h"

#define PROC_MAGIC 0x9fa0
#define PROC_DEVICE 3
#define ROOT_INODE 1
#define INODES_PER_NUMBER 0x1000u
#define TEXT_FIRST_BYTES 1024u
#define NS_PER_S UINT64_C(1000000000)

/* ---- Texts ------------------------------------------------------------------------------- */

char *proc_room(struct proc_text *text, size_t bytes)
{
    size_t room = MAX(text->room_bytes, (size_t)TEXT_FIRST_BYTES);

    if (text->failed)
        return NULL;
    if (bytes <= text->room_bytes - text->used_bytes)
        return text->bytes + text->used_bytes;
    while (room - text->used_bytes < bytes)
        room *= 2;
    char *more = heap_allocate(text->heap, room);

    text->failed = more == NULL;
    if (more == NULL)
        return NULL;
    memcpy(more, text->bytes, text->used_bytes);
    heap_free(text->heap, text->bytes, text->room_bytes);
    text->bytes = more;
    text->room_bytes = room;
    return more + text->used_bytes;
}

void proc_put(struct proc_text *text, const char *form, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, form);
    length = format_va(NULL, 0, form, arguments);
    va_end(arguments);
    char *room = proc_room(text, (size_t)length + 1);

    if (room == NULL)
        return;
    va_start(arguments, form);
    (void)format_va(room, (size_t)length + 1, form, arguments);
    va_end(arguments);
    text->used_bytes += (size_t)length;
}

/* ---- stat -------------------------------------------------------------------------------- */

static uint64_t inode_of(const struct proc_place *place)
{
    uint64_t number = (uint64_t)(uint32_t)place->pid;

    if (place->entry == NULL)
        return ROOT_INODE;
    if (place->directory == PROC_TASK)
        number = (uint64_t)(uint32_t)place->tid;
    if (place->entry->in == PROC_FILES)
        return ((number << 32) + (uint32_t)place->fd + 1) * INODES_PER_NUMBER;
    return (number + 1) * INODES_PER_NUMBER + (uint64_t)(place->entry - proc_entries);
}

static void stat_of(struct pm *pm, const struct proc_place *place, struct linux_stat *stat)
{
    uint64_t now_ns = 0;
    struct proc_view view;

    (void)univTime(&now_ns);
    *stat = (struct linux_stat){.device = PROC_DEVICE,
                                .inode = inode_of(place),
                                .links = 1,
                                .mode = place->entry == NULL ? S_IFDIR | 0555 : place->entry->mode,
                                .block_bytes = 4096};
    stat->atime =
        (struct linux_timespec){(int64_t)(now_ns / NS_PER_S), (int64_t)(now_ns % NS_PER_S)};
    stat->mtime = stat->ctime = stat->atime;
    if ((stat->mode & S_IFMT) == S_IFDIR)
        stat->links = 2;
    if (place->pid != 0 && proc_view(pm, place->pid, 0, &view) == 0) {
        stat->uid = view.who.euid;
        stat->gid = view.who.egid;
    }
}

long proc_stat(struct task *task, struct call_buffer *buffer, bool follow, struct proc_way *way,
               struct linux_stat *stat)
{
    struct proc_place place;
    long result = proc_walk(task, buffer, follow, way, &place);

    if (result != 0)
        return result;
    if (follow && way->file != NULL && (stat->mode = place.entry->mode & S_IFMT) == S_IFLNK)
        return way->file->operations->stat(task, way->file, stat);
    stat_of(task->process->pm, &place, stat);
    return 0;
}

/* The place of an open file of /proc. ENOENT: its process has ended. */
static long place_of(struct task *task, const struct file *file, struct proc_place *place)
{
    struct pm *pm = task->process->pm;
    struct call_buffer *buffer = buffer_take(pm);
    struct proc_way way = {.file = NULL};
    long result = -ENOMEM;

    if (buffer == NULL)
        return result;
    strlcpy(buffer->rest, file->path + sizeof(PROC_TOP) - 1, sizeof(buffer->rest));
    result = proc_walk(task, buffer, false, &way, place);
    proc_way_end(pm, &way);
    buffer_give(pm, buffer);
    return result;
}

/* Of an open file whose process has ended, what it was is still known. */
static long file_stat(struct task *task, struct file *file, struct linux_stat *stat)
{
    struct proc_place place;

    if (place_of(task, file, &place) == 0)
        stat_of(task->process->pm, &place, stat);
    else
        *stat = (struct linux_stat){.device = PROC_DEVICE,
                                    .links = 1,
                                    .mode = file->mode,
                                    .block_bytes = 4096};
    return 0;
}

/* ---- Opening and reading ----------------------------------------------------------------- */

static long text_make(struct pm *pm, const struct proc_place *place, struct file *file)
{
    struct proc_text text = {.heap = &pm->heap};
    struct proc_view view = {.pid = 0};
    long result = place->pid == 0 ? 0 : proc_view(pm, place->pid, place->tid, &view);

    if (result < 0)
        return result;
    place->entry->make(&text, pm, &view);
    if (!text.failed && text.used_bytes > 0) {
        file->text = heap_copy(&pm->heap, text.bytes, text.used_bytes);
        text.failed = file->text == NULL;
        file->text_bytes = text.failed ? 0 : text.used_bytes;
    }
    heap_free(&pm->heap, text.bytes, text.room_bytes);
    return text.failed ? -ENOMEM : 0;
}

static long place_open(struct task *task, const struct proc_place *place, uint32_t flags,
                       struct file **file)
{
    struct pm *pm = task->process->pm;
    uint32_t mode = place->entry == NULL ? S_IFDIR : place->entry->mode;
    bool is_directory = (mode & S_IFMT) == S_IFDIR;
    char name[2 * PROC_PATH_BYTES];
    long result = 0;
    struct file *made =
        file_create(pm, is_directory ? &proc_directory_operations : &proc_file_operations, flags);

    if (made == NULL)
        return -ENOMEM;
    proc_name(place, name, sizeof(name));
    made->mode = mode;
    made->path = heap_copy(&pm->heap, name, strlen(name) + 1);
    if (made->path == NULL)
        result = -ENOMEM;
    else if (!is_directory && (flags & O_PATH) == 0)
        result = text_make(pm, place, made);
    if (result < 0)
        file_free(pm, made);
    else
        *file = made;
    return result;
}

/* An open file that has no name, through its link: the same one again, if it allows as much.
 * (Linux makes a description of its own, with flags of its own.) */
static long share(struct pm *pm, struct file *shared, uint32_t flags, struct file **file)
{
    uint32_t has = shared->flags & O_ACCMODE, wanted = flags & O_ACCMODE;

    if (has != O_RDWR && has != wanted)
        return -EACCES;
    file_hold(pm, shared);
    *file = shared;
    return 0;
}

long proc_open(struct task *task, struct call_buffer *buffer, uint32_t flags, struct proc_way *way,
               struct file **file)
{
    struct proc_place place;
    bool follow = (flags & O_NOFOLLOW) == 0;
    long result = proc_walk(task, buffer, follow, way, &place);
    bool writes = (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
    uint32_t type;

    if (result != 0)
        return result;
    type = place.entry == NULL ? S_IFDIR : place.entry->mode & S_IFMT;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (type != S_IFDIR && (flags & O_DIRECTORY) != 0)
        return -ENOTDIR;
    if (type == S_IFLNK && follow)
        return share(task->process->pm, way->file, flags, file);
    if (type == S_IFLNK && (flags & O_PATH) == 0)
        return -ELOOP;
    if (type == S_IFDIR && (writes || (flags & O_CREAT) != 0))
        return -EISDIR;
    if (writes)
        return -EACCES;
    result = (flags & O_PATH) != 0 ? 0 : proc_permission(task, &place);
    return result < 0 ? result : place_open(task, &place, flags, file);
}

static long file_read(struct task *task, struct file *file, VmAddr to, size_t bytes,
                      uint64_t *offset)
{
    size_t left = *offset >= file->text_bytes ? 0 : file->text_bytes - (size_t)*offset;
    size_t now = MIN(bytes, left);
    long result = now == 0 ? 0 : user_write(to, file->text + *offset, now);

    (void)task;
    if (result < 0)
        return result;
    *offset += now;
    return (long)now;
}

long proc_readlink(struct task *task, struct call_buffer *buffer, struct proc_way *way)
{
    struct proc_place place;
    long result = proc_walk(task, buffer, false, way, &place);

    if (result == 0 && place.entry == NULL)
        result = -EINVAL;
    if (result == 0)
        result = proc_permission(task, &place);
    return result != 0 ? result : proc_target(task, &place, buffer);
}

void proc_statfs_file(struct linux_statfs *statfs)
{
    *statfs =
        (struct linux_statfs){.type = PROC_MAGIC, .block_bytes = 4096, .name_bytes = NAME_MAX};
}

long proc_statfs(struct task *task, struct call_buffer *buffer, struct proc_way *way,
                 struct linux_statfs *statfs)
{
    struct proc_place place;
    long result = proc_walk(task, buffer, true, way, &place);

    if (result == 0)
        proc_statfs_file(statfs);
    return result;
}

/* ---- Directories ------------------------------------------------------------------------- */

/* A directory's offsets: 0 is ".", 1 is "..", from FIRST_NAME on the table's entries, from
 * FIRST_NUMBER on the numbers; so a reader goes on rightly when processes came and went. */
#define FIRST_NAME 2u
#define FIRST_NUMBER 0x1000u

struct record {
    struct linux_dirent64 head;
    char name[24];
};

static void record_set(struct record *record, const struct proc_place *place, const char *name)
{
    uint32_t mode = place->entry == NULL ? S_IFDIR : place->entry->mode;
    size_t bytes = LINUX_DIRENT_NAME_OFFSET + strlen(name) + 1;

    record->head.inode = inode_of(place);
    record->head.record_bytes = (uint16_t)ALIGN_UP(bytes, sizeof(uint64_t));
    record->head.type = (uint8_t)((mode & S_IFMT) >> 12);
    strlcpy(record->head.name, name, sizeof(*record) - LINUX_DIRENT_NAME_OFFSET);
}

static bool number_next(struct pm *pm, const struct proc_place *directory, uint64_t *offset,
                        struct record *record)
{
    struct proc_place child = *directory;
    char name[12];
    int32_t number = -1;

    for (uint32_t i = 0; i < proc_entry_count; i++) {
        if (proc_entries[i].in == directory->directory && proc_entries[i].name == NULL) {
            child.entry = &proc_entries[i];
            number = proc_number(pm, directory, (int32_t)(*offset - FIRST_NUMBER));
        }
    }
    if (number < 0)
        return false;
    *(directory->directory == PROC_ROOT    ? &child.pid
      : directory->directory == PROC_TASKS ? &child.tid
                                           : &child.fd) = number;
    if ((child.entry->mode & S_IFMT) == S_IFDIR)
        child.directory = child.entry->leads;
    format(name, sizeof(name), "%d", number);
    record_set(record, &child, name);
    *offset = FIRST_NUMBER + (uint64_t)number + 1;
    return true;
}

/* The record at `*offset`, which becomes that of the next one; false: the end. */
static bool record_next(struct pm *pm, const struct proc_place *directory, uint64_t *offset,
                        struct record *record)
{
    struct proc_place child = *directory;

    if (*offset < FIRST_NAME) {
        /* The inode of ".." is not looked up: programs ask stat for it. */
        record_set(record, directory, *offset == 0 ? "." : "..");
        ++*offset;
        return true;
    }
    for (; *offset - FIRST_NAME < proc_entry_count; ++*offset) {
        child.entry = &proc_entries[*offset - FIRST_NAME];
        if (child.entry->in != directory->directory || child.entry->name == NULL)
            continue;
        if ((child.entry->mode & S_IFMT) == S_IFDIR)
            child.directory = child.entry->leads;
        record_set(record, &child, child.entry->name);
        ++*offset;
        return true;
    }
    *offset = MAX(*offset, (uint64_t)FIRST_NUMBER);
    return *offset - FIRST_NUMBER <= PID_MAX && number_next(pm, directory, offset, record);
}

long proc_readdir(struct task *task, struct file *file, char *records, size_t bytes)
{
    struct proc_place place;
    size_t done = 0;
    long result = place_of(task, file, &place);

    if (result < 0)
        return result;
    for (uint64_t next = file->offset;; file->offset = next) {
        struct record record = {.head = {.inode = 0}};

        if (!record_next(task->process->pm, &place, &next, &record))
            break;
        record.head.offset = (int64_t)next;
        if (record.head.record_bytes > bytes - done)
            return done == 0 ? -EINVAL : (long)done;
        memcpy(records + done, &record, record.head.record_bytes);
        done += record.head.record_bytes;
    }
    return (long)done;
}

const struct file_operations proc_directory_operations = {
    .stat = file_stat,
    .seekable = true,
};

const struct file_operations proc_file_operations = {
    .read = file_read,
    .stat = file_stat,
    .seekable = true,
};
