/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The errors of the thread calls, and the registers of threads. The errors that come of a bad
 * capability are in actor.c.
 */
#include "chorus/context.h"

#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((void *)0x1000) /* below all that an actor may have */
#define NOBODY ((KnThreadLid)INT32_MAX)
#define IMAGE_BYTES 4096

static void sleep_on(uintptr_t argument)
{
    threadDelay((int64_t)argument);
}

/* A thread of this actor that has not been started. */
static KnThreadLid thread_new(void)
{
    KnStartInfo start = {.dsEntry = (VmAddr)sleep_on, .dsArgument = 1};

    return (KnThreadLid)threadCreate(K_MYACTOR, NULL, K_INACTIVE, NULL, &start);
}

CASE(create_errors)
{
    KnStartInfo good = {.dsEntry = (VmAddr)sleep_on}, odd = good;
    KnSchedParms high = {K_SCHED_FIFO, -1}, low = {K_SCHED_FIFO, 256}, other = {(KnSchedClass)3, 5};
    KnThreadLid lid;

    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, (KnActorStatus)2, NULL, &good), K_EINVAL);
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, &high, &good), K_EINVAL);
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, &low, &good), K_EINVAL);
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, &other, &good), K_EINVAL);
    EXPECT_EQ(threadCreate(K_MYACTOR, WILD, K_INACTIVE, NULL, &good), K_EFAULT);
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, WILD, &good), K_EFAULT);
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, WILD), K_EFAULT);
    odd.dsPrivilege = (KnThreadPrivilege)2;
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &odd), K_EINVAL);
    odd.dsPrivilege = K_SUPTHREAD;
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &odd), K_EPRIV);
    odd = (KnStartInfo){.dsEntry = UINTPTR_MAX}; /* no user's address on any machine */
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &odd), K_EINVAL);
    odd = (KnStartInfo){.dsEntry = good.dsEntry, .dsUserStackPointer = UINTPTR_MAX};
    EXPECT_EQ(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &odd), K_EINVAL);
}

CASE(unknown_thread)
{
    KnThreadCtx context;
    char image[IMAGE_BYTES];

    EXPECT_EQ(threadDelete(K_MYACTOR, NOBODY), K_EUNKNOWN);
    EXPECT_EQ(threadActivate(K_MYACTOR, NOBODY), K_EUNKNOWN);
    EXPECT_EQ(threadStop(K_MYACTOR, NOBODY), K_EUNKNOWN);
    EXPECT_EQ(threadStart(K_MYACTOR, NOBODY), K_EUNKNOWN);
    EXPECT_EQ(threadAbort(K_MYACTOR, NOBODY), K_EUNKNOWN);
    EXPECT_EQ(threadScheduler(K_MYACTOR, NOBODY, NULL, NULL), K_EUNKNOWN);
    EXPECT_EQ(threadName(K_MYACTOR, NOBODY, NULL, NULL), K_EUNKNOWN);
    EXPECT_EQ(threadContext(K_MYACTOR, NOBODY, &context, NULL), K_EUNKNOWN);
    EXPECT_EQ(threadExtended(K_MYACTOR, NOBODY, image, NULL, IMAGE_BYTES), K_EUNKNOWN);
    EXPECT_EQ(threadDelete(K_MYACTOR, 0), K_EUNKNOWN);
    EXPECT_EQ(threadDelete(K_MYACTOR, -2), K_EUNKNOWN);
}

CASE(thread_of_another_actor_is_unknown)
{
    KnThreadLid lid = thread_new();
    KnCap actor;

    REQUIRE(lid > 0);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(threadDelete(&actor, lid), K_EUNKNOWN);
    EXPECT_EQ(threadDelete(&actor, K_MYSELF), K_EUNKNOWN);
    EXPECT_EQ(actorDelete(&actor), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, lid), K_OK);
}

CASE(wild_arguments)
{
    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, WILD, NULL), K_EFAULT);
    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, NULL, WILD), K_EFAULT);
    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, WILD, NULL), K_EFAULT);
    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, NULL, WILD), K_EFAULT);
    EXPECT_EQ(threadStat(K_MYACTOR, 0, WILD), K_EFAULT);
}

CASE(scheduler_errors_change_nothing)
{
    KnSchedParms before, after, bad[] = {{K_SCHED_RR, -1}, {K_SCHED_RR, 256}, {(KnSchedClass)9, 1}};

    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &before, NULL), K_OK);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, NULL, &bad[i]), K_EINVAL);
    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &after, NULL), K_OK);
    EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
}

CASE(threads_run_out_in_an_orderly_way)
{
    KnThreadLid first = thread_new(), lid = first;
    KnResult status = K_OK;
    KnThreadStat stat;
    uint32_t count = 1;

    REQUIRE(first > 0);
    for (; count < 5000 && status == K_OK; count++) {
        KnStartInfo start = {.dsEntry = (VmAddr)sleep_on, .dsArgument = 1};

        status = threadCreate(K_MYACTOR, NULL, K_INACTIVE, NULL, &start);
        lid = status > 0 ? (KnThreadLid)status : lid;
        status = status > 0 ? K_OK : status;
    }
    EXPECT_EQ(status, K_ENOMEM);
    EXPECT(count > 100);
    for (KnThreadLid i = first; i <= lid; i++)
        if (threadDelete(K_MYACTOR, i) != K_OK)
            EXPECT_EQ(i, -1);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(threadStat(K_MYACTOR, 1, &stat), K_EEND);
}

/* ---- Registers ------------------------------------------------------------------------------- */

CASE(context_of_a_new_thread)
{
    KnThreadLid lid = thread_new();
    KnThreadCtx first, second;

    REQUIRE(lid > 0);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &first, NULL), K_OK);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &first), K_OK);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &second, NULL), K_OK);
    EXPECT_EQ(memcmp(&first, &second, sizeof(first)), 0);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, WILD, NULL), K_EFAULT);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, WILD), K_EFAULT);
    EXPECT_EQ(threadDelete(K_MYACTOR, lid), K_OK);
}

static void work_on(uintptr_t argument)
{
    for (;;)
        actorWork(argument);
}

CASE(context_of_a_running_thread_is_busy)
{
    KnSchedParms worse = {K_SCHED_FIFO, 200};
    char image[IMAGE_BYTES];
    KnThreadCtx context;
    KnThreadLid lid;

    REQUIRE_EQ(thread_launch(&lid, work_on, 1000000, 0, &worse), K_OK);
    EXPECT_EQ(threadDelay(5000000), K_OK);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &context, NULL), K_EBUSY);
    EXPECT_EQ(threadExtended(K_MYACTOR, lid, image, NULL, IMAGE_BYTES), K_EBUSY);
    EXPECT_EQ(threadStop(K_MYACTOR, lid), K_OK);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &context, NULL), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, lid), K_OK);
}

CASE(extended_state_is_an_image)
{
    KnThreadLid lid = thread_new();
    char image[IMAGE_BYTES];
    KnResult bytes;

    REQUIRE(lid > 0);
    bytes = threadExtended(K_MYACTOR, lid, image, NULL, IMAGE_BYTES);
    EXPECT(bytes >= 0 && bytes <= IMAGE_BYTES);
    EXPECT_EQ(threadExtended(K_MYACTOR, lid, NULL, image, IMAGE_BYTES), bytes);
    EXPECT_EQ(threadExtended(K_MYACTOR, lid, image, NULL, (VmSize)1 << 30), K_ETOOMUCH);
    EXPECT_EQ(threadDelete(K_MYACTOR, lid), K_OK);
}

CASE(registers_are_not_users_to_change)
{
    KnThreadCtx context;
    char image[IMAGE_BYTES];

    EXPECT_EQ(threadContext(K_MYACTOR, K_MYSELF, &context, NULL), K_EPRIV);
    EXPECT_EQ(threadExtended(K_MYACTOR, K_MYSELF, image, NULL, IMAGE_BYTES), K_EPRIV);
}

CASE(supervisor_thread_has_no_user_registers)
{
    KnThreadCtx context;
    char image[64];

    EXPECT_EQ(threadContext(K_MYACTOR, K_MYSELF, &context, NULL), K_EINVAL);
    EXPECT_EQ(threadExtended(K_MYACTOR, K_MYSELF, image, NULL, sizeof(image)), K_EINVAL);
}

static const struct guest_entry entries[] = {
    CASE_USER(create_errors),
    CASE_SYSTEM(unknown_thread),
    CASE_USER(thread_of_another_actor_is_unknown),
    CASE_USER(wild_arguments),
    CASE_USER(scheduler_errors_change_nothing),
    CASE_USER(threads_run_out_in_an_orderly_way),
    CASE_SYSTEM(context_of_a_new_thread),
    CASE_SYSTEM(context_of_a_running_thread_is_busy),
    CASE_SYSTEM(extended_state_is_an_image),
    CASE_USER(registers_are_not_users_to_change),
    CASE_SUPERVISOR(supervisor_thread_has_no_user_registers),
};
GUEST_PROGRAM(thread_errors, entries);
