/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices that are mere memory: null, zero, full, random, urandom. They need no server. */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

#define MEMORY_MAJOR 1
#define MINOR_NULL 3
#define MINOR_ZERO 5
#define MINOR_FULL 7
#define MINOR_RANDOM 8
#define MINOR_URANDOM 9
#define PIECE_BYTES 512u

static uint32_t minor_of(const struct file *file)
{
    return (uint32_t)file->rdev & 0xff;
}

bool device_is_memory(uint64_t rdev)
{
    uint32_t minor = (uint32_t)rdev & 0xff;

    return rdev >> 8 == MEMORY_MAJOR &&
           (minor == MINOR_NULL || minor == MINOR_ZERO || minor == MINOR_FULL ||
            minor == MINOR_RANDOM || minor == MINOR_URANDOM);
}

bool device_is_zero(const struct file *file)
{
    return file->operations == &device_operations && minor_of(file) == MINOR_ZERO;
}

static long write_pieces(struct task *task, VmAddr to, size_t bytes, bool random)
{
    uint8_t piece[PIECE_BYTES] = {0};
    size_t done = 0;

    while (done < bytes) {
        size_t now = MIN(bytes - done, sizeof(piece));
        long result;

        if (random)
            pm_random(task->process->pm, piece, now);
        result = user_write(to + done, piece, now);
        if (result < 0)
            return done > 0 ? (long)done : result;
        done += now;
        if (signal_is_pending(task))
            break;
    }
    return (long)done;
}

static long device_read(struct task *task, struct file *file, VmAddr to, size_t bytes,
                        uint64_t *offset)
{
    (void)offset;
    if (minor_of(file) == MINOR_NULL)
        return 0;
    return write_pieces(task, to, bytes, minor_of(file) >= MINOR_RANDOM);
}

static long device_write(struct task *task, struct file *file, VmAddr from, size_t bytes,
                         uint64_t *offset)
{
    (void)task;
    (void)from;
    (void)offset;
    return minor_of(file) == MINOR_FULL ? -ENOSPC : (long)bytes;
}

const struct file_operations device_operations = {
    .read = device_read,
    .write = device_write,
    .stat = path_stat_file,
    .close = path_close_file,
    .seekable = true,
};
