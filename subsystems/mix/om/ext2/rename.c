/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming: moving a name, over another one or not, and exchanging two.
 *
 * What happens to the links of the two directories follows from one rule: a directory has a link
 * for each directory directly below it (that one's ".."), so it loses one with each directory that
 * leaves or is replaced, and gains one with each that arrives.
 *
 * I1 A directory never becomes an ancestor of itself: a climb from its new parent to the root must
 *    not meet it. The climb ends even where damage bent the parents into a circle.
 */
#include "subsystems/mix/om/ext2/internal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"

struct renaming {
    struct ext2_inode *from_directory;
    struct ext2_inode *to_directory;
    struct ext2_name from;
    struct ext2_name to;
    bool is_exchange;
    bool is_across; /* the two directories differ */

    struct ext2_inode *source;
    struct ext2_inode *target; /* what has the new name, or NULL */
    struct ext2_slot slot;     /* for the new name where it does not exist */
    struct ext2_dotdot source_dotdot;
    struct ext2_dotdot target_dotdot;
};

/* Climbs from `start` to the root. `*meets` tells whether `wanted` was on the way. */
static int climb(struct fs_operation *op, struct ext2 *fs, struct ext2_climb *climb, uint32_t start,
                 uint32_t wanted, bool *meets)
{
    if (climb->version != fs->shape_version)
        *climb = (struct ext2_climb){.version = fs->shape_version, .at = start, .distance = 1};
    while (climb->at != wanted && climb->at != EXT2_ROOT_INODE) {
        struct ext2_inode *inode = NULL;
        struct ext2_dotdot dotdot = {0};
        int status = ext2_inode_use(op, fs, climb->at, &inode);

        if (status == 0 && !ext2_is_directory(inode))
            status = ext2_damaged(fs, "a directory's parent is not a directory");
        if (status == 0)
            status = ext2_dotdot_find(op, fs, inode, false, &dotdot);
        if (inode != NULL)
            ext2_inode_unuse(op, fs, inode);
        if (status != 0)
            return status;
        climb->at = dotdot.parent;
        if (climb->at == climb->mark)
            return ext2_damaged(fs, "directories form a circle");
        if (++climb->steps == climb->distance) {
            climb->mark = climb->at;
            climb->steps = 0;
            climb->distance *= 2;
        }
    }
    *meets = climb->at == wanted;
    return 0;
}

/* Refuses to move `moved` below itself, to where `new_parent` is. */
static int check_subtree(struct fs_operation *op, struct ext2 *fs, struct ext2_climb *state,
                         const struct ext2_inode *moved, const struct ext2_inode *new_parent)
{
    bool meets = false;
    int status;

    if (!ext2_is_directory(moved))
        return 0;
    status = climb(op, fs, state, new_parent->number, moved->number, &meets);
    return status == 0 && meets ? -EINVAL : status;
}

/* Finds both names and what they stand for. */
static int find_both(struct fs_operation *op, struct ext2 *fs, struct renaming *renaming)
{
    bool wants_room = !renaming->is_exchange;
    int status =
        ext2_scan_name(op, fs, &op->scan[0], renaming->from_directory, renaming->from, false);

    if (status == 0 && op->scan[0].inode == 0)
        status = -ENOENT;
    if (status == 0)
        status = ext2_inode_use(op, fs, op->scan[0].inode, &renaming->source);
    if (status == 0)
        status =
            ext2_scan_name(op, fs, &op->scan[1], renaming->to_directory, renaming->to, wants_room);
    if (status == 0 && op->scan[1].inode != 0)
        status = ext2_inode_use(op, fs, op->scan[1].inode, &renaming->target);
    return status;
}

static bool is_fixed(const struct ext2_inode *inode)
{
    return (inode->flags & (EXT2_FLAG_IMMUTABLE | EXT2_FLAG_APPEND)) != 0;
}

/* Checks the move of one directory from `old_parent` below `new_parent`, which loses `replaced`. */
static int check_parents(struct ext2 *fs, const struct ext2_inode *moved,
                         const struct ext2_inode *replaced, const struct ext2_inode *old_parent,
                         const struct ext2_inode *new_parent)
{
    bool gains = replaced == NULL || !ext2_is_directory(replaced);

    if (!ext2_is_directory(moved))
        return 0;
    if (moved == old_parent || moved == new_parent || moved->number == EXT2_ROOT_INODE ||
        old_parent->links < 3)
        return ext2_damaged(fs, "a directory's number of links is wrong");
    return gains && new_parent->links >= EXT2_LINKS_MAX ? -EMLINK : 0;
}

static int check_move(struct fs_operation *op, struct ext2 *fs, struct renaming *renaming)
{
    const struct ext2_inode *source = renaming->source;
    struct ext2_inode *target = renaming->target;
    int status = 0;

    if (is_fixed(source) || (target != NULL && is_fixed(target)))
        return -EPERM;
    if (target != NULL && (renaming->to_directory->flags & EXT2_FLAG_APPEND) != 0)
        return -EPERM;
    if (renaming->is_across)
        status = check_subtree(op, fs, &op->climb[0], source, renaming->to_directory);
    if (status == 0 && renaming->is_across && renaming->is_exchange)
        status = check_subtree(op, fs, &op->climb[1], target, renaming->from_directory);
    if (status == 0 && target != NULL && !renaming->is_exchange) {
        if (ext2_is_directory(source))
            status = ext2_removal_check(op, fs, renaming->to_directory, target, &op->scan[2]);
        else if (ext2_is_directory(target))
            status = -EISDIR;
    }
    if (status == 0 && renaming->is_across)
        status =
            check_parents(fs, source, target, renaming->from_directory, renaming->to_directory);
    if (status == 0 && renaming->is_across && renaming->is_exchange)
        status =
            check_parents(fs, target, source, renaming->to_directory, renaming->from_directory);
    return status;
}

/* Keeps the ".." of a directory that gets another parent. */
static int keep_dotdot(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *moved,
                       struct ext2_dotdot *dotdot)
{
    return ext2_is_directory(moved) ? ext2_dotdot_find(op, fs, moved, true, dotdot) : 0;
}

static int keep_all(struct fs_operation *op, struct ext2 *fs, struct renaming *renaming)
{
    int status = ext2_scan_keep(op, fs, &op->scan[0], renaming->from);

    if (status == 0 && renaming->target != NULL)
        status = ext2_scan_keep(op, fs, &op->scan[1], renaming->to);
    else if (status == 0)
        status = ext2_slot_plan(op, fs, renaming->to_directory, &op->scan[1], renaming->to,
                                &renaming->slot);
    if (status == 0 && renaming->is_across)
        status = keep_dotdot(op, fs, renaming->source, &renaming->source_dotdot);
    if (status == 0 && renaming->is_across && renaming->is_exchange)
        status = keep_dotdot(op, fs, renaming->target, &renaming->target_dotdot);
    if (status == 0)
        status = ext2_inode_keep(op, fs, renaming->from_directory);
    if (status == 0)
        status = ext2_inode_keep(op, fs, renaming->to_directory);
    if (status == 0)
        status = ext2_inode_keep(op, fs, renaming->source);
    if (status == 0 && renaming->target != NULL)
        status = ext2_inode_keep(op, fs, renaming->target);
    return status;
}

/* Makes `new_parent` the parent of a moved inode, if it is a directory. */
static void apply_parent(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *moved,
                         const struct ext2_dotdot *dotdot, struct ext2_inode *old_parent,
                         struct ext2_inode *new_parent)
{
    if (!ext2_is_directory(moved))
        return;
    ext2_entry_redirect(op, fs, dotdot->disk_block, dotdot->offset, new_parent);
    moved->contents_version = ++fs->stamp;
    old_parent->links--;
    new_parent->links++;
    fs->shape_version = ++fs->stamp;
}

static void apply(struct fs_operation *op, struct ext2 *fs, struct renaming *renaming)
{
    struct ext2_inode *source = renaming->source;
    struct ext2_inode *target = renaming->target;

    fs_operation_commit(op);
    ext2_blocks_take(op, fs);
    if (target != NULL)
        ext2_entry_redirect(op, fs, op->scan[1].disk_block, op->scan[1].offset, source);
    else
        ext2_slot_apply(op, fs, renaming->to_directory, &renaming->slot, renaming->to, source);
    if (renaming->is_exchange)
        ext2_entry_redirect(op, fs, op->scan[0].disk_block, op->scan[0].offset, target);
    else
        ext2_entry_remove(op, &op->scan[0]);
    if (renaming->is_across)
        apply_parent(op, fs, source, &renaming->source_dotdot, renaming->from_directory,
                     renaming->to_directory);
    if (renaming->is_across && renaming->is_exchange)
        apply_parent(op, fs, target, &renaming->target_dotdot, renaming->to_directory,
                     renaming->from_directory);
    source->change_time = op->now;
    ext2_inode_store(op, fs, source);
    if (renaming->is_exchange) {
        target->change_time = op->now;
        ext2_inode_store(op, fs, target);
    } else if (target != NULL) {
        if (ext2_is_directory(target))
            renaming->to_directory->links--;
        ext2_links_drop(op, fs, target);
    }
    ext2_directory_touch(op, fs, renaming->from_directory);
    ext2_directory_touch(op, fs, renaming->to_directory);
}

static int check_arguments(const struct renaming *renaming, uint32_t flags)
{
    uint32_t known = EXT2_RENAME_NOREPLACE | EXT2_RENAME_EXCHANGE;
    int status;

    if ((flags & ~known) != 0 || flags == known)
        return -EINVAL;
    status = ext2_name_check(renaming->from);
    if (status == 0)
        status = ext2_name_check(renaming->to);
    if (status == 0)
        status = ext2_directory_check(renaming->from_directory, true);
    if (status == 0)
        status = ext2_directory_check(renaming->to_directory, false);
    if (status == 0 && ext2_name_is_dots(renaming->from))
        status = -EBUSY;
    if (status == 0 && ext2_name_is_dots(renaming->to))
        status = flags & EXT2_RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    return status;
}

int ext2_rename(struct fs_operation *op, struct ext2 *fs, struct ext2_inode *from_directory,
                struct ext2_name from, struct ext2_inode *to_directory, struct ext2_name to,
                uint32_t flags)
{
    struct renaming renaming = {
        .from_directory = from_directory,
        .to_directory = to_directory,
        .from = from,
        .to = to,
        .is_exchange = (flags & EXT2_RENAME_EXCHANGE) != 0,
        .is_across = from_directory != to_directory,
    };
    int status = ext2_enter(op, fs, true);

    if (status == 0)
        status = check_arguments(&renaming, flags);
    if (status == 0)
        status = find_both(op, fs, &renaming);
    if (status == 0 && renaming.target != NULL && (flags & EXT2_RENAME_NOREPLACE))
        status = -EEXIST;
    if (status == 0 && renaming.target == NULL && renaming.is_exchange)
        status = -ENOENT;
    if (status == 0 && renaming.source == renaming.target)
        return ext2_leave(op, fs, 0);
    if (status == 0)
        status = check_move(op, fs, &renaming);
    if (status == 0)
        status = keep_all(op, fs, &renaming);
    if (status == 0)
        apply(op, fs, &renaming);
    return ext2_leave(op, fs, status);
}
