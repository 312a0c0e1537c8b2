/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions. ASSERT stays on in every build; STATIC_ASSERT is for the compiler. The program says
 * what a failure means: the Nucleus panics, a server ends its actor, a unit test fails.
 */
#ifndef KIT_ASSERT_H
#define KIT_ASSERT_H

/* Defined once by each program. */
void assert_fail(const char *expr, const char *file, int line) __attribute__((noreturn, cold));

#define ASSERT(cond) \
    (__builtin_expect(!!(cond), 1) ? (void)0 : assert_fail(#cond, __FILE__, __LINE__))

#define STATIC_ASSERT(c, msg) _Static_assert(c, msg)

#endif
