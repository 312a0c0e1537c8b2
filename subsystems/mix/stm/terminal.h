/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: the user's terminal outside, if there is one, as MiX' processes see it. Around the
 * line discipline (tty.h) it adds who may read and write, and who gets the signals: a terminal
 * belongs to a session, and one of the session's groups is in the foreground.
 *
 * I1 session 0: it is nobody's, and then there is no foreground group either.
 * I2 Once it has hung up it stays so: reads find the end, writes fail.
 */
#ifndef STM_TERMINAL_H
#define STM_TERMINAL_H

#include "idl/stm.h"
#include "subsystems/mix/stm/stream.h"
#include "subsystems/mix/stm/tty.h"

#define TERMINAL_CURRENT UINT32_MAX /* index of /dev/tty: that of the caller's session */

struct terminal {
    struct stream_object object;
    struct wait_queue drained; /* who waits until all output has gone out */
    bool present;              /* there is one outside */
    bool hung_up;
    uint32_t session;
    uint32_t foreground;
    struct tty tty;
};

void terminal_init(struct terminal *terminal);

/* Opens the terminal `index` with call->opened[0]. ENXIO. */
int terminal_open(struct call *call, const struct stm_tty_in *in);

/* A stream of it; NULL: the table is full. */
struct stream *terminal_stream(struct stm *stm);

/* A session's leader has ended: its terminal is free, and the foreground is told. */
void terminal_session_end(struct stm *stm, uint32_t session);

/* ---- For the channel ------------------------------------------------------------------------- */

void terminal_input(struct stm *stm, const uint8_t *bytes, uint32_t count);
void terminal_resize(struct stm *stm, const struct linux_winsize *window);
void terminal_hang_up(struct stm *stm);

/* Bytes have gone out. */
void terminal_sent(struct stm *stm);

/* ---- Between its parts ----------------------------------------------------------------------- */

/* Whether the caller is of the terminal's session. */
bool terminal_is_callers(const struct terminal *terminal, const struct stm_who *who);

/* 0: the caller may; -EINTR or -EIO: it is in the background, and was signalled or cannot be. */
int terminal_check(struct call *call, const struct stm_who *who, uint32_t signal);

/* Signals the foreground group, if there is one. */
void terminal_signal(struct stm *stm, uint32_t signal);

int terminal_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
                   struct stm_ioctl_out *out);

#endif
