/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sg* and lc* calls: explicit input and output through the local cache, and the mapper's
 * control of it. Progress of a transfer stands in the thread, so a page that has to come in does
 * not start it anew.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/copy.h"
#include "machine/mmu.h"
#include "machine/system.h"
#include "nucleus/actor.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

#define PAGES_A_TURN 16u   /* moved or zeroed */
#define CHECKS_A_TURN 256u /* looked at */

/* ---- Transfer ---------------------------------------------------------------------------- */

/* What is wrong with a page is wrong with the caller's segment; a page beyond the end is no
 * error here. */
static KnResult read_page(struct cache *cache, uint64_t offset, VmAddr to, size_t bytes)
{
    struct frame *frame;
    KnResult status = cache_page(cache, offset >> MACHINE_PAGE_SHIFT, false, &frame);

    if (status != K_OK)
        return status;
    size_t within = (size_t)(offset & (PAGE_BYTES - 1));
    size_t done = copy_to_space(to, (const char *)frame_address(frame) + within, bytes);

    thread_self()->call_progress += done;
    return done == bytes ? K_OK : copy_missing(to + done, bytes - done, K_WRITABLE);
}

static KnResult read_range(struct thread *self, struct cache *cache, uint64_t offset, VmAddr to,
                           VmSize bytes)
{
    for (uint32_t pages = 0;; pages++) {
        uint64_t at = offset + self->call_progress;

        if (cache->mapper != NULL && !cache->known)
            return pager_open(cache);
        uint64_t end = cache->bounded ? cache->end : UINT64_MAX;

        if (self->call_progress >= bytes || at >= end)
            return K_OK;
        if (pages == PAGES_A_TURN)
            return STATUS_AGAIN;
        uint64_t piece = MIN(PAGE_BYTES - (at & (PAGE_BYTES - 1)), bytes - self->call_progress);
        VmAddr into = to + (VmAddr)self->call_progress;

        piece = MIN(piece, end - at);
        if (copy_check(into, (size_t)piece) != K_OK)
            return K_EFAULT;
        KnResult status = read_page(cache, at, into, (size_t)piece);

        if (status != K_OK)
            return status;
    }
}

/* What was moved before an error counts, also where the error comes between two starts of the call:
 * the caller learns of it when it goes on. */
static KnResult transfer_result(struct thread *self, KnResult status)
{
    self->call_partial = (KnResult)self->call_progress;
    if (status == K_OK || (!status_is_internal(status) && self->call_progress > 0))
        return self->call_partial;
    return status;
}

KnResult call_sgRead(struct thread *self, VmAddr segment, VmAddr address, VmFlags flags)
{
    struct cache *cache;
    KnObjDesc object;
    KnResult status = copy_in(&object, segment, sizeof(object));

    if (status != K_OK)
        return status;
    if (flags != 0 || object.size > INTPTR_MAX)
        return K_EINVAL;
    status = cache_of_segment(&object.dataObject, &cache);
    if (status != K_OK)
        return status;
    status = read_range(self, cache, object.startOffset, address, object.size);
    if (!status_is_internal(status))
        cache->read_stamp_ns = universal_now_ns();
    cache_release(cache);
    return transfer_result(self, status);
}

/* The source of a page is looked at before the page is taken: a page written whole is not pulled
 * in, and must not be left with nothing in it because its source is missing. */
static KnResult probe(VmAddr from, size_t bytes)
{
    char byte;

    if (copy_check(from, bytes) != K_OK)
        return K_EFAULT;
    if (copy_from_space(&byte, from, 1) != 1)
        return copy_missing(from, bytes, K_READABLE);
    if (copy_from_space(&byte, from + bytes - 1, 1) != 1)
        return copy_missing(from + bytes - 1, 1, K_READABLE);
    return K_OK;
}

static KnResult write_page(struct cache *cache, uint64_t offset, VmAddr from, size_t bytes)
{
    struct frame *frame;
    bool whole = bytes == PAGE_BYTES;
    KnResult status = probe(from, bytes);

    if (status == K_OK)
        status = cache_page_extend(cache, offset >> MACHINE_PAGE_SHIFT, whole, &frame);
    if (status != K_OK)
        return status;
    size_t done =
        copy_from_space((char *)frame_address(frame) + (size_t)(offset & (PAGE_BYTES - 1)), from,
                        bytes);

    thread_self()->call_progress += done;
    if (done > 0 && offset + done > cache->end)
        cache->end = offset + done;
    cache->write_stamp_ns = universal_now_ns();
    return done == bytes ? K_OK : copy_missing(from + done, bytes - done, K_READABLE);
}

static KnResult write_range(struct thread *self, struct cache *cache, uint64_t offset, VmAddr from,
                            VmSize bytes)
{
    for (uint32_t pages = 0; self->call_progress < bytes; pages++) {
        uint64_t at = offset + self->call_progress;
        uint64_t piece = MIN(PAGE_BYTES - (at & (PAGE_BYTES - 1)), bytes - self->call_progress);

        if (pages == PAGES_A_TURN)
            return STATUS_AGAIN;
        KnResult status = write_page(cache, at, from + (VmAddr)self->call_progress, (size_t)piece);

        if (status != K_OK)
            return status;
    }
    return K_OK;
}

/* An append starts where the segment ends when its first byte is written; the descriptor tells
 * where that was. */
static KnResult append_start(struct thread *self, struct cache *cache, VmAddr segment,
                             KnObjDesc *object)
{
    if (self->call_progress > 0)
        return K_OK;
    if (cache->mapper != NULL && !cache->known)
        return pager_open(cache);
    object->startOffset = cache->end;
    return copy_out(segment + offsetof(KnObjDesc, startOffset), &object->startOffset,
                    sizeof(object->startOffset));
}

KnResult call_sgWrite(struct thread *self, VmAddr segment, VmAddr address, VmFlags flags)
{
    struct cache *cache;
    KnObjDesc object;
    KnResult status = copy_in(&object, segment, sizeof(object));

    if (status != K_OK)
        return status;
    if ((flags & ~K_APPEND) != 0 || object.size > INTPTR_MAX ||
        object.startOffset > INT64_MAX - object.size)
        return K_EINVAL;
    status = cache_of_segment(&object.dataObject, &cache);
    if (status != K_OK)
        return status;
    if ((flags & K_APPEND) != 0)
        status = append_start(self, cache, segment, &object);
    if (status == K_OK)
        status = write_range(self, cache, object.startOffset, address, object.size);
    cache_release(cache);
    return transfer_result(self, status);
}

/* ---- State ------------------------------------------------------------------------------- */

static KnResult find_segment(VmAddr segment, struct cache **cache)
{
    KnCap cap;
    KnResult status = copy_in(&cap, segment, sizeof(cap));

    return status == K_OK ? cache_of_segment(&cap, cache) : status;
}

KnResult call_sgStat(struct thread *self, VmAddr segment, VmAddr stat)
{
    struct cache *cache;
    KnResult status = find_segment(segment, &cache);

    (void)self;
    if (status != K_OK)
        return status;
    if (cache->mapper != NULL && !cache->known) {
        status = pager_open(cache);
        cache_release(cache);
        return status;
    }
    /* But this call, and the name of a temporary segment, which holds its content. */
    uint32_t users = cache->holders - 1 - (cache->mapper == NULL);
    KnLcStat result = {
        .lsSize = cache->end,
        .lsPages = cache->resident,
        .lsDirtyPages = cache->mapper != NULL ? cache->dirty : 0,
        .lsUsers = users + !list_is_empty(&cache->children),
        .lsReadStamp = cache->read_stamp_ns,
        .lsWriteStamp = cache->write_stamp_ns,
        .lsCache = {cache->name.ui, cache->key},
    };
    cache_release(cache);
    return copy_out(stat, &result, sizeof(result));
}

KnResult call_sgCreate(struct thread *self, VmAddr segment, VmOffset end)
{
    KnCap none = {{0, 0}, 0};
    KnResult status = copy_out(segment, &none, sizeof(none));

    if (status != K_OK)
        return status;
    struct cache *cache = cache_make_segment(&self->execution->segments, end);

    if (cache == NULL)
        return K_ENOMEM;
    status = copy_out(segment, &cache->segment, sizeof(cache->segment));
    if (status != K_OK)
        cache_end_segment(cache);
    return status;
}

KnResult call_sgDestroy(struct thread *self, VmAddr segment)
{
    struct cache *cache;
    KnResult status = find_segment(segment, &cache);

    (void)self;
    if (status != K_OK)
        return status;
    bool temporary = cache->mapper == NULL;

    if (temporary)
        cache_end_segment(cache);
    cache_release(cache);
    return temporary ? K_OK : K_EUNKNOWN;
}

/* ---- Control ----------------------------------------------------------------------------- */

/* Takes a clean page away, or only the right to use it. */
static void limit_page(struct cache *cache, struct frame *frame, KnFlushMode mode)
{
    uint64_t index = frame->index;

    if (frame->busy || frame->pins > 0)
        return;
    if (mode == K_FLUSH_READABLE) {
        frame->writable = false;
        cache_write_protect(cache, index, index + 1);
        return;
    }
    cache_unmap_page(cache, index);
    if (mode == K_FLUSH_FREEZE)
        return;
    cache_take(cache, frame);
    frame_free(frame);
}

/* A page is cleaned, which has to be waited for, and at the next start of the call limited. */
static KnResult flush_page(struct thread *self, struct cache *cache, struct frame *frame,
                           KnFlushMode mode)
{
    if (frame->dirty && mode != K_FLUSH_DESTROY) {
        if (!frame->busy && !pager_push_start(frame))
            return K_EMAPPER;
        /* Who writes on and on while it is pushed does not keep the flush from its end. */
        self->call_progress += mode <= K_FLUSH_WRITABLE;
        return pager_wait(frame->push);
    }
    if (mode > K_FLUSH_WRITABLE)
        limit_page(cache, frame, mode);
    return K_OK;
}

/* Progress is the pages of the range that are done with. */
static KnResult flush_pages(struct thread *self, struct cache *cache, uint64_t first,
                            uint64_t limit, KnFlushMode mode)
{
    uint64_t index = first + self->call_progress;
    void *slot;

    for (uint32_t pages = 0; (slot = radix_next(&cache->pages, index, &index)) != NULL;
         pages++, index++) {
        self->call_progress = index - first;
        if (index >= limit)
            return K_OK;
        if (pages == CHECKS_A_TURN)
            return STATUS_AGAIN;
        KnResult status = slot_is_frame(slot) ? flush_page(self, cache, slot, mode) : K_OK;

        if (status != K_OK)
            return status;
    }
    return K_OK;
}

static KnResult flush(struct thread *self, struct cache *cache, uint64_t offset, uint64_t bytes,
                      KnFlushMode mode)
{
    uint64_t first = offset >> MACHINE_PAGE_SHIFT;
    uint64_t limit =
        bytes > UINT64_MAX - offset ? UINT64_MAX : DIV_ROUND_UP(offset + bytes, PAGE_BYTES);

    if (cache->mapper == NULL)
        return K_OK; /* temporary memory has nobody to be written to, and content only here */
    if (mode == K_FLUSH_READABLE || mode == K_FLUSH_NOACCESS || mode == K_FLUSH_DESTROY)
        cache->grant_first = cache->grant_limit = 0;
    return flush_pages(self, cache, first, limit, mode);
}

KnResult call_sgFlush(struct thread *self, VmAddr segment, KnFlushMode mode)
{
    struct cache *cache;
    KnObjDesc object;
    KnResult status = copy_in(&object, segment, sizeof(object));

    if (status != K_OK)
        return status;
    if (mode < K_FLUSH_COPYBACK || mode > K_FLUSH_NOACCESS)
        return K_EINVAL;
    status = cache_of_segment(&object.dataObject, &cache);
    if (status != K_OK)
        return status;
    status =
        flush(self, cache, object.startOffset, object.size == 0 ? UINT64_MAX : object.size, mode);
    cache_release(cache);
    return status;
}

static KnResult capability_argument(VmAddr cap, struct cache **cache)
{
    KnCap copy;
    KnResult status = copy_in(&copy, cap, sizeof(copy));

    if (status == K_OK)
        status = cache_of_capability(&copy, cache);
    if (status == K_OK)
        cache_hold(*cache);
    return status;
}

KnResult call_lcFlush(struct thread *self, VmAddr cap, VmOffset offset, VmOffset bytes,
                      KnFlushMode mode)
{
    struct cache *cache;
    KnResult status = capability_argument(cap, &cache);

    if (status != K_OK)
        return status;
    if (mode < K_FLUSH_COPYBACK || mode > K_FLUSH_DESTROY)
        status = K_EINVAL;
    else
        status = flush(self, cache, offset, bytes, mode);
    cache_release(cache);
    return status;
}

KnResult call_lcTrunc(struct thread *self, VmAddr cap, VmOffset end)
{
    struct cache *cache;
    KnResult status = capability_argument(cap, &cache);

    (void)self;
    if (status != K_OK)
        return status;
    if (end > INT64_MAX) {
        status = K_EINVAL;
    } else {
        status = cache_truncate(cache, end);
        cache->write_stamp_ns = universal_now_ns();
    }
    cache_release(cache);
    return status;
}

static KnResult set_rights(struct thread *self, struct cache *cache, uint64_t first, uint64_t limit,
                           bool writable)
{
    uint64_t index = first + self->call_progress;
    void *slot;

    for (uint32_t pages = 0;
         (slot = radix_next(&cache->pages, index, &index)) != NULL && index < limit;
         pages++, index++) {
        self->call_progress = index - first;
        if (pages == CHECKS_A_TURN)
            return STATUS_AGAIN;
        if (!slot_is_frame(slot))
            continue;
        ((struct frame *)slot)->writable = writable;
        if (!writable)
            cache_write_protect(cache, index, index + 1);
    }
    return K_OK;
}

KnResult call_lcSetRights(struct thread *self, VmAddr cap, VmOffset offset, VmOffset bytes,
                          VmFlags rights)
{
    struct cache *cache;
    KnResult status = capability_argument(cap, &cache);
    uint64_t limit =
        bytes > UINT64_MAX - offset ? UINT64_MAX : DIV_ROUND_UP(offset + bytes, PAGE_BYTES);

    if (status != K_OK)
        return status;
    if (rights != K_READABLE && rights != (K_READABLE | K_WRITABLE)) {
        status = K_EINVAL;
    } else {
        if (rights == K_READABLE)
            cache->grant_first = cache->grant_limit = 0;
        status = set_rights(self, cache, offset >> MACHINE_PAGE_SHIFT, limit,
                            (rights & K_WRITABLE) != 0);
    }
    cache_release(cache);
    return status;
}

/* Zeroes bytes [at, at + bytes) of one page, if it is here. */
static KnResult zero_piece(struct cache *cache, uint64_t at, size_t bytes)
{
    uint64_t index = at >> MACHINE_PAGE_SHIFT;
    struct frame *frame = radix_get(&cache->pages, index);
    KnResult status;

    ASSERT(bytes <= PAGE_BYTES - (at & (PAGE_BYTES - 1)));
    if (!slot_is_frame(frame))
        return K_OK;
    if (frame->busy)
        return pager_wait(frame->push);
    status = history_preserve(cache, index, frame);
    if (status != K_OK)
        return status;
    frame = radix_get(&cache->pages, index);
    memset((char *)frame_address(frame) + (size_t)(at & (PAGE_BYTES - 1)), 0, bytes);
    return K_OK;
}

static KnResult zero_range(struct thread *self, struct cache *cache, uint64_t offset,
                           uint64_t bytes)
{
    for (uint32_t pages = 0; self->call_progress < bytes; pages++) {
        uint64_t at = offset + self->call_progress;
        uint64_t index = at >> MACHINE_PAGE_SHIFT;

        if (pages == PAGES_A_TURN)
            return STATUS_AGAIN;
        if (radix_next(&cache->pages, index, &index) == NULL)
            return K_OK;
        at = MAX(at, index << MACHINE_PAGE_SHIFT); /* pages that are not here are passed over */
        if (at - offset >= bytes)
            return K_OK;
        uint64_t piece = MIN(PAGE_BYTES - (at & (PAGE_BYTES - 1)), bytes - (at - offset));
        KnResult status = zero_piece(cache, at, (size_t)piece);

        if (status != K_OK)
            return status;
        self->call_progress = at - offset + piece;
    }
    return K_OK;
}

KnResult call_lcFillZero(struct thread *self, VmAddr cap, VmOffset offset, VmOffset bytes)
{
    struct cache *cache;
    KnResult status = capability_argument(cap, &cache);

    if (status != K_OK)
        return status;
    if (bytes > INT64_MAX || offset > INT64_MAX - bytes)
        status = K_EINVAL;
    else
        status = zero_range(self, cache, offset, bytes);
    cache_release(cache);
    return status;
}

KnResult call_svMapper(struct thread *self, VmAddr cap, uint64_t answer_ns)
{
    struct mapper *mapper;
    KnCap copy;
    KnResult status = copy_in(&copy, cap, sizeof(copy));

    if (status != K_OK)
        return status;
    if (answer_ns == 0)
        return K_EINVAL;
    if (!site_self()->vm.pager.transport->serves(copy.ui))
        return K_EUNKNOWN; /* the record goes with the port */
    mapper = pager_mapper(copy.ui);
    if (mapper == NULL)
        return K_ENOMEM;
    mapper->answer_ns = answer_ns;
    self->pager = true;
    return K_OK;
}
