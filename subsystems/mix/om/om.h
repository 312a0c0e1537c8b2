/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Object Manager: files and directories of MiX (idl/om.idl).
 *
 *   heap lock signal clock status   what everything stands on
 *   fs                              what a file system is: a table of operations, and nodes
 *   tmpfs* devfs archive unpack     files in memory, and how they come from the system archive
 *   ext2_* medium                   files on a disk; the core that knows the disk is ext2/
 *   mounts namei permission         from a path to a node, for somebody
 *   keys                            what users have open
 *   open attribute change rename directory whole    the operations
 *   serve start main                the server and its start
 *
 * I1 All writable data hangs off struct om.
 * I2 Locks are taken in this order: keys or mounts, change_lock of one file system, its lock, heap.
 */
#ifndef OM_OM_H
#define OM_OM_H

#include "subsystems/mix/om/heap.h"
#include "subsystems/mix/om/keys.h"
#include "subsystems/mix/om/mounts.h"

struct om {
    struct heap heap;
    struct mounts mounts;
    struct node *root; /* of the root file system */
    uint64_t last_device;
    uint64_t last_nameless; /* file that was made without a name */
    struct keys keys;
};

/* A device number for a file system that stands on no device. */
uint64_t om_device_next(struct om *om);

#endif
