/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisor actors as owners of others' traps, exceptions and aborts; interrupt sequences as far
 * as they need no device. A case here is a supervisor actor, its helpers are user actors.
 */
#include "chorus/trap.h"

#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((void *)0x1000) /* below all that an actor may have */
#define TRAP 77
#define END_NS (2000 * GUEST_MS)
#define TEXT_BYTES 16

/* What the handlers of a case write down; they run in the helper's thread, in this actor. */
struct record {
    struct guest *guest;
    KnCap helper;
    uint32_t count;
    uintptr_t number, soft_register;
    uintptr_t words[TRAP_WORDS];
    KnResult copied, deleted, delayed, own[3];
    VmAddr board; /* a region of this actor */
    char text[TEXT_BYTES];
    KnExcInfo info;
    KnCap execution;
};

static VmSize page(void)
{
    KnSiteStat site;

    return siteStat(&site) == K_OK ? site.ssPageBytes : 0;
}

static bool helper_make(struct record *record, void (*helper)(struct guest *, uintptr_t))
{
    struct guest *guest = record->guest;

    return EXPECT_EQ(guest_create(guest, helper, K_USERACTOR, 0, &record->helper), K_OK);
}

static void helper_run(struct record *record)
{
    struct guest *guest = record->guest;

    EXPECT_EQ(actorStart(&record->helper), K_OK);
    EXPECT_EQ(guest_wait_end(&record->helper, END_NS), K_OK);
}

/* ---- Traps ----------------------------------------------------------------------------------- */

static void note_trap(KnThreadCtx *context, uintptr_t soft_register, void *cookie)
{
    struct record *record = cookie;

    record->soft_register = soft_register;
    record->count++;
    record->number = trap_number(context);
    for (unsigned i = 0; i < TRAP_WORDS; i++)
        record->words[i] = trap_word(context, i);
    actorSelf(&record->execution);
    trap_result_set(context, record->words[0] + record->words[5]);
}

CASE_ACTOR(trap_once)
{
    const uintptr_t words[TRAP_WORDS] = {11, 12, 13, 14, 15, UINT32_MAX};

    EXPECT_EQ(threadStoreR(99), K_OK);
    EXPECT_EQ(trap_raise(TRAP, words), 11 + (uintptr_t)UINT32_MAX);
}

CASE(trap_reaches_its_owner)
{
    struct record record = {.guest = guest};
    KnCap self;

    REQUIRE(helper_make(&record, trap_once));
    EXPECT_EQ(svTrapConnect(&record.helper, note_trap, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.count, 1);
    EXPECT_EQ(record.number, TRAP);
    EXPECT_EQ(record.soft_register, 99);
    for (unsigned i = 0; i < TRAP_WORDS - 1; i++)
        EXPECT_EQ(record.words[i], 11 + i);
    EXPECT_EQ(record.words[TRAP_WORDS - 1], UINT32_MAX);
    EXPECT_EQ(actorSelf(&self), K_OK);
    EXPECT(uiEqual(&record.execution.ui, &self.ui)); /* the handler is the owner's code */
}

CASE(trap_without_owner_ends_its_actor)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, trap_once));
    helper_run(&record);
    EXPECT_EQ(record.count, 0);
}

CASE_ACTOR(connect_oneself)
{
    EXPECT_EQ(svTrapConnect(K_MYACTOR, note_trap, NULL), K_EBUSY);
    EXPECT_EQ(svTrapConnect(K_MYACTOR, NULL, NULL), K_EBUSY);
}

CASE(an_owner_is_not_displaced)
{
    struct record record = {.guest = guest};

    REQUIRE_EQ(guest_create(guest, connect_oneself, K_SUPACTOR, 0, &record.helper), K_OK);
    EXPECT_EQ(svTrapConnect(&record.helper, note_trap, &record), K_OK);
    helper_run(&record);
}

static void work_long(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct record *record = cookie;

    (void)unused;
    record->count++;
    (void)actorWork(100 * GUEST_MS);
    trap_result_set(context, 0);
}

static void delete_helper(uintptr_t argument)
{
    struct record *record = (struct record *)argument;

    record->deleted = actorDelete(&record->helper);
}

/* The helper's end takes as long as the handler that its thread is in. */
CASE(waiting_for_an_end_is_aborted)
{
    struct record record = {.guest = guest, .deleted = K_EBUSY};
    KnSchedParms sched = {K_SCHED_FIFO, 32}; /* above this thread and the helper */
    KnThreadLid lid;

    REQUIRE(helper_make(&record, trap_once));
    EXPECT_EQ(svTrapConnect(&record.helper, work_long, &record), K_OK);
    EXPECT_EQ(actorStart(&record.helper), K_OK);
    while (record.count == 0)
        (void)threadDelay(100000);
    REQUIRE(thread_launch(&lid, delete_helper, (uintptr_t)&record, 16384, &sched) >= 0);
    EXPECT_EQ(record.deleted, K_EBUSY);
    EXPECT_EQ(threadAbort(K_MYACTOR, lid), K_OK);
    EXPECT_EQ(record.deleted, K_EABORT);
    EXPECT_EQ(guest_wait_end(&record.helper, END_NS), K_OK);
}

CASE(disconnected_owner_hears_nothing)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, trap_once));
    EXPECT_EQ(svTrapConnect(&record.helper, note_trap, &record), K_OK);
    EXPECT_EQ(svTrapConnect(&record.helper, NULL, NULL), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.count, 0);
}

CASE(created_actor_inherits_its_owner)
{
    struct record record = {.guest = guest};
    KnCap model;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &model, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(svTrapConnect(&model, note_trap, &record), K_OK);
    EXPECT_EQ(actorCreate(&model, &record.helper, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(actorDelete(&model), K_OK);
    EXPECT_EQ(svTrapConnect(&record.helper, NULL, NULL), K_OK); /* ours: not K_EBUSY */
    EXPECT_EQ(actorDelete(&record.helper), K_OK);
}

/* A handler works in its caller's memory, and may wait. */
static void exchange_text(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct record *record = cookie;
    char answer[TEXT_BYTES] = "answer";

    (void)unused;
    record->copied = svCopyInString(trap_word(context, 0), record->text, TEXT_BYTES);
    record->delayed = threadDelay(20000000);
    trap_result_set(context, (uintptr_t)svCopyOut(answer, trap_word(context, 1), TEXT_BYTES));
}

CASE_ACTOR(trap_with_text)
{
    KnRgnDesc region = {.size = 4096, .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    char question[] = "question", answer[TEXT_BYTES];

    EXPECT_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    const uintptr_t words[TRAP_WORDS] = {(uintptr_t)question, region.startAddr};

    EXPECT_EQ(trap_raise(TRAP, words), K_OK);
    mem_read(answer, region.startAddr, sizeof(answer));
    EXPECT_EQ(strcmp(answer, "answer"), 0);
}

CASE(handler_reaches_its_callers_memory)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, trap_with_text));
    EXPECT_EQ(svTrapConnect(&record.helper, exchange_text, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.copied, 8);
    EXPECT_EQ(record.delayed, K_OK);
    EXPECT_EQ(strcmp(record.text, "question"), 0);
}

static void copy_nowhere(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct record *record = cookie;

    (void)unused;
    record->copied = svCopyIn((VmAddr)WILD, record->text, TEXT_BYTES);
    /* What is the handler's own is nothing its caller may name. */
    record->own[0] = svCopyIn(record->board, record->text, TEXT_BYTES);
    record->own[1] = svCopyOut(record->text, record->board, TEXT_BYTES);
    record->own[2] = svCopyInString(record->board, record->text, TEXT_BYTES);
    trap_result_set(context, (uintptr_t)svCopyOut(record->text, (VmAddr)WILD, TEXT_BYTES));
}

CASE_ACTOR(trap_for_a_fault)
{
    const uintptr_t words[TRAP_WORDS] = {0};

    EXPECT_EQ(trap_raise(TRAP, words), K_EFAULT);
}

CASE(handler_meets_wild_addresses)
{
    struct record record = {.guest = guest};
    KnRgnDesc region = {.size = page(), .options = K_WRITABLE | K_ANYWHERE | K_NODEMAND};

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    record.board = region.startAddr;
    REQUIRE(helper_make(&record, trap_for_a_fault));
    EXPECT_EQ(svTrapConnect(&record.helper, copy_nowhere, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.copied, K_EFAULT);
    for (size_t i = 0; i < ARRAY_SIZE(record.own); i++)
        EXPECT_EQ(record.own[i], K_EFAULT);
}

/* The actor dies while its thread is in the handler: the handler comes to its end first. */
static void delete_caller(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct record *record = cookie;

    (void)unused;
    record->deleted = actorDelete(&record->helper);
    record->delayed = threadDelay(10000000);
    record->count++;
    trap_result_set(context, 0);
}

CASE(handler_is_not_cut_short)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, trap_once));
    EXPECT_EQ(svTrapConnect(&record.helper, delete_caller, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(threadDelay(30000000), K_OK);
    EXPECT_EQ(record.deleted, K_OK);
    EXPECT_EQ(record.delayed, K_EABORT); /* no thread of a dead actor sleeps on */
    EXPECT_EQ(record.count, 1);
}

CASE(trap_errors)
{
    KnCap user, gone;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    gone = user;
    gone.key ^= 1;
    EXPECT_EQ(svTrapConnect(&gone, note_trap, NULL), K_EINVAL);
    EXPECT_EQ(svExcHandler(&gone, NULL, NULL), K_EINVAL);
    EXPECT_EQ(svAbortHandler(&gone, NULL, NULL), K_EINVAL);
    EXPECT_EQ(svTrapConnect(WILD, note_trap, NULL), K_EFAULT);
    EXPECT_EQ(svExcHandler(WILD, NULL, NULL), K_EFAULT);
    EXPECT_EQ(svAbortHandler(WILD, NULL, NULL), K_EFAULT);
    EXPECT_EQ(actorDelete(&user), K_OK);
    EXPECT_EQ(svTrapConnect(&user, note_trap, NULL), K_EUNKNOWN);
    EXPECT_EQ(svExcHandler(&user, NULL, NULL), K_EUNKNOWN);
    EXPECT_EQ(svAbortHandler(&user, NULL, NULL), K_EUNKNOWN);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

/* Gives the page that was missing. */
static KnExcResult mend(KnThreadCtx *context, const KnExcInfo *info, void *cookie)
{
    struct record *record = cookie;
    KnRgnDesc region = {.startAddr = info->excAddress & ~(VmAddr)0xffff,
                        .size = 0x10000,
                        .options = K_READABLE | K_WRITABLE | K_FILLZERO};

    (void)context;
    record->count++;
    record->info = *info;
    record->copied = rgnAllocate(&record->helper, &region);
    return record->copied == K_OK ? K_EXC_RESUME : K_EXC_DEFAULT;
}

CASE_ACTOR(write_and_read_back)
{
    mem_store32(0x50000008, 1234);
    EXPECT_EQ(mem_load32(0x50000008), 1234);
    EXPECT_EQ(mem_load32(0x5000000c), 0);
}

CASE(exception_handler_mends_and_resumes)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, write_and_read_back));
    EXPECT_EQ(svExcHandler(&record.helper, mend, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.count, 1);
    EXPECT_EQ(record.copied, K_OK);
    EXPECT_EQ(record.info.excCause, K_EXC_PAGE);
    EXPECT_EQ(record.info.excAccess, K_WRITABLE);
    EXPECT_EQ(record.info.excAddress, 0x50000008);
}

static KnExcResult decline(KnThreadCtx *context, const KnExcInfo *info, void *cookie)
{
    struct record *record = cookie;

    (void)context;
    (void)info;
    record->count++;
    return K_EXC_DEFAULT;
}

CASE(declined_exception_ends_its_actor)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, write_and_read_back));
    EXPECT_EQ(svExcHandler(&record.helper, decline, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.count, 1);
}

/* ---- Aborts ---------------------------------------------------------------------------------- */

static void note_abort(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct record *record = cookie;

    (void)unused;
    (void)context;
    record->count++;
}

/* Aborts itself outside a wait, so the handler runs on its way back, and no wait is ended. */
CASE_ACTOR(abort_myself)
{
    EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(threadAborted(), 0);
    EXPECT_EQ(threadDelay(1000000), K_OK);
}

CASE(abort_handler_runs_on_the_way_home)
{
    struct record record = {.guest = guest};

    REQUIRE(helper_make(&record, abort_myself));
    EXPECT_EQ(svAbortHandler(&record.helper, note_abort, &record), K_OK);
    helper_run(&record);
    EXPECT_EQ(record.count, 1);
}

/* ---- Interrupts, without a device ------------------------------------------------------------ */

static KnItResult ignore(void *cookie)
{
    (void)cookie;
    return K_IT_CONTINUE;
}

CASE(interrupt_sequences_are_the_actors_own)
{
    KnItMessage message;

    EXPECT_EQ(svItMessage(WILD), K_EFAULT);
    EXPECT_EQ(svItMessage(&message), K_OK);
    EXPECT_EQ(svItConnect(message.imSource, ignore, guest, 10), K_OK);
    EXPECT_EQ(svItConnect(message.imSource, ignore, NULL, 5), K_OK);
    EXPECT_EQ(svItDisconnect(message.imSource, ignore, guest), K_OK);
    EXPECT_EQ(svItDisconnect(message.imSource, ignore, guest), K_EUNKNOWN);
    EXPECT_EQ(svItConnect(UINT32_MAX, ignore, NULL, 0), K_EINVAL);
    EXPECT_EQ(svItConnect(message.imSource, NULL, NULL, 0), K_EINVAL);
    EXPECT_EQ(svItDisconnect(UINT32_MAX, ignore, NULL), K_EUNKNOWN);
    /* the other one is left connected: it goes with the actor */
}

CASE(supervisor_calls_are_not_for_others)
{
    KnRgnDesc region = {.size = 1, .options = K_ANYWHERE};
    KnItMessage message;
    uint64_t physical;
    char text[4];

    EXPECT_EQ(svCopyIn((VmAddr)text, text, 1), K_EPRIV);
    EXPECT_EQ(svCopyOut(text, (VmAddr)text, 1), K_EPRIV);
    EXPECT_EQ(svCopyInString((VmAddr)text, text, 1), K_EPRIV);
    EXPECT_EQ(svPhysMap(&region, 0, 0), K_EPRIV);
    EXPECT_EQ(svPagesAllocate(&region, &physical), K_EPRIV);
    EXPECT_EQ(svItConnect(0, ignore, NULL, 0), K_EPRIV);
    EXPECT_EQ(svItDisconnect(0, ignore, NULL), K_EPRIV);
    EXPECT_EQ(svItMessage(&message), K_EPRIV);
    EXPECT_EQ(svTrapConnect(K_MYACTOR, note_trap, NULL), K_EPRIV);
    EXPECT_EQ(svExcHandler(K_MYACTOR, decline, NULL), K_EPRIV);
    EXPECT_EQ(svAbortHandler(K_MYACTOR, note_abort, NULL), K_EPRIV);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

CASE(physical_memory)
{
    KnRgnDesc ring = {.size = 2 * page(), .options = K_WRITABLE | K_ANYWHERE};
    KnRgnDesc window = ring, taken = {.size = page(), .options = K_WRITABLE};
    uint64_t physical = 0;

    REQUIRE_EQ(svPagesAllocate(&ring, &physical), K_OK);
    EXPECT_EQ(physical & (page() - 1), 0u);
    EXPECT_EQ(mem_load32(ring.startAddr + page()), 0u);
    mem_store32(ring.startAddr + page(), 7);
    window.size = page();
    REQUIRE_EQ(svPhysMap(&window, physical + page(), 1), K_OK);
    EXPECT_EQ(mem_load32(window.startAddr), 7u);
    mem_store32(window.startAddr, 8);
    EXPECT_EQ(mem_load32(ring.startAddr + page()), 8u);

    /* rights may go and come back */
    window.options = K_NOACCESS;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &window), K_OK);
    window.options = K_READABLE;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &window), K_OK);
    EXPECT_EQ(mem_load32(window.startAddr), 8u);
    window.options = K_READABLE | K_WRITABLE;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &window), K_OK);
    mem_store32(window.startAddr, 9);
    EXPECT_EQ(mem_load32(ring.startAddr + page()), 9u);

    taken.startAddr = window.startAddr;
    EXPECT_EQ(svPhysMap(&taken, physical, 0), K_EOVERLAP);
    EXPECT_EQ(svPagesAllocate(&taken, &physical), K_EOVERLAP);
    EXPECT_EQ(svPhysMap(&taken, physical + 1, 0), K_EINVAL);
    EXPECT_EQ(svPhysMap(&taken, physical, 2), K_EINVAL);
    EXPECT_EQ(svPhysMap(WILD, physical, 0), K_EFAULT);
    EXPECT_EQ(svPagesAllocate(WILD, &physical), K_EFAULT);
    EXPECT_EQ(svPagesAllocate(&taken, WILD), K_EFAULT);
    taken.size = 0;
    EXPECT_EQ(svPagesAllocate(&taken, &physical), K_EINVAL);
    taken = (KnRgnDesc){.size = K_CMSGBODYMAX + 1, .options = K_WRITABLE | K_ANYWHERE};
    EXPECT_EQ(svPagesAllocate(&taken, &physical), K_EINVAL);
    EXPECT_EQ(rgnFree(K_MYACTOR, &window), K_OK);
    EXPECT_EQ(rgnFree(K_MYACTOR, &ring), K_OK);
}

/* Supervisor actors share a space, and no region. */
CASE(others_regions_keep_their_rights)
{
    KnRgnDesc region = {.size = page(), .options = K_WRITABLE | K_ANYWHERE};
    KnCap other;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_SUPACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(rgnAllocate(&other, &region), K_OK);
    region.options = K_READABLE;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &region), K_EADDR);
    mem_store32(region.startAddr, 5);
    EXPECT_EQ(rgnSetProtect(&other, &region), K_OK);
    EXPECT_EQ(rgnFree(K_MYACTOR, &region), K_OK); /* what is one's own there: nothing */
    EXPECT_EQ(mem_load32(region.startAddr), 5u);
    EXPECT_EQ(actorDelete(&other), K_OK);
}

static const struct guest_entry entries[] = {
    CASE_SUPERVISOR(trap_reaches_its_owner),
    CASE_SUPERVISOR(trap_without_owner_ends_its_actor),
    CASE_SUPERVISOR(an_owner_is_not_displaced),
    CASE_HELPER(connect_oneself),
    CASE_SUPERVISOR(waiting_for_an_end_is_aborted),
    CASE_SUPERVISOR(disconnected_owner_hears_nothing),
    CASE_HELPER(trap_once),
    CASE_SUPERVISOR(created_actor_inherits_its_owner),
    CASE_SUPERVISOR(handler_reaches_its_callers_memory),
    CASE_HELPER(trap_with_text),
    CASE_SUPERVISOR(handler_meets_wild_addresses),
    CASE_HELPER(trap_for_a_fault),
    CASE_SUPERVISOR(handler_is_not_cut_short),
    CASE_SUPERVISOR(trap_errors),
    CASE_SUPERVISOR(exception_handler_mends_and_resumes),
    CASE_SUPERVISOR(declined_exception_ends_its_actor),
    CASE_HELPER(write_and_read_back),
    CASE_SUPERVISOR(abort_handler_runs_on_the_way_home),
    CASE_HELPER(abort_myself),
    CASE_SUPERVISOR(interrupt_sequences_are_the_actors_own),
    CASE_SYSTEM(supervisor_calls_are_not_for_others),
    CASE_SUPERVISOR(physical_memory),
    CASE_SUPERVISOR(others_regions_keep_their_rights),
};
GUEST_PROGRAM(supervisor, entries);
