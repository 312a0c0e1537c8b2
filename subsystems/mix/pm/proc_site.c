/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of /proc about the site. What is not kept reads as 0, and a comment says so. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "subsystems/mix/pm/proc_tree.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_TICK UINT64_C(10000000)
#define NS_PER_HUNDREDTH UINT64_C(10000000)

void proc_site_mounts(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct idl_client client = om_client(pm, NULL);
    char *room = proc_room(text, OM_MOUNTS_OUT_TEXT_MAX);
    struct om_mounts_out out = {.text = room, .text_room = OM_MOUNTS_OUT_TEXT_MAX};

    (void)view;
    if (room != NULL && server_result(om_mounts(&client, &out)) == 0)
        text->used_bytes += out.text_bytes;
}

static unsigned long kib(const KnSiteStat *stat, uint64_t frames)
{
    return (unsigned long)(frames * stat->ssPageBytes / 1024);
}

static void put_kib(struct proc_text *text, const char *name, unsigned long value)
{
    proc_put(text, "%-16s%8lu kB\n", name, value);
}

/* Pages of files count as Cached, modified or not; there are no others, and there is no swap. Free
 * memory and these are what a program can get. */
void proc_site_memory(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    KnSiteStat stat;

    (void)pm;
    (void)view;
    if (siteStat(&stat) != K_OK)
        return;
    put_kib(text, "MemTotal:", kib(&stat, stat.ssFramesTotal));
    put_kib(text, "MemFree:", kib(&stat, stat.ssFramesFree));
    put_kib(text, "MemAvailable:", kib(&stat, (uint64_t)stat.ssFramesFree + stat.ssFramesCached));
    put_kib(text, "Buffers:", 0);
    put_kib(text, "Cached:", kib(&stat, stat.ssFramesCached));
    put_kib(text, "SwapCached:", 0);
    put_kib(text, "SwapTotal:", 0);
    put_kib(text, "SwapFree:", 0);
    put_kib(text, "Shmem:", 0); /* not told apart from other memory */
    put_kib(text, "Slab:", kib(&stat, stat.ssFramesPools));
    put_kib(text, "SReclaimable:", 0); /* pools stay at their peak */
    put_kib(text, "SUnreclaim:", kib(&stat, stat.ssFramesPools));
}

/* Tasks that could run, the caller among them. */
static uint32_t running(struct pm *pm)
{
    struct process *process;
    uint32_t count = 0;

    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        KnCap actor = process->actor;
        KnThreadStat stat;

        if (process->state != PROCESS_RUNNING)
            continue;
        for (uint32_t i = 0; i < process->task_count && threadStat(&actor, i, &stat) == K_OK; i++)
            count += stat.tsState == 0;
    }
    mutexRel(&pm->lock);
    return count;
}

/* The Nucleus knows time that a thread used, and time that nobody used: all of the first counts as
 * user time, that of system calls too. */
void proc_site_stat(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    uint64_t now_ns = pm_now_ns(), universal_ns = 0;
    KnSiteStat stat;

    (void)view;
    (void)univTime(&universal_ns);
    if (siteStat(&stat) != K_OK)
        return;
    unsigned long idle = stat.ssIdleNs / NS_PER_TICK;
    unsigned long busy = (now_ns - MIN(now_ns, stat.ssIdleNs)) / NS_PER_TICK;

    proc_put(text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
    proc_put(text, "cpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
    proc_put(text, "intr %lu\nctxt %lu\n", (unsigned long)stat.ssInterrupts,
             (unsigned long)stat.ssSwitches);
    proc_put(text, "btime %lu\n",
             (unsigned long)((universal_ns - MIN(universal_ns, now_ns)) / NS_PER_S));
    proc_put(text, "processes %u\n", pm->processes.created);
    /* No task is told to wait for a disk: that is a wait like any other. */
    proc_put(text, "procs_running %u\nprocs_blocked 0\n", running(pm));
}

static void put_seconds(struct proc_text *text, uint64_t time_ns, const char *end)
{
    proc_put(text, "%lu.%02lu%s", (unsigned long)(time_ns / NS_PER_S),
             (unsigned long)(time_ns % NS_PER_S / NS_PER_HUNDREDTH), end);
}

void proc_site_uptime(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    KnSiteStat stat = {.ssIdleNs = 0};

    (void)pm;
    (void)view;
    (void)siteStat(&stat);
    put_seconds(text, pm_now_ns(), " ");
    put_seconds(text, stat.ssIdleNs, "\n");
}

static uint32_t tasks_count(struct pm *pm)
{
    struct process *process;
    uint32_t count = 0;

    mutexGet(&pm->lock);
    LIST_FOR_EACH(process, &pm->processes.all, in_all) {
        count += process->task_count;
    }
    mutexRel(&pm->lock);
    return count;
}

/* Averages are not kept: nobody samples the queue. */
void proc_site_load(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    proc_put(text, "0.00 0.00 0.00 %u/%u %d\n", running(pm), tasks_count(pm),
             pm->processes.last_pid);
}

void proc_site_version(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    proc_put(text, "%s version %s %s\n", pm->names.system, pm->names.release, pm->names.version);
}

/* What OM can mount. */
void proc_site_filesystems(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    (void)view;
    proc_put(text, "nodev\tproc\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\ttmpfs\n\text2\n");
}

/* The Nucleus is started without a command line. */
void proc_site_arguments(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    (void)view;
    proc_put(text, "\n");
}

void proc_site_host(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    mutexGet(&pm->lock);
    struct linux_utsname names = pm->names;

    mutexRel(&pm->lock);
    proc_put(text, "%s\n", names.node);
}

void proc_site_type(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    proc_put(text, "%s\n", pm->names.system);
}

void proc_site_release(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    proc_put(text, "%s\n", pm->names.release);
}

void proc_site_build(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)view;
    proc_put(text, "%s\n", pm->names.version);
}

void proc_site_pid_max(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    (void)pm;
    (void)view;
    proc_put(text, "%d\n", PID_MAX + 1); /* Linux tells the first that is never given */
}
