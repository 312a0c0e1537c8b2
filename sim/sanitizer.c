/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulator asks of AddressSanitizer; without its runtime these do nothing. */
#include "sim/world.h"

void __asan_poison_memory_region(const volatile void *memory, size_t bytes) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *memory, size_t bytes) __attribute__((weak));
void __sanitizer_print_stack_trace(void) __attribute__((weak));
const char *__asan_default_options(void);

/* Locals must be where a thread's stack is, since that is what an actor may name; what a site
 * held when it ended is not lost memory. */
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0:detect_leaks=0";
}

bool sanitizer_present(void)
{
    return __asan_poison_memory_region != NULL;
}

void sanitizer_backtrace(void)
{
    if (__sanitizer_print_stack_trace != NULL)
        __sanitizer_print_stack_trace();
}

void sim_host_poison(const void *memory, size_t bytes)
{
    if (__asan_poison_memory_region != NULL)
        __asan_poison_memory_region(memory, bytes);
}

void sim_host_unpoison(const void *memory, size_t bytes)
{
    if (__asan_unpoison_memory_region != NULL)
        __asan_unpoison_memory_region(memory, bytes);
}
