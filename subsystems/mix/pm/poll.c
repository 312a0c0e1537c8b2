/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and select. Streams are asked of STM, in one message that waits there; everything else is
 * always ready, and then nobody waits.
 */
#include "chorus/calls.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/time.h"
#include "subsystems/mix/pm/user.h"

#define WATCH_BYTES 16u /* of struct stm_watch on the wire: key, events, revents */
#define WATCH_MAX (STM_POLL_IN_ITEMS_MAX / WATCH_BYTES)
#define ALWAYS_READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define SELECT_MAX 1024

struct watching {
    struct linux_pollfd *fds; /* count of them, in PM's memory */
    uint32_t count;
    struct file **files;
    uint8_t *items; /* as on the wire, of the streams among them */
    uint32_t item_count;
    uint32_t ready;
};

static size_t watching_bytes(uint32_t count)
{
    return count * (sizeof(struct linux_pollfd) + sizeof(struct file *) + WATCH_BYTES);
}

static struct linux_pollfd *watching_create(struct pm *pm, struct watching *watching,
                                            uint32_t count)
{
    char *memory = heap_allocate(&pm->heap, watching_bytes(MAX(count, 1u)));

    if (memory == NULL)
        return NULL;
    *watching = (struct watching){.count = count};
    watching->files = (struct file **)(void *)memory;
    watching->items = (uint8_t *)(memory + count * sizeof(struct file *));
    watching->fds = (struct linux_pollfd *)(void *)(watching->items + count * WATCH_BYTES);
    return watching->fds;
}

static void watching_destroy(struct pm *pm, struct watching *watching)
{
    for (uint32_t i = 0; i < watching->count; i++) {
        if (watching->files[i] != NULL)
            file_drop(pm, watching->files[i]);
    }
    heap_free(&pm->heap, watching->files, watching_bytes(MAX(watching->count, 1u)));
}

/* Finds the files; what needs no stream is answered at once. */
static void gather(struct process *process, struct watching *watching)
{
    for (uint32_t i = 0; i < watching->count; i++) {
        struct linux_pollfd *fd = &watching->fds[i];
        struct file *file = fd->fd < 0 ? NULL : descriptor_get(process, fd->fd);

        fd->revents = 0;
        watching->files[i] = file;
        if (fd->fd < 0)
            continue;
        if (file == NULL) {
            fd->revents = POLLNVAL;
        } else if (!file->operations->pollable) {
            fd->revents = fd->events & ALWAYS_READY;
        } else {
            uint8_t *item = watching->items + watching->item_count++ * WATCH_BYTES;

            le64_store(item, file->key);
            le32_store(item + 8, (uint32_t)(uint16_t)fd->events);
            le32_store(item + 12, 0);
        }
        watching->ready += fd->revents != 0;
    }
}

static void scatter(struct watching *watching)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < watching->count; i++) {
        if (watching->files[i] == NULL || !watching->files[i]->operations->pollable)
            continue;
        watching->fds[i].revents = (int16_t)le32_load(watching->items + at++ * WATCH_BYTES + 12);
        watching->ready += watching->fds[i].revents != 0;
    }
}

static long wait_alone(struct task *task, int64_t delay_ns)
{
    if (signal_is_pending(task))
        return MIX_UNHANDLED;
    if (delay_ns != 0 && threadDelay(delay_ns) == K_EABORT)
        return MIX_UNHANDLED;
    return 0;
}

/* Waits for one of them. delay_ns: negative for ever. */
static long watch(struct task *task, struct watching *watching, int64_t delay_ns)
{
    struct pm *pm = task->process->pm;
    struct idl_client client = stm_client(pm);
    long result;

    if (watching->count > WATCH_MAX)
        return -EINVAL;
    gather(task->process, watching);
    if (watching->ready > 0)
        delay_ns = 0;
    if (watching->item_count == 0)
        return watching->ready > 0 ? 0 : wait_alone(task, delay_ns);
    if (delay_ns != 0 && signal_is_pending(task))
        return MIX_UNHANDLED;
    const struct stm_poll_in in = {.timeout_ns = delay_ns,
                                   .items = watching->items,
                                   .items_bytes = watching->item_count * WATCH_BYTES};
    struct stm_poll_out out = {.results = watching->items, .results_room = in.items_bytes};

    result = server_result(stm_poll(&client, &in, &out));
    if (result == MIX_RESTART)
        return MIX_UNHANDLED;
    if (result == 0)
        scatter(watching);
    return result;
}

static long poll(struct task *task, VmAddr fds, uint32_t count, int64_t delay_ns)
{
    struct pm *pm = task->process->pm;
    struct watching watching;
    long result;

    if (count > DESCRIPTORS_MAX)
        return -EINVAL;
    if (watching_create(pm, &watching, count) == NULL)
        return -ENOMEM;
    result = user_read(watching.fds, fds, count * sizeof(*watching.fds));
    if (result == 0)
        result = watch(task, &watching, delay_ns);
    if (result == 0)
        result = user_write(fds, watching.fds, count * sizeof(*watching.fds));
    if (result == 0)
        result = watching.ready;
    watching_destroy(pm, &watching);
    return result;
}

static long poll_on(struct task *task)
{
    const struct resume *resume = &task->resume;
    int64_t delay_ns = resume->end_ns == UINT64_MAX ? K_NOTIMEOUT : time_left(resume->end_ns);
    long result = poll(task, resume->first, resume->number, delay_ns);

    return result == MIX_UNHANDLED ? MIX_RESUME : result;
}

long sys_poll(struct task *task, VmAddr fds, uint32_t count, int32_t timeout_ms)
{
    uint64_t end_ns =
        timeout_ms < 0 ? UINT64_MAX : time_after(pm_now_ns(), (uint64_t)timeout_ms * 1000000);

    task->resume = (struct resume){poll_on, .end_ns = end_ns, .first = fds, .number = count};
    return poll_on(task);
}

/* As in Linux, who waits for a time is told how much of it is left; and made again, the call waits
 * for no more than that. */
static long tell_left(long result, VmAddr timeout, int64_t delay_ns, uint64_t end_ns, int64_t unit)
{
    struct linux_timespec left = time_spec((uint64_t)time_left(end_ns));

    left.nanoseconds /= unit;
    if (timeout != 0 && delay_ns != 0 && user_write(timeout, &left, sizeof(left)) < 0 &&
        result == MIX_UNHANDLED)
        return -EINTR;
    return result;
}

/* The mask a call waits with, and the delay it waits at most. */
static long wait_arguments(struct task *task, VmAddr timeout, VmAddr mask, int64_t *delay_ns)
{
    uint64_t set;
    long result = 0;

    *delay_ns = K_NOTIMEOUT;
    if (timeout != 0)
        result = time_read_delay(timeout, delay_ns);
    if (result == 0 && mask != 0) {
        result = user_read(&set, mask, sizeof(set));
        if (result == 0)
            signal_mask_for_call(task, set);
    }
    return result;
}

long sys_ppoll(struct task *task, VmAddr fds, uint32_t count, VmAddr timeout, VmAddr mask,
               size_t set_bytes)
{
    int64_t delay_ns;
    long result;

    if (mask != 0 && set_bytes != sizeof(uint64_t))
        return -EINVAL;
    result = wait_arguments(task, timeout, mask, &delay_ns);
    if (result < 0)
        return result;
    uint64_t end_ns = time_after(pm_now_ns(), (uint64_t)delay_ns);

    return tell_left(poll(task, fds, count, delay_ns), timeout, delay_ns, end_ns, 1);
}

/* ---- select ------------------------------------------------------------------------------ */

struct sets {
    VmAddr address[3]; /* read, write, except */
    uint64_t bits[3][SELECT_MAX / 64];
};

static const int16_t set_events[3] = {POLLIN, POLLOUT, POLLPRI};
static const int16_t set_results[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};

static bool set_has(const struct sets *sets, int which, uint32_t fd)
{
    return (sets->bits[which][fd / 64] >> (fd % 64) & 1) != 0;
}

static long sets_read(struct sets *sets, uint32_t count)
{
    size_t bytes = DIV_ROUND_UP(count, 64) * sizeof(uint64_t);

    memset(sets->bits, 0, sizeof(sets->bits));
    for (int i = 0; i < 3; i++) {
        if (sets->address[i] != 0 && user_read(sets->bits[i], sets->address[i], bytes) < 0)
            return -EFAULT;
    }
    return 0;
}

static uint32_t sets_to_fds(const struct sets *sets, uint32_t count, struct linux_pollfd *fds)
{
    uint32_t used = 0;

    for (uint32_t fd = 0; fd < count; fd++) {
        int16_t events = 0;

        for (int i = 0; i < 3; i++)
            events |= set_has(sets, i, fd) ? set_events[i] : 0;
        if (events != 0)
            fds[used++] = (struct linux_pollfd){(int32_t)fd, events, 0};
    }
    return used;
}

/* How many bits are set, or EBADF. */
static long fds_to_sets(struct sets *sets, const struct watching *watching)
{
    long total = 0;

    memset(sets->bits, 0, sizeof(sets->bits));
    for (uint32_t i = 0; i < watching->count; i++) {
        const struct linux_pollfd *fd = &watching->fds[i];

        if ((fd->revents & POLLNVAL) != 0)
            return -EBADF;
        for (int j = 0; j < 3; j++) {
            if ((fd->events & set_events[j]) == 0 || (fd->revents & set_results[j]) == 0)
                continue;
            sets->bits[j][fd->fd / 64] |= UINT64_C(1) << (fd->fd % 64);
            total++;
        }
    }
    return total;
}

static long sets_write(const struct sets *sets, uint32_t count)
{
    size_t bytes = DIV_ROUND_UP(count, 64) * sizeof(uint64_t);

    for (int i = 0; i < 3; i++) {
        if (sets->address[i] != 0 && user_write(sets->address[i], sets->bits[i], bytes) < 0)
            return -EFAULT;
    }
    return 0;
}

static long select(struct task *task, int32_t count, struct sets *sets, int64_t delay_ns)
{
    struct pm *pm = task->process->pm;
    struct watching watching;
    long result;

    if (count < 0)
        return -EINVAL;
    count = MIN(count, SELECT_MAX);
    result = sets_read(sets, (uint32_t)count);
    if (result < 0)
        return result;
    if (watching_create(pm, &watching, (uint32_t)count) == NULL)
        return -ENOMEM;
    uint32_t allocated = watching.count;

    watching.count = sets_to_fds(sets, (uint32_t)count, watching.fds);
    result = watch(task, &watching, delay_ns);
    if (result == 0)
        result = fds_to_sets(sets, &watching);
    if (result >= 0 && sets_write(sets, (uint32_t)count) < 0)
        result = -EFAULT;
    for (uint32_t i = watching.count; i < allocated; i++)
        watching.files[i] = NULL;
    watching.count = allocated;
    watching_destroy(pm, &watching);
    return result;
}

static long select_sets(struct task *task, int32_t count, VmAddr read, VmAddr write, VmAddr except,
                        int64_t delay_ns)
{
    struct sets sets = {.address = {read, write, except}};

    return select(task, count, &sets, delay_ns);
}

long sys_select(struct task *task, int32_t count, VmAddr read, VmAddr write, VmAddr except,
                VmAddr timeout)
{
    struct linux_timeval time;
    int64_t delay_ns = K_NOTIMEOUT;

    if (timeout != 0) {
        if (user_read(&time, timeout, sizeof(time)) < 0)
            return -EFAULT;
        if (time.seconds < 0 || time.microseconds < 0)
            return -EINVAL;
        delay_ns = time.seconds > INT64_MAX / 2000000000
                       ? INT64_MAX
                       : time.seconds * 1000000000 + time.microseconds * 1000;
    }
    uint64_t end_ns = time_after(pm_now_ns(), (uint64_t)delay_ns);
    long result = select_sets(task, count, read, write, except, delay_ns);

    return tell_left(result, timeout, delay_ns, end_ns, 1000);
}

long sys_pselect6(struct task *task, int32_t count, VmAddr read, VmAddr write, VmAddr except,
                  VmAddr timeout, VmAddr mask)
{
    struct {
        uint64_t set, bytes;
    } packed = {0, 0};
    int64_t delay_ns;
    long result;

    if (mask != 0 && user_read(&packed, mask, sizeof(packed)) < 0)
        return -EFAULT;
    if (packed.set != 0 && packed.bytes != sizeof(uint64_t))
        return -EINVAL;
    result = wait_arguments(task, timeout, packed.set, &delay_ns);
    if (result < 0)
        return result;
    uint64_t end_ns = time_after(pm_now_ns(), (uint64_t)delay_ns);

    result = select_sets(task, count, read, write, except, delay_ns);
    return tell_left(result, timeout, delay_ns, end_ns, 1);
}
