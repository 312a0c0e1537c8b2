/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runner of guest cases: the first actor of a test site. It finds the programs of cases in the
 * system archive, asks each for its table, and runs every case in a fresh actor:
 *
 *     ok guest/FILE.CASE
 *     not ok guest/FILE.CASE: WHY
 *
 * Then, for each Nucleus call, whether it gave each error that abi/calls.tbl lists,
 *
 *     ok guest/errors.CALL
 *
 * and at the end "cases: N passed, N failed". The command line may hold case=FILE or
 * case=FILE.CASE, to run only what starts so, and short=N: each case runs with its first allocation
 * failing, its second, and so on to the Nth.
 *
 * I1 No case runs while another one's actor lives.
 */
#include "tests/guest/runner/runner.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/ui.h"
#include "kit/format.h"
#include "kit/string.h"

#define MUST_FAIL "must_fail"
#define RUNNER_PRIORITY 16 /* above all that a case does */
#define TABLE_BOUND_NS UINT64_C(10000000000)

/* ---- Filter -------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *beginning)
{
    while (*beginning != '\0' && *text == *beginning) {
        text++;
        beginning++;
    }
    return *beginning == '\0';
}

/* What stands behind `key` in the command line, as a text of its own; empty: nothing. */
static KnResult word_read(const struct runner *runner, const char *key, char *text, size_t bytes)
{
    const char *word = runner->boot.biCommandLine;
    size_t length = 0;

    text[0] = '\0';
    while (*word != '\0' && !starts(word, key))
        word++;
    if (*word == '\0')
        return K_OK;
    word += strlen(key);
    while (word[length] != '\0' && word[length] != ' ')
        length++;
    if (length >= bytes)
        return K_EINVAL;
    memcpy(text, word, length);
    text[length] = '\0';
    return K_OK;
}

static KnResult words_read(struct runner *runner)
{
    char number[NAME_BYTES];
    KnResult status = word_read(runner, "case=", runner->filter, sizeof(runner->filter));

    if (status == K_OK)
        status = word_read(runner, "short=", number, sizeof(number));
    for (const char *digit = number; status == K_OK && *digit != '\0'; digit++)
        runner->failures = runner->failures * 10 + (uint32_t)(*digit - '0');
    return status;
}

/* A program that must fail runs only when it is asked for. "executive" chooses a program,
 * "executive.delay" its cases that start so. */
static bool program_chosen(const struct runner *runner)
{
    size_t length = strlen(runner->program);

    if (runner->filter[0] == '\0')
        return strcmp(runner->program, MUST_FAIL) != 0;
    return (starts(runner->filter, runner->program) &&
            (runner->filter[length] == '\0' || runner->filter[length] == '.'));
}

static bool case_chosen(const struct runner *runner, const char *name)
{
    const char *dot = strchr(runner->filter, '.');

    return dot == NULL || starts(name, dot + 1);
}

/* ---- A program's table --------------------------------------------------------------------- */

static void verdict(struct runner *runner, const char *name, const char *failure)
{
    if (failure[0] == '\0') {
        runner->passed++;
        log_print("ok %s.%s\n", runner->label, name);
    } else {
        runner->failed++;
        log_print("not ok %s.%s: %s\n", runner->label, name, failure);
    }
}

/* Takes one report of the table; false: that was the last. */
static bool table_take(struct runner *runner, const struct report *report)
{
    struct entry *entry = &runner->entry[runner->entry_count];

    if (report->kind == REPORT_TABLE_END) {
        strlcpy(runner->label, report->text, sizeof(runner->label));
        return false;
    }
    if (report->kind != REPORT_ENTRY || report->privilege == GUEST_HELPER ||
        !case_chosen(runner, report->text))
        return true;
    if (runner->entry_count == ENTRY_LIMIT) {
        log_print("%s has too many cases\n", runner->program);
        runner->failed++;
        return true;
    }
    entry->index = report->index;
    entry->privilege = report->privilege;
    strlcpy(entry->name, report->text, sizeof(entry->name));
    runner->entry_count++;
    return true;
}

static KnResult table_read(struct runner *runner)
{
    struct report report;
    KnCap actor;
    KnResult status = case_start(runner, K_SYSTEMACTOR, ARGUMENT_TABLE, &actor);

    runner->entry_count = 0;
    if (status != K_OK)
        return status;
    do {
        status = report_receive(runner, &report, TABLE_BOUND_NS);
    } while (status == K_OK && table_take(runner, &report));
    actorDelete(&actor);
    return status;
}

/* ---- All programs -------------------------------------------------------------------------- */

static void program_run(struct runner *runner)
{
    KnResult status;

    if (!program_chosen(runner))
        return;
    strlcpy(runner->label, runner->program, sizeof(runner->label));
    status = table_read(runner);
    if (status != K_OK) {
        verdict(runner, "table", strSysError(status));
        return;
    }
    for (uint32_t i = 0; i < runner->entry_count; i++) {
        char failure[GUEST_TEXT_BYTES];

        if (runner->failures > 0)
            case_run_short(runner, &runner->entry[i], failure);
        else
            case_run(runner, &runner->entry[i], failure);
        verdict(runner, runner->entry[i].name, failure);
    }
}

/* ---- Errors given -------------------------------------------------------------------------- */

/* Names what the call has not returned. */
static void call_judge(struct runner *runner, const KnCallInfo *info)
{
    uint32_t missing = info->ciErrors & ~info->ciGiven;
    char failure[GUEST_TEXT_BYTES] = "";

    if (missing != 0) {
        int error = __builtin_ctz(missing);

        format(failure, sizeof(failure), "no case had it return %d: %s", -error,
               strSysError(-error));
    }
    strlcpy(runner->label, "guest/errors", sizeof(runner->label));
    verdict(runner, info->ciName, failure);
}

static void errors_judge(struct runner *runner)
{
    KnCallInfo info;

    for (uint32_t i = 0; svCallInfo(i, &info) == K_OK; i++)
        if (info.ciName[0] != '\0')
            call_judge(runner, &info);
}

static KnResult runner_start(struct runner *runner)
{
    KnSchedParms sched = {K_SCHED_FIFO, RUNNER_PRIORITY};
    KnUniqueId port;
    KnResult status = svBootInfo(&runner->boot);

    if (status == K_OK)
        status = words_read(runner);
    if (status == K_OK)
        status = threadScheduler(K_MYACTOR, K_MYSELF, NULL, &sched);
    if (status == K_OK)
        status = uiBuild(&port, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), REPORT_STAMP);
    if (status != K_OK)
        return status;
    status = portDeclare(K_MYACTOR, &port);
    if (status < 0)
        return status;
    runner->port = (int32_t)status;
    return archive_open(runner);
}

static void runner_main(struct runner *runner, uintptr_t argument)
{
    KnResult status = runner_start(runner);

    (void)argument;
    if (status != K_OK) {
        log_print("the runner cannot start: %s\n", strSysError(status));
        svShutdown(1);
    }
    while (archive_next_program(runner))
        program_run(runner);
    if (runner->filter[0] == '\0' && runner->failures == 0)
        errors_judge(runner);
    log_print("cases: %u passed, %u failed\n", runner->passed, runner->failed);
    svShutdown(0);
}

ACTOR_PROGRAM(runner, struct runner, runner_main);
