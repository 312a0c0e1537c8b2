/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of every guest program that is not its cases: running one entry and reporting. */
#include "tests/guest/case.h"

#include "kit/format.h"
#include "kit/string.h"
#include "tests/guest/support/report.h"

#define MEMBER_BYTES 64
#define POLL_NS GUEST_MS

/* ---- Reports ------------------------------------------------------------------------------- */

/* No verdict may be lost: a full queue, or the memory that is missing, is waited for. */
static void report_send(struct report *report)
{
    KnIpcDest runner = {0};
    KnMsgDesc message = {.annexAddr = (VmAddr)report};
    KnResult status;

    uiBuild(&runner.target, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), REPORT_STAMP);
    do
        status = ipcSend(&message, K_DEFAULTPORT, &runner);
    while ((status == K_EFULL || status == K_ENOMEM) && threadDelay(POLL_NS) == K_OK);
    if (status != K_OK)
        log_print("the runner cannot be reached: %s\n", strSysError(status));
}

/* tests/guest/x86_64/fpu.c is called guest/x86_64/fpu. */
static void program_label(const struct guest_program *program, char *label, size_t bytes)
{
    static const char root[] = "tests/";
    const char *path = program->path;
    size_t length;

    if (strncmp(path, root, sizeof(root) - 1) == 0)
        path += sizeof(root) - 1;
    length = strlcpy(label, path, bytes);
    if (length > 2 && length < bytes && strcmp(&label[length - 2], ".c") == 0)
        label[length - 2] = '\0';
}

static void table_report(const struct guest_program *program)
{
    for (uint32_t i = 0; i < program->count; i++) {
        struct report report = {.kind = REPORT_ENTRY,
                                .index = i,
                                .privilege = program->entry[i].privilege};

        strlcpy(report.text, program->entry[i].name, sizeof(report.text));
        report_send(&report);
    }
    struct report end = {.kind = REPORT_TABLE_END};

    program_label(program, end.text, sizeof(end.text));
    report_send(&end);
}

/* ---- Running ------------------------------------------------------------------------------- */

static void entry_report(const struct guest *guest)
{
    bool helper = guest->entry->privilege == GUEST_HELPER;
    struct report report = {.kind = helper ? REPORT_HELPER : REPORT_DONE,
                            .failures = guest->failures};

    if (helper && guest->failures == 0)
        return;
    strlcpy(report.text, guest->failure, sizeof(report.text));
    report_send(&report);
}

/* What other threads of the case share with it is about to go. */
static void others_stop(void)
{
    KnThreadLid self = (KnThreadLid)threadSelf();
    KnThreadStat stat;

    for (uint32_t i = 0; threadStat(K_MYACTOR, i, &stat) == K_OK; i++)
        if (stat.tsLid != self)
            threadStop(K_MYACTOR, stat.tsLid);
}

void guest_run(struct guest *guest, const struct guest_program *program, uintptr_t argument)
{
    uint32_t what = (uint32_t)(argument & ((1u << ARGUMENT_SHIFT) - 1));

    guest->program = program;
    if (what == ARGUMENT_TABLE) {
        table_report(program);
        return;
    }
    if (what > program->count) {
        log_print("%s has no entry %u\n", program->name, what - 1);
        return;
    }
    guest->entry = &program->entry[what - 1];
    guest->entry->run(guest, argument >> ARGUMENT_SHIFT);
    others_stop();
    entry_report(guest);
    while (guest->entry->privilege != GUEST_HELPER)
        threadDelay(K_NOTIMEOUT); /* until the runner deletes the actor */
}

/* ---- Expectations -------------------------------------------------------------------------- */

static void fail(struct guest *guest, const char *text)
{
    log_print("%s.%s: %s\n", guest->program->name, guest->entry->name, text);
    if (__atomic_fetch_add(&guest->failures, 1, __ATOMIC_RELAXED) == 0)
        strlcpy(guest->failure, text, sizeof(guest->failure));
}

bool guest_expect(struct guest *guest, const char *file, int line, const char *text, bool holds)
{
    char failure[GUEST_TEXT_BYTES];

    if (holds)
        return true;
    format(failure, sizeof(failure), "%s:%d: %s", file, line, text);
    fail(guest, failure);
    return false;
}

bool guest_expect_eq(struct guest *guest, const char *file, int line, const char *text, long actual,
                     long expected)
{
    char failure[GUEST_TEXT_BYTES];

    if (actual == expected)
        return true;
    format(failure, sizeof(failure), "%s:%d: %ld, not %ld: %s", file, line, actual, expected, text);
    fail(guest, failure);
    return false;
}

/* ---- Other actors -------------------------------------------------------------------------- */

static KnResult start_in(struct guest *guest, uint32_t index, KnActorPrivilege privilege,
                         uintptr_t argument, KnCap *actor)
{
    const char *suffix = privilege == K_SUPACTOR ? ".supervisor" : "";
    char member[MEMBER_BYTES];
    KnStartInfo start;
    KnResult status;

    format(member, sizeof(member), "case/%s%s", guest->program->name, suffix);
    status = svActorLoad(actor, member, &start);
    if (status != K_OK)
        return status;
    start.dsArgument = (index + 1) | argument << ARGUMENT_SHIFT;
    status = threadCreate(actor, NULL, K_ACTIVE, NULL, &start);
    return status < 0 ? status : K_OK;
}

KnResult guest_create(struct guest *guest, void (*helper)(struct guest *, uintptr_t),
                      KnActorPrivilege privilege, uintptr_t argument, KnCap *actor)
{
    const struct guest_program *program = guest->program;
    uint32_t index = 0;
    KnResult status;

    while (index < program->count && program->entry[index].run != helper)
        index++;
    if (index == program->count)
        return K_EINVAL;
    status = actorCreate(K_MYACTOR, actor, privilege, K_STOPPED);
    if (status != K_OK)
        return status;
    status = start_in(guest, index, privilege, argument, actor);
    if (status != K_OK)
        actorDelete(actor);
    return status;
}

KnResult guest_start(struct guest *guest, void (*helper)(struct guest *, uintptr_t),
                     KnActorPrivilege privilege, uintptr_t argument, KnCap *actor)
{
    KnResult status = guest_create(guest, helper, privilege, argument, actor);

    return status == K_OK ? actorStart(actor) : status;
}

KnResult guest_wait_end(KnCap *actor, uint64_t bound_ns)
{
    uint64_t end_ns = guest_now_ns() + bound_ns;

    while (actorName(actor, NULL, NULL) == K_OK) {
        if (guest_now_ns() >= end_ns)
            return K_ETIMEOUT;
        threadDelay(POLL_NS);
    }
    return K_OK;
}

uint64_t guest_now_ns(void)
{
    uint64_t now_ns = 0;

    sysTime(&now_ns);
    return now_ns;
}
