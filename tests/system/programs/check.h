/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs that compare a system with Linux have in common: a line for each thing that is not
 * as it is there, and how many. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <errno.h>
#include <stdio.h>

#define CHECK(condition) check(condition, #condition, __LINE__)
#define FAILS(call, error) CHECK((call) < 0 && errno == (error))

static int differences;

static void check(int holds, const char *text, int line)
{
    if (!holds)
        printf("%d: not so: %s (errno %d)\n", line, text, errno);
    differences += !holds;
    fflush(stdout); /* a child must not print it again */
}

#endif
