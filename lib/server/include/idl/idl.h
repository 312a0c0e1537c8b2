/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What generated clients and servers share (tools/gen_idl.py, idl/README.md).
 *
 * One number tells how an operation went, on the wire as in C:
 *
 *     K_OK                   it was done
 *     K_E*, -1 to -999       it was not: the Nucleus could not carry the message (K_EUNREACH,
 *                            K_ELOST, ...), one side found it malformed (K_EINVAL), the server does
 *                            not know the operation (K_ENOTIMP), or the operation itself says so
 *     idl_errno(number)      the operation failed with a UNIX error: -(1000 + number)
 *
 * The annex of a request begins with protocol, operation, version (16 bits each) and 16 zero bits;
 * that of a reply with the diag (32 bits), protocol and operation. All of the wire is
 * little-endian.
 */
#ifndef IDL_IDL_H
#define IDL_IDL_H

#include "chorus/types.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"

/* ---- Results ------------------------------------------------------------------------------- */

#define IDL_ERRNO_BASE 1000
#define IDL_ERRNO_MAX 999
#define IDL_DIAG_MIN (-(IDL_ERRNO_BASE + IDL_ERRNO_MAX))

/* The result that stands for a UNIX error, 1 to IDL_ERRNO_MAX. */
static inline KnResult idl_errno(int32_t number)
{
    ASSERT(number > 0 && number <= IDL_ERRNO_MAX);
    return -(KnResult)(IDL_ERRNO_BASE + number);
}

static inline bool idl_is_errno(KnResult status)
{
    return status < -IDL_ERRNO_BASE && status >= IDL_DIAG_MIN;
}

/* For callers that speak UNIX: 0, the negated error, or -otherwise for a K_E*. */
static inline int32_t idl_unix(KnResult status, int32_t otherwise)
{
    if (status == K_OK)
        return 0;
    return idl_is_errno(status) ? (int32_t)(status + IDL_ERRNO_BASE) : -otherwise;
}

/* ---- Messages ------------------------------------------------------------------------------ */

/* A message and the place of its body, which may be region memory where nobody here looks at it. */
struct idl_message {
    uint8_t annex[K_CMSGANNEXSIZE];
    VmAddr body;
    uint32_t body_bytes; /* received: what was sent, of which body_room bytes came */
    uint32_t body_room;  /* to receive */
};

/* ---- The client's side --------------------------------------------------------------------- */

/*
 * How to reach a server. Several threads may share one without a body; with it, each wants its own.
 * `body` is where requests are put together and replies taken apart, NAME_CLIENT_BODY_BYTES for any
 * operation of NAME, less for some; operations with at most one string or bytes in each direction,
 * and no fixed arguments in the body, need none.
 */
struct idl_client {
    /* Carries a request and waits for the reply; `reply` NULL: one-way. idl_call, or one that
     * calls a dispatcher on this site. */
    KnResult (*call)(const struct idl_client *client, const struct idl_message *request,
                     struct idl_message *reply);
    KnUniqueId target;
    KnUniqueId co_target; /* for targets in modes that need one */
    int32_t source;       /* the port of this actor that the server sees */
    uint32_t flags;       /* K_ABORTABLE or 0 */
    int64_t delay_ns;     /* how long to wait for the reply */
    void *body;
    uint32_t body_bytes;
};

/* A client of `target` by ipcCall from the default port, not abortable, waiting as long as it
 * takes. */
void idl_client_init(struct idl_client *client, const KnUniqueId *target, void *body,
                     uint32_t body_bytes);

/* Carries by ipcCall or ipcSend, whose errors it returns. */
KnResult idl_call(const struct idl_client *client, const struct idl_message *request,
                  struct idl_message *reply);

/* ---- The server's side --------------------------------------------------------------------- */

/* Who asks, as the Nucleus vouches for it, and for what. */
struct idl_context {
    KnUniqueId source; /* the sender's port */
    KnUniqueId target; /* the port or group it was sent to */
    KnProtId actor_id; /* the sender's actor */
    KnProtId port_id;  /* its port */
    int32_t li;        /* where it was received */
    bool is_request;   /* the sender waits for a reply */
    uint16_t operation;
    uint32_t rights; /* that the operation asks for: bits NAME_RIGHT_* */
};

struct idl_protocol {
    const char *name;
    uint16_t id;
    uint16_t version;
    uint32_t request_body_max;
    uint32_t reply_body_max;
    KnResult (*dispatch)(const void *ops, void *server, struct idl_context *context,
                         const struct idl_message *request, struct idl_message *reply);
};

/* A protocol, who answers it, and that one's state; made by NAME_service. */
struct idl_service {
    const struct idl_protocol *protocol;
    const void *ops;
    void *server;
};

/* ---- For generated code -------------------------------------------------------------------- */

/* Zeroes the annex and writes its header. Neither message has a body yet; `reply` NULL: one-way. */
void idl_request_begin(struct idl_message *request, struct idl_message *reply, uint16_t protocol,
                       uint16_t version, uint16_t operation);

/* Gives both messages their part of the client's body; false: it is too small. */
bool idl_client_place(const struct idl_client *client, uint32_t request_bytes, uint32_t reply_bytes,
                      struct idl_message *request, struct idl_message *reply);

/* The server's diag; K_EINVAL: no such reply. */
KnResult idl_reply_check(const struct idl_message *reply, uint16_t protocol, uint16_t operation);

/* Empties the reply, and reads the request's header into `context`. K_ETOOMUCH: the body did not
 * fit the buffer. K_EINVAL: of another protocol. K_ENOTIMP: of another version. */
KnResult idl_request_check(const struct idl_protocol *protocol, struct idl_context *context,
                           const struct idl_message *request, struct idl_message *reply);

/* Writes the reply's header, and empties the rest unless `status` is K_OK. Returns `status`. */
KnResult idl_reply_finish(const struct idl_protocol *protocol, const struct idl_context *context,
                          KnResult status, struct idl_message *reply);

/* The length of a string, or more than `limit` if it is NULL or longer than that. */
uint32_t idl_string_bytes(const char *string, uint32_t limit);

/* Whether `bytes` bytes and a NUL stand at `from`, and no other NUL. */
bool idl_string_check(const void *from, uint32_t bytes);

/* Copies to body + at, unless it is there already; returns where the copy ends. */
uint32_t idl_put(uint8_t *body, uint32_t at, const void *from, uint32_t bytes);

static inline void idl_ui_store(uint8_t *to, const KnUniqueId *from)
{
    le64_store(to, from->uiHead);
    le64_store(to + 8, from->uiTail);
}

static inline void idl_ui_load(const uint8_t *from, KnUniqueId *to)
{
    to->uiHead = le64_load(from);
    to->uiTail = le64_load(from + 8);
}

static inline void idl_cap_store(uint8_t *to, const KnCap *from)
{
    idl_ui_store(to, &from->ui);
    le64_store(to + 16, from->key);
}

static inline void idl_cap_load(const uint8_t *from, KnCap *to)
{
    idl_ui_load(from, &to->ui);
    to->key = le64_load(from + 16);
}

#endif
