/* SPDX-License-Identifier: BSD-2-Clause */
#include "chorus/log.h"

#include "chorus/calls.h"
#include "kit/format.h"

KnResult log_print_va(const char *format, va_list arguments)
{
    char line[LOG_LINE_BYTES];
    int bytes = format_va(line, sizeof(line), format, arguments);

    if (bytes < 0)
        return K_EINVAL;
    if (bytes >= (int)sizeof(line))
        bytes = (int)sizeof(line) - 1;
    return sysLog(line, (uint32_t)bytes);
}

KnResult log_print(const char *format, ...)
{
    va_list arguments;
    KnResult status;

    va_start(arguments, format);
    status = log_print_va(format, arguments);
    va_end(arguments);
    return status;
}
