/* SPDX-License-Identifier: BSD-2-Clause */
/* flock and sendfile. Prints a line for each thing that is not as in Linux, and how many. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define BYTES 100000

static void on_alarm(int number)
{
    (void)number;
}

static void look_at_locks(void)
{
    int one = open("/tmp/lock", O_CREAT | O_RDWR, 0600), two = open("/tmp/lock", O_RDONLY);
    int other = open("/tmp/other", O_CREAT | O_RDWR, 0600), again = dup(one), status = -1;

    CHECK(flock(one, LOCK_SH) == 0 && flock(two, LOCK_SH | LOCK_NB) == 0);
    CHECK(flock(one, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    CHECK(flock(two, LOCK_UN) == 0 && flock(one, LOCK_EX | LOCK_NB) == 0);
    CHECK(flock(two, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    CHECK(flock(other, LOCK_EX | LOCK_NB) == 0 && flock(again, LOCK_EX | LOCK_NB) == 0);
    CHECK(flock(one, 3) < 0 && errno == EINVAL && flock(99, LOCK_EX) < 0 && errno == EBADF);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    alarm(1);
    CHECK(flock(two, LOCK_EX) < 0 && errno == EINTR);
    if (fork() == 0) { /* shares the lock, and keeps it for a while */
        usleep(300000);
        _exit(0);
    }
    close(again);
    close(one);
    CHECK(flock(two, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    CHECK(flock(two, LOCK_EX) == 0);
    CHECK(wait(&status) > 0 && status == 0);
    close(two);
    close(other);
}

static void look_at_sends(void)
{
    static char sent[BYTES], got[BYTES];
    int from = open("/tmp/from", O_CREAT | O_RDWR | O_TRUNC, 0600);
    int to = open("/tmp/to", O_CREAT | O_RDWR | O_TRUNC, 0600);
    int append = open("/tmp/to", O_WRONLY | O_APPEND), ends[2];
    off_t at = 10;

    for (int i = 0; i < BYTES; i++)
        sent[i] = (char)(i * 7 + i / 251);
    CHECK(write(from, sent, BYTES) == BYTES && lseek(from, 3, SEEK_SET) == 3);
    CHECK(sendfile(to, from, NULL, 2 * BYTES) == BYTES - 3);
    CHECK(lseek(from, 0, SEEK_CUR) == BYTES && sendfile(to, from, NULL, 5) == 0);
    CHECK(pread(to, got, BYTES, 0) == BYTES - 3 && memcmp(got, sent + 3, BYTES - 3) == 0);
    CHECK(sendfile(to, from, &at, 20) == 20 && at == 30 && lseek(from, 0, SEEK_CUR) == BYTES);
    CHECK(pread(to, got, BYTES, BYTES - 3) == 20 && memcmp(got, sent + 10, 20) == 0);
    CHECK(sendfile(append, from, &at, 20) < 0 && errno == EINVAL);
    CHECK(sendfile(from, append, &at, 20) < 0 && errno == EBADF);
    CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK(sendfile(ends[1], ends[0], NULL, 20) < 0 && errno == EINVAL);
    lseek(from, 0, SEEK_SET);
    /* The pipe fills: what it took, and no more, has been read. */
    ssize_t taken = sendfile(ends[1], from, NULL, BYTES);

    CHECK(taken > 0 && taken < BYTES && lseek(from, 0, SEEK_CUR) == taken);
    for (ssize_t done = 0, now; done < taken; done += now) {
        now = read(ends[0], got + done, (size_t)(taken - done));
        if (now <= 0)
            break;
    }
    CHECK(memcmp(got, sent, (size_t)taken) == 0);
}

int main(void)
{
    look_at_locks();
    look_at_sends();
    printf("%d differences\n", differences);
    return differences != 0;
}
