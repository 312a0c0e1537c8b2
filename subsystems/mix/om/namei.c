/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/namei.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/om.h"

#define STEP_ON 1 /* inside: the walk is not at its end */

/* ---- Texts ----------------------------------------------------------------------------------- */

static void skip_slashes(struct name *text)
{
    while (text->bytes > 0 && *text->text == '/') {
        text->text++;
        text->bytes--;
    }
}

static void text_pop(struct walk *walk)
{
    struct walk_text *text = &walk->text[--walk->depth];

    heap_free(&walk->om->heap, text->owned, PATH_MAX);
}

/* The next component; false: there is none. */
static bool component_next(struct walk *walk, struct name *component)
{
    while (walk->depth > 0) {
        struct name *left = &walk->text[walk->depth - 1].left;
        uint32_t bytes = 0;

        skip_slashes(left);
        while (bytes < left->bytes && left->text[bytes] != '/')
            bytes++;
        if (bytes > 0) {
            *component = (struct name){left->text, bytes};
            left->text += bytes;
            left->bytes -= bytes;
            return true;
        }
        text_pop(walk);
    }
    return false;
}

/* Whether no component follows; has_slash tells if slashes do. The texts stay, for the last name
 * is in one. */
static bool is_last(struct walk *walk)
{
    walk->has_slash = false;
    for (uint32_t i = walk->depth; i > 0; i--) {
        struct name left = walk->text[i - 1].left;

        walk->has_slash |= left.bytes > 0;
        skip_slashes(&left);
        if (left.bytes > 0)
            return false;
    }
    return true;
}

static bool is_dot(struct name name)
{
    return name.bytes == 1 && name.text[0] == '.';
}

static bool is_dotdot(struct name name)
{
    return name.bytes == 2 && name.text[0] == '.' && name.text[1] == '.';
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Goes to a directory, whose hold becomes the walk's. */
static void go_to(struct walk *walk, struct node *directory)
{
    node_drop(walk->at);
    walk->at = directory;
}

int walk_up(struct om *om, struct node *root, struct node *directory, struct node **parent)
{
    char name[NAME_MAX + 1];

    if (directory != root && directory != directory->fs->root)
        return directory->fs->operations->parent(directory, parent);
    if (directory == root || !mount_place(&om->mounts, directory->fs, parent, name)) {
        node_hold(directory);
        *parent = directory;
    }
    return 0;
}

/* The text of a symbolic link comes before what is left. */
static int follow(struct walk *walk, struct node *link)
{
    uint32_t bytes = 0;
    char *target;
    int status;

    if (walk->links++ >= WALK_LINKS_MAX)
        return -ELOOP;
    target = heap_allocate(&walk->om->heap, PATH_MAX);
    if (target == NULL)
        return -ENOMEM;
    status = link->fs->operations->readlink(link, target, PATH_MAX, &bytes);
    if (status == 0 && bytes == 0)
        status = -ENOENT;
    if (status == 0 && bytes >= PATH_MAX)
        status = -ENAMETOOLONG;
    if (status != 0) {
        heap_free(&walk->om->heap, target, PATH_MAX);
        return status;
    }
    ASSERT(walk->depth < ARRAY_SIZE(walk->text));
    walk->text[walk->depth++] = (struct walk_text){{target, bytes}, target};
    if (target[0] == '/') {
        node_hold(walk->where->root);
        go_to(walk, walk->where->root);
    }
    return 0;
}

int node_lookup(struct node *directory, struct name name, struct node **child)
{
    if (name.bytes > NAME_MAX)
        return -ENAMETOOLONG;
    return directory->fs->operations->lookup(directory, name, child);
}

static int look(struct walk *walk, struct name name, struct node **child)
{
    if (mount_find(&walk->om->mounts, walk->at, name, child, &walk->mount))
        return *child == NULL ? -EREMOTE : 0;
    return node_lookup(walk->at, name, child);
}

/* The walk's end in its present directory. */
static int end_here(struct walk *walk, enum walk_last kind)
{
    walk->kind = kind;
    walk->node = walk->at;
    walk->at = NULL;
    return 0;
}

/* The walk's end at a name; `node` may be NULL. */
static int end_at(struct walk *walk, struct name name, struct node *node)
{
    walk->kind = WALK_NAME;
    walk->last = name;
    walk->directory = walk->at;
    walk->at = NULL;
    walk->node = node;
    return 0;
}

static int step_dots(struct walk *walk, bool up, bool last)
{
    struct node *parent;
    int status;

    if (up) {
        status = walk_up(walk->om, walk->where->root, walk->at, &parent);
        if (status != 0)
            return status;
        go_to(walk, parent);
    }
    return last ? end_here(walk, up ? WALK_DOTDOT : WALK_DOT) : STEP_ON;
}

static int step_name(struct walk *walk, struct name name, bool last, uint32_t flags)
{
    struct node *child = NULL;
    int status;

    if (last && walk->has_slash && (flags & WALK_FILE) != 0)
        return -EISDIR;
    if (last && (flags & WALK_PARENT) != 0)
        return end_at(walk, name, NULL);
    status = look(walk, name, &child);
    if (status == -ENOENT && last && (flags & WALK_MAY_MISS) != 0)
        return end_at(walk, name, NULL);
    if (status != 0)
        return status;
    if (child->type == S_IFLNK && (!last || walk->has_slash || (flags & WALK_FOLLOW) != 0)) {
        status = follow(walk, child);
        node_drop(child);
        return status == 0 ? STEP_ON : status;
    }
    if (child->type != S_IFDIR && (!last || walk->has_slash)) {
        node_drop(child);
        return -ENOTDIR;
    }
    if (last)
        return end_at(walk, name, child);
    go_to(walk, child);
    return STEP_ON;
}

static int step(struct walk *walk, uint32_t flags)
{
    struct name name;
    int status;

    if (!component_next(walk, &name))
        return end_here(walk, WALK_ROOT);
    if (walk->at->type != S_IFDIR)
        return -ENOTDIR;
    status = permission_check_node(&walk->where->caller, walk->at, MAY_EXECUTE);
    if (status != 0)
        return status;
    bool last = is_last(walk);

    if (is_dot(name) || is_dotdot(name))
        return step_dots(walk, is_dotdot(name), last);
    return step_name(walk, name, last, flags);
}

/* ---- Walks ----------------------------------------------------------------------------------- */

int walk_path(struct walk *walk, struct om *om, const struct where *where, uint32_t flags)
{
    bool is_absolute = where->path.bytes > 0 && where->path.text[0] == '/';
    int status;

    /* The texts, which are most of it, need no zeros. */
    walk->om = om;
    walk->where = where;
    walk->node = walk->directory = NULL;
    walk->last = (struct name){NULL, 0};
    walk->kind = WALK_EMPTY;
    walk->has_slash = false;
    walk->mount = walk->links = walk->depth = 0;
    walk->at = is_absolute ? where->root : where->directory;
    if (where->root == NULL || walk->at == NULL) {
        walk->at = NULL;
        return -EBADF;
    }
    if (where->path.bytes >= PATH_MAX) {
        walk->at = NULL;
        return -ENAMETOOLONG;
    }
    node_hold(walk->at);
    if (where->path.bytes == 0)
        return end_here(walk, WALK_EMPTY);
    walk->text[walk->depth++] = (struct walk_text){where->path, NULL};
    do
        /* each takes a component, of the path or of one of the few links */
        status = step(walk, flags);
    while (status == STEP_ON);
    return status;
}

void walk_end(struct walk *walk)
{
    while (walk->depth > 0)
        text_pop(walk);
    node_drop(walk->at);
    node_drop(walk->node);
    node_drop(walk->directory);
    walk->at = walk->node = walk->directory = NULL;
}

int walk_rest(const struct walk *walk, char *rest, uint32_t room)
{
    uint32_t length = 0;

    for (uint32_t i = walk->depth; i > 0; i--) {
        struct name left = walk->text[i - 1].left;

        if (length == 0)
            skip_slashes(&left);
        if (left.bytes >= room - length)
            return -ENAMETOOLONG;
        memcpy(rest + length, left.text, left.bytes);
        length += left.bytes;
    }
    rest[length] = '\0';
    return 0;
}

bool walk_has_rest(const struct walk *walk)
{
    for (uint32_t i = 0; i < walk->depth; i++) {
        struct name left = walk->text[i].left;

        skip_slashes(&left);
        if (left.bytes > 0)
            return true;
    }
    return false;
}

/* Puts "/name" before what stands at *start. */
static int path_prepend(char *path, uint32_t *start, const char *name)
{
    uint32_t bytes = (uint32_t)strlen(name);

    if (bytes + 1 > *start)
        return -ERANGE;
    *start -= bytes + 1;
    path[*start] = '/';
    for (uint32_t i = 0; i < bytes; i++)
        path[*start + 1 + i] = name[i];
    return 0;
}

/* One step of walk_back: `*at` becomes the directory above. */
static int back_step(struct om *om, struct node **at, char *path, uint32_t *start)
{
    char name[NAME_MAX + 1];
    struct node *above;
    int status = 0;

    if (*at == (*at)->fs->root) {
        if (!mount_place(&om->mounts, (*at)->fs, &above, name))
            return -ENOENT; /* the top, and `root` was not on the way */
    } else {
        status = (*at)->fs->operations->name(*at, name, &above);
    }
    if (status != 0)
        return status;
    node_drop(*at);
    *at = above;
    return path_prepend(path, start, name);
}

int walk_back(struct om *om, struct node *root, struct node *directory, char *path, uint32_t room)
{
    uint32_t start = room - 1;
    struct node *at = directory;
    int status = 0;

    if (directory->type != S_IFDIR)
        return -ENOTDIR;
    path[start] = '\0';
    node_hold(at);
    while (status == 0 && at != root) /* each round needs room in the path */
        status = back_step(om, &at, path, &start);
    node_drop(at);
    if (status == 0 && start == room - 1)
        status = path_prepend(path, &start, "");
    if (status == 0)
        memmove(path, path + start, room - start);
    return status;
}
