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

#define PAGE_BYTES ((VmSize)4096)
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

        if (memory_room(new_top - old_top) < 0 || rgnAllocate(&process->actor, &region) != K_OK)
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

static void place(KnRgnDesc *region, VmAddr address, uint32_t flags)
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
    long room = (region->options & K_NOACCESS) != 0 ? 0 : memory_room(region->size);

    if (room < 0)
        return room;
    region->options |= (flags & MAP_TYPE) == MAP_PRIVATE ? K_INHERITCOPY : K_INHERITSHARE;
    /* Reserved addresses get memory behind them now: they may be made accessible later. */
    if ((region->options & K_NOACCESS) != 0) {
        KnResult status;
        KnRgnDesc protect;

        region->options = (region->options & ~K_NOACCESS) | K_READABLE;
        status = rgnAllocate(&process->actor, region);
        protect = (KnRgnDesc){region->startAddr, region->size, K_NOACCESS, 0, NULL, 0};
        if (status == K_OK)
            status = rgnSetProtect(&process->actor, &protect);
        return result_of_map(status, region);
    }
    return result_of_map(rgnAllocate(&process->actor, region), region);
}

KnResult memory_map_private(struct process *process, KnRgnDesc *region, KnObjDesc *object)
{
    if ((region->options & K_WRITABLE) != 0) {
        region->options |= K_INHERITCOPY;
        return rgnInit(&process->actor, region, object);
    }
    region->options |= K_INHERITSHARE;
    region->opaque2 = MEMORY_PRIVATE;
    return rgnMap(&process->actor, region, object);
}

/* Makes deferred copies of the private mappings in a range that were the segment itself so far. */
static KnResult make_copies(struct process *process, VmAddr address, VmAddr end)
{
    KnRgnStat stat;
    KnResult status = K_OK;

    while (status == K_OK && address < end && rgnStat(&process->actor, address, &stat) == K_OK) {
        VmAddr limit = MIN(end, stat.rsStart + stat.rsSize);

        if (stat.rsOpaque2 == MEMORY_PRIVATE) {
            KnRgnDesc region = {
                address, limit - address, K_WRITABLE | K_OVERMAP | K_FILLZERO, 0, NULL, 0};
            KnObjDesc object = {stat.rsSegment, stat.rsOffset + (address - stat.rsStart),
                                limit - address};

            status = memory_map_private(process, &region, &object);
        }
        address = limit;
    }
    return status;
}

static long map_file(struct process *process, KnRgnDesc *region, uint32_t flags, struct file *file,
                     uint64_t offset)
{
    KnObjDesc object = {file->segment, offset, region->size};
    uint32_t access = file->flags & O_ACCMODE;
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

    if (file->operations == &device_operations && device_is_zero(file))
        return map_anonymous(process, region, flags);
    if (file->operations != &regular_operations)
        return -ENODEV;
    if (access == O_WRONLY || (shared && access != O_RDWR && (region->options & K_WRITABLE) != 0))
        return -EACCES;
    if (!shared)
        return result_of_map(memory_map_private(process, region, &object), region);
    region->options |= K_INHERITSHARE;
    return result_of_map(rgnMap(&process->actor, region, &object), region);
}

long sys_mmap(struct task *task, VmAddr address, size_t bytes, uint32_t protection, uint32_t flags,
              int32_t fd, uint64_t offset)
{
    struct process *process = task->process;
    uint32_t type = flags & MAP_TYPE;
    KnRgnDesc region = {.size = bytes, .options = rights_of(protection) | K_FILLZERO};
    long result;

    if (bytes == 0 || (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE) ||
        !IS_ALIGNED(offset, PAGE_BYTES))
        return -EINVAL;
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 && !IS_ALIGNED(address, PAGE_BYTES))
        return -EINVAL;
    if (!is_user_range(address, bytes))
        return -ENOMEM;
    place(&region, address, flags);
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

long sys_mprotect(struct task *task, VmAddr address, size_t bytes, uint32_t protection)
{
    KnRgnDesc region = {.startAddr = address, .size = bytes, .options = rights_of(protection)};

    if (!IS_ALIGNED(address, PAGE_BYTES) || (protection & ~(PROT_ALL | PROT_GROWSDOWN)) != 0)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    if (!is_user_range(address, bytes))
        return -ENOMEM;
    if ((protection & PROT_WRITE) != 0 &&
        make_copies(task->process, address, address + ALIGN_UP(bytes, PAGE_BYTES)) != K_OK)
        return -ENOMEM;
    return rgnSetProtect(&task->process->actor, &region) == K_OK ? 0 : -ENOMEM;
}

/* Grows or shrinks in place, or moves: the new place shares the old one's memory, which is then
 * taken away. */
long sys_mremap(struct task *task, VmAddr address, size_t old_bytes, size_t new_bytes,
                uint32_t flags, VmAddr new_address)
{
    struct process *process = task->process;
    KnRgnStat stat;

    old_bytes = ALIGN_UP(old_bytes, PAGE_BYTES);
    new_bytes = ALIGN_UP(new_bytes, PAGE_BYTES);
    if (!IS_ALIGNED(address, PAGE_BYTES) || new_bytes == 0 || old_bytes == 0 ||
        (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0)
        return -EINVAL;
    if (!is_user_range(address, old_bytes) || !is_user_range(new_address, new_bytes) ||
        rgnStat(&process->actor, address, &stat) != K_OK ||
        stat.rsStart + stat.rsSize < address + old_bytes)
        return -EFAULT;
    if ((flags & MREMAP_FIXED) == 0 && new_bytes <= old_bytes) {
        if (new_bytes < old_bytes)
            (void)sys_munmap(task, address + new_bytes, old_bytes - new_bytes);
        return (long)address;
    }
    if (memory_room(new_bytes) < 0)
        return -ENOMEM;
    return memory_move(process, &stat, address, old_bytes, new_bytes, flags, new_address);
}

/* Extends the mapping where it stands if what follows is free. */
static bool extend_in_place(struct process *process, const KnRgnStat *stat, VmAddr end, size_t more)
{
    KnRgnDesc region = {.startAddr = end,
                        .size = more,
                        .options = (stat->rsOptions & ~K_NODEMAND) | K_FILLZERO};

    return stat->rsSegment.key == 0 && rgnAllocate(&process->actor, &region) == K_OK;
}

long memory_move(struct process *process, const KnRgnStat *stat, VmAddr address, size_t old_bytes,
                 size_t new_bytes, uint32_t flags, VmAddr new_address)
{
    KnRgnDesc whole = {.size = new_bytes, .options = stat->rsOptions | K_FILLZERO};
    KnRgnDesc part, old = {.startAddr = address, .size = old_bytes};
    size_t moved = MIN(old_bytes, new_bytes);

    if ((flags & MREMAP_FIXED) == 0 && new_bytes > old_bytes &&
        extend_in_place(process, stat, address + old_bytes, new_bytes - old_bytes))
        return (long)address;
    if ((flags & MREMAP_MAYMOVE) == 0)
        return -ENOMEM;
    place(&whole, new_address, (flags & MREMAP_FIXED) != 0 ? MAP_FIXED : 0);
    if (rgnAllocate(&process->actor, &whole) != K_OK)
        return -ENOMEM;
    part = (KnRgnDesc){whole.startAddr, moved, stat->rsOptions | K_OVERMAP, 0, NULL, 0};
    if (rgnMapFromActor(&process->actor, &part, &process->actor, address) != K_OK) {
        (void)rgnFree(&process->actor, &whole);
        return -ENOMEM;
    }
    (void)rgnFree(&process->actor, &old);
    return (long)whole.startAddr;
}

long sys_msync(struct task *task, VmAddr address, size_t bytes, uint32_t flags)
{
    struct process *process = task->process;
    VmAddr end = address + ALIGN_UP(bytes, PAGE_BYTES);
    KnRgnStat stat;

    if (!IS_ALIGNED(address, PAGE_BYTES) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || !is_user_range(address, bytes))
        return -EINVAL;
    while (address < end) {
        if (rgnStat(&process->actor, address, &stat) != K_OK)
            return -ENOMEM;
        VmAddr limit = MIN(end, stat.rsStart + stat.rsSize);
        KnObjDesc object = {stat.rsSegment, stat.rsOffset + (address - stat.rsStart),
                            limit - address};

        if (stat.rsSegment.key != 0 && (flags & MS_SYNC) != 0) {
            KnResult status = sgFlush(&object, K_FLUSH_WRITABLE);

            if (status < 0)
                return errno_of(status);
        }
        address = limit;
    }
    return 0;
}

/* MADV_DONTNEED is the one that programs rely on: private memory reads as zero, or as the file,
 * again. */
long sys_madvise(struct task *task, VmAddr address, size_t bytes, uint32_t advice)
{
    struct process *process = task->process;
    VmAddr end = address + ALIGN_UP(bytes, PAGE_BYTES);
    KnRgnStat stat;

    if (!IS_ALIGNED(address, PAGE_BYTES) || !is_user_range(address, bytes))
        return -EINVAL;
    if (advice != MADV_DONTNEED && advice != MADV_FREE)
        return 0;
    while (address < end) {
        if (rgnStat(&process->actor, address, &stat) != K_OK)
            return -ENOMEM;
        VmAddr limit = MIN(end, stat.rsStart + stat.rsSize);
        KnRgnDesc region = {address,
                            limit - address,
                            (stat.rsOptions & ~K_NODEMAND) | K_OVERMAP | K_FILLZERO,
                            0,
                            NULL,
                            0};

        if (stat.rsSegment.key == 0 && (stat.rsOptions & K_INHERITCOPY) != 0 &&
            (stat.rsOptions & K_NOACCESS) == 0 && rgnAllocate(&process->actor, &region) != K_OK)
            return -ENOMEM;
        address = limit;
    }
    return 0;
}
