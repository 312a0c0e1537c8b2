/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream that leaves the launcher: bytes wait here until standard output or error takes them.
 *
 * The room is exactly what a site may have sent without new credit, so a site that keeps to its
 * credit never overruns it, and one outlet that is stuck does not hold up another.
 */
#ifndef LAUNCHER_OUTLET_H
#define LAUNCHER_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/channel.h"

#define OUTLET_BYTES CHANNEL_OUT_CREDIT_INITIAL

enum outlet_way {
    OUTLET_PLAIN,  /* a plain file or the like: write() does not wait for anybody */
    OUTLET_OWN,    /* an open file of the launcher's own, which does not block */
    OUTLET_SOCKET, /* a socket: each call says that it must not block */
    OUTLET_SMALL,  /* none of these: written in pieces that fit when poll() says so */
};

struct outlet {
    int fd;       /* what is written to; not blocking, if the way says so */
    int original; /* the standard stream that it stands for */
    enum outlet_way way;
    size_t piece_bytes; /* most for one call */
    uint8_t bytes[OUTLET_BYTES];
    size_t head;
    size_t count;
    uint32_t credit_due; /* bytes gone out, for which the site has no credit back yet */
    int error;           /* why nothing can go out any more; 0: it can */
};

void outlet_create(struct outlet *outlet, int original);
void outlet_drop(struct outlet *outlet);

size_t outlet_room(const struct outlet *outlet);

/* Adds bytes, at most outlet_room(). After an error they are dropped. */
void outlet_add(struct outlet *outlet, const void *bytes, size_t length);

/* Writes as much as goes without waiting. */
void outlet_flush(struct outlet *outlet);

#endif
