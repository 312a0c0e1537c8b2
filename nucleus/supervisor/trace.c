/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/supervisor/trace.h"

#include "kit/base.h"
#include "kit/format.h"
#include "machine/clock.h"
#include "nucleus/calls.h"

static const char *const event_names[] = {
    [TRACE_CALL] = "call",           [TRACE_RETURN] = "return",       [TRACE_SEND] = "send",
    [TRACE_RECEIVE] = "receive",     [TRACE_FAULT] = "fault",         [TRACE_SWITCH] = "switch",
    [TRACE_INTERRUPT] = "interrupt", [TRACE_EXCEPTION] = "exception",
};

static const char *call_name(uintptr_t number)
{
    return number < K_CALL_LIMIT && call_names[number] != NULL ? call_names[number] : "?";
}

int trace_format(const KnTraceEntry *entry, char *line, size_t line_bytes)
{
    const char *event =
        entry->trEvent < ARRAY_SIZE(event_names) ? event_names[entry->trEvent] : NULL;
    unsigned long a = entry->trWord[0], b = entry->trWord[1], c = entry->trWord[2];

    if (entry->trEvent == TRACE_CALL)
        return format(line, line_bytes, "%d call %s(%#lx, %#lx, ...)", (int)entry->trThread,
                      call_name(a), b, c);
    if (entry->trEvent == TRACE_RETURN)
        return format(line, line_bytes, "%d return %s = %ld", (int)entry->trThread, call_name(a),
                      (long)b);
    return format(line, line_bytes, "%d %s %#lx %#lx %#lx", (int)entry->trThread,
                  event != NULL ? event : "?", a, b, c);
}
