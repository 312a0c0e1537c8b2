/* SPDX-License-Identifier: BSD-2-Clause */
/* system.h. A serial line for the log, the hardware's random source, a way to switch off. */
#include "machine/system.h"

void machine_log(const char *text, size_t bytes)
{
    (void)text;
    (void)bytes;
}

/* A port may not do this: names that can be guessed are no names. */
uint64_t machine_random(void)
{
    return 0;
}

void machine_end(int status)
{
    (void)status;
    __builtin_trap();
}

const char *machine_symbol(uintptr_t address, uintptr_t *offset)
{
    (void)address;
    (void)offset;
    return NULL;
}

/* Counts down a loop whose length was measured at the start. */
void machine_work(uint64_t work_ns)
{
    (void)work_ns;
}
