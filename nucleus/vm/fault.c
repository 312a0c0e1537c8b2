/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults, and the Nucleus' own access to actors' memory. A fault in user code waits here until its
 * page is there. A Nucleus call that meets a missing page unwinds to the dispatcher, which resolves
 * it the same way and starts the call again: so no call waits for a page with anything half done.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/copy.h"
#include "machine/mmu.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

/* ---- Bringing pages in ------------------------------------------------------------------- */

static KnResult check_access(struct context *context, VmAddr address, uint32_t access,
                             struct region **found)
{
    struct region *region = region_find(context, address);

    if (region == NULL || (region->options & K_NOACCESS) != 0)
        return K_EFAULT;
    if ((access == K_WRITABLE && (region->options & K_WRITABLE) == 0) ||
        (access == K_EXECUTABLE && (region->options & K_EXECUTABLE) == 0))
        return K_EFAULT;
    *found = region;
    return K_OK;
}

KnResult context_frame_at(struct context *context, VmAddr address, bool write, struct frame **frame)
{
    struct region *region;
    KnResult status = check_access(context, address, write ? K_WRITABLE : K_READABLE, &region);

    if (status != K_OK)
        return status;
    if (region->cache == NULL)
        return K_EFAULT;
    uint64_t offset = region->offset + (ALIGN_DOWN(address, PAGE_BYTES) - region->start);

    status = cache_page(region->cache, offset >> MACHINE_PAGE_SHIFT, write, frame);
    if (status == K_OK && write && (*frame)->cache->mapper != NULL)
        (*frame)->cache->write_stamp_ns = universal_now_ns();
    return status;
}

/* Whether a frame found for reading may be mapped writable at once, so that the first write does
 * not fault. */
static bool writable_now(const struct region *region, const struct frame *frame)
{
    return (region->options & K_WRITABLE) != 0 && frame->cache == region->cache && frame->dirty &&
           !frame->busy && list_is_empty(&region->cache->children);
}

static KnResult map_page(struct context *context, VmAddr address, uint32_t access)
{
    struct region *region = NULL;
    struct frame *frame;
    KnResult status = check_access(context, address, access, &region);

    if (status != K_OK)
        return status;
    if (region->physical) {
        status = region_map_physical(region, ALIGN_DOWN(address, PAGE_BYTES));
        return status == K_ENOMEM ? frame_shortage() : status;
    }
    status = context_frame_at(context, address, access == K_WRITABLE, &frame);
    if (status != K_OK)
        return status;
    uint32_t rights = region_access(region);

    if (access != K_WRITABLE && !writable_now(region, frame))
        rights &= ~MMU_WRITE;
    frame->pins++; /* making room for a table must not take it */
    status =
        mmu_map(context->space, ALIGN_DOWN(address, PAGE_BYTES), frame_physical(frame), rights);
    frame->pins--;
    return status == K_ENOMEM ? frame_shortage() : status;
}

KnResult context_fault(struct context *context, VmAddr address, uint32_t access)
{
    site_self()->vm.faults++;
    for (;;) {
        KnResult status = map_page(context, address, access);

        if (status == STATUS_MEMORY) {
            status = frame_wait();
            if (status != K_OK)
                return status;
        } else if (status != STATUS_AGAIN) {
            return status;
        }
    }
}

/* An interrupt handler runs in whatever thread it interrupted, the idle one too; what it names is a
 * supervisor's. */
static struct context *context_unless_interrupt(const struct actor *actor)
{
    struct site *site = site_self();

    return site->cpu.interrupt_depth > 0 ? &site->vm.contexts.supervisor : actor->context;
}

static struct context *home_context(void)
{
    return context_unless_interrupt(thread_self()->home);
}

static struct context *execution_context(void)
{
    return context_unless_interrupt(thread_self()->execution);
}

/* User addresses lie in the user context of the thread's home actor, whoever executes. */
static struct context *context_of(VmAddr address)
{
    struct context *home = home_context();

    return address >= home->low && address < home->high ? home : execution_context();
}

KnResult context_resolve(void)
{
    struct thread *self = thread_self();
    VmAddr first = ALIGN_DOWN(self->fault.address, PAGE_BYTES);
    VmSize bytes = self->fault.bytes + (self->fault.address - first);

    /* What follows will be needed too: a batch saves a restart of the call for each page. */
    bytes = MIN(ALIGN_UP(bytes, PAGE_BYTES), 16 * PAGE_BYTES);
    for (VmSize done = 0; done < bytes; done += PAGE_BYTES) {
        KnResult status = context_fault(context_of(first), first + done, self->fault.access);

        if (status != K_OK)
            return done == 0 ? status : K_OK;
    }
    return K_OK;
}

/* ---- Copies ------------------------------------------------------------------------------ */

static inline bool in_range(const struct context *context, VmAddr address, size_t bytes)
{
    return address >= context->low && address <= context->named_high &&
           bytes <= context->named_high - address;
}

/* An address a caller may name: in its own user space, for supervisor code in the supervisor's,
 * or what the machine knows to be the caller's besides. */
static inline bool may_name(VmAddr address, size_t bytes)
{
    const struct site *site = site_self();
    const struct thread *self = site->cpu.current;

    if (likely(site->cpu.interrupt_depth == 0))
        return in_range(self->home->context, address, bytes) ||
               (self->execution != self->home &&
                in_range(self->execution->context, address, bytes)) ||
               copy_outside_regions(address, bytes);
    return in_range(&site->vm.contexts.supervisor, address, bytes) ||
           copy_outside_regions(address, bytes);
}

KnResult copy_check(VmAddr address, size_t bytes)
{
    return may_name(address, bytes) ? K_OK : K_EFAULT;
}

/* In a handler: what the thread's own actor named must not reach what only the handler may. */
KnResult copy_home_check(VmAddr address, size_t bytes)
{
    const struct thread *self = thread_self();

    if (self->home == self->execution)
        return copy_check(address, bytes);
    if (in_range(self->home->context, address, bytes))
        return K_OK;
    /* the simulator's actors have their state outside of all contexts */
    return !in_range(self->execution->context, address, bytes) &&
                   copy_outside_regions(address, bytes)
               ? K_OK
               : K_EFAULT;
}

KnResult copy_missing(VmAddr address, size_t bytes, uint32_t access)
{
    struct thread *self = thread_self();
    struct region *region;
    struct context *context = context_of(address);

    if (check_access(context, address, access, &region) != K_OK ||
        (region->cache == NULL && !region->physical))
        return K_EFAULT;
    self->fault = (struct fault_request){address, bytes, access};
    return STATUS_FAULT;
}

KnResult copy_in(void *to, VmAddr from, size_t bytes)
{
    if (unlikely(!may_name(from, bytes)))
        return K_EFAULT;
    size_t done = copy_from_space(to, from, bytes);

    return likely(done == bytes) ? K_OK : copy_missing(from + done, bytes - done, K_READABLE);
}

KnResult copy_out(VmAddr to, const void *from, size_t bytes)
{
    if (unlikely(!may_name(to, bytes)))
        return K_EFAULT;
    size_t done = copy_to_space(to, from, bytes);

    return likely(done == bytes) ? K_OK : copy_missing(to + done, bytes - done, K_WRITABLE);
}

/* The Nucleus' own side of svCopy*: it must not fault in the middle of a copy whose other side
 * may, so that it is known which side did. Stacks are always there. */
KnResult copy_buffer_check(VmAddr buffer, size_t bytes, uint32_t access)
{
    struct mmu_entry entry;

    if (copy_outside_regions(buffer, bytes))
        return K_OK;
    if (!in_range(execution_context(), buffer, bytes))
        return K_EFAULT;
    for (VmAddr page = ALIGN_DOWN(buffer, PAGE_BYTES); page < buffer + bytes; page += PAGE_BYTES) {
        uint32_t wanted = access == K_WRITABLE ? MMU_WRITE : MMU_READ;

        if (!mmu_query(execution_context()->space, page, &entry) || (entry.access & wanted) == 0)
            return copy_missing(MAX(page, buffer), bytes - (MAX(page, buffer) - buffer), access);
    }
    return K_OK;
}

/* How many of the bytes from an address on may be named: all, or those below the end. */
static size_t may_name_up_to(VmAddr address, size_t bytes)
{
    size_t limit = 0;

    if (likely(may_name(address, bytes)))
        return bytes;
    for (size_t step = SIZE_MAX / 2 + 1; step > 0; step /= 2) {
        if (step < bytes - limit && may_name(address, limit + step))
            limit += step;
    }
    return limit;
}

KnResult copy_in_string(char *to, VmAddr from, size_t bytes)
{
    /* A string may end just below the end of what the caller may name. */
    size_t limit = may_name_up_to(from, bytes);

    if (limit == 0)
        return K_EFAULT;
    size_t done = copy_string_from_space(to, from, limit);

    if (done > 0 && to[done - 1] == '\0')
        return (KnResult)done - 1;
    if (done == bytes)
        return K_ETOOMUCH;
    return done == limit ? K_EFAULT : copy_missing(from + done, 1, K_READABLE);
}

/* A batch of the copy between two contexts, through the frames. */
static KnResult copy_piece(struct context *from, VmAddr source, struct context *to, VmAddr target,
                           VmSize bytes)
{
    struct frame *read, *write;
    KnResult status = context_frame_at(from, source, false, &read);

    if (status != K_OK)
        return status;
    status = context_frame_at(to, target, true, &write);
    if (status != K_OK)
        return status;
    /* Making the target writable may have moved the source's frame to a history object, put a copy
     * in its place if they are one page, or taken it to make room. */
    status = context_frame_at(from, source, false, &read);
    if (status != K_OK)
        return status;
    memmove((char *)frame_address(write) + (target & (PAGE_BYTES - 1)),
            (const char *)frame_address(read) + (source & (PAGE_BYTES - 1)), bytes);
    return K_OK;
}

/* For vmCopy the regions are the caller's arguments, not its memory. */
static KnResult copy_error(KnResult status)
{
    return status == K_EFAULT ? K_EADDR : status;
}

KnResult context_copy(struct context *from, VmAddr source, struct context *to, VmAddr target,
                      VmSize bytes)
{
    struct thread *self = thread_self();

    for (uint32_t pieces = 0; self->call_progress < bytes; pieces++) {
        VmAddr at = source + (VmAddr)self->call_progress;
        VmAddr into = target + (VmAddr)self->call_progress;
        VmSize room =
            MIN(PAGE_BYTES - (at & (PAGE_BYTES - 1)), PAGE_BYTES - (into & (PAGE_BYTES - 1)));

        room = MIN(room, bytes - (VmSize)self->call_progress);
        KnResult status = copy_piece(from, at, to, into, room);

        if (status != K_OK)
            return copy_error(status);
        self->call_progress += room;
        if (pieces == 8)
            return STATUS_AGAIN;
    }
    return K_OK;
}

/* ---- Keys of words ----------------------------------------------------------------------- */

/* The same word has the same key through every mapping of its segment; private memory's key is
 * its own cache. Words in supervisor memory outside regions (an actor's state) are known by
 * their address. */
KnResult context_sync_key(VmAddr word, const void **object, uint64_t *offset)
{
    if (!IS_ALIGNED(word, sizeof(uint32_t)) || !may_name(word, sizeof(uint32_t)))
        return IS_ALIGNED(word, sizeof(uint32_t)) ? K_EFAULT : K_EINVAL;
    struct region *region = region_find(context_of(word), word);

    if (region == NULL || region->cache == NULL) {
        *object = NULL;
        *offset = word;
        return K_OK;
    }
    *object = region->cache;
    *offset = region->offset + (word - region->start);
    return K_OK;
}
