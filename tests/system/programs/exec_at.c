/* SPDX-License-Identifier: BSD-2-Clause */
/* execveat, and what a program is called then. Prints a line for each thing that is not as in
 * Linux, and how many. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define SAYS(fd, path, flags, what) CHECK(!strcmp(said(fd, path, flags), what))

/* What a program says, or the error with which it could not be run. */
static const char *said(int fd, const char *path, int flags)
{
    static char text[200];
    char *arguments[] = {"x", "say", NULL}, *environment[] = {NULL};
    int ends[2], status;
    ssize_t bytes = 0, now;

    if (pipe(ends) < 0 || fork() == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        syscall(SYS_execveat, fd, path, arguments, environment, flags);
        printf("%s\n", strerror(errno));
        exit(1);
    }
    close(ends[1]);
    while ((now = read(ends[0], text + bytes, sizeof(text) - 1 - (size_t)bytes)) > 0)
        bytes += now;
    text[bytes] = '\0';
    close(ends[0]);
    wait(&status);
    return text;
}

int main(int count, char **arguments)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY), self, script, closed;

    if (count > 1) {
        printf("%s %s\n", arguments[0], (const char *)getauxval(AT_EXECFN));
        return 0;
    }
    self = open("exec_at", O_PATH);
    script = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(write(script, "#!exec_at\n", 10) == 10 && symlink("exec_at", "link") == 0);
    CHECK(dup2(folder, 20) == 20 && dup2(self, 21) == 21);
    close(script);
    CHECK(fcntl(open("script", O_RDONLY), F_DUPFD, 22) == 22);
    closed = open("script", O_RDONLY | O_CLOEXEC);
    SAYS(20, "exec_at", 0, "x /dev/fd/20/exec_at\n");
    SAYS(21, "", AT_EMPTY_PATH, "x /dev/fd/21\n");
    SAYS(AT_FDCWD, "./exec_at", 0, "x ./exec_at\n");
    SAYS(20, "script", 0, "exec_at /dev/fd/20/script\n");
    SAYS(22, "", AT_EMPTY_PATH, "exec_at /dev/fd/22\n");
    SAYS(closed, "", AT_EMPTY_PATH, "No such file or directory\n");
    SAYS(20, "link", 0, "x /dev/fd/20/link\n");
    SAYS(20, "link", AT_SYMLINK_NOFOLLOW, "Too many levels of symbolic links\n");
    SAYS(20, "none", 0, "No such file or directory\n");
    SAYS(21, "", 0, "No such file or directory\n");
    SAYS(21, "x", 0, "Not a directory\n");
    SAYS(20, "", AT_EMPTY_PATH, "Permission denied\n");
    SAYS(AT_FDCWD, "", AT_EMPTY_PATH, "Permission denied\n");
    SAYS(99, "exec_at", 0, "Bad file descriptor\n");
    SAYS(20, "exec_at", 1, "Invalid argument\n");
    SAYS(20, (char *)8, 0, "Bad address\n");
    printf("%d differences\n", differences);
    return differences != 0;
}
