/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OM's start: the root file system, as the launch record or else the composition wants it, and the
 * mounts that every root has.
 */
#ifndef OM_START_H
#define OM_START_H

#include "subsystems/mix/om/archive.h"
#include "subsystems/mix/om/om.h"

/* `archive` is OM's for reading; it belongs to the root file system afterwards. An error was
 * told to the log. */
int start_mounts(struct om *om, struct archive *archive);

#endif
