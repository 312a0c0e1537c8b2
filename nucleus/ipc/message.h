/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages. The annex travels inside, the body in frames chained by frame->link; a body is filled
 * from the sender's memory in pieces that survive restarts of the call, and emptied the same way.
 *
 * I1 body holds exactly the frames that body_bytes needs, or less while filled < body_bytes. A
 *    small body needs none.
 * I2 A message belongs to one of: a thread's draft, a port's queue, a thread's current or reply.
 */
#ifndef NUCLEUS_MESSAGE_H
#define NUCLEUS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"
#include "kit/list.h"
#include "nucleus/vm/frame.h"

struct transaction;

/* The largest body that travels inside the message, as the annex does: a path, a line of text. */
#define MESSAGE_SMALL_BYTES 256

struct message {
    struct list link;
    struct list body;
    uint32_t body_bytes;
    uint32_t body_pages; /* frames in body */
    uint32_t filled;     /* of the body, from the sender */
    uint32_t emptied;    /* of the body, to the receiver */
    bool is_request;
    bool reserved; /* from the mapper protocol's reserve */
    bool framed;   /* the body lies in frames, be it small: the pager takes or lends them */
    bool lent;     /* the body's frames are the pager's */
    KnUniqueId source, target, co_target;
    KnProtId actor_pi, port_pi;
    uint64_t sequence;
    /* of the RPC this requests; NULL: none, or nobody waits any more */
    struct transaction *transaction;
    uint8_t annex[K_CMSGANNEXSIZE];
    uint8_t small[MESSAGE_SMALL_BYTES]; /* a body that needs no frame */
};

/* Who sends it is for the sender to fill in, as far as anybody will ask, and so is the annex. NULL:
 * no memory. */
struct message *message_create(uint32_t body_bytes, bool reserved);
void message_free(struct message *message);

/* Frees the frames of the body, or gives them back. */
void message_empty_body(struct message *message);

/* As new, without a body so far. */
void message_reset(struct message *message, uint32_t body_bytes);

/* Takes lent frames out of the body. */
void message_strip(struct message *message);

/* Goes on copying the body in or out: K_OK when done, K_EFAULT, STATUS_FAULT, STATUS_MEMORY,
 * K_ENOMEM. */
KnResult message_fill(struct message *message, VmAddr from);
KnResult message_empty(struct message *message, VmAddr to, uint32_t room_bytes);

#endif
