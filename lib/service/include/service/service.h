/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the servers of a site find each other, and tell that they are there. Stamps stand in
 * chorus/services.h.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdint.h>

#include "chorus/services.h"
#include "chorus/types.h"
#include "idl/idl.h"

/* Makes the calling actor, which must be trusted, the server that `stamp` names on this site.
 * Returns the local identifier of its port, not enabled. K_EEXIST: there is such a server;
 * K_EPRIV, K_ENOMEM. */
KnResult service_declare(uint64_t stamp);

/* A client of this site's service, as idl_client_init makes it. K_EINVAL: no such stamp. Whether
 * the server is there its first call tells: K_EUNKNOWN. */
KnResult service_client(struct idl_client *client, uint64_t stamp, void *body, uint32_t body_bytes);

/* Tells boot that the calling actor can be used, so that the next one of the composition is
 * started. K_EUNKNOWN: no boot is there, which is no fault where something else starts actors;
 * K_EINVAL: boot is not starting this one. */
KnResult service_ready(void);

#endif
