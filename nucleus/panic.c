/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, and the end of a site that cannot go on: why, where, and what came before. */
#include <stdarg.h>

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "machine/system.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define LINE_BYTES 256
#define BACKTRACE_LIMIT 32
#define TRACE_TAIL 48

static void log_line(const char *text, va_list arguments)
{
    char line[LINE_BYTES];
    int length = format_va(line, sizeof(line), text, arguments);

    machine_log(line, MIN((size_t)length, sizeof(line) - 1));
}

void site_log(const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    log_line(text, arguments);
    va_end(arguments);
}

static void log_backtrace(void)
{
    uintptr_t address[BACKTRACE_LIMIT];
    size_t count = context_backtrace(address, BACKTRACE_LIMIT);

    for (size_t i = 0; i < count; i++) {
        uintptr_t offset = 0;
        const char *name = machine_symbol(address[i], &offset);

        site_log("panic:   %#lx %s+%#lx\n", (unsigned long)address[i], name != NULL ? name : "?",
                 (unsigned long)offset);
    }
}

static void log_trace(const struct trace *trace)
{
    uint64_t first = trace->next > TRACE_TAIL ? trace->next - TRACE_TAIL : 0;

    for (uint64_t i = first; i < trace->next; i++) {
        char line[LINE_BYTES];

        (void)trace_format(&trace->entry[i % TRACE_ENTRIES], line, sizeof(line));
        site_log("panic:   %s\n", line);
    }
}

void panic(const char *text, ...)
{
    struct site *site = site_self();
    va_list arguments;

    site_log("panic: ");
    va_start(arguments, text);
    log_line(text, arguments);
    va_end(arguments);
    site_log("\n");
    if (site->panicking)
        machine_end(1); /* the report itself failed */
    site->panicking = true;
    log_backtrace();
    log_trace(&site->trace);
    machine_end(1);
}

void assert_fail(const char *expression, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, expression);
}
