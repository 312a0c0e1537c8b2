/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One case: it is started in an actor of its own, it reports, the actor is deleted, and the site
 * must then have what it had before. Deleting takes effect when the last thread has left the
 * Nucleus, so the comparison is made again for a while before it counts.
 *
 * Frames are special: pools, kept stacks and page tables of the supervisor space may grow once by
 * what a case needs. Where nothing but frames is missing the case runs again, and a leak is what is
 * missing again.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "kit/format.h"
#include "kit/string.h"
#include "tests/guest/runner/runner.h"

#define CASE_BOUND_NS UINT64_C(30000000000)
#define SHORT_BOUND_NS UINT64_C(3000000000) /* of a case that may wait for what never comes */
#define LOOK_NS ((int64_t)20000000)         /* how often a silent case is looked at */
#define SETTLE_NS UINT64_C(1000000000)
#define CASE_PRIORITY 64

static uint64_t now_ns(void)
{
    uint64_t time_ns = 0;

    sysTime(&time_ns);
    return time_ns;
}

KnResult report_receive(struct runner *runner, struct report *report, int64_t delay_ns)
{
    KnMsgDesc message = {.annexAddr = (VmAddr)report};
    int32_t port = runner->port;
    KnResult status = ipcReceive(&message, &port, delay_ns);

    return status < 0 ? status : K_OK;
}

KnResult case_start(struct runner *runner, uint32_t privilege, uintptr_t argument, KnCap *actor)
{
    KnSchedParms sched = {K_SCHED_FIFO, CASE_PRIORITY};
    char member[NAME_BYTES + 16];
    KnStartInfo start;
    KnResult status = actorCreate(K_MYACTOR, actor, privilege, K_ACTIVE);

    if (status != K_OK)
        return status;
    format(member, sizeof(member), "case/%s%s", runner->program,
           privilege == K_SUPACTOR ? ".supervisor" : "");
    actorName(actor, NULL, runner->program);
    status = svActorLoad(actor, member, &start);
    if (status == K_OK) {
        start.dsArgument = argument;
        status = threadCreate(actor, NULL, K_ACTIVE, &sched, &start);
    }
    if (status < 0)
        actorDelete(actor);
    return status < 0 ? status : K_OK;
}

/* ---- The end ------------------------------------------------------------------------------- */

/* Keeps the first failure. */
static void failure_set(char *failure, const char *text)
{
    if (failure[0] == '\0')
        strlcpy(failure, text, GUEST_TEXT_BYTES);
}

/* Takes reports until the case is done, its actor is gone or its time is over. */
static void case_follow(struct runner *runner, KnCap *actor, uint64_t bound_ns, char *failure)
{
    uint64_t end_ns = now_ns() + bound_ns;
    struct report report;

    while (now_ns() < end_ns) {
        KnResult status = report_receive(runner, &report, LOOK_NS);

        if (status == K_OK && report.text[0] != '\0')
            failure_set(failure, report.text);
        if (status == K_OK && report.kind == REPORT_DONE) {
            if (report.failures > 0)
                failure_set(failure, "an expectation failed");
            return;
        }
        if (status != K_OK && status != K_ETIMEOUT) {
            failure_set(failure, strSysError(status));
            return;
        }
        if (status == K_ETIMEOUT && actorName(actor, NULL, NULL) == K_EUNKNOWN) {
            failure_set(failure, "its actor died");
            return;
        }
    }
    failure_set(failure, "it does not end");
}

/* Late reports of helpers. Receiving also lets go of the message received last, which would
 * count. */
static void reports_drain(struct runner *runner, char *failure)
{
    struct report report;

    while (report_receive(runner, &report, K_NOBLOCK) == K_OK)
        failure_set(failure, report.text);
}

/* ---- Leaks --------------------------------------------------------------------------------- */

static uint32_t frames_at_hand(const KnSiteStat *site)
{
    return site->ssFramesFree + site->ssFramesCached + site->ssFramesPools;
}

enum leak { LEAK_NONE, LEAK_FRAMES, LEAK_OBJECTS };

/* What is missing, the gravest first, and as text. */
static enum leak leak_describe(const KnSiteStat *before, const KnSiteStat *after, char *text)
{
    const struct {
        const char *name;
        uint32_t before, after;
    } count[] = {
        {"actors", before->ssActors, after->ssActors},
        {"threads", before->ssThreads, after->ssThreads},
        {"ports", before->ssPorts, after->ssPorts},
        {"messages", before->ssMessages, after->ssMessages},
        {"regions", before->ssRegions, after->ssRegions},
        {"caches", before->ssCaches, after->ssCaches},
        {"timers", before->ssTimers, after->ssTimers},
        {"frames", frames_at_hand(after), frames_at_hand(before)}, /* fewer at hand is more taken */
    };

    for (size_t i = 0; i < ARRAY_SIZE(count); i++) {
        if (count[i].before == count[i].after)
            continue;
        format(text, GUEST_TEXT_BYTES, "left behind: %d %s",
               (int)(count[i].after - count[i].before), count[i].name);
        return i + 1 == ARRAY_SIZE(count) ? LEAK_FRAMES : LEAK_OBJECTS;
    }
    return LEAK_NONE;
}

/* Whether nothing but frames is missing. */
static bool leaks_look(const KnSiteStat *before, char *failure)
{
    uint64_t end_ns = now_ns() + SETTLE_NS;
    char text[GUEST_TEXT_BYTES];
    KnSiteStat after;
    enum leak leak;

    do {
        if (siteStat(&after) != K_OK) {
            failure_set(failure, "siteStat fails");
            return false;
        }
        leak = leak_describe(before, &after, text);
        if (leak == LEAK_NONE)
            return false;
        threadDelay(GUEST_MS);
    } while (now_ns() < end_ns);
    bool passed = failure[0] == '\0';

    failure_set(failure, text);
    return passed && leak == LEAK_FRAMES;
}

/* Whether it is worth another run. */
static bool case_run_once(struct runner *runner, const struct entry *entry, char *failure)
{
    KnSiteStat before, after;
    KnCap actor;
    KnResult status;

    reports_drain(runner, failure);
    failure[0] = '\0';
    status = siteStat(&before);
    if (status == K_OK)
        status = case_start(runner, entry->privilege, entry->index + 1, &actor);
    if (status != K_OK) {
        format(failure, GUEST_TEXT_BYTES, "it cannot be started: %s", strSysError(status));
        return false;
    }
    case_follow(runner, &actor, CASE_BOUND_NS, failure);
    status = actorDelete(&actor);
    if (status != K_OK && status != K_EUNKNOWN)
        failure_set(failure, "its actor cannot be deleted");
    reports_drain(runner, failure);
    if (siteStat(&after) == K_OK && after.ssStrayErrors != before.ssStrayErrors)
        failure_set(failure, "a call gave an error that its table does not list");
    return leaks_look(&before, failure);
}

void case_run(struct runner *runner, const struct entry *entry, char *failure)
{
    if (case_run_once(runner, entry, failure))
        case_run_once(runner, entry, failure);
}

/* ---- With an allocation that fails ---------------------------------------------------------- */

/* A case that failed in the middle has not ended its helpers; actors are told in the order of their
 * making. */
static void helpers_end(const KnSiteStat *before)
{
    KnActorStat stat;

    while (actorStat(before->ssActors, &stat) == K_OK) {
        KnCap actor = {stat.asUi, stat.asKey};

        if (actorDelete(&actor) != K_OK)
            return;
    }
}

/* What the case makes of the failure is its own affair: it may say that it expected something else,
 * or wait for what never comes. But it must leave nothing behind, and no call may give an error
 * that its page does not tell of. Tells whether there were so many allocations. */
static bool case_run_with_failure(struct runner *runner, const struct entry *entry, uint64_t nth,
                                  char *failure)
{
    char ignored[GUEST_TEXT_BYTES] = "";
    KnSiteStat before, after;
    uint64_t left = 0;
    KnCap actor;

    reports_drain(runner, ignored);
    if (siteStat(&before) != K_OK || svFailMemory(nth, NULL) != K_OK) {
        failure_set(failure, "the figures or the failure cannot be had");
        return false;
    }
    if (case_start(runner, entry->privilege, entry->index + 1, &actor) == K_OK) {
        case_follow(runner, &actor, SHORT_BOUND_NS, ignored);
        (void)actorDelete(&actor);
    }
    (void)svFailMemory(0, &left);
    helpers_end(&before);
    reports_drain(runner, ignored);
    if (siteStat(&after) == K_OK && after.ssStrayErrors != before.ssStrayErrors)
        failure_set(failure, "a call gave an error that its table does not list");
    (void)leaks_look(&before, failure);
    return left == 0;
}

void case_run_short(struct runner *runner, const struct entry *entry, char *failure)
{
    uint64_t nth = 1;

    failure[0] = '\0';
    while (failure[0] == '\0' && nth <= runner->failures &&
           case_run_with_failure(runner, entry, nth, failure))
        nth++;
    if (failure[0] != '\0')
        log_print("allocation %u of %s.%s failed\n", (unsigned)nth, runner->label, entry->name);
}
