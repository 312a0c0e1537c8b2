/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapper protocol: what the Nucleus asks of the server that holds a segment's data, by ipcCall
 * to the port in the segment's capability. Request and reply travel in the annex, data in the body.
 * Offsets and sizes are bytes; ranges are whole pages of the asking site.
 *
 * The reply must cover what was required and may cover what was asked. For MpPullIn a body shorter
 * than the range reads as zero to its end (mpFlags without data: all zero, a hole). mpEnd is the
 * segment's end.
 */
#ifndef CHORUS_MAPPER_H
#define CHORUS_MAPPER_H

#include "chorus/types.h"

typedef enum {
    KN_MPCREATE = 1,
    KN_MPRELEASE = 2,
    KN_MPGETACCESS = 3,
    KN_MPPULLIN = 4,
    KN_MPPUSHOUT = 5,
    KN_MPOPEN = 6, /* ours: the first use of a segment on a site; the reply tells its end */
} KnMpService;

typedef struct {
    uint32_t mpService; /* KnMpService */
    uint32_t mpAccess;  /* K_READABLE or K_WRITABLE wanted */
    KnKey mpSegment;    /* the mapper's own key */
    KnCap mpCache;      /* capability of the asking local cache */
    uint64_t mpOffset;  /* would like this range ... */
    uint64_t mpBytes;
    uint64_t mpRequiredOffset; /* ... needs at least this one */
    uint64_t mpRequiredBytes;
    uint64_t mpEnd; /* the segment's end as this site knows it */
} KnMpRequest;

typedef struct {
    int32_t mpDiag;    /* 0, or the negative K_E* the client gets */
    uint32_t mpAccess; /* granted */
    uint64_t mpOffset; /* range answered for */
    uint64_t mpBytes;
    uint64_t mpEnd;
    KnCap mpSegment; /* MpCreate: the new segment */
    uint32_t mpFlags;
} KnMpReply;

_Static_assert(sizeof(KnMpRequest) <= K_CMSGANNEXSIZE, "fits the annex");
_Static_assert(sizeof(KnMpReply) <= K_CMSGANNEXSIZE, "fits the annex");

#endif
