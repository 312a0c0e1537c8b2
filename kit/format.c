/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounded formatting. A conversion is parsed into a struct spec, its argument into digits or text,
 * and both go out through put(), which alone knows the bounds. The interface stands in
 * kit/format.h.
 */
#include "kit/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "kit/base.h"
#include "kit/string.h"

#define DIGITS_LIMIT 20 /* of 2^64 - 1 in base 10 */

/* `length` counts all that was put; only what fits before the last byte of `buf` was written. */
struct output {
    char *buf;
    size_t n;
    size_t length;
};

struct arguments {
    va_list list;
};

enum size { SIZE_INT, SIZE_LONG, SIZE_LONG_LONG, SIZE_SIZE };

struct spec {
    bool left;
    bool zero;
    bool alternative; /* 0x */
    bool precise;     /* a precision is given */
    size_t width;
    size_t precision;
    enum size size;
};

static size_t room(const struct output *out)
{
    return out->length < out->n ? out->n - out->length - 1 : 0;
}

static void put(struct output *out, const char *text, size_t length)
{
    size_t written = MIN(length, room(out));

    if (written > 0)
        memcpy(out->buf + out->length, text, written);
    out->length += length;
}

static void put_repeated(struct output *out, char c, size_t count)
{
    size_t written = MIN(count, room(out));

    if (written > 0)
        memset(out->buf + out->length, c, written);
    out->length += count;
}

/* A field: prefix, zeros and text, padded with spaces to the width. */
static void put_field(struct output *out, const struct spec *spec, const char *prefix, size_t zeros,
                      const char *text, size_t length)
{
    size_t bare = strlen(prefix) + zeros + length;
    size_t padding = spec->width > bare ? spec->width - bare : 0;

    if (!spec->left)
        put_repeated(out, ' ', padding);
    put(out, prefix, strlen(prefix));
    put_repeated(out, '0', zeros);
    put(out, text, length);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

/* A number in base 10 or 16, `digit_of` naming the digits, with as many zeros as width or
 * precision ask for. */
static void put_number(struct output *out, const struct spec *spec, const char *prefix,
                       uint64_t value, unsigned int base, const char *digit_of)
{
    char digits[DIGITS_LIMIT];
    size_t first = DIGITS_LIMIT;
    size_t wanted = spec->precise ? spec->precision : 1;

    if (spec->zero && !spec->left && !spec->precise && spec->width > strlen(prefix))
        wanted = spec->width - strlen(prefix);
    for (; value != 0; value /= base)
        digits[--first] = digit_of[value % base];

    size_t length = DIGITS_LIMIT - first;

    put_field(out, spec, prefix, wanted > length ? wanted - length : 0, digits + first, length);
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_field(out, spec, "", 0, text,
              spec->precise ? strnlen(text, spec->precision) : strlen(text));
}

static int64_t signed_argument(const struct spec *spec, struct arguments *args)
{
    switch (spec->size) {
    case SIZE_LONG:
        return va_arg(args->list, long);
    case SIZE_LONG_LONG:
        return va_arg(args->list, long long);
    case SIZE_SIZE:
        return va_arg(args->list, ptrdiff_t);
    case SIZE_INT:
        break;
    }
    return va_arg(args->list, int);
}

static uint64_t unsigned_argument(const struct spec *spec, struct arguments *args)
{
    switch (spec->size) {
    case SIZE_LONG:
        return va_arg(args->list, unsigned long);
    case SIZE_LONG_LONG:
        return va_arg(args->list, unsigned long long);
    case SIZE_SIZE:
        return va_arg(args->list, size_t);
    case SIZE_INT:
        break;
    }
    return va_arg(args->list, unsigned int);
}

/* Puts the argument that conversion character `c` stands for; false: it is none of ours. */
static bool put_argument(struct output *out, const struct spec *spec, char c,
                         struct arguments *args)
{
    const char *lower = "0123456789abcdef";

    switch (c) {
    case 'd':
    case 'i': {
        int64_t value = signed_argument(spec, args);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        put_number(out, spec, value < 0 ? "-" : "", magnitude, 10, lower);
        return true;
    }
    case 'u':
        put_number(out, spec, "", unsigned_argument(spec, args), 10, lower);
        return true;
    case 'x':
    case 'X': {
        uint64_t value = unsigned_argument(spec, args);
        const char *prefix = c == 'x' ? "0x" : "0X";

        put_number(out, spec, spec->alternative && value != 0 ? prefix : "", value, 16,
                   c == 'x' ? lower : "0123456789ABCDEF");
        return true;
    }
    case 'p':
        put_number(out, spec, "0x", (uintptr_t)va_arg(args->list, void *), 16, lower);
        return true;
    case 'c': {
        char byte = (char)va_arg(args->list, int);

        put_field(out, spec, "", 0, &byte, 1);
        return true;
    }
    case 's':
        put_string(out, spec, va_arg(args->list, const char *));
        return true;
    default:
        return false;
    }
}

/* A width or precision: digits, or * for an int argument. Advances *fmt. */
static int parse_count(const char **fmt, struct arguments *args)
{
    int count = 0;

    if (**fmt == '*') {
        ++*fmt;
        return va_arg(args->list, int);
    }
    for (; **fmt >= '0' && **fmt <= '9'; ++*fmt)
        count = count > (INT_MAX - 9) / 10 ? INT_MAX : count * 10 + (**fmt - '0');
    return count;
}

static enum size parse_size(const char **fmt)
{
    if (**fmt == 'z') {
        ++*fmt;
        return SIZE_SIZE;
    }
    if (**fmt != 'l')
        return SIZE_INT;
    ++*fmt;
    if (**fmt != 'l')
        return SIZE_LONG;
    ++*fmt;
    return SIZE_LONG_LONG;
}

/* What stands between % and the conversion character. Advances *fmt. */
static struct spec parse_spec(const char **fmt, struct arguments *args)
{
    struct spec spec = {.size = SIZE_INT};

    for (;; ++*fmt) {
        if (**fmt == '-')
            spec.left = true;
        else if (**fmt == '0')
            spec.zero = true;
        else if (**fmt == '#')
            spec.alternative = true;
        else
            break;
    }

    int width = parse_count(fmt, args);

    if (width < 0) /* only from *; C has it mean the flag */
        spec.left = true;
    spec.width = width < 0 ? 0 - (unsigned int)width : (unsigned int)width;
    if (**fmt == '.') {
        ++*fmt;
        int precision = parse_count(fmt, args);

        spec.precise = precision >= 0; /* only from *; C has a negative one mean none */
        spec.precision = spec.precise ? (size_t)precision : 0;
    }
    spec.size = parse_size(fmt);
    return spec;
}

/* Puts one conversion, which starts with %; returns what follows it, or NULL where it is none of
 * ours. */
static const char *put_conversion(struct output *out, const char *fmt, struct arguments *args)
{
    fmt++;
    if (*fmt == '%') {
        put(out, fmt, 1);
        return fmt + 1;
    }

    struct spec spec = parse_spec(&fmt, args);

    return put_argument(out, &spec, *fmt, args) ? fmt + 1 : NULL;
}

int format_va(char *buf, size_t n, const char *fmt, va_list args)
{
    struct output out = {.buf = buf, .n = n};
    struct arguments arguments;
    const char *percent;

    va_copy(arguments.list, args);
    while ((percent = strchr(fmt, '%')) != NULL) {
        put(&out, fmt, (size_t)(percent - fmt));
        fmt = percent;

        const char *rest = put_conversion(&out, fmt, &arguments);

        if (rest == NULL)
            break;
        fmt = rest;
    }
    va_end(arguments.list);
    put(&out, fmt, strlen(fmt));
    if (n > 0)
        buf[MIN(out.length, n - 1)] = '\0';
    return (int)MIN(out.length, (size_t)INT_MAX);
}

int format(char *buf, size_t n, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = format_va(buf, n, fmt, args);

    va_end(args);
    return length;
}
