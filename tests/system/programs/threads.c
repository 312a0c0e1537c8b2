/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as the C library makes them: a line for each thing that went as it should. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 1000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int total, done;
static __thread int own;

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        total++;
        own++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    done++;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&mutex);
    return (void *)(long)own;
}

static void *sleeper(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void counting(void)
{
    pthread_t thread[THREADS];
    long sum = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, count, NULL);
    pthread_mutex_lock(&mutex);
    while (done < THREADS)
        pthread_cond_wait(&ended, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(thread[i], &result);
        sum += (long)result;
    }
    printf("counted %d and %ld\n", total, sum);
}

static void cancelling(void)
{
    pthread_t thread;
    void *result;

    pthread_create(&thread, NULL, sleeper, NULL);
    usleep(20000);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled %d\n", result == PTHREAD_CANCELED);
}

static void waiting(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    printf("timed out %d\n", pthread_cond_timedwait(&ended, &mutex, &until) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static int order[16], arrived;

static void take(int signal, siginfo_t *info, void *context)
{
    (void)context;
    order[arrived++] = signal * 100 + info->si_value.sival_int;
}

/* Real-time signals are queued with what they carry; ordinary ones are not. */
static void queueing(void)
{
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
    sigset_t all, before;

    sigaction(40, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), 40, (union sigval){.sival_int = i});
        sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    printf("queued");
    for (int i = 0; i < arrived; i++)
        printf(" %d", order[i]);
    printf("\n");
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < 100000; i++) {
        if (sigqueue(getpid(), 40, (union sigval){.sival_int = i}) < 0) {
            printf("full %d\n", errno == EAGAIN);
            break;
        }
    }
}

int main(void)
{
    pthread_t thread;
    int status;

    setbuf(stdout, NULL);
    counting();
    cancelling();
    waiting();
    queueing();
    pthread_create(&thread, NULL, sleeper, NULL);
    if (fork() == 0)
        _exit(3);
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));
    execl("/bin/echo", "echo", "only the program that was executed is left", (char *)NULL);
    return 1;
}
