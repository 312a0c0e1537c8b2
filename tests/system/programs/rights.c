/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose rights a program has: set-id bits, what takes them away, no_new_privs, setfsuid, search
 * permission, and what the auxiliary vector tells. To be run as root in a folder of its own; prints
 * a line for each thing that is not as in Linux, and how many.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define NOBODY 65534
#define OTHER 4242

static int mode_of(const char *name)
{
    struct stat stat;

    return lstat(name, &stat) < 0 ? -1 : (int)stat.st_mode & 07777;
}

/* What a program run by `name` says of itself: see say(). */
static const char *said(const char *name, const char *file, uid_t uid, int alone)
{
    static char text[200];
    int ends[2], status;
    ssize_t bytes = 0, now;

    if (pipe(ends) < 0 || fork() == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        if ((uid != 0 && (setgid(uid) < 0 || setuid(uid) < 0)) ||
            (alone && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
            _exit(1);
        execl(file, name, "say", (char *)NULL);
        printf("error %d\n", errno);
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

static int say(void)
{
    uid_t uid[3];
    gid_t gid[3];

    if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
        return 1;
    printf("%u %u %u, %u %u %u, %lu %lu %lu %lu, secure %lu, %s\n", uid[0], uid[1], uid[2], gid[0],
           gid[1], gid[2], getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
           getauxval(AT_EGID), getauxval(AT_SECURE), (const char *)getauxval(AT_EXECFN));
    return 0;
}

static void copy_self(const char *to, mode_t mode)
{
    char piece[4096];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    ssize_t bytes;

    while ((bytes = read(in, piece, sizeof(piece))) > 0)
        CHECK(write(out, piece, (size_t)bytes) == bytes);
    CHECK(fchmod(out, mode) == 0);
    close(in);
    close(out);
}

static void look_at_exec(void)
{
    int script;

    copy_self("lends", 04755);
    CHECK(!strcmp(said("x", "./lends", NOBODY, 0), "65534 0 0, 65534 65534 65534, 65534 0 65534 "
                                                   "65534, secure 1, ./lends\n"));
    CHECK(!strcmp(said("x", "./lends", NOBODY, 1), "65534 65534 65534, 65534 65534 65534, 65534 "
                                                   "65534 65534 65534, secure 0, ./lends\n"));
    CHECK(!strcmp(said("x", "./lends", 0, 0), "0 0 0, 0 0 0, 0 0 0 0, secure 0, ./lends\n"));
    CHECK(chown("lends", OTHER, OTHER) == 0 && mode_of("lends") == 0755);
    CHECK(chmod("lends", 06755) == 0);
    CHECK(!strcmp(said("x", "./lends", NOBODY, 0), "65534 4242 4242, 65534 4242 4242, 65534 4242 "
                                                   "65534 4242, secure 1, ./lends\n"));
    /* Without leave for the group to execute, its bit is of locks. */
    CHECK(chmod("lends", 02705) == 0);
    CHECK(!strcmp(said("x", "./lends", NOBODY, 0), "65534 65534 65534, 65534 65534 65534, 65534 "
                                                   "65534 65534 65534, secure 0, ./lends\n"));
    script = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(write(script, "#! lends say\n", 13) == 13 && fchmod(script, 06755) == 0);
    close(script);
    CHECK(!strcmp(said("x", "./script", NOBODY, 0), "65534 65534 65534, 65534 65534 65534, 65534 "
                                                    "65534 65534 65534, secure 0, ./script\n"));
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 && errno == EINVAL);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0 && errno == EINVAL);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 1, 0) < 0 && errno == EINVAL);
}

/* In a process of its own, as somebody. */
static void as(uid_t uid, gid_t gid, void (*look)(void))
{
    int status = -1;

    if (fork() == 0) {
        differences = 0;
        if (setgid(gid) < 0 || setuid(uid) < 0)
            _exit(1);
        look();
        _exit(differences);
    }
    CHECK(wait(&status) > 0 && status == 0);
}

static void write_as_other(void)
{
    int file = open("all", O_WRONLY), again;

    CHECK(mode_of("all") == 06777 && write(file, "", 0) == 0 && mode_of("all") == 06777);
    CHECK(write(file, "x", 1) == 1 && mode_of("all") == 0777);
    CHECK(fchmod(file, 04777) < 0 && errno == EPERM);
    again = open("group", O_WRONLY);
    CHECK(write(again, "x", 1) == 1 && mode_of("group") == 0767);
    CHECK(open("size", O_WRONLY | O_TRUNC) >= 0 && mode_of("size") == 0777);
}

/* What the owner sets again, the next write takes again. */
static void write_as_owner(void)
{
    int file = open("own", O_RDWR | O_CREAT | O_EXCL, 0700), other;

    CHECK(write(file, "xyz", 3) == 3 && fchmod(file, 04700) == 0 && mode_of("own") == 04700);
    CHECK(write(file, "xyz", 3) == 3 && mode_of("own") == 0700);
    CHECK(write(file, "xyz", 3) == 3 && chmod("own", 06710) == 0);
    CHECK(ftruncate(file, 1) == 0 && mode_of("own") == 0710);
    CHECK(chmod("own", 06710) == 0);
    other = open("own", O_WRONLY);
    CHECK(pwrite(other, "x", 1, 0) == 1 && mode_of("own") == 0710);
    CHECK(chmod("own", 02700) == 0 && write(file, "x", 1) == 1 && mode_of("own") == 02700);
}

static void make(const char *name, mode_t mode)
{
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);

    CHECK(fchown(file, OTHER, OTHER) == 0 && fchmod(file, mode) == 0);
    close(file);
}

static void look_at_writes(void)
{
    int file;

    make("all", 06777);
    make("group", 06767);
    make("size", 04777);
    as(NOBODY, NOBODY, write_as_other);
    unlink("own");
    as(NOBODY, NOBODY, write_as_owner);
    CHECK(chmod("all", 06777) == 0);
    file = open("all", O_WRONLY);
    CHECK(write(file, "x", 1) == 1 && mode_of("all") == 06777); /* root's do not */
    CHECK(fchown(file, OTHER, OTHER + 1) == 0 && mode_of("all") == 0777);
    CHECK(chmod("all", 02767) == 0 && fchown(file, OTHER, OTHER) == 0 && mode_of("all") == 02767);
    close(file);
    CHECK(mkdir("folder", 0755) == 0 && chmod("folder", 02755) == 0);
    CHECK(chown("folder", OTHER, OTHER) == 0 && mode_of("folder") == 02755);
    rmdir("folder");
}

static void search_as_other(void)
{
    int read = open("read", O_RDONLY | O_DIRECTORY), search = open("search", O_PATH);

    CHECK(read >= 0 && search >= 0);
    CHECK(chdir("read") < 0 && errno == EACCES);
    CHECK(fchdir(read) < 0 && errno == EACCES);
    CHECK(chdir("search") == 0 && open(".", O_RDONLY) < 0 && errno == EACCES);
    CHECK(chdir("..") == 0 && fchdir(search) == 0 && chdir("..") == 0);
    CHECK(chdir("/proc/1/fd") < 0 && errno == EACCES && chdir("/proc/self/fd") == 0);
}

static void look_at_search(void)
{
    CHECK(mkdir("read", 0744) == 0 && mkdir("search", 0711) == 0 && mkdir("none", 0) == 0);
    as(NOBODY, NOBODY, search_as_other);
    CHECK(chdir("none") == 0 && chdir("..") == 0); /* root may all */
    rmdir("read");
    rmdir("search");
    rmdir("none");
}

static void files_as_other(void)
{
    CHECK(setfsuid(0) == NOBODY && setfsuid(-1) == NOBODY);
    CHECK(setfsgid(0) == NOBODY && setfsgid(-1) == NOBODY);
}

static void look_at_files_ids(void)
{
    make("private", 0600);
    CHECK(setfsgid(OTHER + 1) == 0 && setfsuid(OTHER + 1) == 0);
    CHECK(open("private", O_RDONLY) < 0 && errno == EACCES && geteuid() == 0);
    CHECK(setfsuid(OTHER) == OTHER + 1 && open("private", O_RDONLY) >= 0);
    CHECK(setfsuid(-1) == OTHER && setresuid(-1, 0, -1) == 0 && setfsuid(-1) == 0);
    CHECK(setfsgid(-1) == OTHER + 1 && setresgid(-1, 0, -1) == 0 && setfsgid(-1) == 0);
    as(NOBODY, NOBODY, files_as_other);
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return say();
    umask(0);
    look_at_exec();
    look_at_writes();
    look_at_search();
    look_at_files_ids();
    printf("%d differences\n", differences);
    return differences != 0;
}
