/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of generated clients and servers (tools/gen_idl.py) that talk as they should: what goes in
 * comes out, limits and rooms hold, and the bytes on the wire are those of golden messages.
 */
#include "tests/unit/idl_host.h"

#include "kit/random.h"

#define ROUNDS 2000

struct fixture {
    struct echo_server server;
    struct wire *wire;
    struct random random;
    char text[ECHO_TEXT_MAX + 2];
    char back[ECHO_TEXT_MAX + 2];
    uint8_t data[ECHO_DATA_MAX + 1];
    uint8_t data_back[ECHO_DATA_MAX + 1];
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

static void fill(struct fixture *fixture, void *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_next(&fixture->random);
}

static enum echo_colour any_colour(struct fixture *fixture)
{
    static const enum echo_colour colours[] = {ECHO_COLOUR_RED, ECHO_COLOUR_GREEN,
                                               ECHO_COLOUR_VIOLET};

    return colours[random_below(&fixture->random, ARRAY_SIZE(colours))];
}

/* A string of `bytes` bytes, or of any length up to that. */
static const char *any_text(struct fixture *fixture, char *to, size_t bytes, bool exactly)
{
    size_t length = exactly ? bytes : random_below(&fixture->random, bytes + 1);

    for (size_t i = 0; i < length; i++)
        to[i] = (char)(1 + random_below(&fixture->random, 255));
    to[length] = '\0';
    return to;
}

static struct echo_shape any_shape(struct fixture *fixture)
{
    struct echo_shape shape;

    fill(fixture, &shape, sizeof(shape));
    shape.colour = any_colour(fixture);
    return shape;
}

/* ---- Round trips --------------------------------------------------------------------------- */

static void every_type_comes_back(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < ROUNDS; i++) {
        struct echo_mirror_in in;
        struct echo_mirror_out out = {0};

        fill(fixture, &in, sizeof(in));
        in.colour = any_colour(fixture);
        assert_int_equal(echo_mirror(&fixture->wire->client, &in, &out), K_OK);
        assert_int_equal(out.small, in.small);
        assert_int_equal(out.middle, in.middle);
        assert_int_equal(out.large, in.large);
        assert_int_equal(out.huge, in.huge);
        assert_int_equal(out.debt, in.debt);
        assert_int_equal(out.loss, in.loss);
        assert_int_equal(out.colour, in.colour);
        assert_memory_equal(&out.object, &in.object, sizeof(in.object));
        assert_memory_equal(&out.port, &in.port, sizeof(in.port));
        assert_memory_equal(out.raw, in.raw, sizeof(in.raw));
    }
    assert_int_equal(fixture->server.calls, ROUNDS);
}

static void expect_text(struct fixture *fixture, uint32_t room)
{
    struct echo_text_in in = {.text = fixture->text};
    struct echo_text_out out = {.text = fixture->back, .text_room = room};
    KnResult status = echo_text(&fixture->wire->client, &in, &out);

    if (room <= strlen(fixture->text)) {
        assert_int_equal(status, K_ETOOMUCH);
        return;
    }
    assert_int_equal(status, K_OK);
    assert_int_equal(out.text_bytes, strlen(fixture->text));
    assert_string_equal(fixture->back, fixture->text);
}

static void strings_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < ROUNDS / 10; i++) {
        any_text(fixture, fixture->text, ECHO_TEXT_MAX, i == 0);
        expect_text(fixture, sizeof(fixture->back));
        expect_text(fixture, (uint32_t)(1 + random_below(&fixture->random, ECHO_TEXT_MAX)));
    }
    fixture->text[0] = '\0';
    expect_text(fixture, 1);
}

static void expect_data(struct fixture *fixture, uint32_t bytes, uint32_t room)
{
    struct echo_data_in in = {.data = fixture->data, .data_bytes = bytes};
    struct echo_data_out out = {.data = fixture->data_back, .data_room = room};

    fill(fixture, fixture->data, bytes);
    assert_int_equal(echo_data(&fixture->wire->client, &in, &out), K_OK);
    assert_int_equal(out.data_bytes, MIN(bytes, room));
    assert_memory_equal(fixture->data_back, fixture->data, out.data_bytes);
}

static void bytes_come_back(void **state)
{
    struct fixture *fixture = *state;

    expect_data(fixture, ECHO_DATA_MAX, ECHO_DATA_MAX);
    expect_data(fixture, ECHO_DATA_MAX, ECHO_DATA_MAX + 1); /* room beyond the limit is not asked */
    expect_data(fixture, ECHO_DATA_MAX, 0);
    expect_data(fixture, 0, ECHO_DATA_MAX);
    expect_data(fixture, 0, 0);
    for (int i = 0; i < 20; i++)
        expect_data(fixture, (uint32_t)random_below(&fixture->random, ECHO_DATA_MAX),
                    (uint32_t)random_below(&fixture->random, ECHO_DATA_MAX));
}

static void what_spills_comes_back(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < ROUNDS; i++) {
        struct echo_spill_in in = {.shape = any_shape(fixture), .other = any_shape(fixture)};
        struct echo_spill_out out = {0};

        fill(fixture, &in.object, sizeof(in.object));
        fill(fixture, &in.last, sizeof(in.last));
        assert_int_equal(echo_spill(&fixture->wire->client, &in, &out), K_OK);
        assert_memory_equal(&out.object, &in.object, sizeof(in.object));
        assert_int_equal(out.last, in.last);
        assert_memory_equal(out.shape.name, in.shape.name, sizeof(in.shape.name));
        assert_int_equal(out.shape.edges, in.shape.edges);
        assert_int_equal(out.shape.colour, in.shape.colour);
        assert_int_equal(out.shape.corner.x, in.shape.corner.x);
        assert_int_equal(out.shape.corner.y, in.shape.corner.y);
        assert_memory_equal(out.shape.weights, in.shape.weights, sizeof(in.shape.weights));
        assert_int_equal(out.other.corner.y, in.other.corner.y);
        assert_int_equal(out.other.weights[2], in.other.weights[2]);
    }
}

static void expect_mixed(struct fixture *fixture, bool largest)
{
    char first[ECHO_MIXED_IN_FIRST_MAX + 1], third[ECHO_MIXED_IN_THIRD_MAX + 1];
    char first_back[ECHO_MIXED_OUT_FIRST_MAX + 1], third_back[ECHO_MIXED_OUT_THIRD_MAX + 1];
    struct echo_mixed_in in = {.first = any_text(fixture, first, sizeof(first) - 1, largest),
                               .third = any_text(fixture, third, sizeof(third) - 1, largest),
                               .second = fixture->data,
                               .number = (uint32_t)random_next(&fixture->random)};
    struct echo_mixed_out out = {.first = first_back,
                                 .first_room = sizeof(first_back),
                                 .third = third_back,
                                 .third_room = sizeof(third_back),
                                 .second = fixture->data_back,
                                 .second_room = ECHO_DATA_MAX};

    in.second_bytes = largest ? ECHO_DATA_MAX : (uint32_t)random_below(&fixture->random, 999);
    fill(fixture, fixture->data, in.second_bytes);
    fill(fixture, in.points, sizeof(in.points));
    assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_OK);
    assert_string_equal(first_back, first);
    assert_string_equal(third_back, third);
    assert_int_equal(out.first_bytes, strlen(first));
    assert_int_equal(out.third_bytes, strlen(third));
    assert_int_equal(out.second_bytes, in.second_bytes);
    assert_memory_equal(fixture->data_back, fixture->data, in.second_bytes);
    assert_int_equal(out.number, in.number + 1);
    for (size_t i = 0; i < ARRAY_SIZE(in.points); i++) {
        assert_int_equal(out.points[i].x, in.points[i].x);
        assert_int_equal(out.points[i].y, in.points[i].y);
    }
}

static void several_strings_and_bytes_come_back(void **state)
{
    expect_mixed(*state, true);
    for (int i = 0; i < ROUNDS / 10; i++)
        expect_mixed(*state, false);
}

/* ---- The client's own limits --------------------------------------------------------------- */

static void too_much_is_refused_before_it_is_sent(void **state)
{
    struct fixture *fixture = *state;
    const struct idl_client *client = &fixture->wire->client;
    struct echo_text_in text = {.text = any_text(fixture, fixture->text, ECHO_TEXT_MAX + 1, true)};
    struct echo_text_out text_out = {.text = fixture->back, .text_room = sizeof(fixture->back)};
    struct echo_data_in data = {.data = fixture->data, .data_bytes = ECHO_DATA_MAX + 1};
    struct echo_data_out data_out = {.data = fixture->data_back, .data_room = 1};

    assert_int_equal(echo_text(client, &text, &text_out), K_ETOOMUCH);
    assert_int_equal(echo_data(client, &data, &data_out), K_ETOOMUCH);
    text.text = NULL;
    assert_int_equal(echo_text(client, &text, &text_out), K_ETOOMUCH);
    text.text = "";
    text_out.text_room = 0;
    assert_int_equal(echo_text(client, &text, &text_out), K_EINVAL);
    text_out = (struct echo_text_out){.text = NULL, .text_room = 1};
    assert_int_equal(echo_text(client, &text, &text_out), K_EINVAL);
    data.data_bytes = 1;
    data_out.data = NULL;
    assert_int_equal(echo_data(client, &data, &data_out), K_EINVAL);
    data = (struct echo_data_in){.data = NULL, .data_bytes = 1};
    data_out = (struct echo_data_out){0};
    assert_int_equal(echo_data(client, &data, &data_out), K_EINVAL);
    assert_int_equal(fixture->server.calls, 0);
}

static void small_body_of_a_client_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct echo_spill_in in = {.shape = any_shape(fixture), .other = any_shape(fixture)};
    struct echo_spill_out out = {0};

    fixture->wire->client.body_bytes = 64 + 32; /* what a request and its reply want */
    assert_int_equal(echo_spill(&fixture->wire->client, &in, &out), K_OK);
    fixture->wire->client.body_bytes--;
    assert_int_equal(echo_spill(&fixture->wire->client, &in, &out), K_ETOOMUCH);
    fixture->wire->client.body = NULL;
    assert_int_equal(echo_spill(&fixture->wire->client, &in, &out), K_ETOOMUCH);
    assert_int_equal(fixture->server.calls, 1);
}

/* ---- Results ------------------------------------------------------------------------------- */

static void results_travel_unchanged(void **state)
{
    struct fixture *fixture = *state;
    const KnResult results[] = {
        K_OK, K_EINVAL, K_ENOEXEC, -999, idl_errno(1), idl_errno(133), idl_errno(IDL_ERRNO_MAX)};

    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        struct echo_refuse_in in = {.diag = (int32_t)results[i]};

        assert_int_equal(echo_refuse(&fixture->wire->client, &in), results[i]);
    }
}

static void results_have_two_ranges(void **state)
{
    (void)state;
    assert_int_equal(idl_errno(2), -1002);
    assert_true(idl_is_errno(idl_errno(1)) && idl_is_errno(idl_errno(IDL_ERRNO_MAX)));
    assert_false(idl_is_errno(K_OK) || idl_is_errno(K_EINVAL) || idl_is_errno(-1000));
    assert_false(idl_is_errno(IDL_DIAG_MIN - 1));
    assert_int_equal(idl_unix(K_OK, 5), 0);
    assert_int_equal(idl_unix(idl_errno(2), 5), -2);
    assert_int_equal(idl_unix(K_ELOST, 5), -5);
    expect_assert_failure((void)idl_errno(0));
    expect_assert_failure((void)idl_errno(IDL_ERRNO_MAX + 1));
}

/* ---- Golden messages ----------------------------------------------------------------------- */

/* These bytes are what other sites send and expect: a change of them is a new version. */

static uint8_t hex_digit(char c)
{
    assert_true((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The bytes of hexadecimal text, where spaces mean nothing; returns how many. */
static size_t hex_read(const char *hex, uint8_t *bytes, size_t room)
{
    size_t count = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        assert_true(count < room);
        bytes[count++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
        hex++;
    }
    return count;
}

/* The rest of an annex is zeroes. */
static void expect_annex(const struct idl_message *message, const char *hex)
{
    uint8_t expected[K_CMSGANNEXSIZE] = {0};

    (void)hex_read(hex, expected, sizeof(expected));
    assert_memory_equal(message->annex, expected, sizeof(expected));
}

static void expect_body(const struct idl_message *message, const char *hex)
{
    uint8_t expected[256];

    assert_int_equal(hex_read(hex, expected, sizeof(expected)), message->body_bytes);
    assert_memory_equal((const void *)message->body, expected, message->body_bytes);
}

#define MIRRORED                                                               \
    " 01 00 0302 07060504 0f0e0d0c0b0a0908 feffffff 00000000 fdffffffffffffff" \
    " 07000000 00000000 1716151413121110 1800000000000000 1900000000000000"    \
    " 2000000000000000 2827262524232221 3031323334353637"

static void mirror_is_golden(void **state)
{
    struct fixture *fixture = *state;
    struct echo_mirror_in in = {.small = 0x01,
                                .middle = 0x0203,
                                .large = 0x04050607,
                                .huge = UINT64_C(0x08090a0b0c0d0e0f),
                                .debt = -2,
                                .loss = -3,
                                .colour = ECHO_COLOUR_VIOLET,
                                .object = {{UINT64_C(0x1011121314151617), 0x18}, 0x19},
                                .port = {0x20, UINT64_C(0x2122232425262728)},
                                .raw = {0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37}};
    struct echo_mirror_out out = {0};

    assert_int_equal(echo_mirror(&fixture->wire->client, &in, &out), K_OK);
    expect_annex(&fixture->wire->request, "1900 0100 0100 0000" MIRRORED);
    expect_annex(&fixture->wire->reply, "00000000 1900 0100" MIRRORED);
    expect_body(&fixture->wire->request, "");
    expect_body(&fixture->wire->reply, "");
}

static void text_is_golden(void **state)
{
    struct fixture *fixture = *state;
    struct echo_text_in in = {.text = "abc"};
    struct echo_text_out out = {.text = fixture->back, .text_room = 0x103};

    assert_int_equal(echo_text(&fixture->wire->client, &in, &out), K_OK);
    expect_annex(&fixture->wire->request, "1900 0200 0100 0000 03000000 02010000");
    expect_body(&fixture->wire->request, "616263 00");
    expect_annex(&fixture->wire->reply, "00000000 1900 0200 03000000");
    expect_body(&fixture->wire->reply, "616263 00");
}

#define CAP " 0100000000000000 0200000000000000 0300000000000000"
#define SHAPE                                              \
    " 000102030405060708090a0b0c0d0e0f 0300 0000 02000000" \
    " ffffffff 00000000 0002000000000000 010000000200000003000000 00000000"
#define OTHER                                              \
    " 00000000000000000000000000000000 0000 0000 01000000" \
    " 00000000 00000000 0000000000000000 000000000000000000000000 00000000"

/* A shape has 56 bytes: the second one does not fit the annex, and what comes after it does not
 * go back there. */
static void spill_is_golden(void **state)
{
    struct fixture *fixture = *state;
    struct echo_spill_in in = {.object = {{1, 2}, 3},
                               .shape = {.edges = 3,
                                         .colour = ECHO_COLOUR_GREEN,
                                         .corner = {-1, 512},
                                         .weights = {1, 2, 3}},
                               .other = {.colour = ECHO_COLOUR_RED},
                               .last = 9};
    struct echo_spill_out out = {0};

    for (uint8_t i = 0; i < ECHO_NAME_MAX; i++)
        in.shape.name[i] = i;
    assert_int_equal(echo_spill(&fixture->wire->client, &in, &out), K_OK);
    assert_int_equal(ECHO_SHAPE_BYTES, 56);
    expect_annex(&fixture->wire->request, "1900 0400 0100 0000" CAP SHAPE);
    expect_body(&fixture->wire->request, OTHER " 09 00000000000000");
    expect_annex(&fixture->wire->reply, "00000000 1900 0400" OTHER SHAPE);
    expect_body(&fixture->wire->reply, CAP " 09 00000000000000");
}

/* Six points of 16 bytes, zeroes but for the last one's y. */
#define ZEROES " 00000000000000000000000000000000"
#define POINTS ZEROES ZEROES ZEROES ZEROES ZEROES " 0000000000000000 5500000000000000"

static void mixed_is_golden(void **state)
{
    struct fixture *fixture = *state;
    char first[8], third[8];
    struct echo_mixed_in in = {.first = "ab",
                               .second = "\x01\x02\x03",
                               .second_bytes = 3,
                               .third = "",
                               .number = 0x0a0b,
                               .points = {[5] = {0, 0x55}}};
    struct echo_mixed_out out = {.first = first,
                                 .first_room = sizeof(first),
                                 .third = third,
                                 .third_room = sizeof(third),
                                 .second = fixture->data_back,
                                 .second_room = 16};

    assert_int_equal(echo_mixed(&fixture->wire->client, &in, &out), K_OK);
    expect_annex(&fixture->wire->request, "1900 0500 0100 0000 02000000 03000000 00000000"
                                          " 10000000 07000000 07000000 0b0a0000");
    expect_body(&fixture->wire->request, POINTS " 616200 010203 00");
    expect_annex(&fixture->wire->reply,
                 "00000000 1900 0500 03000000 02000000 00000000 00000000" POINTS);
    expect_body(&fixture->wire->reply, "0c0a0000 00000000 010203 616200 00");
}

/* A failure says nothing but that. */
static void failure_is_golden(void **state)
{
    struct fixture *fixture = *state;
    struct echo_refuse_in in = {.diag = (int32_t)idl_errno(2)};
    struct echo_note_in note = {.number = 0x01020304};

    assert_int_equal(echo_refuse(&fixture->wire->client, &in), idl_errno(2));
    expect_annex(&fixture->wire->request, "1900 0600 0100 0000 16fcffff");
    expect_annex(&fixture->wire->reply, "16fcffff 1900 0600");
    assert_int_equal(echo_note(&fixture->wire->client, &note), K_OK);
    assert_true(fixture->wire->one_way);
    expect_annex(&fixture->wire->request, "1900 0700 0100 0000 04030201");
    assert_int_equal(fixture->server.noted, 0x01020304);
}

#define WITH_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WIRE(every_type_comes_back),
        WITH_WIRE(strings_come_back),
        WITH_WIRE(bytes_come_back),
        WITH_WIRE(what_spills_comes_back),
        WITH_WIRE(several_strings_and_bytes_come_back),
        WITH_WIRE(too_much_is_refused_before_it_is_sent),
        WITH_WIRE(small_body_of_a_client_is_refused),
        WITH_WIRE(results_travel_unchanged),
        cmocka_unit_test(results_have_two_ranges),
        WITH_WIRE(mirror_is_golden),
        WITH_WIRE(text_is_golden),
        WITH_WIRE(spill_is_golden),
        WITH_WIRE(mixed_is_golden),
        WITH_WIRE(failure_is_golden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
