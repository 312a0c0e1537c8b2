/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people. */
#ifndef CHORUS_LOG_H
#define CHORUS_LOG_H

#include <stdarg.h>

#include "chorus/types.h"

#define LOG_LINE_BYTES 256

/* Prints to the site's log, as kit/format.h says; what is longer than a line is cut off. Gives the
 * result of sysLog. */
KnResult log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
KnResult log_print_va(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* A sentence for a K_E* value, negative as calls return it. */
const char *strSysError(KnResult error);

#endif
