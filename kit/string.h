/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and strings, with the names and meanings of ISO C (7.24): the compiler itself emits calls
 * to memcpy, memmove, memset and memcmp. kit/string.c defines them for freestanding programs; the
 * mem* there are weak, so a machine's quicker ones replace them. A hosted program takes the C
 * library's, which the sanitizers watch, and kit/strlcpy.c.
 */
#ifndef KIT_STRING_H
#define KIT_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *from, int value, size_t bytes);

size_t strlen(const char *string);
size_t strnlen(const char *string, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *string, int c);
char *strrchr(const char *string, int c);

/* Copy, or append, at most what fits in `bytes` bytes of `to`, and end it with NUL unless
 * `bytes` is 0 (strlcat: or `to` holds no NUL). They return the length that was wanted: a result
 * of `bytes` or more tells that something was cut off. */
size_t strlcpy(char *restrict to, const char *restrict from, size_t bytes);
size_t strlcat(char *restrict to, const char *restrict from, size_t bytes);

#endif
