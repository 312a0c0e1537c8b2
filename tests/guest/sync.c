/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting on memory, and what stands on it: mutexes, semaphores, event sets. And the calls that
 * tell time.
 */
#include "chorus/sync.h"

#include "kit/string.h"
#include "tests/guest/case.h"

#define OWN_PRIORITY 64
#define BETTER (OWN_PRIORITY - 1)
#define WORSE (OWN_PRIORITY + 1)
#define THREADS 4
#define WILD ((VmAddr)0x1000) /* below all that an actor may have */

/* What the threads of a case share. */
struct shared {
    struct guest *guest;
    uint32_t word;
    KnMutex mutex;
    KnSem sem;
    KnEventSet events;
    uint32_t flags; /* an event waiter's */
    KnEventMode mode;
    int64_t delay_ns;
    uint32_t total;
    uint32_t inside, worst; /* threads in the guarded section, and the most there were */
    KnResult result[THREADS];
    uint32_t posted[THREADS];
    volatile uint32_t ended;
    uint32_t order[THREADS]; /* in which they ended */
};

/* A thread's argument: a pointer to this. */
struct member {
    struct shared *shared;
    uint32_t index;
    KnThreadLid lid;
};

static KnResult member_launch(struct member *member, struct shared *shared, uint32_t index,
                              void (*entry)(uintptr_t), int32_t priority)
{
    KnSchedParms sched = {K_SCHED_RR, priority};

    *member = (struct member){.shared = shared, .index = index};
    return thread_launch(&member->lid, entry, (uintptr_t)member, 0, &sched);
}

static void member_end(struct member *member, KnResult result)
{
    struct shared *shared = member->shared;

    shared->result[member->index] = result;
    shared->order[shared->ended] = member->index;
    shared->ended++;
}

static bool ended(const struct shared *shared, uint32_t count)
{
    for (int i = 0; i < 2000 && shared->ended < count; i++)
        threadDelay(1000000);
    return shared->ended == count;
}

/* ---- The wait itself ------------------------------------------------------------------------- */

static void wait_on_word(uintptr_t argument)
{
    struct member *member = (struct member *)argument;
    struct shared *shared = member->shared;

    member_end(member, syncWait((VmAddr)&shared->word, 0, shared->delay_ns, K_ABORTABLE));
}

static bool waiters_launch(struct guest *guest, struct shared *shared, struct member *member,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!EXPECT_EQ(member_launch(&member[i], shared, i, wait_on_word, BETTER), K_OK))
            return false;
    return true;
}

CASE(wake_ends_waits_in_order)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member[THREADS];

    REQUIRE(waiters_launch(guest, &shared, member, 4));
    EXPECT_EQ(syncWake((VmAddr)&shared.word, 1), 1);
    EXPECT_EQ(shared.ended, 1);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, 2), 2);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, UINT32_MAX), 1);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, UINT32_MAX), 0);
    EXPECT(ended(&shared, 4));
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_EQ(shared.order[i], i);
        EXPECT_EQ(shared.result[i], K_OK);
    }
}

CASE(wait_looks_at_the_word)
{
    uint32_t word = 7;

    EXPECT_EQ(syncWait((VmAddr)&word, 8, K_NOTIMEOUT, 0), K_EAGAIN);
    EXPECT_EQ(syncWait((VmAddr)&word, 7, K_NOBLOCK, 0), K_ETIMEOUT);
}

CASE(wait_has_a_deadline)
{
    uint32_t word = 0;
    uint64_t start_ns = guest_now_ns();

    EXPECT_EQ(syncWait((VmAddr)&word, 0, 15000000, 0), K_ETIMEOUT);
    EXPECT(guest_now_ns() - start_ns >= 15000000);
    EXPECT_EQ(syncWake((VmAddr)&word, 1), 0); /* nobody waits any more */
}

CASE(wait_can_be_aborted)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member;

    REQUIRE(waiters_launch(guest, &shared, &member, 1));
    EXPECT_EQ(threadAbort(K_MYACTOR, member.lid), K_OK);
    EXPECT(ended(&shared, 1));
    EXPECT_EQ(shared.result[0], K_EABORT);
}

static void wait_firmly(uintptr_t argument)
{
    struct member *member = (struct member *)argument;

    member_end(member, syncWait((VmAddr)&member->shared->word, 0, K_NOTIMEOUT, 0));
}

CASE(wait_is_abortable_only_where_asked)
{
    struct shared shared = {0};
    struct member member;

    REQUIRE_EQ(member_launch(&member, &shared, 0, wait_firmly, BETTER), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, member.lid), K_OK);
    EXPECT_EQ(threadDelay(10000000), K_OK);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, 1), 1);
    EXPECT(ended(&shared, 1));
    EXPECT_EQ(shared.result[0], K_OK);
}

CASE(requeue_moves_waiters)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member[THREADS];
    uint32_t other = 0;

    REQUIRE(waiters_launch(guest, &shared, member, 4));
    EXPECT_EQ(syncRequeue((VmAddr)&shared.word, 1, (VmAddr)&other, 2), 3);
    EXPECT_EQ(shared.ended, 1);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, UINT32_MAX), 1);
    EXPECT_EQ(syncWake((VmAddr)&other, UINT32_MAX), 2);
    EXPECT(ended(&shared, 4));
    EXPECT_EQ(shared.order[1], 3); /* it alone had stayed */
}

/* Who would move to where it is stays; and the two numbers together may be more than one holds. */
CASE(requeue_to_the_same_word)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member[4];

    REQUIRE(waiters_launch(guest, &shared, member, 4));
    EXPECT_EQ(syncRequeue((VmAddr)&shared.word, 0, (VmAddr)&shared.word, UINT32_MAX), 4);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(syncRequeue((VmAddr)&shared.word, 1, (VmAddr)&shared.word, UINT32_MAX), 4);
    EXPECT_EQ(shared.ended, 1);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, UINT32_MAX), 3);
    EXPECT(ended(&shared, 4));
}

CASE(moved_waiter_keeps_its_deadline)
{
    struct shared shared = {.delay_ns = 20000000};
    struct member member;
    uint32_t other = 0;

    REQUIRE(waiters_launch(guest, &shared, &member, 1));
    EXPECT_EQ(syncRequeue((VmAddr)&shared.word, 0, (VmAddr)&other, 1), 1);
    EXPECT(ended(&shared, 1));
    EXPECT_EQ(shared.result[0], K_ETIMEOUT);
    EXPECT_EQ(syncWake((VmAddr)&other, 1), 0);
}

CASE(waiter_can_be_deleted)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member[2];

    REQUIRE(waiters_launch(guest, &shared, member, 2));
    EXPECT_EQ(threadDelete(K_MYACTOR, member[0].lid), K_OK);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(syncWake((VmAddr)&shared.word, UINT32_MAX), 1);
    EXPECT(ended(&shared, 1));
}

CASE(wait_on_region_memory)
{
    KnRgnDesc region = {.size = 1, .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    EXPECT_EQ(syncWait(region.startAddr, 1, K_NOTIMEOUT, 0), K_EAGAIN);
    mem_store32(region.startAddr + 8, 1);
    EXPECT_EQ(syncWait(region.startAddr + 8, 1, 1000000, 0), K_ETIMEOUT);
    EXPECT_EQ(syncWake(region.startAddr + 8, 1), 0);
}

/* The parent's region is mapped at the same address here. */
CASE_ACTOR(wait_in_another_actor)
{
    VmAddr word = argument;

    mem_store32(word + 4, 1);
    EXPECT_EQ(syncWait(word, 0, 2000000000, 0), K_OK);
    mem_store32(word + 4, 2);
}

CASE(wake_reaches_another_actor)
{
    KnRgnDesc region = {.size = 1, .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    KnCap actor;

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    mem_store32(region.startAddr, 0);
    REQUIRE_EQ(guest_create(guest, wait_in_another_actor, K_USERACTOR, region.startAddr, &actor),
               K_OK);
    KnRgnDesc there = {.startAddr = region.startAddr,
                       .size = region.size,
                       .options = K_READABLE | K_WRITABLE};

    EXPECT_EQ(rgnMapFromActor(&actor, &there, K_MYACTOR, region.startAddr), K_OK);
    EXPECT_EQ(actorStart(&actor), K_OK);
    EXPECT_EQ(threadDelay(50000000), K_OK);
    EXPECT_EQ(mem_load32(region.startAddr + 4), 1);
    EXPECT_EQ(syncWake(region.startAddr, 1), 1);
    EXPECT_EQ(guest_wait_end(&actor, 2000 * GUEST_MS), K_OK);
    EXPECT_EQ(mem_load32(region.startAddr + 4), 2);
}

CASE(sync_errors)
{
    uint32_t words[2] = {0, 0};
    VmAddr good = (VmAddr)&words[0];

    EXPECT_EQ(syncWait(good + 1, 0, 0, 0), K_EINVAL);
    EXPECT_EQ(syncWait(good, 0, 0, ~K_ABORTABLE), K_EINVAL);
    EXPECT_EQ(syncWait(WILD, 0, 0, 0), K_EFAULT);
    EXPECT_EQ(syncWait(0, 0, 0, 0), K_EFAULT);
    EXPECT_EQ(syncWake(good + 2, 1), K_EINVAL);
    EXPECT_EQ(syncWake(WILD, 1), K_EFAULT);
    EXPECT_EQ(syncRequeue(good + 3, 1, good, 1), K_EINVAL);
    EXPECT_EQ(syncRequeue(good, 1, good + 3, 1), K_EINVAL);
    EXPECT_EQ(syncRequeue(WILD, 1, good, 1), K_EFAULT);
    EXPECT_EQ(syncRequeue(good, 1, WILD, 1), K_EFAULT);
}

/* ---- Mutex ----------------------------------------------------------------------------------- */

CASE(mutex_alone)
{
    KnMutex mutex;
    KnSiteStat before, after;

    EXPECT_EQ(mutexInit(&mutex), K_OK);
    EXPECT_EQ(siteStat(&before), K_OK);
    EXPECT_EQ(mutexGet(&mutex), K_OK);
    EXPECT_EQ(mutexTry(&mutex), K_EBUSY);
    EXPECT_EQ(mutexRel(&mutex), K_OK);
    EXPECT_EQ(mutexTry(&mutex), K_OK);
    EXPECT_EQ(mutexRel(&mutex), K_OK);
    EXPECT_EQ(mutexRel(&mutex), K_EINVAL);
    EXPECT_EQ(siteStat(&after), K_OK);
    EXPECT_EQ(after.ssCalls - before.ssCalls,
              1); /* siteStat's own: nothing else entered the Nucleus */
}

/* Leaves the processor inside the guarded section, so that others run into the mutex. */
static void guarded_rounds(uintptr_t argument)
{
    struct member *member = (struct member *)argument;
    struct shared *shared = member->shared;
    KnResult status = K_OK;

    for (int i = 0; i < 50 && status == K_OK; i++) {
        status = mutexGet(&shared->mutex);
        shared->inside++;
        if (shared->inside > shared->worst)
            shared->worst = shared->inside;
        shared->total++;
        if (i % 3 == 0)
            threadDelay(K_NOBLOCK);
        if (i % 7 == 0)
            threadDelay(100000);
        shared->inside--;
        if (status == K_OK)
            status = mutexRel(&shared->mutex);
    }
    member_end(member, status);
}

CASE(mutex_excludes)
{
    struct shared shared = {.guest = guest};
    struct member member[THREADS];

    mutexInit(&shared.mutex);
    for (uint32_t i = 0; i < THREADS; i++)
        REQUIRE_EQ(member_launch(&member[i], &shared, i, guarded_rounds, WORSE), K_OK);
    EXPECT(ended(&shared, THREADS));
    EXPECT_EQ(shared.worst, 1);
    EXPECT_EQ(shared.total, THREADS * 50);
    for (uint32_t i = 0; i < THREADS; i++)
        EXPECT_EQ(shared.result[i], K_OK);
    EXPECT_EQ(shared.mutex.mtState, 0);
}

static void get_and_release(uintptr_t argument)
{
    struct member *member = (struct member *)argument;
    KnResult status = mutexGet(&member->shared->mutex);

    member_end(member, status);
    mutexRel(&member->shared->mutex);
}

CASE(mutex_wakes_in_order)
{
    struct shared shared = {.guest = guest};
    struct member member[THREADS];

    mutexInit(&shared.mutex);
    EXPECT_EQ(mutexGet(&shared.mutex), K_OK);
    for (uint32_t i = 0; i < THREADS; i++)
        REQUIRE_EQ(member_launch(&member[i], &shared, i, get_and_release, BETTER), K_OK);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(mutexRel(&shared.mutex), K_OK);
    EXPECT(ended(&shared, THREADS));
    for (uint32_t i = 0; i < THREADS; i++)
        EXPECT_EQ(shared.order[i], i);
}

CASE(mutex_is_not_abortable)
{
    struct shared shared = {.guest = guest};
    struct member member;

    mutexInit(&shared.mutex);
    EXPECT_EQ(mutexGet(&shared.mutex), K_OK);
    REQUIRE_EQ(member_launch(&member, &shared, 0, get_and_release, BETTER), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, member.lid), K_OK);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(mutexRel(&shared.mutex), K_OK);
    EXPECT(ended(&shared, 1));
    EXPECT_EQ(shared.result[0], K_OK);
}

/* ---- Semaphore ------------------------------------------------------------------------------- */

CASE(sem_counts)
{
    KnSem sem;

    EXPECT_EQ(semInit(&sem, 2), K_OK);
    EXPECT_EQ(semP(&sem, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(semP(&sem, K_NOTIMEOUT), K_OK);
    EXPECT_EQ(semP(&sem, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(semP(&sem, 5000000), K_ETIMEOUT);
    EXPECT_EQ(semV(&sem), K_OK);
    EXPECT_EQ(semP(&sem, K_NOBLOCK), K_OK);
    EXPECT_EQ(semInit(&sem, UINT32_MAX), K_OK);
    EXPECT_EQ(semV(&sem), K_ETOOMUCH);
}

static void take_one(uintptr_t argument)
{
    struct member *member = (struct member *)argument;

    member_end(member, semP(&member->shared->sem, member->shared->delay_ns));
}

CASE(sem_lets_in_one_for_each_given)
{
    struct shared shared = {.delay_ns = K_NOTIMEOUT};
    struct member member[THREADS];

    semInit(&shared.sem, 0);
    for (uint32_t i = 0; i < THREADS; i++)
        REQUIRE_EQ(member_launch(&member[i], &shared, i, take_one, BETTER), K_OK);
    for (uint32_t i = 0; i < THREADS; i++) {
        EXPECT_EQ(shared.ended, i);
        EXPECT_EQ(semV(&shared.sem), K_OK);
    }
    EXPECT_EQ(shared.ended, THREADS);
    for (uint32_t i = 0; i < THREADS; i++)
        EXPECT_EQ(shared.order[i], i);
    EXPECT_EQ(shared.sem.smWaiters, 0);
}

CASE(sem_wait_ends_by_time_or_abort)
{
    struct shared shared = {.delay_ns = 10000000};
    struct member member[2];

    semInit(&shared.sem, 0);
    REQUIRE_EQ(member_launch(&member[0], &shared, 0, take_one, BETTER), K_OK);
    shared.delay_ns = K_NOTIMEOUT;
    REQUIRE_EQ(member_launch(&member[1], &shared, 1, take_one, BETTER), K_OK);
    EXPECT(ended(&shared, 1));
    EXPECT_EQ(threadAbort(K_MYACTOR, member[1].lid), K_OK);
    EXPECT(ended(&shared, 2));
    EXPECT_EQ(shared.result[0], K_ETIMEOUT);
    EXPECT_EQ(shared.result[1], K_EABORT);
    EXPECT_EQ(shared.sem.smWaiters, 0);
    EXPECT_EQ(shared.sem.smCount, 0);
}

/* ---- Event set ------------------------------------------------------------------------------- */

CASE(events_stay_until_cleared)
{
    KnEventSet set;
    uint32_t posted = 0;

    EXPECT_EQ(eventInit(&set), K_OK);
    EXPECT_EQ(eventWait(&set, 1, K_EVENT_ANY, NULL, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(eventPost(&set, 5), K_OK);
    EXPECT_EQ(eventWait(&set, 7, K_EVENT_ANY, &posted, K_NOBLOCK), K_OK);
    EXPECT_EQ(posted, 5);
    EXPECT_EQ(eventWait(&set, 4, K_EVENT_ANY, &posted, K_NOBLOCK), K_OK);
    EXPECT_EQ(posted, 4);
    EXPECT_EQ(eventWait(&set, 7, K_EVENT_ALL, NULL, 5000000), K_ETIMEOUT);
    EXPECT_EQ(eventClear(&set, 4), K_OK);
    EXPECT_EQ(eventWait(&set, 4, K_EVENT_ANY, NULL, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(eventWait(&set, 0, K_EVENT_ANY, NULL, K_NOBLOCK), K_EINVAL);
    EXPECT_EQ(eventWait(&set, 1, (KnEventMode)2, NULL, K_NOBLOCK), K_EINVAL);
}

static void await_events(uintptr_t argument)
{
    struct member *member = (struct member *)argument;
    struct shared *shared = member->shared;

    member_end(member, eventWait(&shared->events, shared->flags, shared->mode,
                                 &shared->posted[member->index], shared->delay_ns));
}

CASE(event_wait_for_all_wants_all)
{
    struct shared shared = {.flags = 6, .mode = K_EVENT_ALL, .delay_ns = K_NOTIMEOUT};
    struct member member;

    eventInit(&shared.events);
    REQUIRE_EQ(member_launch(&member, &shared, 0, await_events, BETTER), K_OK);
    EXPECT_EQ(eventPost(&shared.events, 2), K_OK);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(eventPost(&shared.events, 1), K_OK);
    EXPECT_EQ(shared.ended, 0);
    EXPECT_EQ(eventPost(&shared.events, 4), K_OK);
    EXPECT_EQ(shared.ended, 1);
    EXPECT_EQ(shared.result[0], K_OK);
    EXPECT_EQ(shared.posted[0], 6);
}

CASE(event_wakes_all_who_wait_for_it)
{
    struct shared shared = {.flags = 3, .mode = K_EVENT_ANY, .delay_ns = 1000000000};
    struct member member[THREADS];

    eventInit(&shared.events);
    for (uint32_t i = 0; i < THREADS; i++)
        REQUIRE_EQ(member_launch(&member[i], &shared, i, await_events, BETTER), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, member[2].lid), K_OK);
    EXPECT_EQ(eventPost(&shared.events, 2), K_OK);
    EXPECT(ended(&shared, THREADS));
    for (uint32_t i = 0; i < THREADS; i++)
        EXPECT_EQ(shared.result[i], i == 2 ? K_EABORT : K_OK);
    EXPECT_EQ(shared.events.evWaiters, 0);
}

/* ---- Time ------------------------------------------------------------------------------------ */

CASE(time_goes_on)
{
    uint64_t before_ns, after_ns, universal_ns;

    EXPECT_EQ(sysTime(&before_ns), K_OK);
    EXPECT_EQ(actorWork(1000000), K_OK);
    EXPECT_EQ(sysTime(&after_ns), K_OK);
    EXPECT(after_ns > before_ns);
    EXPECT_EQ(univTime(&universal_ns), K_OK);
    EXPECT_EQ(sysTime((uint64_t *)WILD), K_EFAULT);
    EXPECT_EQ(univTime((uint64_t *)WILD), K_EFAULT);
}

CASE(universal_time_can_be_set)
{
    uint64_t new_ns = UINT64_C(1234567890000000000), bad_ns = UINT64_MAX, was_ns, now_ns;

    EXPECT_EQ(univTime(&was_ns), K_OK);
    EXPECT_EQ(univTimeSet(&new_ns), K_OK);
    EXPECT_EQ(univTime(&now_ns), K_OK);
    EXPECT(now_ns >= new_ns && now_ns - new_ns < UINT64_C(10000000000));
    EXPECT_EQ(univTimeSet(&bad_ns), K_EINVAL);
    EXPECT_EQ(univTimeSet((uint64_t *)WILD), K_EFAULT);
    EXPECT_EQ(univTimeSet(&was_ns), K_OK);
}

CASE(universal_time_is_not_users_to_set)
{
    uint64_t time_ns = 0;

    EXPECT_EQ(univTimeSet(&time_ns), K_EPRIV);
}

static const struct guest_entry entries[] = {
    CASE_USER(wake_ends_waits_in_order),
    CASE_USER(wait_looks_at_the_word),
    CASE_USER(wait_has_a_deadline),
    CASE_USER(wait_can_be_aborted),
    CASE_USER(wait_is_abortable_only_where_asked),
    CASE_USER(requeue_moves_waiters),
    CASE_USER(requeue_to_the_same_word),
    CASE_USER(moved_waiter_keeps_its_deadline),
    CASE_USER(waiter_can_be_deleted),
    CASE_USER(wait_on_region_memory),
    CASE_SYSTEM(wake_reaches_another_actor),
    CASE_HELPER(wait_in_another_actor),
    CASE_USER(sync_errors),
    CASE_USER(mutex_alone),
    CASE_USER(mutex_excludes),
    CASE_USER(mutex_wakes_in_order),
    CASE_USER(mutex_is_not_abortable),
    CASE_USER(sem_counts),
    CASE_USER(sem_lets_in_one_for_each_given),
    CASE_USER(sem_wait_ends_by_time_or_abort),
    CASE_USER(events_stay_until_cleared),
    CASE_USER(event_wait_for_all_wants_all),
    CASE_USER(event_wakes_all_who_wait_for_it),
    CASE_USER(time_goes_on),
    CASE_SYSTEM(universal_time_can_be_set),
    CASE_USER(universal_time_is_not_users_to_set),
};
GUEST_PROGRAM(sync, entries);
