/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest program says to the runner, in the annex of messages to the runner's port, and what
 * the runner says to it, in the argument of its first thread.
 */
#ifndef TESTS_GUEST_SUPPORT_REPORT_H
#define TESTS_GUEST_SUPPORT_REPORT_H

#include "chorus/types.h"

/* The runner's port: declared with this stamp, so that programs need not be told. */
#define REPORT_STAMP UINT64_C(0x72756e6e6572)

#define REPORT_TEXT_BYTES 104

enum report_kind {
    REPORT_ENTRY = 1, /* an entry of the table; the text is its name */
    REPORT_TABLE_END, /* no more entries; the text is the file's name, as in verdicts */
    REPORT_DONE,      /* the case has ended; the text is its first failure, or empty */
    REPORT_HELPER,    /* a helper has failed; the text says how */
};

struct report {
    uint32_t kind;
    uint32_t index; /* REPORT_ENTRY */
    uint32_t privilege;
    uint32_t failures; /* REPORT_DONE */
    char text[REPORT_TEXT_BYTES];
};

_Static_assert(sizeof(struct report) == K_CMSGANNEXSIZE, "a report fills the annex");

/* The argument: what to do in the low 16 bits, a helper's own argument above. */
#define ARGUMENT_TABLE 0u /* report the table; else run entry number value - 1 */
#define ARGUMENT_SHIFT 16

#endif
