/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to run, for the site: the member "launch" of the system archive, as channel.h describes it.
 */
#ifndef LAUNCHER_LAUNCH_H
#define LAUNCHER_LAUNCH_H

#include <stdbool.h>

#include "image.h"
#include "options.h"
#include "terminal.h"
#include "text.h"

/* What the three standard streams are outside. */
struct streams {
    bool terminal[3];
    bool same;                 /* output and error are one open file */
    struct terminal_size size; /* of the first that is a terminal */
};

void streams_look(struct streams *streams);

/* Writes the record. */
void launch_write(struct text *record, const struct options *options, const struct root *root,
                  const struct streams *streams);

#endif
