/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes of the Streams Manager by its protocol, with STM in user and in supervisor space: bytes of
 * every size, waiting and what ends it, clients that are aborted or die at any moment, and more
 * waiting clients than STM has threads at first.
 */
#include "kit/random.h"
#include "tests/guest/stm.h"

#define REGION_BYTES 65536u
#define CROWD 512
#define STM_THREADS_FREE 10 /* that may be left when nobody waits: 8 to serve, and the sender */
#define STACKS_KEPT 24      /* at least */
#define WRITERS 4
#define READERS 4
#define RECORDS 400

/* What most cases have. */
struct site {
    struct guest *guest;
    KnCap actor;
    struct idl_client client;
    uint64_t key[2];
    KnSem done;
};

static bool site_begin(struct guest *guest, struct site *site, KnActorPrivilege privilege)
{
    site->guest = guest;
    semInit(&site->done, 0);
    if (!EXPECT_EQ(stm_begin(&site->actor, privilege, &site->client), K_OK))
        return false;
    return EXPECT_EQ(do_pipe(&site->client, site->key), 0);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static uint8_t byte_at(uint64_t index)
{
    return (uint8_t)(index ^ index >> 8 ^ index >> 16);
}

/* From one region through the pipe into another, without waiting, in pieces that meet the ends of
 * pages and of the ring. */
static void pieces_pass(struct guest *guest, struct site *site, VmAddr from, VmAddr to)
{
    static const uint32_t sizes[] = {1, 3, 511, 512, 513, 4095, 4096, 4097, 20000, 65536, 65535};
    uint64_t written = 0, read = 0;
    struct random random;

    random_init(&random, 3);
    for (uint32_t step = 0; step < 300; step++) {
        uint32_t bytes = sizes[random_below(&random, ARRAY_SIZE(sizes))];
        bool writes = random_below(&random, 2) == 0;
        long result;

        for (uint32_t i = 0; writes && i < bytes; i += 61)
            mem_store8(from + i, byte_at(written + i));
        result = writes ? do_write(&site->client, site->key[1], (const void *)from, bytes, false)
                        : do_read(&site->client, site->key[0], (void *)to, bytes, false);
        if (result == -EAGAIN)
            continue;
        REQUIRE(result > 0 && result <= (long)bytes);
        if (writes) {
            for (uint32_t i = 0; i < (uint32_t)result; i++)
                mem_store8(from + i, byte_at(written + i));
            written += (uint64_t)result;
        } else {
            read += (uint64_t)result;
        }
    }
    EXPECT(read > 3 * REGION_BYTES);
    EXPECT(written - read <= 65536);
}

/* The same with bytes that are looked at. */
static void bytes_pass(struct guest *guest, struct site *site, VmAddr from, VmAddr to)
{
    uint64_t written = 0, read = 0;
    struct random random;

    random_init(&random, 4);
    for (uint32_t step = 0; step < 120; step++) {
        uint32_t bytes = 1 + (uint32_t)random_below(&random, step % 3 == 0 ? 30000 : 1500);
        long result;

        for (uint32_t i = 0; i < bytes; i++)
            mem_store8(from + i, byte_at(written + i));
        result = do_write(&site->client, site->key[1], (const void *)from, bytes, false);
        REQUIRE(result == -EAGAIN || (result > 0 && result <= (long)bytes));
        written += result > 0 ? (uint64_t)result : 0;
        bytes = 1 + (uint32_t)random_below(&random, step % 3 == 1 ? 65536 : 3000);
        result = do_read(&site->client, site->key[0], (void *)to, bytes, false);
        REQUIRE(result == -EAGAIN || (result > 0 && result <= (long)bytes));
        for (long i = 0; i < result; i++)
            REQUIRE_EQ(mem_load8(to + (VmAddr)i), byte_at(read + (uint64_t)i));
        read += result > 0 ? (uint64_t)result : 0;
    }
    EXPECT(read > REGION_BYTES);
}

static void passes_bytes(struct guest *guest, KnActorPrivilege privilege)
{
    KnRgnDesc from = {.size = REGION_BYTES,
                      .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    KnRgnDesc to = from;
    struct site site;
    char small[8];

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &from), K_OK);
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &to), K_OK);
    if (site_begin(guest, &site, privilege)) {
        EXPECT_EQ(do_write(&site.client, site.key[1], "hello", 5, true), 5);
        EXPECT_EQ(do_read(&site.client, site.key[0], small, sizeof(small), true), 5);
        EXPECT_EQ(memcmp(small, "hello", 5), 0);
        EXPECT_EQ(do_read(&site.client, site.key[1], small, sizeof(small), true), -EBADF);
        bytes_pass(guest, &site, from.startAddr, to.startAddr);
        EXPECT_EQ(do_close(&site.client, site.key[0]), 0);
        EXPECT_EQ(do_write(&site.client, site.key[1], "x", 1, true), -EPIPE);
        EXPECT_EQ(do_pipe(&site.client, site.key), 0);
        pieces_pass(guest, &site, from.startAddr, to.startAddr);
    }
    stm_end(guest, &site.actor);
}

CASE(bytes_by_user_space)
{
    passes_bytes(guest, K_SYSTEMACTOR);
}

CASE(bytes_by_supervisor_space)
{
    passes_bytes(guest, K_SUPACTOR);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* A thread that reads once, and what became of it. */
struct reader {
    struct site *site;
    uint64_t key;
    KnThreadLid lid;
    long result;
    char text[16];
};

static void reader_run(uintptr_t argument)
{
    struct reader *reader = (struct reader *)argument;

    reader->result =
        do_read(&reader->site->client, reader->key, reader->text, sizeof(reader->text), true);
    semV(&reader->site->done);
}

static void reader_start(struct guest *guest, struct reader *reader, struct site *site)
{
    *reader = (struct reader){.site = site, .key = site->key[0], .result = 12345};
    EXPECT_EQ(thread_launch(&reader->lid, reader_run, (uintptr_t)reader, CLIENT_STACK_BYTES, NULL),
              K_OK);
    EXPECT_EQ(threadDelay(2 * GUEST_MS), K_OK); /* until it waits */
    EXPECT_EQ(reader->result, 12345);
}

static void waits(struct guest *guest, KnActorPrivilege privilege)
{
    struct site site;
    struct reader reader;

    if (site_begin(guest, &site, privilege)) {
        reader_start(guest, &reader, &site);
        EXPECT_EQ(do_write(&site.client, site.key[1], "abc", 3, true), 3);
        EXPECT_EQ(semP(&site.done, STM_BOUND_NS), K_OK);
        EXPECT_EQ(reader.result, 3);

        reader_start(guest, &reader, &site); /* aborted: nothing is lost */
        EXPECT_EQ(threadAbort(K_MYACTOR, reader.lid), K_OK);
        EXPECT_EQ(semP(&site.done, STM_BOUND_NS), K_OK);
        EXPECT_EQ(reader.result, K_EABORT);
        EXPECT_EQ(do_write(&site.client, site.key[1], "def", 3, true), 3);
        EXPECT_EQ(do_poll(&site.client, site.key[0], POLLIN, K_NOTIMEOUT), POLLIN);
        EXPECT_EQ(do_read(&site.client, site.key[0], reader.text, 10, true), 3);
        EXPECT_EQ(memcmp(reader.text, "def", 3), 0);
        EXPECT_EQ(do_poll(&site.client, site.key[0], POLLIN, 3 * (int64_t)GUEST_MS), 0);

        reader_start(guest, &reader, &site); /* the end */
        EXPECT_EQ(do_close(&site.client, site.key[1]), 0);
        EXPECT_EQ(semP(&site.done, STM_BOUND_NS), K_OK);
        EXPECT_EQ(reader.result, 0);
    }
    stm_end(guest, &site.actor);
}

CASE(waiting_by_user_space)
{
    waits(guest, K_SYSTEMACTOR);
}

CASE(waiting_by_supervisor_space)
{
    waits(guest, K_SUPACTOR);
}

/* ---- A client that dies ---------------------------------------------------------------------- */

/* Reads from a pipe of its own, which nobody writes to. */
CASE_ACTOR(doomed)
{
    struct idl_client client;
    uint64_t keys[2];
    char byte;

    REQUIRE_EQ(service_client(&client, SERVICE_STM, NULL, 0), K_OK);
    REQUIRE_EQ(do_pipe(&client, keys), 0);
    EXPECT_EQ(do_read(&client, keys[0], &byte, 1, true), 12345);
}

static uint32_t threads_of(KnCap *actor)
{
    KnThreadStat stat;
    uint32_t count = 0;

    while (threadStat(actor, count, &stat) == K_OK)
        count++;
    return count;
}

/* Waits until an actor has between so many threads. */
static bool threads_become(KnCap *actor, uint32_t least, uint32_t most)
{
    uint64_t end_ns = guest_now_ns() + STM_BOUND_NS;
    uint32_t count;

    while (((count = threads_of(actor)) < least || count > most) && guest_now_ns() < end_ns)
        threadDelay(GUEST_MS);
    return count >= least && count <= most;
}

CASE(dead_clients_leave_no_thread)
{
    struct site site;
    KnCap doomed_actor[12];

    if (site_begin(guest, &site, K_SUPACTOR)) {
        for (uint32_t i = 0; i < ARRAY_SIZE(doomed_actor); i++)
            EXPECT_EQ(guest_start(guest, doomed, K_USERACTOR, 0, &doomed_actor[i]), K_OK);
        EXPECT(threads_become(&site.actor, ARRAY_SIZE(doomed_actor) + 2, UINT32_MAX));
        for (uint32_t i = 0; i < ARRAY_SIZE(doomed_actor); i++) {
            EXPECT_EQ(actorDelete(&doomed_actor[i]), K_OK);
            EXPECT_EQ(guest_wait_end(&doomed_actor[i], STM_BOUND_NS), K_OK);
        }
        EXPECT(threads_become(&site.actor, 0, STM_THREADS_FREE));
        EXPECT_EQ(do_write(&site.client, site.key[1], "x", 1, true), 1);
    }
    stm_end(guest, &site.actor);
}

/* ---- A crowd --------------------------------------------------------------------------------- */

struct crowd {
    struct site site;
    uint32_t got;
};

static void crowd_run(uintptr_t argument)
{
    struct crowd *crowd = (struct crowd *)argument;
    char byte = 0;

    if (do_read(&crowd->site.client, crowd->site.key[0], &byte, 1, true) == 1 && byte == 'x')
        __atomic_fetch_add(&crowd->got, 1, __ATOMIC_RELAXED);
    semV(&crowd->site.done);
}

/* Each waits in STM, which still serves; then each gets its byte, and STM's threads go. */
static void crowd_comes(struct guest *guest, struct crowd *crowd)
{
    crowd->got = 0;
    for (uint32_t i = 0; i < CROWD; i++)
        REQUIRE_EQ(thread_launch(NULL, crowd_run, (uintptr_t)crowd, CLIENT_STACK_BYTES, NULL),
                   K_OK);
    EXPECT(threads_become(&crowd->site.actor, CROWD + 2, UINT32_MAX));
    for (uint32_t i = 0; i < CROWD; i++)
        REQUIRE_EQ(do_write(&crowd->site.client, crowd->site.key[1], "x", 1, true), 1);
    for (uint32_t i = 0; i < CROWD; i++)
        REQUIRE_EQ(semP(&crowd->site.done, STM_BOUND_NS), K_OK);
    EXPECT_EQ(crowd->got, CROWD);
    EXPECT(threads_become(&crowd->site.actor, 0, STM_THREADS_FREE));
}

/* The site keeps the stacks of some threads that ended for the next ones, with the page tables that
 * lead to them: of a crowd whichever ended first, which no two runs have alike. For the runner, who
 * counts, they become those of few threads, which lie close together: half of these take what is
 * kept, the others lie below, and end first. */
static void stack_settler_run(uintptr_t argument)
{
    (void)semP((KnSem *)argument, K_NOTIMEOUT);
}

static void stacks_settle(struct guest *guest)
{
    KnSem half[2];

    for (uint32_t i = 0; i < ARRAY_SIZE(half); i++) {
        semInit(&half[i], 0);
        for (uint32_t j = 0; j < STACKS_KEPT; j++)
            EXPECT_EQ(thread_launch(NULL, stack_settler_run, (uintptr_t)&half[i],
                                    CLIENT_STACK_BYTES, NULL),
                      K_OK);
    }
    for (uint32_t i = ARRAY_SIZE(half); i-- > 0;) {
        for (uint32_t j = 0; j < STACKS_KEPT; j++)
            EXPECT_EQ(semV(&half[i]), K_OK);
        EXPECT_EQ(threadDelay(20 * GUEST_MS), K_OK);
    }
}

/* Twice, for threads that have gone must come again. */
static void serves_crowd(struct guest *guest, KnActorPrivilege privilege)
{
    struct crowd crowd;

    if (site_begin(guest, &crowd.site, privilege)) {
        crowd_comes(guest, &crowd);
        crowd_comes(guest, &crowd);
    }
    stm_end(guest, &crowd.site.actor);
    stacks_settle(guest);
}

CASE(crowd_by_user_space)
{
    serves_crowd(guest, K_SYSTEMACTOR);
}

CASE(crowd_by_supervisor_space)
{
    serves_crowd(guest, K_SUPACTOR);
}

/* ---- A storm --------------------------------------------------------------------------------- */

/* Writers put numbered records into one pipe, readers take them out, and somebody aborts now this
 * and now that one. Each record arrives once; those of a writer that one reader gets, in order. */
struct storm {
    struct site site;
    struct party {
        struct storm *storm;
        uint32_t index; /* of a writer, 1 .. */
        KnThreadLid lid;
        uint32_t aborts;
        bool ended;
        uint32_t last[WRITERS];
    } writer[WRITERS], reader[READERS];
    uint8_t seen[WRITERS][RECORDS];
};

static void storm_write(uintptr_t argument)
{
    struct party *party = (struct party *)argument;
    struct site *site = &party->storm->site;

    for (uint32_t number = 0; number < RECORDS; number++) {
        uint32_t record[2] = {party->index, number};
        long result;

        do {
            result = do_write(&site->client, site->key[1], record, sizeof(record), true);
            party->aborts += result == K_EABORT ? 1 : 0;
        } while (result == K_EABORT);
        if (result != sizeof(record))
            break;
    }
    party->ended = true;
    semV(&site->done);
}

static void storm_read(uintptr_t argument)
{
    struct party *party = (struct party *)argument;
    struct storm *storm = party->storm;
    struct guest *guest = storm->site.guest;

    for (;;) {
        uint32_t record[2] = {0, 0};
        long result =
            do_read(&storm->site.client, storm->site.key[0], record, sizeof(record), true);

        if (result == K_EABORT) {
            party->aborts++;
            continue;
        }
        if (result != sizeof(record) || !EXPECT(record[0] < WRITERS && record[1] < RECORDS))
            break;
        EXPECT_EQ(storm->seen[record[0]][record[1]], 0);
        storm->seen[record[0]][record[1]] = 1;
        EXPECT(record[1] >= party->last[record[0]]);
        party->last[record[0]] = record[1];
    }
    party->ended = true;
    semV(&storm->site.done);
}

static void party_start(struct guest *guest, struct storm *storm, struct party *party,
                        uint32_t index, void (*run)(uintptr_t))
{
    *party = (struct party){.storm = storm, .index = index};
    EXPECT_EQ(thread_launch(&party->lid, run, (uintptr_t)party, CLIENT_STACK_BYTES, NULL), K_OK);
}

/* Aborts until all writers have ended. */
static uint32_t storm_abort(struct storm *storm)
{
    struct random random;
    uint32_t ended = 0, aborts = 0;

    random_init(&random, 9);
    while (ended < WRITERS) {
        uint32_t which = (uint32_t)random_below(&random, WRITERS + READERS);
        struct party *party =
            which < WRITERS ? &storm->writer[which] : &storm->reader[which - WRITERS];

        if (!party->ended)
            (void)threadAbort(K_MYACTOR, party->lid);
        (void)threadDelay((int64_t)random_below(&random, 300000));
        while (semP(&storm->site.done, K_NOBLOCK) == K_OK)
            ended++;
    }
    for (uint32_t i = 0; i < WRITERS; i++)
        aborts += storm->writer[i].aborts;
    for (uint32_t i = 0; i < READERS; i++)
        aborts += storm->reader[i].aborts;
    return aborts;
}

static void storms(struct guest *guest, KnActorPrivilege privilege)
{
    struct storm storm = {.seen = {{0}}};
    uint32_t arrived = 0;

    if (site_begin(guest, &storm.site, privilege)) {
        for (uint32_t i = 0; i < READERS; i++)
            party_start(guest, &storm, &storm.reader[i], i, storm_read);
        for (uint32_t i = 0; i < WRITERS; i++)
            party_start(guest, &storm, &storm.writer[i], i, storm_write);
        EXPECT(storm_abort(&storm) > 0);
        EXPECT_EQ(do_close(&storm.site.client, storm.site.key[1]), 0);
        for (uint32_t i = 0; i < READERS; i++)
            REQUIRE_EQ(semP(&storm.site.done, STM_BOUND_NS), K_OK);
        for (uint32_t i = 0; i < WRITERS; i++)
            for (uint32_t j = 0; j < RECORDS; j++)
                arrived += storm.seen[i][j];
        EXPECT_EQ(arrived, WRITERS * RECORDS);
    }
    stm_end(guest, &storm.site.actor);
}

CASE(storm_by_user_space)
{
    storms(guest, K_SYSTEMACTOR);
}

CASE(storm_by_supervisor_space)
{
    storms(guest, K_SUPACTOR);
}

/* ---- Named pipes ----------------------------------------------------------------------------- */

static void fifo_write(uintptr_t argument)
{
    struct site *site = (struct site *)argument;
    struct guest *guest = site->guest;
    const struct stm_fifo_in in = {.device = 1, .inode = 2, .mode = 2, .wait = 1};
    struct stm_fifo_out out = {0};

    EXPECT_EQ(stm_fifo(&site->client, &in, &out), K_OK);
    EXPECT_EQ(do_write(&site->client, out.key, "met", 3, true), 3);
    EXPECT_EQ(do_close(&site->client, out.key), 0);
    semV(&site->done);
}

CASE(named_pipes_meet)
{
    const struct stm_fifo_in in = {.device = 1, .inode = 2, .mode = 1, .wait = 1};
    struct stm_fifo_out out = {0};
    struct site site;
    char text[8];

    if (site_begin(guest, &site, K_SUPACTOR)) {
        EXPECT_EQ(thread_launch(NULL, fifo_write, (uintptr_t)&site, CLIENT_STACK_BYTES, NULL),
                  K_OK);
        EXPECT_EQ(threadDelay(2 * GUEST_MS), K_OK);
        EXPECT_EQ(semP(&site.done, K_NOBLOCK), K_ETIMEOUT); /* it waits for a reader */
        EXPECT_EQ(stm_fifo(&site.client, &in, &out), K_OK);
        EXPECT_EQ(do_read(&site.client, out.key, text, sizeof(text), true), 3);
        EXPECT_EQ(do_read(&site.client, out.key, text, sizeof(text), true), 0);
        EXPECT_EQ(semP(&site.done, STM_BOUND_NS), K_OK);
    }
    stm_end(guest, &site.actor);
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(bytes_by_user_space),
    CASE_SUPERVISOR(bytes_by_supervisor_space),
    CASE_SYSTEM(waiting_by_user_space),
    CASE_SUPERVISOR(waiting_by_supervisor_space),
    CASE_HELPER(doomed),
    CASE_SUPERVISOR(dead_clients_leave_no_thread),
    CASE_SYSTEM(crowd_by_user_space),
    CASE_SUPERVISOR(crowd_by_supervisor_space),
    CASE_SYSTEM(storm_by_user_space),
    CASE_SUPERVISOR(storm_by_supervisor_space),
    CASE_SUPERVISOR(named_pipes_meet),
};

GUEST_PROGRAM(stm_pipes, entries);
