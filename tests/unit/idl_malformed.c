/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of generated clients and servers (tools/gen_idl.py) against messages that nobody should
 * send: cut off, changed at random, addressed wrongly. Nothing is read or written out of bounds
 * (ASan), no operation sees what its protocol forbids (tests/unit/idl_host.h checks), and no caller
 * is given more than it has room for.
 */
#include "tests/unit/idl_host.h"

#include "kit/random.h"

#define MUTATIONS 20000
#define ROOM 40 /* of a caller of mixed, for each string and for the bytes */

struct fixture {
    struct echo_server server;
    struct wire *wire;
    struct random random;
    uint32_t accepted;
};

static int open_wire(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->wire = wire_open(&echo_ops, &fixture->server);
    random_init(&fixture->random, 1);
    *state = fixture;
    return 0;
}

static int close_wire(void **state)
{
    struct fixture *fixture = *state;

    wire_close(fixture->wire);
    free(fixture);
    return 0;
}

/* ---- A good call of each shape ------------------------------------------------------------- */

/* Each call's outputs stand in memory of exactly the room that is given. */
static KnResult call_mirror(struct fixture *fixture)
{
    struct echo_mirror_in in = {.colour = ECHO_COLOUR_RED};
    struct echo_mirror_out out = {.small = 77, .colour = ECHO_COLOUR_GREEN};
    KnResult status = echo_mirror(&fixture->wire->client, &in, &out);

    colour_expect(out.colour);
    if (status != K_OK)
        assert_int_equal(out.small, 77);
    return status;
}

static KnResult call_text(struct fixture *fixture)
{
    struct echo_text_in in = {.text = "twenty bytes of text"};
    struct echo_text_out out = {.text = allocate(ROOM), .text_room = ROOM};
    KnResult status = echo_text(&fixture->wire->client, &in, &out);

    assert_int_equal(out.text_room, ROOM);
    if (status == K_OK)
        string_expect(out.text, out.text_bytes, ROOM - 1);
    else
        assert_int_equal(out.text_bytes, 0);
    free(out.text);
    return status;
}

static KnResult call_data(struct fixture *fixture)
{
    struct echo_data_in in = {.data = "nineteen bytes here", .data_bytes = 19};
    struct echo_data_out out = {.data = allocate(ROOM), .data_room = ROOM};
    KnResult status = echo_data(&fixture->wire->client, &in, &out);

    assert_true(out.data_bytes <= ROOM);
    free(out.data);
    return status;
}

static KnResult call_spill(struct fixture *fixture)
{
    struct echo_spill_in in = {.shape.colour = ECHO_COLOUR_RED, .other.colour = ECHO_COLOUR_GREEN};
    struct echo_spill_out out = {.shape.colour = ECHO_COLOUR_VIOLET,
                                 .other.colour = ECHO_COLOUR_VIOLET};
    KnResult status = echo_spill(&fixture->wire->client, &in, &out);

    colour_expect(out.shape.colour);
    colour_expect(out.other.colour);
    return status;
}

static KnResult call_mixed(struct fixture *fixture)
{
    struct echo_mixed_in in = {.first = "first",
                               .second = "second bytes",
                               .second_bytes = 12,
                               .third = "third"};
    struct echo_mixed_out out = {.first = allocate(ROOM),
                                 .first_room = ROOM,
                                 .second = allocate(ROOM),
                                 .second_room = ROOM,
                                 .third = allocate(ROOM),
                                 .third_room = ROOM};
    KnResult status = echo_mixed(&fixture->wire->client, &in, &out);

    if (status == K_OK) {
        string_expect(out.first, out.first_bytes, ROOM - 1);
        string_expect(out.third, out.third_bytes, MIN(ROOM - 1, ECHO_MIXED_OUT_THIRD_MAX));
        assert_true(out.second_bytes <= ROOM);
    }
    free(out.first);
    free(out.second);
    free(out.third);
    return status;
}

static KnResult call_refuse(struct fixture *fixture)
{
    struct echo_refuse_in in = {.diag = (int32_t)K_EBUSY};

    return echo_refuse(&fixture->wire->client, &in);
}

static KnResult call_note(struct fixture *fixture)
{
    struct echo_note_in in = {.number = 1};

    return echo_note(&fixture->wire->client, &in);
}

static KnResult (*const calls[])(struct fixture *fixture) = {call_mirror, call_text,  call_data,
                                                             call_spill,  call_mixed, call_refuse,
                                                             call_note};

static void good_calls_are_good(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        assert_int_equal(calls[i](fixture), calls[i] == call_refuse ? K_EBUSY : K_OK);
    assert_int_equal(fixture->server.calls, ARRAY_SIZE(calls));
}

/* ---- Cut off, or with more at the end ------------------------------------------------------ */

/* Gives the body another size; damage_data points to the size. */
static void body_resize(struct wire *wire, struct idl_message *message)
{
    uint32_t bytes = *(const uint32_t *)wire->damage_data;

    uint8_t *body = allocate(bytes);

    for (uint32_t i = 0; i < bytes; i++)
        body[i] = i < message->body_bytes ? ((const uint8_t *)message->body)[i] : 0;
    message_forget(message);
    message->body = (VmAddr)body;
    message->body_bytes = message->body_room = bytes;
}

static void every_other_size_of_a_request_is_refused(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        uint32_t bytes, good;

        fixture->wire->damage = NULL;
        (void)calls[i](fixture);
        good = fixture->wire->request.body_bytes;
        fixture->server.calls = 0;
        fixture->wire->damage = body_resize;
        fixture->wire->damage_data = &bytes;
        for (bytes = 0; bytes < good + 9; bytes++) {
            if (bytes != good)
                assert_int_equal(calls[i](fixture), calls[i] == call_note ? K_OK : K_EINVAL);
        }
        assert_int_equal(fixture->server.calls, 0);
    }
}

static void every_other_size_of_a_reply_is_refused(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        uint32_t bytes, good;

        if (calls[i] == call_refuse || calls[i] == call_note)
            continue; /* there is no reply whose body would be looked at */
        fixture->wire->damage = NULL;
        assert_int_equal(calls[i](fixture), K_OK);
        good = fixture->wire->reply.body_bytes;
        fixture->wire->damage = body_resize;
        fixture->wire->damages_replies = true;
        fixture->wire->damage_data = &bytes;
        for (bytes = 0; bytes < good + 9; bytes++) {
            if (bytes != good)
                assert_int_equal(calls[i](fixture), K_EINVAL);
        }
    }
}

/* ---- Whole, but beyond a limit --------------------------------------------------------------- */

/* The body has one byte more, and the length that tells of it is the first one. */
static void lengthen(struct wire *wire, struct idl_message *message)
{
    uint8_t *body = allocate(message->body_bytes + 1);

    (void)wire;
    body[0] = 'a';
    memcpy(body + 1, (const void *)message->body, message->body_bytes);
    message_forget(message);
    message->body = (VmAddr)body;
    message->body_bytes = ++message->body_room;
    le32_store(message->annex + 8, le32_load(message->annex + 8) + 1);
}

static void request_beyond_a_limit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char *text = allocate(ECHO_DATA_MAX);
    char back[ROOM];
    struct echo_text_in text_in = {.text = text};
    struct echo_text_out text_out = {.text = back, .text_room = 1};
    struct echo_data_in data_in = {.data = text, .data_bytes = ECHO_DATA_MAX - 1};
    struct echo_data_out data_out = {0};

    /* At the limit it is still good. */
    fixture->wire->damage = lengthen;
    memset(text, 0, ECHO_DATA_MAX);
    memset(text, 'a', ECHO_TEXT_MAX - 1);
    assert_int_equal(echo_text(&fixture->wire->client, &text_in, &text_out), K_ETOOMUCH);
    assert_int_equal(echo_data(&fixture->wire->client, &data_in, &data_out), K_OK);
    assert_int_equal(fixture->server.calls, 2);
    text[ECHO_TEXT_MAX - 1] = 'a';
    data_in.data_bytes++;
    assert_int_equal(echo_text(&fixture->wire->client, &text_in, &text_out), K_EINVAL);
    assert_int_equal(echo_data(&fixture->wire->client, &data_in, &data_out), K_EINVAL);
    assert_int_equal(fixture->server.calls, 2);
    free(text);
}

/* Answers what another client was given, who had more room. */
static void replay(struct wire *wire, struct idl_message *reply)
{
    message_copy(reply, wire->damage_data);
}

static void reply_beyond_the_room_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct idl_message large = {.body = 0};
    char *first = allocate(6), *second = allocate(6), *third = allocate(6);
    struct echo_mixed_in in = {.first = "first",
                               .second = "second",
                               .second_bytes = 6,
                               .third = "third"};
    struct echo_mixed_out out = {.first = first,
                                 .first_room = 6,
                                 .second = second,
                                 .second_room = 6,
                                 .third = third,
                                 .third_room = 6};

    assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_OK);
    message_copy(&large, &fixture->wire->reply);
    fixture->wire->damage = replay;
    fixture->wire->damages_replies = true;
    fixture->wire->damage_data = &large;
    assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_OK);
    for (int i = 0; i < 3; i++) {
        out.first_room = i == 0 ? 5 : 6;
        out.second_room = i == 1 ? 5 : 6;
        out.third_room = i == 2 ? 5 : 6;
        assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_EINVAL);
    }
    message_forget(&large);
    free(first);
    free(second);
    free(third);
}

/* What did not fit the server's buffer is refused unseen. */
static void request_too_large_for_the_buffer_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct idl_context context = {.is_request = true};

    assert_int_equal(call_data(fixture), K_OK);
    fixture->wire->request.body_room--;
    assert_int_equal(wire_serve(fixture->wire, &context), K_ETOOMUCH);
    assert_int_equal(le32_load(fixture->wire->reply.annex), (uint32_t)K_ETOOMUCH);
    assert_int_equal(fixture->server.calls, 1);
}

/* ---- Changed at random --------------------------------------------------------------------- */

static uint8_t any_byte(struct random *random)
{
    static const uint8_t borders[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

    return random_below(random, 2) == 0 ? borders[random_below(random, ARRAY_SIZE(borders))]
                                        : (uint8_t)random_next(random);
}

/* One to four bytes, of the annex's used part or of the body; now and then the body's size. */
static void mutate(struct wire *wire, struct idl_message *message)
{
    struct random *random = wire->damage_data;
    uint64_t changes = 1 + random_below(random, 4);

    if (random_below(random, 16) == 0) {
        uint32_t bytes = (uint32_t)random_below(random, message->body_bytes + 3);

        wire->damage_data = &bytes;
        body_resize(wire, message);
        wire->damage_data = random;
    }
    while (changes-- > 0) {
        uint64_t at = random_below(random, sizeof(message->annex) + message->body_bytes);

        if (at < sizeof(message->annex))
            message->annex[random_below(random, 2) == 0 ? at : at % 40] = any_byte(random);
        else
            ((uint8_t *)message->body)[at - sizeof(message->annex)] = any_byte(random);
    }
}

static void mutate_calls(struct fixture *fixture, bool replies)
{
    fixture->wire->damage = mutate;
    fixture->wire->damages_replies = replies;
    fixture->wire->damage_data = &fixture->random;
    for (uint32_t i = 0; i < MUTATIONS; i++) {
        KnResult status = calls[i % ARRAY_SIZE(calls)](fixture);

        assert_true(status <= K_OK && status >= IDL_DIAG_MIN);
        fixture->accepted += status == K_OK;
    }
    /* Some change only values: then the call succeeds. Were it all or none, nothing was tested. */
    assert_in_range(fixture->accepted, MUTATIONS / 10, MUTATIONS / 10 * 9);
}

static void mutated_requests_do_no_harm(void **state)
{
    /* refuse gives back what it is told, which a real server would not. */
    struct echo_server_ops ops = echo_ops;
    struct fixture *fixture = *state;

    ops.refuse = NULL;
    fixture->wire->ops = &ops;
    mutate_calls(fixture, false);
    assert_in_range(fixture->server.calls, MUTATIONS / 10, MUTATIONS);
}

static void mutated_replies_do_no_harm(void **state)
{
    mutate_calls(*state, true);
}

/* ---- Addressed wrongly --------------------------------------------------------------------- */

static void request_header_is_checked(void **state)
{
    struct fixture *fixture = *state;
    const struct {
        uint8_t at, value;
        KnResult status;
    } wrong[] = {
        {0, 0x1a, K_EINVAL},                        /* another protocol */
        {2, 0x63, K_ENOTIMP},                       /* no such operation */
        {3, 0x01, K_ENOTIMP}, {4, 0x02, K_ENOTIMP}, /* another version */
        {5, 0x01, K_ENOTIMP}, {6, 0x01, K_ENOTIMP}, /* a flag of later days */
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct idl_context context = {.is_request = true};

        assert_int_equal(call_refuse(fixture), K_EBUSY);
        fixture->server.calls = 0;
        fixture->wire->request.annex[wrong[i].at] = wrong[i].value;
        assert_int_equal(wire_serve(fixture->wire, &context), wrong[i].status);
        assert_int_equal(le32_load(fixture->wire->reply.annex), (uint32_t)wrong[i].status);
        assert_int_equal(fixture->server.calls, 0);
    }
}

static void reply_spoil(struct wire *wire, struct idl_message *reply)
{
    const int32_t *diag = wire->damage_data;

    if (diag == NULL)
        reply->annex[4] ^= 1; /* of another protocol */
    else
        le32_store(reply->annex, (uint32_t)*diag);
}

static void reply_header_is_checked(void **state)
{
    struct fixture *fixture = *state;
    const int32_t wrong[] = {1, -IDL_ERRNO_BASE, IDL_DIAG_MIN - 1, INT32_MIN, INT32_MAX};

    fixture->wire->damage = reply_spoil;
    fixture->wire->damages_replies = true;
    assert_int_equal(call_mirror(fixture), K_EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        fixture->wire->damage_data = (void *)&wrong[i];
        assert_int_equal(call_mirror(fixture), K_EINVAL);
    }
}

static void what_nobody_waits_for_is_not_done(void **state)
{
    struct fixture *fixture = *state;
    struct idl_context sent = {.is_request = false}, called = {.is_request = true};

    assert_int_equal(call_mirror(fixture), K_OK);
    assert_int_equal(wire_serve(fixture->wire, &sent), K_EINVAL);
    assert_int_equal(fixture->server.calls, 1);

    /* A one-way operation is, and does not mind that somebody waits. */
    assert_int_equal(call_note(fixture), K_OK);
    assert_int_equal(wire_serve(fixture->wire, &called), K_OK);
    assert_int_equal(fixture->server.noted, 2);
}

static void operation_that_a_server_lacks_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct echo_absent_in in = {.number = 1};

    assert_int_equal(echo_absent(&fixture->wire->client, &in), K_ENOTIMP);
}

/* ---- Rights, and faults of the server's own ------------------------------------------------ */

static void rights_are_asked_for_first(void **state)
{
    struct fixture *fixture = *state;
    struct echo_server_ops ops = echo_ops;

    assert_int_equal(call_spill(fixture), K_OK);
    assert_int_equal(fixture->server.rights, ECHO_RIGHT_LOOK);
    assert_int_equal(call_mixed(fixture), K_OK);
    assert_int_equal(fixture->server.rights, ECHO_RIGHT_LOOK | ECHO_RIGHT_CHANGE);
    fixture->server.permit = idl_errno(13);
    assert_int_equal(call_spill(fixture), idl_errno(13));
    assert_int_equal(call_mirror(fixture), K_OK);

    /* A server that forgot to check may not do what needs it. */
    ops.permit = NULL;
    fixture->wire->ops = &ops;
    assert_int_equal(call_spill(fixture), K_EPRIV);
    assert_int_equal(fixture->server.calls, 3);
}

/* An operation that fills its outputs, and then fails. */
static KnResult half_done(void *server, const struct idl_context *context,
                          const struct echo_mixed_in *in, struct echo_mixed_out *out)
{
    (void)server;
    (void)context;
    (void)in;
    memset(out->second, 0x55, out->second_room);
    out->second_bytes = out->second_room;
    out->number = 0x55555555;
    return idl_errno(5);
}

static void failure_tells_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct echo_server_ops ops = echo_ops;
    const struct idl_message *reply = &fixture->wire->reply;

    ops.mixed = half_done;
    fixture->wire->ops = &ops;
    assert_int_equal(call_mixed(fixture), idl_errno(5));
    assert_int_equal(reply->body_bytes, 0);
    for (size_t i = 8; i < sizeof(reply->annex); i++)
        assert_int_equal(reply->annex[i], 0);
}

/* Leaves all outputs as they are: the client gets empty ones, not what an earlier reply left. */
static KnResult lazy(void *server, const struct idl_context *context,
                     const struct echo_mixed_in *in, struct echo_mixed_out *out)
{
    (void)server;
    (void)context;
    (void)in;
    (void)out;
    return K_OK;
}

static void outputs_are_empty_at_first(void **state)
{
    struct fixture *fixture = *state;
    struct echo_server_ops ops = echo_ops;
    char first[8] = "before", third[8] = "before";
    struct echo_mixed_in in = {.first = "", .third = ""};
    struct echo_mixed_out out = {
        .first = first, .first_room = 8, .third = third, .third_room = 8, .number = 5};

    ops.mixed = lazy;
    fixture->wire->ops = &ops;
    assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_OK);
    assert_string_equal(first, "");
    assert_string_equal(third, "");
    assert_int_equal(out.number, 0);
    assert_int_equal(out.points[3].y, 0);
}

static KnResult too_much(void *server, const struct idl_context *context,
                         const struct echo_data_in *in, struct echo_data_out *out)
{
    (void)server;
    (void)context;
    (void)in;
    out->data_bytes = out->data_room + 1;
    return K_OK;
}

static KnResult positive(void *server, const struct idl_context *context,
                         const struct echo_data_in *in, struct echo_data_out *out)
{
    (void)server;
    (void)context;
    (void)in;
    (void)out;
    return 1;
}

/* A server that breaks the rules of its table is stopped, like one that fails an ASSERT. */
static void faults_of_a_server_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct echo_server_ops ops = echo_ops;
    struct idl_context context = {.is_request = true};
    uint8_t room[1];
    struct idl_message reply = {.body = (VmAddr)room, .body_room = sizeof(room)};

    assert_int_equal(call_data(fixture), K_OK);
    expect_assert_failure(
        echo_dispatch(&echo_ops, &fixture->server, &context, &fixture->wire->request, &reply));
    reply.body_room = ECHO_REPLY_BODY_MAX; /* none of it is touched */
    ops.data = too_much;
    expect_assert_failure(
        echo_dispatch(&ops, &fixture->server, &context, &fixture->wire->request, &reply));
    ops.data = positive;
    expect_assert_failure(
        echo_dispatch(&ops, &fixture->server, &context, &fixture->wire->request, &reply));
}

#define WITH_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WIRE(good_calls_are_good),
        WITH_WIRE(every_other_size_of_a_request_is_refused),
        WITH_WIRE(every_other_size_of_a_reply_is_refused),
        WITH_WIRE(request_beyond_a_limit_is_refused),
        WITH_WIRE(reply_beyond_the_room_is_refused),
        WITH_WIRE(request_too_large_for_the_buffer_is_refused),
        WITH_WIRE(mutated_requests_do_no_harm),
        WITH_WIRE(mutated_replies_do_no_harm),
        WITH_WIRE(request_header_is_checked),
        WITH_WIRE(reply_header_is_checked),
        WITH_WIRE(what_nobody_waits_for_is_not_done),
        WITH_WIRE(operation_that_a_server_lacks_is_not_there),
        WITH_WIRE(rights_are_asked_for_first),
        WITH_WIRE(failure_tells_nothing_else),
        WITH_WIRE(outputs_are_empty_at_first),
        WITH_WIRE(faults_of_a_server_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
