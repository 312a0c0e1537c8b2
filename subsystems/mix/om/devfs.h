/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev: a tmpfs that is filled with device nodes of Linux' numbers. Here they are names and numbers
 * only: PM and STM do what they stand for.
 */
#ifndef OM_DEVFS_H
#define OM_DEVFS_H

#include "subsystems/mix/om/om.h"

/* NULL: no memory. */
struct fs *devfs_create(struct om *om);

#endif
