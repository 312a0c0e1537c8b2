/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run, from the start of the machine to its end: one loop around poll() that moves bytes between
 * the user's streams and the site, and watches time, signals and the machine.
 */
#ifndef LAUNCHER_SESSION_H
#define LAUNCHER_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "emulator.h"
#include "image.h"
#include "inlet.h"
#include "launch.h"
#include "log.h"
#include "options.h"
#include "outlet.h"
#include "terminal.h"

/* Why a session comes to its end. */
enum session_end {
    END_NONE,    /* it does not: PROGRAM runs, or is about to */
    END_PROGRAM, /* PROGRAM ended */
    END_FAIL,    /* the site says that PROGRAM cannot run */
    END_TIMEOUT, /* --timeout */
    END_USER,    /* a signal to the launcher, or the escape */
    END_DIED,    /* the site broke off, or broke the protocol */
};

struct session {
    const struct options *options;
    const struct root *root;
    struct log *log;
    struct terminal terminal;
    struct emulator emulator;
    struct channel channel;
    struct inlet inlet;
    struct outlet outlets[2]; /* of streams 1 and 2 */
    struct outlet copy;       /* of -v */

    int signals;              /* a signalfd */
    int64_t interrupt_ns;     /* when the last SIGINT came; 0: none */
    uint32_t pending_signals; /* bit N - 1: signal N has to be told to the site */
    bool pending_window;
    bool pending_halt;
    bool told_end[2]; /* the site knows that an outlet is closed */

    enum session_end end;
    int status; /* what the launcher exits with, by end */
    char why[LOG_WHY_BYTES];
    bool started; /* PROGRAM ran its first instruction */
    uint64_t start_instructions;
    uint64_t end_instructions;

    int64_t timeout_ns; /* when --timeout is over; 0: never */
    int64_t kill_ns;    /* when the machine is ended by force; 0: never */
    int64_t abandon_ns; /* when output that nobody takes is given up; 0: never */
    bool abandoned;     /* it was */
    int kills;          /* how often force was used */
    bool gone;          /* the machine ended */
    int machine_status; /* then, as waitpid() gives it */
    bool log_ended;
    bool complaints_ended;
};

/* Prepares the streams and signals, and takes over what the run of a domain needs. */
void session_create(struct session *session, const struct options *options, const struct root *root,
                    struct log *log, const struct streams *streams, int64_t start_ns);

/* Starts the machine. False after one line. */
bool session_start(struct session *session, int archive);

/* Runs until the machine has ended and all output is out; then the end and the status are set. */
void session_loop(struct session *session);

/* Whether the site ended its machine in order, with its disks written back. */
bool session_is_orderly(const struct session *session);

void session_drop(struct session *session);

#endif
