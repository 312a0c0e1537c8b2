/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's part of the kit, for unit tests. The interface stands in tests/unit/support.h.
 */
#include "tests/unit/support.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>

#include "kit/assert.h"
#include "kit/poison.h"

void assert_fail(const char *expr, const char *file, int line)
{
    mock_assert(0, expr, file, line);
    abort();
}

void memory_poison(void *address, size_t bytes)
{
    ASAN_POISON_MEMORY_REGION(address, bytes);
}

void memory_unpoison(void *address, size_t bytes)
{
    ASAN_UNPOISON_MEMORY_REGION(address, bytes);
}
