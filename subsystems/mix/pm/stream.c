/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes of streams are one message each: the body is the program's own buffer, copied by
 * the Nucleus between it and STM. A signal ends a wait by aborting the call, and STM undoes what it
 * had begun.
 */
#include "subsystems/mix/pm/stream.h"

#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define MOST_BYTES 65536u
#define TTY_MAJOR 4
#define CONSOLE_MAJOR 5
#define CONSOLE_NAME "/dev/console"
#define TTY_CURRENT UINT32_MAX /* /dev/tty: the session's own */

static uint32_t waits(const struct file *file)
{
    return (file->flags & O_NONBLOCK) == 0;
}

static long stream_read(struct task *task, struct file *file, VmAddr to, size_t bytes,
                        uint64_t *offset)
{
    struct idl_client client = stm_client(task->process->pm);
    size_t room = memory_writable(task->process, to, MIN(bytes, MOST_BYTES));
    const struct stm_read_in in = {file->key, (uint32_t)room, waits(file), stm_who(task)};
    struct stm_read_out out = {.data = (void *)to, .data_room = in.count};
    long result;

    (void)offset;
    /* What STM has sent is no more there to be read, also if it cannot be put down. */
    if (room == 0 && bytes > 0)
        return -EFAULT;
    if (signal_is_pending(task))
        return MIX_RESTART;
    result = server_result(stm_read(&client, &in, &out));
    return result < 0 ? result : (long)out.data_bytes;
}

static long stream_write(struct task *task, struct file *file, VmAddr from, size_t bytes,
                         uint64_t *offset)
{
    struct idl_client client = stm_client(task->process->pm);
    size_t done = 0;

    (void)offset;
    do {
        const struct stm_write_in in = {.key = file->key,
                                        .wait = waits(file),
                                        .who = stm_who(task),
                                        .data = (const void *)(from + done),
                                        .data_bytes = (uint32_t)MIN(bytes - done, MOST_BYTES)};
        struct stm_write_out out = {0};
        long result =
            signal_is_pending(task) ? MIX_RESTART : server_result(stm_write(&client, &in, &out));

        if (result == -EPIPE && done == 0)
            signal_raise(task->process, SIGPIPE);
        if (result < 0)
            return done > 0 ? (long)done : result;
        done += out.count;
        if (out.count < in.data_bytes)
            break;
    } while (done < bytes);
    return (long)done;
}

/* What has a name is what stands behind it, as for stat; a pipe is STM's alone. */
static long stream_stat(struct task *task, struct file *file, struct linux_stat *stat)
{
    struct idl_client client = stm_client(task->process->pm);
    const struct stm_stat_in in = {file->key};
    struct stm_stat_out out;
    long result;

    if (file->node != 0)
        return path_stat_file(task, file, stat);
    result = server_result(stm_stat(&client, &in, &out));
    if (result == 0)
        *stat = (struct linux_stat){.inode = out.inode,
                                    .links = 1,
                                    .mode = out.mode,
                                    .rdev = out.rdev,
                                    .block_bytes = 4096};
    return result;
}

/* How much a request's structure is, in and out; what is not known goes without any. */
static uint32_t ioctl_bytes(uint32_t request, bool *in)
{
    *in = false;
    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        *in = true;
        return sizeof(struct linux_termios);
    case TCGETS:
        return sizeof(struct linux_termios);
    case TIOCSWINSZ:
        *in = true;
        return sizeof(struct linux_winsize);
    case TIOCGWINSZ:
        return sizeof(struct linux_winsize);
    case TIOCSPGRP:
        *in = true;
        return sizeof(uint32_t);
    case TIOCGPGRP:
    case TIOCGSID:
    case TIOCOUTQ:
    case FIONREAD:
        return sizeof(uint32_t);
    default:
        return 0;
    }
}

/* 0: a group of the caller's session. EPERM: of another, or only a process; ESRCH: neither. */
static long group_find(const struct process *self, int32_t group)
{
    struct pm *pm = self->pm;
    struct process *process;
    long result = -ESRCH;

    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->group == group && process->session == self->session)
            result = 0;
        else if (result != 0 && (process->group == group || process->pid == group))
            result = -EPERM;
    }
    mutexRel(&pm->lock);
    return result;
}

/* Whether a group may come into the foreground. What is wrong with the terminal, which STM
 * knows, is told before what is wrong with the group. */
static long group_check(struct task *task, struct file *file, int32_t group)
{
    struct idl_client client = stm_client(task->process->pm);
    const struct stm_ioctl_in in = {.key = file->key, .request = TIOCGPGRP, .who = stm_who(task)};
    uint8_t output[4];
    struct stm_ioctl_out out = {.output = output, .output_room = sizeof(output)};
    long may = group <= 0 ? 0 : group_find(task->process, group);
    long result = may == 0 ? 0 : server_result(stm_ioctl(&client, &in, &out));

    return result < 0 ? result : may;
}

static long stream_ioctl(struct task *task, struct file *file, uint32_t request, uintptr_t value)
{
    struct idl_client client = stm_client(task->process->pm);
    uint8_t input[64] = {0}, output[256];
    bool is_input;
    uint32_t bytes = ioctl_bytes(request, &is_input);
    struct stm_ioctl_in in = {.key = file->key,
                              .request = request,
                              .who = stm_who(task),
                              .value = value};
    struct stm_ioctl_out out = {.output = output, .output_room = sizeof(output)};
    long result;

    if (is_input) {
        if (user_read(input, value, bytes) < 0)
            return -EFAULT;
        result = request == TIOCSPGRP ? group_check(task, file, (int32_t)le32_load(input)) : 0;
        if (result < 0)
            return result;
        in.input = input;
        in.input_bytes = bytes;
    }
    result = server_result(stm_ioctl(&client, &in, &out));
    if (result < 0 || is_input || bytes == 0)
        return result;
    return user_write(value, output, MIN(bytes, out.output_bytes));
}

void stream_session_end(const struct process *leader)
{
    struct idl_client client = stm_client(leader->pm);
    const struct stm_session_end_in in = {(uint32_t)leader->session};

    client.flags = 0;
    (void)stm_session_end(&client, &in);
}

static void stream_close(struct pm *pm, struct file *file)
{
    struct idl_client client = stm_client(pm);
    const struct stm_close_in in = {file->key};

    client.flags = 0; /* what is closed is closed, whatever comes */
    (void)stm_close(&client, &in);
    if (file->node != 0)
        path_close_node(pm, file->node);
}

const struct file_operations stream_operations = {
    .read = stream_read,
    .write = stream_write,
    .stat = stream_stat,
    .ioctl = stream_ioctl,
    .close = stream_close,
    .pollable = true,
};

/* ---- Opening ----------------------------------------------------------------------------- */

static long tty_open(struct task *task, struct file *file)
{
    struct idl_client client = stm_client(task->process->pm);
    uint32_t major = (uint32_t)(file->rdev >> 8) & 0xfff, minor = (uint32_t)file->rdev & 0xff;
    struct stm_tty_in in = {.index = minor, .who = stm_who(task), .flags = file->flags};
    struct stm_tty_out out;
    long result;

    if (major == CONSOLE_MAJOR && minor == 0)
        in.index = TTY_CURRENT;
    else if (major == CONSOLE_MAJOR && minor == 1)
        in.index = 0;
    else if (major != TTY_MAJOR)
        return -ENXIO;
    result = server_result(stm_tty(&client, &in, &out));
    if (result == 0)
        file->key = out.key;
    return result;
}

long stream_open(struct task *task, struct file *file, uint64_t device, uint64_t inode)
{
    static const uint32_t modes[] = {[O_RDONLY] = 1, [O_WRONLY] = 2, [O_RDWR] = 3};
    struct idl_client client = stm_client(task->process->pm);
    uint32_t access = file->flags & O_ACCMODE;
    struct stm_fifo_out out;
    long result;

    if ((file->mode & S_IFMT) != S_IFIFO)
        return tty_open(task, file);
    if (access > O_RDWR)
        return -EINVAL;
    const struct stm_fifo_in in = {device, inode, modes[access], waits(file)};

    result = server_result(stm_fifo(&client, &in, &out));
    if (result == 0)
        file->key = out.key;
    return result;
}

/* The launcher's terminal is the console, and has its name where the root has one. */
static void name_console(struct task *task, struct file *file)
{
    struct pm *pm = task->process->pm;
    struct idl_client client = om_client(pm, NULL);
    struct file *named;

    if (path_open_text(task, CONSOLE_NAME, O_PATH, &named) < 0)
        return;
    const struct om_hold_in hold = {named->key};

    if (om_hold(&client, &hold) == K_OK) {
        file->node = named->key;
        file->rdev = named->rdev;
        file->device = named->device;
        file->inode = named->inode;
        file->path = heap_copy(&pm->heap, CONSOLE_NAME, sizeof(CONSOLE_NAME));
    }
    file_drop(pm, named);
}

long stream_open_standard(struct task *task, uint32_t which, struct file **file)
{
    struct pm *pm = task->process->pm;
    struct idl_client client = stm_client(pm);
    const struct stm_stream_in in = {which};
    struct stm_stream_out out;
    long result = server_result(stm_stream(&client, &in, &out));

    if (result < 0)
        return result;
    *file = file_create(pm, &stream_operations, which == STM_STDIN ? O_RDONLY : O_WRONLY);
    if (*file == NULL)
        return -ENOMEM;
    (*file)->key = out.key;
    (*file)->mode = S_IFCHR;
    if (out.is_tty == 0)
        return 0;
    (*file)->flags = O_RDWR;
    name_console(task, *file);
    /* As login does: the launcher's terminal is that of the first program's session. */
    return stream_ioctl(task, *file, TIOCSCTTY, 0);
}

long sys_pipe2(struct task *task, VmAddr fds, uint32_t flags)
{
    struct process *process = task->process;
    struct idl_client client = stm_client(process->pm);
    struct stm_pipe_out out;
    int32_t fd[2] = {-1, -1};
    long result;

    if ((flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0)
        return -EINVAL;
    result = server_result(stm_pipe(&client, &out));
    if (result < 0)
        return result;
    for (int end = 0; end < 2; end++) {
        struct file *file = file_create(process->pm, &stream_operations,
                                        (end == 0 ? O_RDONLY : O_WRONLY) | (flags & O_NONBLOCK));
        const struct stm_close_in undo = {end == 0 ? out.read_key : out.write_key};

        if (file == NULL) {
            (void)stm_close(&client, &undo);
            result = -ENOMEM;
            continue;
        }
        file->key = undo.key;
        file->mode = S_IFIFO;
        long put = descriptor_put(process, file, 0, (flags & O_CLOEXEC) != 0);

        if (put < 0) {
            file_drop(process->pm, file);
            result = put;
        } else {
            fd[end] = (int32_t)put;
        }
    }
    if (result == 0)
        result = user_write(fds, fd, sizeof(fd));
    for (int end = 0; end < 2 && result < 0; end++)
        (void)descriptor_close(process, fd[end]);
    return result;
}

long sys_pipe(struct task *task, VmAddr fds)
{
    return sys_pipe2(task, fds, 0);
}
