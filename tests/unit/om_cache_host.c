/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake of the Nucleus' segments and local caches, page by page, with the rules of nucleus/vm:
 * temporary segments, and those of a mapper, which host.serve is. What the Nucleus does behind
 * everybody's back (pages that are pushed out, or dropped) happens when host.restless says so.
 */
#include "tests/unit/om_cache_host.h"

#include <stdlib.h>

#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"

#define CACHES 4096
#define CLUSTER 16u
#define WRITE_AT_ONCE 1000u /* of sgWrite: a caller has to go on where it stopped */

struct page {
    bool is_there;
    bool is_dirty;
    bool is_writable;
    uint8_t data[HOST_PAGE_BYTES];
};

struct slot {
    struct page *page; /* NULL: not here */
};

struct cache {
    KnCap segment;  /* key 0: this place is free */
    bool is_mapped; /* of a mapper */
    bool is_known;
    uint64_t end;
    uint64_t grant_first, grant_limit; /* pages */
    uint64_t read_ns, write_ns;
    struct slot *slot;
    uint64_t room; /* slots */
};

struct host_cache host_cache;
static struct cache caches[CACHES];
static KnKey last_key;

/* ---- Caches ---------------------------------------------------------------------------------- */

static struct cache *find(const KnCap *segment)
{
    for (int i = 0; i < CACHES; i++) {
        if (caches[i].segment.key != 0 &&
            memcmp(&caches[i].segment, segment, sizeof(*segment)) == 0)
            return &caches[i];
    }
    return NULL;
}

static struct cache *make(const KnCap *segment)
{
    for (int i = 0; i < CACHES; i++) {
        if (caches[i].segment.key == 0) {
            caches[i] = (struct cache){.segment = *segment};
            return &caches[i];
        }
    }
    return NULL;
}

/* The cache of a segment; one of the mapper's comes to be. */
static struct cache *get(const KnCap *segment)
{
    struct cache *cache = find(segment);

    if (cache == NULL && memcmp(&segment->ui, &host_cache.port, sizeof(KnUniqueId)) == 0) {
        cache = make(segment);
        if (cache != NULL)
            cache->is_mapped = true;
    }
    return cache;
}

static void drop_page(struct cache *cache, uint64_t index)
{
    if (index < cache->room) {
        free(cache->slot[index].page);
        cache->slot[index].page = NULL;
    }
}

static void end_cache(struct cache *cache)
{
    for (uint64_t i = 0; i < cache->room; i++)
        drop_page(cache, i);
    free(cache->slot);
    *cache = (struct cache){.is_known = false};
}

void host_cache_reset(void)
{
    for (int i = 0; i < CACHES; i++) {
        if (caches[i].segment.key != 0)
            end_cache(&caches[i]);
    }
    memset(&host_cache, 0, sizeof(host_cache));
}

static struct page *page_at(struct cache *cache, uint64_t index)
{
    return index < cache->room ? cache->slot[index].page : NULL;
}

static struct page *new_page(struct cache *cache, uint64_t index)
{
    if (index >= cache->room) {
        uint64_t room = MAX(index + 1, cache->room * 2);
        struct slot *slot = realloc(cache->slot, room * sizeof(*slot));

        assert_non_null(slot);
        memset(slot + cache->room, 0, (room - cache->room) * sizeof(*slot));
        cache->slot = slot;
        cache->room = room;
    }
    if (cache->slot[index].page == NULL)
        cache->slot[index].page = calloc(1, sizeof(struct page));
    assert_non_null(cache->slot[index].page);
    return cache->slot[index].page;
}

/* ---- The mapper ------------------------------------------------------------------------------ */

static uint8_t body[CLUSTER * HOST_PAGE_BYTES];

static KnResult ask(struct cache *cache, KnMpService service, uint64_t index, uint64_t pages,
                    uint32_t bytes, KnMpReply *reply, uint32_t *reply_bytes)
{
    KnMpRequest request = {
        .mpService = service,
        .mpAccess = service == KN_MPGETACCESS ? K_WRITABLE : K_READABLE,
        .mpSegment = cache->segment.key,
        .mpOffset = index * HOST_PAGE_BYTES,
        .mpBytes = pages * HOST_PAGE_BYTES,
        .mpRequiredOffset = index * HOST_PAGE_BYTES,
        .mpRequiredBytes = service == KN_MPPUSHOUT ? pages * HOST_PAGE_BYTES : HOST_PAGE_BYTES,
        .mpEnd = cache->end,
    };

    host_cache.requests[service]++;
    host_cache.serve(&request, body, bytes, reply, reply_bytes);
    return reply->mpDiag;
}

static KnResult know(struct cache *cache)
{
    uint32_t bytes = 0;
    KnMpReply reply;
    KnResult status;

    if (!cache->is_mapped || cache->is_known)
        return K_OK;
    status = ask(cache, KN_MPOPEN, 0, 1, 0, &reply, &bytes);
    if (status == K_OK) {
        cache->end = reply.mpEnd;
        cache->is_known = true;
    }
    return status;
}

static KnResult pull(struct cache *cache, uint64_t index)
{
    uint64_t end_page = DIV_ROUND_UP(cache->end, HOST_PAGE_BYTES), pages = 0;
    uint32_t bytes = 0;
    KnMpReply reply;
    KnResult status;

    while (pages < CLUSTER && index + pages < end_page && page_at(cache, index + pages) == NULL)
        pages++;
    status = ask(cache, KN_MPPULLIN, index, pages, 0, &reply, &bytes);
    if (status != K_OK)
        return status;
    assert_int_equal(reply.mpOffset, index * HOST_PAGE_BYTES);
    assert_int_equal(reply.mpBytes % HOST_PAGE_BYTES, 0);
    assert_true(reply.mpBytes > 0 && bytes <= reply.mpBytes);
    for (uint64_t i = 0; i < pages && i < reply.mpBytes / HOST_PAGE_BYTES; i++) {
        struct page *page = new_page(cache, index + i);
        uint64_t at = i * HOST_PAGE_BYTES;

        page->is_there = true;
        /* a page of zeros is nobody's */
        page->is_writable = bytes > at && (reply.mpAccess & K_WRITABLE) != 0;
        if (bytes > at)
            memcpy(page->data, body + at, MIN(bytes - at, (uint64_t)HOST_PAGE_BYTES));
    }
    return K_OK;
}

static KnResult get_access(struct cache *cache, uint64_t index)
{
    uint32_t bytes = 0;
    KnMpReply reply;
    KnResult status = ask(cache, KN_MPGETACCESS, index, CLUSTER, 0, &reply, &bytes);
    uint64_t first, limit;

    if (status != K_OK)
        return status;
    if ((reply.mpAccess & K_WRITABLE) == 0)
        return K_EPROT;
    first = reply.mpOffset / HOST_PAGE_BYTES;
    limit = first + reply.mpBytes / HOST_PAGE_BYTES;
    assert_true(first <= index && index < limit);
    if (first <= cache->grant_limit && limit >= cache->grant_first &&
        cache->grant_limit > cache->grant_first) {
        cache->grant_first = MIN(first, cache->grant_first);
        cache->grant_limit = MAX(limit, cache->grant_limit);
    } else {
        cache->grant_first = first;
        cache->grant_limit = limit;
    }
    return K_OK;
}

/* The run of dirty pages that begins at `index`. */
static KnResult push(struct cache *cache, uint64_t index)
{
    uint64_t pages = 0;
    uint32_t bytes = 0;
    KnMpReply reply;
    KnResult status;

    while (pages < CLUSTER && page_at(cache, index + pages) != NULL &&
           page_at(cache, index + pages)->is_dirty) {
        memcpy(body + pages * HOST_PAGE_BYTES, page_at(cache, index + pages)->data,
               HOST_PAGE_BYTES);
        pages++;
    }
    status =
        ask(cache, KN_MPPUSHOUT, index, pages, (uint32_t)(pages * HOST_PAGE_BYTES), &reply, &bytes);
    for (uint64_t i = 0; i < pages && status == K_OK; i++)
        cache->slot[index + i].page->is_dirty = false;
    return status;
}

/* Pushes a page out, or drops a clean one, now and then. */
static void be_restless(struct cache *cache, uint64_t index)
{
    struct page *page;

    if (!cache->is_mapped || host_cache.restless == NULL ||
        random_below(host_cache.restless, 4) != 0)
        return;
    index = random_below(host_cache.restless, index + 2);
    page = page_at(cache, index);
    if (page == NULL)
        return;
    if (page->is_dirty)
        (void)push(cache, index);
    else
        drop_page(cache, index);
}

/* ---- Reading and writing --------------------------------------------------------------------- */

static KnResult page_to_read(struct cache *cache, uint64_t index, struct page **page)
{
    KnResult status = K_OK;

    be_restless(cache, index);
    if (page_at(cache, index) == NULL && cache->is_mapped)
        status = pull(cache, index);
    *page = page_at(cache, index);
    return status;
}

static KnResult page_to_write(struct cache *cache, uint64_t index, bool whole, struct page **page)
{
    bool beyond = index >= DIV_ROUND_UP(cache->end, HOST_PAGE_BYTES);
    KnResult status = K_OK;

    be_restless(cache, index);
    if (page_at(cache, index) == NULL && cache->is_mapped && !whole && !beyond)
        status = pull(cache, index);
    *page = page_at(cache, index);
    if (status == K_OK && cache->is_mapped && !(*page != NULL && (*page)->is_writable) &&
        !(index >= cache->grant_first && index < cache->grant_limit))
        status = get_access(cache, index);
    if (status != K_OK)
        return status;
    *page = new_page(cache, index);
    (*page)->is_there = (*page)->is_writable = (*page)->is_dirty = true;
    return K_OK;
}

int64_t host_write(const KnCap *segment, uint64_t offset, const void *bytes, size_t count)
{
    struct cache *cache = get(segment);
    KnResult status = cache == NULL ? K_EUNKNOWN : know(cache);
    size_t done = 0;

    while (status == K_OK && done < count) {
        uint64_t at = offset + done;
        size_t piece = MIN(HOST_PAGE_BYTES - at % HOST_PAGE_BYTES, count - done);
        struct page *page;

        status = page_to_write(cache, at / HOST_PAGE_BYTES, piece == HOST_PAGE_BYTES, &page);
        if (status != K_OK)
            break;
        memcpy(page->data + at % HOST_PAGE_BYTES, (const uint8_t *)bytes + done, piece);
        done += piece;
        cache->end = MAX(cache->end, at + piece);
        cache->write_ns = host.now_ns += 1000;
    }
    return done > 0 ? (int64_t)done : status;
}

int64_t host_read(const KnCap *segment, uint64_t offset, void *bytes, size_t count)
{
    struct cache *cache = get(segment);
    KnResult status = cache == NULL ? K_EUNKNOWN : know(cache);
    size_t done = 0;

    while (status == K_OK && done < count && offset + done < cache->end) {
        uint64_t at = offset + done;
        size_t piece =
            MIN(MIN(HOST_PAGE_BYTES - at % HOST_PAGE_BYTES, count - done), cache->end - at);
        struct page *page;

        status = page_to_read(cache, at / HOST_PAGE_BYTES, &page);
        if (status != K_OK)
            break;
        if (page != NULL)
            memcpy((uint8_t *)bytes + done, page->data + at % HOST_PAGE_BYTES, piece);
        else
            memset((uint8_t *)bytes + done, 0, piece);
        done += piece;
    }
    if (status == K_OK)
        cache->read_ns = host.now_ns += 1000;
    return done > 0 ? (int64_t)done : status;
}

void host_cache_scribble(const KnCap *segment, uint64_t from)
{
    struct cache *cache = find(segment);
    struct page *page = cache == NULL ? NULL : page_at(cache, from / HOST_PAGE_BYTES);

    if (page == NULL || !page->is_dirty) {
        fail_msg("no dirty page to write to");
        return;
    }
    memset(page->data + from % HOST_PAGE_BYTES, 0x77, HOST_PAGE_BYTES - from % HOST_PAGE_BYTES);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

KnResult sgCreate(KnCap *segment, VmOffset end)
{
    struct cache *cache;

    if (host_fault())
        return K_ENOMEM;
    *segment = (KnCap){{1, 1}, ++last_key};
    cache = make(segment);
    if (cache == NULL)
        return K_ENOMEM;
    cache->end = end;
    host.segments++;
    return K_OK;
}

KnResult sgDestroy(KnCap *segment)
{
    struct cache *cache = find(segment);

    if (cache == NULL || cache->is_mapped)
        return K_EUNKNOWN;
    end_cache(cache);
    host.segments--;
    return K_OK;
}

KnResult sgStat(KnCap *segment, KnLcStat *stat)
{
    struct cache *cache = get(segment);
    KnResult status = cache == NULL ? K_EUNKNOWN : know(cache);

    if (status != K_OK)
        return status;
    *stat = (KnLcStat){.lsSize = cache->end,
                       .lsUsers = host.mapped != 0 && host.mapped == segment->key,
                       .lsReadStamp = cache->read_ns,
                       .lsWriteStamp = cache->write_ns,
                       .lsCache = *segment};
    for (uint64_t i = 0; i < cache->room; i++) {
        stat->lsPages += cache->slot[i].page != NULL;
        stat->lsDirtyPages +=
            cache->is_mapped && cache->slot[i].page != NULL && cache->slot[i].page->is_dirty;
    }
    return K_OK;
}

KnResult sgWrite(KnObjDesc *object, VmAddr address, VmFlags flags)
{
    if (flags != 0)
        return K_EINVAL;
    if (host_fault())
        return K_ENOMEM;
    return (KnResult)host_write(&object->dataObject, object->startOffset, (const void *)address,
                                MIN(object->size, (VmSize)WRITE_AT_ONCE));
}

KnResult lcTrunc(KnCap *cap, VmOffset end)
{
    struct cache *cache = find(cap);
    struct page *tail;

    if (cache == NULL)
        return K_EUNKNOWN;
    tail = page_at(cache, end / HOST_PAGE_BYTES);
    if (end < cache->end && tail != NULL)
        memset(tail->data + end % HOST_PAGE_BYTES, 0, HOST_PAGE_BYTES - end % HOST_PAGE_BYTES);
    for (uint64_t i = DIV_ROUND_UP(end, HOST_PAGE_BYTES); i < cache->room; i++)
        drop_page(cache, i);
    cache->end = end;
    cache->is_known = true;
    cache->write_ns = host.now_ns += 1000;
    return K_OK;
}

KnResult lcSetRights(KnCap *cap, VmOffset offset, VmOffset bytes, VmFlags rights)
{
    struct cache *cache = find(cap);

    if (cache == NULL)
        return K_EUNKNOWN;
    assert_int_equal(rights, K_READABLE);
    for (uint64_t i = offset / HOST_PAGE_BYTES; i < DIV_ROUND_UP(offset + bytes, HOST_PAGE_BYTES);
         i++) {
        if (page_at(cache, i) != NULL)
            page_at(cache, i)->is_writable = false;
    }
    cache->grant_first = cache->grant_limit = 0;
    return K_OK;
}

KnResult lcFlush(KnCap *cap, VmOffset offset, VmOffset bytes, KnFlushMode mode)
{
    struct cache *cache = find(cap);
    KnResult status = K_OK;

    (void)offset, (void)bytes;
    if (cache == NULL)
        return K_EUNKNOWN;
    assert_int_equal(mode, K_FLUSH_COPYBACK);
    for (uint64_t i = 0; i < cache->room && status == K_OK; i++) {
        if (cache->slot[i].page != NULL && cache->slot[i].page->is_dirty)
            status = push(cache, i);
    }
    return status;
}
