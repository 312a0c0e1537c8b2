/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named pipes: a pipe exists while somebody has the file open that names it. Who opens one side
 * waits for the other, as often as it may come and go meanwhile: that it has been there is enough.
 */
#include "kit/assert.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/pipe.h"
#include "subsystems/mix/stm/stm.h"

static uint64_t name_hash(uint64_t device, uint64_t inode)
{
    return hash_u64(inode ^ hash_u64(device));
}

static struct pipe *name_find(struct pipes *pipes, uint64_t device, uint64_t inode)
{
    struct pipe *pipe;

    HASH_FOR_EACH(pipe, &pipes->names, name_hash(device, inode), in_names) {
        if (pipe->device == device && pipe->inode == inode)
            return pipe;
    }
    return NULL;
}

static struct pipe *name_create(struct pipes *pipes, uint64_t device, uint64_t inode)
{
    struct pipe *pipe = pipe_create(pipes, PIPE_BYTES);

    if (pipe == NULL)
        return NULL;
    pipe->named = true;
    pipe->device = device;
    pipe->inode = inode;
    hash_insert(&pipes->names, &pipe->in_names, name_hash(device, inode));
    return pipe;
}

void fifo_forget(struct stm *stm, struct pipe *pipe)
{
    if (!pipe->named)
        return;
    hash_remove(&stm->pipes.names, &pipe->in_names, name_hash(pipe->device, pipe->inode));
    pipe->named = false;
}

/* Until another end of the other side is opened. */
static int other_side_wait(struct call *call, struct pipe *pipe, const uint32_t *seen)
{
    uint32_t before = *seen;
    int status = 0;

    while (status == 0 && *seen == before)
        status = call_wait(call, &pipe->openers, 0);
    return status;
}

int fifo_open(struct call *call, uint64_t device, uint64_t inode, uint32_t access, bool wait)
{
    struct stm *stm = call->stm;
    struct pipe *pipe = name_find(&stm->pipes, device, inode);

    if (access == STREAM_WRITE && !wait && (pipe == NULL || pipe->readers == 0))
        return -ENXIO;
    if (pipe == NULL)
        pipe = name_create(&stm->pipes, device, inode);
    if (pipe == NULL)
        return -ENFILE;
    call->opened[0] = pipe_open(stm, pipe, access);
    if (call->opened[0] == NULL) {
        pipe_drop_unused(stm, pipe);
        return -ENFILE;
    }
    if (wait && access == STREAM_READ && pipe->writers == 0)
        return other_side_wait(call, pipe, &pipe->writers_seen);
    if (wait && access == STREAM_WRITE && pipe->readers == 0)
        return other_side_wait(call, pipe, &pipe->readers_seen);
    return 0;
}
