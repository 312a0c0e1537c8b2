/* SPDX-License-Identifier: BSD-2-Clause */
/* What signals do to waits, to files, to execve and to parents. Each case prints a line, and Linux
 * prints the same. An argument names one case, of which some are not for all: see the table. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000L
#define BIG_BYTES (1u << 20)

static volatile sig_atomic_t handled, code_count;
static int code[16];

static void note(int signal)
{
    handled = signal;
}

static void note_code(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (code_count < 16)
        code[code_count++] = signal * 100 + info->si_code;
}

static void catch (int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * MS};

    while (nanosleep(&time, &time) < 0)
        continue;
}

static long now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / MS;
}

/* ---- Waiting for signals ----------------------------------------------------------------- */

static void wait_for_ignored(void)
{
    static const int number[] = {SIGCHLD, SIGWINCH, SIGURG};

    for (int i = 0; i < 3; i++) {
        sigset_t set;
        siginfo_t info = {0};
        struct timespec most = {10, 0};

        sigemptyset(&set);
        sigaddset(&set, number[i]);
        sigprocmask(SIG_BLOCK, &set, NULL);
        pid_t child = fork();

        if (child == 0) {
            sleep_ms(50);
            if (number[i] != SIGCHLD)
                kill(getppid(), number[i]);
            _exit(0);
        }
        int got = sigtimedwait(&set, &info, &most);

        printf("waited for %d: %d, from the child: %d\n", number[i], got, info.si_pid == child);
        waitpid(child, NULL, 0);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
}

static void forget_ignored(void)
{
    sigset_t set;

    handled = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    catch (SIGUSR1, note, 0);
    raise(SIGUSR1);
    catch (SIGUSR1, SIG_IGN, 0);
    catch (SIGUSR1, note, 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("ignored while it waited: handled %d\n", (int)handled);
}

/* ---- Waits that a stop comes into -------------------------------------------------------- */

/* Whether each of these goes on: 0, or what is wrong. */
static int wait_sleep(void)
{
    struct timespec time = {0, 600 * MS};

    return nanosleep(&time, NULL) == 0 ? 0 : errno;
}

static int wait_poll(void)
{
    return poll(NULL, 0, 600) == 0 ? 0 : errno;
}

static int wait_poll_pipe(void)
{
    int fd[2];

    if (pipe(fd) < 0)
        return errno;
    struct pollfd watched = {fd[0], POLLIN, 0};

    return poll(&watched, 1, 600) == 0 ? 0 : errno;
}

static int wait_select(void)
{
    struct timeval time = {0, 600000};

    if (select(0, NULL, NULL, NULL, &time) != 0)
        return errno;
    return time.tv_usec == 0 ? 0 : 200;
}

static int wait_futex(void)
{
    struct timespec time = {0, 600 * MS};
    int word = 0;

    return syscall(SYS_futex, &word, 0, 0, &time) < 0 && errno == ETIMEDOUT ? 0 : errno;
}

static int wait_pause(void)
{
    catch (SIGALRM, note, 0);
    ualarm(600000, 0);
    return pause() < 0 && errno == EINTR && handled == SIGALRM ? 0 : 201;
}

static int wait_suspend(void)
{
    sigset_t none;

    sigemptyset(&none);
    catch (SIGALRM, note, 0);
    ualarm(600000, 0);
    return sigsuspend(&none) < 0 && errno == EINTR && handled == SIGALRM ? 0 : 201;
}

/* Another thread keeps what the process may still do. */
static void *sleeper(void *argument)
{
    sleep_ms(10000);
    return argument;
}

static int wait_beside_a_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, sleeper, NULL);
    return wait_sleep();
}

static void stop_and_go_on(void)
{
    static const struct {
        const char *name;
        int (*wait)(void);
    } waits[] = {
        {"nanosleep", wait_sleep},
        {"poll", wait_poll},
        {"poll of a pipe", wait_poll_pipe},
        {"select", wait_select},
        {"futex", wait_futex},
        {"pause", wait_pause},
        {"sigsuspend", wait_suspend},
        {"nanosleep beside a thread", wait_beside_a_thread},
    };

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        long begin = now_ms();
        int status;

        fflush(stdout);
        pid_t child = fork();

        if (child == 0) {
            handled = 0;
            _exit(waits[i].wait());
        }
        sleep_ms(150);
        kill(child, SIGSTOP);
        waitpid(child, &status, WUNTRACED);
        sleep_ms(50);
        kill(child, SIGCONT);
        waitpid(child, &status, 0);
        printf("%s: %d, early: %d\n", waits[i].name, WEXITSTATUS(status), now_ms() - begin < 595);
    }
}

/* A handler ends them all, whatever SA_RESTART says. */
static void handler_ends(void)
{
    struct timespec time = {5, 0}, left = {0, 0};
    long begin = now_ms();

    catch (SIGALRM, note, SA_RESTART);
    ualarm(100000, 0);
    int result = nanosleep(&time, &left);

    printf("handler in nanosleep: %d %d, left: %d\n", result, errno == EINTR,
           left.tv_sec == 4 && now_ms() - begin < 4000);
    ualarm(100000, 0);
    printf("handler in poll: %d %d\n", poll(NULL, 0, 5000), errno == EINTR);
    struct timeval wait = {5, 0};

    ualarm(100000, 0);
    result = select(0, NULL, NULL, NULL, &wait);
    printf("handler in select: %d %d, left: %d\n", result, errno == EINTR, (int)wait.tv_sec);
}

/* ---- What parents are told --------------------------------------------------------------- */

static int sleep_for_ever(void *argument)
{
    while (argument == NULL)
        pause();
    return 0;
}

static void tell_codes(const char *what, int flags, int exit_signal, const int *sent)
{
    static char stack[65536] __attribute__((aligned(16)));
    struct sigaction action = {.sa_sigaction = note_code, .sa_flags = SA_SIGINFO | flags};

    code_count = 0;
    sigaction(SIGCHLD, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    pid_t child = clone(sleep_for_ever, stack + sizeof(stack), exit_signal, NULL);

    for (; *sent != 0; sent++) {
        siginfo_t info = {0};

        sleep_ms(50);
        kill(child, *sent);
        waitid(P_PID, child, &info, WEXITED | WSTOPPED | WCONTINUED | __WALL);
        printf("%d: %d %d; ", *sent, info.si_code, info.si_status);
    }
    sleep_ms(50);
    printf("%s:", what);
    for (int i = 0; i < code_count; i++)
        printf(" %d", code[i]);
    printf("\n");
    catch (SIGCHLD, SIG_DFL, 0);
    catch (SIGUSR1, SIG_DFL, 0);
}

static void parents(void)
{
    static const int kill_stopped[] = {SIGSTOP, SIGKILL, 0};
    static const int go_on[] = {SIGSTOP, SIGCONT, SIGTERM, 0};

    tell_codes("killed when stopped", 0, SIGCHLD, kill_stopped);
    tell_codes("continued", 0, SIGCHLD, go_on);
    tell_codes("without stops", SA_NOCLDSTOP, SIGCHLD, go_on);
    tell_codes("another signal at the end", 0, SIGUSR1, go_on);
}

/* ---- Orphaned groups --------------------------------------------------------------------- */

static int out;

static void say_hang_up(int signal)
{
    (void)signal;
    if (write(out, "hang-up ", 8) < 0)
        _exit(1);
}

static void orphan_stopped(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        setpgid(0, 0);
        catch (SIGHUP, say_hang_up, 0);
        raise(SIGSTOP);
        _exit(write(out, "on", 2) < 0);
    }
    waitpid(child, &status, WUNTRACED);
    _exit(0);
}

static void orphans(void)
{
    char text[32] = {0};
    size_t bytes = 0;
    int fd[2];
    long got;

    if (pipe(fd) < 0)
        return;
    out = fd[1];
    fflush(stdout);
    pid_t leader = fork();

    if (leader == 0) {
        close(fd[0]);
        setsid();
        orphan_stopped();
    }
    close(fd[1]);
    waitpid(leader, NULL, 0);
    while ((got = read(fd[0], text + bytes, sizeof(text) - 1 - bytes)) > 0)
        bytes += (size_t)got;
    printf("orphaned while stopped: %s\n", text);
    fflush(stdout);
    leader = fork();
    if (leader == 0) {
        setsid();
        _exit(raise(SIGTSTP));
    }
    int status = 0;

    waitpid(leader, &status, WUNTRACED);
    printf("SIGTSTP to an orphan: %d\n", status);
}

/* ---- Threads and execve ------------------------------------------------------------------ */

static char *self;

static void *execute(void *argument)
{
    execl(self, self, "executed", (char *)NULL);
    return argument;
}

static void *spin(void *argument)
{
    for (;;)
        continue;
    return argument;
}

static void executions(void)
{
    for (int i = 0; i < 6; i++) {
        pthread_t thread[2];
        int status;

        fflush(stdout);
        pid_t child = fork();

        if (child == 0) {
            pthread_create(&thread[0], NULL, i % 2 == 0 ? execute : spin, NULL);
            pthread_create(&thread[1], NULL, execute, NULL);
            if (i >= 4)
                execute(NULL);
            for (;;)
                pause();
        }
        waitpid(child, &status, 0);
        printf("status %d\n", status);
    }
}

static void *end_all(void *argument)
{
    struct timespec time = {0, (long)argument};

    nanosleep(&time, NULL);
    _exit(7);
}

/* Threads that begin while the process ends. */
static void late_threads(void)
{
    int right = 0;

    for (long i = 0; i < 10; i++) {
        int status;

        fflush(stdout);
        pid_t child = fork();

        if (child == 0) {
            pthread_t thread;

            pthread_create(&thread, NULL, end_all, (void *)(i * 300000));
            for (int more = 0; more < 20; more++)
                pthread_create(&thread, NULL, spin, NULL);
            pause();
        }
        waitpid(child, &status, 0);
        right += status == 7 << 8;
    }
    printf("ended with their threads: %d\n", right);
}

/* A parent that waits for its vfork child can be killed all the same. */
static void vforks(void)
{
    int status;

    fflush(stdout);
    pid_t parent = fork();

    if (parent == 0) {
        setpgid(0, 0);
        if (vfork() == 0) {
            for (;;)
                pause();
        }
        _exit(1);
    }
    sleep_ms(200);
    kill(parent, SIGTERM);
    waitpid(parent, &status, 0);
    printf("killed in vfork: %d\n", status);
    kill(-parent, SIGKILL);
}

/* ---- Files and programs that are not there yet ------------------------------------------- */

static void ring(long us)
{
    struct itimerval timer = {{0, us}, {0, us}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static long total(int (*step)(int, char *, size_t), int fd, char *buffer, long *wrong)
{
    long bytes = 0, got;

    while ((got = step(fd, buffer, BIG_BYTES)) > 0) {
        bytes += got;
        *wrong += got != BIG_BYTES;
    }
    *wrong += got < 0;
    return bytes;
}

static int read_step(int fd, char *buffer, size_t bytes)
{
    return (int)read(fd, buffer, bytes);
}

static void files(void)
{
    char *buffer = malloc(BIG_BYTES);
    int fd = open("big", O_RDONLY), copy = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0600);
    long wrong = 0, short_writes = 0;

    catch (SIGALRM, note, 0);
    ring(500);
    long bytes = total(read_step, fd, buffer, &wrong);

    for (int i = 0; i < 8; i++)
        short_writes += write(copy, buffer, BIG_BYTES) != BIG_BYTES;
    int synced = fsync(copy);

    ring(0);
    printf("read %ld, short or failed: %ld %ld %d\n", bytes, wrong, short_writes, synced);
    free(buffer);
    unlink("copy");
}

/* The programs cold0 and so on, each started while signals come. */
static void cold_programs(void)
{
    int ended = 0;

    for (int i = 0; i < 6; i++) {
        char name[16];
        int status = 0;
        pid_t child;

        snprintf(name, sizeof(name), "./cold%d", i);
        fflush(stdout);
        child = fork();
        if (child == 0) {
            setpgid(0, 0);
            execl(name, name, "quiet", (char *)NULL);
            _exit(1);
        }
        while (waitpid(child, &status, WNOHANG | WUNTRACED) == 0 || WIFSTOPPED(status)) {
            kill(child, i % 2 == 0 ? SIGSTOP : SIGTSTP);
            kill(child, SIGCONT);
            usleep(300);
        }
        ended += status == 0;
    }
    printf("cold programs that ended well: %d\n", ended);
}

/* ---- Of MiX alone ------------------------------------------------------------------------ */

static void background_read(int answer)
{
    char byte;

    setpgid(0, 0);
    while (getppid() != 1)
        sleep_ms(10);
    long got = read(0, &byte, 1);
    int result = got < 0 ? errno : 0;

    _exit(write(answer, &result, sizeof(result)) < 0);
}

/* On a terminal of its own session. */
static void foreground(void)
{
    int fd[2], error = 0;

    printf("%d", tcsetpgrp(0, getppid()));
    printf(" %d", errno == EPERM);
    printf(" %d", tcsetpgrp(0, 30000));
    printf(" %d", errno == ESRCH);
    printf(" %d\n", tcsetpgrp(0, getpgrp()));
    fflush(stdout);
    if (pipe(fd) < 0)
        return;
    pid_t child = fork();

    if (child == 0) {
        if (fork() == 0)
            background_read(fd[1]);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("read %d", (int)read(fd[0], &error, sizeof(error)));
    printf(" %d\n", error == EIO);
    signal(SIGHUP, SIG_IGN);
    ioctl(0, TIOCNOTTY);
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        child = fork();
        if (child == 0) {
            setsid();
            int tty = open("/dev/console", O_RDWR);

            printf("mine: %d\n", tcgetsid(tty) == getpid());
            exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
    int on_request; /* only if it is named */
} cases[] = {
    {"ignored", wait_for_ignored, 0},
    {"forget", forget_ignored, 0},
    {"stop", stop_and_go_on, 0},
    {"handler", handler_ends, 0},
    {"parents", parents, 0},
    {"orphans", orphans, 0},
    {"execve", executions, 0},
    {"threads", late_threads, 0},
    {"vfork", vforks, 0},
    {"files", files, 0},
    {"cold", cold_programs, 0},
    {"foreground", foreground, 1},
};

int main(int count, char **argument)
{
    self = argument[0];
    if (count > 1 && strcmp(argument[1], "executed") == 0)
        printf("executed as %d; ", gettid() == getpid());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (count == 1 ? !cases[i].on_request : strcmp(argument[1], cases[i].name) == 0)
            cases[i].run();
    }
    return 0;
}
