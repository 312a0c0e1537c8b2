/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a site boots from: the system archive as built, and what this run adds to it: the
 * composition, what to run, and, where they travel so, the root and standard input.
 */
#ifndef LAUNCHER_BUNDLE_H
#define LAUNCHER_BUNDLE_H

#include <stdbool.h>

#include "image.h"
#include "launch.h"
#include "options.h"
#include "text.h"

struct composition {
    struct text text;
    enum root_wish root; /* its line "root KIND" */
};

/* Finds and reads the word of --system: a file if it has a "/", else systems/NAME.conf. 0, or the
 * exit status after one line. */
int composition_read(struct composition *composition, const struct options *options);

/* Makes the archive in a file without a name; its descriptor, or -1 after one line. */
int bundle_make(const struct options *options, const struct composition *composition,
                const struct root *root, const struct streams *streams);

#endif
