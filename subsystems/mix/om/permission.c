/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/permission.h"

#include "kit/endian.h"
#include "mix/errno.h"

#define ANY_EXECUTE 0111u
#define BITS_OF_GROUP 3
#define BITS_OF_OWNER 6

bool caller_in_group(const struct caller *caller, uint32_t gid)
{
    if (caller->gid == gid)
        return true;
    for (uint32_t i = 0; i < caller->group_count; i++) {
        if (le32_load(caller->groups + i * sizeof(uint32_t)) == gid)
            return true;
    }
    return false;
}

/* The first class that the caller is in decides, even if a later one would grant more. */
int permission_check(const struct caller *caller, const struct fs_owner *owner, uint32_t wanted)
{
    uint32_t granted = owner->mode;

    if (caller->uid == 0) {
        bool runs = (owner->mode & S_IFMT) == S_IFDIR || (owner->mode & ANY_EXECUTE) != 0;

        return (wanted & MAY_EXECUTE) == 0 || runs ? 0 : -EACCES;
    }
    if (caller->uid == owner->uid)
        granted >>= BITS_OF_OWNER;
    else if (caller_in_group(caller, owner->gid))
        granted >>= BITS_OF_GROUP;
    return (wanted & ~granted) == 0 ? 0 : -EACCES;
}

int permission_check_node(const struct caller *caller, struct node *node, uint32_t wanted)
{
    struct fs_owner owner;

    node->fs->operations->owner(node, &owner);
    return permission_check(caller, &owner, wanted);
}

int permission_check_owner(const struct caller *caller, const struct fs_owner *owner)
{
    return caller->uid == 0 || caller->uid == owner->uid ? 0 : -EPERM;
}

int permission_check_remove(const struct caller *caller, struct node *directory,
                            struct node *victim)
{
    struct fs_owner above, below;
    int status;

    directory->fs->operations->owner(directory, &above);
    status = permission_check(caller, &above, MAY_WRITE | MAY_EXECUTE);
    if (status != 0 || (above.mode & S_ISVTX) == 0 || permission_check_owner(caller, &above) == 0)
        return status;
    victim->fs->operations->owner(victim, &below);
    return permission_check_owner(caller, &below);
}
