/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Object Manager as a server, by its protocol, in user and in supervisor space, with an empty
 * tmpfs as root: files whose data the case reads and writes as PM does, names, refusals, several
 * clients at once, and its end.
 */
#include "chorus/sync.h"
#include "kit/format.h"
#include "tests/guest/om_user.h"

#define CLIENT_STACK_BYTES 16384u
#define CLIENTS 3
#define ROUNDS 40

/* ---- Data and names -------------------------------------------------------------------------- */

static void use_data(struct guest *guest, struct user *user)
{
    char text[] = "the quick brown fox", read[sizeof(text)] = "";
    struct om_open_out file, again;
    struct om_stat_out stat;

    REQUIRE_EQ(user_open(user, "/f", O_RDWR | O_CREAT | O_EXCL, &file), 0);
    EXPECT_EQ(file.attr.mode, S_IFREG | 0644);
    KnObjDesc object = {file.segment, 5000, sizeof(text)};

    EXPECT_EQ(sgWrite(&object, (VmAddr)text, 0), sizeof(text));
    EXPECT_EQ(user_stat(user, "/f", &stat), 0);
    EXPECT_EQ(stat.attr.size, 5000 + sizeof(text));
    EXPECT(stat.attr.mtime_s != file.attr.mtime_s || stat.attr.mtime_ns != file.attr.mtime_ns);
    EXPECT_EQ(user_open(user, "//f", O_RDONLY, &again), 0);
    object.dataObject = again.segment;
    EXPECT_EQ(sgRead(&object, (VmAddr)read, 0), sizeof(text));
    EXPECT_EQ(memcmp(read, text, sizeof(text)), 0);
    EXPECT_EQ(user_truncate(user, again.key, 5003), 0);
    EXPECT_EQ(sgRead(&object, (VmAddr)read, 0), 3);
    EXPECT_EQ(user_unlink(user, "/f", false), 0);
    EXPECT_EQ(user_stat(user, "/f", &stat), -ENOENT);
    EXPECT_EQ(sgRead(&object, (VmAddr)read, 0), 3); /* open beyond its name */
    EXPECT_EQ(user_close(user, again.key), 0);
    EXPECT_EQ(user_close(user, file.key), 0);
    EXPECT_EQ(sgRead(&object, (VmAddr)read, 0), K_EUNKNOWN);
    EXPECT_EQ(user_close(user, file.key), -EBADF);
}

/* What is mapped stays, though the file is gone. */
static void use_mapping(struct guest *guest, struct user *user)
{
    KnRgnDesc region = {.size = 4096, .options = K_ANYWHERE | K_WRITABLE};
    struct om_open_out file;

    REQUIRE_EQ(user_open(user, "/m", O_RDWR | O_CREAT, &file), 0);
    EXPECT_EQ(user_truncate(user, file.key, 4096), 0);
    KnObjDesc object = {file.segment, 0, 4096};

    REQUIRE_EQ(rgnMap(K_MYACTOR, &region, &object), K_OK);
    mem_store8(region.startAddr + 7, 42);
    EXPECT_EQ(user_close(user, file.key), 0);
    EXPECT_EQ(user_unlink(user, "/m", false), 0);
    EXPECT_EQ(mem_load8(region.startAddr + 7), 42);
    mem_store8(region.startAddr + 8, 43);
    EXPECT_EQ(rgnFree(K_MYACTOR, &region), K_OK);
}

static void use_names(struct guest *guest, struct user *user)
{
    struct om_open_out folder;
    struct om_stat_out stat;
    uint8_t entries[256];

    EXPECT_EQ(user_mkdir(user, "/d"), 0);
    EXPECT_EQ(user_mkdir(user, "/d"), -EEXIST);
    EXPECT_EQ(user_mkdir(user, "/d/e"), 0);
    EXPECT_EQ(user_symlink(user, "d/e", "/s"), 0);
    EXPECT_EQ(user_rename(user, "/s", "/t"), 0);
    EXPECT_EQ(user_stat(user, "/t/..", &stat), 0);
    EXPECT_EQ(stat.attr.links, 3);
    EXPECT_EQ(user_unlink(user, "/d", true), -ENOTEMPTY);
    REQUIRE_EQ(user_open(user, "/d", O_DIRECTORY, &folder), 0);
    struct om_readdir_out list = {.entries = entries, .entries_room = sizeof(entries)};
    struct om_readdir_in from = {folder.key, 0, sizeof(entries)};

    EXPECT_EQ(om_readdir(&user->client, &from, &list), K_OK);
    EXPECT_EQ(list.entries_bytes, 3 * 24);
    EXPECT_EQ(memcmp(entries + 48 + LINUX_DIRENT_NAME_OFFSET, "e", 2), 0);
    from.cursor = list.next;
    EXPECT_EQ(om_readdir(&user->client, &from, &list), K_OK);
    EXPECT_EQ(list.entries_bytes, 0);
    EXPECT_EQ(user_close(user, folder.key), 0);
    EXPECT_EQ(user_unlink(user, "/d/e", true), 0);
    EXPECT_EQ(user_unlink(user, "/d", true), 0);
    EXPECT_EQ(user_unlink(user, "/t", false), 0);
}

static void be_refused(struct guest *guest, struct user *user)
{
    struct om_open_out file;
    struct om_stat_out stat;
    uint64_t root = user->root;

    EXPECT_EQ(user_open(user, "/dev/null", O_WRONLY, &file), 0);
    EXPECT_EQ(file.attr.rdev, 1 << 8 | 3);
    EXPECT(!uiValid(&file.segment.ui));
    EXPECT_EQ(user_close(user, file.key), 0);
    EXPECT_EQ(user_stat(user, "/proc/self/x", &stat), -EREMOTE);
    EXPECT_EQ(strcmp(user->rest, "self/x"), 0);
    user->who = (struct om_who){7, 7};
    EXPECT_EQ(user_mkdir(user, "/d"), -EACCES);
    EXPECT_EQ(user_mkdir(user, "/tmp/d"), 0);
    EXPECT_EQ(user_unlink(user, "/tmp/d", true), 0);
    user->who = (struct om_who){0, 0};
    user->root ^= UINT64_C(1) << 40;
    EXPECT_EQ(user_stat(user, "/", &stat), -EBADF);
    user->root = root;
    EXPECT_EQ(user_unlink(user, "/proc", true), -EBUSY);
}

static void serves(struct guest *guest, KnActorPrivilege privilege)
{
    struct user user;
    KnCap actor;

    REQUIRE_EQ(om_begin(&actor, privilege), K_OK);
    if (EXPECT_EQ(user_begin(&user), K_OK)) {
        use_data(guest, &user);
        use_mapping(guest, &user);
        use_names(guest, &user);
        be_refused(guest, &user);
        EXPECT_EQ(user_close(&user, user.root), 0);
    }
    om_end(guest, &actor);
    struct om_root_out out;

    EXPECT_EQ(om_root(&user.client, &out), K_EUNKNOWN);
}

CASE(serves_in_user_space)
{
    serves(guest, K_SYSTEMACTOR);
}

CASE(serves_in_supervisor_space)
{
    serves(guest, K_SUPACTOR);
}

/* ---- Several clients ------------------------------------------------------------------------- */

struct party {
    struct guest *guest;
    uint32_t number;
    KnSem *done;
};

/* Makes a file of its own, moves it over one that all fight for, and looks at what is there. */
static void party_round(struct guest *guest, struct user *user, const struct party *party,
                        uint32_t round)
{
    char own[32], mark = (char)('0' + party->number), seen = 0;
    struct om_open_out file;
    int status;

    format(own, sizeof(own), "/tmp/own%u", party->number);
    REQUIRE_EQ(user_open(user, own, O_RDWR | O_CREAT | O_EXCL, &file), 0);
    KnObjDesc object = {file.segment, 0, 1};

    EXPECT_EQ(sgWrite(&object, (VmAddr)&mark, 0), 1);
    EXPECT_EQ(user_rename(user, own, "/tmp/shared"), 0);
    EXPECT_EQ(user_close(user, file.key), 0);
    status = user_open(user, "/tmp/shared", O_RDONLY, &file);
    EXPECT(status == 0 || status == -ENOENT);
    if (status == 0) {
        object.dataObject = file.segment;
        EXPECT_EQ(sgRead(&object, (VmAddr)&seen, 0), 1);
        EXPECT(seen >= '0' && seen < '0' + CLIENTS);
        EXPECT_EQ(user_close(user, file.key), 0);
    }
    if (round % 4 == 0) {
        status = user_unlink(user, "/tmp/shared", false);
        EXPECT(status == 0 || status == -ENOENT);
    }
}

static void party_run(uintptr_t argument)
{
    const struct party *party = (const struct party *)argument;
    struct guest *guest = party->guest;
    struct user user;

    if (EXPECT_EQ(user_begin(&user), K_OK)) {
        for (uint32_t i = 0; i < ROUNDS; i++)
            party_round(guest, &user, party, i);
        EXPECT_EQ(user_close(&user, user.root), 0);
    }
    semV(party->done);
}

static void serves_several(struct guest *guest, KnActorPrivilege privilege)
{
    struct party party[CLIENTS];
    struct user user;
    KnCap actor;
    KnSem done;

    REQUIRE_EQ(om_begin(&actor, privilege), K_OK);
    semInit(&done, 0);
    if (EXPECT_EQ(user_begin(&user), K_OK)) {
        for (uint32_t i = 0; i < CLIENTS; i++) {
            party[i] = (struct party){guest, i, &done};
            EXPECT_EQ(thread_launch(NULL, party_run, (uintptr_t)&party[i], CLIENT_STACK_BYTES,
                                    NULL),
                      K_OK);
        }
        for (uint32_t i = 0; i < CLIENTS; i++)
            EXPECT_EQ(semP(&done, K_NOTIMEOUT), K_OK);
        (void)user_unlink(&user, "/tmp/shared", false);
        EXPECT_EQ(user_unlink(&user, "/tmp/own0", false), -ENOENT);
    }
    om_end(guest, &actor);
}

CASE(several_clients_of_user_space)
{
    serves_several(guest, K_SYSTEMACTOR);
}

CASE(several_clients_of_supervisor_space)
{
    serves_several(guest, K_SUPACTOR);
}

static const struct guest_entry entries[] = {
    CASE_SUPERVISOR(serves_in_user_space),
    CASE_SUPERVISOR(serves_in_supervisor_space),
    CASE_SUPERVISOR(several_clients_of_user_space),
    CASE_SUPERVISOR(several_clients_of_supervisor_space),
};

GUEST_PROGRAM(om_files, entries);
