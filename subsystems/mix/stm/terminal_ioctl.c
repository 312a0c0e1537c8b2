/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs ask of a terminal beside reading and writing. A request that changes the terminal
 * is for the foreground: from the background it raises SIGTTOU. See terminal.h.
 */
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"
#include "subsystems/mix/stm/terminal.h"

STATIC_ASSERT(sizeof(struct linux_termios) <= CALL_ANSWER_BYTES, "an answer has room");

static int answer(struct call *call, struct stm_ioctl_out *out, const void *from, uint32_t bytes)
{
    if (out->output_room < bytes)
        return -EINVAL;
    memcpy(call->answer, from, bytes);
    out->output = call->answer;
    out->output_bytes = bytes;
    return 0;
}

static int answer_number(struct call *call, struct stm_ioctl_out *out, uint32_t number)
{
    uint8_t bytes[4];

    le32_store(bytes, number);
    return answer(call, out, bytes, sizeof(bytes));
}

/* Waits until all output has gone out. */
static int drain(struct call *call)
{
    struct terminal *terminal = &call->stm->terminal;
    int status = 0;

    while (status == 0 && !terminal->hung_up && tty_output_bytes(&terminal->tty) > 0)
        status = call_wait(call, &terminal->drained, 0);
    return status;
}

/* Who waits may not have to any more. */
static void look_again(struct stm *stm)
{
    struct terminal *terminal = &stm->terminal;

    channel_kick(stm);
    wait_queue_wake_all(&terminal->object.readers);
    wait_queue_wake_all(&terminal->object.writers);
    stream_changed(&terminal->object, POLLIN | POLLOUT);
    if (tty_output_bytes(&terminal->tty) == 0)
        wait_queue_wake_all(&terminal->drained);
}

/* ---- Settings -------------------------------------------------------------------------------- */

static int termios_set(struct call *call, const struct stm_ioctl_in *in)
{
    struct tty *tty = &call->stm->terminal.tty;
    struct linux_termios termios;
    int status = 0;

    if (in->input_bytes < sizeof(termios))
        return -EINVAL;
    if (in->request != TCSETS)
        status = drain(call);
    if (status != 0)
        return status;
    memcpy(&termios, in->input, sizeof(termios));
    if (in->request == TCSETSF)
        tty_input_flush(tty);
    tty_termios_set(tty, &termios);
    look_again(call->stm);
    return 0;
}

static int window_set(struct call *call, const struct stm_ioctl_in *in)
{
    struct linux_winsize window;

    if (in->input_bytes < sizeof(window))
        return -EINVAL;
    memcpy(&window, in->input, sizeof(window));
    terminal_resize(call->stm, &window);
    return 0;
}

static int flush(struct call *call, uint64_t what)
{
    struct tty *tty = &call->stm->terminal.tty;

    if (what > TCIOFLUSH)
        return -EINVAL;
    if (what != TCOFLUSH)
        tty_input_flush(tty);
    if (what != TCIFLUSH)
        tty_output_flush(tty);
    look_again(call->stm);
    return 0;
}

/* TCIOFF and TCION tell the other side, by the characters that it would use. */
static int flow(struct call *call, uint64_t what)
{
    struct tty *tty = &call->stm->terminal.tty;
    uint8_t told = tty->termios.cc[what == TCIOFF ? VSTOP : VSTART];

    if (what > TCION)
        return -EINVAL;
    if (what == TCOOFF || what == TCOON)
        tty_hold(tty, what == TCOOFF);
    else if (told != 0)
        tty_put(tty, told);
    look_again(call->stm);
    return 0;
}

/* ---- Sessions and groups --------------------------------------------------------------------- */

static int session_take(struct terminal *terminal, const struct stm_who *who)
{
    if (terminal_is_callers(terminal, who))
        return 0;
    if (who->session != who->pid || terminal->session != 0)
        return -EPERM;
    terminal->session = who->session;
    terminal->foreground = who->group;
    return 0;
}

/* Only a leader gives the terminal up for its whole session. */
static int session_leave(struct stm *stm, const struct stm_who *who)
{
    if (!terminal_is_callers(&stm->terminal, who))
        return -ENOTTY;
    if (who->session == who->pid)
        terminal_session_end(stm, who->session);
    return 0;
}

/* That the group is one of the session, the Process Manager has seen to. */
static int foreground_set(struct terminal *terminal, const struct stm_ioctl_in *in)
{
    uint32_t group;

    if (in->input_bytes < sizeof(group))
        return -EINVAL;
    group = le32_load(in->input);
    if (!terminal_is_callers(terminal, &in->who))
        return -ENOTTY;
    if (group == 0 || group > INT32_MAX)
        return -EINVAL;
    terminal->foreground = group;
    return 0;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Requests that change nothing. */
static int request_look(struct call *call, const struct stm_ioctl_in *in, struct stm_ioctl_out *out)
{
    struct terminal *terminal = &call->stm->terminal;
    struct tty *tty = &terminal->tty;

    switch (in->request) {
    case TCGETS:
        return answer(call, out, &tty->termios, sizeof(tty->termios));
    case TIOCGWINSZ:
        return answer(call, out, &tty->window, sizeof(tty->window));
    case FIONREAD:
        return answer_number(call, out, tty_readable_bytes(tty));
    case TIOCOUTQ:
        return answer_number(call, out, tty_output_bytes(tty));
    case TIOCGPGRP:
    case TIOCGSID:
        if (!terminal_is_callers(terminal, &in->who))
            return -ENOTTY;
        return answer_number(call, out,
                             in->request == TIOCGSID ? terminal->session : terminal->foreground);
    default:
        return -ENOTTY;
    }
}

/* Requests for the foreground alone. */
static int request_change(struct call *call, const struct stm_ioctl_in *in)
{
    int status = terminal_check(call, &in->who, SIGTTOU);

    if (status != 0)
        return status;
    switch (in->request) {
    case TIOCSPGRP:
        return foreground_set(&call->stm->terminal, in);
    case TCFLSH:
        return flush(call, in->value);
    case TCXONC:
        return flow(call, in->value);
    case TCSBRK:
        return drain(call); /* there is no line that a break could be sent on */
    default:
        return termios_set(call, in);
    }
}

int terminal_ioctl(struct call *call, struct stream *stream, const struct stm_ioctl_in *in,
                   struct stm_ioctl_out *out)
{
    struct terminal *terminal = &call->stm->terminal;

    (void)stream;
    if (terminal->hung_up)
        return -EIO;
    switch (in->request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TIOCSPGRP:
    case TCFLSH:
    case TCXONC:
    case TCSBRK:
        return request_change(call, in);
    case TIOCSWINSZ:
        return window_set(call, in);
    case TIOCSCTTY:
        return session_take(terminal, &in->who);
    case TIOCNOTTY:
        return session_leave(call->stm, &in->who);
    default:
        return request_look(call, in, out);
    }
}
