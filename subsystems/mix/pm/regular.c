/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files and directories. Data moves between the program's memory and the segment's local
 * cache in the Nucleus; OM hears of it only when the cache lacks a page or must clean one.
 */
#include "chorus/calls.h"
#include "kit/base.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/user.h"

static long regular_read(struct task *task, struct file *file, VmAddr to, size_t bytes,
                         uint64_t *offset)
{
    KnResult got = 0;
    size_t done = 0;

    (void)task;
    do {
        KnObjDesc object = {file->segment, *offset + done, bytes - done};

        got = bytes == 0 ? 0 : sgRead(&object, to + done, 0);
        done += got > 0 ? (size_t)got : 0;
    } while (user_after_signal(got) || (got > 0 && done < bytes));
    if (got < 0 && done == 0)
        return errno_of(got);
    *offset += done;
    return (long)done;
}

/* All of it, from where the first piece has come to lie. `object` tells where that is. */
static KnResult write_all(KnObjDesc *object, VmAddr from, VmFlags flags)
{
    size_t bytes = object->size, done = 0;
    KnResult status;

    do {
        KnObjDesc piece = {object->dataObject, object->startOffset + done, bytes - done};

        status = sgWrite(&piece, from + done, done == 0 ? flags : 0);
        if (status > 0 && done == 0)
            object->startOffset = piece.startOffset;
        done += status > 0 ? (size_t)status : 0;
    } while (user_after_signal(status) || (status > 0 && done < bytes));
    return done > 0 ? (KnResult)done : status;
}

/* The Nucleus settles where an append starts, and lets others in while it copies. */
static KnResult append(struct pm *pm, const struct file *file, KnObjDesc *object, VmAddr from)
{
    KnMutex *mutex = &pm->append[file->segment.key % PM_APPENDS];
    KnResult done;

    mutexGet(mutex);
    done = write_all(object, from, K_APPEND);
    mutexRel(mutex);
    return done;
}

static long regular_write(struct task *task, struct file *file, VmAddr from, size_t bytes,
                          uint64_t *offset)
{
    KnObjDesc object = {file->segment, *offset, bytes};
    uint64_t limit = task->process->limits[RLIMIT_FSIZE].current;
    KnResult done;

    long dropped;

    if (bytes == 0)
        return 0;
    dropped = path_drop_set_ids(task, file);
    if (dropped < 0)
        return dropped;
    if (limit != RLIM_INFINITY) {
        if (*offset >= limit) {
            signal_raise(task->process, SIGXFSZ);
            return -EFBIG;
        }
        object.size = MIN(bytes, limit - *offset);
    }
    done = (file->flags & O_APPEND) != 0 ? append(task->process->pm, file, &object, from)
                                         : write_all(&object, from, 0);
    if (done == K_EINVAL)
        return -EFBIG;
    if (done < 0)
        return errno_of(done);
    *offset = object.startOffset + (uint64_t)done;
    return done;
}

const struct file_operations regular_operations = {
    .read = regular_read,
    .write = regular_write,
    .stat = path_stat_file,
    .close = path_close_file,
    .seekable = true,
};

const struct file_operations directory_operations = {
    .stat = path_stat_file,
    .close = path_close_file,
    .seekable = true,
};
