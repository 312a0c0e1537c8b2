/* SPDX-License-Identifier: BSD-2-Clause */
/* The black box: a ring of the last events of a site, a few instructions an entry, printed by a
 * panic and read with svTrace. */
#ifndef NUCLEUS_TRACE_H
#define NUCLEUS_TRACE_H

#include <stdint.h>

#include "chorus/types.h"

#define TRACE_ENTRIES 1024 /* a power of two */

enum trace_event {
    TRACE_CALL = 1,  /* number, first two words */
    TRACE_RETURN,    /* number, result */
    TRACE_SEND,      /* port, size */
    TRACE_RECEIVE,   /* port, size */
    TRACE_FAULT,     /* address, access */
    TRACE_SWITCH,    /* to lid */
    TRACE_INTERRUPT, /* source */
    TRACE_EXCEPTION, /* cause, address */
};

struct trace {
    uint64_t next; /* entries ever written */
    KnTraceEntry entry[TRACE_ENTRIES];
};

/* Entries carry no time of their own: reading the clock would cost more than the rest. */
static inline void trace_add(struct trace *trace, enum trace_event event, uint32_t thread,
                             uintptr_t a, uintptr_t b, uintptr_t c)
{
    KnTraceEntry *entry = &trace->entry[trace->next++ % TRACE_ENTRIES];

    entry->trEvent = (uint32_t)event;
    entry->trThread = thread;
    entry->trWord[0] = a;
    entry->trWord[1] = b;
    entry->trWord[2] = c;
}

/* One line of text for an entry. */
int trace_format(const KnTraceEntry *entry, char *line, size_t line_bytes);

#endif
