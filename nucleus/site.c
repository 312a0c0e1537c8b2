/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site's start, and the calls about the site: from the boot record to the first actor, which the
 * archive file "boot" names.
 */
#include "nucleus/site.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/cpio.h"
#include "kit/string.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "machine/frames.h"
#include "machine/image.h"
#include "machine/interrupt.h"
#include "machine/system.h"
#include "nucleus/calls.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

#define FIRST_PROGRAM "boot"
#define LOG_PIECE 256

void vm_init(struct vm *vm, const struct boot_record *record)
{
    frames_init(&vm->frames, record);
    caches_init(&vm->caches);
    contexts_init(&vm->contexts);
    pager_init(&vm->pager);
    for (size_t i = 0; i < SYNC_BUCKETS; i++)
        wait_queue_init(&vm->sync[i]);
}

bool archive_find(const char *name, const void **data, size_t *bytes)
{
    const struct boot_range *archive = &site_self()->boot.archive;
    struct cpio cpio;
    struct cpio_entry entry;

    if (archive->bytes == 0)
        return false;
    cpio_open(&cpio, physical_to_address(archive->base), (size_t)archive->bytes);
    if (cpio_find(&cpio, name, &entry) != 1)
        return false;
    *data = entry.data;
    *bytes = entry.data_bytes;
    return true;
}

/* The idle thread is the boot stack; it is in no actor and no queue. */
static void idle_adopt(struct site *site)
{
    static const KnSchedParms lowest = {K_SCHED_FIFO, K_PRIO_MIN};
    struct thread *idle = slab_allocate(&site->actors.threads);

    if (idle == NULL)
        panic("no memory for the idle thread");
    thread_executive_init(idle, &lowest);
    list_init(&idle->in_actor);
    wait_queue_init(&idle->rpc_end);
    idle->state = THREAD_READY;
    idle->resumed_ns = clock_now_ns();
    context_adopt(idle);
    site->cpu.idle = site->cpu.current = idle;
}

static void start_first_actor(void)
{
    static const KnSchedParms sched = {K_SCHED_FIFO, 64};
    KnStartInfo start = {0};
    struct thread *thread;
    const void *image;
    size_t image_bytes;

    if (!archive_find(FIRST_PROGRAM, &image, &image_bytes))
        panic("the system archive has no program '%s'", FIRST_PROGRAM);
    struct actor *actor = actor_create(K_SUPACTOR);

    if (actor == NULL)
        panic("no memory for the first actor");
    strlcpy(actor->name, FIRST_PROGRAM, sizeof(actor->name));
    KnResult status = image_load(actor, image, image_bytes, &start);

    if (status == K_OK)
        status = thread_create(actor, &sched, &start, &thread);
    if (status != K_OK)
        panic("the first actor cannot be started: error %ld", status);
    thread_activate(thread);
}

void site_start(const struct boot_record *record)
{
    struct site *site = site_self();

    site->boot = *record;
    site->cpu.site = site;
    executive_init(&site->executive);
    site->number = record->site != 0 ? record->site : (uint32_t)machine_random() | 1;
    site->epoch = (uint32_t)machine_random();
    ui_table_init(&site->executive.names, site->number, site->epoch);
    supervisor_init(&site->supervisor);
    vm_init(&site->vm, record);
    actors_init(&site->actors);
    ipc_init(&site->ipc);
    idle_adopt(site);
    site_log("Chorus site %u: %u of %u KiB free\n", site->number,
             (unsigned)(site->vm.frames.free_count * (PAGE_BYTES / 1024)),
             (unsigned)(site->vm.frames.total * (PAGE_BYTES / 1024)));
    start_first_actor();
    site->cpu.reschedule = true;
    for (;;) {
        executive_preempt();
        nucleus_reap();
        if (!site->cpu.reschedule)
            interrupt_wait();
    }
}

/* ---- Calls ------------------------------------------------------------------------------- */

uint64_t universal_now_ns(void)
{
    return clock_now_ns() + site_self()->executive.universal_offset_ns;
}

KnResult call_sysTime(struct thread *self, VmAddr time)
{
    uint64_t now_ns = clock_now_ns();

    (void)self;
    return copy_out(time, &now_ns, sizeof(now_ns));
}

KnResult call_univTime(struct thread *self, VmAddr time)
{
    uint64_t now_ns = universal_now_ns();

    (void)self;
    return copy_out(time, &now_ns, sizeof(now_ns));
}

KnResult call_univTimeSet(struct thread *self, VmAddr time)
{
    uint64_t now_ns;
    KnResult status = copy_in(&now_ns, time, sizeof(now_ns));

    (void)self;
    if (status != K_OK)
        return status;
    if (now_ns > INT64_MAX)
        return K_EINVAL;
    site_self()->executive.universal_offset_ns = now_ns - clock_now_ns();
    return K_OK;
}

KnResult call_svBootInfo(struct thread *self, VmAddr info)
{
    struct site *site = site_self();
    KnBootInfo result = {
        .biArchive = site->boot.archive.base,
        .biArchiveBytes = site->boot.archive.bytes,
        .biSite = site->number,
        .biEpoch = site->epoch,
        .biStartNs = site->boot.start_ns,
    };

    (void)self;
    strlcpy(result.biCommandLine, site->boot.command_line, sizeof(result.biCommandLine));
    return copy_out(info, &result, sizeof(result));
}

KnResult call_svShutdown(struct thread *self, int32_t status)
{
    (void)self;
    machine_end(status);
}

KnResult call_sysLog(struct thread *self, VmAddr text, uint32_t bytes)
{
    char piece[LOG_PIECE];
    KnResult status;

    (void)self;
    if (bytes > sizeof(piece))
        return K_ETOOMUCH;
    status = copy_in(piece, text, bytes);
    if (status == K_OK)
        machine_log(piece, bytes);
    return status;
}

KnResult call_siteStat(struct thread *self, VmAddr stat)
{
    struct site *site = site_self();
    struct vm *vm = &site->vm;
    KnSiteStat result = {
        .ssPageBytes = (uint32_t)PAGE_BYTES,
        .ssFramesTotal = vm->frames.total,
        .ssFramesFree = vm->frames.free_count,
        .ssFramesCached = vm->frames.cached_count,
        .ssFramesPools = vm->frames.slab_count,
        .ssActors = site->actors.count,
        .ssThreads = site->actors.thread_count,
        .ssPorts = (uint32_t)pool_used(&site->ipc.ports.pool),
        .ssMessages = (uint32_t)(pool_used(&site->ipc.messages.pool) +
                                 pool_used(&site->ipc.reserved_messages.pool)),
        .ssRegions = (uint32_t)pool_used(&vm->contexts.regions.pool),
        .ssCaches = (uint32_t)pool_used(&vm->caches.pool.pool),
        .ssTimers = site->executive.timers.count,
        .ssSwitches = site->executive.switches,
        .ssCalls = site->calls,
        .ssFaults = vm->faults,
        .ssInterrupts = site->supervisor.interrupts,
        .ssIdleNs = site->cpu.idle->used_ns,
        .ssStrayErrors = site->stray_errors,
    };

    (void)self;
    return copy_out(stat, &result, sizeof(result));
}

#define WORK_SLICE_NS UINT64_C(100000)
#define WORK_MAX_NS UINT64_C(10000000000)

/* Busy in slices, so that interrupts and better threads come in between, as in code of the
 * actor's own. */
KnResult call_actorWork(struct thread *self, uint64_t work_ns)
{
    if (work_ns > WORK_MAX_NS)
        return K_EINVAL;
    while (self->call_progress < work_ns) {
        uint64_t slice_ns = MIN(WORK_SLICE_NS, work_ns - self->call_progress);

        machine_work(slice_ns);
        self->call_progress += slice_ns;
        if (self->call_progress < work_ns)
            return STATUS_AGAIN;
    }
    return K_OK;
}

KnResult call_svTrace(struct thread *self, uint32_t index, VmAddr entry)
{
    const struct trace *trace = &site_self()->trace;

    (void)self;
    if (index >= TRACE_ENTRIES || index >= trace->next)
        return K_EEND;
    return copy_out(entry, &trace->entry[(trace->next - 1 - index) % TRACE_ENTRIES],
                    sizeof(KnTraceEntry));
}

KnResult call_svCallInfo(struct thread *self, uint32_t number, VmAddr info)
{
    KnCallInfo result = {.ciName = ""};

    (void)self;
    if (number >= K_CALL_LIMIT)
        return K_EEND;
    if (call_names[number] != NULL) {
        strlcpy(result.ciName, call_names[number], sizeof(result.ciName));
        result.ciErrors = call_table[number].errors;
        if (call_table[number].least != K_USERACTOR)
            result.ciErrors |= CALL_ERROR(K_EPRIV);
        result.ciGiven = site_self()->errors_given[number];
    }
    return copy_out(info, &result, sizeof(result));
}

KnResult call_svFailMemory(struct thread *self, uint64_t nth, VmAddr left)
{
    struct frames *frames = &site_self()->vm.frames;
    KnResult status = left == 0 ? K_OK : copy_out(left, &frames->fail_at, sizeof(frames->fail_at));

    (void)self;
    if (status == K_OK)
        frames->fail_at = nth;
    return status;
}
