/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher: ./chorus boots a domain, runs a program in it, and ends with the program's status.
 *
 *   main     verbs                     session         the loop while the machine runs
 *   options  the command line          session_frames  what frames of the channel do
 *   run      one run, start to end     channel         frames out of bytes
 *   bundle   the system archive        inlet, outlet   standard streams
 *   image    the root                  terminal        raw mode and its guardian
 *   tree     folders laid together     log             the log's lines
 *   archive  cpio     ext2  images     emulator        QEMU's command line
 *   launch   what to run               child           programs that die with the launcher
 *
 * It has one thread and no state but what run_domain() holds.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "run.h"

#define VERSION "0.1"

static int help_print(void)
{
    printf("usage: ./chorus run [OPTIONS] [--] PROGRAM [ARG]...\n"
           "                                 boot a domain, run PROGRAM, exit with its status\n"
           "       ./chorus shell [OPTIONS]  the same with /bin/sh\n"
           "       ./chorus sim ...          the simulator (not there yet)\n"
           "       ./chorus help | version\n"
           "options:\n");
    options_help();
    printf(
        "On a terminal, Ctrl-] twice ends the domain. Exit status: PROGRAM's; 128 + N if signal N\n"
        "killed it; 2 bad use; 124 time-out; 125 no domain; 126 not executable; 127 not found.\n");
    return fflush(stdout) == 0 ? 0 : STATUS_LOST_OUTPUT;
}

static int version_print(void)
{
    printf("Chorus %s\n", VERSION);
    return fflush(stdout) == 0 ? 0 : STATUS_LOST_OUTPUT;
}

static int domain_run(enum verb verb, char *const *words)
{
    struct options options;
    int status = STATUS_BAD_USE;

    if (options_read(&options, verb, words))
        status = run_domain(&options);
    options_drop(&options);
    return status;
}

/* A standard stream that is closed gets a descriptor that fails in the same way, so that no pipe of
 * the launcher's own takes its number. */
static bool streams_complete(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

int main(int count, char **words)
{
    if (!streams_complete())
        return STATUS_NO_DOMAIN;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    const char *verb = count > 1 ? words[1] : "";
    char *const *rest = words + (count > 1 ? 2 : 1);
    if (strcmp(verb, "run") == 0)
        return domain_run(VERB_RUN, rest);
    if (strcmp(verb, "shell") == 0)
        return domain_run(VERB_SHELL, rest);
    if (strcmp(verb, "sim") == 0)
        report("sim: not there yet");
    else if (strcmp(verb, "help") == 0 || strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return help_print();
    else if (strcmp(verb, "version") == 0 || strcmp(verb, "--version") == 0)
        return version_print();
    else if (verb[0] == '\0')
        report("no command was given; see ./chorus help");
    else
        report("unknown command '%s'; see ./chorus help", verb);
    return STATUS_BAD_USE;
}
