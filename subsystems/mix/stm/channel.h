/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's streams (chorus/channel.h). A stream that is a terminal outside is the console;
 * any other is a pipe whose other end is here. Two threads stand between them and the driver of the
 * channel: one sends what is in the pipes and the terminal's output ring, one takes what comes.
 *
 *   channel.c       start, opening, the program's beginning and end
 *   channel_send.c  from the streams to the launcher
 *   channel_take.c  from the launcher, or from the archive, to the streams
 *
 * I1 Output goes out no further than the launcher has given credit.
 * I2 Input is asked for when a process wants to read, no more than it wants: what is left belongs
 *    to whoever has the same input after us. A terminal's is asked for always.
 * I3 in_credit is what the launcher may still send; in_credit + in_wanted never exceeds the room.
 */
#ifndef STM_CHANNEL_H
#define STM_CHANNEL_H

#include "chorus/channel.h"
#include "idl/console.h"
#include "idl/stm.h"
#include "subsystems/mix/stm/launch.h"
#include "subsystems/mix/stm/pipe.h"

#define CHANNEL_PIPE_BYTES 16384u /* of each stream that is no terminal */
#define CHANNEL_OUTLETS 2u        /* standard output and error: channel streams 1 and 2 */

enum outlet_kind { OUTLET_NONE, OUTLET_PIPE, OUTLET_TERMINAL };

/* A stream out. */
struct outlet {
    enum outlet_kind kind;
    struct pipe *pipe;
    uint64_t credit;       /* bytes that the launcher takes yet */
    bool ended;            /* nobody takes any more */
    struct wait_link link; /* the sender's, among the readers of `pipe` */
};

struct channel {
    bool present;   /* there is a launcher that listens */
    bool finishing; /* the program has ended: a stopped terminal goes on */
    bool finished;  /* the last frame is next, or sent: nothing may follow it */
    bool sending;   /* a frame is on its way, which the last one may not pass */
    struct launch launch;
    struct idl_client console;

    struct outlet outlet[CHANNEL_OUTLETS];
    struct waiter sender; /* woken: there may be something to send */
    struct wait_queue drained;

    struct pipe *input; /* NULL: it is the terminal */
    bool input_ended;
    uint32_t in_credit;
    uint32_t in_wanted;                    /* to be asked for */
    struct wait_queue input_wanted;        /* the thread that reads the archive */
    uint64_t archive_offset, archive_left; /* of member "stdin" */
    uint8_t payload[CHANNEL_PAYLOAD_MAX];  /* of the frame that is being taken */
};

/* Learns from the archive which streams there are, and starts the thread that takes input. Without
 * a launch record (guest tests) or without boot there are none. */
KnResult channel_start(struct stm *stm);

/* Opens a stream of the launcher with call->opened[0]. -ENXIO: it has none. */
int channel_open(struct call *call, uint32_t which, bool *is_tty);

/* The program runs its first instruction next; it has ended, or could not run. Their frames. */
int channel_started(struct call *call);
int channel_finish(struct call *call, const struct stm_finish_in *in);

/* ---- Sending --------------------------------------------------------------------------------- */

/* Sends for ever. */
_Noreturn void channel_send_all(struct stm *stm);

/* There may be something to send. */
void channel_kick(struct stm *stm);

/* The launcher is gone, or its channel is out of order: all streams end. */
void channel_lose(struct stm *stm, KnResult why);

/* Nobody takes a stream's output any more; writers get `error`. */
void channel_outlet_end(struct stm *stm, uint32_t index, int error);

/* Whether nothing waits to go out. */
bool channel_is_drained(const struct stm *stm);

/* ---- Taking ---------------------------------------------------------------------------------- */

/* The thread that takes input. */
void channel_take_all(uintptr_t argument);

/* A process wants to read `bytes` of standard input. */
void channel_want(struct stm *stm, uint32_t bytes);

/* Operations of standard input where it is no terminal. */
extern const struct stream_operations input_operations;

#endif
