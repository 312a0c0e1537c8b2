/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest cases. A file of cases is one program; each case runs in a fresh actor of its own, in QEMU
 * and, the same source, natively in the simulator.
 *
 *     CASE(delay_takes_its_time)
 *     {
 *         EXPECT_EQ(threadDelay(1000000), K_OK);
 *     }
 *
 *     static const struct guest_entry entries[] = {
 *         CASE_SYSTEM(delay_takes_its_time),
 *     };
 *     GUEST_PROGRAM(time, entries);
 *
 * The table tells what kind of actor a case runs in; the compiler objects to a case that is not in
 * it. A case ends when its function returns; its other threads are stopped then. The runner then
 * deletes the actor and compares what the site had before and has after: all that a case takes, its
 * actor's end must give back. A case that does not end within its bound, or whose actor dies, has
 * failed.
 *
 * Memory that several threads of a case share is a local of the case, since locals are plain memory
 * on every machine; what is in regions is reached through chorus/memory.h. Virtual time passes in
 * calls and in actorWork only, so nobody may spin on a variable: threadDelay(K_NOBLOCK) gives way.
 */
#ifndef TESTS_GUEST_CASE_H
#define TESTS_GUEST_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "chorus/types.h"
#include "chorus/ui.h"
#include "kit/base.h"

#define GUEST_TEXT_BYTES 200
#define GUEST_HELPER 3 /* not a privilege: an entry that cases start */

struct guest;

struct guest_entry {
    const char *name;
    void (*run)(struct guest *guest, uintptr_t argument);
    uint32_t privilege; /* KnActorPrivilege, or GUEST_HELPER */
};

struct guest_program {
    const char *name; /* the program's, and its file's without folder and suffix */
    const char *path; /* as the compiler was given it */
    const struct guest_entry *entry;
    uint32_t count;
};

/* The state of an actor that runs a case or a helper. */
struct guest {
    const struct guest_program *program;
    const struct guest_entry *entry;
    uint32_t failures;
    char failure[GUEST_TEXT_BYTES]; /* the first one */
};

#define CASE(NAME)                                                \
    static void NAME(struct guest *guest __attribute__((unused)), \
                     uintptr_t argument __attribute__((unused)))

/* A helper is the first thread of another actor of the same program; it gets 48 bits of
 * argument. */
#define CASE_ACTOR(NAME) CASE(NAME)

#define CASE_USER(NAME)          \
    {                            \
#NAME, NAME, K_USERACTOR \
    }
#define CASE_SYSTEM(NAME)          \
    {                              \
#NAME, NAME, K_SYSTEMACTOR \
    }
#define CASE_SUPERVISOR(NAME)   \
    {                           \
#NAME, NAME, K_SUPACTOR \
    }
#define CASE_HELPER(NAME)         \
    {                             \
#NAME, NAME, GUEST_HELPER \
    }

#define GUEST_PROGRAM(NAME, ENTRIES)                                           \
    static void guest_main_##NAME(struct guest *guest, uintptr_t argument)     \
    {                                                                          \
        static const struct guest_program program = {#NAME, __FILE__, ENTRIES, \
                                                     ARRAY_SIZE(ENTRIES)};     \
                                                                               \
        guest_run(guest, &program, argument);                                  \
    }                                                                          \
    ACTOR_PROGRAM(NAME, struct guest, guest_main_##NAME)

/* ---- Expectations: a failure is kept, and the case goes on ----------------------------------- */

#define EXPECT(condition) guest_expect(guest, __FILE__, __LINE__, #condition, (condition))

/* Integers of any kind; both are shown when they differ. */
#define EXPECT_EQ(actual, expected) \
    guest_expect_eq(guest, __FILE__, __LINE__, #actual, (long)(actual), (long)(expected))

/* As EXPECT, and the function returns if it fails: for what the rest stands on. */
#define REQUIRE(condition)      \
    do {                        \
        if (!EXPECT(condition)) \
            return;             \
    } while (0)

#define REQUIRE_EQ(actual, expected)      \
    do {                                  \
        if (!EXPECT_EQ(actual, expected)) \
            return;                       \
    } while (0)

bool guest_expect(struct guest *guest, const char *file, int line, const char *text, bool holds);
bool guest_expect_eq(struct guest *guest, const char *file, int line, const char *text, long actual,
                     long expected);

/* ---- Other actors ---------------------------------------------------------------------------- */

/* Creates an actor of this program, stopped, whose first thread is to run `helper`, one of the
 * table; actorStart lets it go. What the helper expects in vain counts against the case. Its
 * actor ends when its function returns. */
KnResult guest_create(struct guest *guest, void (*helper)(struct guest *, uintptr_t),
                      KnActorPrivilege privilege, uintptr_t argument, KnCap *actor);

/* Both in one. */
KnResult guest_start(struct guest *guest, void (*helper)(struct guest *, uintptr_t),
                     KnActorPrivilege privilege, uintptr_t argument, KnCap *actor);

/* Waits until an actor is gone; K_ETIMEOUT. */
KnResult guest_wait_end(KnCap *actor, uint64_t bound_ns);

/* ---- Time ------------------------------------------------------------------------------------ */

#define GUEST_MS UINT64_C(1000000)

uint64_t guest_now_ns(void);

/* What GUEST_PROGRAM's main does. */
void guest_run(struct guest *guest, const struct guest_program *program, uintptr_t argument);

#endif
