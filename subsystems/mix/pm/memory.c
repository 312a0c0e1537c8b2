/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brk and the mmap family over regions. A private mapping of a file is a deferred copy of its
 * segment, a shared one the segment itself; anonymous memory is temporary memory, shared or copied
 * by fork as asked.
 */
#include "subsystems/mix/pm/memory.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define SPARED 8u /* one part in so many of memory is not for further processes */

static VmFlags rights_of(uint32_t protection)
{
    VmFlags rights = 0;

    if ((protection & PROT_ALL) == 0)
        return K_NOACCESS;
    if ((protection & PROT_READ) != 0)
        rights |= K_READABLE;
    if ((protection & PROT_WRITE) != 0)
        rights |= K_WRITABLE;
    if ((protection & PROT_EXEC) != 0)
        rights |= K_EXECUTABLE | K_READABLE;
    return rights;
}

/* ---- Regions in a range ------------------------------------------------------------------ */

bool memory_next(struct memory_walk *walk)
{
    KnRgnStat *stat = &walk->stat;

    if (walk->at >= walk->end)
        return false;
    if (rgnNext(&walk->process->actor, walk->at, stat) != K_OK || stat->rsStart >= walk->end) {
        walk->gap = true;
        return false;
    }
    walk->gap |= stat->rsStart > walk->at;
    walk->start = MAX(walk->at, stat->rsStart);
    walk->limit = MIN(walk->end, stat->rsStart + stat->rsSize);
    walk->at = walk->limit;
    ASSERT(walk->start < walk->limit);
    return true;
}

size_t memory_writable(struct process *process, VmAddr address, size_t bytes)
{
    struct memory_walk walk = {.process = process, .at = address, .end = address + bytes};
    VmAddr limit = address;

    if (!is_user_range(address, bytes))
        return bytes;
    while (memory_next(&walk) && !walk.gap && (walk.stat.rsOptions & K_WRITABLE) != 0)
        limit = walk.limit;
    return limit - address;
}

KnRgnDesc memory_like(const KnRgnStat *model, VmAddr start, VmSize bytes)
{
    return (KnRgnDesc){.startAddr = start,
                       .size = bytes,
                       .options = (model->rsOptions & ~K_NODEMAND) | K_FILLZERO,
                       .opaque1 = model->rsOpaque1,
                       .opaque2 = model->rsOpaque2};
}

/* Addresses that may not be used get memory behind them all the same: they may be made accessible
 * later, which the Nucleus' own reservations cannot. */
static KnResult allocate(struct process *process, KnRgnDesc *region)
{
    KnResult status;
    KnRgnDesc protect;

    if ((region->options & K_NOACCESS) == 0)
        return rgnAllocate(&process->actor, region);
    region->options = (region->options & ~K_NOACCESS) | K_READABLE;
    status = rgnAllocate(&process->actor, region);
    if (status != K_OK)
        return status;
    protect = (KnRgnDesc){region->startAddr, region->size, K_NOACCESS, 0, NULL, 0};
    return rgnSetProtect(&process->actor, &protect);
}

KnResult memory_make(struct process *process, KnRgnDesc *region, const KnRgnStat *model, VmAddr at)
{
    KnObjDesc object = {model->rsSegment, model->rsOffset + (at - model->rsStart), region->size};
    KnObjDesc origin = {model->rsOrigin, model->rsOriginOffset + (at - model->rsStart),
                        region->size};

    ASSERT(at >= model->rsStart);
    if (model->rsSegment.key != 0)
        return rgnMap(&process->actor, region, &object);
    if (model->rsOpaque2 != MEMORY_COPY)
        return allocate(process, region);
    return rgnInit(&process->actor, region, &origin);
}

/* ---- brk --------------------------------------------------------------------------------- */

long sys_brk(struct task *task, VmAddr end)
{
    struct process *process = task->process;
    VmAddr old_top = ALIGN_UP(process->heap_end, PAGE_BYTES);
    VmAddr new_top = ALIGN_UP(end, PAGE_BYTES);

    if (end < process->heap_start || !is_user_range(end, PAGE_BYTES))
        return (long)process->heap_end;
    if (new_top > old_top) {
        KnRgnDesc region = {.startAddr = old_top,
                            .size = new_top - old_top,
                            .options = K_READABLE | K_WRITABLE | K_FILLZERO | K_INHERITCOPY};

        if (memory_room(new_top - old_top) < 0 ||
            !memory_within_limits(process, new_top - old_top, true) ||
            rgnAllocate(&process->actor, &region) != K_OK)
            return (long)process->heap_end;
    } else if (new_top < old_top) {
        KnRgnDesc region = {.startAddr = new_top, .size = old_top - new_top};

        if (rgnFree(&process->actor, &region) != K_OK)
            return (long)process->heap_end;
    }
    process->heap_end = end;
    return (long)end;
}

/* ---- mmap -------------------------------------------------------------------------------- */

bool memory_within_limits(struct process *process, size_t bytes, bool is_data)
{
    uint64_t most = process->limits[RLIMIT_AS].current;
    uint64_t most_data = is_data ? process->limits[RLIMIT_DATA].current : RLIM_INFINITY;
    struct memory_walk walk = {.process = process, .end = MEMORY_TOP};
    uint64_t all = bytes, data = bytes;

    if (most == RLIM_INFINITY && most_data == RLIM_INFINITY)
        return true;
    while (memory_next(&walk)) {
        all += walk.limit - walk.start;
        if ((walk.stat.rsOptions & (K_WRITABLE | K_INHERITCOPY)) == (K_WRITABLE | K_INHERITCOPY))
            data += walk.limit - walk.start;
    }
    return all <= most && data <= most_data;
}

/* Memory that can never be had is refused at once, as a hint to the program; the rest when it is
 * touched. */
long memory_room(size_t bytes)
{
    KnSiteStat stat;

    if (siteStat(&stat) != K_OK)
        return 0;
    return bytes / stat.ssPageBytes > stat.ssFramesTotal ? -ENOMEM : 0;
}

bool memory_is_short(void)
{
    KnSiteStat stat;

    return siteStat(&stat) == K_OK &&
           stat.ssFramesFree + stat.ssFramesCached < stat.ssFramesTotal / SPARED;
}

void memory_place(KnRgnDesc *region, VmAddr address, uint32_t flags)
{
    if ((flags & MAP_FIXED) != 0) {
        region->startAddr = address;
        region->options |= K_OVERMAP;
    } else if ((flags & MAP_FIXED_NOREPLACE) != 0) {
        region->startAddr = address;
    } else {
        region->options |= K_ANYWHERE | K_RESTRICTIVE;
        region->startAddr = MEMORY_MAP_BASE;
        region->endAddr = MEMORY_MAP_TOP;
    }
}

static long result_of_map(KnResult status, const KnRgnDesc *region)
{
    if (status == K_OK)
        return (long)region->startAddr;
    if (status == K_EOVERLAP)
        return -EEXIST;
    return status == K_EINVAL ? -ENOMEM : errno_of(status);
}

static long map_anonymous(struct process *process, KnRgnDesc *region, uint32_t flags)
{
    bool is_promise = (region->options & K_NOACCESS) != 0 || (flags & MAP_NORESERVE) != 0;
    long room = is_promise ? 0 : memory_room(region->size);

    if (room < 0)
        return room;
    region->options |= (flags & MAP_TYPE) == MAP_PRIVATE ? K_INHERITCOPY : K_INHERITSHARE;
    return result_of_map(allocate(process, region), region);
}

KnResult memory_map_private(struct process *process, KnRgnDesc *region, KnObjDesc *object)
{
    if ((region->options & K_WRITABLE) != 0) {
        region->options |= K_INHERITCOPY;
        region->opaque2 = MEMORY_COPY;
        return rgnInit(&process->actor, region, object);
    }
    region->options |= K_INHERITSHARE;
    region->opaque2 = MEMORY_PRIVATE;
    return rgnMap(&process->actor, region, object);
}

static long map_file(struct process *process, KnRgnDesc *region, uint32_t flags, struct file *file,
                     uint64_t offset)
{
    KnObjDesc object = {file->segment, offset, region->size};
    uint32_t access = file->flags & O_ACCMODE;
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

    if (access == O_WRONLY || (shared && access != O_RDWR && (region->options & K_WRITABLE) != 0))
        return -EACCES;
    if (file->operations == &device_operations && device_is_zero(file))
        return map_anonymous(process, region, flags);
    if (file->operations != &regular_operations)
        return -ENODEV;
    if (offset > (uint64_t)INT64_MAX - region->size)
        return -EOVERFLOW;
    if (!shared)
        return result_of_map(memory_map_private(process, region, &object), region);
    region->options |= K_INHERITSHARE;
    region->opaque2 = access == O_RDWR ? 0 : MEMORY_READ_ONLY;
    return result_of_map(rgnMap(&process->actor, region, &object), region);
}

long sys_mmap(struct task *task, VmAddr address, size_t bytes, uint32_t protection, uint32_t flags,
              int32_t fd, uint64_t offset)
{
    struct process *process = task->process;
    uint32_t type = flags & MAP_TYPE;
    KnRgnDesc region = {.options = rights_of(protection) | K_FILLZERO};
    long result;

    if (bytes == 0 || (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE) ||
        !IS_ALIGNED(offset, PAGE_BYTES))
        return -EINVAL;
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 && !IS_ALIGNED(address, PAGE_BYTES))
        return -EINVAL;
    if (!is_user_range(address, bytes))
        return -ENOMEM;
    region.size = ALIGN_UP(bytes, PAGE_BYTES);
    if (!memory_within_limits(process, region.size,
                              type == MAP_PRIVATE && (protection & PROT_WRITE) != 0))
        return -ENOMEM;
    memory_place(&region, address, flags);
    if ((flags & MAP_ANONYMOUS) != 0)
        return map_anonymous(process, &region, flags);
    struct file *file = descriptor_get(process, fd);

    if (file == NULL)
        return -EBADF;
    result = map_file(process, &region, flags, file, offset);
    file_drop(process->pm, file);
    return result;
}

long sys_munmap(struct task *task, VmAddr address, size_t bytes)
{
    KnRgnDesc region = {.startAddr = address, .size = bytes};

    if (!IS_ALIGNED(address, PAGE_BYTES) || bytes == 0 || !is_user_range(address, bytes))
        return -EINVAL;
    return rgnFree(&task->process->actor, &region) == K_OK ? 0 : -ENOMEM;
}

/* What may not be written stays so; a private mapping that was the segment itself becomes a
 * deferred copy before it can be written. */
static long protect(struct process *process, const struct memory_walk *walk, uint32_t protection)
{
    const KnRgnStat *stat = &walk->stat;
    VmSize bytes = walk->limit - walk->start;
    KnRgnDesc rights = {.startAddr = walk->start, .size = bytes, .options = rights_of(protection)};

    if ((protection & PROT_WRITE) != 0 && stat->rsOpaque2 == MEMORY_READ_ONLY)
        return -EACCES;
    if ((protection & PROT_WRITE) != 0 && stat->rsOpaque2 == MEMORY_PRIVATE) {
        KnRgnDesc copy = {walk->start, bytes, rights.options | K_OVERMAP | K_FILLZERO, 0, NULL, 0};
        KnObjDesc object = {stat->rsSegment, stat->rsOffset + (walk->start - stat->rsStart), bytes};

        return memory_map_private(process, &copy, &object) == K_OK ? 0 : -ENOMEM;
    }
    return rgnSetProtect(&process->actor, &rights) == K_OK ? 0 : -ENOMEM;
}

/* Region by region up to the first that does not allow it, as in Linux. */
long sys_mprotect(struct task *task, VmAddr address, size_t bytes, uint32_t protection)
{
    struct process *process = task->process;
    struct memory_walk walk = {.process = process, .at = address};
    long result = 0;

    if (!IS_ALIGNED(address, PAGE_BYTES) || (protection & ~(PROT_ALL | PROT_GROWSDOWN)) != 0)
        return -EINVAL;
    if (!is_user_range(address, bytes))
        return -ENOMEM;
    walk.end = address + ALIGN_UP(bytes, PAGE_BYTES);
    while (result == 0 && memory_next(&walk) && !walk.gap)
        result = protect(process, &walk, protection);
    return result == 0 && walk.gap ? -ENOMEM : result;
}

static long synchronize(const struct memory_walk *walk)
{
    const KnRgnStat *stat = &walk->stat;
    KnObjDesc object = {stat->rsSegment, stat->rsOffset + (walk->start - stat->rsStart),
                        walk->limit - walk->start};
    KnResult status = stat->rsSegment.key == 0 ? K_OK : sgFlush(&object, K_FLUSH_WRITABLE);

    return status < 0 ? errno_of(status) : 0;
}

long sys_msync(struct task *task, VmAddr address, size_t bytes, uint32_t flags)
{
    struct memory_walk walk = {.process = task->process, .at = address};
    long result = 0;

    if (!IS_ALIGNED(address, PAGE_BYTES) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (!is_user_range(address, bytes))
        return -ENOMEM;
    walk.end = address + ALIGN_UP(bytes, PAGE_BYTES);
    while (result == 0 && memory_next(&walk)) {
        if ((flags & MS_SYNC) != 0)
            result = synchronize(&walk);
    }
    return result == 0 && walk.gap ? -ENOMEM : result;
}

/* ---- madvise ----------------------------------------------------------------------------- */

/* Mere hints are taken and have no effect; what would change what a program sees is refused where
 * it is not done. */
static bool is_hint(uint32_t advice)
{
    return advice <= MADV_WILLNEED || advice == MADV_MERGEABLE || advice == MADV_UNMERGEABLE ||
           advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE || advice == MADV_DONTDUMP ||
           advice == MADV_DODUMP || advice == MADV_COLD || advice == MADV_PAGEOUT;
}

/* Private memory reads as zero, or as the file, again. What is shared, or was never modified, is as
 * it was; a copy stays so too if its file was removed and closed. */
static long forget(struct process *process, const struct memory_walk *walk)
{
    const KnRgnStat *stat = &walk->stat;
    KnRgnDesc region = memory_like(stat, walk->start, walk->limit - walk->start);

    region.options |= K_OVERMAP;
    if ((stat->rsOptions & K_INHERITCOPY) == 0 ||
        (stat->rsOpaque2 == MEMORY_COPY && stat->rsOrigin.key == 0))
        return 0;
    return memory_make(process, &region, stat, walk->start) == K_OK ? 0 : -ENOMEM;
}

long sys_madvise(struct task *task, VmAddr address, size_t bytes, uint32_t advice)
{
    struct process *process = task->process;
    struct memory_walk walk = {.process = process, .at = address};
    bool forgets = advice == MADV_DONTNEED || advice == MADV_FREE;
    long result = 0;

    if (!IS_ALIGNED(address, PAGE_BYTES) || !is_user_range(address, bytes) ||
        (!forgets && !is_hint(advice)))
        return -EINVAL;
    walk.end = address + ALIGN_UP(bytes, PAGE_BYTES);
    while (result == 0 && memory_next(&walk)) {
        if (forgets)
            result = forget(process, &walk);
    }
    return result == 0 && walk.gap ? -ENOMEM : result;
}
