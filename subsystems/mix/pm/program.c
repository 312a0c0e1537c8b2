/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of the domain: the process that the launcher asked for, from its making to the end
 * that it is for the site.
 */
#include "subsystems/mix/pm/program.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "subsystems/mix/pm/exec.h"
#include "subsystems/mix/pm/launch.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/stream.h"
#include "subsystems/mix/pm/syscall.h"
#include "subsystems/mix/pm/user.h"

#define STATUS_NOT_FOUND 127u
#define STATUS_NOT_EXECUTABLE 126u
#define STATUS_NO_DOMAIN 125u

/* Who is asked to end has so long for it: the launcher's patience is for the disks. */
#define HALT_LOOK_NS 10000000
#define HALT_LOOKS 200u

/* The disks are marked clean, whatever is still open, and the machine ends. The program's end
 * and the launcher's wish may meet here: the second waits for the first. */
static void site_end(struct pm *pm)
{
    struct idl_client client = om_client(pm, NULL);
    struct om_root_out root;

    mutexGet(&pm->end);
    if (om_root(&client, &root) == K_OK) {
        const struct om_umount_in in = {root.key, root.key, .path = "/"};

        (void)om_umount(&client, &in);
    }
    (void)svShutdown(0);
}

/* The disks end behind the streams: whoever still runs has nobody to complain to. */
static void finish(struct pm *pm, uint32_t status, uint32_t code, const char *failure)
{
    struct idl_client client = stm_client(pm), om = om_client(pm, NULL);
    const struct stm_finish_in in = {.status = status, .failure = failure, .code = code};

    client.flags = 0;
    (void)om_sync(&om);
    (void)stm_finish(&client, &in);
    site_end(pm);
}

void pm_program_ended(struct pm *pm, uint32_t status)
{
    uint32_t signal = status & 0x7f;

    finish(pm, signal != 0 ? 128 + signal : status >> 8 & 0xff, 0, "");
}

/* Signals all processes, and waits a while for their ends. false: there is none. */
static bool end_processes(struct pm *pm, int32_t signal)
{
    const struct linux_siginfo info = {.signal = signal, .code = SI_KERNEL};
    const struct linux_siginfo go_on = {.signal = SIGCONT, .code = SI_KERNEL};
    struct process *process;

    signal_lock(pm, 0);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        (void)signal_post(process, NULL, &info);
        (void)signal_post(process, NULL, &go_on);
    }
    mutexRel(&pm->lock);
    for (uint32_t i = 0; i < HALT_LOOKS && pm->processes.count > 1; i++)
        (void)threadDelay(HALT_LOOK_NS);
    return pm->processes.count > 1;
}

void program_halt(struct pm *pm)
{
    struct idl_client om = om_client(pm, NULL);

    if (end_processes(pm, SIGTERM))
        (void)end_processes(pm, SIGKILL);
    (void)om_sync(&om);
    site_end(pm);
}

/* ---- The new process --------------------------------------------------------------------- */

static long actor_make(struct process *process)
{
    KnResult status = actorCreate(K_MYACTOR, &process->actor, K_USERACTOR, K_ACTIVE);

    if (status == K_OK)
        status = svActorCalls(&process->actor, 0);
    if (status == K_OK)
        status = svTrapConnect(&process->actor, syscall_trap, process);
    if (status == K_OK)
        status = svExcHandler(&process->actor, syscall_exception, process);
    if (status == K_OK)
        status = svAbortHandler(&process->actor, syscall_abort, process);
    return status == K_OK ? 0 : errno_of(status);
}

static long streams_open(struct task *task, const struct launch *launch)
{
    struct process *process = task->process;

    for (uint32_t which = STM_STDIN; which <= STM_STDERR; which++) {
        struct file *file;
        long result;

        if (which == STM_STDERR && launch->same_output) {
            file = descriptor_get(process, (int32_t)STM_STDOUT);
            result = file == NULL ? -EBADF : 0;
        } else {
            result = stream_open_standard(task, which, &file);
        }
        if (result == 0)
            result = descriptor_put(process, file, (int32_t)which, false);
        if (result < 0)
            return result;
    }
    return 0;
}

static long directories_open(struct process *process)
{
    struct idl_client client = om_client(process->pm, NULL);
    struct om_root_out root;
    long result = server_result(om_root(&client, &root));

    if (result < 0)
        return result;
    process->root = process->directory = root.key;
    return servers_hold_directories(process->pm, process);
}

static long directory_enter(struct task *task, const char *text)
{
    struct process *process = task->process;
    struct idl_client client = om_client(process->pm, NULL);
    const struct om_close_in leave = {process->directory};
    struct file *file;
    long result = path_open_text(task, text, O_DIRECTORY | O_PATH, &file);

    if (result < 0)
        return result;
    const struct om_hold_in hold = {file->key};

    result = server_result(om_hold(&client, &hold));
    if (result == 0) {
        (void)om_close(&client, &leave);
        process->directory = file->key;
    }
    file_drop(process->pm, file);
    return result;
}

/* ---- Finding and starting the program ---------------------------------------------------- */

/* Looks along PATH for a name without a slash. The errno of the last try that was not ENOENT
 * counts. */
static long program_find(struct task *task, const struct launch *launch, char *found)
{
    const char *name = launch->texts.bytes, *at = launch->path;
    long worst = -ENOENT;

    if (strchr(name, '/') != NULL) {
        strlcpy(found, name, PATH_MAX);
        return 0;
    }
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, ':');
        size_t bytes = end != NULL ? (size_t)(end - at) : strlen(at);
        struct file *file;

        if (bytes + strlen(name) + 2 < PATH_MAX) {
            format(found, PATH_MAX, "%.*s/%s", (int)bytes, at, name);
            long result = path_open_program(task, found, 0, &file);

            if (result == 0) {
                file_drop(task->process->pm, file);
                return 0;
            }
            if (result != -ENOENT && result != -ENOTDIR)
                worst = result;
        }
        at = end == NULL ? NULL : end + 1;
    }
    return worst;
}

/* In the new process' own thread, whose registers are `context`. `*culprit`: what an error is
 * about. */
static long program_start(struct task *task, KnThreadCtx *context, struct launch *launch,
                          const char **culprit)
{
    struct process *process = task->process;
    struct heap *heap = &process->pm->heap;
    struct idl_client client = stm_client(process->pm);
    char *path = heap_allocate(heap, PATH_MAX);
    long result = path == NULL ? -ENOMEM : streams_open(task, launch);

    *culprit = launch->directory;
    if (result == 0)
        result = directory_enter(task, launch->directory);
    if (result == 0)
        *culprit = launch->texts.bytes;
    if (result == 0)
        result = program_find(task, launch, path);
    if (result == 0)
        result = exec_program(task, context, path, 0, &launch->texts);
    heap_free(heap, path, PATH_MAX);
    if (result == 0)
        (void)stm_started(&client);
    return result;
}

static void report_failure(struct pm *pm, const char *culprit, long result)
{
    bool found = result != -ENOENT && result != -ENOTDIR;
    uint32_t status = found ? STATUS_NOT_EXECUTABLE : STATUS_NOT_FOUND;
    char line[200];

    (void)log_print("pm: %s: error %ld\n", culprit, -result);
    format(line, sizeof(line), "%s: %s", culprit, found ? "cannot be executed" : "not found");
    finish(pm, status, status, line);
}

void program_begin(struct task *task, KnThreadCtx *context)
{
    struct pm *pm = task->process->pm;
    struct launch *launch = task->launch;
    const char *culprit = launch->texts.bytes;
    long result;

    task->launch = NULL;
    result = program_start(task, context, launch, &culprit);
    if (result < 0 && !task_is_ending(task))
        report_failure(pm, culprit, result);
    heap_free(&pm->heap, launch->record, launch->record_bytes);
    heap_free(&pm->heap, launch->texts.bytes, launch->texts.room_bytes);
    heap_free(&pm->heap, launch, sizeof(*launch));
}

/* The process, with a thread that has nowhere to begin: its first instruction faults, and the
 * fault brings it to program_begin, in its own space and name. */
static long process_make(struct pm *pm, struct launch *launch)
{
    struct process *first = pm->processes.first;
    struct process *process;
    struct task *task;
    KnStartInfo start = {.dsEntry = PROGRAM_NO_ENTRY, .dsPrivilege = K_USERTHREAD};
    long result = directories_open(first);

    if (result < 0)
        return result;
    process = process_create(pm, first);
    task = process == NULL ? NULL : task_create(process);
    if (task == NULL)
        return -ENOMEM;
    process->umask = launch->umask;
    process->group = process->session = process->pid;
    process->exit_signal = SIGCHLD;
    task->launch = launch;
    start.dsSoftRegister = (uintptr_t)task;
    result = actor_make(process);
    if (result < 0)
        return result;
    pm->program = process;
    return threadCreate(&process->actor, &task->lid, K_ACTIVE, NULL, &start) < 0 ? -ENOMEM : 0;
}

void program_launch(struct pm *pm)
{
    struct launch *launch = heap_allocate(&pm->heap, sizeof(*launch));
    long result = launch == NULL ? -ENOMEM : launch_read(pm, launch);

    if (result < 0)
        finish(pm, STATUS_NO_DOMAIN, STATUS_NO_DOMAIN, "the launch record cannot be followed");
    else if (process_make(pm, launch) < 0)
        finish(pm, STATUS_NO_DOMAIN, STATUS_NO_DOMAIN, "the first process cannot be made");
}
