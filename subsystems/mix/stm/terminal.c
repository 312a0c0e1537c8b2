/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: reading, writing, job control, and what comes from outside. See terminal.h. */
#include "subsystems/mix/stm/terminal.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

#define CONSOLE_RDEV UINT64_C(0x501) /* major 5, minor 1: /dev/console */
#define DECISECOND_NS UINT64_C(100000000)
#define WRITE_PIECE_BYTES 4096u /* that a write takes at a time: less than the output ring has */

STATIC_ASSERT(TTY_INPUT_BYTES <= SCRATCH_BYTES, "a read's data has room");

void terminal_init(struct terminal *terminal)
{
    stream_object_init(&terminal->object);
    wait_queue_init(&terminal->drained);
    tty_init(&terminal->tty);
}

/* ---- Job control ----------------------------------------------------------------------------- */

bool terminal_is_callers(const struct terminal *terminal, const struct stm_who *who)
{
    return terminal->session != 0 && terminal->session == who->session;
}

void terminal_signal(struct stm *stm, uint32_t signal)
{
    if (stm->terminal.foreground != 0)
        signals_post(stm, stm->terminal.foreground, signal);
}

/* Who blocks SIGTTIN gets an error instead, who blocks SIGTTOU does as he likes. */
int terminal_check(struct call *call, const struct stm_who *who, uint32_t signal)
{
    const struct terminal *terminal = &call->stm->terminal;
    bool is_blocked = signal == SIGTTIN ? who->blocked_ttin != 0 : who->blocked_ttou != 0;

    if (!terminal_is_callers(terminal, who) || terminal->foreground == 0 ||
        terminal->foreground == who->group)
        return 0;
    if (is_blocked)
        return signal == SIGTTIN ? -EIO : 0;
    return signals_stop_caller(call, who->group, signal);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Whether a read in raw mode is over with what is there, by VMIN and VTIME: a time of the whole
 * read where VMIN is 0, else one from byte to byte. If not, how long it waits for the next. */
static bool raw_read_is_over(const struct tty *tty, struct transfer *transfer)
{
    uint32_t least = tty->termios.cc[VMIN], have = tty_readable_bytes(tty);
    uint64_t time_ns = tty->termios.cc[VTIME] * DECISECOND_NS;

    if (have > 0 && (have >= MIN(least, transfer->bytes) || !transfer->waits))
        return true;
    if (least == 0 && time_ns == 0)
        return true;
    if (transfer->expired && (least == 0 || have > 0))
        return true;
    transfer->timeout_ns = least == 0 || have > 0 ? time_ns : 0;
    return false;
}

static long terminal_read(struct call *call, struct transfer *transfer)
{
    struct stm *stm = call->stm;
    const struct tty *tty = &stm->terminal.tty;
    int status = terminal_check(call, transfer->who, SIGTTIN);

    transfer->moved = transfer->taken = 0;
    if (status != 0)
        return status;
    if (stm->terminal.hung_up || transfer->bytes == 0)
        return 0;
    if (tty_is_canonical(tty) ? !tty_is_readable(tty) : !raw_read_is_over(tty, transfer))
        return -EAGAIN;
    transfer->moved = tty_peek(tty, stm->scratch, transfer->bytes, &transfer->taken);
    transfer->data = stm->scratch;
    return transfer->moved;
}

static void terminal_read_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct terminal *terminal = &stm->terminal;

    if (done && transfer->taken > 0) {
        tty_take(&terminal->tty, transfer->taken);
        channel_kick(stm); /* there is room for more */
    }
    if (tty_has_input(&terminal->tty))
        wait_queue_wake_one(&terminal->object.readers);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Puts the output into the ring at once, for the lock keeps it from going out before it is
 * settled. */
static long terminal_write(struct call *call, struct transfer *transfer)
{
    struct stm *stm = call->stm;
    struct tty *tty = &stm->terminal.tty;
    uint32_t bytes = MIN(transfer->bytes, WRITE_PIECE_BYTES);
    int status = 0;

    transfer->moved = 0;
    transfer->before = tty_written_save(tty);
    if (stm->terminal.hung_up)
        return -EIO;
    if ((tty->termios.lflag & TOSTOP) != 0)
        status = terminal_check(call, transfer->who, SIGTTOU);
    if (status == 0 && bytes > 0 && !tty_is_writable(tty))
        status = -EAGAIN;
    if (status != 0 || bytes == 0)
        return status;
    if (bytes <= CALL_BODY_BYTES) {
        transfer->moved = tty_write(tty, call->body, bytes);
        return transfer->moved;
    }
    status = call_fetch(call, (VmAddr)stm->scratch, bytes, false);
    if (status == 0)
        transfer->moved = tty_write(tty, stm->scratch, bytes);
    return status == 0 ? (long)transfer->moved : status;
}

static void terminal_write_settle(struct stm *stm, struct transfer *transfer, bool done)
{
    struct terminal *terminal = &stm->terminal;

    if (!done)
        tty_written_undo(&terminal->tty, &transfer->before);
    else if (transfer->moved > 0)
        channel_kick(stm);
    if (tty_is_writable(&terminal->tty))
        wait_queue_wake_one(&terminal->object.writers);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static uint32_t terminal_poll(struct stm *stm, struct stream *stream, uint32_t wanted)
{
    const struct terminal *terminal = &stm->terminal;
    uint32_t events = 0;

    (void)stream;
    (void)wanted;
    if (terminal->hung_up)
        return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR;
    if (tty_is_readable(&terminal->tty))
        events |= POLLIN | POLLRDNORM;
    if (tty_is_writable(&terminal->tty))
        events |= POLLOUT | POLLWRNORM;
    return events;
}

static void terminal_stat(const struct stream *stream, struct stm_stat_out *out)
{
    (void)stream;
    *out = (struct stm_stat_out){.mode = S_IFCHR | 0620, .rdev = CONSOLE_RDEV, .inode = 1};
}

/* The terminal stays, and keeps its settings. */
static void terminal_close(struct stm *stm, struct stream *stream)
{
    (void)stream;
    wait_queue_wake_all(&stm->terminal.object.readers);
    wait_queue_wake_all(&stm->terminal.object.writers);
    stream_changed(&stm->terminal.object, POLLIN | POLLOUT);
}

static const struct stream_operations terminal_operations = {
    .read = terminal_read,
    .write = terminal_write,
    .read_settle = terminal_read_settle,
    .write_settle = terminal_write_settle,
    .poll = terminal_poll,
    .ioctl = terminal_ioctl,
    .stat = terminal_stat,
    .close = terminal_close,
};

struct stream *terminal_stream(struct stm *stm)
{
    return stream_create(&stm->streams, &terminal_operations, &stm->terminal.object,
                         STREAM_READ | STREAM_WRITE);
}

/* A session's leader without a terminal gets the first that it opens, unless it says otherwise. */
int terminal_open(struct call *call, const struct stm_tty_in *in)
{
    struct terminal *terminal = &call->stm->terminal;

    if (!terminal->present)
        return -ENXIO;
    if (in->index == TERMINAL_CURRENT ? !terminal_is_callers(terminal, &in->who) : in->index != 0)
        return -ENXIO;
    call->opened[0] = terminal_stream(call->stm);
    if (call->opened[0] == NULL)
        return -ENFILE;
    if ((in->flags & O_NOCTTY) == 0 && terminal->session == 0 && in->who.session == in->who.pid) {
        terminal->session = in->who.session;
        terminal->foreground = in->who.group;
    }
    return 0;
}

void terminal_session_end(struct stm *stm, uint32_t session)
{
    struct terminal *terminal = &stm->terminal;

    if (session == 0 || terminal->session != session)
        return;
    terminal_signal(stm, SIGHUP);
    terminal_signal(stm, SIGCONT);
    terminal->session = terminal->foreground = 0;
}

/* ---- What comes from outside ----------------------------------------------------------------- */

static void signals_of_keys(struct stm *stm, uint32_t signals)
{
    static const uint32_t raised[] = {SIGINT, SIGQUIT, SIGTSTP};

    for (uint32_t i = 0; i < ARRAY_SIZE(raised); i++) {
        if ((signals & TTY_SIGNAL(raised[i])) != 0)
            terminal_signal(stm, raised[i]);
    }
}

/* Echo goes out, a flush or VSTART may have made room for writers. */
void terminal_input(struct stm *stm, const uint8_t *bytes, uint32_t count)
{
    struct terminal *terminal = &stm->terminal;

    signals_of_keys(stm, tty_input(&terminal->tty, bytes, count));
    channel_kick(stm);
    if (tty_has_input(&terminal->tty))
        wait_queue_wake_one(&terminal->object.readers);
    if (tty_is_writable(&terminal->tty))
        wait_queue_wake_one(&terminal->object.writers);
    stream_changed(&terminal->object, POLLIN | POLLOUT);
}

void terminal_resize(struct stm *stm, const struct linux_winsize *window)
{
    struct linux_winsize *now = &stm->terminal.tty.window;

    if (memcmp(now, window, sizeof(*now)) == 0)
        return;
    *now = *window;
    terminal_signal(stm, SIGWINCH);
}

void terminal_hang_up(struct stm *stm)
{
    struct terminal *terminal = &stm->terminal;

    if (!terminal->present || terminal->hung_up)
        return;
    terminal->hung_up = true;
    tty_input_flush(&terminal->tty);
    tty_output_flush(&terminal->tty);
    if (terminal->session != 0)
        signals_post(stm, terminal->session, SIGHUP);
    terminal_session_end(stm, terminal->session);
    wait_queue_wake_all(&terminal->object.readers);
    wait_queue_wake_all(&terminal->object.writers);
    stream_changed(&terminal->object, POLLIN | POLLOUT);
    wait_queue_wake_all(&terminal->drained);
}

void terminal_sent(struct stm *stm)
{
    struct terminal *terminal = &stm->terminal;

    if (tty_is_writable(&terminal->tty)) {
        wait_queue_wake_one(&terminal->object.writers);
        stream_changed(&terminal->object, POLLIN | POLLOUT);
    }
    if (tty_output_bytes(&terminal->tty) == 0)
        wait_queue_wake_all(&terminal->drained);
}
