/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a process is: pids, groups, sessions, user and group identifiers, limits, names. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

long sys_getpid(struct task *task)
{
    return task->process->pid;
}

long sys_gettid(struct task *task)
{
    return task->tid;
}

long sys_getppid(struct task *task)
{
    struct process *process = task->process;

    mutexGet(&process->pm->lock);
    long pid = process->parent->pid;

    mutexRel(&process->pm->lock);
    return pid;
}

long sys_set_tid_address(struct task *task, VmAddr word)
{
    task->clear_tid = word;
    return task->tid;
}

/* ---- Groups and sessions ----------------------------------------------------------------- */

/* The process a call names, 0 being the caller; pm->lock is held. */
static struct process *named(struct task *task, int32_t pid)
{
    struct process *process = task->process;

    return pid == 0 ? process : process_find(process->pm, pid);
}

long sys_getpgid(struct task *task, int32_t pid)
{
    struct pm *pm = task->process->pm;

    mutexGet(&pm->lock);
    struct process *process = named(task, pid);
    long result = process == NULL ? -ESRCH : process->group;

    mutexRel(&pm->lock);
    return result;
}

long sys_getpgrp(struct task *task)
{
    return task->process->group;
}

long sys_getsid(struct task *task, int32_t pid)
{
    struct pm *pm = task->process->pm;

    mutexGet(&pm->lock);
    struct process *process = named(task, pid);
    long result = process == NULL ? -ESRCH : process->session;

    mutexRel(&pm->lock);
    return result;
}

static bool group_in_session(struct pm *pm, int32_t group, int32_t session)
{
    struct process *process;

    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        if (process->group == group && process->session == session)
            return true;
    }
    return false;
}

static long group_set(struct task *task, int32_t pid, int32_t group)
{
    struct process *self = task->process;
    struct process *process = named(task, pid);

    if (group < 0)
        return -EINVAL;
    if (process == NULL || (process != self && process->parent != self))
        return -ESRCH;
    if (process->session != self->session || process->session == process->pid)
        return -EPERM;
    if (group == 0)
        group = process->pid;
    if (group != process->pid && !group_in_session(self->pm, group, self->session))
        return -EPERM;
    process->group = group;
    return 0;
}

long sys_setpgid(struct task *task, int32_t pid, int32_t group)
{
    struct pm *pm = task->process->pm;

    mutexGet(&pm->lock);
    long result = group_set(task, pid, group);

    mutexRel(&pm->lock);
    return result;
}

long sys_setsid(struct task *task)
{
    struct process *self = task->process;
    struct process *process;
    long result = self->pid;

    mutexGet(&self->pm->lock);
    LIST_FOR_EACH(process, &self->pm->processes.all, in_all) {
        if (process->group == self->pid)
            result = -EPERM;
    }
    if (result >= 0)
        self->session = self->group = self->pid;
    mutexRel(&self->pm->lock);
    return result;
}

/* ---- Users and groups -------------------------------------------------------------------- */

#define UNCHANGED UINT32_MAX

long sys_getuid(struct task *task)
{
    return task->process->who.uid;
}

long sys_geteuid(struct task *task)
{
    return task->process->who.euid;
}

long sys_getgid(struct task *task)
{
    return task->process->who.gid;
}

long sys_getegid(struct task *task)
{
    return task->process->who.egid;
}

/* Three identifiers of a kind: the superuser sets what it likes, others choose among those they
 * have. */
static long set_three(struct task *task, uint32_t *real, uint32_t *effective, uint32_t *saved,
                      uint32_t *of_files, const uint32_t wanted[3])
{
    const uint32_t have[3] = {*real, *effective, *saved};
    uint32_t *const to[3] = {real, effective, saved};

    for (int i = 0; i < 3 && task->process->who.euid != 0; i++) {
        if (wanted[i] != UNCHANGED && wanted[i] != have[0] && wanted[i] != have[1] &&
            wanted[i] != have[2])
            return -EPERM;
    }
    for (int i = 0; i < 3; i++) {
        if (wanted[i] != UNCHANGED)
            *to[i] = wanted[i];
    }
    *of_files = *effective;
    return 0;
}

long sys_setresuid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct credentials *who = &task->process->who;

    return set_three(task, &who->uid, &who->euid, &who->suid, &who->fsuid,
                     (const uint32_t[3]){real, effective, saved});
}

long sys_setresgid(struct task *task, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct credentials *who = &task->process->who;

    return set_three(task, &who->gid, &who->egid, &who->sgid, &who->fsgid,
                     (const uint32_t[3]){real, effective, saved});
}

long sys_setuid(struct task *task, uint32_t uid)
{
    bool super = task->process->who.euid == 0;

    return sys_setresuid(task, super ? uid : UNCHANGED, uid, super ? uid : UNCHANGED);
}

long sys_setgid(struct task *task, uint32_t gid)
{
    bool super = task->process->who.euid == 0;

    return sys_setresgid(task, super ? gid : UNCHANGED, gid, super ? gid : UNCHANGED);
}

/* Two identifiers of a kind, as BSD had them: the saved one follows the effective one where the
 * real one was set, or the effective one to what was not the real one. */
static long set_two(const struct task *task, uint32_t real, uint32_t effective,
                    const uint32_t have[2], uint32_t *saved)
{
    if (task->process->who.euid != 0 && real != UNCHANGED && real != have[0] && real != have[1])
        return -EPERM;
    *saved = UNCHANGED;
    if (real != UNCHANGED || (effective != UNCHANGED && effective != have[0]))
        *saved = effective != UNCHANGED ? effective : have[1];
    return 0;
}

long sys_setreuid(struct task *task, uint32_t real, uint32_t effective)
{
    const struct credentials *who = &task->process->who;
    uint32_t saved;
    long result = set_two(task, real, effective, (const uint32_t[2]){who->uid, who->euid}, &saved);

    return result < 0 ? result : sys_setresuid(task, real, effective, saved);
}

long sys_setregid(struct task *task, uint32_t real, uint32_t effective)
{
    const struct credentials *who = &task->process->who;
    uint32_t saved;
    long result = set_two(task, real, effective, (const uint32_t[2]){who->gid, who->egid}, &saved);

    return result < 0 ? result : sys_setresgid(task, real, effective, saved);
}

/* What accesses to files go by, until the effective identifier changes. Tells the one before,
 * whether or not it was changed. */
static long set_of_files(const struct task *task, uint32_t *of_files, uint32_t wanted,
                         const uint32_t have[3])
{
    uint32_t before = *of_files;

    if (wanted != UNCHANGED && (task->process->who.euid == 0 || wanted == have[0] ||
                                wanted == have[1] || wanted == have[2]))
        *of_files = wanted;
    return before;
}

long sys_setfsuid(struct task *task, uint32_t uid)
{
    struct credentials *who = &task->process->who;

    return set_of_files(task, &who->fsuid, uid,
                        (const uint32_t[3]){who->uid, who->euid, who->suid});
}

long sys_setfsgid(struct task *task, uint32_t gid)
{
    struct credentials *who = &task->process->who;

    return set_of_files(task, &who->fsgid, gid,
                        (const uint32_t[3]){who->gid, who->egid, who->sgid});
}

static long write_three(VmAddr first, VmAddr second, VmAddr third, const uint32_t value[3])
{
    const VmAddr to[3] = {first, second, third};

    for (int i = 0; i < 3; i++) {
        if (user_write(to[i], &value[i], sizeof(value[i])) < 0)
            return -EFAULT;
    }
    return 0;
}

long sys_getresuid(struct task *task, VmAddr real, VmAddr effective, VmAddr saved)
{
    const struct credentials *who = &task->process->who;

    return write_three(real, effective, saved, (const uint32_t[3]){who->uid, who->euid, who->suid});
}

long sys_getresgid(struct task *task, VmAddr real, VmAddr effective, VmAddr saved)
{
    const struct credentials *who = &task->process->who;

    return write_three(real, effective, saved, (const uint32_t[3]){who->gid, who->egid, who->sgid});
}

long sys_getgroups(struct task *task, int32_t count, VmAddr groups)
{
    const struct credentials *who = &task->process->who;
    long result;

    if (count == 0)
        return who->group_count;
    if (count < (int32_t)who->group_count)
        return -EINVAL;
    result = user_write(groups, who->groups, who->group_count * sizeof(who->groups[0]));
    return result < 0 ? result : (long)who->group_count;
}

long sys_setgroups(struct task *task, uint32_t count, VmAddr groups)
{
    struct credentials *who = &task->process->who;
    uint32_t wanted[GROUPS_MAX];
    long result;

    if (who->euid != 0)
        return -EPERM;
    if (count > GROUPS_MAX)
        return -EINVAL;
    result = user_read(wanted, groups, count * sizeof(wanted[0]));
    if (result < 0)
        return result;
    memcpy(who->groups, wanted, count * sizeof(wanted[0]));
    who->group_count = count;
    return 0;
}

long sys_umask(struct task *task, uint32_t mask)
{
    struct process *process = task->process;
    uint32_t old = process->umask;

    process->umask = mask & 0777;
    return old;
}

/* ---- Capabilities ------------------------------------------------------------------------ */

/* What MiX enforces is the superuser's: who is 0 may all, and whose real or saved identifier is 0
 * may become it. */

#define CAPABILITY_VERSION_1 0x19980330u
#define CAPABILITY_VERSION_2 0x20071026u
#define CAPABILITY_VERSION_3 0x20080522u
#define CAPABILITY_LAST 40u /* of version 3, as of Linux 6.1 */
#define CAPABILITIES_ALL ((UINT64_C(1) << (CAPABILITY_LAST + 1)) - 1)

struct capability_header {
    uint32_t version;
    int32_t pid;
};

/* Low words, then high words. */
struct capability_words {
    uint32_t effective, permitted, inheritable;
};

static void capabilities_of(const struct credentials *who, struct capability_words words[2])
{
    bool may_become = who->uid == 0 || who->euid == 0 || who->suid == 0;
    uint64_t effective = who->euid == 0 ? CAPABILITIES_ALL : 0;
    uint64_t permitted = may_become ? CAPABILITIES_ALL : 0;

    for (int i = 0; i < 2; i++)
        words[i] = (struct capability_words){(uint32_t)(effective >> 32 * i),
                                             (uint32_t)(permitted >> 32 * i), 0};
}

/* How many words the caller's version has; what version is meant is told where it is none. */
static long capability_begin(VmAddr at, struct capability_header *header, size_t *words)
{
    const uint32_t preferred = CAPABILITY_VERSION_3;

    if (user_read(header, at, sizeof(*header)) < 0)
        return -EFAULT;
    *words = header->version == CAPABILITY_VERSION_1 ? 1 : 2;
    if (header->version == CAPABILITY_VERSION_1 || header->version == CAPABILITY_VERSION_2 ||
        header->version == CAPABILITY_VERSION_3)
        return 0;
    return user_write(at, &preferred, sizeof(preferred)) < 0 ? -EFAULT : -EINVAL;
}

long sys_capget(struct task *task, VmAddr header, VmAddr data)
{
    struct pm *pm = task->process->pm;
    struct capability_header wanted;
    struct capability_words words[2];
    size_t count;
    long result = capability_begin(header, &wanted, &count);

    if (data == 0)
        return result == -EINVAL ? 0 : result;
    if (result == 0 && wanted.pid < 0)
        result = -EINVAL;
    if (result < 0)
        return result;
    mutexGet(&pm->lock);
    const struct process *process = named(task, wanted.pid);

    if (process != NULL)
        capabilities_of(&process->who, words);
    mutexRel(&pm->lock);
    return process == NULL ? -ESRCH : user_write(data, words, count * sizeof(words[0]));
}

/* They cannot be changed one by one: what is there may be set, nothing more and nothing less. */
long sys_capset(struct task *task, VmAddr header, VmAddr data)
{
    struct process *process = task->process;
    struct capability_header wanted;
    struct capability_words present[2], words[2] = {{0, 0, 0}, {0, 0, 0}};
    size_t count;
    long result = capability_begin(header, &wanted, &count);

    if (result < 0)
        return result;
    if (wanted.pid != 0 && wanted.pid != process->pid)
        return -EPERM;
    if (user_read(words, data, count * sizeof(words[0])) < 0)
        return -EFAULT;
    capabilities_of(&process->who, present);
    return memcmp(words, present, count * sizeof(words[0])) == 0 ? 0 : -EPERM;
}

/* ---- Limits and usage -------------------------------------------------------------------- */

long sys_prlimit64(struct task *task, int32_t pid, uint32_t resource, VmAddr new, VmAddr old)
{
    struct process *process = task->process;
    struct linux_rlimit wanted, present;

    if (resource >= RLIMIT_COUNT)
        return -EINVAL;
    if (pid != 0 && pid != process->pid)
        return -ESRCH;
    present = process->limits[resource];
    if (new != 0) {
        if (user_read(&wanted, new, sizeof(wanted)) < 0)
            return -EFAULT;
        if (wanted.current > wanted.most)
            return -EINVAL;
        if (wanted.most > present.most && process->who.euid != 0)
            return -EPERM;
        process->limits[resource] = wanted;
        if (resource == RLIMIT_CPU)
            pm_clock_kick(process->pm);
    }
    return old == 0 ? 0 : user_write(old, &present, sizeof(present));
}

long sys_getrlimit(struct task *task, uint32_t resource, VmAddr limit)
{
    return sys_prlimit64(task, 0, resource, 0, limit);
}

long sys_setrlimit(struct task *task, uint32_t resource, VmAddr limit)
{
    return limit == 0 ? -EFAULT : sys_prlimit64(task, 0, resource, limit, 0);
}

long sys_getrusage(struct task *task, int32_t who, VmAddr usage)
{
    struct process *process = task->process;
    uint64_t used_ns = who == -1 ? process->children_used_ns : process_used_ns(process);
    struct linux_rusage result = {
        .user = {(int64_t)(used_ns / 1000000000), (int64_t)(used_ns / 1000 % 1000000)}};

    if (who != 0 && who != -1 && who != 1)
        return -EINVAL;
    return user_write(usage, &result, sizeof(result));
}

#define TICK_NS 10000000

long sys_times(struct task *task, VmAddr times)
{
    struct process *process = task->process;
    struct linux_tms result = {.user = (int64_t)(process_used_ns(process) / TICK_NS),
                               .children_user = (int64_t)(process->children_used_ns / TICK_NS)};

    if (times != 0 && user_write(times, &result, sizeof(result)) < 0)
        return -EFAULT;
    return (long)(pm_now_ns() / TICK_NS);
}

/* ---- Controls ---------------------------------------------------------------------------- */

/* Once set it stays: what runs from then on gets no rights that its caller has not. */
static long no_new_privileges(struct process *process, bool set, uintptr_t second,
                              const uintptr_t rest[3])
{
    if (second != set || (rest[0] | rest[1] | rest[2]) != 0)
        return -EINVAL;
    process->no_new_privileges |= set;
    return process->no_new_privileges && !set;
}

long sys_prctl(struct task *task, uint32_t option, uintptr_t second, uintptr_t third,
               uintptr_t fourth, uintptr_t fifth)
{
    const uintptr_t rest[3] = {third, fourth, fifth};
    struct process *process = task->process;
    char name[COMMAND_BYTES] = {0};
    long result;

    switch (option) {
    case PR_SET_NAME:
        result = user_string(name, second, sizeof(name));
        if (result == -ENAMETOOLONG)
            name[sizeof(name) - 1] = '\0';
        else if (result < 0)
            return result;
        memcpy(process->command, name, sizeof(name));
        return 0;
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
        return no_new_privileges(process, option == PR_SET_NO_NEW_PRIVS, second, rest);
    case PR_GET_NAME:
        return user_write(second, process->command, sizeof(process->command));
    default:
        return -EINVAL;
    }
}
