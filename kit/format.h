/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from a format, as printf understands it, within bounds. Known are
 *
 *      %s %c %d %i %u %x %X %p %%      with flags - 0 #, a width and a precision, as numbers or *
 *      l, ll and z                     before d, i, u, x, X
 *
 * %p prints 0x and hexadecimal digits; a NULL string prints (null). Anything else ends the
 * conversion: the format is copied from there as it stands, since nobody knows the argument's size.
 */
#ifndef KIT_FORMAT_H
#define KIT_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most n - 1 characters and a NUL (nothing if n is 0; then buf may be NULL). Returns
 * the length of the whole text: a result of n or more tells that it was cut off. */
int format(char *buf, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int format_va(char *buf, size_t n, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
