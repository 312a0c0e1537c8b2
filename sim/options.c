/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the command line; what it means is told in main.c. */
#include "sim/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB_LIMIT (UINT64_C(1) << 20)
#define DEFAULT_MEMORY "128@1"

static bool number_read(const char *text, char **end, uint64_t limit, uint64_t *number)
{
    errno = 0;
    *number = strtoull(text, end, 0);
    return errno == 0 && *end != text && *text != '-' && *number <= limit;
}

/* MIB@MIB[,MIB@MIB]...: sizes and bases of the ranges of memory, ascending. */
static bool memory_read(struct world_options *options, const char *text)
{
    options->memory_count = 0;
    while (options->memory_count < SIM_RANGES) {
        struct sim_range *range = &options->memory[options->memory_count];
        uint64_t size_mib, base_mib;
        char *end;

        if (!number_read(text, &end, MIB_LIMIT, &size_mib) || size_mib == 0 || *end != '@' ||
            !number_read(end + 1, &end, MIB_LIMIT, &base_mib))
            return false;
        *range = (struct sim_range){base_mib << 20, size_mib << 20};
        if (options->memory_count > 0 && range[-1].base + range[-1].bytes > range->base)
            return false;
        options->memory_count++;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        text = end + 1;
    }
    return false;
}

static bool whole_number_read(const char *text, uint64_t limit, uint64_t *number)
{
    char *end;

    return number_read(text, &end, limit, number) && *end == '\0';
}

/* The runner of the cases has a command line, which this goes to. */
static bool tell_runner(struct world_options *options, const char *key, const char *value)
{
    size_t used = strlen(options->command_line), room = sizeof(options->command_line) - used;
    int bytes = snprintf(options->command_line + used, room, "%s%s ", key, value);

    return bytes > 0 && (size_t)bytes < room;
}

/* An option with a value. */
static bool valued_read(struct world_options *options, const char *option, const char *value,
                        bool *known)
{
    uint64_t tick_ms = 0, ignored;

    *known = true;
    if (strcmp(option, "--case") == 0)
        return tell_runner(options, "case=", value);
    if (strcmp(option, "--short") == 0)
        return whole_number_read(value, UINT32_MAX, &ignored) &&
               tell_runner(options, "short=", value);
    if (strcmp(option, "--seed") == 0)
        return whole_number_read(value, UINT64_MAX, &options->seed);
    if (strcmp(option, "--memory") == 0)
        return memory_read(options, value);
    if (strcmp(option, "--tick-ms") == 0) {
        bool good = whole_number_read(value, 1000, &tick_ms);

        options->tick_ns = tick_ms * 1000000;
        return good;
    }
    if (strcmp(option, "--trace") == 0)
        options->trace_path = value;
    else if (strcmp(option, "--canary") == 0)
        options->canary = value;
    else
        *known = false;
    return *known;
}

bool options_read(struct world_options *options, int count, char **words)
{
    bool cases = false;

    *options = (struct world_options){.seed = 1, .boot_program = "runner"};
    memory_read(options, DEFAULT_MEMORY);
    for (int i = 0; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        bool known;

        if (strcmp(words[i], "--cases") == 0) {
            cases = true;
        } else if (strcmp(words[i], "--verbose") == 0 || strcmp(words[i], "-v") == 0) {
            options->verbose = true;
        } else if (value == NULL || !valued_read(options, words[i], value, &known)) {
            fprintf(stderr, "chorus-sim: %s %s: not understood\n", words[i],
                    value == NULL ? "" : value);
            return false;
        } else {
            i++;
        }
    }
    if (options->canary != NULL)
        options->boot_program = "canary";
    if (!cases && options->canary == NULL && options->command_line[0] == '\0') {
        fputs("usage: chorus-sim --cases | --case NAME | --canary NAME\n"
              "       [--short N] [--seed N] [--memory MIB@MIB[,MIB@MIB]...] [--tick-ms N]\n"
              "       [--trace FILE] [--verbose]\n",
              stderr);
        return false;
    }
    return true;
}
