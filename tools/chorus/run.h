/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs run and shell: a domain for one PROGRAM. */
#ifndef LAUNCHER_RUN_H
#define LAUNCHER_RUN_H

#include "options.h"

/* Prepares, runs, and cleans up. Returns the launcher's exit status. */
int run_domain(const struct options *options);

#endif
