/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures of the Nucleus, by the time stamp counter, which under -icount counts instructions. Each
 * is the least of several samples and goes to the log as `figure NAME VALUE`, which bench/run
 * reads; a case fails only where an operation does.
 */
#include "tests/guest/case.h"

#define SAMPLES 30
#define REPEAT 20
#define STAMP 0x66696775
#define PAGES 100

static inline uint64_t now(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void figure(const char *name, uint64_t value)
{
    (void)log_print("figure %s %lu\n", name, (unsigned long)value);
}

CASE(null_call)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = now();

        for (int j = 0; j < REPEAT; j++)
            EXPECT(threadSelf() > 0);
        best = MIN(best, (now() - start) / REPEAT);
    }
    figure("nucleus.null_call", best);
}

/* Answers with the annex it got, until its actor is deleted. */
CASE_ACTOR(server)
{
    char annex[K_CMSGANNEXSIZE];
    KnMsgDesc message = {.annexAddr = (VmAddr)annex};
    KnUniqueId ui;
    KnResult got;
    int32_t li;

    (void)uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), STAMP);
    li = (int32_t)portDeclare(K_MYACTOR, &ui);
    for (got = ipcReceive(&message, &li, K_NOTIMEOUT); got >= 0;)
        got = ipcReplyReceive(&message, &message, &li, K_NOTIMEOUT);
}

CASE(rpc)
{
    char annex[K_CMSGANNEXSIZE] = {0};
    KnMsgDesc request = {.annexAddr = (VmAddr)annex}, reply = request;
    KnIpcDest to = {{0, 0}, {0, 0}};
    uint64_t best = UINT64_MAX;
    KnCap actor;

    (void)uiBuild(&to.target, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), STAMP);
    REQUIRE_EQ(guest_start(guest, server, K_SYSTEMACTOR, 0, &actor), K_OK);
    while (uiIsLocal(&to.target) == 0)
        (void)threadDelay(100000);
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = now();

        for (int j = 0; j < REPEAT; j++)
            EXPECT_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, K_NOTIMEOUT), 0);
        best = MIN(best, (now() - start) / REPEAT);
    }
    figure("nucleus.rpc_annex", best);
    EXPECT_EQ(actorDelete(&actor), K_OK);
}

CASE(fault)
{
    KnRgnDesc desc = {.size = PAGES * 4096, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};
    uint64_t best = UINT64_MAX;

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &desc), K_OK);
    for (VmSize at = 0; at < desc.size; at += 4096) {
        uint64_t start = now();

        mem_store8(desc.startAddr + at, 1);
        best = MIN(best, now() - start);
    }
    figure("nucleus.fault_anonymous", best);
}

static const struct guest_entry entries[] = {
    CASE_USER(null_call),
    CASE_SYSTEM(rpc),
    CASE_USER(fault),
    CASE_HELPER(server),
};
GUEST_PROGRAM(figures, entries);
