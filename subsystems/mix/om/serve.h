/* SPDX-License-Identifier: BSD-2-Clause */
/* OM's table of operations for lib/server; its server is a struct om. */
#ifndef OM_SERVE_H
#define OM_SERVE_H

#include "idl/om.h"

extern const struct om_server_ops om_ops;

#endif
