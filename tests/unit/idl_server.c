/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of lib/server: the receive loop and the client's transport, on a Nucleus that does as it is
 * told. What a real one does stands in tests/guest/idl.c.
 */
#include "tests/unit/idl_host.h"

/* A program of tests/unit is linked with the kit alone. */
// NOLINTBEGIN(bugprone-suspicious-include)
#include "lib/server/client.c"
#include "lib/server/server.c"
// NOLINTEND(bugprone-suspicious-include)

/* ---- The Nucleus --------------------------------------------------------------------------- */

enum { STEPS = 8, LI = 5, OTHER_LI = 6 };

/* One ipcReceive: an error, or a message. */
struct arrival {
    KnResult result;
    int32_t li;
    bool is_request;
    uint8_t annex[K_CMSGANNEXSIZE];
    KnResult reply[2]; /* what ipcReply then gives */
};

struct nucleus {
    struct arrival arrival[STEPS];
    uint32_t arrivals, arrived;
    uint32_t replies;    /* to the last message */
    uint32_t replied;    /* the message that was last replied to by ipcReplyReceive */
    int32_t receives_at; /* li of the last ipcReceive */
    uint32_t enabled[OTHER_LI + 1];
    uint32_t aborts_cleared, delays, threads;
    KnResult launch;
    struct idl_message last_reply;
    KnMsgDesc asked, answered;
    int32_t source;
    KnIpcDest destination;
    KnResult call;
};

static struct nucleus nucleus;

KnResult portUi(int32_t li, KnUniqueId *port)
{
    *port = (KnUniqueId){1, (uint64_t)li};
    return li == LI || li == OTHER_LI ? K_OK : K_ENOPORT;
}

KnResult portEnable(KnCap *actor, int32_t li, uint32_t priority)
{
    assert_true(actor == K_MYACTOR && (li == LI || li == OTHER_LI));
    nucleus.enabled[li] = priority + 1;
    return K_OK;
}

KnResult ipcReceive(KnMsgDesc *message, int32_t *li, int64_t delay_ns)
{
    const struct arrival *arrival = &nucleus.arrival[nucleus.arrived];

    assert_int_equal(delay_ns, K_NOTIMEOUT);
    nucleus.receives_at = *li;
    if (nucleus.arrived == nucleus.arrivals)
        return K_ENOPORT;
    nucleus.arrived++;
    nucleus.replies = 0;
    if (arrival->result >= 0) {
        *li = arrival->li;
        memcpy((void *)message->annexAddr, arrival->annex, K_CMSGANNEXSIZE);
        memset((void *)message->bodyAddr, 0, MIN(message->bodySize, (uint32_t)arrival->result));
    }
    return arrival->result;
}

KnResult ipcSysInfo(KnMsgHead *head)
{
    *head = (KnMsgHead){.isRequest = nucleus.arrival[nucleus.arrived - 1].is_request,
                        .srcPort = {7, 8},
                        .actorId = {.uid = 9}};
    return K_OK;
}

KnResult ipcReply(KnMsgDesc *reply)
{
    struct idl_message *last = &nucleus.last_reply;

    if (nucleus.arrived == nucleus.replied)
        return K_EINVAL;
    assert_true(nucleus.arrival[nucleus.arrived - 1].is_request);
    assert_true(nucleus.replies < 2);
    memcpy(last->annex, (const void *)reply->annexAddr, K_CMSGANNEXSIZE);
    last->body = reply->bodyAddr;
    last->body_bytes = reply->bodySize;
    return nucleus.arrival[nucleus.arrived - 1].reply[nucleus.replies++];
}

KnResult threadAborted(void)
{
    nucleus.aborts_cleared++;
    return 0;
}

/* As the Nucleus does: the abort of a client that has gone ends here. */
KnResult ipcReplyReceive(KnMsgDesc *reply, KnMsgDesc *message, int32_t *li, int64_t delay_ns)
{
    KnResult status = ipcReply(reply);

    if (status == K_EUNKNOWN)
        nucleus.aborts_cleared++;
    else if (status != K_OK)
        return status;
    /* the reply was sent: another of it would find no request */
    nucleus.replied = nucleus.arrived;
    return ipcReceive(message, li, delay_ns);
}

KnResult threadDelay(int64_t delay_ns)
{
    assert_true(delay_ns > 0);
    nucleus.delays++;
    return K_EABORT;
}

KnResult threadScheduler(KnCap *actor, KnThreadLid lid, KnSchedParms *old, KnSchedParms *new)
{
    assert_true(actor == K_MYACTOR && lid == K_MYSELF && new == NULL);
    *old = (KnSchedParms){K_SCHED_RR, 33};
    return K_OK;
}

/* The thread runs at once, until it ends. */
KnResult thread_launch(KnThreadLid *lid, void (*entry)(uintptr_t argument), uintptr_t argument,
                       VmSize stack_bytes, KnSchedParms *sched)
{
    assert_true(stack_bytes == 8192 && sched->schedPriority == 33);
    nucleus.threads++;
    if (lid != NULL)
        *lid = (KnThreadLid)nucleus.threads;
    if (nucleus.launch == K_OK)
        entry(argument);
    return nucleus.launch;
}

KnResult ipcSend(KnMsgDesc *message, int32_t source, KnIpcDest *destination)
{
    nucleus.asked = *message;
    nucleus.source = source;
    nucleus.destination = *destination;
    return nucleus.call;
}

KnResult ipcCall(KnMsgDesc *request, int32_t source, KnIpcDest *destination, KnMsgDesc *reply,
                 int64_t delay_ns)
{
    assert_int_equal(delay_ns, 12345);
    nucleus.asked = *request;
    nucleus.answered = *reply;
    nucleus.source = source;
    nucleus.destination = *destination;
    return nucleus.call;
}

/* ---- Fixture ------------------------------------------------------------------------------- */

struct fixture {
    struct echo_server echo;
    struct server server;
    uint8_t request[16];
    uint8_t reply[ECHO_REPLY_BODY_MAX];
    struct server_buffers buffers;
};

static int open_server(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    nucleus = (struct nucleus){.arrived = 0};
    fixture->buffers = (struct server_buffers){fixture->request, sizeof(fixture->request),
                                               fixture->reply, sizeof(fixture->reply)};
    server_init(&fixture->server);
    assert_int_equal(server_add(&fixture->server, LI, echo_service(&echo_ops, &fixture->echo)),
                     K_OK);
    *state = fixture;
    return 0;
}

static int close_server(void **state)
{
    free(*state);
    return 0;
}

/* A message of `body_bytes` arrives for an operation of echo. */
static struct arrival *arrive(uint16_t operation, uint32_t body_bytes)
{
    struct arrival *arrival = &nucleus.arrival[nucleus.arrivals++];

    assert_true(nucleus.arrivals <= STEPS);
    *arrival = (struct arrival){.result = body_bytes, .li = LI, .is_request = true};
    le16_store(arrival->annex, ECHO_PROTOCOL);
    le16_store(arrival->annex + 2, operation);
    le16_store(arrival->annex + 4, ECHO_VERSION);
    return arrival;
}

static KnResult last_diag(void)
{
    return (int32_t)le32_load(nucleus.last_reply.annex);
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void requests_are_served_until_the_port_goes(void **state)
{
    struct fixture *fixture = *state;

    arrive(ECHO_NOTE, 0);
    arrive(ECHO_NOTE, 0);
    assert_int_equal(server_work(&fixture->server, &fixture->buffers), K_ENOPORT);
    assert_int_equal(fixture->echo.calls, 2);
    assert_int_equal(last_diag(), K_OK);
    assert_int_equal(nucleus.replies, 1);
    assert_int_equal(nucleus.aborts_cleared, 0);
}

static KnResult note_who(void *server, const struct idl_context *context,
                         const struct echo_note_in *in)
{
    (void)in;
    ((struct echo_server *)server)->calls++;
    assert_int_equal(context->source.uiHead, 7);
    assert_int_equal(context->actor_id.uid, 9);
    assert_int_equal(context->li, LI);
    assert_int_equal(context->operation, ECHO_NOTE);
    assert_true(context->is_request);
    return K_OK;
}

static void operation_is_told_who_asks(void **state)
{
    struct fixture *fixture = *state;
    const struct echo_server_ops ops = {.note = note_who};

    fixture->server.port[0].service = echo_service(&ops, &fixture->echo);
    arrive(ECHO_NOTE, 0);
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(fixture->echo.calls, 1);
}

static void one_way_message_gets_no_reply(void **state)
{
    struct fixture *fixture = *state;

    arrive(ECHO_NOTE, 0)->is_request = false;
    arrive(ECHO_MIRROR, 0)->is_request = false;
    assert_int_equal(server_work(&fixture->server, &fixture->buffers), K_ENOPORT);
    assert_int_equal(fixture->echo.calls, 1);
}

static void body_beyond_the_buffer_is_refused(void **state)
{
    struct fixture *fixture = *state;

    arrive(ECHO_DATA, sizeof(fixture->request) + 1);
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(last_diag(), K_ETOOMUCH);
    assert_int_equal(fixture->echo.calls, 0);
}

/* Without memory for the reply's body the client is told at least that. */
static void reply_that_cannot_be_sent_becomes_its_error(void **state)
{
    struct fixture *fixture = *state;
    struct arrival *arrival = arrive(ECHO_DATA, 16);

    le32_store(arrival->annex + 8, 16);
    le32_store(arrival->annex + 12, 16);
    arrival->reply[0] = K_ENOMEM;
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(fixture->echo.calls, 1);
    assert_int_equal(nucleus.replies, 2);
    assert_int_equal(last_diag(), K_ENOMEM);
    assert_int_equal(nucleus.last_reply.body_bytes, 0);
    assert_int_equal(nucleus.last_reply.annex[8], 0);
    assert_int_equal(nucleus.aborts_cleared, 0);
}

static void client_that_has_gone_takes_its_abort_along(void **state)
{
    struct fixture *fixture = *state;
    struct arrival *first = arrive(ECHO_NOTE, 0), *second = arrive(ECHO_NOTE, 0);

    first->reply[0] = K_EUNKNOWN;
    second->reply[0] = K_ENOMEM;
    second->reply[1] = K_EUNKNOWN;
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(fixture->echo.calls, 2);
    assert_int_equal(nucleus.aborts_cleared, 2);
}

static void receiving_without_memory_is_tried_again(void **state)
{
    struct fixture *fixture = *state;

    nucleus.arrival[nucleus.arrivals++].result = K_ENOMEM;
    nucleus.arrival[nucleus.arrivals++].result = K_ENOMEM;
    arrive(ECHO_NOTE, 0);
    assert_int_equal(server_work(&fixture->server, &fixture->buffers), K_ENOPORT);
    assert_int_equal(nucleus.delays, 2);
    assert_int_equal(fixture->echo.calls, 1);
}

/* The port was deleted after it gave the message: the Nucleus answers the client. */
static void message_of_a_port_that_is_gone_is_left(void **state)
{
    struct fixture *fixture = *state;

    arrive(ECHO_NOTE, 0)->li = K_NONEPORT;
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(nucleus.replies, 0);
    assert_int_equal(fixture->echo.calls, 0);
}

/* ---- Ports and workers --------------------------------------------------------------------- */

static void raw_echo(void *server, const KnMsgHead *head, const struct idl_message *request,
                     struct idl_message *reply)
{
    *(uint32_t *)server = request->body_bytes;
    assert_int_equal(head->actorId.uid, 9);
    for (size_t i = 0; i < sizeof(reply->annex); i++)
        assert_int_equal(reply->annex[i], 0);
    reply->annex[3] = request->annex[3];
    reply->body = 0x1000;
    reply->body_bytes = 4096;
}

static void raw_port_serves_what_is_no_idl(void **state)
{
    struct fixture *fixture = *state;
    struct arrival *arrival;
    uint32_t seen = 0;

    assert_int_equal(server_add_raw(&fixture->server, OTHER_LI, raw_echo, &seen), K_OK);
    arrival = arrive(0, 4096); /* larger than the buffer: the handler sees it */
    arrival->li = OTHER_LI;
    arrival->annex[3] = 44;
    arrive(ECHO_NOTE, 0)->li = LI;
    arrive(0, 0)->li = OTHER_LI;
    nucleus.arrival[2].reply[0] = K_ENOMEM; /* there is no error that this could become */
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(fixture->echo.calls, 1);
    assert_int_equal(seen, 0);
    assert_int_equal(nucleus.last_reply.body, 0x1000);
    assert_int_equal(nucleus.last_reply.body_bytes, 4096);
    assert_int_equal(nucleus.replies, 1);
    assert_int_equal(nucleus.receives_at, K_ANYENABLED);
}

static void ports_are_enabled_when_there_are_several(void **state)
{
    struct fixture *fixture = *state;
    uint32_t seen;

    assert_int_equal(nucleus.enabled[LI], 0);
    arrive(ECHO_NOTE, 0);
    (void)server_work(&fixture->server, &fixture->buffers);
    assert_int_equal(nucleus.receives_at, LI);
    assert_int_equal(server_add_raw(&fixture->server, 99, raw_echo, &seen), K_ENOPORT);
    assert_int_equal(nucleus.enabled[LI], 0);
    assert_int_equal(server_add_raw(&fixture->server, OTHER_LI, raw_echo, &seen), K_OK);
    assert_int_equal(nucleus.enabled[LI], 1); /* priority 0 */
    assert_int_equal(nucleus.enabled[OTHER_LI], 2);
    for (uint32_t i = 2; i < SERVER_PORTS; i++)
        assert_int_equal(server_add_raw(&fixture->server, OTHER_LI, raw_echo, &seen), K_OK);
    assert_int_equal(server_add_raw(&fixture->server, OTHER_LI, raw_echo, &seen), K_ENOMEM);
}

static void buffers_must_hold_every_reply(void **state)
{
    struct fixture *fixture = *state;
    struct server empty;

    fixture->buffers.reply_bytes--;
    assert_int_equal(server_work(&fixture->server, &fixture->buffers), K_EINVAL);
    server_init(&empty);
    fixture->buffers.reply_bytes++;
    assert_int_equal(server_work(&empty, &fixture->buffers), K_EINVAL);
}

static void workers_share_a_server(void **state)
{
    struct fixture *fixture = *state;
    struct server_worker worker[3] = {{fixture->buffers, NULL},
                                      {fixture->buffers, NULL},
                                      {fixture->buffers, NULL}};

    arrive(ECHO_NOTE, 0);
    assert_int_equal(server_run(&fixture->server, worker, 3, 8192), K_ENOPORT);
    assert_int_equal(nucleus.threads, 2);
    assert_int_equal(fixture->echo.calls, 1);

    nucleus.launch = K_ENOMEM;
    assert_int_equal(server_run(&fixture->server, worker, 3, 8192), K_ENOMEM);
    assert_int_equal(nucleus.threads, 3);

    /* No thread is started if one of them could not serve. */
    worker[2].buffers.reply_bytes = 0;
    assert_int_equal(server_run(&fixture->server, worker, 3, 8192), K_EINVAL);
    assert_int_equal(nucleus.threads, 3);
}

/* ---- The client's transport ---------------------------------------------------------------- */

static void calls_travel_by_ipc(void **state)
{
    uint8_t body[4], back[8];
    struct idl_message request = {.body = (VmAddr)body, .body_bytes = 4};
    struct idl_message reply = {.body = (VmAddr)back, .body_room = 8};
    struct idl_client client;

    (void)state;
    idl_client_init(&client, &(KnUniqueId){3, 4}, NULL, 0);
    assert_int_equal(client.delay_ns, K_NOTIMEOUT);
    client.flags = K_ABORTABLE;
    client.delay_ns = 12345;
    client.co_target = (KnUniqueId){5, 6};
    nucleus.call = 9; /* a body beyond the room: who takes the reply apart sees it */
    assert_int_equal(client.call(&client, &request, &reply), K_OK);
    assert_int_equal(reply.body_bytes, 9);
    assert_int_equal(nucleus.source, K_DEFAULTPORT);
    assert_int_equal(nucleus.destination.target.uiHead, 3);
    assert_int_equal(nucleus.destination.coTarget.uiTail, 6);
    assert_int_equal(nucleus.asked.bodyAddr, (VmAddr)body);
    assert_int_equal(nucleus.asked.bodySize, 4);
    assert_int_equal(nucleus.answered.flags, K_ABORTABLE);
    assert_int_equal(nucleus.answered.bodySize, 8);
    nucleus.call = K_EUNREACH;
    assert_int_equal(client.call(&client, &request, &reply), K_EUNREACH);
    nucleus.call = K_EFULL;
    assert_int_equal(client.call(&client, &request, NULL), K_EFULL);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(requests_are_served_until_the_port_goes),
        WITH_SERVER(operation_is_told_who_asks),
        WITH_SERVER(one_way_message_gets_no_reply),
        WITH_SERVER(body_beyond_the_buffer_is_refused),
        WITH_SERVER(reply_that_cannot_be_sent_becomes_its_error),
        WITH_SERVER(client_that_has_gone_takes_its_abort_along),
        WITH_SERVER(receiving_without_memory_is_tried_again),
        WITH_SERVER(message_of_a_port_that_is_gone_is_left),
        WITH_SERVER(raw_port_serves_what_is_no_idl),
        WITH_SERVER(ports_are_enabled_when_there_are_several),
        WITH_SERVER(buffers_must_hold_every_reply),
        WITH_SERVER(workers_share_a_server),
        WITH_SERVER(calls_travel_by_ipc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
