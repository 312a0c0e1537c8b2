/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chorus-sim: the Nucleus and its actors in one process, on virtual time.
 *
 *   --cases         run all guest cases; --case NAME those whose name starts so: FILE or FILE.CASE
 *   --short N       run each with its first allocation failing, its second, and so on to the Nth
 *   --canary NAME   do something inside the Nucleus that the sanitizer must report
 *
 * Standard output has a line a case and a count; standard error the log, with --verbose. Status: 0
 * all passed, 1 something failed or the site died, 2 bad use.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sim/options.h"

/* The tally decides, not the site's own word: no case at all is a failure too. */
static int cases_conclude(const struct world *world, int status)
{
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", world->passed, world->failed);
    if (status != 0 && world->failed == 0)
        fprintf(stderr, "chorus-sim: the site died\n");
    if (status == 0 && !world->counted)
        fprintf(stderr, "chorus-sim: the runner's count is missing or differs\n");
    return status != 0 || !world->counted || world->failed > 0 || world->passed == 0;
}

int main(int count, char **words)
{
    struct world_options options;
    struct world world;
    int status;

    if (!options_read(&options, count - 1, words + 1))
        return 2;
    status = world_run(&world, &options);
    return options.canary != NULL ? status != 0 : cases_conclude(&world, status);
}
