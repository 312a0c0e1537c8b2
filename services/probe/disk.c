/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe's use of disks; see probe.h. */
#include "chorus/calls.h"
#include "chorus/thread.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "probe.h"

KnResult probe_disk(struct idl_client *client, uint64_t index)
{
    if (index >= SERVICE_DISKS)
        return K_EINVAL;
    return service_client(client, SERVICE_DISK(index), NULL, 0);
}

static uint8_t byte_of(uint64_t sector, uint64_t at, uint64_t seed)
{
    return (uint8_t)(seed + sector * 7 + at * 13 + (at >> 8));
}

KnResult probe_write(uint8_t *data, uint64_t disk, uint64_t sector, uint64_t count, uint64_t seed)
{
    struct disk_write_in in = {.sector = sector, .class = DISK_DATA, .data = data};
    struct idl_client client;
    KnResult status = probe_disk(&client, disk);

    if (status != K_OK)
        return status;
    if (count > DISK_TRANSFER_BYTES / DISK_SECTOR_BYTES)
        return K_ETOOMUCH;
    in.data_bytes = (uint32_t)count * DISK_SECTOR_BYTES;
    for (uint32_t at = 0; at < in.data_bytes; at++)
        data[at] = byte_of(sector, at, seed);
    return disk_write(&client, &in);
}

KnResult probe_read(uint8_t *data, uint64_t disk, uint64_t sector, uint64_t count, uint64_t seed)
{
    struct disk_read_in in = {.sector = sector, .class = DISK_DATA};
    struct disk_read_out out = {.data_room = DISK_TRANSFER_BYTES};
    struct idl_client client;
    KnResult status = probe_disk(&client, disk);

    if (status != K_OK)
        return status;
    out.data = data;
    in.count = (uint32_t)MIN(count * DISK_SECTOR_BYTES, (uint64_t)UINT32_MAX);
    status = disk_read(&client, &in, &out);
    if (status != K_OK)
        return status;
    if (out.data_bytes != in.count)
        return K_ELOST;
    for (uint32_t at = 0; at < out.data_bytes; at++)
        if (data[at] != byte_of(sector, at, seed))
            return K_ELOST;
    return K_OK;
}

KnResult probe_flush(uint64_t disk)
{
    const struct disk_flush_in in = {.class = DISK_DATA};
    struct idl_client client;
    KnResult status = probe_disk(&client, disk);

    return status == K_OK ? disk_flush(&client, &in) : status;
}

/* ---- Storm ----------------------------------------------------------------------------------- */

static void storm(uintptr_t argument)
{
    struct storm_thread *thread = (struct storm_thread *)argument;
    struct probe *probe = thread->probe;
    KnResult status = K_OK, given;

    for (uint64_t round = 0; round < probe->storm_rounds && status == K_OK; round++) {
        uint64_t count = 1 + (thread->number + round) % STORM_SECTORS;
        uint64_t sector = (uint64_t)thread->number * STORM_SECTORS;

        status = probe_write(thread->data, probe->storm_disk, sector, count, round);
        if (status == K_OK)
            status = probe_read(thread->data, probe->storm_disk, sector, count, round);
    }
    thread->status = status;
    given = semV(&probe->storm_done);
    ASSERT(given == K_OK);
}

KnResult probe_storm(struct probe *probe, uint64_t disk, uint64_t rounds)
{
    uint32_t started = 0;
    KnResult status = semInit(&probe->storm_done, 0), done = K_OK;

    probe->storm_disk = disk;
    probe->storm_rounds = rounds;
    while (started < STORM_THREADS && status == K_OK) {
        struct storm_thread *thread = &probe->storm[started];

        thread->probe = probe;
        thread->number = started;
        status = thread_launch(NULL, storm, (uintptr_t)thread, 0, NULL);
        started += status == K_OK;
    }
    ASSERT(started <= STORM_THREADS);
    for (uint32_t i = 0; i < started && done == K_OK; i++)
        done = semP(&probe->storm_done, K_NOTIMEOUT);
    for (uint32_t i = 0; i < started && status == K_OK; i++)
        status = probe->storm[i].status;
    return status == K_OK ? done : status;
}
