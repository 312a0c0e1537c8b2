/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and their scheduling: priorities, first in first out, round robin, stopping, aborting,
 * delays, scheduling parameters, names and figures. A case's own thread is FIFO at priority 64.
 */
#include "kit/string.h"
#include "tests/guest/case.h"

#define OWN_PRIORITY 64
#define BOUND_NS ((int64_t)1000000000)
#define ORDER_LIMIT 64

/* Who did what in which order. */
struct order {
    char text[ORDER_LIMIT + 1];
    uint32_t length;
};

static void order_add(struct order *order, char who)
{
    if (order->length < ORDER_LIMIT)
        order->text[order->length++] = who;
    order->text[order->length] = '\0';
}

struct worker {
    struct guest *guest;
    struct order *order;
    char name;
    uint32_t rounds;
    uint64_t work_ns; /* a round */
    KnThreadLid lid;
    volatile uint32_t done;
    KnResult result;
};

static KnResult worker_launch(struct worker *worker, void (*entry)(uintptr_t), KnSchedClass class,
                              int32_t priority)
{
    KnSchedParms sched = {class, priority};

    return thread_launch(&worker->lid, entry, (uintptr_t)worker, 0, &sched);
}

/* Waits, at the case's priority, until a worker has come to its end. */
static bool worker_join(struct worker *worker)
{
    for (int i = 0; i < 1000 && worker->done == 0; i++)
        threadDelay(1000000);
    return worker->done != 0;
}

static void work(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    for (uint32_t i = 0; i < worker->rounds; i++) {
        order_add(worker->order, worker->name);
        if (worker->work_ns > 0)
            actorWork(worker->work_ns);
    }
    worker->done = 1;
}

/* ---- Priorities ------------------------------------------------------------------------------ */

CASE(better_thread_runs_at_once)
{
    struct order order = {0};
    struct worker better = {.order = &order, .name = 'b', .rounds = 1};

    REQUIRE_EQ(worker_launch(&better, work, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
    order_add(&order, 'm');
    EXPECT(worker_join(&better));
    EXPECT_EQ(strcmp(order.text, "bm"), 0);
}

CASE(worse_thread_waits_its_turn)
{
    struct order order = {0};
    struct worker worse = {.order = &order, .name = 'w', .rounds = 1};

    REQUIRE_EQ(worker_launch(&worse, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    order_add(&order, 'm');
    EXPECT_EQ(threadDelay(K_NOBLOCK), K_OK); /* gives way to equals only */
    order_add(&order, 'm');
    EXPECT(worker_join(&worse));
    EXPECT_EQ(strcmp(order.text, "mmw"), 0);
}

CASE(priorities_order_ready_threads)
{
    static const int32_t priority[] = {80, 200, 70, 255, 79};
    struct order order = {0};
    struct worker worker[ARRAY_SIZE(priority)];

    for (size_t i = 0; i < ARRAY_SIZE(priority); i++) {
        worker[i] = (struct worker){.order = &order, .name = (char)('0' + i), .rounds = 1};
        REQUIRE_EQ(worker_launch(&worker[i], work, K_SCHED_FIFO, priority[i]), K_OK);
    }
    for (size_t i = 0; i < ARRAY_SIZE(priority); i++)
        EXPECT(worker_join(&worker[i]));
    EXPECT_EQ(strcmp(order.text, "24013"), 0);
}

CASE(preempted_thread_goes_on_before_its_equals)
{
    struct order order = {0};
    struct worker first = {.order = &order, .name = 'a', .rounds = 3, .work_ns = 20000000};
    struct worker second = {.order = &order, .name = 'b', .rounds = 1};

    REQUIRE_EQ(worker_launch(&first, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    REQUIRE_EQ(worker_launch(&second, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(threadDelay(11000000), K_OK); /* each return preempts the first worker */
    EXPECT(worker_join(&first));
    EXPECT(worker_join(&second));
    EXPECT_EQ(strcmp(order.text, "aaab"), 0);
}

/* ---- Classes --------------------------------------------------------------------------------- */

static uint32_t changes(const struct order *order)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < order->length; i++)
        count += order->text[i] != order->text[i - 1];
    return count;
}

static void two_of_a_class(struct guest *guest, struct order *order, KnSchedClass class)
{
    struct worker a = {.order = order, .name = 'a', .rounds = 30, .work_ns = 2000000};
    struct worker b = {.order = order, .name = 'b', .rounds = 30, .work_ns = 2000000};

    REQUIRE_EQ(worker_launch(&a, work, class, OWN_PRIORITY + 10), K_OK);
    REQUIRE_EQ(worker_launch(&b, work, class, OWN_PRIORITY + 10), K_OK);
    EXPECT(worker_join(&a));
    EXPECT(worker_join(&b));
    EXPECT_EQ(order->length, 60);
}

CASE(fifo_threads_do_not_share)
{
    struct order order = {0};

    two_of_a_class(guest, &order, K_SCHED_FIFO);
    EXPECT_EQ(changes(&order), 1);
}

/* 60 ms of work each, in turns of a quantum of 10 ms. */
CASE(round_robin_threads_take_turns)
{
    struct order order = {0};

    two_of_a_class(guest, &order, K_SCHED_RR);
    EXPECT(changes(&order) >= 5);
    EXPECT(changes(&order) <= 20);
}

CASE(time_sharing_threads_take_turns)
{
    struct order order = {0};

    two_of_a_class(guest, &order, K_SCHED_TS);
    EXPECT(changes(&order) >= 3);
}

static void yield(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    for (uint32_t i = 0; i < worker->rounds; i++) {
        order_add(worker->order, worker->name);
        threadDelay(K_NOBLOCK);
    }
    worker->done = 1;
}

CASE(delay_of_zero_gives_way_to_equals)
{
    struct order order = {0};
    struct worker a = {.order = &order, .name = 'a', .rounds = 3};
    struct worker b = {.order = &order, .name = 'b', .rounds = 3};

    REQUIRE_EQ(worker_launch(&a, yield, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    REQUIRE_EQ(worker_launch(&b, yield, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT(worker_join(&a));
    EXPECT(worker_join(&b));
    EXPECT_EQ(strcmp(order.text, "ababab"), 0);
}

/* ---- Scheduling parameters ------------------------------------------------------------------- */

CASE(scheduler_tells_and_sets)
{
    KnSchedParms old = {K_SCHED_TS, 0}, new = {K_SCHED_RR, 100};

    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, &old, NULL), K_OK);
    EXPECT_EQ(old.schedClass, K_SCHED_FIFO);
    EXPECT_EQ(old.schedPriority, OWN_PRIORITY);
    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, NULL, &new), K_OK);
    EXPECT_EQ(threadScheduler(K_MYACTOR, (KnThreadLid)threadSelf(), &old, &new), K_OK);
    EXPECT_EQ(old.schedClass, K_SCHED_RR);
    EXPECT_EQ(old.schedPriority, 100);
}

CASE(scheduler_change_takes_effect_at_once)
{
    struct order order = {0};
    struct worker a = {.order = &order, .name = 'a', .rounds = 1};
    struct worker b = {.order = &order, .name = 'b', .rounds = 1};
    KnSchedParms better = {K_SCHED_FIFO, OWN_PRIORITY - 1};

    REQUIRE_EQ(worker_launch(&a, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    REQUIRE_EQ(worker_launch(&b, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadScheduler(K_MYACTOR, b.lid, NULL, &better), K_OK);
    order_add(&order, 'm');
    EXPECT(worker_join(&a));
    EXPECT_EQ(strcmp(order.text, "bma"), 0);
}

CASE(scheduler_makes_its_caller_give_way)
{
    struct order order = {0};
    struct worker a = {.order = &order, .name = 'a', .rounds = 1};
    KnSchedParms worse = {K_SCHED_FIFO, OWN_PRIORITY + 2};

    REQUIRE_EQ(worker_launch(&a, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    order_add(&order, 'm');
    EXPECT_EQ(threadScheduler(K_MYACTOR, K_MYSELF, NULL, &worse), K_OK);
    order_add(&order, 'm');
    EXPECT_EQ(strcmp(order.text, "mam"), 0);
}

/* ---- Delays ---------------------------------------------------------------------------------- */

CASE(delay_takes_its_time)
{
    static const int64_t delay_ns[] = {1, 1000, 1000000, 25000000};

    for (size_t i = 0; i < ARRAY_SIZE(delay_ns); i++) {
        uint64_t start_ns = guest_now_ns();

        EXPECT_EQ(threadDelay(delay_ns[i]), K_OK);
        EXPECT(guest_now_ns() - start_ns >= (uint64_t)delay_ns[i]);
    }
}

static void sleep_a_while(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    worker->result = threadDelay((int64_t)worker->work_ns);
    order_add(worker->order, worker->name);
    worker->done = 1;
}

CASE(sleepers_wake_by_their_deadlines)
{
    static const uint64_t delay_ms[] = {90, 30, 150, 60, 120};
    struct order order = {0};
    struct worker worker[ARRAY_SIZE(delay_ms)];

    for (size_t i = 0; i < ARRAY_SIZE(delay_ms); i++) {
        worker[i] = (struct worker){.order = &order,
                                    .name = (char)('0' + i),
                                    .work_ns = delay_ms[i] * GUEST_MS};
        REQUIRE_EQ(worker_launch(&worker[i], sleep_a_while, K_SCHED_FIFO, 50), K_OK);
    }
    for (size_t i = 0; i < ARRAY_SIZE(delay_ms); i++)
        EXPECT(worker_join(&worker[i]));
    EXPECT_EQ(strcmp(order.text, "13042"), 0);
}

CASE(work_takes_its_time)
{
    uint64_t start_ns = guest_now_ns();

    EXPECT_EQ(actorWork(12000000), K_OK);
    EXPECT(guest_now_ns() - start_ns >= 11000000); /* a calibrated loop is near, not exact */
    EXPECT_EQ(actorWork(0), K_OK);
    EXPECT_EQ(actorWork(UINT64_MAX), K_EINVAL);
}

/* ---- Stopping -------------------------------------------------------------------------------- */

static void count_up(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    while (worker->done == 0) {
        worker->rounds++;
        threadDelay(1000000);
    }
    worker->done = 2;
}

static bool counter_moves(struct worker *worker)
{
    uint32_t before = worker->rounds;

    threadDelay(50000000);
    return worker->rounds != before;
}

CASE(stopped_thread_stands_still)
{
    struct worker worker = {0};

    REQUIRE_EQ(worker_launch(&worker, count_up, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT(counter_moves(&worker));
    EXPECT_EQ(threadStop(K_MYACTOR, worker.lid), K_OK);
    EXPECT(!counter_moves(&worker));
    EXPECT_EQ(threadStop(K_MYACTOR, worker.lid), K_OK); /* it is stopped once */
    EXPECT_EQ(threadStart(K_MYACTOR, worker.lid), K_OK);
    EXPECT(counter_moves(&worker));
    EXPECT_EQ(threadStart(K_MYACTOR, worker.lid), K_OK); /* and running is no error */
    EXPECT(counter_moves(&worker));
    worker.done = 1;
    while (worker.done != 2)
        threadDelay(1000000);
}

static void stop_myself(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    worker->rounds = 1;
    worker->result = threadStop(K_MYACTOR, K_MYSELF);
    worker->done = 1;
}

CASE(thread_stops_itself)
{
    struct worker worker = {.result = 1};

    REQUIRE_EQ(worker_launch(&worker, stop_myself, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
    EXPECT_EQ(worker.rounds, 1);
    EXPECT_EQ(worker.done, 0);
    EXPECT_EQ(threadStart(K_MYACTOR, worker.lid), K_OK);
    EXPECT(worker_join(&worker));
    EXPECT_EQ(worker.result, K_OK);
}

CASE(stopped_sleeper_does_not_oversleep)
{
    struct order order = {0};
    struct worker worker = {.order = &order, .name = 's', .work_ns = 10000000};

    REQUIRE_EQ(worker_launch(&worker, sleep_a_while, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
    EXPECT_EQ(threadStop(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(threadDelay(40000000), K_OK);
    EXPECT_EQ(worker.done, 0); /* its time is over, and it is stopped */
    EXPECT_EQ(threadStart(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(worker.done, 1);
    EXPECT_EQ(worker.result, K_OK);
}

/* ---- Aborting -------------------------------------------------------------------------------- */

/* Any negative time is for ever, as far as an abort lets it be. */
CASE(abort_ends_a_delay)
{
    static const int64_t delay_ns[] = {INT64_MAX, K_NOTIMEOUT, -2, INT64_MIN};

    for (size_t i = 0; i < ARRAY_SIZE(delay_ns); i++) {
        struct order order = {0};
        struct worker worker = {.order = &order, .name = 's', .work_ns = (uint64_t)delay_ns[i]};
        uint64_t start_ns = guest_now_ns();

        REQUIRE_EQ(worker_launch(&worker, sleep_a_while, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
        EXPECT_EQ(worker.done, 0);
        EXPECT_EQ(threadAbort(K_MYACTOR, worker.lid), K_OK);
        EXPECT_EQ(worker.done, 1);
        EXPECT_EQ(worker.result, K_EABORT);
        EXPECT(guest_now_ns() - start_ns < (uint64_t)BOUND_NS);
    }
}

CASE(abort_of_oneself_meets_the_next_wait)
{
    EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(threadDelay(BOUND_NS), K_EABORT);
    EXPECT_EQ(threadDelay(1000000), K_OK); /* it counted once */
}

CASE(aborted_tests_and_clears)
{
    EXPECT_EQ(threadAborted(), 0);
    EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(threadAborted(), 1);
    EXPECT_EQ(threadAborted(), 0);
    EXPECT_EQ(threadDelay(1000000), K_OK);
}

/* Aborted while it waits in no abortable call: the mark stays until one comes. */
static void work_then_sleep(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;

    actorWork(worker->work_ns);
    worker->result = threadDelay(BOUND_NS);
    worker->done = 1;
}

CASE(abort_of_a_running_thread_waits_for_it)
{
    struct worker worker = {.work_ns = 30000000};
    uint64_t start_ns = guest_now_ns();

    REQUIRE_EQ(worker_launch(&worker, work_then_sleep, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadDelay(5000000), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, worker.lid), K_OK);
    EXPECT(worker_join(&worker));
    EXPECT_EQ(worker.result, K_EABORT);
    EXPECT(guest_now_ns() - start_ns < (uint64_t)BOUND_NS);
}

/* ---- Creation and end ------------------------------------------------------------------------ */

static void never(uintptr_t argument)
{
    *(volatile uint32_t *)argument = 1;
    thread_finish();
}

CASE(inactive_thread_waits_for_activation)
{
    struct worker worker = {0};
    KnStartInfo start = {.dsEntry = (VmAddr)never, .dsArgument = (uintptr_t)&worker.done};
    KnRgnDesc stack = {.size = 16384, .options = K_ANYWHERE | K_READABLE | K_WRITABLE};
    KnSchedParms sched = {K_SCHED_FIFO, OWN_PRIORITY - 1};

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &stack), K_OK);
    start.dsUserStackPointer = stack.startAddr + stack.size - sizeof(uintptr_t);
    worker.lid = (KnThreadLid)threadCreate(K_MYACTOR, NULL, K_INACTIVE, &sched, &start);
    REQUIRE(worker.lid > 0);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(worker.done, 0);
    EXPECT_EQ(threadActivate(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(worker.done, 1);
    EXPECT_EQ(threadActivate(K_MYACTOR, worker.lid), K_EUNKNOWN); /* it ran to its end */
}

CASE(activation_comes_once)
{
    struct worker worker = {0};

    REQUIRE_EQ(worker_launch(&worker, count_up, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadActivate(K_MYACTOR, worker.lid), K_EBUSY);
    EXPECT_EQ(threadActivate(K_MYACTOR, K_MYSELF), K_EBUSY);
    worker.done = 1;
    while (worker.done != 2)
        threadDelay(1000000);
}

CASE(deleted_thread_is_gone)
{
    struct order order = {0};
    struct worker worker = {.order = &order, .name = 's', .work_ns = INT64_MAX};

    REQUIRE_EQ(worker_launch(&worker, sleep_a_while, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(worker.done, 0);
    EXPECT_EQ(threadDelete(K_MYACTOR, worker.lid), K_EUNKNOWN);
}

CASE(deleted_thread_never_starts)
{
    struct order order = {0};
    struct worker worker = {.order = &order, .name = 'w', .rounds = 1};

    REQUIRE_EQ(worker_launch(&worker, work, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(order.length, 0);
}

CASE(deleted_thread_cannot_be_kept)
{
    struct worker worker = {0};

    REQUIRE_EQ(worker_launch(&worker, count_up, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadDelay(5000000), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, worker.lid), K_OK);
    threadStop(K_MYACTOR, worker.lid); /* comes before its end, which it may not hold up */
    EXPECT_EQ(threadDelay(5000000), K_OK);
    EXPECT_EQ(threadStop(K_MYACTOR, worker.lid), K_EUNKNOWN);
}

CASE(stopped_thread_can_be_deleted)
{
    struct worker worker = {0};

    REQUIRE_EQ(worker_launch(&worker, count_up, K_SCHED_FIFO, OWN_PRIORITY + 1), K_OK);
    EXPECT_EQ(threadStop(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(threadDelete(K_MYACTOR, worker.lid), K_OK);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(threadStart(K_MYACTOR, worker.lid), K_EUNKNOWN);
}

CASE(many_threads_come_and_go)
{
    struct order order = {0};

    for (int i = 0; i < 500; i++) {
        struct worker worker = {.order = &order, .name = 'x', .rounds = 1};

        REQUIRE_EQ(worker_launch(&worker, work, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
        REQUIRE_EQ(worker.done, 1);
    }
}

CASE(soft_register_is_the_threads_own)
{
    uintptr_t value = 0;

    EXPECT_EQ(threadStoreR((uintptr_t)-1001), K_OK);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT_EQ(threadLoadR(&value), K_OK);
    EXPECT_EQ(value, -1001);
    EXPECT_EQ(threadLoadR((uintptr_t *)(uintptr_t)0x10), K_EFAULT);
}

/* ---- Names and figures ----------------------------------------------------------------------- */

CASE(thread_name_is_kept)
{
    char old[K_NAMEMAX + 1] = "?", new[K_NAMEMAX + 2] = "clerk";

    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, old, new), K_OK);
    EXPECT_EQ(old[0], '\0');
    EXPECT_EQ(threadName(K_MYACTOR, (KnThreadLid)threadSelf(), old, NULL), K_OK);
    EXPECT_EQ(strcmp(old, "clerk"), 0);
    memset(new, 'x', K_NAMEMAX + 1);
    new[K_NAMEMAX + 1] = '\0';
    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, NULL, new), K_EINVAL);
    new[K_NAMEMAX] = '\0';
    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, NULL, new), K_OK);
    EXPECT_EQ(threadName(K_MYACTOR, K_MYSELF, old, NULL), K_OK);
    EXPECT_EQ(strcmp(old, new), 0);
}

/* The figures of a thread of this actor; false: it is not listed. */
static bool stat_find(KnThreadLid lid, KnThreadStat *stat)
{
    for (uint32_t i = 0; threadStat(K_MYACTOR, i, stat) == K_OK; i++)
        if (stat->tsLid == lid)
            return true;
    return false;
}

CASE(stat_tells_states)
{
    struct order order = {0};
    struct worker ready = {.order = &order, .name = 'r', .rounds = 1};
    struct worker asleep = {.order = &order, .name = 's', .work_ns = INT64_MAX};
    KnThreadStat stat;

    REQUIRE_EQ(worker_launch(&ready, work, K_SCHED_RR, OWN_PRIORITY + 1), K_OK);
    REQUIRE_EQ(worker_launch(&asleep, sleep_a_while, K_SCHED_FIFO, OWN_PRIORITY - 1), K_OK);
    REQUIRE(stat_find(ready.lid, &stat));
    EXPECT_EQ(stat.tsState, 0);
    EXPECT_EQ(stat.tsSched.schedClass, K_SCHED_RR);
    EXPECT_EQ(stat.tsSched.schedPriority, OWN_PRIORITY + 1);
    REQUIRE(stat_find(asleep.lid, &stat));
    EXPECT_EQ(stat.tsState, 1);
    EXPECT_EQ(threadStop(K_MYACTOR, ready.lid), K_OK);
    REQUIRE(stat_find(ready.lid, &stat));
    EXPECT_EQ(stat.tsState, 2);
    EXPECT_EQ(threadStat(K_MYACTOR, 2, &stat), K_OK);
    EXPECT_EQ(threadStat(K_MYACTOR, 3, &stat), K_EEND);
}

CASE(stat_tells_time_used)
{
    KnThreadStat before, after;

    REQUIRE(stat_find((KnThreadLid)threadSelf(), &before));
    EXPECT_EQ(actorWork(10000000), K_OK);
    EXPECT_EQ(threadDelay(50000000), K_OK);
    REQUIRE(stat_find((KnThreadLid)threadSelf(), &after));
    EXPECT(after.tsUsedNs - before.tsUsedNs >= 9000000);
    EXPECT(after.tsUsedNs - before.tsUsedNs < 40000000); /* sleeping is not using */
}

static const struct guest_entry entries[] = {
    CASE_USER(better_thread_runs_at_once),
    CASE_USER(worse_thread_waits_its_turn),
    CASE_USER(priorities_order_ready_threads),
    CASE_USER(preempted_thread_goes_on_before_its_equals),
    CASE_USER(fifo_threads_do_not_share),
    CASE_USER(round_robin_threads_take_turns),
    CASE_USER(time_sharing_threads_take_turns),
    CASE_USER(delay_of_zero_gives_way_to_equals),
    CASE_USER(scheduler_tells_and_sets),
    CASE_USER(scheduler_change_takes_effect_at_once),
    CASE_USER(scheduler_makes_its_caller_give_way),
    CASE_USER(delay_takes_its_time),
    CASE_USER(sleepers_wake_by_their_deadlines),
    CASE_USER(work_takes_its_time),
    CASE_USER(stopped_thread_stands_still),
    CASE_USER(thread_stops_itself),
    CASE_USER(stopped_sleeper_does_not_oversleep),
    CASE_USER(abort_ends_a_delay),
    CASE_USER(abort_of_oneself_meets_the_next_wait),
    CASE_USER(aborted_tests_and_clears),
    CASE_USER(abort_of_a_running_thread_waits_for_it),
    CASE_USER(inactive_thread_waits_for_activation),
    CASE_USER(activation_comes_once),
    CASE_USER(deleted_thread_is_gone),
    CASE_USER(deleted_thread_never_starts),
    CASE_USER(deleted_thread_cannot_be_kept),
    CASE_USER(stopped_thread_can_be_deleted),
    CASE_USER(many_threads_come_and_go),
    CASE_USER(soft_register_is_the_threads_own),
    CASE_USER(thread_name_is_kept),
    CASE_USER(stat_tells_states),
    CASE_USER(stat_tells_time_used),
};
GUEST_PROGRAM(executive, entries);
