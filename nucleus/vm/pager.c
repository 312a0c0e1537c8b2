/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/vm/pager.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/clock.h"
#include "machine/frames.h"
#include "machine/mmu.h"
#include "nucleus/site.h"
#include "nucleus/status.h"

#define REQUEST_LIMIT 1024u
#define MAPPER_LIMIT 64u

void pager_init(struct pager *pager)
{
    list_init(&pager->requests);
    list_init(&pager->mappers);
    slab_pool_init(&pager->request_pool, sizeof(struct pager_request), REQUEST_LIMIT);
    slab_pool_init(&pager->mapper_pool, sizeof(struct mapper), MAPPER_LIMIT);
}

struct mapper *pager_mapper(KnUniqueId port)
{
    struct pager *pager = &site_self()->vm.pager;
    struct mapper *mapper;

    LIST_FOR_EACH(mapper, &pager->mappers, link) {
        if (ui_equal(mapper->port, port)) {
            mapper->gone = false; /* a port with the same name serves again, or will not answer */
            return mapper;
        }
    }
    mapper = slab_allocate(&pager->mapper_pool);
    if (mapper != NULL) {
        mapper->port = port;
        mapper->answer_ns = PAGER_ANSWER_NS;
        list_init(&mapper->link);
        list_add_tail(&pager->mappers, &mapper->link);
    }
    return mapper;
}

/* The record goes when nothing needs it: no cache, and no bound that was set for a living port. */
static void forget_if_idle(struct mapper *mapper)
{
    if (mapper->caches > 0 || (mapper->answer_ns != PAGER_ANSWER_NS && !mapper->gone))
        return;
    list_remove(&mapper->link);
    slab_free(&site_self()->vm.pager.mapper_pool, mapper);
}

void pager_mapper_release(struct mapper *mapper)
{
    ASSERT(mapper->caches > 0);
    mapper->caches--;
    forget_if_idle(mapper);
}

/* Nobody can fill or clean these caches any more; those in use follow when they are released. */
void pager_mapper_gone(KnUniqueId port)
{
    struct vm *vm = &site_self()->vm;
    struct mapper *mapper;
    struct cache *cache;

    LIST_FOR_EACH_SAFE(mapper, &vm->pager.mappers, link) {
        if (!ui_equal(mapper->port, port))
            continue;
        mapper->gone = true;
        forget_if_idle(mapper);
    }
    LIST_FOR_EACH_SAFE(cache, &vm->caches.idle, queue) {
        if (cache->mapper != NULL && cache->mapper->gone)
            cache_unname(cache);
    }
}

/* ---- Requests ---------------------------------------------------------------------------- */

static void request_timeout(struct timer *timer)
{
    struct pager_request *request = container_of(timer, struct pager_request, timeout);

    site_self()->vm.pager.transport->cancel(request);
    pager_answer(request, K_ETIMEOUT, NULL, NULL, 0);
}

static struct pager_request *request_create(struct cache *cache, enum pager_kind kind,
                                            uint64_t index)
{
    struct pager_request *request = slab_allocate(&site_self()->vm.pager.request_pool);

    if (request == NULL)
        return NULL;
    cache_hold(cache);
    request->cache = cache;
    request->kind = kind;
    request->index = index;
    request->pages = 1;
    wait_queue_init(&request->waiting);
    timer_init(&request->timeout, request_timeout);
    list_init(&request->link);
    return request;
}

static void request_free(struct pager_request *request)
{
    struct pager *pager = &site_self()->vm.pager;

    if (list_is_linked(&request->link))
        list_remove(&request->link);
    timer_cancel(&request->timeout);
    cache_release(request->cache);
    slab_free(&pager->request_pool, request);
}

/* Sends what was prepared. On an error nothing was sent and the request is as before. */
static KnResult request_send(struct pager_request *request, KnMpService service, uint32_t access,
                             uint32_t required_pages)
{
    struct pager *pager = &site_self()->vm.pager;
    struct cache *cache = request->cache;
    KnMpRequest annex = {
        .mpService = (uint32_t)service,
        .mpAccess = access,
        .mpSegment = cache->segment.key,
        .mpCache = {cache->name.ui, cache->key},
        .mpOffset = request->index << MACHINE_PAGE_SHIFT,
        .mpBytes = (uint64_t)request->pages << MACHINE_PAGE_SHIFT,
        .mpRequiredOffset = request->index << MACHINE_PAGE_SHIFT,
        .mpRequiredBytes = (uint64_t)required_pages << MACHINE_PAGE_SHIFT,
        .mpEnd = cache->end,
    };
    KnResult status = pager->transport->send(request, cache->mapper->port, &annex);

    if (status == K_EUNKNOWN)
        cache->mapper->gone = true;
    if (status != K_OK)
        return status == K_ENOMEM ? status : K_EMAPPER;
    list_add_tail(&pager->requests, &request->link);
    timer_set(&request->timeout, clock_now_ns() + cache->mapper->answer_ns);
    return K_OK;
}

KnResult pager_wait(struct pager_request *request)
{
    KnResult status = thread_wait(&request->waiting, TIMER_NEVER, true);

    return status == K_OK ? STATUS_AGAIN : status;
}

/* Starts a request that needs no preparation, or joins one of its kind. */
static KnResult ask(struct cache *cache, enum pager_kind kind, KnMpService service, uint64_t index,
                    uint32_t pages)
{
    struct pager_request *request;
    KnResult status;

    LIST_FOR_EACH(request, &site_self()->vm.pager.requests, link) {
        if (request->cache == cache && request->kind == kind &&
            index - request->index < request->pages)
            return pager_wait(request);
    }
    request = request_create(cache, kind, index);
    if (request == NULL)
        return K_ENOMEM;
    request->pages = pages;
    status = request_send(request, service, kind == PAGER_ACCESS ? K_WRITABLE : K_READABLE, 1);
    if (status != K_OK) {
        request_free(request);
        return status;
    }
    return pager_wait(request);
}

KnResult pager_open(struct cache *cache)
{
    return ask(cache, PAGER_OPEN, KN_MPOPEN, 0, 1);
}

KnResult pager_access(struct cache *cache, uint64_t index)
{
    return ask(cache, PAGER_ACCESS, KN_MPGETACCESS, index, PAGER_CLUSTER);
}

/* ---- Pull-in ----------------------------------------------------------------------------- */

static void clear_pull_slots(struct pager_request *request)
{
    struct radix *pages = &request->cache->pages;

    for (uint32_t i = 0; i < request->pages; i++) {
        if (radix_get(pages, request->index + i) == slot_of_pull(request))
            radix_clear(pages, request->index + i);
    }
}

/* How many pages may be asked for. There are frames for them before they are: else mappers would
 * use up the reserve, or wait with data in their hands for memory that only they can make. */
static uint32_t room_for_pull(void)
{
    const struct vm *vm = &site_self()->vm;
    uint32_t kept = vm->frames.reserve + vm->pager.pulling;

    while (vm->frames.free_count < kept + PAGER_CLUSTER && caches_replace())
        ;
    return vm->frames.free_count <= kept ? 0 : MIN(vm->frames.free_count - kept, PAGER_CLUSTER);
}

KnResult pager_pull(struct cache *cache, uint64_t index, bool write)
{
    uint64_t end_page = DIV_ROUND_UP(cache->end, PAGE_BYTES);
    uint32_t room = room_for_pull();
    struct pager_request *request;
    KnResult status;

    if (room == 0)
        return frame_shortage();
    request = request_create(cache, PAGER_PULL, index);
    if (request == NULL)
        return K_ENOMEM;
    request->pages = 0;
    while (request->pages < room && index + request->pages < end_page) {
        if (radix_get(&cache->pages, index + request->pages) != NULL ||
            !radix_set(&cache->pages, index + request->pages, slot_of_pull(request)))
            break;
        request->pages++;
    }
    status = request->pages == 0
                 ? K_ENOMEM
                 : request_send(request, KN_MPPULLIN, write ? K_WRITABLE : K_READABLE, 1);
    if (status != K_OK) {
        clear_pull_slots(request);
        request_free(request);
        return status;
    }
    site_self()->vm.pager.pulling += request->pages;
    return pager_wait(request);
}

/* Page `i` of a pull takes frame `body` (NULL: the mapper sent no data for it: zero). */
static void fill_page(struct pager_request *request, uint32_t i, struct frame **body, bool writable)
{
    struct cache *cache = request->cache;
    uint64_t index = request->index + i;

    if (radix_get(&cache->pages, index) != slot_of_pull(request))
        return;
    radix_clear(&cache->pages, index);
    if (body == NULL || *body == NULL) {
        /* if that fails, who needs the page asks again */
        (void)radix_set(&cache->pages, index, SLOT_ZERO);
        return;
    }
    struct frame *frame = *body;

    list_remove(&frame->link);
    *body = NULL;
    frame->use = FRAME_CACHE;
    frame->writable = writable;
    if (cache_insert(cache, index, frame) != K_OK)
        frame_free(frame); /* no memory for the map: who needs the page asks again */
}

static KnResult answer_pull(struct pager_request *request, const KnMpReply *reply,
                            struct frame **body, uint32_t body_pages)
{
    uint64_t asked = request->index << MACHINE_PAGE_SHIFT;
    uint64_t covered = reply->mpBytes >> MACHINE_PAGE_SHIFT;

    if (reply->mpOffset != asked || covered == 0)
        return K_EMAPPER;
    for (uint32_t i = 0; i < request->pages && i < covered; i++)
        fill_page(request, i, i < body_pages ? &body[i] : NULL,
                  (reply->mpAccess & K_WRITABLE) != 0);
    return K_OK;
}

/* ---- Access ------------------------------------------------------------------------------ */

static KnResult answer_access(struct pager_request *request, const KnMpReply *reply)
{
    struct cache *cache = request->cache;
    uint64_t first = reply->mpOffset >> MACHINE_PAGE_SHIFT;
    uint64_t limit = first + (reply->mpBytes >> MACHINE_PAGE_SHIFT);

    if ((reply->mpAccess & K_WRITABLE) == 0)
        return K_EPROT;
    if (first > request->index || limit <= request->index)
        return K_EMAPPER;
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

/* ---- Push-out ---------------------------------------------------------------------------- */

static bool may_push(const struct frame *frame)
{
    return frame->dirty && !frame->busy && frame->pins == 0;
}

bool pager_push_start(struct frame *frame)
{
    struct cache *cache = frame->cache;
    struct pager_request *request = request_create(cache, PAGER_PUSH, frame->index);
    uint32_t count = 0;

    if (request == NULL)
        return false;
    for (; count < PAGER_CLUSTER; count++) {
        struct frame *next = radix_get(&cache->pages, request->index + count);

        if (!slot_is_frame(next) || !may_push(next))
            break;
        frame_make_unreplaceable(next);
        next->busy = true;
        next->push = request;
        next->pins++;
        request->frame[count] = next;
    }
    request->pages = count;
    cache_write_protect(cache, request->index, request->index + count);
    if (request_send(request, KN_MPPUSHOUT, K_READABLE, count) != K_OK) {
        for (uint32_t i = 0; i < count; i++) {
            request->frame[i]->busy = false;
            request->frame[i]->pins--;
            frame_make_replaceable(request->frame[i]);
        }
        request_free(request);
        return false;
    }
    site_self()->vm.pager.pushes++;
    return true;
}

static void answer_push(struct pager_request *request, KnResult status)
{
    struct vm *vm = &site_self()->vm;

    for (uint32_t i = 0; i < request->pages; i++) {
        struct frame *frame = request->frame[i];

        ASSERT(frame->busy && frame->push == request && frame->pins > 0);
        frame->busy = false;
        frame->push = NULL;
        frame->pins--;
        if (status == K_OK)
            frame_set_dirty(frame, false);
        frame_make_replaceable(frame);
    }
    vm->pager.pushes--;
    /* Clean pages are as good as free ones to who waits for memory. A mapper that takes none,
     * and no other at work, makes the wait vain. */
    bool in_vain = status != K_OK && vm->pager.pushes == 0;

    wait_queue_wake_all(&vm->frames.pagers, K_OK);
    wait_queue_wake_all(&vm->frames.waiting, in_vain ? K_ENOMEM : K_OK);
}

/* ---- Answers ----------------------------------------------------------------------------- */

static KnResult answer_of_kind(struct pager_request *request, const KnMpReply *reply,
                               struct frame **body, uint32_t body_pages)
{
    switch (request->kind) {
    case PAGER_OPEN:
        request->cache->end = reply->mpEnd;
        request->cache->known = true;
        return K_OK;
    case PAGER_PULL:
        return answer_pull(request, reply, body, body_pages);
    case PAGER_ACCESS:
        return answer_access(request, reply);
    case PAGER_PUSH:
        return K_OK;
    }
    return K_EMAPPER;
}

/* Only errors a mapper may give reach its clients. */
static KnResult diag_of(const KnMpReply *reply)
{
    switch (reply->mpDiag) {
    case K_OK:
    case K_EIO:
    case K_ENOSPC:
    case K_EPROT:
    case K_EEND:
    case K_ENOMEM:
    case K_EUNKNOWN:
        return reply->mpDiag;
    default:
        return K_EMAPPER;
    }
}

void pager_answer(struct pager_request *request, KnResult status, const KnMpReply *reply,
                  struct frame **body, uint32_t body_pages)
{
    if (reply != NULL)
        status = diag_of(reply);
    if (status == K_OK)
        status = answer_of_kind(request, reply, body, body_pages);
    if (request->kind == PAGER_PULL) {
        clear_pull_slots(request);
        ASSERT(site_self()->vm.pager.pulling >= request->pages);
        site_self()->vm.pager.pulling -= request->pages;
    }
    if (request->kind == PAGER_PUSH)
        answer_push(request, status);
    wait_queue_wake_all(&request->waiting, status);
    request_free(request);
}
