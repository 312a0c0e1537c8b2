/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: one table of options, from which words are read and the help is printed.
 */
#ifndef LAUNCHER_OPTIONS_H
#define LAUNCHER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verb {
    VERB_RUN = 1,
    VERB_SHELL = 2,
};

/* One --files: the folder outside, and where it goes inside (normalised). Both are owned. */
struct files_option {
    char *source;
    char *target;
};

/* Words that are not said to be owned are those of the command line. */
struct options {
    enum verb verb;
    uint64_t sites;
    uint64_t memory_mib;
    uint64_t on;
    const char *root;           /* NULL: the house's own */
    struct files_option *files; /* owned */
    size_t files_count;
    char *cwd;          /* normalised; owned; never NULL once read */
    const char *save;   /* NULL: nothing is saved */
    char **environment; /* NAME=VALUE, each NAME once; owned */
    size_t environment_count;
    const char *composition; /* the word of --system */
    const char *log;         /* NULL: the house's own */
    int64_t timeout_ns;      /* 0: none */
    bool kvm;
    bool icount;
    bool verbose;
    char *const *program; /* PROGRAM and its arguments, ended by NULL */
};

/* Reads the words after the verb, checks them against each other, and fills in what was not said.
 * False after one line about the word that is wrong. */
bool options_read(struct options *options, enum verb verb, char *const *words);
void options_drop(struct options *options);

/* The table of options, on standard output. */
void options_help(void);

#endif
