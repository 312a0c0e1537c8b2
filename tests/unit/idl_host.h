/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of generated clients and servers share: idl/echo.idl's both sides in one program,
 * and a wire between them that a test may look at and damage. Bodies stand in memory of exactly
 * their size, so that ASan sees who reads beyond.
 */
#ifndef TESTS_UNIT_IDL_HOST_H
#define TESTS_UNIT_IDL_HOST_H

#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "idl/echo.h"

/* A program of tests/unit is linked with the kit alone. */
// NOLINTBEGIN(bugprone-suspicious-include)
#include "build/gen/idl/echo_client.c"
#include "build/gen/idl/echo_server.c"
#include "lib/server/message.c"
// NOLINTEND(bugprone-suspicious-include)

/* ---- The wire ------------------------------------------------------------------------------ */

struct wire {
    struct idl_client client;
    const struct echo_server_ops *ops;
    void *server;
    bool one_way;               /* the last message was sent, not called with */
    struct idl_message request; /* the last one, its body in memory of its own */
    struct idl_message reply;
    void (*damage)(struct wire *wire, struct idl_message *message);
    bool damages_replies; /* else requests */
    void *damage_data;
    uint8_t body[ECHO_CLIENT_BODY_BYTES];
};

static inline void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);

    if (memory == NULL)
        abort();
    return memory;
}

static inline void message_forget(struct idl_message *message)
{
    free((void *)message->body);
    message->body = 0;
}

/* A copy whose body is exactly as large as it must be. */
static inline void message_copy(struct idl_message *to, const struct idl_message *from)
{
    message_forget(to);
    *to = *from;
    to->body = (VmAddr)allocate(from->body_bytes);
    to->body_room = from->body_bytes;
    if (from->body_bytes > 0)
        memcpy((void *)to->body, (const void *)from->body, from->body_bytes);
}

/* Gives wire->request to the server; what it answers becomes wire->reply. */
static inline KnResult wire_serve(struct wire *wire, struct idl_context *context)
{
    uint8_t *room = allocate(ECHO_REPLY_BODY_MAX);
    struct idl_message reply = {.body = (VmAddr)room, .body_room = ECHO_REPLY_BODY_MAX};
    KnResult status;

    memset(room, 0xee, ECHO_REPLY_BODY_MAX);
    memset(reply.annex, 0xee, sizeof(reply.annex));
    status = echo_protocol.dispatch(wire->ops, wire->server, context, &wire->request, &reply);
    message_copy(&wire->reply, &reply);
    free(room);
    return status;
}

static inline KnResult wire_call(const struct idl_client *client, const struct idl_message *request,
                                 struct idl_message *reply)
{
    struct wire *wire = container_of((struct idl_client *)client, struct wire, client);
    struct idl_context context = {.is_request = reply != NULL};

    wire->one_way = reply == NULL;
    message_copy(&wire->request, request);
    if (wire->damage != NULL && !wire->damages_replies)
        wire->damage(wire, &wire->request);
    (void)wire_serve(wire, &context);
    if (reply == NULL)
        return K_OK;
    if (wire->damage != NULL && wire->damages_replies)
        wire->damage(wire, &wire->reply);
    memcpy(reply->annex, wire->reply.annex, sizeof(reply->annex));
    reply->body_bytes = wire->reply.body_bytes;
    if (reply->body != 0 && reply->body_bytes > 0)
        memcpy((void *)reply->body, (const void *)wire->reply.body,
               MIN(reply->body_bytes, reply->body_room));
    return K_OK;
}

static inline struct wire *wire_open(const struct echo_server_ops *ops, void *server)
{
    struct wire *wire = allocate(sizeof(*wire));

    *wire = (struct wire){.ops = ops, .server = server};
    memset(wire->body, 0xee, sizeof(wire->body)); /* what earlier calls left */
    wire->client = (struct idl_client){.call = wire_call,
                                       .body = wire->body,
                                       .body_bytes = sizeof(wire->body)};
    return wire;
}

static inline void wire_close(struct wire *wire)
{
    message_forget(&wire->request);
    message_forget(&wire->reply);
    free(wire);
}

/* ---- The server ---------------------------------------------------------------------------- */

/* Counts the operations that were reached, and checks what reaches them. */
struct echo_server {
    uint32_t calls;
    uint32_t rights; /* that permit was asked for last */
    KnResult permit; /* its answer */
    uint64_t noted;
};

/* Whoever takes a message apart must have refused all of these. */
static inline void string_expect(const char *string, uint32_t bytes, uint32_t limit)
{
    assert_true(bytes <= limit);
    assert_int_equal(strlen(string), bytes);
}

static inline void colour_expect(enum echo_colour colour)
{
    assert_true(colour == ECHO_COLOUR_RED || colour == ECHO_COLOUR_GREEN ||
                colour == ECHO_COLOUR_VIOLET);
}

static inline KnResult serve_permit(void *server, const struct idl_context *context)
{
    struct echo_server *echo = server;

    echo->rights = context->rights;
    return echo->permit;
}

static inline KnResult op_mirror(void *server, const struct idl_context *context,
                                 const struct echo_mirror_in *in, struct echo_mirror_out *out)
{
    ((struct echo_server *)server)->calls++;
    assert_int_equal(context->operation, ECHO_MIRROR);
    colour_expect(in->colour);
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

static inline KnResult op_text(void *server, const struct idl_context *context,
                               const struct echo_text_in *in, struct echo_text_out *out)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    string_expect(in->text, in->text_bytes, ECHO_TEXT_IN_TEXT_MAX);
    assert_true(out->text_room >= 1 && out->text_room <= ECHO_TEXT_OUT_TEXT_MAX + 1);
    memset(out->text, 'x', out->text_room);
    return strlcpy(out->text, in->text, out->text_room) < out->text_room ? K_OK : K_ETOOMUCH;
}

/* The answer stands in memory of the server's own: in the request. */
static inline KnResult op_data(void *server, const struct idl_context *context,
                               const struct echo_data_in *in, struct echo_data_out *out)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    assert_true(in->data_bytes <= ECHO_DATA_IN_DATA_MAX);
    assert_true(out->data_room <= ECHO_DATA_OUT_DATA_MAX);
    memset(out->data, 'x', out->data_room);
    out->data = (void *)in->data;
    out->data_bytes = MIN(in->data_bytes, out->data_room);
    return K_OK;
}

static inline KnResult op_spill(void *server, const struct idl_context *context,
                                const struct echo_spill_in *in, struct echo_spill_out *out)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    colour_expect(in->shape.colour);
    colour_expect(in->other.colour);
    out->object = in->object;
    out->shape = in->shape;
    out->other = in->other;
    out->last = in->last;
    return K_OK;
}

static inline KnResult op_mixed(void *server, const struct idl_context *context,
                                const struct echo_mixed_in *in, struct echo_mixed_out *out)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    string_expect(in->first, in->first_bytes, ECHO_MIXED_IN_FIRST_MAX);
    string_expect(in->third, in->third_bytes, ECHO_MIXED_IN_THIRD_MAX);
    assert_true(in->second_bytes <= ECHO_MIXED_IN_SECOND_MAX);
    assert_true(out->second_room <= ECHO_MIXED_OUT_SECOND_MAX);
    memset(out->second, 'x', out->second_room);
    memset(out->first, 'x', out->first_room);
    memset(out->third, 'x', out->third_room);
    if (out->first_room <= in->first_bytes || out->third_room <= in->third_bytes)
        return idl_errno(34);
    memcpy(out->first, in->first, in->first_bytes + 1);
    memcpy(out->third, in->third, in->third_bytes + 1);
    out->second_bytes = MIN(in->second_bytes, out->second_room);
    if (out->second_bytes > 0)
        memcpy(out->second, in->second, out->second_bytes);
    memcpy(out->points, in->points, sizeof(out->points));
    out->number = in->number + 1;
    return K_OK;
}

static inline KnResult op_refuse(void *server, const struct idl_context *context,
                                 const struct echo_refuse_in *in)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    return in->diag;
}

static inline KnResult op_note(void *server, const struct idl_context *context,
                               const struct echo_note_in *in)
{
    (void)context;
    ((struct echo_server *)server)->calls++;
    ((struct echo_server *)server)->noted += in->number;
    return K_OK;
}

static const struct echo_server_ops echo_ops = {
    .permit = serve_permit,
    .mirror = op_mirror,
    .text = op_text,
    .data = op_data,
    .spill = op_spill,
    .mixed = op_mixed,
    .refuse = op_refuse,
    .note = op_note,
};

#endif
