/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: creating, deleting, stopping, names, protection identifiers, figures, loading; who may do
 * what; and that whatever an actor holds goes with it.
 */
#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((void *)0x1000) /* below all that an actor may have */
#define END_NS (2000 * GUEST_MS)

/* A page that parent and helper share, at one address. */
#define BOARD_BYTES 4096
#define BOARD_COUNT 0 /* offset of a counter that the helper moves */
#define BOARD_ERROR 8 /* offset of what the helper saw */

static bool board_make(struct guest *guest, VmAddr *board)
{
    KnRgnDesc region = {.size = BOARD_BYTES,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};

    if (!EXPECT_EQ(rgnAllocate(K_MYACTOR, &region), K_OK))
        return false;
    mem_fill(region.startAddr, 0, BOARD_BYTES);
    *board = region.startAddr;
    return true;
}

/* Creates a stopped helper that has the board at the same address, which is its argument. */
static bool helper_make(struct guest *guest, void (*helper)(struct guest *, uintptr_t),
                        VmAddr board, KnCap *actor)
{
    KnRgnDesc region = {.startAddr = board,
                        .size = BOARD_BYTES,
                        .options = K_READABLE | K_WRITABLE};

    return EXPECT_EQ(guest_create(guest, helper, K_USERACTOR, board, actor), K_OK) &&
           EXPECT_EQ(rgnMapFromActor(actor, &region, K_MYACTOR, board), K_OK);
}

static bool count_moves(VmAddr board)
{
    uint32_t before = mem_load32(board + BOARD_COUNT);

    threadDelay(50000000);
    return mem_load32(board + BOARD_COUNT) != before;
}

/* ---- Life ------------------------------------------------------------------------------------ */

CASE(created_actor_lives_until_deleted)
{
    KnCap actor, self;

    EXPECT_EQ(actorSelf(&self), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT(uiValid(&actor.ui));
    EXPECT(!uiEqual(&actor.ui, &self.ui));
    EXPECT_EQ(uiGetSite(&actor.ui), (uint32_t)uiLocalSite());
    EXPECT_EQ(actorName(&actor, NULL, NULL), K_OK);
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT_EQ(actorName(&actor, NULL, NULL), K_EUNKNOWN);
    EXPECT_EQ(actorDelete(&actor), K_EUNKNOWN);
}

CASE_ACTOR(sleep_on)
{
    threadDelay(K_NOTIMEOUT);
}

/* A dead actor is taken apart when its last thread is gone, not when some interrupt comes next. */
CASE(deletion_is_prompt)
{
    uint64_t spent_ns = 0;
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    for (int i = 0; i < 30; i++) {
        REQUIRE(helper_make(guest, sleep_on, board, &actor));
        EXPECT_EQ(actorStart(&actor), K_OK);
        EXPECT_EQ(threadDelay(1000000), K_OK);
        uint64_t start_ns = guest_now_ns();

        EXPECT_EQ(actorDelete(&actor), K_OK);
        spent_ns += guest_now_ns() - start_ns;
    }
    EXPECT(spent_ns < 150 * GUEST_MS);
}

CASE(identifiers_do_not_repeat)
{
    KnCap actor, former = {{0, 0}, 0};

    for (int i = 0; i < 50; i++) {
        REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
        EXPECT(!uiEqual(&actor.ui, &former.ui));
        EXPECT(actor.key != former.key);
        EXPECT_EQ(actorDelete(&actor), K_OK);
        former = actor;
    }
}

CASE_ACTOR(count)
{
    for (;;) {
        mem_store32(argument + BOARD_COUNT, mem_load32(argument + BOARD_COUNT) + 1);
        threadDelay(1000000);
    }
}

CASE(stopped_actor_stands_still)
{
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    REQUIRE(helper_make(guest, count, board, &actor));
    EXPECT(!count_moves(board)); /* it was created stopped */
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT(count_moves(board));
    EXPECT_EQ(actorStart(&actor), K_OK); /* running is no error */
    EXPECT_EQ(actorStop(&actor), K_OK);
    EXPECT(!count_moves(board));
    EXPECT_EQ(actorStop(&actor), K_OK);
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT(count_moves(board));
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT(!count_moves(board));
}

CASE(stops_of_actor_and_thread_are_apart)
{
    VmAddr board = 0;
    KnThreadStat stat;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    REQUIRE(helper_make(guest, count, board, &actor));
    EXPECT_EQ(actorStart(&actor), K_OK);
    REQUIRE_EQ(threadStat(&actor, 0, &stat), K_OK);
    EXPECT_EQ(actorStop(&actor), K_OK);
    EXPECT_EQ(threadStop(&actor, stat.tsLid), K_OK);
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT(!count_moves(board)); /* the thread itself is stopped */
    EXPECT_EQ(actorStop(&actor), K_OK);
    EXPECT_EQ(threadStart(&actor, stat.tsLid), K_OK);
    EXPECT(!count_moves(board)); /* its actor is stopped */
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT(count_moves(board));
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(stopped_actor_can_be_deleted)
{
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    REQUIRE(helper_make(guest, count, board, &actor));
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

/* Holds threads in all states, regions and ports, and never ends. */
static void wait_long(uintptr_t argument)
{
    threadDelay((int64_t)argument);
}

static void work_long(uintptr_t argument)
{
    for (;;)
        actorWork(argument);
}

CASE_ACTOR(hold_much)
{
    KnRgnDesc region = {.size = 65536,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    KnUniqueId port;
    KnThreadLid lid;

    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(thread_launch(&lid, wait_long, INT64_MAX, 0, NULL), K_OK);
        EXPECT_EQ(threadStop(K_MYACTOR, lid), K_OK);
        EXPECT_EQ(thread_launch(NULL, wait_long, INT64_MAX, 0, NULL), K_OK);
        EXPECT_EQ(thread_launch(NULL, work_long, 1000000, 0, NULL), K_OK);
        EXPECT_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
        mem_fill(region.startAddr, 1, region.size);
        EXPECT(portCreate(K_MYACTOR, &port) > 0);
    }
    mem_store32(argument + BOARD_COUNT, 1);
    threadDelay(K_NOTIMEOUT);
}

CASE(everything_goes_with_its_actor)
{
    KnSiteStat before, after;
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    EXPECT_EQ(siteStat(&before), K_OK);
    REQUIRE(helper_make(guest, hold_much, board, &actor));
    EXPECT_EQ(actorStart(&actor), K_OK);
    for (int i = 0; i < 2000 && mem_load32(board + BOARD_COUNT) == 0; i++)
        threadDelay(1000000);
    EXPECT_EQ(mem_load32(board + BOARD_COUNT), 1);
    EXPECT_EQ(siteStat(&after), K_OK);
    EXPECT(after.ssThreads >= before.ssThreads + 13);
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT_EQ(siteStat(&after), K_OK);
    EXPECT_EQ(after.ssActors, before.ssActors);
    EXPECT_EQ(after.ssThreads, before.ssThreads);
    EXPECT_EQ(after.ssPorts, before.ssPorts);
    EXPECT_EQ(after.ssRegions, before.ssRegions);
}

CASE_ACTOR(delete_myself)
{
    EXPECT_EQ(thread_launch(NULL, wait_long, INT64_MAX, 0, NULL), K_OK);
    mem_store32(argument + BOARD_COUNT, 1);
    actorDelete(K_MYACTOR);
    mem_store32(argument + BOARD_COUNT, 2);
}

CASE(actor_deletes_itself)
{
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    REQUIRE(helper_make(guest, delete_myself, board, &actor));
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, END_NS), K_OK);
    EXPECT_EQ(mem_load32(board + BOARD_COUNT), 1);
}

CASE_ACTOR(touch_nothing)
{
    mem_store32(argument + BOARD_COUNT, 1);
    mem_store32(argument + BOARD_ERROR, mem_load32((VmAddr)WILD));
    mem_store32(argument + BOARD_COUNT, 2);
}

CASE_ACTOR(write_where_only_reading_is_allowed)
{
    KnRgnDesc region = {.size = BOARD_BYTES, .options = K_ANYWHERE | K_READABLE | K_FILLZERO};

    EXPECT_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    mem_store32(argument + BOARD_COUNT, 1 + mem_load32(region.startAddr));
    mem_store32(region.startAddr, 1);
    mem_store32(argument + BOARD_COUNT, 2);
}

static void fault_ends(struct guest *guest, void (*helper)(struct guest *, uintptr_t))
{
    VmAddr board = 0;
    KnCap actor;

    REQUIRE(board_make(guest, &board));
    REQUIRE(helper_make(guest, helper, board, &actor));
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, END_NS), K_OK);
    EXPECT_EQ(mem_load32(board + BOARD_COUNT), 1);
}

CASE(wild_access_ends_its_actor_alone)
{
    fault_ends(guest, touch_nothing);
}

CASE(forbidden_access_ends_its_actor_alone)
{
    fault_ends(guest, write_where_only_reading_is_allowed);
}

/* A thread that starts where no code is. */
CASE(wild_entry_ends_its_actor_alone)
{
    KnStartInfo start = {.dsEntry = (VmAddr)0x20000, .dsUserStackPointer = 0x30000};
    KnCap actor;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT(threadCreate(&actor, NULL, K_ACTIVE, NULL, &start) > 0);
    EXPECT_EQ(guest_wait_end(&actor, END_NS), K_OK);
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static KnResult pi_of(KnCap *actor)
{
    KnProtId pi;

    return actorPi(actor, &pi, NULL);
}

static KnResult name_of(KnCap *actor)
{
    char name[K_NAMEMAX + 1];

    return actorName(actor, name, NULL);
}

static KnResult child_of(KnCap *actor)
{
    KnCap child;
    KnResult status = actorCreate(actor, &child, K_USERACTOR, K_ACTIVE);

    return status == K_OK ? actorDelete(&child) : status;
}

static KnResult thread_in(KnCap *actor)
{
    KnStartInfo start = {.dsEntry = (VmAddr)0x20000};

    return threadCreate(actor, NULL, K_INACTIVE, NULL, &start);
}

static KnResult delete_in(KnCap *actor)
{
    return threadDelete(actor, 1);
}

static KnResult activate_in(KnCap *actor)
{
    return threadActivate(actor, 1);
}

static KnResult stop_in(KnCap *actor)
{
    return threadStop(actor, 1);
}

static KnResult start_in(KnCap *actor)
{
    return threadStart(actor, 1);
}

static KnResult abort_in(KnCap *actor)
{
    return threadAbort(actor, 1);
}

static KnResult schedule_in(KnCap *actor)
{
    return threadScheduler(actor, 1, NULL, NULL);
}

static KnResult next_in(KnCap *actor)
{
    KnRgnStat stat;

    return rgnNext(actor, 0, &stat);
}

static KnResult name_in(KnCap *actor)
{
    return threadName(actor, 1, NULL, NULL);
}

static KnResult stat_in(KnCap *actor)
{
    KnThreadStat stat;

    return threadStat(actor, 0, &stat);
}

static KnResult load_in(KnCap *actor)
{
    KnStartInfo start;

    return svActorLoad(actor, "case/actor", &start);
}

static KnResult context_in(KnCap *actor)
{
    return threadContext(actor, 1, NULL, NULL);
}

static KnResult extended_in(KnCap *actor)
{
    return threadExtended(actor, 1, NULL, NULL, 4096);
}

/* Calls that take an actor's capability. */
static KnResult (*const by_capability[])(KnCap *) = {
    actorDelete, actorStop,   actorStart, pi_of,       name_of,  child_of,    thread_in,
    delete_in,   activate_in, stop_in,    start_in,    abort_in, schedule_in, name_in,
    stat_in,     load_in,     context_in, extended_in, next_in,
};

CASE(capability_needs_its_key)
{
    KnCap actor, forged;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    forged = actor;
    forged.key ^= 1;
    for (size_t i = 0; i < ARRAY_SIZE(by_capability); i++)
        EXPECT_EQ(by_capability[i](&forged), K_EINVAL);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(capability_must_name_an_actor)
{
    KnCap gone, port = {{0, 0}, 0}, none = {{0, 0}, 0};

    REQUIRE_EQ(actorCreate(K_MYACTOR, &gone, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(actorDelete(&gone), K_OK);
    EXPECT_EQ(portUi(K_DEFAULTPORT, &port.ui), K_OK);
    for (size_t i = 0; i < ARRAY_SIZE(by_capability); i++) {
        EXPECT_EQ(by_capability[i](&gone), K_EUNKNOWN);
        EXPECT_EQ(by_capability[i](&port), K_EUNKNOWN);
        EXPECT_EQ(by_capability[i](&none), K_EUNKNOWN);
        EXPECT_EQ(by_capability[i](WILD), K_EFAULT);
    }
}

/* ---- Names, identifiers, figures ------------------------------------------------------------- */

CASE(name_is_kept)
{
    char old[K_NAMEMAX + 1] = "?", new[K_NAMEMAX + 2] = "librarian";

    EXPECT_EQ(actorName(K_MYACTOR, old, new), K_OK);
    EXPECT_EQ(strcmp(old, "actor"), 0); /* as the runner named it */
    EXPECT_EQ(actorName(K_MYACTOR, old, NULL), K_OK);
    EXPECT_EQ(strcmp(old, "librarian"), 0);
    memset(new, 'x', K_NAMEMAX + 1);
    new[K_NAMEMAX + 1] = '\0';
    EXPECT_EQ(actorName(K_MYACTOR, NULL, new), K_EINVAL);
    EXPECT_EQ(actorName(K_MYACTOR, WILD, NULL), K_EFAULT);
    EXPECT_EQ(actorName(K_MYACTOR, NULL, WILD), K_EFAULT);
    EXPECT_EQ(actorName(K_MYACTOR, old, NULL), K_OK);
    EXPECT_EQ(strcmp(old, "librarian"), 0); /* what failed changed nothing */
}

CASE(protection_identifier_is_kept_and_inherited)
{
    KnProtId old, new = {.uid = 7, .gid = 8, .did = 9};
    KnCap actor;

    EXPECT_EQ(actorPi(K_MYACTOR, &old, &new), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(actorPi(&actor, &old, NULL), K_OK);
    EXPECT_EQ(memcmp(&old, &new, sizeof(old)), 0);
    EXPECT_EQ(portPi(&actor, K_DEFAULTPORT, &old, NULL), K_OK);
    EXPECT_EQ(memcmp(&old, &new, sizeof(old)), 0);
    EXPECT_EQ(actorPi(&actor, WILD, NULL), K_EFAULT);
    EXPECT_EQ(actorPi(&actor, NULL, WILD), K_EFAULT);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(users_may_not_set_protection_identifiers)
{
    KnProtId old, new = {.uid = 7};

    EXPECT_EQ(actorPi(K_MYACTOR, &old, &new), K_EPRIV);
    EXPECT_EQ(actorPi(K_MYACTOR, &old, NULL), K_OK);
    EXPECT_EQ(old.uid, 0);
}

/* The figures of an actor; false: it is not listed. */
static bool stat_find(const KnCap *actor, KnActorStat *stat)
{
    for (uint32_t i = 0; actorStat(i, stat) == K_OK; i++)
        if (uiEqual(&stat->asUi, &actor->ui))
            return true;
    return false;
}

CASE(stat_tells_what_an_actor_has)
{
    KnRgnDesc region = {.startAddr = 0x40000000,
                        .size = BOARD_BYTES,
                        .options = K_READABLE | K_WRITABLE | K_FILLZERO};
    KnStartInfo start = {.dsEntry = (VmAddr)0x20000};
    KnActorStat stat;
    KnCap actor;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_SYSTEMACTOR, K_ACTIVE), K_OK);
    REQUIRE(stat_find(&actor, &stat));
    EXPECT_EQ(stat.asPrivilege, K_SYSTEMACTOR);
    EXPECT_EQ(stat.asThreads, 0);
    EXPECT_EQ(stat.asPorts, 1); /* the default port */
    EXPECT_EQ(stat.asRegions, 0);
    EXPECT_EQ(stat.asName[0], '\0');
    EXPECT(threadCreate(&actor, NULL, K_INACTIVE, NULL, &start) > 0);
    EXPECT_EQ(rgnAllocate(&actor, &region), K_OK);
    REQUIRE(stat_find(&actor, &stat));
    EXPECT_EQ(stat.asThreads, 1);
    EXPECT_EQ(stat.asRegions, 1);
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT(!stat_find(&actor, &stat));
    EXPECT_EQ(actorStat(0, WILD), K_EFAULT);
    EXPECT_EQ(actorStat(UINT32_MAX, &stat), K_EEND);
}

CASE(trusted_actors_are_told_keys)
{
    KnActorStat stat;
    KnCap self;

    EXPECT_EQ(actorSelf(&self), K_OK);
    REQUIRE(stat_find(&self, &stat));
    EXPECT_EQ(stat.asKey, self.key);
}

CASE(users_are_told_no_keys)
{
    KnActorStat stat;

    for (uint32_t i = 0; actorStat(i, &stat) == K_OK; i++)
        EXPECT_EQ(stat.asKey, 0);
}

/* ---- Creating: who may, and what not --------------------------------------------------------- */

CASE(create_errors)
{
    KnCap actor;

    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, (KnActorPrivilege)3, K_ACTIVE), K_EINVAL);
    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, (KnActorStatus)2), K_EINVAL);
    EXPECT_EQ(actorCreate(K_MYACTOR, WILD, K_USERACTOR, K_ACTIVE), K_EFAULT);
    EXPECT_EQ(actorCreate(WILD, &actor, K_USERACTOR, K_ACTIVE), K_EFAULT);
    EXPECT_EQ(actorSelf(WILD), K_EFAULT);
}

CASE(users_create_users_only)
{
    KnStartInfo start;
    KnCap actor;

    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_SYSTEMACTOR, K_ACTIVE), K_EPRIV);
    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE), K_EPRIV);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(svActorLoad(&actor, "case/actor", &start), K_EPRIV);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(system_actors_create_no_supervisors)
{
    KnCap actor;

    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE), K_EPRIV);
    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_SYSTEMACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

/* Capabilities are kept in a region, touched beforehand: memory is about to run out. */
CASE(actors_run_out_in_an_orderly_way)
{
    KnRgnDesc region = {.size = 4200 * sizeof(KnCap),
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    uint32_t count = 0;
    KnResult status;
    KnCap actor;

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    mem_fill(region.startAddr, 0, region.size);
    while ((status = actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE)) == K_OK && count < 4200)
        mem_write(region.startAddr + count++ * sizeof(KnCap), &actor, sizeof(actor));
    EXPECT_EQ(status, K_ENOMEM);
    EXPECT(count > 100);
    while (count > 0) {
        mem_read(&actor, region.startAddr + --count * sizeof(KnCap), sizeof(actor));
        if (!EXPECT_EQ(actorDelete(&actor), K_OK))
            break;
    }
    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

/* ---- Loading --------------------------------------------------------------------------------- */

CASE(load_errors)
{
    char longest[K_NAMEMAX + 2];
    KnStartInfo start;
    KnCap actor;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(svActorLoad(&actor, "case/none", &start), K_EUNKNOWN);
    EXPECT_EQ(svActorLoad(&actor, "", &start), K_EUNKNOWN);
    EXPECT_EQ(svActorLoad(&actor, longest, &start), K_EINVAL);
    EXPECT_EQ(svActorLoad(&actor, WILD, &start), K_EFAULT);
    EXPECT_EQ(svActorLoad(&actor, "case/actor", WILD), K_EFAULT);
    EXPECT_EQ(svActorLoad(&actor, "conf/plain.conf", &start), K_ENOEXEC);
    EXPECT_EQ(svActorLoad(&actor, "case/actor", &start), K_OK);
    EXPECT_EQ(svActorLoad(&actor, "case/actor", &start), K_EOVERLAP);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(loading_never_takes_from_others)
{
    KnStartInfo start;
    KnCap actor;

    for (int i = 0; i < 20; i++) {
        REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
        EXPECT_EQ(svActorLoad(&actor, "case/actor", &start), K_OK);
        EXPECT_EQ(actorDelete(&actor), K_OK);
    }
}

CASE(grant_and_boot_errors)
{
    KnCap actor, wrong;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    wrong = actor;
    wrong.key ^= 1;
    EXPECT_EQ(svActorCalls(&wrong, 0), K_EINVAL);
    EXPECT_EQ(svActorCalls(WILD, 0), K_EFAULT);
    EXPECT_EQ(svBootInfo(WILD), K_EFAULT);
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT_EQ(svActorCalls(&actor, 0), K_EUNKNOWN);
}

static const struct guest_entry entries[] = {
    CASE_USER(created_actor_lives_until_deleted),
    CASE_SYSTEM(deletion_is_prompt),
    CASE_HELPER(sleep_on),
    CASE_USER(identifiers_do_not_repeat),
    CASE_SYSTEM(stopped_actor_stands_still),
    CASE_SYSTEM(stops_of_actor_and_thread_are_apart),
    CASE_SYSTEM(stopped_actor_can_be_deleted),
    CASE_HELPER(count),
    CASE_SYSTEM(everything_goes_with_its_actor),
    CASE_HELPER(hold_much),
    CASE_SYSTEM(actor_deletes_itself),
    CASE_HELPER(delete_myself),
    CASE_SYSTEM(wild_access_ends_its_actor_alone),
    CASE_HELPER(touch_nothing),
    CASE_SYSTEM(forbidden_access_ends_its_actor_alone),
    CASE_HELPER(write_where_only_reading_is_allowed),
    CASE_USER(wild_entry_ends_its_actor_alone),
    CASE_SYSTEM(capability_needs_its_key),
    CASE_SYSTEM(capability_must_name_an_actor),
    CASE_USER(name_is_kept),
    CASE_SYSTEM(protection_identifier_is_kept_and_inherited),
    CASE_USER(users_may_not_set_protection_identifiers),
    CASE_SYSTEM(stat_tells_what_an_actor_has),
    CASE_SYSTEM(trusted_actors_are_told_keys),
    CASE_USER(users_are_told_no_keys),
    CASE_USER(create_errors),
    CASE_USER(users_create_users_only),
    CASE_SYSTEM(system_actors_create_no_supervisors),
    CASE_USER(actors_run_out_in_an_orderly_way),
    CASE_SYSTEM(grant_and_boot_errors),
    CASE_SYSTEM(load_errors),
    CASE_SYSTEM(loading_never_takes_from_others),
};
GUEST_PROGRAM(actor, entries);
