/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap over regions. What Linux has as one mapping may be several regions here, since those that
 * were parted are not joined again.
 */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

/* `last` is the region that holds the end of the old range, and tells what a longer one shows. */
struct remapping {
    struct process *process;
    VmAddr from, to;
    VmSize old_bytes, new_bytes;
    KnRgnStat last;
};

static bool continues(const KnRgnStat *stat, const KnRgnStat *after)
{
    return stat->rsStart + stat->rsSize == after->rsStart && stat->rsOptions == after->rsOptions &&
           stat->rsOpaque2 == after->rsOpaque2 && stat->rsSegment.key == after->rsSegment.key &&
           (stat->rsSegment.key == 0 || stat->rsOffset + stat->rsSize == after->rsOffset);
}

/* The old range must be one mapping. */
static long examine(struct remapping *remapping)
{
    struct memory_walk walk = {.process = remapping->process,
                               .at = remapping->from,
                               .end = remapping->from + remapping->old_bytes};

    while (memory_next(&walk)) {
        if (walk.gap || (walk.start > remapping->from && !continues(&remapping->last, &walk.stat)))
            return -EFAULT;
        remapping->last = walk.stat;
    }
    return walk.gap ? -EFAULT : 0;
}

/* Makes what a longer mapping has above the old one's end, at `to`. */
static KnResult make_more(struct remapping *remapping, VmAddr to, VmFlags options)
{
    KnRgnDesc more = memory_like(&remapping->last, to, remapping->new_bytes - remapping->old_bytes);

    more.options |= options;
    return memory_make(remapping->process, &more, &remapping->last,
                       remapping->from + remapping->old_bytes);
}

/* The new place shows the old one's memory; both are there for a moment. */
static KnResult share_old(struct remapping *remapping)
{
    KnCap *actor = &remapping->process->actor;
    struct memory_walk walk = {.process = remapping->process,
                               .at = remapping->from,
                               .end = remapping->from +
                                      MIN(remapping->old_bytes, remapping->new_bytes)};
    KnResult status = K_OK;

    while (status == K_OK && memory_next(&walk)) {
        KnRgnDesc part = memory_like(&walk.stat, remapping->to + (walk.start - remapping->from),
                                     walk.limit - walk.start);

        part.options |= K_OVERMAP;
        status = rgnMapFromActor(actor, &part, actor, walk.start);
    }
    return status;
}

static long move(struct remapping *remapping, uint32_t flags)
{
    KnCap *actor = &remapping->process->actor;
    KnRgnDesc old = {.startAddr = remapping->from, .size = remapping->old_bytes};
    KnRgnDesc whole = {.size = remapping->new_bytes, .options = K_NOACCESS};
    KnResult status;

    memory_place(&whole, remapping->to, (flags & MREMAP_FIXED) != 0 ? MAP_FIXED : 0);
    if (rgnAllocate(actor, &whole) != K_OK)
        return -ENOMEM;
    remapping->to = whole.startAddr;
    status = share_old(remapping);
    if (status == K_OK && remapping->new_bytes > remapping->old_bytes)
        status = make_more(remapping, remapping->to + remapping->old_bytes, K_OVERMAP);
    (void)rgnFree(actor, status == K_OK ? &old : &whole);
    return status == K_OK ? (long)remapping->to : -ENOMEM;
}

static long resize(struct remapping *remapping, uint32_t flags)
{
    VmAddr end = remapping->from + remapping->old_bytes;
    long result = examine(remapping);

    if (result < 0)
        return result;
    if (remapping->new_bytes > remapping->old_bytes && remapping->last.rsSegment.key == 0)
        result = memory_room(remapping->new_bytes);
    if (result < 0)
        return result;
    if (remapping->new_bytes > remapping->old_bytes &&
        !memory_within_limits(remapping->process, remapping->new_bytes - remapping->old_bytes,
                              (remapping->last.rsOptions & K_INHERITCOPY) != 0))
        return -ENOMEM;
    if ((flags & MREMAP_FIXED) == 0 && is_user_range(remapping->from, remapping->new_bytes) &&
        make_more(remapping, end, 0) == K_OK)
        return (long)remapping->from;
    return (flags & MREMAP_MAYMOVE) != 0 ? move(remapping, flags) : -ENOMEM;
}

static bool overlap(const struct remapping *remapping)
{
    return remapping->from < remapping->to + remapping->new_bytes &&
           remapping->to < remapping->from + remapping->old_bytes;
}

static long check(const struct remapping *remapping, uint32_t flags)
{
    if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 ||
        (flags & (MREMAP_MAYMOVE | MREMAP_FIXED)) == MREMAP_FIXED ||
        !IS_ALIGNED(remapping->from, PAGE_BYTES) || remapping->new_bytes == 0 ||
        remapping->old_bytes == 0)
        return -EINVAL;
    if (!is_user_range(remapping->from, remapping->old_bytes))
        return -EFAULT;
    if ((flags & MREMAP_FIXED) != 0 &&
        (!IS_ALIGNED(remapping->to, PAGE_BYTES) ||
         !is_user_range(remapping->to, remapping->new_bytes) || overlap(remapping)))
        return -EINVAL;
    return is_user_range(0, remapping->new_bytes) ? 0 : -ENOMEM;
}

/* Grows or shrinks in place, or moves. */
long sys_mremap(struct task *task, VmAddr address, size_t old_bytes, size_t new_bytes,
                uint32_t flags, VmAddr new_address)
{
    struct remapping remapping = {.process = task->process,
                                  .from = address,
                                  .to = new_address,
                                  .old_bytes = ALIGN_UP(old_bytes, PAGE_BYTES),
                                  .new_bytes = ALIGN_UP(new_bytes, PAGE_BYTES)};
    KnRgnStat stat;
    long result = check(&remapping, flags);

    if (result < 0)
        return result;
    if ((flags & MREMAP_FIXED) != 0 || remapping.new_bytes > remapping.old_bytes)
        return resize(&remapping, flags);
    if (rgnStat(&task->process->actor, address, &stat) != K_OK)
        return -EFAULT;
    if (remapping.new_bytes < remapping.old_bytes)
        result = sys_munmap(task, address + remapping.new_bytes,
                            remapping.old_bytes - remapping.new_bytes);
    return result < 0 ? result : (long)address;
}
