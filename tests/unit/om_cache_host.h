/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests may do to the fake of local caches in om_cache_host.c. */
#ifndef TESTS_UNIT_OM_CACHE_HOST_H
#define TESTS_UNIT_OM_CACHE_HOST_H

#include "tests/unit/om_host.h"

#include "chorus/mapper.h"
#include "kit/random.h"

struct host_cache {
    KnUniqueId port; /* segments with this are the mapper's */
    void (*serve)(const KnMpRequest *request, uint8_t *body, uint32_t request_bytes,
                  KnMpReply *reply, uint32_t *reply_bytes);
    struct random *restless;          /* NULL: pages stay */
    uint64_t requests[KN_MPOPEN + 1]; /* so far, by KnMpService */
};

extern struct host_cache host_cache;

/* Writes behind the end of a segment, as a mapping may, in its last page. */
void host_cache_scribble(const KnCap *segment, uint64_t from);

/* Forgets every cache, as a site's end does. */
void host_cache_reset(void);

#endif
