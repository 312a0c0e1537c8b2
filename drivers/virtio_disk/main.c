/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: workers that serve idl/disk.idl at SERVICE_DISK of the device's number. Each worker
 * has one buffer for request and reply, which is the memory of its request at the device: no
 * operation has data both ways.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "disk.h"
#include "kit/assert.h"
#include "server/server.h"
#include "service/service.h"

_Static_assert(DISK_REQUEST_BODY_MAX <= DISK_TRANSFER_BYTES, "a worker's buffer holds a request");
_Static_assert(DISK_REPLY_BODY_MAX <= DISK_TRANSFER_BYTES, "and a reply");

#define ANSWER_NS UINT64_C(10000000000)

struct virtio_disk_state;

struct worker {
    struct virtio_disk_state *state;
    struct disk *disk;
    struct request *request;
    struct server server;
};

struct virtio_disk_state {
    struct disk disk;
    struct worker worker[DISK_REQUESTS];
    uint32_t ended; /* 1: a worker can no more */
};

/* ---- Operations ------------------------------------------------------------------------------ */

static KnResult serve_geometry(void *server, const struct idl_context *context,
                               struct disk_geometry_out *out)
{
    const struct disk *disk = ((struct worker *)server)->disk;

    (void)context;
    out->sectors = disk->sectors;
    out->block_bytes = disk->block_bytes;
    out->read_only = disk->read_only;
    out->flush_needed = disk->has_flush;
    return K_OK;
}

static KnResult serve_read(void *server, const struct idl_context *context,
                           const struct disk_read_in *in, struct disk_read_out *out)
{
    struct worker *worker = server;
    struct request *request = worker->request;

    (void)context;
    ASSERT((VmAddr)out->data == worker->disk->data[request->tag].address);
    if (in->count > out->data_room)
        return K_EINVAL;
    request->kind = REQUEST_READ;
    request->sector = in->sector;
    request->bytes = in->count;
    request->class = in->class;
    request->deadline_ns = in->deadline_ns;
    request->owner = in->owner;
    out->data_bytes = in->count;
    return disk_run(worker->disk, request);
}

static KnResult serve_write(void *server, const struct idl_context *context,
                            const struct disk_write_in *in)
{
    struct worker *worker = server;
    struct request *request = worker->request;

    (void)context;
    ASSERT((VmAddr)in->data == worker->disk->data[request->tag].address);
    request->kind = REQUEST_WRITE;
    request->sector = in->sector;
    request->bytes = in->data_bytes;
    request->class = in->class;
    request->deadline_ns = in->deadline_ns;
    request->owner = in->owner;
    return disk_run(worker->disk, request);
}

static KnResult serve_flush(void *server, const struct idl_context *context,
                            const struct disk_flush_in *in)
{
    struct worker *worker = server;
    struct request *request = worker->request;

    (void)context;
    request->kind = REQUEST_FLUSH;
    request->sector = 0;
    request->bytes = 0;
    request->class = in->class;
    request->deadline_ns = in->deadline_ns;
    request->owner = in->owner;
    return disk_run(worker->disk, request);
}

static const struct disk_server_ops operations = {
    .geometry = serve_geometry,
    .read = serve_read,
    .write = serve_write,
    .flush = serve_flush,
};

/* ---- Workers --------------------------------------------------------------------------------- */

/* What a mapper reads before it can write a page out must come even if no memory is left but the
 * reserve: so the workers are of the paging path, as if the port were a mapper's. */
static KnResult join_paging_path(int32_t li)
{
    KnCap port = {.key = 0};
    KnResult status = portUi(li, &port.ui);

    return status == K_OK ? svMapper(&port, ANSWER_NS) : status;
}

static void work(uintptr_t argument)
{
    struct worker *worker = (struct worker *)argument;
    void *buffer = (void *)worker->disk->data[worker->request->tag].address;
    const struct server_buffers buffers = {buffer, DISK_TRANSFER_BYTES, buffer,
                                           DISK_TRANSFER_BYTES};
    KnResult status = join_paging_path(worker->server.port[0].li);

    if (status == K_OK)
        status = server_work(&worker->server, &buffers);
    log_print("virtio_disk: a worker ends: %s\n", strSysError(status));
    __atomic_store_n(&worker->state->ended, 1, __ATOMIC_RELEASE);
    (void)syncWake((VmAddr)&worker->state->ended, UINT32_MAX);
}

static KnResult workers_start(struct virtio_disk_state *state, int32_t li, uint32_t count)
{
    KnSchedParms sched;
    KnResult status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);

    ASSERT(count > 0 && count <= DISK_REQUESTS);
    for (uint32_t i = 0; i < count && status == K_OK; i++) {
        struct worker *worker = &state->worker[i];

        worker->state = state;
        worker->disk = &state->disk;
        worker->request = &state->disk.schedule.request[i];
        server_init(&worker->server);
        status = server_add(&worker->server, li, disk_service(&operations, worker));
        if (status == K_OK)
            status = thread_launch(NULL, work, (uintptr_t)worker, 0, &sched);
    }
    return status;
}

static KnResult start(struct virtio_disk_state *state, uintptr_t argument)
{
    uint32_t device = SERVICE_ARGUMENT_DEVICE(argument),
             threads = SERVICE_ARGUMENT_THREADS(argument);
    KnResult status = device < SERVICE_DISKS ? K_OK : K_EINVAL, li;

    if (threads == 0 || threads > DISK_REQUESTS)
        threads = DISK_REQUESTS;
    if (status == K_OK)
        status = disk_open(&state->disk, device);
    if (status != K_OK)
        return status;
    li = service_declare(SERVICE_DISK(device));
    if (li < 0)
        return li;
    status = workers_start(state, (int32_t)li, threads);
    if (status == K_OK)
        status = service_ready();
    return status == K_EUNKNOWN ? K_OK : status; /* no boot: something else started us */
}

static void virtio_disk_main(struct virtio_disk_state *state, uintptr_t argument)
{
    KnResult status = start(state, argument);

    while (status == K_OK && __atomic_load_n(&state->ended, __ATOMIC_ACQUIRE) == 0)
        (void)syncWait((VmAddr)&state->ended, 0, K_NOTIMEOUT, 0);
    if (status != K_OK)
        log_print("virtio_disk: disk %u: %s\n", SERVICE_ARGUMENT_DEVICE(argument),
                  strSysError(status));
    virtio_close(&state->disk.device);
}

ACTOR_PROGRAM(virtio_disk, struct virtio_disk_state, virtio_disk_main);
