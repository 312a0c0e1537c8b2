/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls about the site: its names, what it is, its end. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

const struct linux_utsname pm_names = {
    .system = "Linux", /* programs compare it: MiX' UNIX interface is Linux' */
    .node = "chorus",
    .release = "6.1.0-chorus",
    .version = "Chorus/MiX",
    .machine = "x86_64",
    .domain = "(none)",
};

long sys_uname(struct task *task, VmAddr name)
{
    struct pm *pm = task->process->pm;
    struct linux_utsname copy;

    mutexGet(&pm->lock);
    copy = pm->names;
    mutexRel(&pm->lock);
    return user_write(name, &copy, sizeof(copy));
}

static long name_set(struct task *task, char to[UTSNAME_BYTES], VmAddr from, int64_t bytes)
{
    struct pm *pm = task->process->pm;
    char wanted[UTSNAME_BYTES] = {0};

    if (task->process->who.euid != 0)
        return -EPERM;
    if (bytes < 0 || bytes >= UTSNAME_BYTES)
        return -EINVAL;
    if (user_read(wanted, from, (size_t)bytes) < 0)
        return -EFAULT;
    mutexGet(&pm->lock);
    memcpy(to, wanted, sizeof(wanted));
    mutexRel(&pm->lock);
    return 0;
}

long sys_sethostname(struct task *task, VmAddr name, int64_t bytes)
{
    return name_set(task, task->process->pm->names.node, name, bytes);
}

long sys_setdomainname(struct task *task, VmAddr name, int64_t bytes)
{
    return name_set(task, task->process->pm->names.domain, name, bytes);
}

long sys_sysinfo(struct task *task, VmAddr info)
{
    KnSiteStat stat;
    struct linux_sysinfo result = {.uptime_s = (int64_t)(pm_now_ns() / 1000000000), .unit = 1};

    if (siteStat(&stat) != K_OK)
        return -EFAULT;
    result.total = (uint64_t)stat.ssFramesTotal * stat.ssPageBytes;
    result.free = (uint64_t)stat.ssFramesFree * stat.ssPageBytes;
    result.processes = (uint16_t)task->process->pm->processes.count;
    return user_write(info, &result, sizeof(result));
}

/* Programs of Linux are all that runs here: the persona is 0 and stays so. */
long sys_personality(struct task *task, uint32_t persona)
{
    (void)task;
    return persona == UINT32_MAX || persona == 0 ? 0 : -EINVAL;
}

long sys_getrandom(struct task *task, VmAddr buffer, size_t bytes, uint32_t flags)
{
    uint8_t piece[256];
    size_t done = 0;

    if ((flags & ~3u) != 0)
        return -EINVAL;
    while (done < bytes) {
        size_t now = MIN(bytes - done, sizeof(piece));

        pm_random(task->process->pm, piece, now);
        if (user_write(buffer + done, piece, now) < 0)
            return done > 0 ? (long)done : -EFAULT;
        done += now;
    }
    return (long)done;
}

long sys_reboot(struct task *task, uint32_t magic, uint32_t magic2, uint32_t command)
{
    (void)command;
    if (task->process->who.euid != 0)
        return -EPERM;
    if (magic != 0xfee1dead || magic2 != 672274793)
        return -EINVAL;
    pm_program_ended(task->process->pm, 0);
    return 0;
}
