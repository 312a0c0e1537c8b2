/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strlcpy and strlcat (OpenBSD 2.4, POSIX 2024), which not every host's C library has: linked
 * everywhere.
 */
#include "kit/base.h"
#include "kit/string.h"

size_t strlcpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strlen(from);

    if (bytes > 0) {
        size_t copied = MIN(length, bytes - 1);

        memcpy(to, from, copied);
        to[copied] = '\0';
    }
    return length;
}

size_t strlcat(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t length = strnlen(to, bytes);

    return length + strlcpy(to + length, from, bytes - length);
}
