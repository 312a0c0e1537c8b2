/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input, on its way to PROGRAM.
 *
 * It is read only as far as the site gave credit. A terminal is always read, for the escape that
 * ends the domain (Ctrl-] twice within a second) must be seen; what it gives beyond the credit
 * waits here, and beyond that is dropped, as by any terminal.
 */
#ifndef LAUNCHER_INLET_H
#define LAUNCHER_INLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/channel.h"

struct inlet {
    bool terminal;
    bool ended;        /* end of file, or an error */
    bool end_is_told;  /* the site knows */
    bool escaped;      /* the user asked for the domain's end */
    int error;         /* of reading; 0: none */
    uint64_t credit;   /* bytes that the site still takes */
    int64_t escape_ns; /* when the last byte was the escape's; 0: it was not */
    uint8_t bytes[CHANNEL_PAYLOAD_MAX];
    size_t count; /* read, not yet sent */
};

void inlet_create(struct inlet *inlet, bool terminal);

/* Whether it wants to be read when there is something. */
bool inlet_wants(const struct inlet *inlet);

/* Reads once; poll() said that it would not wait. */
void inlet_read(struct inlet *inlet, int64_t now_ns);

/* How many bytes can be sent in a frame now; and that they were. */
size_t inlet_ready(const struct inlet *inlet);
void inlet_sent(struct inlet *inlet, size_t count);

#endif
