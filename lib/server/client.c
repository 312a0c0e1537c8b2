/* SPDX-License-Identifier: BSD-2-Clause */
/* How a generated client's requests travel by the Nucleus. */
#include "chorus/calls.h"
#include "idl/idl.h"

void idl_client_init(struct idl_client *client, const KnUniqueId *target, void *body,
                     uint32_t body_bytes)
{
    *client = (struct idl_client){.call = idl_call,
                                  .target = *target,
                                  .source = K_DEFAULTPORT,
                                  .delay_ns = K_NOTIMEOUT,
                                  .body = body,
                                  .body_bytes = body_bytes};
}

KnResult idl_call(const struct idl_client *client, const struct idl_message *request,
                  struct idl_message *reply)
{
    KnIpcDest destination = {client->target, client->co_target};
    KnMsgDesc asked = {.bodySize = request->body_bytes,
                       .bodyAddr = request->body,
                       .annexAddr = (VmAddr)request->annex};
    KnResult status;

    if (reply == NULL)
        return ipcSend(&asked, client->source, &destination);
    KnMsgDesc answered = {.flags = client->flags,
                          .bodySize = reply->body_room,
                          .bodyAddr = reply->body,
                          .annexAddr = (VmAddr)reply->annex};

    status = ipcCall(&asked, client->source, &destination, &answered, client->delay_ns);
    if (status < 0)
        return status;
    reply->body_bytes = (uint32_t)status;
    return K_OK;
}
