/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a tmpfs with the files of an archive. Modes, owners, times of change, hard links (data at
 * the first or at the last of the names), symbolic links and device nodes are kept; data stays in
 * the archive until it is wanted.
 */
#ifndef OM_UNPACK_H
#define OM_UNPACK_H

#include "subsystems/mix/om/archive.h"
#include "subsystems/mix/om/fs.h"
#include "subsystems/mix/om/heap.h"

/* -EIO: the archive is damaged; -EINVAL: a name in it leads nowhere; -ENOSPC, -ENOMEM. */
int unpack(struct archive *archive, struct heap *heap, struct fs *fs);

#endif
