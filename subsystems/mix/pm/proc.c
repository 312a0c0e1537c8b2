/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of /proc and the ways through it. See proc.h and proc_tree.h. */
#include "subsystems/mix/pm/proc.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "subsystems/mix/pm/proc_tree.h"

#define LINKS_MAX 16
#define DIRECTORY (S_IFDIR | 0555)
#define FILE (S_IFREG | 0444)
#define LINK (S_IFLNK | 0777)

/* What a process and each of its tasks have alike. */
#define OF_TASKS(where)                                                             \
    {.in = (where), .name = "stat", .mode = FILE, .make = proc_stat_text},          \
        {.in = (where), .name = "status", .mode = FILE, .make = proc_status_text},  \
        {.in = (where), .name = "statm", .mode = FILE, .make = proc_statm_text},    \
        {.in = (where), .name = "comm", .mode = FILE, .make = proc_command_text},   \
    {                                                                               \
        .in = (where), .name = "cmdline", .mode = FILE, .make = proc_arguments_text \
    }

#define OF_SITE(text, maker)                                           \
    {                                                                  \
        .in = PROC_ROOT, .name = (text), .mode = FILE, .make = (maker) \
    }
#define OF_KERNEL(text, maker)                                               \
    {                                                                        \
        .in = PROC_SYS_KERNEL, .name = (text), .mode = FILE, .make = (maker) \
    }

const struct proc_entry proc_entries[] = {
    {.in = PROC_ROOT, .name = "self", .mode = LINK, .link = LINK_SELF},
    {.in = PROC_ROOT, .name = "thread-self", .mode = LINK, .link = LINK_SELF_TASK},
    {.in = PROC_ROOT, .name = "mounts", .mode = LINK, .target = "self/mounts"},
    OF_SITE("cmdline", proc_site_arguments),
    OF_SITE("cpuinfo", proc_site_processors),
    OF_SITE("filesystems", proc_site_filesystems),
    OF_SITE("loadavg", proc_site_load),
    OF_SITE("meminfo", proc_site_memory),
    OF_SITE("stat", proc_site_stat),
    OF_SITE("uptime", proc_site_uptime),
    OF_SITE("version", proc_site_version),
    {.in = PROC_ROOT, .name = "sys", .mode = DIRECTORY, .leads = PROC_SYS},
    {.in = PROC_SYS, .name = "kernel", .mode = DIRECTORY, .leads = PROC_SYS_KERNEL},
    OF_KERNEL("hostname", proc_site_host),
    OF_KERNEL("osrelease", proc_site_release),
    OF_KERNEL("ostype", proc_site_type),
    OF_KERNEL("pid_max", proc_site_pid_max),
    OF_KERNEL("version", proc_site_build),
    {.in = PROC_ROOT, .mode = DIRECTORY, .leads = PROC_PROCESS},
    OF_TASKS(PROC_PROCESS),
    {.in = PROC_PROCESS, .name = "cwd", .mode = LINK, .link = LINK_WORKING, .is_private = true},
    {.in = PROC_PROCESS,
     .name = "environ",
     .mode = S_IFREG | 0400,
     .make = proc_environment_text,
     .is_private = true},
    {.in = PROC_PROCESS, .name = "exe", .mode = LINK, .link = LINK_PROGRAM, .is_private = true},
    {.in = PROC_PROCESS,
     .name = "fd",
     .mode = S_IFDIR | 0500,
     .leads = PROC_FILES,
     .is_private = true},
    {.in = PROC_PROCESS, .name = "maps", .mode = FILE, .make = proc_maps_text, .is_private = true},
    {.in = PROC_PROCESS, .name = "mounts", .mode = FILE, .make = proc_site_mounts},
    {.in = PROC_PROCESS, .name = "root", .mode = LINK, .link = LINK_TOP, .is_private = true},
    {.in = PROC_PROCESS, .name = "task", .mode = DIRECTORY, .leads = PROC_TASKS},
    {.in = PROC_TASKS, .mode = DIRECTORY, .leads = PROC_TASK},
    OF_TASKS(PROC_TASK),
    {.in = PROC_FILES, .mode = LINK, .link = LINK_FILE, .is_private = true},
};
const uint32_t proc_entry_count = ARRAY_SIZE(proc_entries);

static bool is_type(const struct proc_entry *entry, uint32_t type)
{
    return entry != NULL && (entry->mode & S_IFMT) == type;
}

/* ---- Numbers ----------------------------------------------------------------------------- */

static void take_lower(int32_t *lowest, int32_t number, int32_t from)
{
    if (number >= from && (*lowest < 0 || number < *lowest))
        *lowest = number;
}

/* pm->lock is held. */
static int32_t number_of_file(const struct process *process, int32_t from)
{
    for (uint32_t fd = (uint32_t)from; fd < process->descriptors.count; fd++) {
        if (process->descriptors.entry[fd].file != NULL)
            return (int32_t)fd;
    }
    return -1;
}

int32_t proc_number(struct pm *pm, const struct proc_place *place, int32_t from)
{
    struct process *process;
    struct task *task;
    int32_t lowest = -1;

    mutexGet(&pm->lock);
    if (place->directory == PROC_ROOT) {
        LIST_FOR_EACH(process, &pm->processes.all, in_all) {
            take_lower(&lowest, process->pid, from);
        }
    } else if ((process = process_find(pm, place->pid)) != NULL) {
        if (place->directory == PROC_FILES)
            lowest = number_of_file(process, from);
        LIST_FOR_EACH(task, &process->tasks, in_process) {
            if (place->directory == PROC_TASKS)
                take_lower(&lowest, task->tid, from);
        }
    }
    mutexRel(&pm->lock);
    return lowest;
}

struct file *proc_file(struct pm *pm, int32_t pid, int32_t fd)
{
    struct file *file = NULL;

    mutexGet(&pm->lock);
    struct process *process = process_find(pm, pid);

    if (process != NULL && (uint32_t)fd < process->descriptors.count)
        file = process->descriptors.entry[fd].file;
    if (file != NULL)
        file->references++;
    mutexRel(&pm->lock);
    return file;
}

struct file *proc_program(struct pm *pm, int32_t pid)
{
    mutexGet(&pm->lock);
    struct process *process = process_find(pm, pid);
    struct file *file = process == NULL ? NULL : process->executable;

    if (file != NULL)
        file->references++;
    mutexRel(&pm->lock);
    return file;
}

/* The file that a link leads to; NULL: none, or it leads to a directory. */
static struct file *file_of(struct pm *pm, const struct proc_place *place)
{
    switch (place->entry->link) {
    case LINK_PROGRAM:
        return proc_program(pm, place->pid);
    case LINK_FILE:
        return proc_file(pm, place->pid, place->fd);
    default:
        return NULL;
    }
}

/* ---- Steps ------------------------------------------------------------------------------- */

/* A number as names have it: no sign, no zero in front. -1: it is none. */
static int32_t number_read(const char *name, size_t bytes)
{
    int32_t number = 0;

    if (bytes == 0 || bytes > 9 || (name[0] == '0' && bytes > 1))
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        number = number * 10 + (name[i] - '0');
    }
    return number;
}

static const struct proc_entry *entry_find(enum proc_directory in, const char *name, size_t bytes)
{
    bool is_number = number_read(name, bytes) >= 0;

    for (uint32_t i = 0; i < proc_entry_count; i++) {
        const struct proc_entry *entry = &proc_entries[i];

        if (entry->in == in && (entry->name == NULL ? is_number
                                                    : strlen(entry->name) == bytes &&
                                                          memcmp(entry->name, name, bytes) == 0))
            return entry;
    }
    return NULL;
}

static long step_down(struct task *task, struct proc_place *place, const char *name, size_t bytes)
{
    struct pm *pm = task->process->pm;
    const struct proc_entry *entry = entry_find(place->directory, name, bytes);
    int32_t number = number_read(name, bytes);
    long result = proc_permission(task, place);

    if (result < 0)
        return result;
    if (entry == NULL || (entry->name == NULL && proc_number(pm, place, number) != number))
        return -ENOENT;
    if (entry->name == NULL)
        *(place->directory == PROC_ROOT    ? &place->pid
          : place->directory == PROC_TASKS ? &place->tid
                                           : &place->fd) = number;
    place->entry = entry;
    if (is_type(entry, S_IFDIR))
        place->directory = entry->leads;
    return 0;
}

/* The entry whose directory this is; NULL: the root's. */
static const struct proc_entry *entry_of(enum proc_directory directory)
{
    for (uint32_t i = 0; i < proc_entry_count; i++) {
        if (is_type(&proc_entries[i], S_IFDIR) && proc_entries[i].leads == directory)
            return &proc_entries[i];
    }
    return NULL;
}

static void step_up(struct proc_place *place)
{
    place->directory = place->entry->in;
    place->entry = entry_of(place->directory);
    if (place->directory == PROC_ROOT)
        place->pid = 0;
    if (place->directory == PROC_TASKS)
        place->tid = 0;
    ASSERT((place->entry == NULL) == (place->directory == PROC_ROOT));
}

/* ---- Links ------------------------------------------------------------------------------- */

void proc_way_end(struct pm *pm, struct proc_way *way)
{
    if (way->file != NULL)
        file_drop(pm, way->file);
    way->file = NULL;
}

/* The path goes on at `directory` with `first`, then what is `left`. */
static long leave(struct proc_way *way, uint64_t directory, struct call_buffer *buffer,
                  const char *first, const char *left)
{
    const char *slash = first[0] == '\0' || *left == '\0' ? "" : "/";
    int length = format(buffer->path, sizeof(buffer->path), "%s%s%s", first, slash, left);

    way->directory = directory;
    if ((size_t)length >= sizeof(buffer->path))
        return -ENAMETOOLONG;
    return ++way->links > LINKS_MAX ? -ELOOP : PROC_LEAVES;
}

static long leave_to_directory(struct task *task, const struct proc_place *place,
                               struct call_buffer *buffer, const char *left, struct proc_way *way)
{
    struct pm *pm = task->process->pm;
    char in_proc[PROC_PATH_BYTES] = "";
    uint64_t key = 0;

    mutexGet(&pm->lock);
    struct process *process = process_find(pm, place->pid);

    if (process != NULL && process->state != PROCESS_ZOMBIE) {
        key = place->entry->link == LINK_TOP ? process->root : process->directory;
        if (place->entry->link == LINK_WORKING)
            strlcpy(in_proc, process->proc_directory, sizeof(in_proc));
    }
    mutexRel(&pm->lock);
    return key == 0 ? -ENOENT : leave(way, key, buffer, in_proc, left);
}

/* 0: the file has no name under which OM or /proc could find it. */
static long leave_to_file(struct task *task, const struct proc_place *place,
                          struct call_buffer *buffer, const char *left, struct proc_way *way)
{
    struct pm *pm = task->process->pm;
    struct file *file = file_of(pm, place);

    if (file == NULL)
        return -ENOENT;
    proc_way_end(pm, way);
    way->file = file;
    if (file->operations == &regular_operations || file->operations == &directory_operations ||
        file->operations == &device_operations)
        return leave(way, file->key, buffer, "", left);
    if (file->operations == &proc_directory_operations || file->operations == &proc_file_operations)
        return leave(way, task->process->root, buffer, file->path, left);
    return *left == '\0' ? 0 : -ENOTDIR;
}

/* ---- The walk ---------------------------------------------------------------------------- */

/* Puts a link's text before what is left of the path. */
static long text_insert(struct call_buffer *buffer, const char **left, const char *text)
{
    size_t text_bytes = strlen(text), left_bytes = strlen(*left) + 1;

    if (text_bytes + 1 + left_bytes > sizeof(buffer->rest))
        return -ENAMETOOLONG;
    memmove(buffer->rest + text_bytes + 1, *left, left_bytes);
    memcpy(buffer->rest, text, text_bytes);
    buffer->rest[text_bytes] = '/';
    *left = buffer->rest;
    return 0;
}

/* From a link, which is `place`, in the directory `before`. */
static long step_link(struct task *task, struct call_buffer *buffer, struct proc_way *way,
                      const struct proc_place *before, struct proc_place *place, const char **left)
{
    long result = proc_permission(task, place);

    if (result < 0)
        return result;
    switch (place->entry->link) {
    case LINK_TOP:
    case LINK_WORKING:
        return leave_to_directory(task, place, buffer, *left, way);
    case LINK_PROGRAM:
    case LINK_FILE:
        return leave_to_file(task, place, buffer, *left, way);
    default:
        result = proc_target(task, place, buffer);
        *place = *before;
        return result < 0 ? result : text_insert(buffer, left, buffer->second);
    }
}

static const char *skip_slashes(const char *text)
{
    while (*text == '/')
        text++;
    return text;
}

long proc_walk(struct task *task, struct call_buffer *buffer, bool follow, struct proc_way *way,
               struct proc_place *place)
{
    const char *left = skip_slashes(buffer->rest);
    long result = 0;

    *place = (struct proc_place){.directory = PROC_ROOT};
    while (*left != '\0' && result == 0) {
        const struct proc_place before = *place;
        const char *name = left;
        size_t bytes = 0;

        if (place->entry != NULL && !is_type(place->entry, S_IFDIR))
            return -ENOTDIR;
        while (name[bytes] != '/' && name[bytes] != '\0')
            bytes++;
        bool last = name[bytes] == '\0';

        left = skip_slashes(name + bytes);
        if (bytes == 1 && name[0] == '.')
            continue;
        if (bytes == 2 && name[0] == '.' && name[1] == '.') {
            if (place->entry == NULL)
                return leave(way, task->process->root, buffer, "/", left);
            step_up(place);
            continue;
        }
        result = step_down(task, place, name, bytes);
        if (result == 0 && is_type(place->entry, S_IFLNK) && (!last || follow))
            result = step_link(task, buffer, way, &before, place, &left);
    }
    return result;
}

/* ---- What a place is --------------------------------------------------------------------- */

long proc_permission(struct task *task, const struct proc_place *place)
{
    uint32_t uid = task->process->who.euid;
    struct proc_view view;
    long result;

    if (place->pid == 0)
        return 0;
    result = proc_view(task->process->pm, place->pid, 0, &view);
    if (result < 0 || !place->entry->is_private || uid == 0)
        return result;
    return uid == view.who.uid && uid == view.who.euid && uid == view.who.suid ? 0 : -EACCES;
}

void proc_name(const struct proc_place *place, char *name, size_t name_bytes)
{
    const struct proc_entry *chain[8];
    uint32_t depth = 0;
    size_t used = (size_t)format(name, name_bytes, "%s", PROC_TOP);

    for (const struct proc_entry *entry = place->entry; entry != NULL; entry = entry_of(entry->in))
        chain[depth++] = entry;
    while (depth > 0 && used < name_bytes) {
        const struct proc_entry *entry = chain[--depth];
        int32_t number = entry->in == PROC_ROOT    ? place->pid
                         : entry->in == PROC_TASKS ? place->tid
                                                   : place->fd;

        if (entry->name != NULL)
            used += (size_t)format(name + used, name_bytes - used, "/%s", entry->name);
        else
            used += (size_t)format(name + used, name_bytes - used, "/%d", number);
    }
}

/* ---- What links read as ------------------------------------------------------------------ */

static long directory_text(struct task *task, uint64_t key, struct call_buffer *buffer)
{
    struct process *process = task->process;
    struct idl_client client = om_client(process->pm, buffer);
    const struct om_path_in in = {process->root, key};
    struct om_path_out out = {.path = buffer->second, .path_room = sizeof(buffer->second)};

    return server_result(om_path(&client, &in, &out));
}

/* The name by which a file was opened: what it is called now nobody keeps. */
static long named_text(struct task *task, const struct file *file, struct call_buffer *buffer)
{
    char *text = buffer->second;
    const char *name = file->path;

    if (name[0] == '/') {
        strlcpy(text, name, sizeof(buffer->second));
        return 0;
    }
    while (name[0] == '.' && name[1] == '/')
        name = skip_slashes(name + 1);
    /* The directory may be closed, and its key with it. */
    if (directory_text(task, file->path_directory, buffer) < 0)
        strlcpy(text, "(unreachable)", sizeof(buffer->second));
    else if (strcmp(text, "/") == 0)
        text[0] = '\0';
    strlcat(text, "/", sizeof(buffer->second));
    strlcat(text, name, sizeof(buffer->second));
    return 0;
}

static long file_text(struct task *task, struct file *file, struct call_buffer *buffer)
{
    struct linux_stat stat = {.inode = 0};
    const char *kind = (file->mode & S_IFMT) == S_IFIFO ? "pipe" : "stream";

    if (file->operations == &directory_operations)
        return directory_text(task, file->key, buffer);
    if (file->path != NULL)
        return named_text(task, file, buffer);
    (void)file->operations->stat(task, file, &stat);
    format(buffer->second, sizeof(buffer->second), "%s:[%lu]", kind, (unsigned long)stat.inode);
    return 0;
}

static long outside_text(struct task *task, const struct proc_place *place,
                         struct call_buffer *buffer)
{
    struct pm *pm = task->process->pm;
    struct proc_way way = {.file = NULL};
    bool is_file = place->entry->link == LINK_PROGRAM || place->entry->link == LINK_FILE;
    struct file *file = file_of(pm, place);
    long result = -ENOENT;

    if (file != NULL) {
        result = file_text(task, file, buffer);
        file_drop(pm, file);
    } else if (!is_file) {
        result = leave_to_directory(task, place, buffer, "", &way);
        if (result == PROC_LEAVES && buffer->path[0] != '\0') {
            strlcpy(buffer->second, buffer->path, sizeof(buffer->second));
            result = 0;
        } else if (result == PROC_LEAVES) {
            result = directory_text(task, way.directory, buffer);
        }
    }
    return result;
}

long proc_target(struct task *task, const struct proc_place *place, struct call_buffer *buffer)
{
    int32_t pid = task->process->pid;

    if (!is_type(place->entry, S_IFLNK))
        return -EINVAL;
    switch (place->entry->link) {
    case LINK_TEXT:
        strlcpy(buffer->second, place->entry->target, sizeof(buffer->second));
        return 0;
    case LINK_SELF:
        format(buffer->second, sizeof(buffer->second), "%d", pid);
        return 0;
    case LINK_SELF_TASK:
        format(buffer->second, sizeof(buffer->second), "%d/task/%d", pid, task->tid);
        return 0;
    default:
        return outside_text(task, place, buffer);
    }
}
