/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run, from the start of the machine to its end. See session.h.
 *
 * Each turn of the loop waits in poll() for whatever can go on, takes what came in, and then pushes
 * out what can go out. Nothing else waits, and every buffer is bounded: what has no room is not
 * read.
 *
 * I1  Once `end` is set it changes only from PROGRAM's end or failure to END_DIED or END_TIMEOUT.
 * I2  While the machine runs, either something can wake the loop by itself, or a deadline is set,
 *     or it waits for PROGRAM.
 */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "report.h"
#include "session_frames.h"

/* How long a site may take to end its machine, and if it has a disk to write back first. */
#define HALT_GRACE_NS (3 * CLOCK_SECOND_NS)
#define HALT_DISK_GRACE_NS (10 * CLOCK_SECOND_NS)
/* How long a panic may take to be told, backtrace and all. */
#define PANIC_GRACE_NS (3 * CLOCK_SECOND_NS)
/* Between asking QEMU to end, which writes its caches back, and killing it. */
#define KILL_GRACE_NS (2 * CLOCK_SECOND_NS)
/* How long output may still wait for its reader when the user wants an end. */
#define ABANDON_GRACE_NS CLOCK_SECOND_NS
/* Two SIGINT within this time end the domain. */
#define INTERRUPT_TWICE_NS CLOCK_SECOND_NS
/* Of the log at a time; log_has_room() is asked first. */
#define LOG_READ_BYTES 1024
#define LOG_READS_MAX 16
#define SIGNALS_MAX 16

enum poll_slot {
    POLL_SIGNALS,
    POLL_CHANNEL,
    POLL_LOG,
    POLL_COMPLAINTS,
    POLL_INPUT,
    POLL_OUTPUT,
    POLL_ERROR,
    POLL_COPY,
    POLL_COUNT,
};

/* ---- Ends ---- */

static bool data_is_kept(const struct session *session)
{
    return session->root->kind == ROOT_IMAGE || session->options->save != NULL;
}

/* Ends the machine by force; gently at first if its disk is to be kept. */
static void machine_kill(struct session *session, int64_t now_ns)
{
    bool gently = session->kills == 0 && data_is_kept(session);

    if (session->gone)
        return;
    kill(session->emulator.pid, gently ? SIGTERM : SIGKILL);
    session->kills++;
    session->kill_ns = gently ? now_ns + KILL_GRACE_NS : 0;
}

void session_end(struct session *session, enum session_end end, int status)
{
    int64_t now_ns = clock_now_ns();
    bool was_program = session->end == END_PROGRAM || session->end == END_FAIL;

    if (end == END_DIED)
        machine_kill(session, now_ns);
    if (session->end != END_NONE && !(was_program && (end == END_DIED || end == END_TIMEOUT)))
        return;
    session->end = end;
    session->status = status;
    switch (end) {
    case END_PROGRAM:
    case END_FAIL:
        session->kill_ns = now_ns + (data_is_kept(session) ? HALT_DISK_GRACE_NS : HALT_GRACE_NS);
        return;
    case END_TIMEOUT:
    case END_USER:
        session->abandon_ns = now_ns + ABANDON_GRACE_NS;
        session->pending_halt = data_is_kept(session);
        if (session->pending_halt)
            session->kill_ns = now_ns + HALT_DISK_GRACE_NS;
        else
            machine_kill(session, now_ns);
        return;
    case END_DIED:
        return;
    case END_NONE:
        assert(false);
    }
}

/* The user asks for the end: in order at first, at once the second time. */
static void user_end(struct session *session, int signal_number)
{
    int64_t now_ns = clock_now_ns();

    if (session->end == END_NONE) {
        log_print(session->log, "launcher: the user ends the domain");
        session_end(session, END_USER, STATUS_SIGNALLED + signal_number);
        return;
    }
    if (session->abandon_ns == 0 && !session->abandoned)
        session->abandon_ns = now_ns + ABANDON_GRACE_NS;
    machine_kill(session, now_ns);
}

static void deadlines_check(struct session *session)
{
    int64_t now_ns = clock_now_ns();

    if (session->log->panic[0] != '\0' && session->kill_ns == 0 && session->kills == 0 &&
        !session->gone)
        session->kill_ns = now_ns + PANIC_GRACE_NS;
    if (session->timeout_ns != 0 && now_ns >= session->timeout_ns) {
        session->timeout_ns = 0;
        log_print(session->log, "launcher: the time is over");
        session_end(session, END_TIMEOUT, STATUS_TIMEOUT);
    }
    if (session->kill_ns != 0 && now_ns >= session->kill_ns) {
        session->kill_ns = 0;
        log_print(session->log, "launcher: the machine is ended by force");
        machine_kill(session, now_ns);
    }
    if (session->abandon_ns != 0 && now_ns >= session->abandon_ns) {
        session->abandon_ns = 0;
        session->abandoned = true;
    }
    if (session->abandoned) {
        for (int i = 0; i < 2; i++)
            session->outlets[i].count = 0;
        session->copy.count = 0;
    }
}

/* Milliseconds until the next deadline, for poll(). */
static int deadline_wait_ms(const struct session *session)
{
    const int64_t deadlines[] = {session->timeout_ns, session->kill_ns, session->abandon_ns};
    int64_t now_ns = clock_now_ns();
    int64_t wait_ns = INT64_MAX;

    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        if (deadlines[i] != 0 && deadlines[i] - now_ns < wait_ns)
            wait_ns = deadlines[i] - now_ns;
    }
    if (wait_ns == INT64_MAX)
        return -1;
    if (wait_ns <= 0)
        return 0;
    int64_t wait_ms = wait_ns / 1000000 + 1;
    return wait_ms > 3600 * 1000 ? 3600 * 1000 : (int)wait_ms;
}

/* ---- Signals ---- */

/* Signals that the loop takes. One that was ignored at the start, by nohup, stays ignored. */
static void signals_block(sigset_t *set)
{
    static const int taken[] = {SIGINT,   SIGQUIT, SIGTERM, SIGHUP,
                                SIGWINCH, SIGCHLD, SIGTSTP, SIGCONT};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct sigaction action;
        if (sigaction(taken[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, taken[i]);
    }
    sigprocmask(SIG_BLOCK, set, NULL);
}

/* The host's job control: the terminal is the shell's while the launcher is stopped. */
static void session_stop(struct session *session)
{
    terminal_leave(&session->terminal);
    raise(SIGSTOP);
    terminal_enter(&session->terminal);
    session->pending_window = true;
}

static void machine_reap(struct session *session)
{
    int status;

    if (session->gone || waitpid(session->emulator.pid, &status, WNOHANG) <= 0)
        return;
    session->gone = true;
    session->machine_status = status;
    session->emulator.pid = 0;
    session->kill_ns = 0;
}

static void signal_take(struct session *session, int number)
{
    int64_t now_ns = clock_now_ns();

    switch (number) {
    case SIGCHLD:
        machine_reap(session);
        return;
    case SIGINT:
        if (session->end != END_NONE ||
            (session->interrupt_ns != 0 && now_ns - session->interrupt_ns <= INTERRUPT_TWICE_NS))
            user_end(session, SIGINT);
        session->interrupt_ns = now_ns;
        session->pending_signals |= UINT32_C(1) << (SIGINT - 1);
        return;
    case SIGQUIT:
        session->pending_signals |= UINT32_C(1) << (SIGQUIT - 1);
        return;
    case SIGTERM:
    case SIGHUP:
        user_end(session, number);
        return;
    case SIGTSTP:
        session_stop(session);
        return;
    case SIGCONT:
        if (session->terminal.raw) {
            session->terminal.raw = false; /* the shell may have put it back meanwhile */
            terminal_enter(&session->terminal);
        }
        session->pending_window = true;
        return;
    case SIGWINCH:
        session->pending_window = true;
        return;
    default:
        assert(false);
    }
}

static void signals_read(struct session *session)
{
    struct signalfd_siginfo infos[SIGNALS_MAX];
    ssize_t count = read(session->signals, infos, sizeof(infos));

    for (ssize_t i = 0; i < count / (ssize_t)sizeof(infos[0]); i++)
        signal_take(session, (int)infos[i].ssi_signo);
}

/* ---- The log ---- */

static bool log_read(struct session *session, int fd, bool of_site)
{
    char bytes[LOG_READ_BYTES];

    for (int i = 0; i < LOG_READS_MAX && log_has_room(session->log, sizeof(bytes)); i++) {
        ssize_t count = read(fd, bytes, sizeof(bytes));
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (count <= 0)
            return true;
        if (of_site)
            log_site(session->log, bytes, (size_t)count);
        else
            log_emulator(session->log, bytes, (size_t)count);
        outlet_flush(&session->copy);
    }
    return false;
}

/* ---- The loop ---- */

void session_create(struct session *session, const struct options *options, const struct root *root,
                    struct log *log, const struct streams *streams, int64_t start_ns)
{
    sigset_t set;

    memset(session, 0, sizeof(*session));
    session->options = options;
    session->root = root;
    session->log = log;
    session->channel.fd = -1;
    session->timeout_ns = options->timeout_ns != 0 ? start_ns + options->timeout_ns : 0;
    terminal_create(&session->terminal);
    inlet_create(&session->inlet, streams->terminal[0]);
    session->inlet.ended = options->icount; /* it went into the archive */
    session->inlet.end_is_told = options->icount;
    outlet_create(&session->outlets[0], STDOUT_FILENO);
    outlet_create(&session->outlets[1], STDERR_FILENO);
    outlet_create(&session->copy, STDERR_FILENO);
    if (options->verbose)
        log->copy = &session->copy;
    signals_block(&set);
    session->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool session_start(struct session *session, int archive)
{
    if (session->signals < 0) {
        report("a descriptor for signals: %s", strerror(errno));
        return false;
    }
    if (!emulator_start(&session->emulator, session->options, session->root, archive))
        return false;
    channel_create(&session->channel, session->emulator.channel, session->options->icount);
    session->emulator.channel = -1; /* it is the channel's now */
    if (!terminal_enter(&session->terminal))
        return false;
    session->log->copy_raw = session->terminal.raw && isatty(STDERR_FILENO);
    return true;
}

/* A channel that is a file is read when its machine has ended, as fast as output goes out. */
static bool file_is_due(const struct session *session)
{
    return session->channel.is_file && session->gone && !session->channel.ended &&
           outlet_room(&session->outlets[0]) == OUTLET_BYTES &&
           outlet_room(&session->outlets[1]) == OUTLET_BYTES;
}

static void polls_set(const struct session *session, struct pollfd *polls)
{
    const struct channel *channel = &session->channel;
    const struct outlet *outlets[] = {&session->outlets[0], &session->outlets[1], &session->copy};
    bool log_room = log_has_room(session->log, LOG_READ_BYTES);

    for (int i = 0; i < POLL_COUNT; i++)
        polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    polls[POLL_SIGNALS].fd = session->signals;
    if (!channel->is_file && !channel->ended) {
        polls[POLL_CHANNEL].fd = channel->fd;
        if (channel->output_count > 0)
            polls[POLL_CHANNEL].events |= POLLOUT;
    }
    if (!session->log_ended && log_room)
        polls[POLL_LOG].fd = session->emulator.log;
    if (!session->complaints_ended && log_room)
        polls[POLL_COMPLAINTS].fd = session->emulator.complaints;
    /* The escape must be seen to the last. */
    if (inlet_wants(&session->inlet) && (session->end == END_NONE || session->inlet.terminal))
        polls[POLL_INPUT].fd = STDIN_FILENO;
    for (int i = 0; i < 3; i++) {
        polls[POLL_OUTPUT + i].events = POLLOUT;
        if (outlets[i]->count > 0)
            polls[POLL_OUTPUT + i].fd = outlets[i]->fd;
    }
}

static void polls_take(struct session *session, const struct pollfd *polls)
{
    if (polls[POLL_SIGNALS].revents != 0)
        signals_read(session);
    if (polls[POLL_LOG].revents != 0)
        session->log_ended = log_read(session, session->emulator.log, true);
    if (polls[POLL_COMPLAINTS].revents != 0)
        session->complaints_ended = log_read(session, session->emulator.complaints, false);
    if (polls[POLL_CHANNEL].revents != 0 || file_is_due(session)) {
        channel_fill(&session->channel);
        frames_take(session);
    }
    if (polls[POLL_INPUT].revents != 0) {
        inlet_read(&session->inlet, clock_now_ns());
        if (session->inlet.escaped)
            user_end(session, SIGINT);
        session->inlet.escaped = false;
    }
    if (polls[POLL_OUTPUT].revents != 0)
        outlet_flush(&session->outlets[0]);
    if (polls[POLL_ERROR].revents != 0)
        outlet_flush(&session->outlets[1]);
    if (polls[POLL_COPY].revents != 0)
        outlet_flush(&session->copy);
}

static bool session_is_over(const struct session *session)
{
    return session->gone && session->log_ended && session->complaints_ended &&
           session->channel.ended && session->channel.input_count == 0 &&
           session->outlets[0].count == 0 && session->outlets[1].count == 0 &&
           session->copy.count == 0;
}

bool session_is_orderly(const struct session *session)
{
    return session->gone && session->kills == 0 && session->log->panic[0] == '\0' &&
           emulator_end_value(session->machine_status) == CHANNEL_END_ORDERLY;
}

/* Says in one line why a machine ended that should not have. */
static void why_tell(struct session *session)
{
    const struct log *log = session->log;
    int status = session->machine_status;
    int value = emulator_end_value(status);
    char *why = session->why;

    if (log->panic[0] != '\0')
        snprintf(why, LOG_WHY_BYTES, "%s", log->panic);
    else if (why[0] != '\0')
        return; /* the protocol was broken */
    else if (session->kills > 0)
        snprintf(why, LOG_WHY_BYTES, "it did not end its machine after PROGRAM");
    else if (WIFSIGNALED(status))
        snprintf(why, LOG_WHY_BYTES, "QEMU was killed by signal %d", WTERMSIG(status));
    else if (value == CHANNEL_END_ORDERLY)
        snprintf(why, LOG_WHY_BYTES, "it ended its machine before PROGRAM had ended");
    else if (value >= 0)
        snprintf(why, LOG_WHY_BYTES, "it ended its machine with value 0x%x", (unsigned)value);
    else if (WEXITSTATUS(status) == 0)
        snprintf(why, LOG_WHY_BYTES, "its machine was reset, as by a triple fault");
    else if (log->complaint[0] != '\0')
        snprintf(why, LOG_WHY_BYTES, "%s", log->complaint);
    else
        snprintf(why, LOG_WHY_BYTES, "QEMU failed with status %d", WEXITSTATUS(status));
}

/* Everything is known: a site that broke off is a dead one, whatever PROGRAM returned. */
static void session_judge(struct session *session)
{
    bool died = session->end == END_NONE || session->end == END_DIED;

    if (session->end == END_PROGRAM)
        died = !session_is_orderly(session);
    if (!died)
        return;
    why_tell(session);
    session->end = END_DIED;
    session->status = STATUS_NO_DOMAIN;
}

void session_loop(struct session *session)
{
    while (!session_is_over(session)) {
        struct pollfd polls[POLL_COUNT];
        polls_set(session, polls);
        int wait_ms = file_is_due(session) ? 0 : deadline_wait_ms(session);
        if (poll(polls, POLL_COUNT, wait_ms) < 0) {
            assert(errno == EINTR || errno == ENOMEM);
            continue;
        }
        polls_take(session, polls);
        deadlines_check(session);
        frames_send(session);
    }
    log_finish(session->log);
    session_judge(session);
}

void session_drop(struct session *session)
{
    terminal_drop(&session->terminal);
    emulator_drop(&session->emulator);
    channel_drop(&session->channel);
    session->log->copy = NULL;
    for (int i = 0; i < 2; i++)
        outlet_drop(&session->outlets[i]);
    outlet_drop(&session->copy);
    if (session->signals >= 0)
        close(session->signals);
    session->signals = -1;
}
