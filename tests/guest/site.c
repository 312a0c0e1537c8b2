/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls about the site: its figures, its log, its trace. */
#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((void *)0x1000) /* below all that an actor may have */
#define LOG_LIMIT 256

CASE(figures_hold_together)
{
    KnSiteStat site;

    REQUIRE_EQ(siteStat(&site), K_OK);
    EXPECT(IS_POWER_OF_TWO(site.ssPageBytes) && site.ssPageBytes >= 4096);
    EXPECT(site.ssFramesTotal > 0);
    EXPECT(site.ssFramesFree + site.ssFramesCached + site.ssFramesPools <= site.ssFramesTotal);
    EXPECT(site.ssActors >= 2); /* the runner and this one */
    EXPECT(site.ssThreads >= 2);
    EXPECT(site.ssPorts >= 3);
    EXPECT_EQ(siteStat(WILD), K_EFAULT);
}

CASE(figures_count)
{
    KnSiteStat before, after;
    KnUniqueId port;

    REQUIRE_EQ(siteStat(&before), K_OK);
    EXPECT_EQ(uiLocalSite() > 0, 1);
    EXPECT_EQ(threadDelay(1000000), K_OK);
    EXPECT(portCreate(K_MYACTOR, &port) > 0);
    REQUIRE_EQ(siteStat(&after), K_OK);
    EXPECT_EQ(after.ssCalls - before.ssCalls, 4);
    EXPECT(after.ssSwitches >= before.ssSwitches + 2); /* away and back */
    EXPECT(after.ssIdleNs > before.ssIdleNs);
    EXPECT_EQ(after.ssPorts, before.ssPorts + 1);
    EXPECT_EQ(after.ssActors, before.ssActors);
}

/* Pages come one by one as they are touched, and go with their region. */
CASE(memory_comes_by_touching)
{
    KnSiteStat before, between, after;
    KnRgnDesc region = {.options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};

    REQUIRE_EQ(siteStat(&before), K_OK);
    region.size = 64 * before.ssPageBytes;
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    for (VmSize at = 0; at < region.size; at += before.ssPageBytes)
        mem_store8(region.startAddr + at, 1);
    REQUIRE_EQ(siteStat(&between), K_OK);
    EXPECT(between.ssFaults >= before.ssFaults + 64);
    EXPECT(between.ssFramesFree + 64 <= before.ssFramesFree);
    EXPECT_EQ(rgnFree(K_MYACTOR, &region), K_OK);
    REQUIRE_EQ(siteStat(&after), K_OK);
    EXPECT(after.ssFramesFree >= between.ssFramesFree + 64);
}

CASE(log_takes_a_line)
{
    char text[LOG_LIMIT + 1];

    memset(text, '.', sizeof(text));
    text[LOG_LIMIT - 1] = '\n'; /* the greatest length */
    EXPECT_EQ(sysLog(text, LOG_LIMIT), K_OK);
    EXPECT_EQ(sysLog(text, 0), K_OK);
    EXPECT_EQ(sysLog(text, LOG_LIMIT + 1), K_ETOOMUCH);
    EXPECT_EQ(sysLog(text, UINT32_MAX), K_ETOOMUCH);
    EXPECT_EQ(sysLog(WILD, 1), K_EFAULT);
}

CASE(log_prints_formats)
{
    EXPECT_EQ(log_print("site: %s %d %#x\n", "text", -5, 255u), K_OK);
    EXPECT_EQ(strcmp(strSysError(K_EFULL), "the queue is full"), 0);
    EXPECT_EQ(strcmp(strSysError(-999), "unknown error"), 0);
}

/* The newest entries of the trace are this very case's calls. */
CASE(trace_tells_the_last_events)
{
    KnTraceEntry entry;

    EXPECT_EQ(threadStoreR(77), K_OK);
    EXPECT_EQ(svTrace(0, &entry), K_OK);
    EXPECT(entry.trEvent != 0);
    EXPECT_EQ(entry.trThread, (uint32_t)threadSelf());
    EXPECT_EQ(svTrace(0, WILD), K_EFAULT);
    EXPECT_EQ(svTrace(UINT32_MAX, &entry), K_EEND);
}

CASE(trace_and_calls_are_not_for_users)
{
    KnTraceEntry entry;
    KnCallInfo info;

    EXPECT_EQ(svCallInfo(1, &info), K_EPRIV);
    EXPECT_EQ(svTrace(0, &entry), K_EPRIV);
}

CASE(calls_have_names_and_errors)
{
    KnCallInfo info;

    EXPECT_EQ(svTrace(UINT32_MAX, WILD), K_EEND);
    EXPECT_EQ(svCallInfo(K_CALL_svTrace, &info), K_OK);
    EXPECT_EQ(strcmp(info.ciName, "svTrace"), 0);
    EXPECT_EQ(info.ciErrors, 1u << -K_EFAULT | 1u << -K_EEND | 1u << -K_EPRIV);
    EXPECT((info.ciGiven >> -K_EEND & 1) != 0);
    EXPECT_EQ(svCallInfo(0, &info), K_OK);
    EXPECT_EQ(info.ciName[0], '\0');
    EXPECT_EQ(info.ciErrors, 0u);
    EXPECT_EQ(svCallInfo(UINT32_MAX, &info), K_EEND);
    EXPECT_EQ(svCallInfo(0, WILD), K_EFAULT);
}

CASE(identifiers_are_built_and_compared)
{
    KnUniqueId ui, clear;

    EXPECT_EQ(uiBuild(&ui, K_UIPORT, 5, 77), K_OK);
    EXPECT_EQ(uiGetSite(&ui), 5);
    EXPECT(uiValid(&ui));
    uiClear(&clear);
    EXPECT(!uiValid(&clear));
    EXPECT(!uiEqual(&ui, &clear));
    EXPECT_EQ(uiBuild(&ui, K_UINONE, 5, 77), K_EINVAL);
    EXPECT_EQ(uiBuild(&ui, K_UIPORT, 5, K_UISTAMP_MAX + 1), K_EINVAL);
    EXPECT_EQ(uiIsLocal(&ui), 0);
    EXPECT_EQ(uiIsLocal(WILD), K_EFAULT);
}

static const struct guest_entry entries[] = {
    CASE_USER(figures_hold_together),
    CASE_USER(figures_count),
    CASE_USER(memory_comes_by_touching),
    CASE_USER(log_takes_a_line),
    CASE_USER(log_prints_formats),
    CASE_SYSTEM(trace_tells_the_last_events),
    CASE_USER(trace_and_calls_are_not_for_users),
    CASE_USER(identifiers_are_built_and_compared),
    CASE_SYSTEM(calls_have_names_and_errors),
};
GUEST_PROGRAM(site, entries);
