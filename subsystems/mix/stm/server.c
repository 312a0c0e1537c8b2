/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of idl/stm.idl. Each runs under STM's lock, in the thread that serves its call. */
#include "subsystems/mix/stm/server.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/stm/call.h"
#include "subsystems/mix/stm/stm.h"

/* A negated errno as operations return it; 0 or more is K_OK. */
static KnResult result_of(long status)
{
    return status < 0 ? idl_errno((int32_t)-status) : K_OK;
}

void call_settle(struct call *call, bool done)
{
    if (call->settle != NULL)
        call->settle(call, done);
    for (uint32_t i = 0; i < ARRAY_SIZE(call->opened); i++) {
        if (call->opened[i] != NULL && !done)
            stream_release(call->stm, call->opened[i]);
    }
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static KnResult op_pipe(void *server, const struct idl_context *context, struct stm_pipe_out *out)
{
    struct call *call = server;
    struct stm *stm = call->stm;
    struct pipe *pipe = pipe_create(&stm->pipes, PIPE_BYTES);

    (void)context;
    if (pipe == NULL)
        return idl_errno(ENFILE);
    call->opened[0] = pipe_open(stm, pipe, STREAM_READ);
    call->opened[1] = pipe_open(stm, pipe, STREAM_WRITE);
    if (call->opened[0] == NULL)
        pipe_drop_unused(stm, pipe);
    if (call->opened[0] == NULL || call->opened[1] == NULL)
        return idl_errno(ENFILE);
    out->read_key = call->opened[0]->key;
    out->write_key = call->opened[1]->key;
    return K_OK;
}

static KnResult op_stream(void *server, const struct idl_context *context,
                          const struct stm_stream_in *in, struct stm_stream_out *out)
{
    struct call *call = server;
    bool is_tty = false;
    int status = channel_open(call, in->which, &is_tty);

    (void)context;
    if (status == 0) {
        out->key = call->opened[0]->key;
        out->is_tty = is_tty ? 1 : 0;
    }
    return result_of(status);
}

static KnResult op_fifo(void *server, const struct idl_context *context,
                        const struct stm_fifo_in *in, struct stm_fifo_out *out)
{
    struct call *call = server;
    int status = -EINVAL;

    (void)context;
    STATIC_ASSERT(STREAM_READ == 1 && STREAM_WRITE == 2, "as the protocol's modes");
    if (in->mode != 0 && (in->mode & ~(STREAM_READ | STREAM_WRITE)) == 0)
        status = fifo_open(call, in->device, in->inode, in->mode, in->wait != 0);
    if (status == 0)
        out->key = call->opened[0]->key;
    return result_of(status);
}

static KnResult op_tty(void *server, const struct idl_context *context, const struct stm_tty_in *in,
                       struct stm_tty_out *out)
{
    struct call *call = server;
    int status = terminal_open(call, in);

    (void)context;
    if (status == 0)
        out->key = call->opened[0]->key;
    return result_of(status);
}

static KnResult op_hold(void *server, const struct idl_context *context,
                        const struct stm_hold_in *in)
{
    struct call *call = server;
    struct stream *stream = stream_find(&call->stm->streams, in->key);

    (void)context;
    if (stream == NULL)
        return idl_errno(EBADF);
    if (stream->holders == STREAM_HOLDERS_MOST)
        return idl_errno(ENFILE);
    stream->holders++;
    call->opened[0] = stream;
    return K_OK;
}

static KnResult op_close(void *server, const struct idl_context *context,
                         const struct stm_close_in *in)
{
    struct call *call = server;
    struct stream *stream = stream_find(&call->stm->streams, in->key);

    (void)context;
    if (stream == NULL)
        return idl_errno(EBADF);
    stream_release(call->stm, stream);
    return K_OK;
}

/* ---- Transfers ------------------------------------------------------------------------------- */

static void settle_read(struct call *call, bool done)
{
    call->transfer.stream->operations->read_settle(call->stm, &call->transfer, done);
}

static void settle_write(struct call *call, bool done)
{
    call->transfer.stream->operations->write_settle(call->stm, &call->transfer, done);
}

/* The first half. The stream is looked for again after each wait, for it may be closed then. */
static long transfer_try(struct call *call, uint64_t key, uint32_t access)
{
    struct transfer *transfer = &call->transfer;

    transfer->stream = stream_find(&call->stm->streams, key);
    transfer->timeout_ns = 0;
    if (transfer->stream == NULL || (transfer->stream->access & access) == 0)
        return -EBADF;
    if (access == STREAM_READ)
        return transfer->stream->operations->read(call, transfer);
    return transfer->stream->operations->write(call, transfer);
}

/* Tries until it need not wait. */
static long transfer_begin(struct call *call, uint64_t key, uint32_t access)
{
    struct transfer *transfer = &call->transfer;

    for (;;) {
        long result = transfer_try(call, key, access);
        struct stream_object *object;

        if (result != -EAGAIN || !transfer->waits)
            return result;
        object = transfer->stream->object;
        result = call_wait(call, access == STREAM_READ ? &object->readers : &object->writers,
                           transfer->timeout_ns);
        if (result != 0 && result != -ETIMEDOUT)
            return result;
        transfer->expired = result == -ETIMEDOUT;
    }
}

static KnResult op_read(void *server, const struct idl_context *context,
                        const struct stm_read_in *in, struct stm_read_out *out)
{
    struct call *call = server;
    long result;

    (void)context;
    call->transfer = (struct transfer){.who = &in->who,
                                       .bytes = MIN(in->count, out->data_room),
                                       .waits = in->wait != 0};
    result = transfer_begin(call, in->key, STREAM_READ);
    if (result < 0)
        return result_of(result);
    out->data = (void *)call->transfer.data;
    out->data_bytes = (uint32_t)result;
    call->settle = settle_read;
    return K_OK;
}

static KnResult op_write(void *server, const struct idl_context *context,
                         const struct stm_write_in *in, struct stm_write_out *out)
{
    struct call *call = server;
    long result;

    (void)context;
    call->transfer =
        (struct transfer){.who = &in->who, .bytes = in->data_bytes, .waits = in->wait != 0};
    result = transfer_begin(call, in->key, STREAM_WRITE);
    if (result < 0)
        return result_of(result);
    out->count = (uint32_t)result;
    call->settle = settle_write;
    return K_OK;
}

/* ---- Counters -------------------------------------------------------------------------------- */

static KnResult op_counter(void *server, const struct idl_context *context,
                           const struct stm_counter_in *in, struct stm_counter_out *out)
{
    struct call *call = server;
    int status = counter_open(call, in);

    (void)context;
    if (status == 0)
        out->key = call->opened[0]->key;
    return result_of(status);
}

static KnResult op_timer(void *server, const struct idl_context *context,
                         const struct stm_timer_in *in, struct stm_timer_out *out)
{
    struct call *call = server;

    (void)context;
    return result_of(counter_timer(call->stm, in, out));
}

/* ---- Epolls ---------------------------------------------------------------------------------- */

static KnResult op_epoll(void *server, const struct idl_context *context, struct stm_epoll_out *out)
{
    struct call *call = server;
    int status = epoll_open(call);

    (void)context;
    if (status == 0)
        out->key = call->opened[0]->key;
    return result_of(status);
}

static KnResult op_epoll_control(void *server, const struct idl_context *context,
                                 const struct stm_epoll_control_in *in)
{
    struct call *call = server;

    (void)context;
    return result_of(epoll_control(call->stm, in));
}

static KnResult op_epoll_wait(void *server, const struct idl_context *context,
                              const struct stm_epoll_wait_in *in, struct stm_epoll_wait_out *out)
{
    (void)context;
    return result_of(epoll_wait(server, in, out));
}

/* ---- The rest -------------------------------------------------------------------------------- */

static KnResult op_poll(void *server, const struct idl_context *context,
                        const struct stm_poll_in *in, struct stm_poll_out *out)
{
    (void)context;
    return result_of(poll_streams(server, in, out));
}

static KnResult op_ioctl(void *server, const struct idl_context *context,
                         const struct stm_ioctl_in *in, struct stm_ioctl_out *out)
{
    struct call *call = server;
    struct stream *stream = stream_find(&call->stm->streams, in->key);

    (void)context;
    if (stream == NULL)
        return idl_errno(EBADF);
    return result_of(stream->operations->ioctl(call, stream, in, out));
}

static KnResult op_stat(void *server, const struct idl_context *context,
                        const struct stm_stat_in *in, struct stm_stat_out *out)
{
    struct call *call = server;
    const struct stream *stream = stream_find(&call->stm->streams, in->key);

    (void)context;
    if (stream == NULL)
        return idl_errno(EBADF);
    stream->operations->stat(stream, out);
    return K_OK;
}

static KnResult op_started(void *server, const struct idl_context *context)
{
    (void)context;
    return result_of(channel_started(server));
}

static KnResult op_finish(void *server, const struct idl_context *context,
                          const struct stm_finish_in *in)
{
    (void)context;
    return result_of(channel_finish(server, in));
}

static KnResult op_session_end(void *server, const struct idl_context *context,
                               const struct stm_session_end_in *in)
{
    struct call *call = server;

    (void)context;
    terminal_session_end(call->stm, in->session);
    return K_OK;
}

const struct stm_server_ops stm_operations = {
    .pipe = op_pipe,
    .stream = op_stream,
    .fifo = op_fifo,
    .tty = op_tty,
    .hold = op_hold,
    .close = op_close,
    .read = op_read,
    .write = op_write,
    .poll = op_poll,
    .ioctl = op_ioctl,
    .stat = op_stat,
    .started = op_started,
    .finish = op_finish,
    .session_end = op_session_end,
    .counter = op_counter,
    .timer = op_timer,
    .epoll = op_epoll,
    .epoll_control = op_epoll_control,
    .epoll_wait = op_epoll_wait,
};
