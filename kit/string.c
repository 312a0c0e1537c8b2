/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and strings for freestanding programs, on any machine: a word at a time where both sides
 * are aligned alike, else a byte at a time. The mem* are weak, so that a machine's own may replace
 * them. Compiled with -fno-tree-loop-distribute-patterns, or the compiler would turn these loops
 * into calls of themselves.
 */
#include "kit/string.h"

#include <stdbool.h>
#include <stdint.h>

#include "kit/base.h"

/* May stand for any object, as a character may. */
typedef unsigned long word __attribute__((may_alias));

#define WORD_BYTES sizeof(word)

static bool aligned_alike(const void *a, const void *b)
{
    return IS_ALIGNED((uintptr_t)a ^ (uintptr_t)b, WORD_BYTES);
}

/* From the first byte up, so the source may overlap the end of the target, not its start. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t bytes)
{
    if (aligned_alike(to, from)) {
        for (; bytes > 0 && !IS_ALIGNED((uintptr_t)to, WORD_BYTES); bytes--)
            *to++ = *from++;
        for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES) {
            *(word *)(void *)to = *(const word *)(const void *)from;
            to += WORD_BYTES;
            from += WORD_BYTES;
        }
    }
    for (; bytes > 0; bytes--)
        *to++ = *from++;
}

/* From the last byte down, for a source that overlaps the start of the target. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t bytes)
{
    to += bytes;
    from += bytes;
    if (aligned_alike(to, from)) {
        for (; bytes > 0 && !IS_ALIGNED((uintptr_t)to, WORD_BYTES); bytes--)
            *--to = *--from;
        for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES) {
            to -= WORD_BYTES;
            from -= WORD_BYTES;
            *(word *)(void *)to = *(const word *)(const void *)from;
        }
    }
    for (; bytes > 0; bytes--)
        *--to = *--from;
}

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    copy_up(to, from, bytes);
    return to;
}

__attribute__((weak)) void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        copy_up(to, from, bytes);
    else
        copy_down(to, from, bytes);
    return to;
}

__attribute__((weak)) void *memset(void *to, int value, size_t bytes)
{
    uint8_t *byte = to;
    word filled = (word)-1 / UINT8_MAX * (uint8_t)value;

    for (; bytes > 0 && !IS_ALIGNED((uintptr_t)byte, WORD_BYTES); bytes--)
        *byte++ = (uint8_t)value;
    for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES) {
        *(word *)(void *)byte = filled;
        byte += WORD_BYTES;
    }
    for (; bytes > 0; bytes--)
        *byte++ = (uint8_t)value;
    return to;
}

__attribute__((weak)) int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;

    /* Skips equal words; the bytes of the first pair that differs are compared below. */
    if (IS_ALIGNED((uintptr_t)x | (uintptr_t)y, WORD_BYTES)) {
        while (bytes >= WORD_BYTES && *(const word *)a == *(const word *)b) {
            a = x += WORD_BYTES;
            b = y += WORD_BYTES;
            bytes -= WORD_BYTES;
        }
    }
    for (; bytes > 0; bytes--, x++, y++) {
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *from, int value, size_t bytes)
{
    const uint8_t *byte = from;

    for (; bytes > 0; bytes--, byte++) {
        if (*byte == (uint8_t)value)
            return (void *)byte;
    }
    return NULL;
}

size_t strlen(const char *string)
{
    const char *end = string;

    while (*end != '\0')
        end++;
    return (size_t)(end - string);
}

size_t strnlen(const char *string, size_t limit)
{
    size_t length = 0;

    while (length < limit && string[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0')
            return 0;
    }
    return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit > 0; limit--, a++, b++) {
        if (*a != *b)
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        if (*a == '\0')
            break;
    }
    return 0;
}

char *strchr(const char *string, int c)
{
    for (; *string != (char)c; string++) {
        if (*string == '\0')
            return NULL;
    }
    return (char *)string;
}

char *strrchr(const char *string, int c)
{
    const char *found = NULL;

    for (;; string++) {
        if (*string == (char)c)
            found = string;
        if (*string == '\0')
            return (char *)found;
    }
}
