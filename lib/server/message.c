/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers and strings of messages between generated clients and servers. Nothing here enters the
 * Nucleus.
 *
 * I1 What one message leaves behind is in no other: annexes are zeroed, a failed operation's reply
 *    holds nothing but its header.
 */
#include "idl/idl.h"

enum { REQUEST_PROTOCOL = 0, REQUEST_OPERATION = 2, REQUEST_VERSION = 4, REQUEST_FLAGS = 6 };
enum { REPLY_DIAG = 0, REPLY_PROTOCOL = 4, REPLY_OPERATION = 6 };

/* ---- Requests ------------------------------------------------------------------------------ */

void idl_request_begin(struct idl_message *request, struct idl_message *reply, uint16_t protocol,
                       uint16_t version, uint16_t operation)
{
    request->body = 0;
    request->body_bytes = request->body_room = 0;
    if (reply != NULL) {
        reply->body = 0;
        reply->body_bytes = reply->body_room = 0;
    }
    memset(request->annex, 0, sizeof(request->annex));
    le16_store(request->annex + REQUEST_PROTOCOL, protocol);
    le16_store(request->annex + REQUEST_OPERATION, operation);
    le16_store(request->annex + REQUEST_VERSION, version);
}

bool idl_client_place(const struct idl_client *client, uint32_t request_bytes, uint32_t reply_bytes,
                      struct idl_message *request, struct idl_message *reply)
{
    uint32_t reply_at = ALIGN_UP(request_bytes, 8);

    ASSERT(request_bytes <= K_CMSGBODYMAX && reply_bytes <= K_CMSGBODYMAX);
    if (client->body == NULL || reply_at + reply_bytes > client->body_bytes)
        return false;
    request->body = (VmAddr)client->body;
    request->body_bytes = request->body_room = request_bytes;
    reply->body = (VmAddr)client->body + reply_at;
    reply->body_room = reply_bytes;
    return true;
}

KnResult idl_request_check(const struct idl_protocol *protocol, struct idl_context *context,
                           const struct idl_message *request, struct idl_message *reply)
{
    ASSERT(reply->body_room >= protocol->reply_body_max);
    memset(reply->annex, 0, sizeof(reply->annex));
    reply->body_bytes = 0;
    context->operation = le16_load(request->annex + REQUEST_OPERATION);
    context->rights = 0;
    if (le16_load(request->annex + REQUEST_PROTOCOL) != protocol->id)
        return K_EINVAL;
    if (le16_load(request->annex + REQUEST_VERSION) != protocol->version ||
        le16_load(request->annex + REQUEST_FLAGS) != 0)
        return K_ENOTIMP;
    return request->body_bytes <= request->body_room ? K_OK : K_ETOOMUCH;
}

/* ---- Replies ------------------------------------------------------------------------------- */

KnResult idl_reply_finish(const struct idl_protocol *protocol, const struct idl_context *context,
                          KnResult status, struct idl_message *reply)
{
    ASSERT(status <= K_OK && status >= IDL_DIAG_MIN && status != -IDL_ERRNO_BASE);
    if (status != K_OK) {
        memset(reply->annex, 0, sizeof(reply->annex));
        reply->body_bytes = 0;
    }
    le32_store(reply->annex + REPLY_DIAG, (uint32_t)status);
    le16_store(reply->annex + REPLY_PROTOCOL, protocol->id);
    le16_store(reply->annex + REPLY_OPERATION, context->operation);
    return status;
}

KnResult idl_reply_check(const struct idl_message *reply, uint16_t protocol, uint16_t operation)
{
    int32_t diag = (int32_t)le32_load(reply->annex + REPLY_DIAG);

    if (le16_load(reply->annex + REPLY_PROTOCOL) != protocol ||
        le16_load(reply->annex + REPLY_OPERATION) != operation)
        return K_EINVAL;
    if (diag > K_OK || diag < IDL_DIAG_MIN || diag == -IDL_ERRNO_BASE)
        return K_EINVAL;
    return diag;
}

/* ---- Strings and bytes --------------------------------------------------------------------- */

uint32_t idl_string_bytes(const char *string, uint32_t limit)
{
    return string == NULL ? limit + 1 : (uint32_t)strnlen(string, (size_t)limit + 1);
}

bool idl_string_check(const void *from, uint32_t bytes)
{
    return memchr(from, 0, (size_t)bytes + 1) == (const uint8_t *)from + bytes;
}

uint32_t idl_put(uint8_t *body, uint32_t at, const void *from, uint32_t bytes)
{
    if (bytes > 0 && body + at != from)
        memmove(body + at, from, bytes);
    return at + bytes;
}
