/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of /proc share: its tree, the snapshot of a process that texts are made from, and
 * a text that grows.
 *
 * I1 A process may end at any time, so nobody keeps a pointer to one: a view is copied under
 *    pm->lock, and what it names by capability or key may be gone when it is used.
 */
#ifndef PM_PROC_TREE_H
#define PM_PROC_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "subsystems/mix/pm/pm.h"

struct proc_way;

/* ---- Texts ------------------------------------------------------------------------------- */

/* I: used <= room. `failed`: memory was short, and the text is not whole. */
struct proc_text {
    struct heap *heap;
    char *bytes;
    size_t room_bytes;
    size_t used_bytes;
    bool failed;
};

void proc_put(struct proc_text *text, const char *form, ...) __attribute__((format(printf, 2, 3)));

/* Room for `bytes` more, to be filled by the caller, who then adds to used_bytes; NULL: no
 * memory. */
char *proc_room(struct proc_text *text, size_t bytes);

/* ---- Processes --------------------------------------------------------------------------- */

struct proc_view {
    int32_t pid, parent, group, session;
    int32_t tid; /* the task that is asked about; of a process: its first */
    KnThreadLid lid;
    bool is_task; /* times and state are those of the task alone */
    enum process_state state;
    KnCap actor; /* none: init, which is PM, or a process that has ended */
    uint32_t task_count, descriptor_count;
    uint32_t umask;
    int32_t nice;
    struct credentials who;
    VmAddr heap_start, heap_end;
    struct program_layout layout;
    uint64_t memory_limit_bytes;
    char command[COMMAND_BYTES];
    uint64_t pending, shared_pending, blocked, ignored, caught; /* signals */
    int32_t exit_signal;
    uint32_t status;
    uint64_t started_ns, used_ns, children_used_ns;
};

/* A snapshot; `tid` 0: of the whole process. ENOENT. */
long proc_view(struct pm *pm, int32_t pid, int32_t tid, struct proc_view *view);

/* ---- The tree ---------------------------------------------------------------------------- */

enum proc_directory {
    PROC_ROOT,
    PROC_SYS,
    PROC_SYS_KERNEL,
    PROC_PROCESS,
    PROC_TASKS,
    PROC_TASK,
    PROC_FILES
};

enum proc_link {
    LINK_TEXT, /* to another name in /proc, always the same */
    LINK_SELF,
    LINK_SELF_TASK,
    /* these lead out of /proc */
    LINK_TOP,
    LINK_WORKING,
    LINK_PROGRAM,
    LINK_FILE
};

typedef void proc_make(struct proc_text *text, struct pm *pm, const struct proc_view *view);

/* One name of one directory. Where `name` is NULL, every number that is in use stands for it. */
struct proc_entry {
    enum proc_directory in;
    const char *name;
    uint32_t mode;             /* type and permissions, of st_mode */
    enum proc_directory leads; /* of a directory: which it is */
    proc_make *make;           /* of a file */
    enum proc_link link;       /* of a link: where it leads */
    const char *target;        /* of LINK_TEXT */
    bool is_private;           /* only for its user and the superuser */
};

extern const struct proc_entry proc_entries[];
extern const uint32_t proc_entry_count;

/* Something in the tree. */
struct proc_place {
    const struct proc_entry *entry; /* NULL: /proc itself */
    enum proc_directory directory;  /* of a directory: which; of others: where it stands */
    int32_t pid, tid, fd;           /* as far as the path named them */
};

/* Follows `rest` of the buffer as far as it stays in /proc, or to where it leaves (PROC_LEAVES).
 * `follow`: also a link that is last; one to an open file that has no name, such as a pipe, is the
 * place itself even then. */
long proc_walk(struct task *task, struct call_buffer *buffer, bool follow, struct proc_way *way,
               struct proc_place *place);

/* Whether the caller may look into a place: 0, EACCES or ENOENT. */
long proc_permission(struct task *task, const struct proc_place *place);

/* The absolute name of a place. */
void proc_name(const struct proc_place *place, char *name, size_t name_bytes);

/* The lowest number at or above `from` that is a name in the directory; -1: none. */
int32_t proc_number(struct pm *pm, const struct proc_place *place, int32_t from);

/* The file that descriptor `fd` of a process names, or its program's; held. NULL: there is none. */
struct file *proc_file(struct pm *pm, int32_t pid, int32_t fd);
struct file *proc_program(struct pm *pm, int32_t pid);

/* What a link reads as, into the buffer's `second`. */
long proc_target(struct task *task, const struct proc_place *place, struct call_buffer *buffer);

/* ---- Makers ------------------------------------------------------------------------------ */

/* proc_process.c */
proc_make proc_stat_text, proc_status_text, proc_statm_text, proc_maps_text, proc_command_text,
    proc_arguments_text, proc_environment_text;

/* proc_site.c; the view is not looked at */
proc_make proc_site_mounts, proc_site_memory, proc_site_stat, proc_site_uptime, proc_site_load,
    proc_site_version, proc_site_filesystems, proc_site_arguments, proc_site_host, proc_site_type,
    proc_site_release, proc_site_build, proc_site_pid_max;

/* x86_64/cpuinfo.c */
proc_make proc_site_processors;

#endif
