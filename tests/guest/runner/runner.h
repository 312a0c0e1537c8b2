/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the runner, and what its files do for each other.
 *
 *   main.c     programs, tables, verdicts
 *   run.c      one case: its actor, its end, what it left behind
 *   archive.c  the programs of cases in the system archive
 */
#ifndef TESTS_GUEST_RUNNER_H
#define TESTS_GUEST_RUNNER_H

#include "chorus/types.h"
#include "tests/guest/case.h"
#include "tests/guest/support/report.h"

#define NAME_BYTES 64
#define ENTRY_LIMIT 256

struct entry {
    uint32_t index;
    uint32_t privilege;
    char name[NAME_BYTES];
};

struct runner {
    KnBootInfo boot;
    char filter[NAME_BYTES];
    uint32_t failures; /* of allocations, one a run of each case; 0: cases run once, without */
    int32_t port;
    VmAddr archive;           /* in a region; not page-aligned */
    uint64_t archive_at;      /* offset of the next header */
    char program[NAME_BYTES]; /* the program at hand, without case/ */
    char label[NAME_BYTES];   /* as its verdicts call it */
    struct entry entry[ENTRY_LIMIT];
    uint32_t entry_count;
    uint32_t passed, failed;
};

/* Starts the program at hand in a new actor. */
KnResult case_start(struct runner *runner, uint32_t privilege, uintptr_t argument, KnCap *actor);

/* Runs a case; `failure` (GUEST_TEXT_BYTES) is empty if it passed. */
void case_run(struct runner *runner, const struct entry *entry, char *failure);

/* Runs a case again and again: with its first allocation failing, its second, and so on. */
void case_run_short(struct runner *runner, const struct entry *entry, char *failure);

KnResult report_receive(struct runner *runner, struct report *report, int64_t delay_ns);

KnResult archive_open(struct runner *runner);

/* Makes the next program of cases the one at hand; false: there is none. */
bool archive_next_program(struct runner *runner);

#endif
