/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: send, receive, call, reply, replyReceive, getData, sysInfo; bodies to 1 MiB; aborts,
 * deadlines and deaths at every stage; each call's errors.
 */
#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((VmAddr)0x10)
#define BODY_BYTES 300000u
#define STACK_BYTES 16384u

static KnUniqueId own_port(void)
{
    KnUniqueId ui = {0, 0};

    (void)portUi(K_DEFAULTPORT, &ui);
    return ui;
}

static VmAddr region(VmSize bytes)
{
    KnRgnDesc desc = {.size = bytes, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};

    return rgnAllocate(K_MYACTOR, &desc) == K_OK ? desc.startAddr : 0;
}

static uint8_t pattern(uint32_t at, uint32_t seed)
{
    return (uint8_t)(at * 31 + (at >> 8) + seed);
}

static void fill(VmAddr at, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++)
        mem_store8(at + i, pattern(i, seed));
}

static bool matches(VmAddr at, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (mem_load8(at + i) != pattern(i, seed))
            return false;
    }
    return true;
}

/* ---- To oneself ------------------------------------------------------------------------------ */

CASE(send_and_receive)
{
    KnIpcDest to = {own_port(), {0, 0}};
    char annex[K_CMSGANNEXSIZE] = "annex", got[K_CMSGANNEXSIZE], body[] = "body", room[8];
    KnMsgDesc send = {.bodySize = sizeof(body),
                      .bodyAddr = (VmAddr)body,
                      .annexAddr = (VmAddr)annex};
    KnMsgDesc receive = {.bodySize = sizeof(room),
                         .bodyAddr = (VmAddr)room,
                         .annexAddr = (VmAddr)got};
    KnMsgHead head;
    int32_t li = K_DEFAULTPORT;

    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_OK);
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), sizeof(body));
    EXPECT_EQ(memcmp(annex, got, sizeof(annex)), 0);
    EXPECT_EQ(memcmp(body, room, sizeof(body)), 0);
    EXPECT_EQ(receive.seqNum, 1);
    EXPECT_EQ(ipcSysInfo(&head), K_OK);
    EXPECT_EQ(head.bodySize, sizeof(body));
    EXPECT_EQ(head.isRequest, 0);
    EXPECT(uiEqual(&head.srcPort, &to.target));
    EXPECT(uiEqual(&head.target, &to.target));
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(ipcSysInfo(&head), K_EINVAL);
}

CASE(body_is_fetched_later)
{
    KnIpcDest to = {own_port(), {0, 0}};
    char body[] = "kept for later", room[32] = "";
    KnMsgDesc send = {.bodySize = sizeof(body), .bodyAddr = (VmAddr)body};
    KnMsgDesc receive = {0}, data = {.bodySize = sizeof(room), .bodyAddr = (VmAddr)room};
    KnMsgDesc wild = {.bodySize = sizeof(room), .bodyAddr = WILD};
    int32_t li = K_DEFAULTPORT;

    EXPECT_EQ(ipcGetData(&data), K_EINVAL);
    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_OK);
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOTIMEOUT), sizeof(body));
    EXPECT_EQ(ipcGetData(&wild), K_EFAULT);
    EXPECT_EQ(ipcGetData((KnMsgDesc *)WILD), K_EFAULT);
    EXPECT_EQ(ipcGetData(&data), sizeof(body));
    EXPECT_EQ(strcmp(room, body), 0);
}

CASE(queue_is_bounded_and_ordered)
{
    KnIpcDest to = {own_port(), {0, 0}};
    uint32_t value, sent = 0;
    KnMsgDesc send = {.bodySize = sizeof(value), .bodyAddr = (VmAddr)&value};
    KnMsgDesc receive = {.bodySize = sizeof(value), .bodyAddr = (VmAddr)&value};
    int32_t li = K_DEFAULTPORT;

    for (value = 0; value < K_CPORTQUEUE; value++)
        sent += ipcSend(&send, K_DEFAULTPORT, &to) == K_OK;
    EXPECT_EQ(sent, K_CPORTQUEUE);
    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_EFULL);
    for (uint32_t i = 0; i < K_CPORTQUEUE; i++) {
        EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), sizeof(value));
        EXPECT_EQ(value, i);
    }
}

CASE(enabled_ports_by_priority)
{
    KnUniqueId low, high;
    KnResult low_li = portCreate(K_MYACTOR, &low), high_li = portCreate(K_MYACTOR, &high);
    KnMsgDesc none = {0};
    int32_t li = K_ANYENABLED;
    KnIpcDest to_low = {low, {0, 0}}, to_high = {high, {0, 0}};

    EXPECT_EQ(ipcSend(&none, K_DEFAULTPORT, &to_low), K_OK);
    EXPECT_EQ(ipcSend(&none, K_DEFAULTPORT, &to_high), K_OK);
    EXPECT_EQ(ipcReceive(&none, &li, K_NOBLOCK), K_ETIMEOUT);
    EXPECT_EQ(portEnable(K_MYACTOR, (int32_t)low_li, 9), K_OK);
    EXPECT_EQ(portEnable(K_MYACTOR, (int32_t)high_li, 1), K_OK);
    EXPECT_EQ(ipcReceive(&none, &li, K_NOBLOCK), 0);
    EXPECT_EQ(li, high_li);
    li = K_ANYENABLED;
    EXPECT_EQ(ipcReceive(&none, &li, K_NOBLOCK), 0);
    EXPECT_EQ(li, low_li);
}

CASE(send_errors)
{
    KnIpcDest to = {own_port(), {0, 0}}, none = {{0, 0}, {0, 0}}, gone = to, away = to;
    KnMsgDesc empty = {0}, large = {.bodySize = K_CMSGBODYMAX + 1};
    KnMsgDesc wild_body = {.bodySize = 10, .bodyAddr = WILD}, wild_annex = {.annexAddr = WILD};

    gone.target.uiTail += UINT64_C(1) << 30;
    away.target.uiHead += 1;
    EXPECT_EQ(ipcSend((KnMsgDesc *)WILD, K_DEFAULTPORT, &to), K_EFAULT);
    EXPECT_EQ(ipcSend(&empty, K_DEFAULTPORT, (KnIpcDest *)WILD), K_EFAULT);
    EXPECT_EQ(ipcSend(&wild_body, K_DEFAULTPORT, &to), K_EFAULT);
    EXPECT_EQ(ipcSend(&wild_annex, K_DEFAULTPORT, &to), K_EFAULT);
    EXPECT_EQ(ipcSend(&empty, 99, &to), K_ENOPORT);
    EXPECT_EQ(ipcSend(&empty, K_DEFAULTPORT, &none), K_EINVAL);
    EXPECT_EQ(ipcSend(&empty, K_DEFAULTPORT, &gone), K_EUNKNOWN);
    EXPECT_EQ(ipcSend(&empty, K_DEFAULTPORT, &away), K_EUNREACH);
    EXPECT_EQ(ipcSend(&large, K_DEFAULTPORT, &to), K_ETOOMUCH);
}

CASE(receive_errors)
{
    KnMsgDesc empty = {0}, flags = {.flags = 0x80};
    int32_t li = K_DEFAULTPORT, none = 99;

    EXPECT_EQ(ipcReceive((KnMsgDesc *)WILD, &li, K_NOBLOCK), K_EFAULT);
    EXPECT_EQ(ipcReceive(&empty, (int32_t *)WILD, K_NOBLOCK), K_EFAULT);
    EXPECT_EQ(ipcReceive(&flags, &li, K_NOBLOCK), K_EINVAL);
    EXPECT_EQ(ipcReceive(&empty, &none, K_NOBLOCK), K_ENOPORT);
    EXPECT_EQ(ipcReceive(&empty, &li, 1000), K_ETIMEOUT);
    EXPECT_EQ(ipcReply(&empty), K_EINVAL);
    EXPECT_EQ(ipcReplyReceive(&empty, &empty, &li, K_NOBLOCK), K_EINVAL);
    EXPECT_EQ(ipcSysInfo((KnMsgHead *)WILD), K_EINVAL);
}

/* A message that cannot be delivered is not lost. */
CASE(receive_into_nothing_keeps_the_message)
{
    KnIpcDest to = {own_port(), {0, 0}};
    uint32_t value = 42;
    KnMsgDesc send = {.bodySize = sizeof(value), .bodyAddr = (VmAddr)&value};
    KnMsgDesc wild = {.bodySize = sizeof(value), .bodyAddr = WILD};
    KnMsgDesc receive = {.bodySize = sizeof(value), .bodyAddr = (VmAddr)&value};
    int32_t li = K_DEFAULTPORT;

    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_OK);
    EXPECT_EQ(ipcReceive(&wild, &li, K_NOBLOCK), K_EFAULT);
    value = 0;
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), sizeof(value));
    EXPECT_EQ(value, 42);
}

/* ---- Between actors -------------------------------------------------------------------------- */

#define SERVER_STAMP 0x5e7

static KnUniqueId server_port(void)
{
    KnUniqueId ui = {0, 0};

    (void)uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVER_STAMP);
    return ui;
}

/* Answers each request with its own body and annex, `argument` times; 0: takes one and dies with
 * it. */
CASE_ACTOR(echo_server)
{
    KnUniqueId ui = server_port();
    char annex[K_CMSGANNEXSIZE];
    VmAddr body = region(BODY_BYTES);
    KnMsgDesc receive = {.bodySize = BODY_BYTES, .bodyAddr = body, .annexAddr = (VmAddr)annex};
    KnMsgDesc reply = receive;
    int32_t port = (int32_t)portDeclare(K_MYACTOR, &ui), li = port;
    KnResult got;

    if (!EXPECT(port > 0))
        return;
    got = ipcReceive(&receive, &li, K_NOTIMEOUT);
    for (uintptr_t i = 0; i < argument; i++) {
        reply.bodySize = (uint32_t)got;
        li = port;
        got = i + 1 < argument ? ipcReplyReceive(&reply, &receive, &li, K_NOTIMEOUT)
                               : ipcReply(&reply);
        if (!EXPECT(got >= 0))
            return;
    }
}

static bool server_start(struct guest *guest, uintptr_t rounds, KnCap *server)
{
    KnUniqueId ui = server_port();

    if (!EXPECT_EQ(guest_start(guest, echo_server, K_SYSTEMACTOR, rounds, server), K_OK))
        return false;
    for (uint32_t i = 0; i < 1000 && uiIsLocal(&ui) == 0; i++)
        (void)threadDelay(100000);
    return EXPECT_EQ(uiIsLocal(&ui), 1);
}

CASE(call_and_reply)
{
    static const uint32_t sizes[] = {0, 1, 119, 4095, 4096, 4097, 65536, BODY_BYTES};
    KnIpcDest to = {server_port(), {0, 0}};
    char annex[K_CMSGANNEXSIZE] = "question", answer[K_CMSGANNEXSIZE];
    VmAddr out = region(BODY_BYTES), in = region(BODY_BYTES);
    KnCap server;

    REQUIRE(out != 0 && in != 0);
    REQUIRE(server_start(guest, ARRAY_SIZE(sizes), &server));
    for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        KnMsgDesc request = {.bodySize = sizes[i], .bodyAddr = out, .annexAddr = (VmAddr)annex};
        KnMsgDesc reply = {.bodySize = BODY_BYTES, .bodyAddr = in, .annexAddr = (VmAddr)answer};

        annex[100] = (char)i;
        fill(out, sizes[i], i);
        EXPECT_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, K_NOTIMEOUT), sizes[i]);
        EXPECT_EQ(memcmp(annex, answer, sizeof(annex)), 0);
        EXPECT(matches(in, sizes[i], i));
    }
    EXPECT_EQ(guest_wait_end(&server, 1000 * GUEST_MS), K_OK);
}

CASE(largest_body)
{
    KnIpcDest to = {own_port(), {0, 0}};
    VmAddr out = region(K_CMSGBODYMAX), in = region(K_CMSGBODYMAX);
    KnMsgDesc send = {.bodySize = K_CMSGBODYMAX, .bodyAddr = out};
    KnMsgDesc receive = {.bodySize = K_CMSGBODYMAX, .bodyAddr = in};
    int32_t li = K_DEFAULTPORT;

    REQUIRE(out != 0 && in != 0);
    fill(out, K_CMSGBODYMAX, 5);
    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_OK);
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), K_CMSGBODYMAX);
    EXPECT(matches(in, K_CMSGBODYMAX, 5));
}

CASE(short_room_takes_what_fits)
{
    KnIpcDest to = {own_port(), {0, 0}};
    char body[16] = "0123456789abcde", room[16] = "...............";
    KnMsgDesc send = {.bodySize = sizeof(body), .bodyAddr = (VmAddr)body};
    KnMsgDesc receive = {.bodySize = 4, .bodyAddr = (VmAddr)room};
    int32_t li = K_DEFAULTPORT;

    EXPECT_EQ(ipcSend(&send, K_DEFAULTPORT, &to), K_OK);
    EXPECT_EQ(ipcReceive(&receive, &li, K_NOBLOCK), sizeof(body));
    EXPECT_EQ(memcmp(room, "0123...........", sizeof(room)), 0);
}

CASE(call_errors)
{
    KnIpcDest to = {own_port(), {0, 0}}, none = {{0, 0}, {0, 0}}, gone = to, away = to;
    KnMsgDesc empty = {0}, reply = {0}, flags = {.flags = 0x80};
    KnMsgDesc large = {.bodySize = K_CMSGBODYMAX + 1};

    gone.target.uiTail += UINT64_C(1) << 30;
    away.target.uiHead += 1;
    EXPECT_EQ(ipcCall((KnMsgDesc *)WILD, 0, &to, &reply, K_NOTIMEOUT), K_EFAULT);
    EXPECT_EQ(ipcCall(&empty, 0, &to, (KnMsgDesc *)WILD, K_NOTIMEOUT), K_EFAULT);
    EXPECT_EQ(ipcCall(&empty, 0, &to, &flags, K_NOTIMEOUT), K_EINVAL);
    EXPECT_EQ(ipcCall(&empty, 99, &to, &reply, K_NOTIMEOUT), K_ENOPORT);
    EXPECT_EQ(ipcCall(&empty, 0, &none, &reply, K_NOTIMEOUT), K_EINVAL);
    EXPECT_EQ(ipcCall(&empty, 0, &gone, &reply, K_NOTIMEOUT), K_EUNKNOWN);
    EXPECT_EQ(ipcCall(&empty, 0, &away, &reply, K_NOTIMEOUT), K_EUNREACH);
    EXPECT_EQ(ipcCall(&large, 0, &to, &reply, K_NOTIMEOUT), K_ETOOMUCH);
}

CASE(call_times_out_and_leaves_nothing)
{
    KnIpcDest to = {own_port(), {0, 0}};
    KnMsgDesc empty = {0}, reply = {0};
    int32_t li = K_DEFAULTPORT;

    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, 1000000), K_ETIMEOUT);
    EXPECT_EQ(ipcReceive(&empty, &li, K_NOBLOCK), K_ETIMEOUT);
}

CASE(full_queue_keeps_a_call_waiting)
{
    KnIpcDest to = {own_port(), {0, 0}};
    KnMsgDesc empty = {0}, reply = {0};

    for (uint32_t i = 0; i < K_CPORTQUEUE; i++)
        EXPECT_EQ(ipcSend(&empty, 0, &to), K_OK);
    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, K_NOBLOCK), K_EFULL);
    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, 1000000), K_ETIMEOUT);
    reply.flags = K_ABORTABLE;
    EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, K_NOTIMEOUT), K_EABORT);
}

/* More clients than a queue holds: each is served, or told that the port has gone. */
struct crowd {
    KnIpcDest to;
    uint32_t served, refused;
};

static void call_in_a_crowd(uintptr_t argument)
{
    struct crowd *crowd = (struct crowd *)argument;
    KnMsgDesc empty = {0}, reply = {0};
    KnResult status = ipcCall(&empty, 0, &crowd->to, &reply, K_NOTIMEOUT);

    if (status == 0)
        crowd->served++;
    else if (status == K_EUNREACH || status == K_EUNKNOWN)
        crowd->refused++;
    thread_finish();
}

CASE(crowds_wait_for_room)
{
    const uint32_t clients = K_CPORTQUEUE + 40, serve = 20;
    struct crowd crowd = {0};
    KnMsgDesc request = {0}, reply = {0};
    KnUniqueId port;
    int32_t li = (int32_t)portCreate(K_MYACTOR, &port), from = li;
    KnSchedParms sched = {K_SCHED_FIFO, 32}; /* above this thread: each waits when it is made */

    REQUIRE(li > 0);
    crowd.to.target = port;
    for (uint32_t i = 0; i < clients; i++)
        REQUIRE(thread_launch(NULL, call_in_a_crowd, (uintptr_t)&crowd, 0, &sched) >= 0);
    for (uint32_t i = 0; i < serve; i++) {
        EXPECT_EQ(ipcReceive(&request, &from, K_NOBLOCK), 0);
        EXPECT_EQ(ipcReply(&reply), K_OK);
    }
    EXPECT_EQ(crowd.served, serve);
    EXPECT_EQ(crowd.refused, 0u);
    EXPECT_EQ(portDelete(K_MYACTOR, li), K_OK);
    EXPECT_EQ(crowd.refused, clients - serve);
}

CASE(server_that_dies_with_a_request)
{
    KnIpcDest to = {server_port(), {0, 0}};
    KnMsgDesc empty = {0}, reply = {0};
    KnCap server;

    REQUIRE(server_start(guest, 0, &server));
    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, K_NOTIMEOUT), K_ELOST);
    EXPECT_EQ(guest_wait_end(&server, 1000 * GUEST_MS), K_OK);
}

/* Declares the port and never receives. */
CASE_ACTOR(deaf_server)
{
    KnUniqueId ui = server_port();

    (void)portDeclare(K_MYACTOR, &ui);
    (void)threadDelay(5 * (int64_t)GUEST_MS);
}

CASE(server_that_dies_before_it_receives)
{
    KnIpcDest to = {server_port(), {0, 0}};
    KnMsgDesc empty = {0}, reply = {0};
    KnCap server;

    REQUIRE_EQ(guest_start(guest, deaf_server, K_SYSTEMACTOR, 0, &server), K_OK);
    while (uiIsLocal(&to.target) == 0)
        (void)threadDelay(100000);
    EXPECT_EQ(ipcCall(&empty, 0, &to, &reply, K_NOTIMEOUT), K_EUNREACH);
    EXPECT_EQ(guest_wait_end(&server, 1000 * GUEST_MS), K_OK);
}

/* ---- Aborts ---------------------------------------------------------------------------------- */

struct waiter {
    struct guest *guest;
    KnResult result;
    uint32_t done;
    KnUniqueId target;
};

static void call_abortably(uintptr_t argument)
{
    struct waiter *waiter = (struct waiter *)argument;
    KnIpcDest to = {waiter->target, {0, 0}};
    KnMsgDesc empty = {0}, reply = {.flags = K_ABORTABLE};

    waiter->result = ipcCall(&empty, 0, &to, &reply, K_NOTIMEOUT);
    waiter->done = 1;
    thread_finish();
}

static void receive_abortably(uintptr_t argument)
{
    struct waiter *waiter = (struct waiter *)argument;
    KnMsgDesc empty = {.flags = K_ABORTABLE};
    int32_t li = K_DEFAULTPORT;

    waiter->result = ipcReceive(&empty, &li, K_NOTIMEOUT);
    waiter->done = 1;
    thread_finish();
}

static bool wait_done(struct waiter *waiter)
{
    for (uint32_t i = 0; i < 1000 && waiter->done == 0; i++)
        (void)threadDelay(100000);
    return waiter->done == 1;
}

CASE(abort_ends_a_receive)
{
    struct waiter waiter = {.guest = guest};
    KnThreadLid lid;

    REQUIRE(thread_launch(&lid, receive_abortably, (uintptr_t)&waiter, STACK_BYTES, NULL) >= 0);
    (void)threadDelay(1000000);
    EXPECT_EQ(threadAbort(K_MYACTOR, lid), K_OK);
    EXPECT(wait_done(&waiter));
    EXPECT_EQ(waiter.result, K_EABORT);
}

/* The abort of a client reaches the thread that serves it, whose reply then finds nobody. */
CASE(abort_of_a_client_reaches_the_server)
{
    struct waiter waiter = {.guest = guest};
    KnMsgDesc empty = {0};
    int32_t li;
    KnThreadLid lid;
    KnResult port = portCreate(K_MYACTOR, &waiter.target);

    REQUIRE(port > 0);
    REQUIRE(thread_launch(&lid, call_abortably, (uintptr_t)&waiter, STACK_BYTES, NULL) >= 0);
    li = (int32_t)port;
    EXPECT_EQ(ipcReceive(&empty, &li, K_NOTIMEOUT), 0);
    EXPECT_EQ(threadAbort(K_MYACTOR, lid), K_OK);
    /* The client runs, tells this thread, which serves it, and ends. */
    EXPECT_EQ(threadDelay(1000 * (int64_t)GUEST_MS), K_EABORT);
    EXPECT(wait_done(&waiter));
    EXPECT_EQ(waiter.result, K_EABORT);
    EXPECT_EQ(ipcReply(&empty), K_EUNKNOWN);
    EXPECT_EQ(ipcReply(&empty), K_EINVAL);
}

CASE(port_deleted_under_a_receiver)
{
    struct waiter waiter = {.guest = guest};
    KnSchedParms sched = {K_SCHED_FIFO, 32}; /* above this thread: it calls before this goes on */
    KnThreadLid lid;
    KnResult port = portCreate(K_MYACTOR, &waiter.target);

    REQUIRE(port > 0);
    REQUIRE(thread_launch(&lid, call_abortably, (uintptr_t)&waiter, STACK_BYTES, &sched) >= 0);
    EXPECT_EQ(portDelete(K_MYACTOR, (int32_t)port), K_OK);
    EXPECT(wait_done(&waiter));
    EXPECT_EQ(waiter.result, K_EUNREACH);
}

CASE(reply_errors)
{
    struct waiter waiter = {.guest = guest};
    KnMsgDesc empty = {0}, large = {.bodySize = K_CMSGBODYMAX + 1},
              wild = {.bodySize = 8, .bodyAddr = WILD};
    int32_t li;
    KnThreadLid lid;
    KnResult port = portCreate(K_MYACTOR, &waiter.target);

    REQUIRE(port > 0);
    li = (int32_t)port;
    REQUIRE(thread_launch(&lid, call_abortably, (uintptr_t)&waiter, STACK_BYTES, NULL) >= 0);
    EXPECT_EQ(ipcReceive(&empty, &li, K_NOTIMEOUT), 0);
    EXPECT_EQ(ipcSysInfo((KnMsgHead *)WILD), K_EFAULT);
    EXPECT_EQ(ipcReply((KnMsgDesc *)WILD), K_EFAULT);
    EXPECT_EQ(ipcReply(&large), K_ETOOMUCH);
    EXPECT_EQ(ipcReply(&wild), K_EFAULT);
    EXPECT_EQ(ipcReplyReceive(&large, &empty, &li, K_NOBLOCK), K_ETOOMUCH);
    EXPECT_EQ(ipcReplyReceive(&empty, &empty, &li, K_NOBLOCK), K_ETIMEOUT);
    EXPECT(wait_done(&waiter));
    EXPECT_EQ(waiter.result, 0);
}

/* The answer has gone, though nothing was received. */
CASE(reply_receive_replies_first)
{
    KnMsgDesc empty = {0}, abortable = {.flags = K_ABORTABLE};

    for (uint32_t abort = 0; abort < 2; abort++) {
        struct waiter waiter = {.guest = guest};
        KnResult port = portCreate(K_MYACTOR, &waiter.target);
        int32_t li = (int32_t)port, none = 99;
        KnThreadLid lid;

        REQUIRE(port > 0);
        REQUIRE(thread_launch(&lid, call_abortably, (uintptr_t)&waiter, STACK_BYTES, NULL) >= 0);
        EXPECT_EQ(ipcReceive(&empty, &li, K_NOTIMEOUT), 0);
        if (abort != 0) {
            EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
            EXPECT_EQ(ipcReplyReceive(&empty, &abortable, &li, K_NOTIMEOUT), K_EABORT);
        } else {
            EXPECT_EQ(ipcReplyReceive((KnMsgDesc *)WILD, &empty, &li, K_NOTIMEOUT), K_EFAULT);
            EXPECT_EQ(ipcReplyReceive(&empty, &empty, &none, K_NOTIMEOUT), K_ENOPORT);
        }
        EXPECT(wait_done(&waiter));
        EXPECT_EQ(waiter.result, 0);
        EXPECT_EQ(portDelete(K_MYACTOR, li), K_OK);
    }
}

static void call_with_body(uintptr_t argument)
{
    struct waiter *waiter = (struct waiter *)argument;
    KnIpcDest to = {waiter->target, {0, 0}};
    VmAddr body = region(BODY_BYTES);
    KnMsgDesc request = {.bodySize = BODY_BYTES, .bodyAddr = body}, reply = {.bodySize = 0};

    fill(body, BODY_BYTES, 3);
    waiter->result = ipcCall(&request, K_DEFAULTPORT, &to, &reply, K_NOTIMEOUT);
    waiter->done = 1;
}

/* A refused answer leaves the request as it was; one without a body gives the request's back. */
CASE(answer_without_a_body)
{
    struct waiter waiter = {.guest = guest};
    KnMsgDesc empty = {0}, wild = {.annexAddr = WILD};
    KnMsgDesc data = {.bodySize = BODY_BYTES, .bodyAddr = region(BODY_BYTES)};
    KnResult port = portCreate(K_MYACTOR, &waiter.target);
    int32_t li = (int32_t)port;
    KnThreadLid lid;

    REQUIRE(port > 0);
    REQUIRE(thread_launch(&lid, call_with_body, (uintptr_t)&waiter, STACK_BYTES, NULL) >= 0);
    EXPECT_EQ(ipcReceive(&empty, &li, K_NOTIMEOUT), BODY_BYTES);
    EXPECT_EQ(ipcReply(&wild), K_EFAULT);
    EXPECT_EQ(ipcGetData(&data), BODY_BYTES);
    EXPECT(matches(data.bodyAddr, BODY_BYTES, 3));
    EXPECT_EQ(ipcReply(&empty), K_OK);
    EXPECT_EQ(ipcReply(&empty), K_EINVAL);
    EXPECT(wait_done(&waiter));
    EXPECT_EQ(waiter.result, 0);
}

static const struct guest_entry entries[] = {
    CASE_USER(reply_receive_replies_first),
    CASE_USER(answer_without_a_body),
    CASE_USER(send_and_receive),
    CASE_USER(body_is_fetched_later),
    CASE_USER(queue_is_bounded_and_ordered),
    CASE_USER(enabled_ports_by_priority),
    CASE_USER(send_errors),
    CASE_USER(receive_errors),
    CASE_USER(receive_into_nothing_keeps_the_message),
    CASE_SYSTEM(call_and_reply),
    CASE_USER(largest_body),
    CASE_USER(short_room_takes_what_fits),
    CASE_USER(call_errors),
    CASE_USER(call_times_out_and_leaves_nothing),
    CASE_USER(full_queue_keeps_a_call_waiting),
    CASE_USER(crowds_wait_for_room),
    CASE_SYSTEM(server_that_dies_with_a_request),
    CASE_SYSTEM(server_that_dies_before_it_receives),
    CASE_USER(abort_ends_a_receive),
    CASE_USER(abort_of_a_client_reaches_the_server),
    CASE_USER(port_deleted_under_a_receiver),
    CASE_USER(reply_errors),
    CASE_HELPER(echo_server),
    CASE_HELPER(deaf_server),
};
GUEST_PROGRAM(ipc, entries);
