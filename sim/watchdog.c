/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watchdog: native code that makes no Nucleus call cannot be preempted, so it would stop the
 * world. It is measured in processor time, not by the clock on the wall: a busy host is no defect
 * of the code.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "sim/world.h"

#define PERIOD_US 250000
#define PERIODS 8

/* What the signal handler sees; it gets no argument of ours. */
static struct {
    struct world *world;
    uint64_t progress;
    unsigned periods;
} watch;

static void look(int signal_number)
{
    char line[256], text[320];
    int bytes;

    (void)signal_number;
    if (watch.progress != watch.world->progress) {
        watch.progress = watch.world->progress;
        watch.periods = 0;
        return;
    }
    if (++watch.periods < PERIODS)
        return;
    sim_describe(line, sizeof(line));
    bytes = snprintf(text, sizeof(text), "world: no Nucleus call for 2 s of processor time: %s\n",
                     line);
    if (bytes < 0 || write(STDERR_FILENO, text, (size_t)bytes) != bytes)
        _exit(2);
    _exit(1);
}

static void period_set(long period_us)
{
    struct itimerval period = {.it_interval = {0, period_us}, .it_value = {0, period_us}};

    if (setitimer(ITIMER_PROF, &period, NULL) != 0)
        perror("setitimer");
}

void watchdog_start(struct world *world)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};

    watch.world = world;
    watch.periods = 0;
    if (sigaction(SIGPROF, &action, NULL) != 0)
        perror("sigaction");
    period_set(PERIOD_US);
}

void watchdog_stop(void)
{
    period_set(0);
}
