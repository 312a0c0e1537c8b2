/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canaries of the runner: each of these cases must be reported as failed, and why. The runner takes
 * them only when asked for by name; tests/guest/canaries asks.
 */
#include "tests/guest/case.h"

CASE(expectation_fails)
{
    EXPECT_EQ(actorWork(UINT64_MAX), K_OK);
}

CASE(actor_dies)
{
    mem_store32(0x1000, 1);
}

CASE(never_ends)
{
    threadDelay(K_NOTIMEOUT);
}

CASE(leaves_an_actor)
{
    KnCap actor;

    EXPECT_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
}

CASE_ACTOR(expect_in_vain)
{
    EXPECT(argument == 5);
}

CASE(helper_fails)
{
    KnCap actor;

    EXPECT_EQ(guest_start(guest, expect_in_vain, K_USERACTOR, 4, &actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, 1000 * GUEST_MS), K_OK);
}

static const struct guest_entry entries[] = {
    CASE_USER(expectation_fails), CASE_USER(actor_dies),     CASE_USER(never_ends),
    CASE_USER(leaves_an_actor),   CASE_SYSTEM(helper_fails), CASE_HELPER(expect_in_vain),
};
GUEST_PROGRAM(must_fail, entries);
