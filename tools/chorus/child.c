/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that the launcher starts. See child.h. */
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "text.h"

/* Where mke2fs and its like live; a user's PATH may lack them. */
#define SYSTEM_FOLDERS "/usr/local/sbin:/usr/sbin:/sbin"

/* In the new process: becomes the program, or tells the error to the parent. */
static _Noreturn void child_become(const struct child *child, pid_t parent, int failure)
{
    const int streams[3] = {child->input, child->output, child->error};
    sigset_t none;
    int error = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before it could be noticed */
        _exit(STATUS_NO_DOMAIN);
    setsid();
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 3; i++) {
        if (dup2(streams[i], i) < 0)
            error = errno;
    }
    for (size_t i = 0; i < child->kept_count; i++) {
        if (fcntl(child->kept[i], F_SETFD, 0) < 0)
            error = errno;
    }
    const char *path = getenv("PATH");
    char *longer = text_format("%s:%s", path != NULL ? path : "/usr/bin:/bin", SYSTEM_FOLDERS);
    setenv("PATH", longer, 1);
    setenv("LC_ALL", "C", 1); /* what it complains of is read by the launcher */
    if (error == 0) {
        execvp(child->words[0], child->words);
        error = errno;
    }
    if (write(failure, &error, sizeof(error)) < 0)
        _exit(STATUS_NO_DOMAIN);
    _exit(STATUS_NO_DOMAIN);
}

pid_t child_start(const struct child *child)
{
    int failure[2]; /* gives the error of a start that failed; closed by one that did not */
    int error = 0;

    assert(child->input > STDERR_FILENO || child->input == STDIN_FILENO);
    if (pipe2(failure, O_CLOEXEC) < 0) {
        report("%s: %s", child->words[0], strerror(errno));
        return -1;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_become(child, parent, failure[1]);
    if (pid < 0)
        error = errno;
    close(failure[1]);
    if (pid > 0) {
        ssize_t count;
        do {
            count = read(failure[0], &error, sizeof(error));
        } while (count < 0 && errno == EINTR);
        if (count > 0)
            child_wait(pid);
    }
    close(failure[0]);
    if (error != 0) {
        report("%s: %s", child->words[0], strerror(error));
        return -1;
    }
    return pid;
}

int child_wait(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0) {
        assert(errno == EINTR);
    }
    return status;
}
