/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of idl/stm.idl. Their `server` is a struct call. */
#ifndef STM_SERVER_H
#define STM_SERVER_H

#include <stdbool.h>

#include "idl/stm.h"

struct call;

extern const struct stm_server_ops stm_operations;

/* The reply has been sent: what the operation has prepared is done, or undone. */
void call_settle(struct call *call, bool done);

#endif
