/* SPDX-License-Identifier: BSD-2-Clause */
/* The rest of what a machine gives: a log, random numbers, an end. */
#ifndef MACHINE_SYSTEM_H
#define MACHINE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Writes to the site's log: no buffer, no allocation, usable at any time, also while panicking. */
void machine_log(const char *text, size_t bytes);

/* Hardware random bits, or the world's seeded ones in the simulator. */
uint64_t machine_random(void);

/* Ends the site. status 0: orderly; else the site died. */
_Noreturn void machine_end(int status);

/* A name for a code address and the offset in it, for a backtrace; NULL if unknown. */
const char *machine_symbol(uintptr_t address, uintptr_t *offset);

/* Busy work of `work_ns` by the machine's clock, one slice: at most 1 ms. */
void machine_work(uint64_t work_ns);

#endif
