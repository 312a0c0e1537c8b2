/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that grows: bytes of any value, always with a NUL byte after the last.
 *
 * The launcher's memory comes from here and from memory_get(), which end the program with one line
 * and status 125 when there is none: nothing that the launcher does could go on without.
 */
#ifndef LAUNCHER_TEXT_H
#define LAUNCHER_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct text {
    char *bytes; /* NULL until something is added; owned */
    size_t length;
    size_t size;
};

void text_add(struct text *text, const void *bytes, size_t length);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_print_list(struct text *text, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
void text_drop(struct text *text);

/* A string of its own, as printf makes it; to be freed. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory for `count` things of `size` bytes; to be freed. */
void *memory_get(size_t count, size_t size);

/* Makes room in an array for one thing more than the `count` it holds: returns the array, moved
 * where it had to be. Its room is the next power of two, so no size is kept. */
void *memory_grow(void *array, size_t count, size_t size);

#endif
