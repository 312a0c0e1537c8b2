/* SPDX-License-Identifier: BSD-2-Clause */
/* The rgn* calls, vmCopy and svCopy*. */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/frames.h"
#include "machine/mmu.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

#define REGION_OPTIONS                                                                            \
    (K_READABLE | K_WRITABLE | K_EXECUTABLE | K_NOACCESS | K_ANYWHERE | K_FILLZERO | K_NODEMAND | \
     K_NOSWAPOUT | K_INHERITSHARE | K_INHERITCOPY | K_RESTRICTIVE | K_OVERMAP)

/* The supervisor space is changed by supervisors only, a user space by its own actor and by
 * trusted ones. */
static KnResult region_target(struct thread *self, VmAddr cap, struct actor **actor)
{
    KnResult status = actor_argument(self, cap, actor);

    if (status != K_OK || *actor == self->execution)
        return status;
    if (self->execution->privilege == K_USERACTOR ||
        ((*actor)->privilege == K_SUPACTOR && self->execution->privilege != K_SUPACTOR))
        return K_EPRIV;
    return K_OK;
}

static KnResult region_arguments(struct thread *self, VmAddr cap, VmAddr region,
                                 struct actor **actor, KnRgnDesc *desc)
{
    KnResult status = region_target(self, cap, actor);

    if (status == K_OK)
        status = copy_in(desc, region, sizeof(*desc));
    if (status == K_OK && (desc->options & ~REGION_OPTIONS) != 0)
        status = K_EINVAL;
    return status;
}

/* Frees what a K_OVERMAP region will replace, then finds the new one's place and tells it. */
static KnResult place(struct actor *actor, KnRgnDesc *desc, VmAddr desc_address)
{
    struct context *context = actor->context;
    KnResult status;

    if ((desc->options & K_OVERMAP) != 0 && (desc->options & K_ANYWHERE) == 0) {
        KnRgnDesc probe = *desc;

        status = region_place(context, &probe);
        if (status == K_EOVERLAP)
            status =
                region_free_range(context, actor, probe.startAddr, probe.startAddr + probe.size);
        if (status != K_OK)
            return status;
    }
    status = region_place(context, desc);
    if (status != K_OK)
        return status;
    return copy_out(desc_address, desc, sizeof(*desc));
}

/* K_NODEMAND: memory that is there from the start, or the region goes again. The actor may end
 * while its pages are waited for, and is kept for so long. */
static KnResult populate(struct actor *actor, const KnRgnDesc *desc)
{
    uint32_t access = (desc->options & K_WRITABLE) != 0 ? K_WRITABLE : K_READABLE;
    KnResult status = K_OK;

    actor_enter(actor);
    for (VmSize done = 0; done < desc->size && status == K_OK; done += PAGE_BYTES) {
        status = context_fault(actor->context, desc->startAddr + done, access);
        executive_preemption_point();
    }
    struct region *region = region_find(actor->context, desc->startAddr);

    if (status != K_OK && region != NULL && region->actor == actor)
        region_free(region);
    actor_leave(actor);
    return status;
}

/* Makes the region on `cache`, whose holder passes to it, and brings it in where asked. */
static KnResult region_finish(struct actor *actor, const KnRgnDesc *desc, struct cache *cache,
                              uint64_t offset)
{
    KnResult status = region_create(actor->context, actor, desc, cache, offset);

    if (status != K_OK) {
        if (cache != NULL)
            cache_release(cache);
        return status;
    }
    if (cache == NULL || (desc->options & K_NODEMAND) == 0)
        return K_OK;
    return populate(actor, desc);
}

KnResult call_rgnAllocate(struct thread *self, VmAddr cap, VmAddr region)
{
    struct actor *actor;
    struct cache *cache = NULL;
    KnRgnDesc desc;
    KnResult status = region_arguments(self, cap, region, &actor, &desc);

    if (status == K_OK)
        status = place(actor, &desc, region);
    if (status != K_OK)
        return status;
    if ((desc.options & K_NOACCESS) == 0) {
        cache = cache_create();
        if (cache == NULL)
            return K_ENOMEM;
    }
    return region_finish(actor, &desc, cache, 0);
}

KnResult call_rgnFree(struct thread *self, VmAddr cap, VmAddr region)
{
    struct actor *actor;
    KnRgnDesc desc;
    KnResult status = region_target(self, cap, &actor);

    if (status == K_OK)
        status = copy_in(&desc, region, sizeof(desc));
    if (status != K_OK)
        return status;
    if (!IS_ALIGNED(desc.startAddr, PAGE_BYTES) || desc.size == 0 ||
        desc.size > UINTPTR_MAX - desc.startAddr - PAGE_BYTES)
        return K_EINVAL;
    return region_free_range(actor->context, actor, desc.startAddr,
                             desc.startAddr + ALIGN_UP(desc.size, PAGE_BYTES));
}

/* ---- Segments in regions ----------------------------------------------------------------- */

static KnResult segment_arguments(VmAddr segment, VmSize bytes, KnObjDesc *object,
                                  struct cache **cache)
{
    KnResult status = copy_in(object, segment, sizeof(*object));

    if (status == K_OK &&
        (!IS_ALIGNED(object->startOffset, PAGE_BYTES) || object->startOffset > INT64_MAX ||
         bytes > INT64_MAX || object->startOffset > INT64_MAX - bytes))
        status = K_EINVAL; /* offsets of segments do not wrap */
    return status == K_OK ? cache_of_segment(&object->dataObject, cache) : status;
}

KnResult call_rgnMap(struct thread *self, VmAddr cap, VmAddr region, VmAddr segment)
{
    struct actor *actor;
    struct cache *cache;
    KnObjDesc object;
    KnRgnDesc desc;
    KnResult status = region_arguments(self, cap, region, &actor, &desc);

    if (status == K_OK)
        status = segment_arguments(segment, desc.size, &object, &cache);
    if (status != K_OK)
        return status;
    status = place(actor, &desc, region);
    if (status != K_OK) {
        cache_release(cache);
        return status;
    }
    return region_finish(actor, &desc, cache, object.startOffset);
}

KnResult call_rgnInit(struct thread *self, VmAddr cap, VmAddr region, VmAddr segment)
{
    struct actor *actor;
    struct cache *cache, *copy;
    KnObjDesc object;
    KnRgnDesc desc;
    KnResult status = region_arguments(self, cap, region, &actor, &desc);

    if (status == K_OK)
        status = segment_arguments(segment, desc.size, &object, &cache);
    if (status != K_OK)
        return status;
    status = place(actor, &desc, region);
    copy = status != K_OK ? NULL
                          : cache_copy(cache, object.startOffset >> MACHINE_PAGE_SHIFT,
                                       DIV_ROUND_UP((uint64_t)object.size, PAGE_BYTES));
    cache_release(cache);
    if (status != K_OK)
        return status;
    return copy == NULL ? K_ENOMEM : region_finish(actor, &desc, copy, 0);
}

/* ---- Other actors' memory ---------------------------------------------------------------- */

/* The source of a region made from another actor's: one region of it, from `address` on. */
static KnResult source_region(struct thread *self, VmAddr cap, VmAddr address, VmSize bytes,
                              struct region **region)
{
    struct actor *actor;
    KnResult status = region_target(self, cap, &actor);

    if (status != K_OK)
        return status;
    if (!IS_ALIGNED(address, PAGE_BYTES))
        return K_EINVAL;
    *region = region_find(actor->context, address);
    if (*region == NULL || (*region)->cache == NULL || (*region)->end - address < bytes)
        return K_EADDR;
    return K_OK;
}

KnResult call_rgnMapFromActor(struct thread *self, VmAddr target, VmAddr region, VmAddr source,
                              VmAddr from)
{
    struct actor *actor;
    struct region *model;
    KnRgnDesc desc;
    KnResult status = region_arguments(self, target, region, &actor, &desc);

    if (status == K_OK)
        status = source_region(self, source, from, desc.size, &model);
    if (status == K_OK)
        status = place(actor, &desc, region);
    if (status == K_OK)
        status = source_region(self, source, from, desc.size, &model);
    if (status != K_OK)
        return status;
    cache_hold(model->cache);
    return region_finish(actor, &desc, model->cache, model->offset + (from - model->start));
}

KnResult call_rgnInitFromActor(struct thread *self, VmAddr target, VmAddr region, VmAddr source,
                               VmAddr from)
{
    struct actor *actor;
    struct region *model;
    KnRgnDesc desc;
    KnResult status = region_arguments(self, target, region, &actor, &desc);

    if (status == K_OK)
        status = source_region(self, source, from, desc.size, &model);
    if (status == K_OK)
        status = place(actor, &desc, region);
    if (status == K_OK)
        status = source_region(self, source, from, desc.size, &model);
    if (status != K_OK)
        return status;
    uint64_t first = (model->offset + (from - model->start)) >> MACHINE_PAGE_SHIFT;
    struct cache *copy = cache_copy(model->cache, first, desc.size >> MACHINE_PAGE_SHIFT);

    return copy == NULL ? K_ENOMEM : region_finish(actor, &desc, copy, 0);
}

KnResult call_rgnDup(struct thread *self, VmAddr target, VmAddr source)
{
    struct actor *to, *from;
    KnResult status = region_target(self, target, &to);

    if (status == K_OK)
        status = region_target(self, source, &from);
    if (status != K_OK)
        return status;
    if (to->context->supervisor || from->context->supervisor || to == from)
        return K_EINVAL;
    if (self->call_progress == 0 && to->context->region_count > 0)
        return K_EBUSY;
    status = region_duplicate(to, from->context, &self->call_progress);
    if (status == K_OK || status == STATUS_AGAIN)
        return status;
    actor_enter(to);
    while (region_free_range(to->context, to, to->context->low, to->context->high) == STATUS_AGAIN)
        executive_preemption_point();
    actor_leave(to);
    return status;
}

/* ---- Attributes -------------------------------------------------------------------------- */

static KnResult set_options(struct thread *self, VmAddr cap, VmAddr region, VmFlags mask)
{
    struct actor *actor;
    KnRgnDesc desc;
    KnResult status = region_target(self, cap, &actor);

    if (status == K_OK)
        status = copy_in(&desc, region, sizeof(desc));
    if (status != K_OK)
        return status;
    if (!IS_ALIGNED(desc.startAddr, PAGE_BYTES) || desc.size == 0 || (desc.options & ~mask) != 0 ||
        desc.size > UINTPTR_MAX - desc.startAddr - PAGE_BYTES)
        return K_EINVAL;
    if (actor->context->supervisor && (desc.options & K_WRITABLE) != 0 &&
        (desc.options & K_EXECUTABLE) != 0)
        return K_EINVAL;
    return region_set_options(actor, desc.startAddr,
                              desc.startAddr + ALIGN_UP(desc.size, PAGE_BYTES), mask, desc.options);
}

KnResult call_rgnSetProtect(struct thread *self, VmAddr cap, VmAddr region)
{
    return set_options(self, cap, region, K_READABLE | K_WRITABLE | K_EXECUTABLE | K_NOACCESS);
}

KnResult call_rgnSetInherit(struct thread *self, VmAddr cap, VmAddr region)
{
    return set_options(self, cap, region, K_INHERITSHARE | K_INHERITCOPY);
}

static KnResult tell(const struct region *region, VmAddr stat)
{
    KnRgnStat result = {
        .rsStart = region->start,
        .rsSize = region->end - region->start,
        .rsOptions = region->options,
        .rsOffset = region->offset,
        .rsOpaque1 = region->opaque1,
        .rsOpaque2 = region->opaque2,
    };
    if (region->cache != NULL) {
        uint64_t index = region->offset >> MACHINE_PAGE_SHIFT;
        const struct cache *origin = cache_origin(region->cache, &index);

        result.rsSegment = region->cache->segment;
        result.rsResidentPages = region->cache->resident;
        if (origin != NULL) {
            result.rsOrigin = origin->segment;
            result.rsOriginOffset = index << MACHINE_PAGE_SHIFT;
        }
    }
    return copy_out(stat, &result, sizeof(result));
}

KnResult call_rgnStat(struct thread *self, VmAddr cap, VmAddr address, VmAddr stat)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    struct region *region = region_find(actor->context, address);

    return region == NULL || region->actor != actor ? K_EADDR : tell(region, stat);
}

/* The first region that ends above `address`: asked again from the end of each, all of them. */
KnResult call_rgnNext(struct thread *self, VmAddr cap, VmAddr address, VmAddr stat)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    struct region *region = region_at_or_above(actor->context, address);

    /* Others' regions are in the way only where supervisor actors share a context. */
    while (region != NULL && region->actor != actor)
        region = region_at_or_above(actor->context, region->end);
    return region == NULL ? K_EEND : tell(region, stat);
}

/* ---- Copies ------------------------------------------------------------------------------ */

KnResult call_vmCopy(struct thread *self, VmAddr source, VmAddr from, VmAddr target, VmAddr to,
                     VmSize bytes)
{
    struct actor *reader, *writer;
    KnResult status = region_target(self, source, &reader);

    if (status == K_OK)
        status = region_target(self, target, &writer);
    if (status != K_OK)
        return status;
    if (bytes > UINTPTR_MAX - from || bytes > UINTPTR_MAX - to)
        return K_EINVAL;
    return context_copy(reader->context, from, writer->context, to, bytes);
}

KnResult call_svCopyIn(struct thread *self, VmAddr user, VmAddr buffer, VmSize bytes)
{
    KnResult status = copy_buffer_check(buffer, bytes, K_WRITABLE);

    (void)self;
    if (status == K_OK)
        status = copy_home_check(user, bytes);
    return status == K_OK ? copy_in((void *)buffer, user, bytes) : status;
}

KnResult call_svCopyOut(struct thread *self, VmAddr buffer, VmAddr user, VmSize bytes)
{
    KnResult status = copy_buffer_check(buffer, bytes, K_READABLE);

    (void)self;
    if (status == K_OK)
        status = copy_home_check(user, bytes);
    return status == K_OK ? copy_out(user, (const void *)buffer, bytes) : status;
}

KnResult call_svCopyInString(struct thread *self, VmAddr user, VmAddr buffer, VmSize bytes)
{
    KnResult status = bytes == 0 ? K_EFAULT : copy_buffer_check(buffer, bytes, K_WRITABLE);

    (void)self;
    if (status == K_OK)
        status = copy_home_check(user, 1);
    return status == K_OK ? copy_in_string((char *)buffer, user, bytes) : status;
}

/* ---- Physical memory --------------------------------------------------------------------- */

static KnResult map_physical(struct thread *self, KnRgnDesc *desc, VmAddr region, uint64_t physical,
                             bool uncached)
{
    struct actor *actor = self->execution;
    KnResult status = place(actor, desc, region);

    if (status == K_OK)
        status = region_create(actor->context, actor, desc, NULL, physical);
    if (status != K_OK)
        return status;
    struct region *made = region_find(actor->context, desc->startAddr);

    made->physical = true;
    made->uncached = uncached;
    for (VmSize done = 0; done < desc->size && status == K_OK; done += PAGE_BYTES)
        status = region_map_physical(made, desc->startAddr + done);
    if (status != K_OK)
        region_free(made);
    return status;
}

KnResult call_svPhysMap(struct thread *self, VmAddr region, uint64_t physical, uint32_t flags)
{
    KnRgnDesc desc;
    KnResult status = copy_in(&desc, region, sizeof(desc));

    if (status != K_OK)
        return status;
    if ((desc.options & ~REGION_OPTIONS) != 0 || (desc.options & (K_EXECUTABLE | K_OVERMAP)) != 0 ||
        !IS_ALIGNED(physical, PAGE_BYTES) || flags > 1)
        return K_EINVAL;
    return map_physical(self, &desc, region, physical, flags == 1);
}

/* Contiguous, zeroed, never replaced: rings and buffers of devices. */
KnResult call_svPagesAllocate(struct thread *self, VmAddr region, VmAddr physical)
{
    struct frame *first;
    KnRgnDesc desc;
    uint64_t address = 0;
    KnResult status = copy_in(&desc, region, sizeof(desc));

    if (status == K_OK)
        status = copy_out(physical, &address, sizeof(address));
    if (status != K_OK)
        return status;
    if ((desc.options & ~REGION_OPTIONS) != 0 || (desc.options & (K_EXECUTABLE | K_OVERMAP)) != 0 ||
        desc.size == 0 || desc.size > K_CMSGBODYMAX)
        return K_EINVAL;
    uint32_t count = (uint32_t)DIV_ROUND_UP(desc.size, PAGE_BYTES);

    status = frame_allocate_run(count, &first);
    if (status != K_OK)
        return status;
    for (uint32_t i = 0; i < count; i++)
        page_zero(frame_address(first + i));
    address = frame_physical(first);
    status = map_physical(self, &desc, region, address, false);
    if (status != K_OK) {
        for (uint32_t i = 0; i < count; i++)
            frame_free(first + i);
        return status;
    }
    region_find(self->execution->context, desc.startAddr)->owns_frames = true;
    return copy_out(physical, &address, sizeof(address));
}
