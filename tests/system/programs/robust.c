/* SPDX-License-Identifier: BSD-2-Clause */
/* Robust mutexes: who waits for one whose owner has ended, as a thread or as a process, learns
 * it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t *mutex_make(void)
{
    pthread_mutex_t *mutex =
        mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attributes);
    return mutex;
}

static void *take(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static int recover(pthread_mutex_t *mutex)
{
    int result = pthread_mutex_lock(mutex);

    if (result == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    pthread_mutex_unlock(mutex);
    return result;
}

int main(void)
{
    pthread_mutex_t *mutex = mutex_make();
    pthread_t thread;
    int ready[2];
    char byte;

    pthread_create(&thread, NULL, take, mutex);
    pthread_join(thread, NULL);
    printf("thread %d\n", recover(mutex) == EOWNERDEAD);
    printf("again %d\n", recover(mutex));
    if (pipe(ready) < 0)
        return 1;
    if (fork() == 0) {
        pthread_mutex_lock(mutex);
        (void)!write(ready[1], "x", 1);
        usleep(200000); /* the parent waits by then */
        _exit(0);
    }
    (void)!read(ready[0], &byte, 1);
    printf("process %d\n", recover(mutex) == EOWNERDEAD);
    wait(NULL);
    return 0;
}
