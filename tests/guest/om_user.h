/* SPDX-License-Identifier: BSD-2-Clause */
/* What cases with an Object Manager of their own share: starting it, and short ways to its
 * operations. */
#ifndef TESTS_GUEST_OM_USER_H
#define TESTS_GUEST_OM_USER_H

#include "chorus/services.h"
#include "idl/om.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "mix/linux.h"
#include "service/service.h"
#include "tests/guest/case.h"

#define START_BOUND_NS (UINT64_C(5000) * GUEST_MS)
#define BODY_BYTES 1024u
#define REST_BYTES 64u

/* A client of OM, with what its calls need. */
struct user {
    struct idl_client client;
    uint64_t root;
    struct om_who who;
    uint8_t body[BODY_BYTES];
    char rest[REST_BYTES];
};

/* ---- Starting -------------------------------------------------------------------------------- */

static inline KnResult om_begin(KnCap *actor, KnActorPrivilege privilege)
{
    bool supervisor = privilege == K_SUPACTOR;
    KnSchedParms sched = {K_SCHED_RR, 48};
    KnStartInfo start = {0};
    KnResult status = actorCreate(K_MYACTOR, actor, privilege, K_ACTIVE);

    if (status == K_OK)
        status = svActorCalls(actor, 1);
    if (status == K_OK)
        status = svActorLoad(actor, supervisor ? "bin/om.supervisor" : "bin/om.user", &start);
    start.dsArgument = SERVICE_ARGUMENT(2, 0);
    if (status == K_OK)
        status = threadCreate(actor, NULL, K_ACTIVE, &sched, &start);
    return status < 0 ? status : K_OK;
}

/* Waits until OM answers. */
static inline KnResult user_begin(struct user *user)
{
    uint64_t end_ns = guest_now_ns() + START_BOUND_NS;
    struct om_root_out out = {0};
    KnResult status;

    memset(user, 0, sizeof(*user));
    do {
        status = service_client(&user->client, SERVICE_OM, user->body, sizeof(user->body));
        if (status == K_OK)
            status = om_root(&user->client, &out);
        if (status == K_EUNKNOWN)
            threadDelay(GUEST_MS);
    } while (status == K_EUNKNOWN && guest_now_ns() < end_ns);
    user->root = out.key;
    return status;
}

static inline void om_end(struct guest *guest, KnCap *actor)
{
    EXPECT_EQ(actorDelete(actor), K_OK);
    EXPECT_EQ(guest_wait_end(actor, START_BOUND_NS), K_OK);
}

/* ---- Short ways: 0 or a negated errno -------------------------------------------------------- */

#define PLACE(user) .root = (user)->root, .directory = (user)->root, .who = (user)->who
#define REST(user)                                              \
    {                                                           \
        .rest = (user)->rest, .rest_room = sizeof((user)->rest) \
    }

/* `mount` is read when the call is over. */
static inline int result(KnResult status, const uint32_t *mount)
{
    return mount != NULL && *mount != 0 ? -EREMOTE : idl_unix(status, EIO);
}

static inline int user_open(struct user *user, const char *path, uint32_t flags,
                            struct om_open_out *out)
{
    const struct om_open_in in = {PLACE(user), .path = path, .flags = flags, .mode = 0644};

    *out = (struct om_open_out)REST(user);
    return result(om_open(&user->client, &in, out), &out->mount);
}

static inline int user_close(struct user *user, uint64_t key)
{
    const struct om_close_in in = {key};

    return result(om_close(&user->client, &in), NULL);
}

static inline int user_stat(struct user *user, const char *path, struct om_stat_out *out)
{
    const struct om_stat_in in = {PLACE(user), .path = path};

    *out = (struct om_stat_out)REST(user);
    return result(om_stat(&user->client, &in, out), &out->mount);
}

static inline int user_mkdir(struct user *user, const char *path)
{
    const struct om_mkdir_in in = {PLACE(user), .path = path, .mode = 0755};
    struct om_mkdir_out out = REST(user);

    return result(om_mkdir(&user->client, &in, &out), &out.mount);
}

static inline int user_unlink(struct user *user, const char *path, bool directory)
{
    const struct om_unlink_in in = {PLACE(user), .path = path, .directory_wanted = directory};
    struct om_unlink_out out = REST(user);

    return result(om_unlink(&user->client, &in, &out), &out.mount);
}

static inline int user_rename(struct user *user, const char *old, const char *path)
{
    const struct om_rename_in in = {PLACE(user), .old_directory = user->root, .old_path = old,
                                    .path = path};
    struct om_rename_out out = REST(user);

    return result(om_rename(&user->client, &in, &out), &out.mount);
}

static inline int user_symlink(struct user *user, const char *target, const char *path)
{
    const struct om_symlink_in in = {PLACE(user), .target = target, .path = path};
    struct om_symlink_out out = REST(user);

    return result(om_symlink(&user->client, &in, &out), &out.mount);
}

static inline int user_truncate(struct user *user, uint64_t key, uint64_t size)
{
    const struct om_setattr_in in = {.root = user->root,
                                     .directory = key,
                                     .who = user->who,
                                     .path = "",
                                     .set = OM_SET_SIZE,
                                     .size = size};
    struct om_setattr_out out = REST(user);

    return result(om_setattr(&user->client, &in, &out), &out.mount);
}

static inline int user_mount(struct user *user, const char *source, const char *path,
                             const char *type)
{
    const struct om_mount_in in = {user->root, user->root, .source = source, .path = path,
                                   .type = type};
    struct om_mount_out out;

    return idl_unix(om_mount(&user->client, &in, &out), EIO);
}

static inline int user_umount(struct user *user, const char *path)
{
    const struct om_umount_in in = {user->root, user->root, .path = path};

    return idl_unix(om_umount(&user->client, &in), EIO);
}

static inline int user_fsync(struct user *user, uint64_t key)
{
    const struct om_fsync_in in = {key};

    return idl_unix(om_fsync(&user->client, &in), EIO);
}

#endif
