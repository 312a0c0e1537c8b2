/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol's operations as functions of the server's table: keys become nodes, results become
 * the wire's.
 */
#include "subsystems/mix/om/serve.h"

#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/operations.h"

/* ---- Between the wire and the operations ----------------------------------------------------- */

static KnResult result_of(int status)
{
    return status == 0 ? K_OK : idl_errno(-status);
}

/* That a path leaves OM is a result like others. */
static KnResult remote_result(int status, const struct remote *remote, uint32_t *mount)
{
    if (status != -EREMOTE)
        return result_of(status);
    *mount = remote->mount;
    return K_OK;
}

/* A key that is none gives no node: the walk refuses it where it needs one. */
static struct where where_begin(struct om *om, uint64_t root, uint64_t directory, struct name path)
{
    return (struct where){.root = key_node(&om->keys, root),
                          .directory = key_node(&om->keys, directory),
                          .path = path};
}

static void where_end(struct where *where)
{
    node_drop(where->root);
    node_drop(where->directory);
}

/* Every request with a path has these fields. */
#define CALLER(in)                           \
    ((struct caller){.uid = (in)->who.uid,   \
                     .gid = (in)->who.gid,   \
                     .groups = (in)->groups, \
                     .group_count = (in)->groups_bytes / (uint32_t)sizeof(uint32_t)})
#define PATH(in, field) ((struct name){(in)->field, (in)->field##_bytes})
#define WHERE(om, in)                                                                  \
    struct where where = where_begin(om, (in)->root, (in)->directory, PATH(in, path)); \
    where.caller = CALLER(in)
#define OLD_WHERE(om, in)                                                                    \
    struct where old = where_begin(om, (in)->root, (in)->old_directory, PATH(in, old_path)); \
    old.caller = CALLER(in)
#define REMOTE(out) struct remote remote = {.rest = (out)->rest, .rest_room = (out)->rest_room}

/* ---- Keys ------------------------------------------------------------------------------------ */

static KnResult serve_root(void *server, const struct idl_context *context, struct om_root_out *out)
{
    struct om *om = server;
    int status;

    (void)context;
    node_hold(om->root);
    status = key_create(&om->keys, om->root, KEY_LOOKS, &out->key);
    if (status != 0)
        node_drop(om->root);
    return result_of(status);
}

static KnResult serve_open(void *server, const struct idl_context *context,
                           const struct om_open_in *in, struct om_open_out *out)
{
    struct opened opened = {0};
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_open(om, &where, in->flags, in->mode, &opened, &remote);
    where_end(&where);
    if (status == 0) {
        out->key = opened.key;
        out->segment = opened.segment;
        out->attr = opened.attr;
    }
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_close(void *server, const struct idl_context *context,
                            const struct om_close_in *in)
{
    struct om *om = server;

    (void)context;
    return result_of(key_close(&om->keys, in->key));
}

static KnResult serve_hold(void *server, const struct idl_context *context,
                           const struct om_hold_in *in)
{
    struct om *om = server;

    (void)context;
    return result_of(key_hold(&om->keys, in->key));
}

static KnResult serve_fsync(void *server, const struct idl_context *context,
                            const struct om_fsync_in *in)
{
    struct om *om = server;
    struct node *node = key_node(&om->keys, in->key);
    int status = node == NULL ? -EBADF : node->fs->operations->sync_node(node);

    (void)context;
    node_drop(node);
    return result_of(status);
}

static KnResult serve_readdir(void *server, const struct idl_context *context,
                              const struct om_readdir_in *in, struct om_readdir_out *out)
{
    struct om *om = server;
    struct node *node = key_node(&om->keys, in->key);
    int status = -EBADF;

    (void)context;
    out->next = in->cursor;
    if (node != NULL)
        status = directory_list(om, node, &out->next, out->entries,
                                MIN(in->room, out->entries_room), &out->entries_bytes);
    node_drop(node);
    return result_of(status);
}

static KnResult serve_path(void *server, const struct idl_context *context,
                           const struct om_path_in *in, struct om_path_out *out)
{
    struct om *om = server;
    struct node *root = key_node(&om->keys, in->root);
    struct node *node = key_node(&om->keys, in->key);
    int status = -EBADF;

    (void)context;
    if (root != NULL && node != NULL)
        status = walk_back(om, root, node, out->path, out->path_room);
    node_drop(root);
    node_drop(node);
    return result_of(status);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static KnResult serve_stat(void *server, const struct idl_context *context,
                           const struct om_stat_in *in, struct om_stat_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_stat(om, &where, in->flags, &out->attr, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_access(void *server, const struct idl_context *context,
                             const struct om_access_in *in, struct om_access_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_access(om, &where, in->flags, in->mode, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_setattr(void *server, const struct idl_context *context,
                              const struct om_setattr_in *in, struct om_setattr_out *out)
{
    struct om *om = server;
    struct fs_change change = {.set = in->set,
                               .mode = in->mode,
                               .uid = in->uid,
                               .gid = in->gid,
                               .size = in->size,
                               .atime = {in->atime_s, in->atime_ns},
                               .mtime = {in->mtime_s, in->mtime_ns}};
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_setattr(om, &where, in->flags, &change, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_readlink(void *server, const struct idl_context *context,
                               const struct om_readlink_in *in, struct om_readlink_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_readlink(om, &where, out->target, out->target_room, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_statfs(void *server, const struct idl_context *context,
                             const struct om_statfs_in *in, struct om_statfs_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_statfs(om, &where, &out->volume, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static KnResult serve_mknod(void *server, const struct idl_context *context,
                            const struct om_mknod_in *in, struct om_mknod_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_mknod(om, &where, in->mode, in->rdev, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_mkdir(void *server, const struct idl_context *context,
                            const struct om_mkdir_in *in, struct om_mkdir_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_mkdir(om, &where, in->mode, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_symlink(void *server, const struct idl_context *context,
                              const struct om_symlink_in *in, struct om_symlink_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_symlink(om, &where, PATH(in, target), &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_unlink(void *server, const struct idl_context *context,
                             const struct om_unlink_in *in, struct om_unlink_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_unlink(om, &where, in->directory_wanted != 0, &remote);
    where_end(&where);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_link(void *server, const struct idl_context *context,
                           const struct om_link_in *in, struct om_link_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    OLD_WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_link(om, &old, &where, in->flags, &remote);
    where_end(&where);
    where_end(&old);
    return remote_result(status, &remote, &out->mount);
}

static KnResult serve_rename(void *server, const struct idl_context *context,
                             const struct om_rename_in *in, struct om_rename_out *out)
{
    struct om *om = server;
    int status;
    WHERE(om, in);
    OLD_WHERE(om, in);
    REMOTE(out);

    (void)context;
    status = path_rename(om, &old, &where, in->flags, &remote);
    where_end(&where);
    where_end(&old);
    return remote_result(status, &remote, &out->mount);
}

/* ---- File systems ---------------------------------------------------------------------------- */

static KnResult serve_mount(void *server, const struct idl_context *context,
                            const struct om_mount_in *in, struct om_mount_out *out)
{
    struct om *om = server;
    struct where where = where_begin(om, in->root, in->directory, PATH(in, path));
    int status = path_mount(om, &where, in->source, in->type, in->flags, &out->mount);

    (void)context;
    where_end(&where);
    return result_of(status);
}

static KnResult serve_umount(void *server, const struct idl_context *context,
                             const struct om_umount_in *in)
{
    struct om *om = server;
    struct where where = where_begin(om, in->root, in->directory, PATH(in, path));
    int status = path_umount(om, &where);

    (void)context;
    where_end(&where);
    return result_of(status);
}

static KnResult serve_mounts(void *server, const struct idl_context *context,
                             struct om_mounts_out *out)
{
    (void)context;
    return result_of(mounts_tell(server, out->text, out->text_room, &out->text_bytes));
}

static KnResult serve_sync(void *server, const struct idl_context *context)
{
    (void)context;
    return result_of(mounts_sync(server));
}

const struct om_server_ops om_ops = {
    .root = serve_root,
    .open = serve_open,
    .close = serve_close,
    .hold = serve_hold,
    .stat = serve_stat,
    .access = serve_access,
    .setattr = serve_setattr,
    .readlink = serve_readlink,
    .readdir = serve_readdir,
    .mknod = serve_mknod,
    .mkdir = serve_mkdir,
    .symlink = serve_symlink,
    .link = serve_link,
    .unlink = serve_unlink,
    .rename = serve_rename,
    .path = serve_path,
    .statfs = serve_statfs,
    .fsync = serve_fsync,
    .sync = serve_sync,
    .mount = serve_mount,
    .umount = serve_umount,
    .mounts = serve_mounts,
};
