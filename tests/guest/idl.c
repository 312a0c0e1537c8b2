/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated clients and servers, and the receive loop of lib/server: an actor that serves
 * idl/echo.idl in user or supervisor space, and cases that call it, well and badly. A second port
 * of that actor, with a worker of its own, speaks the annexes of the mapper protocol.
 */
#include "chorus/mapper.h"
#include "idl/echo.h"
#include "kit/string.h"
#include "server/server.h"
#include "tests/guest/case.h"

#define ECHO_STAMP UINT64_C(0x6563686f)
#define MAPPER_STAMP UINT64_C(0x6563686f6d)
#define WORKERS_MAX 3u
#define BOUND_NS (UINT64_C(1000) * GUEST_MS)
#define LONG_NS (UINT64_C(100000) * GUEST_MS)
#define ENOENT 2
#define ERANGE 34

enum wait_way {
    WAIT_THROUGH = 0,   /* an abort is seen after the wait */
    WAIT_ABORTABLY = 1, /* an abort ends it */
    WAIT_BLINDLY = 2,   /* nobody looks for an abort */
};

/* Of a server and of a case alike; each uses its part. */
struct idl_state {
    struct guest guest;

    struct server server;
    struct server_worker worker[WORKERS_MAX];
    uint8_t request[WORKERS_MAX][ECHO_REQUEST_BODY_MAX];
    uint8_t reply[WORKERS_MAX][ECHO_REPLY_BODY_MAX];
    struct server mapper;
    struct server_buffers mapper_buffers;
    uint8_t page[512];
    uint64_t noted;
    uint32_t aborted;

    struct idl_client client;
    KnCap actor;
    uint8_t body[ECHO_CLIENT_BODY_BYTES];
    uint8_t data[ECHO_DATA_MAX];
    uint8_t back[ECHO_DATA_MAX];
    char text[ECHO_TEXT_MAX + 1];
    char text_back[ECHO_TEXT_MAX + 1];
};

static struct idl_state *state_of(struct guest *guest)
{
    return container_of(guest, struct idl_state, guest);
}

/* ---- The server ------------------------------------------------------------------------------ */

static KnResult op_permit(void *server, const struct idl_context *context)
{
    (void)server;
    return (context->rights & ~(uint32_t)(ECHO_RIGHT_LOOK | ECHO_RIGHT_CHANGE)) == 0 ? K_OK
                                                                                     : K_EPRIV;
}

static KnResult op_mirror(void *server, const struct idl_context *context,
                          const struct echo_mirror_in *in, struct echo_mirror_out *out)
{
    (void)server;
    (void)context;
    out->small = in->small;
    out->middle = in->middle;
    out->large = in->large;
    out->huge = in->huge;
    out->debt = in->debt;
    out->loss = in->loss;
    out->colour = in->colour;
    out->object = in->object;
    out->port = in->port;
    memcpy(out->raw, in->raw, sizeof(out->raw));
    return K_OK;
}

static KnResult op_text(void *server, const struct idl_context *context,
                        const struct echo_text_in *in, struct echo_text_out *out)
{
    (void)server;
    (void)context;
    return strlcpy(out->text, in->text, out->text_room) < out->text_room ? K_OK : idl_errno(ERANGE);
}

/* Answers from where the request was received. */
static KnResult op_data(void *server, const struct idl_context *context,
                        const struct echo_data_in *in, struct echo_data_out *out)
{
    (void)server;
    (void)context;
    out->data = (void *)in->data;
    out->data_bytes = MIN(in->data_bytes, out->data_room);
    return K_OK;
}

static KnResult op_spill(void *server, const struct idl_context *context,
                         const struct echo_spill_in *in, struct echo_spill_out *out)
{
    (void)server;
    (void)context;
    out->object = in->object;
    out->shape = in->shape;
    out->other = in->other;
    out->last = in->last;
    return K_OK;
}

static KnResult op_mixed(void *server, const struct idl_context *context,
                         const struct echo_mixed_in *in, struct echo_mixed_out *out)
{
    (void)server;
    (void)context;
    if (strlcpy(out->first, in->first, out->first_room) >= out->first_room ||
        strlcpy(out->third, in->third, out->third_room) >= out->third_room)
        return idl_errno(ERANGE);
    out->second_bytes = MIN(in->second_bytes, out->second_room);
    memcpy(out->second, in->second, out->second_bytes);
    memcpy(out->points, in->points, sizeof(out->points));
    out->number = in->number + 1;
    return K_OK;
}

static KnResult op_refuse(void *server, const struct idl_context *context,
                          const struct echo_refuse_in *in)
{
    (void)server;
    (void)context;
    return in->diag;
}

static KnResult op_note(void *server, const struct idl_context *context,
                        const struct echo_note_in *in)
{
    struct idl_state *state = server;

    (void)context;
    (void)__atomic_add_fetch(&state->noted, in->number, __ATOMIC_RELAXED);
    return K_OK;
}

static KnResult op_report(void *server, const struct idl_context *context,
                          struct echo_report_out *out)
{
    const struct idl_state *state = server;

    out->noted = __atomic_load_n(&state->noted, __ATOMIC_RELAXED);
    out->aborted = __atomic_load_n(&state->aborted, __ATOMIC_RELAXED);
    out->uid = context->actor_id.uid;
    out->port = context->source;
    return K_OK;
}

static KnResult op_wait(void *server, const struct idl_context *context,
                        const struct echo_wait_in *in, struct echo_wait_out *out)
{
    struct idl_state *state = server;
    uint32_t word = 0;
    KnResult status;

    (void)context;
    status = syncWait((VmAddr)&word, 0, (int64_t)in->delay_ns,
                      in->abortable == WAIT_ABORTABLY ? K_ABORTABLE : 0);
    if (in->abortable == WAIT_THROUGH && threadAborted() == 1)
        status = K_EABORT;
    out->aborted = status == K_EABORT;
    if (status == K_EABORT)
        (void)__atomic_add_fetch(&state->aborted, 1, __ATOMIC_RELAXED);
    return status == K_ETIMEOUT ? K_OK : status;
}

static KnResult op_die(void *server, const struct idl_context *context)
{
    (void)server;
    (void)context;
    return actorDelete(K_MYACTOR);
}

static const struct echo_server_ops echo_ops = {
    .permit = op_permit,
    .mirror = op_mirror,
    .text = op_text,
    .data = op_data,
    .spill = op_spill,
    .mixed = op_mixed,
    .refuse = op_refuse,
    .note = op_note,
    .report = op_report,
    .wait = op_wait,
    .die = op_die,
};

/* Pulls in from a segment whose every byte is its key. */
static void mapper_serve(void *server, const KnMsgHead *head, const struct idl_message *request,
                         struct idl_message *reply)
{
    struct idl_state *state = server;
    KnMpRequest asked;
    KnMpReply answer = {.mpDiag = K_OK};

    (void)head;
    memcpy(&asked, request->annex, sizeof(asked));
    if (asked.mpService != KN_MPPULLIN || request->body_bytes > request->body_room) {
        answer.mpDiag = K_EINVAL;
    } else {
        answer.mpOffset = asked.mpOffset;
        answer.mpBytes = sizeof(state->page);
        memset(state->page, (int)asked.mpSegment, sizeof(state->page));
        reply->body = (VmAddr)state->page;
        reply->body_bytes = sizeof(state->page);
    }
    memcpy(reply->annex, &answer, sizeof(answer));
}

static KnResult declare(uint64_t stamp)
{
    KnUniqueId ui;
    KnResult status = uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), stamp);

    return status == K_OK ? portDeclare(K_MYACTOR, &ui) : status;
}

static void mapper_work(uintptr_t argument)
{
    struct idl_state *state = (struct idl_state *)argument;

    (void)server_work(&state->mapper, &state->mapper_buffers);
}

/* The mapper's port is there before the first one, which clients wait for. */
CASE_ACTOR(server_actor)
{
    struct idl_state *state = state_of(guest);
    uint32_t workers = (uint32_t)argument;
    KnResult li = declare(MAPPER_STAMP);

    REQUIRE(li > 0 && workers <= WORKERS_MAX);
    server_init(&state->mapper);
    REQUIRE_EQ(server_add_raw(&state->mapper, (int32_t)li, mapper_serve, state), K_OK);
    REQUIRE_EQ(thread_launch(NULL, mapper_work, (uintptr_t)state, 0, NULL), K_OK);

    li = declare(ECHO_STAMP);
    REQUIRE(li > 0);
    server_init(&state->server);
    REQUIRE_EQ(server_add(&state->server, (int32_t)li, echo_service(&echo_ops, state)), K_OK);
    for (uint32_t i = 0; i < workers; i++)
        state->worker[i].buffers =
            (struct server_buffers){state->request[i], sizeof(state->request[i]), state->reply[i],
                                    sizeof(state->reply[i])};
    EXPECT_EQ(server_run(&state->server, state->worker, workers, 0), K_ENOPORT);
}

/* ---- The client ------------------------------------------------------------------------------ */

/* Waits until the server answers. */
static bool client_connect(struct guest *guest)
{
    struct idl_state *state = state_of(guest);
    uint64_t end_ns = guest_now_ns() + BOUND_NS;
    struct echo_report_out report;
    KnUniqueId ui;
    KnResult status;

    if (!EXPECT_EQ(uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), ECHO_STAMP), K_OK))
        return false;
    idl_client_init(&state->client, &ui, state->body, sizeof(state->body));
    do {
        status = echo_report(&state->client, &report);
    } while (status == K_EUNKNOWN && threadDelay(GUEST_MS) == K_OK && guest_now_ns() < end_ns);
    return EXPECT_EQ(status, K_OK);
}

static bool client_begin(struct guest *guest, KnActorPrivilege privilege, uint32_t workers)
{
    KnResult status = guest_start(guest, server_actor, privilege, workers, &state_of(guest)->actor);

    return EXPECT_EQ(status, K_OK) && client_connect(guest);
}

static void client_end(struct guest *guest)
{
    struct idl_state *state = state_of(guest);

    EXPECT_EQ(actorDelete(&state->actor), K_OK);
    EXPECT_EQ(guest_wait_end(&state->actor, BOUND_NS), K_OK);
}

/* A thread of the case that is in echo_wait. */
struct waiter {
    struct idl_client client;
    struct echo_wait_in in;
    struct echo_wait_out out;
    KnThreadLid lid;
    KnResult result;
    uint32_t done;
};

static void waiter_run(uintptr_t argument)
{
    struct waiter *waiter = (struct waiter *)argument;

    waiter->result = echo_wait(&waiter->client, &waiter->in, &waiter->out);
    __atomic_store_n(&waiter->done, 1, __ATOMIC_RELEASE);
}

static KnResult waiter_begin(struct guest *guest, struct waiter *waiter, enum wait_way way,
                             uint64_t delay_ns)
{
    KnResult status;

    *waiter = (struct waiter){.client = state_of(guest)->client,
                              .in = {.delay_ns = delay_ns, .abortable = way}};
    waiter->client.flags = K_ABORTABLE;
    status = thread_launch(&waiter->lid, waiter_run, (uintptr_t)waiter, 0, NULL);
    return status == K_OK ? threadDelay(2 * GUEST_MS) : status;
}

static bool waiter_ends(const struct waiter *waiter)
{
    uint64_t end_ns = guest_now_ns() + BOUND_NS;

    while (__atomic_load_n(&waiter->done, __ATOMIC_ACQUIRE) == 0 && guest_now_ns() < end_ns)
        (void)threadDelay(GUEST_MS);
    return waiter->done == 1;
}

/* Waits until the server has seen so many aborts. */
static bool aborts_reach(struct guest *guest, uint32_t count)
{
    uint64_t end_ns = guest_now_ns() + BOUND_NS;
    struct echo_report_out report = {.aborted = 0};

    while (echo_report(&state_of(guest)->client, &report) == K_OK && report.aborted < count &&
           guest_now_ns() < end_ns)
        (void)threadDelay(GUEST_MS);
    return report.aborted == count;
}

/* ---- What goes in comes out ------------------------------------------------------------------ */

static void expect_mirror(struct guest *guest)
{
    struct echo_mirror_in in = {.small = UINT8_MAX,
                                .middle = UINT16_MAX,
                                .large = UINT32_MAX,
                                .huge = UINT64_MAX - 1,
                                .debt = INT32_MIN,
                                .loss = INT64_MIN,
                                .colour = ECHO_COLOUR_VIOLET,
                                .object = {{1, 2}, 3},
                                .port = {4, 5},
                                .raw = "sixteen"};
    struct echo_mirror_out out;

    REQUIRE_EQ(echo_mirror(&state_of(guest)->client, &in, &out), K_OK);
    EXPECT(out.small == in.small && out.middle == in.middle && out.large == in.large);
    EXPECT(out.huge == in.huge && out.debt == in.debt && out.loss == in.loss);
    EXPECT_EQ(out.colour, ECHO_COLOUR_VIOLET);
    EXPECT(uiEqual(&out.object.ui, &in.object.ui) && out.object.key == 3);
    EXPECT(uiEqual(&out.port, &in.port));
    EXPECT(memcmp(out.raw, in.raw, sizeof(in.raw)) == 0);
}

static void expect_spill(struct guest *guest)
{
    struct echo_spill_in in = {
        .object = {{1, 2}, 3},
        .shape = {.colour = ECHO_COLOUR_RED, .corner = {-1, -2}},
        .other = {.name = "other", .edges = 7, .colour = ECHO_COLOUR_GREEN, .weights = {1, 2, 3}},
        .last = 9};
    struct echo_spill_out out;

    REQUIRE_EQ(echo_spill(&state_of(guest)->client, &in, &out), K_OK);
    EXPECT_EQ(out.object.key, 3);
    EXPECT_EQ(out.shape.corner.y, -2);
    EXPECT_EQ(out.other.weights[2], 3);
    EXPECT(memcmp(out.other.name, in.other.name, sizeof(in.other.name)) == 0);
    EXPECT_EQ(out.last, 9);
}

static void expect_mixed(struct guest *guest, uint32_t bytes)
{
    struct idl_state *state = state_of(guest);
    char first[ECHO_MIXED_OUT_FIRST_MAX + 1], third[ECHO_MIXED_OUT_THIRD_MAX + 1];
    struct echo_mixed_in in = {.first = "the first",
                               .number = 41,
                               .second = state->data,
                               .second_bytes = bytes,
                               .third = "fifteen letters",
                               .points = {[5] = {6, -7}}};
    struct echo_mixed_out out = {.first = first,
                                 .first_room = sizeof(first),
                                 .second = state->back,
                                 .second_room = sizeof(state->back),
                                 .third = third,
                                 .third_room = sizeof(third)};

    memset(state->back, 0, sizeof(state->back));
    REQUIRE_EQ(echo_mixed(&state->client, &in, &out), K_OK);
    EXPECT(strcmp(first, "the first") == 0 && out.first_bytes == 9);
    EXPECT(strcmp(third, "fifteen letters") == 0);
    EXPECT_EQ(out.second_bytes, bytes);
    EXPECT(memcmp(state->back, state->data, bytes) == 0);
    EXPECT_EQ(out.number, 42);
    EXPECT_EQ(out.points[5].y, -7);
    out.third_room = sizeof(third) - 1;
    EXPECT_EQ(echo_mixed(&state->client, &in, &out), idl_errno(ERANGE));
}

static void expect_text(struct guest *guest, uint32_t length)
{
    struct idl_state *state = state_of(guest);
    struct echo_text_in in = {.text = state->text};
    struct echo_text_out out = {.text = state->text_back, .text_room = length + 1};

    memset(state->text, 'c', length);
    state->text[length] = '\0';
    REQUIRE_EQ(echo_text(&state->client, &in, &out), K_OK);
    EXPECT_EQ(out.text_bytes, length);
    EXPECT(strcmp(state->text_back, state->text) == 0);
}

static void expect_data(struct guest *guest, uint32_t bytes, uint32_t room)
{
    struct idl_state *state = state_of(guest);
    struct echo_data_in in = {.data = state->data, .data_bytes = bytes};
    struct echo_data_out out = {.data = state->back, .data_room = room};

    memset(state->back, 0, sizeof(state->back));
    REQUIRE_EQ(echo_data(&state->client, &in, &out), K_OK);
    EXPECT_EQ(out.data_bytes, MIN(bytes, room));
    EXPECT(memcmp(state->back, state->data, out.data_bytes) == 0);
}

static void expect_all(struct guest *guest)
{
    struct idl_state *state = state_of(guest);

    for (uint32_t i = 0; i < sizeof(state->data); i++)
        state->data[i] = (uint8_t)(i * 31 + (i >> 8));
    expect_mirror(guest);
    expect_spill(guest);
    expect_mixed(guest, 0);
    expect_mixed(guest, ECHO_DATA_MAX);
    expect_text(guest, 0);
    expect_text(guest, ECHO_TEXT_MAX);
    expect_data(guest, 0, 0);
    expect_data(guest, 1000, ECHO_DATA_MAX);
    expect_data(guest, ECHO_DATA_MAX, 1000);
    expect_data(guest, ECHO_DATA_MAX, ECHO_DATA_MAX);
}

CASE(server_in_user_space)
{
    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 2));
    expect_all(guest);
    client_end(guest);
}

CASE_ACTOR(client_actor)
{
    REQUIRE(client_connect(guest));
    expect_all(guest);
}

/* With a client in supervisor space, and one in user space. */
CASE(server_in_supervisor_space)
{
    KnCap client;

    REQUIRE(client_begin(guest, K_SUPACTOR, 2));
    expect_all(guest);
    REQUIRE_EQ(guest_start(guest, client_actor, K_USERACTOR, 0, &client), K_OK);
    EXPECT_EQ(guest_wait_end(&client, BOUND_NS), K_OK);
    client_end(guest);
}

/* Bytes that travel alone may be those of a region. */
CASE(bytes_of_a_region)
{
    struct idl_state *state = state_of(guest);
    KnRgnDesc region = {.size = 2 * ECHO_DATA_MAX,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO};
    struct echo_data_in in = {.data_bytes = ECHO_DATA_MAX};
    struct echo_data_out out = {.data_room = ECHO_DATA_MAX};

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
    in.data = (const void *)region.startAddr;
    out.data = (void *)(region.startAddr + ECHO_DATA_MAX);
    mem_store32(region.startAddr + 50000, 0x12345678);
    EXPECT_EQ(echo_data(&state->client, &in, &out), K_OK);
    EXPECT_EQ(mem_load32(region.startAddr + ECHO_DATA_MAX + 50000), 0x12345678);
    client_end(guest);
}

CASE(results_of_operations)
{
    struct idl_state *state = state_of(guest);
    struct echo_refuse_in in = {.diag = (int32_t)idl_errno(ENOENT)};
    struct echo_absent_in absent = {.number = 1};

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    EXPECT_EQ(echo_refuse(&state->client, &in), idl_errno(ENOENT));
    EXPECT_EQ(idl_unix(echo_refuse(&state->client, &in), 5), -ENOENT);
    in.diag = (int32_t)K_EBUSY;
    EXPECT_EQ(echo_refuse(&state->client, &in), K_EBUSY);
    in.diag = K_OK;
    EXPECT_EQ(echo_refuse(&state->client, &in), K_OK);
    EXPECT_EQ(echo_absent(&state->client, &absent), K_ENOTIMP);
    client_end(guest);
}

CASE(sender_is_known)
{
    struct idl_state *state = state_of(guest);
    KnProtId pi = {.uid = 1234};
    struct echo_report_out report;
    KnUniqueId ui;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    REQUIRE_EQ(actorPi(K_MYACTOR, NULL, &pi), K_OK);
    REQUIRE_EQ(portUi(K_DEFAULTPORT, &ui), K_OK);
    EXPECT_EQ(echo_report(&state->client, &report), K_OK);
    EXPECT_EQ(report.uid, 1234);
    EXPECT(uiEqual(&report.port, &ui));
    client_end(guest);
}

/* ---- Messages that no stub sends ------------------------------------------------------------- */

/* Calls with `annex` and `body_bytes` of whatever; the reply's diag, or how the call failed. */
static KnResult call_by_hand(struct guest *guest, const uint8_t *annex, uint32_t body_bytes)
{
    struct idl_state *state = state_of(guest);
    uint8_t answer[K_CMSGANNEXSIZE];
    KnMsgDesc request = {.bodySize = body_bytes,
                         .bodyAddr = (VmAddr)state->body,
                         .annexAddr = (VmAddr)annex};
    KnMsgDesc reply = {.annexAddr = (VmAddr)answer};
    KnIpcDest to = {state->client.target, {0, 0}};
    KnResult status = ipcCall(&request, K_DEFAULTPORT, &to, &reply, K_NOTIMEOUT);

    if (status < 0)
        return status;
    EXPECT_EQ(status, 0); /* a refusal has no body */
    return (int32_t)le32_load(answer);
}

static void annex_fill(uint8_t *annex, uint16_t protocol, uint16_t operation, uint16_t version)
{
    memset(annex, 0, K_CMSGANNEXSIZE);
    le16_store(annex, protocol);
    le16_store(annex + 2, operation);
    le16_store(annex + 4, version);
}

CASE(malformed_requests_are_answered)
{
    uint8_t annex[K_CMSGANNEXSIZE];

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    annex_fill(annex, ECHO_PROTOCOL + 1, ECHO_DIE, ECHO_VERSION);
    EXPECT_EQ(call_by_hand(guest, annex, 0), K_EINVAL);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_DIE, ECHO_VERSION + 1);
    EXPECT_EQ(call_by_hand(guest, annex, 0), K_ENOTIMP);
    annex_fill(annex, ECHO_PROTOCOL, 999, ECHO_VERSION);
    EXPECT_EQ(call_by_hand(guest, annex, 0), K_ENOTIMP);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_DIE, ECHO_VERSION);
    EXPECT_EQ(call_by_hand(guest, annex, 1), K_EINVAL);
    EXPECT_EQ(call_by_hand(guest, annex, ECHO_REQUEST_BODY_MAX + 1), K_ETOOMUCH);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_MIRROR, ECHO_VERSION); /* no colour is 0 */
    EXPECT_EQ(call_by_hand(guest, annex, 0), K_EINVAL);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_DATA, ECHO_VERSION);
    le32_store(annex + 8, UINT32_MAX);
    EXPECT_EQ(call_by_hand(guest, annex, 100), K_EINVAL);
    le32_store(annex + 8, ECHO_DATA_MAX);
    EXPECT_EQ(call_by_hand(guest, annex, 100), K_EINVAL);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_TEXT, ECHO_VERSION); /* a NUL within, none behind */
    le32_store(annex + 8, 3);
    memcpy(state_of(guest)->body, "a\0bc", 4);
    EXPECT_EQ(call_by_hand(guest, annex, 4), K_EINVAL);
    expect_mirror(guest);
    client_end(guest);
}

/* What is sent and not called with: done if it is one-way, else dropped. */
CASE(messages_that_are_no_requests)
{
    struct idl_state *state = state_of(guest);
    uint64_t end_ns = guest_now_ns() + BOUND_NS;
    struct echo_note_in in = {.number = 5};
    struct echo_report_out report = {.noted = 0};
    uint8_t annex[K_CMSGANNEXSIZE];
    KnMsgDesc message = {.annexAddr = (VmAddr)annex};
    KnIpcDest to;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 2));
    to = (KnIpcDest){state->client.target, {0, 0}};
    for (uint32_t i = 0; i < 10; i++)
        EXPECT_EQ(echo_note(&state->client, &in), K_OK);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_DIE, ECHO_VERSION);
    EXPECT_EQ(ipcSend(&message, K_DEFAULTPORT, &to), K_OK);
    memset(annex, 0xff, sizeof(annex));
    EXPECT_EQ(ipcSend(&message, K_DEFAULTPORT, &to), K_OK);
    while (report.noted < 50 && guest_now_ns() < end_ns)
        REQUIRE_EQ(echo_report(&state->client, &report), K_OK);
    EXPECT_EQ(report.noted, 50);
    annex_fill(annex, ECHO_PROTOCOL, ECHO_NOTE, ECHO_VERSION); /* called with, it is answered */
    EXPECT_EQ(call_by_hand(guest, annex, 0), K_OK);
    client_end(guest);
}

/* ---- Threads, aborts, deaths ----------------------------------------------------------------- */

/* While one worker waits another serves, and the mapper's serves even if all of echo's wait. */
CASE(operations_block_their_own_worker)
{
    struct idl_state *state = state_of(guest);
    KnMpRequest asked = {.mpService = KN_MPPULLIN, .mpSegment = 0x5a, .mpOffset = 4096};
    uint8_t annex[K_CMSGANNEXSIZE] = {0};
    KnMsgDesc request = {.annexAddr = (VmAddr)annex};
    KnMsgDesc reply = {.annexAddr = (VmAddr)annex,
                       .bodyAddr = (VmAddr)state->back,
                       .bodySize = 4096};
    struct waiter waiter[2];
    KnMpReply answer;
    KnIpcDest to = {{0, 0}, {0, 0}};

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 2));
    REQUIRE_EQ(waiter_begin(guest, &waiter[0], WAIT_ABORTABLY, LONG_NS), K_OK);
    expect_mirror(guest);
    REQUIRE_EQ(waiter_begin(guest, &waiter[1], WAIT_ABORTABLY, LONG_NS), K_OK);
    memcpy(annex, &asked, sizeof(asked));
    EXPECT_EQ(uiBuild(&to.target, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), MAPPER_STAMP), K_OK);
    EXPECT_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, (int64_t)BOUND_NS), 512);
    memcpy(&answer, annex, sizeof(answer));
    EXPECT(answer.mpDiag == K_OK && answer.mpOffset == 4096 && answer.mpBytes == 512);
    EXPECT(state->back[0] == 0x5a && state->back[511] == 0x5a);
    EXPECT_EQ(threadAbort(K_MYACTOR, waiter[0].lid), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, waiter[1].lid), K_OK);
    EXPECT(waiter_ends(&waiter[0]) && waiter_ends(&waiter[1]));
    client_end(guest);
}

CASE(abort_reaches_the_operation)
{
    struct waiter waiter;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 2));
    REQUIRE_EQ(waiter_begin(guest, &waiter, WAIT_ABORTABLY, LONG_NS), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, waiter.lid), K_OK);
    EXPECT(waiter_ends(&waiter));
    EXPECT_EQ(waiter.result, K_EABORT);
    EXPECT(aborts_reach(guest, 1));
    REQUIRE_EQ(waiter_begin(guest, &waiter, WAIT_THROUGH, 20 * GUEST_MS), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, waiter.lid), K_OK);
    EXPECT(waiter_ends(&waiter));
    EXPECT_EQ(waiter.result, K_EABORT);
    EXPECT(aborts_reach(guest, 2));
    client_end(guest);
}

/* The first request is aborted, and its operation does not look; the second one, which is queued
 * then, must not see it. */
CASE(abort_stays_with_its_request)
{
    struct waiter first, second;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    REQUIRE_EQ(waiter_begin(guest, &first, WAIT_BLINDLY, 20 * GUEST_MS), K_OK);
    REQUIRE_EQ(waiter_begin(guest, &second, WAIT_ABORTABLY, GUEST_MS), K_OK);
    EXPECT_EQ(threadAbort(K_MYACTOR, first.lid), K_OK);
    EXPECT(waiter_ends(&first) && waiter_ends(&second));
    EXPECT_EQ(first.result, K_EABORT);
    EXPECT_EQ(second.result, K_OK);
    EXPECT_EQ(second.out.aborted, 0);
    client_end(guest);
}

CASE(client_gives_up_after_its_delay)
{
    struct idl_state *state = state_of(guest);
    struct echo_wait_in in = {.delay_ns = LONG_NS, .abortable = WAIT_ABORTABLY};
    struct echo_wait_out out;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 1));
    state->client.delay_ns = 5 * GUEST_MS;
    EXPECT_EQ(echo_wait(&state->client, &in, &out), K_ETIMEOUT);
    state->client.delay_ns = K_NOTIMEOUT;
    EXPECT(aborts_reach(guest, 1));
    client_end(guest);
}

CASE(death_of_a_server_ends_its_calls)
{
    struct idl_state *state = state_of(guest);
    struct echo_report_out report;
    struct waiter waiter;

    REQUIRE(client_begin(guest, K_SYSTEMACTOR, 2));
    REQUIRE_EQ(waiter_begin(guest, &waiter, WAIT_BLINDLY, LONG_NS), K_OK);
    EXPECT_EQ(echo_die(&state->client), K_ELOST);
    EXPECT(waiter_ends(&waiter));
    EXPECT_EQ(waiter.result, K_ELOST);
    EXPECT_EQ(guest_wait_end(&state->actor, BOUND_NS), K_OK);
    EXPECT_EQ(echo_report(&state->client, &report), K_EUNKNOWN);
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(server_in_user_space),
    CASE_SUPERVISOR(server_in_supervisor_space),
    CASE_SYSTEM(bytes_of_a_region),
    CASE_SYSTEM(results_of_operations),
    CASE_SYSTEM(sender_is_known),
    CASE_SYSTEM(malformed_requests_are_answered),
    CASE_SYSTEM(messages_that_are_no_requests),
    CASE_SYSTEM(operations_block_their_own_worker),
    CASE_SYSTEM(abort_reaches_the_operation),
    CASE_SYSTEM(abort_stays_with_its_request),
    CASE_SYSTEM(client_gives_up_after_its_delay),
    CASE_SYSTEM(death_of_a_server_ends_its_calls),
    CASE_HELPER(server_actor),
    CASE_HELPER(client_actor),
};

/* As GUEST_PROGRAM, with more state than a struct guest. */
static void idl_main(struct idl_state *state, uintptr_t argument)
{
    static const struct guest_program program = {"idl", __FILE__, entries, ARRAY_SIZE(entries)};

    guest_run(&state->guest, &program, argument);
}

ACTOR_PROGRAM(idl, struct idl_state, idl_main);
