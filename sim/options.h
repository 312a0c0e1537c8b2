/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of chorus-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "sim/world.h"

/* Reads the words after the program's name. false: one was wrong, and a line on standard error
 * said which. */
bool options_read(struct world_options *options, int count, char **words);

#endif
