/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's terminal. See terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

bool terminal_size_read(int fd, struct terminal_size *size)
{
    struct winsize window;

    if (ioctl(fd, TIOCGWINSZ, &window) < 0)
        return false;
    *size = (struct terminal_size){
        .rows = window.ws_row,
        .columns = window.ws_col,
        .x_pixels = window.ws_xpixel,
        .y_pixels = window.ws_ypixel,
    };
    return true;
}

static bool terminal_is_known(const struct terminal *terminal, int fd)
{
    struct stat this;
    struct stat other;

    if (fstat(fd, &this) < 0)
        return false;
    for (size_t i = 0; i < terminal->count; i++) {
        if (fstat(terminal->used[i].fd, &other) == 0 && this.st_dev == other.st_dev &&
            this.st_ino == other.st_ino)
            return true;
    }
    return false;
}

void terminal_create(struct terminal *terminal)
{
    *terminal = (struct terminal){.leash = -1};
    /* Standard input comes first, so that its terminal passes both ways through. */
    for (int fd = 0; fd < 3; fd++) {
        struct termios before;
        if (tcgetattr(fd, &before) < 0 || terminal_is_known(terminal, fd))
            continue;
        size_t i = terminal->count++;
        terminal->used[i].fd = fd;
        terminal->used[i].before = before;
        terminal->used[i].during = before;
        if (fd == STDIN_FILENO)
            cfmakeraw(&terminal->used[i].during);
        else
            terminal->used[i].during.c_oflag &= ~(tcflag_t)OPOST;
    }
}

static bool terminal_set(const struct terminal *terminal, bool during)
{
    bool done = true;

    for (size_t i = 0; i < terminal->count; i++) {
        const struct termios *state =
            during ? &terminal->used[i].during : &terminal->used[i].before;
        while (tcsetattr(terminal->used[i].fd, TCSANOW, state) < 0) {
            if (errno == EINTR)
                continue;
            done = false;
            break;
        }
    }
    return done;
}

/* In the guardian: waits until the launcher has ended or says that there is nothing to do. */
static _Noreturn void guardian_run(const struct terminal *terminal, int leash)
{
    sigset_t all;
    char word;
    ssize_t count;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid(); /* a job's end does not reach it, and it may set a terminal that is not its own */
    for (int fd = 0; fd < 3; fd++) {
        bool needed = false;
        for (size_t i = 0; i < terminal->count; i++)
            needed = needed || terminal->used[i].fd == fd;
        if (!needed)
            close(fd); /* a reader must see the launcher's end, and no other */
    }
    if (leash != 3) {
        dup2(leash, 3);
        leash = 3;
    }
    close_range(4, ~0U, 0);
    do {
        count = read(leash, &word, 1);
    } while (count < 0 && errno == EINTR);
    if (count == 0)
        terminal_set(terminal, false);
    _exit(0);
}

static bool guardian_start(struct terminal *terminal)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        report("the terminal: %s", strerror(errno));
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        guardian_run(terminal, ends[0]);
    }
    close(ends[0]);
    if (pid < 0) {
        report("the terminal: %s", strerror(errno));
        close(ends[1]);
        return false;
    }
    terminal->guardian = pid;
    terminal->leash = ends[1];
    return true;
}

bool terminal_enter(struct terminal *terminal)
{
    if (terminal->count == 0 || terminal->raw)
        return true;
    if (terminal->guardian == 0 && !guardian_start(terminal))
        return false;
    terminal->raw = terminal_set(terminal, true);
    if (!terminal->raw)
        report("the terminal: %s", strerror(errno));
    return terminal->raw;
}

void terminal_leave(struct terminal *terminal)
{
    sigset_t stop;
    sigset_t before;

    if (!terminal->raw)
        return;
    /* In the background, too, it has to be put back rather than stop the launcher's end. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    sigprocmask(SIG_BLOCK, &stop, &before);
    terminal_set(terminal, false); /* it fails only if the terminal is gone */
    sigprocmask(SIG_SETMASK, &before, NULL);
    terminal->raw = false;
}

void terminal_drop(struct terminal *terminal)
{
    terminal_leave(terminal);
    if (terminal->guardian == 0)
        return;
    ssize_t count;
    do {
        count = write(terminal->leash, "q", 1);
    } while (count < 0 && errno == EINTR);
    close(terminal->leash);
    child_wait(terminal->guardian);
    terminal->guardian = 0;
    terminal->leash = -1;
}
