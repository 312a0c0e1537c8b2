/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that grows, and memory that is there. See text.h.
 *
 * I1  bytes is NULL exactly if size is 0; else length < size and bytes[length] is NUL.
 */
#include "text.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static void *memory_check(void *memory)
{
    if (memory == NULL) {
        report("out of memory");
        exit(STATUS_NO_DOMAIN);
    }
    return memory;
}

static void text_reserve(struct text *text, size_t more)
{
    size_t size = text->size > 0 ? text->size : 64;

    while (size - text->length <= more) {
        assert(size <= SIZE_MAX / 2);
        size *= 2;
    }
    if (size != text->size) {
        text->bytes = memory_check(realloc(text->bytes, size));
        text->size = size;
    }
}

void text_add(struct text *text, const void *bytes, size_t length)
{
    text_reserve(text, length);
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_print_list(struct text *text, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    text_reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, list);
    text->length += (size_t)length;
}

void text_print(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_print_list(text, format, list);
    va_end(list);
}

void text_drop(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

char *text_format(const char *format, ...)
{
    struct text text = {0};
    va_list list;
    va_start(list, format);
    text_print_list(&text, format, list);
    va_end(list);
    return text.bytes;
}

void *memory_get(size_t count, size_t size)
{
    return memory_check(calloc(count > 0 ? count : 1, size));
}

void *memory_grow(void *array, size_t count, size_t size)
{
    /* A power of two is full: it was the room. */
    if ((count & (count - 1)) != 0)
        return array;
    size_t room = count > 0 ? count * 2 : 1;
    assert(room <= SIZE_MAX / 2 / size);
    return memory_check(realloc(array, room * size));
}
