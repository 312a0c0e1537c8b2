/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The site's log. Verdicts of the guest cases go to standard output as they are and are counted;
 * the rest goes to standard error with its virtual time, if anybody asked for it or the site dies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/world.h"

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* The runner's last line must agree with what was seen, or a verdict was lost. */
static void count_compare(struct world *world, const char *line)
{
    uint64_t passed, failed;

    if (sscanf(line, "cases: %" SCNu64 " passed, %" SCNu64 " failed", &passed, &failed) == 2)
        world->counted = passed == world->passed && failed == world->failed;
}

static void line_end(struct world *world)
{
    const char *line = world->line;
    bool ok = starts(line, "ok "), not_ok = starts(line, "not ok ");

    world->line[world->line_bytes] = '\0';
    world->line_bytes = 0;
    world->passed += ok;
    world->failed += not_ok;
    if (starts(line, "cases: "))
        count_compare(world, line);
    if (ok || not_ok)
        printf("%s\n", line);
    else if (world->options->verbose || starts(line, "panic"))
        fprintf(stderr, "[%12.6f] %s\n", (double)world->now_ns / 1e9, line);
}

void sim_host_log(const char *text, size_t bytes)
{
    struct world *world = world_self();

    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n' || world->line_bytes == WORLD_LINE_BYTES - 1)
            line_end(world);
        if (text[i] != '\n')
            world->line[world->line_bytes++] = text[i];
    }
}

void log_flush(struct world *world)
{
    if (world->line_bytes > 0)
        line_end(world);
    fflush(stdout);
}
