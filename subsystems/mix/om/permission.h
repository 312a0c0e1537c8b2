/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: UNIX permission bits, judged for the caller that each request names. User 0 may
 * all but run what nobody may run. Functions return 0, -EACCES or -EPERM.
 */
#ifndef OM_PERMISSION_H
#define OM_PERMISSION_H

#include <stdbool.h>

#include "subsystems/mix/om/fs.h"

#define MAY_EXECUTE 1u /* of directories: search */
#define MAY_WRITE 2u
#define MAY_READ 4u

struct caller {
    uint32_t uid;
    uint32_t gid;
    const uint8_t *groups; /* further ones, 4 bytes each, least significant first */
    uint32_t group_count;
};

bool caller_in_group(const struct caller *caller, uint32_t gid);

/* Whether all of `wanted`, a sum of MAY_*, is granted. */
int permission_check(const struct caller *caller, const struct fs_owner *owner, uint32_t wanted);
int permission_check_node(const struct caller *caller, struct node *node, uint32_t wanted);

/* Whether the caller is as good as the owner: -EPERM. */
int permission_check_owner(const struct caller *caller, const struct fs_owner *owner);

/* Whether a name of `victim` may be taken out of a directory: it must be writable, and if it is
 * sticky the directory or the victim must be the caller's. */
int permission_check_remove(const struct caller *caller, struct node *directory,
                            struct node *victim);

#endif
