/* SPDX-License-Identifier: BSD-2-Clause */
/* The Nucleus' results as MiX's. */
#ifndef OM_STATUS_H
#define OM_STATUS_H

#include "chorus/types.h"

/* 0 for what is not an error. */
int status_errno(KnResult status);

#endif
