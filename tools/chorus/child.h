/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that the launcher starts. None outlives it: the kernel kills them when it dies.
 */
#ifndef LAUNCHER_CHILD_H
#define LAUNCHER_CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct child {
    char *const *words; /* the program, found along PATH and the folders of system programs, and its
                           arguments; ended by NULL */
    int input;          /* its standard streams; each is copied */
    int output;
    int error;
    const int *kept; /* descriptors that keep their numbers; no other one is passed on */
    size_t kept_count;
};

/* Starts it in a session of its own, so that a terminal's signals do not reach it. -1 after one
 * line if it cannot be started. */
pid_t child_start(const struct child *child);

/* Waits for its end. The status is that of waitpid(). */
int child_wait(pid_t pid);

#endif
