/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nucleus calls at random from a user actor: any number, any arguments, good and bad addresses,
 * while its other threads do the same. The site must live, and what the actor took must be back
 * after its end.
 */
#include "kit/random.h"
#include "tests/guest/case.h"

#define CALLS_A_THREAD 5000u
#define THREADS 4u
#define STACK_BYTES 32768u
#define BUFFER_BYTES 8192u
#define BOUND_NS (20000 * GUEST_MS)

struct storm {
    struct random random;
    VmAddr region;
    KnCap self;
    uint64_t words[64]; /* plain memory for arguments; filled with likely values */
    uint32_t *left;
};

/* What may not be called at random: it would end this thread for good, fill the log, or make
 * actors that outlive this one. */
static bool is_excluded(uint32_t number)
{
    return number == K_CALL_sysLog || number == K_CALL_actorDelete || number == K_CALL_actorStop ||
           number == K_CALL_actorCreate || number == K_CALL_threadDelete ||
           number == K_CALL_threadStop;
}

/* Delays are short; where a call takes one, this is its argument's place. */
static int delay_argument(uint32_t number)
{
    switch (number) {
    case K_CALL_threadDelay:
    case K_CALL_actorWork:
        return 0;
    case K_CALL_syncWait:
    case K_CALL_ipcReceive:
        return 2;
    case K_CALL_ipcReplyReceive:
        return 3;
    case K_CALL_ipcCall:
        return 4;
    default:
        return -1;
    }
}

static uintptr_t choose(struct storm *storm)
{
    struct random *random = &storm->random;

    switch (random_below(random, 8)) {
    case 0:
        return 0;
    case 1:
        return (uintptr_t)random_below(random, 8);
    case 2:
        return (uintptr_t)&storm->words[random_below(random, 32)];
    case 3:
        return storm->region + (uintptr_t)random_below(random, BUFFER_BYTES);
    case 4:
        return (uintptr_t)&storm->self;
    case 5:
        return (uintptr_t)random_next(random);
    case 6:
        return UINTPTR_MAX - (uintptr_t)random_below(random, 64);
    default:
        return storm->region + BUFFER_BYTES - (uintptr_t)random_below(random, 64);
    }
}

/* Structures at random places hold identifiers, small sizes, addresses, and noise. */
static void stir(struct storm *storm)
{
    uint32_t at = (uint32_t)random_below(&storm->random, 64);

    storm->words[at] = random_below(&storm->random, 2) == 0
                           ? choose(storm)
                           : random_below(&storm->random, 3 * BUFFER_BYTES);
    if (random_below(&storm->random, 8) == 0)
        mem_store64(storm->region + 8 * (VmAddr)random_below(&storm->random, BUFFER_BYTES / 8),
                    random_next(&storm->random));
}

static void call_at_random(struct storm *storm)
{
    uint32_t number = (uint32_t)random_below(&storm->random, K_CALL_LIMIT + 4);
    uintptr_t words[6];
    int delay = delay_argument(number);

    for (int i = 0; i < 6; i++)
        words[i] = choose(storm);
    if (delay >= 0)
        words[delay] = (uintptr_t)random_below(&storm->random, 20000);
    if (!is_excluded(number))
        (void)nucleusCall(number, words);
}

static void storm_run(uintptr_t argument)
{
    struct storm *storm = (struct storm *)argument;

    for (uint32_t i = 0; i < CALLS_A_THREAD; i++) {
        stir(storm);
        call_at_random(storm);
    }
    --*storm->left;
    for (;;)
        (void)threadDelay(1000 * (int64_t)GUEST_MS);
}

CASE_ACTOR(caller)
{
    struct storm storm[THREADS] = {0};
    uint32_t left = THREADS;

    for (uint32_t i = 0; i < THREADS; i++) {
        KnRgnDesc region = {.size = BUFFER_BYTES, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};
        KnThreadLid lid;

        random_init(&storm[i].random, argument * THREADS + i);
        storm[i].left = &left;
        (void)actorSelf(&storm[i].self);
        if (rgnAllocate(K_MYACTOR, &region) != K_OK)
            return;
        storm[i].region = region.startAddr;
        if (thread_launch(&lid, storm_run, (uintptr_t)&storm[i], STACK_BYTES, NULL) < 0)
            return;
    }
    for (uint32_t i = 0; i < 10000 && left > 0; i++)
        (void)threadDelay(2 * (int64_t)GUEST_MS);
}

/* The actor may well end itself, by freeing its own stack or by a fault: that is its right. */
static void storm_case(struct guest *guest, uint64_t seed)
{
    KnCap actor;
    KnResult status;

    REQUIRE_EQ(guest_start(guest, caller, K_USERACTOR, seed, &actor), K_OK);
    status = guest_wait_end(&actor, BOUND_NS);
    if (status == K_ETIMEOUT)
        status = actorDelete(&actor);
    EXPECT(status == K_OK || status == K_EUNKNOWN);
}

CASE(first_storm)
{
    storm_case(guest, 1);
}

CASE(second_storm)
{
    storm_case(guest, 2);
}

CASE(third_storm)
{
    storm_case(guest, 3);
}

CASE(fourth_storm)
{
    storm_case(guest, 4);
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(first_storm),  CASE_SYSTEM(second_storm), CASE_SYSTEM(third_storm),
    CASE_SYSTEM(fourth_storm), CASE_HELPER(caller),
};
GUEST_PROGRAM(random_calls, entries);
