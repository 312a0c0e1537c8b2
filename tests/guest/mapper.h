/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mapper for the cases of segments: a thread of the case with a disk of a few pages, which serves
 * well or fails as it is told.
 */
#ifndef TESTS_GUEST_MAPPER_H
#define TESTS_GUEST_MAPPER_H

#include "chorus/mapper.h"
#include "kit/string.h"
#include "tests/guest/case.h"

#define STACK_BYTES 16384u
#define DISK_PAGES 24u

static inline VmSize page(void)
{
    KnSiteStat stat;

    return siteStat(&stat) == K_OK ? stat.ssPageBytes : 0;
}

static inline VmAddr region(VmSize bytes)
{
    KnRgnDesc desc = {.size = bytes, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};

    return rgnAllocate(K_MYACTOR, &desc) == K_OK ? desc.startAddr : 0;
}

static inline void fill(VmAddr at, VmSize bytes, uint32_t seed)
{
    for (VmSize i = 0; i < bytes; i++)
        mem_store8(at + i, (uint8_t)(i * 7 + (i >> 9) + seed));
}

static inline bool matches(VmAddr at, VmSize bytes, uint32_t seed)
{
    for (VmSize i = 0; i < bytes; i++) {
        if (mem_load8(at + i) != (uint8_t)(i * 7 + (i >> 9) + seed))
            return false;
    }
    return true;
}

static inline bool is_zero(VmAddr at, VmSize bytes)
{
    for (VmSize i = 0; i < bytes; i++) {
        if (mem_load8(at + i) != 0)
            return false;
    }
    return true;
}

/* ---- A mapper -------------------------------------------------------------------------------- */

enum fault { NO_FAULT, FAIL_IO, FAIL_NOSPACE, FAIL_PROTOCOL, FAIL_SILENT, FAIL_DIE, FAIL_DIAG };

struct mapper {
    struct guest *guest;
    KnUniqueId ui;
    int32_t port;
    VmAddr disk; /* region of DISK_PAGES pages */
    VmSize page;
    uint64_t end;
    enum fault fault;
    KnResult diag; /* of FAIL_DIAG */
    uint32_t pulls, pushes, accesses, opens;
    KnCap cache;
    uint32_t stop;
};

static inline void answer(struct mapper *mapper, const KnMpRequest *request, KnMpReply *reply,
                          KnMsgDesc *body)
{
    uint64_t room = mapper->end > request->mpOffset ? mapper->end - request->mpOffset : 0;

    *reply = (KnMpReply){.mpAccess = K_READABLE | request->mpAccess,
                         .mpOffset = request->mpOffset,
                         .mpBytes = request->mpBytes,
                         .mpEnd = mapper->end};
    switch (request->mpService) {
    case KN_MPOPEN:
        mapper->opens++;
        break;
    case KN_MPPULLIN:
        mapper->pulls++;
        body->bodyAddr = mapper->disk + (VmAddr)request->mpOffset;
        body->bodySize = (uint32_t)MIN(request->mpBytes, room);
        if (mapper->fault == FAIL_PROTOCOL)
            reply->mpOffset += mapper->page;
        break;
    case KN_MPGETACCESS:
        mapper->accesses++;
        if (mapper->fault == FAIL_NOSPACE)
            reply->mpDiag = K_ENOSPC;
        break;
    case KN_MPPUSHOUT: {
        KnMsgDesc data = {.bodySize = (uint32_t)request->mpBytes,
                          .bodyAddr = mapper->disk + (VmAddr)request->mpOffset};

        mapper->pushes++;
        if (ipcGetData(&data) < 0)
            reply->mpDiag = K_EIO;
        break;
    }
    default:
        reply->mpDiag = K_ENOTIMP;
    }
    if (mapper->fault == FAIL_IO)
        reply->mpDiag = K_EIO;
    if (mapper->fault == FAIL_DIAG)
        reply->mpDiag = mapper->diag;
}

static inline void mapper_run(uintptr_t argument)
{
    struct mapper *mapper = (struct mapper *)argument;
    char annex[K_CMSGANNEXSIZE], answer_annex[K_CMSGANNEXSIZE];
    KnMsgDesc receive = {.annexAddr = (VmAddr)annex};
    KnCap cap = {mapper->ui, 77};
    int32_t li = mapper->port;

    /* Trusted mappers are on the paging path; others have to do without its reserve. */
    (void)svMapper(&cap, 10000 * GUEST_MS);
    while (mapper->stop == 0 && ipcReceive(&receive, &li, 20000 * (int64_t)GUEST_MS) >= 0) {
        KnMsgDesc reply = {.annexAddr = (VmAddr)answer_annex};
        KnMpRequest request;
        KnMpReply result;

        memcpy(&request, annex, sizeof(request));
        mapper->cache = request.mpCache;
        if (mapper->fault == FAIL_DIE) {
            (void)portDelete(K_MYACTOR, mapper->port);
            break;
        }
        answer(mapper, &request, &result, &reply);
        memcpy(answer_annex, &result, sizeof(result));
        if (mapper->fault == FAIL_SILENT)
            (void)threadDelay(200 * (int64_t)GUEST_MS);
        (void)ipcReply(&reply);
        li = mapper->port;
    }
    mapper->stop = 2;
    thread_finish();
}

static inline bool mapper_start(struct guest *guest, struct mapper *mapper, uint64_t end)
{
    KnThreadLid lid;

    *mapper = (struct mapper){.guest = guest, .page = page(), .end = end};
    mapper->port = (int32_t)portCreate(K_MYACTOR, &mapper->ui);
    mapper->disk = region(DISK_PAGES * page());
    if (!EXPECT(mapper->port > 0 && mapper->disk != 0))
        return false;
    fill(mapper->disk, DISK_PAGES * page(), 1);
    return EXPECT(thread_launch(&lid, mapper_run, (uintptr_t)mapper, STACK_BYTES, NULL) >= 0);
}

static inline KnObjDesc object(const struct mapper *mapper, uint64_t offset, VmSize bytes)
{
    return (KnObjDesc){{mapper->ui, 77}, offset, bytes};
}

/* Invalidates what the site has, so that the next use asks the mapper. */
static inline void forget(struct guest *guest, struct mapper *mapper)
{
    EXPECT_EQ(lcFlush(&mapper->cache, 0, UINT64_MAX, K_FLUSH_NOACCESS), K_OK);
}

#endif
