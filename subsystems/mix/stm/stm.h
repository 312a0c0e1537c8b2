/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Streams Manager: pipes, the console, and the launcher's streams (idl/stm.idl).
 *
 *   wait, lock                  waiting, under one lock
 *   stream, call, threads       what every kind of stream shares; serving
 *   pipe, fifo                  pipes
 *   counter                     numbers that are added to, and timers
 *   tty, terminal               the line discipline; the console around it
 *   launch, channel             the launcher's streams
 *   poll, epoll                 many streams at once, named each time or once
 *   signals                     what PM is told
 *   server, main                the operations, and the start
 *
 * I1 All writable data hangs off struct stm, and all of it is touched under `lock`.
 * I2 Nobody holds the lock while he waits or calls another server, but for the reply to a client,
 *    which waits for nothing.
 */
#ifndef STM_STM_H
#define STM_STM_H

#include "chorus/sync.h"
#include "mix/errno.h"
#include "mix/linux.h"
#include "subsystems/mix/stm/channel.h"
#include "subsystems/mix/stm/counter.h"
#include "subsystems/mix/stm/epoll.h"
#include "subsystems/mix/stm/lock.h"
#include "subsystems/mix/stm/pipe.h"
#include "subsystems/mix/stm/poll.h"
#include "subsystems/mix/stm/signals.h"
#include "subsystems/mix/stm/stream.h"
#include "subsystems/mix/stm/terminal.h"
#include "subsystems/mix/stm/threads.h"

#define SCRATCH_BYTES 65536u

struct stm {
    KnMutex lock;
    struct threads threads;
    struct signals signals;
    struct channel channel;
    struct terminal terminal;
    struct streams streams;
    struct pipes pipes;
    struct counters counters;
    struct epolls epolls;
    struct watches watches;
    uint8_t scratch[SCRATCH_BYTES]; /* of whoever holds the lock, until he gives it back */
};

#endif
