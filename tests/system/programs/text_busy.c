/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that are written while they run, and run while they are written. Prints a line for each
 * thing that is not as in Linux, and how many. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char image[4 << 20];

static void copy_to(const char *name)
{
    int from = open("text_busy", O_RDONLY), to = open(name, O_WRONLY | O_CREAT | O_EXCL, 0755);
    ssize_t bytes = read(from, image, sizeof(image));

    CHECK(bytes > 0 && write(to, image, (size_t)bytes) == bytes);
    close(from);
    close(to);
}

/* Starts the program, which ends when `hold` is closed. */
static pid_t start(const char *name, int *hold)
{
    int ready[2], end[2];
    char byte;

    CHECK(pipe(ready) == 0 && pipe(end) == 0);
    pid_t child = fork();

    if (child == 0) {
        dup2(ready[1], 1);
        dup2(end[0], 0);
        close(end[1]);
        execl(name, name, "run", NULL);
        exit(errno);
    }
    close(ready[1]);
    close(end[0]);
    CHECK(read(ready[0], &byte, 1) >= 0);
    close(ready[0]);
    *hold = end[1];
    return child;
}

static int end_of(pid_t child, int hold)
{
    int status;

    close(hold);
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static int refused(int result)
{
    return result < 0 && errno == ETXTBSY;
}

static void written_while_run(void)
{
    int hold;

    copy_to("busy");
    pid_t child = start("./busy", &hold);

    CHECK(refused(open("busy", O_WRONLY)));
    CHECK(refused(open("busy", O_RDWR)));
    CHECK(refused(open("busy", O_RDONLY | O_TRUNC)));
    CHECK(refused(open("busy", O_WRONLY | O_CREAT | O_TRUNC, 0755)));
    CHECK(refused(truncate("busy", 0)));
    CHECK(open("busy", O_RDONLY) >= 0);
    CHECK(chmod("busy", 0700) == 0);
    CHECK(rename("busy", "moved") == 0);
    CHECK(refused(open("moved", O_WRONLY)));
    CHECK(end_of(child, hold) == 7);
    CHECK(close(open("moved", O_WRONLY)) == 0);
    CHECK(truncate("moved", 0) == 0);
    CHECK(unlink("moved") == 0);
}

/* A child's fork counts, and its exec of something else does not. */
static void run_by_children(void)
{
    int hold;

    copy_to("busy");
    pid_t child = start("./busy", &hold);
    pid_t copy = fork();

    if (copy == 0)
        _exit(0);
    waitpid(copy, NULL, 0);
    CHECK(refused(open("busy", O_WRONLY)));
    CHECK(unlink("busy") == 0);
    copy_to("busy");
    CHECK(close(open("busy", O_WRONLY)) == 0);
    CHECK(end_of(child, hold) == 7);
    CHECK(unlink("busy") == 0);
}

static void run_while_written(void)
{
    int hold;

    copy_to("busy");
    int writer = open("busy", O_WRONLY);

    pid_t child = start("./busy", &hold);

    CHECK(end_of(child, hold) == ETXTBSY);
    close(writer);
    int reader = open("busy", O_RDONLY);

    child = start("./busy", &hold);
    CHECK(end_of(child, hold) == 7);
    close(reader);
    CHECK(unlink("busy") == 0);
}

int main(int count, char **arguments)
{
    char byte;

    (void)arguments;
    if (count > 1) {
        CHECK(write(1, "x", 1) == 1);
        CHECK(read(0, &byte, 1) == 0);
        return 7;
    }
    written_while_run();
    run_by_children();
    run_while_written();
    printf("%d differences\n", differences);
    return differences != 0;
}
